"""What may happen while an answer is written and after, with documents there already."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Served, downloaded
from tests.fake_models import FakeModels

pytestmark = pytest.mark.browser

Ask = Callable[[str], None]


@pytest.fixture(autouse=True)
def opened(page: Page, served: Served, handbook: Path) -> None:
    """A page with the handbook in the library."""
    page.goto(served.url)
    with urllib.request.urlopen(f"{served.url}/api/documents") as response:
        known = json.load(response)["documents"]
    if not known:
        page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(handbook)
    expect(page.get_by_text("What would you like to know?")).to_be_visible()


@pytest.fixture
def quick(models: FakeModels) -> Iterator[None]:
    """Answers without waiting, for what comes after them."""
    before, models.delay_s = models.delay_s, 0.0
    yield
    models.delay_s = before


def finished(page: Page) -> None:
    expect(page.get_by_text("How this was found")).to_be_visible()


def test_a_second_tab_sees_the_same_answer_and_both_finish_it(
    page: Page, context: BrowserContext, ask: Ask, models: FakeModels
) -> None:
    before = len(models.requests)
    ask("How many people does the hut sleep?")
    expect(page.locator(".answer")).to_contain_text(re.compile(r"\w"))
    second = context.new_page()
    second.goto(page.url)
    finished(page)
    finished(second)
    expect(second.locator(".answer")).to_have_text(page.locator(".answer").inner_text(), use_inner_text=True)
    assert len(models.requests) == before + 1


def test_clicks_elsewhere_leave_an_answer_running(page: Page, ask: Ask, models: FakeModels) -> None:
    before = len(models.requests)
    ask("When does the boat leave?")
    expect(page.locator(".answer")).to_contain_text(re.compile(r"\w"))
    page.get_by_role("link", name="Library").click()
    expect(page.get_by_role("heading", name="Library")).to_be_visible()
    page.get_by_role("link", name="Chat").click()
    finished(page)
    expect(page.get_by_role("heading", name="When does the boat leave?", level=2)).to_be_visible()
    assert len(models.requests) == before + 1


def test_stop_keeps_what_was_written(page: Page, ask: Ask) -> None:
    ask("When are receipts handed in?")
    expect(page.locator(".answer")).to_contain_text(re.compile(r"\w"))
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_test_id("stAlert").get_by_text("You stopped this answer")).to_be_visible()
    expect(page.locator(".answer")).to_contain_text(re.compile(r"\w"))
    kept = page.locator(".answer").inner_text()
    assert kept
    page.reload()
    expect(page.get_by_test_id("stAlert").get_by_text("You stopped this answer")).to_be_visible()
    expect(page.locator(".answer")).to_have_text(kept, use_inner_text=True)


@pytest.mark.usefixtures("quick")
def test_sources_can_be_walked_through_and_the_original_had(page: Page, ask: Ask, handbook: Path) -> None:
    ask("When are blankets washed?")
    finished(page)
    page.get_by_role("button", name=re.compile(r"^\[1\] handbook\.pdf, page \d$")).click()
    panel = page.locator(".st-key-source_panel")
    expect(panel).to_contain_text("Source 1 of 2")
    panel.get_by_role("button", name="Next source").click()
    expect(panel).to_contain_text("Source 2 of 2")
    download = downloaded(page, panel.get_by_role("button", name="Download the original"))
    assert download.path().read_bytes() == handbook.read_bytes()
    panel.get_by_role("button", name="Close source").click()
    expect(panel).to_have_count(0)


@pytest.mark.usefixtures("quick")
def test_on_a_phone_the_source_covers_the_answer_and_gives_the_focus_back(page: Page, ask: Ask) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    ask("Who lands in fog?")
    finished(page)
    chip = page.get_by_role("button", name=re.compile("^Open source 1:"))
    chip.click()
    panel = page.locator(".st-key-source_panel")
    expect(panel.locator("mark").first).to_be_in_viewport()
    box = panel.bounding_box()
    assert box is not None
    assert box["width"] == 390
    assert panel.evaluate("panel => panel.contains(document.activeElement)")
    panel.get_by_role("button", name="Close source").click()
    expect(panel).to_have_count(0)
    expect(chip).to_be_focused()


@pytest.mark.usefixtures("quick")
def test_what_documents_and_models_write_is_never_markup(page: Page, ask: Ask, tmp_path: Path) -> None:
    hostile = tmp_path / "zebra <img src=x> $1$ :smile:.txt"
    hostile.write_text(
        "Zebras ![x](http://evil.test/a.png) [y](http://evil.test) <img src=http://evil.test/b.png> "
        "<script>fetch('http://evil.test')</script> http://evil.test $a$ and $b$ are striped."
    )
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(hostile)
    expect(page.get_by_text("2 documents ready")).to_be_visible()
    ask("Are zebras striped?")
    finished(page)
    answer = page.locator(".answer")
    expect(answer).to_contain_text("![x](http://evil.test/a.png)")
    assert answer.locator("img, a, script, iframe, .katex").count() == 0
    page.get_by_role("button", name=re.compile(r"^\[\d\] zebra")).click()
    panel = page.locator(".st-key-source_panel")
    expect(panel.locator("mark").first).to_contain_text("<script>")
    assert panel.locator(".source-head, .passage").locator("img, a, script").count() == 0
    # The fixture of the page fails if any request went to another host.


def test_an_unknown_address_says_so_and_offers_a_new_chat(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/?c=nowhere")
    expect(page.get_by_text("There is no conversation named")).to_be_visible()
    expect(page.get_by_test_id("stChatInputTextArea")).to_be_enabled()


def test_a_new_question_comes_into_view_and_the_reader_may_scroll_away(
    page: Page, ask: Ask, models: FakeModels
) -> None:
    page.set_viewport_size({"width": 1024, "height": 420})
    before, models.delay_s = models.delay_s, 0.0
    for number in range(3):
        ask(f"What about boats, time {number}?")
        expect(page.get_by_role("heading", name=f"time {number}?", level=2)).to_be_in_viewport()
        expect(page.get_by_text("How this was found")).to_have_count(number + 1)
    models.delay_s = before
    ask("And at last?")
    expect(page.get_by_role("heading", name="And at last?", level=2)).to_be_in_viewport()
    page.get_by_test_id("stMain").hover()
    page.mouse.wheel(0, -2000)
    first = page.get_by_role("heading", name="time 0?", level=2)
    expect(first).to_be_in_viewport()
    expect(page.get_by_text("How this was found")).to_have_count(4)
    expect(first).to_be_in_viewport()
