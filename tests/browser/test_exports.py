"""A conversation taken away as a file and brought back: what is seen is the same."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Served, downloaded, drawn
from tests.fake_models import FakeModels

pytestmark = pytest.mark.browser


def shown(page: Page) -> list[str]:
    """All that an answer shows: its words, chips with their labels, verdicts with their reasons, and its sources."""
    expect(page.get_by_text("How this was found").first).to_be_visible()
    expect(page.locator(".answer button.cite").first).to_be_visible()
    answer = page.locator(".answer").first.inner_html()
    sources = page.locator("[class*='st-key-sources_']").first.inner_text()
    return [answer, sources, page.locator(".checks").first.inner_text()]


def test_an_answer_is_the_same_after_a_reload_and_after_export_and_import(
    *,
    page: Page,
    browser: Browser,
    served: Served,
    handbook: Path,
    models: FakeModels,
    ask: Callable[[str], None],
    tmp_path: Path,
) -> None:
    models.delay_s = 0.0
    page.goto(served.url)
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(handbook)
    expect(page.get_by_text("What would you like to know?")).to_be_visible()
    ask("How many people does the hut sleep?")
    before = shown(page)
    first = page.url
    page.reload()
    assert shown(page) == before

    def export(name: str) -> Path:
        drawn(page)
        page.get_by_role("button", name="Options for").first.click()
        page.get_by_role("menuitem", name="Export").click()
        download = downloaded(page, page.get_by_role("dialog").get_by_role("button", name=name))
        path = tmp_path / download.suggested_filename
        download.save_as(path)
        page.get_by_role("dialog").get_by_role("button", name="Close").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        return path

    exported = export("JSON")
    assert exported.name == "How-many-people-does-the-hut-sleep.json"
    page.get_by_role("button", name="Import a conversation").click()
    page.get_by_role("dialog").get_by_test_id("stFileUploaderDropzoneInput").set_input_files(exported)
    expect(page.get_by_text("stand at their place")).to_be_visible()
    assert page.url != first
    assert shown(page) == before
    page.locator(".answer button.cite").first.click()
    expect(page.locator(".st-key-source_panel")).to_contain_text("Hut handbook")

    # The page that is handed on: nothing is fetched, run or linked.
    written = export("Web page")
    beside = browser.new_context()  # the other one takes no address but the server's
    tab = beside.new_page()
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(written.as_uri())
    expect(tab.get_by_role("heading", name="How many people does the hut sleep?").first).to_be_visible()
    assert asked == [written.as_uri()]
    links = tab.locator("a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert all(link.startswith("#") for link in links)
    assert tab.locator("script, img, iframe, object, link").count() == 0
    tab.locator("sup a").first.click()
    expect(tab.locator("li:target blockquote")).to_contain_text("The hut sleeps twelve people")
    beside.close()

    resolve = f"{served.url}/api/conversations/resolve"
    request = urllib.request.Request(resolve, data=written.read_bytes(), method="POST")
    with urllib.request.urlopen(request) as response:
        found = json.load(response)
    assert found["at_place"] == found["total"] > 0
