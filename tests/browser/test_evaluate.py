"""The evaluate page as it is used: a case is made of an answer, run, watched, looked into, and compared."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Served, downloaded, drawn

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def added(page: Page, served: Served, handbook: Path) -> None:
    """The handbook is in the library."""
    page.goto(f"{served.url}/library")
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(handbook)
    expect(page.locator(".state.ready")).to_have_count(1)


def run(page: Page) -> None:
    button = page.get_by_role("button", name="Run", exact=True)
    expect(button).to_be_enabled()
    rows = page.locator("[class*=st-key-open_run_]")
    before = rows.count()
    button.focus()
    page.keyboard.press("Enter")
    expect(rows).to_have_count(before + 1)
    expect(button).to_be_visible()
    drawn(page)


def test_an_answer_becomes_a_case_that_is_run_and_looked_into(
    page: Page, served: Served, ask: Callable[[str], None]
) -> None:
    page.goto(served.url)
    ask("What is paid for meals on trips?")
    page.get_by_role("button", name="Use as a test case…").click()
    drawn(page)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Keep the test case")).to_be_disabled()
    dialog.get_by_role("checkbox", name="handbook").first.focus()
    page.keyboard.press("Space")
    expect(dialog.get_by_role("button", name="Keep the test case")).to_be_enabled()
    dialog.get_by_role("button", name="Keep the test case").click()
    expect(page.get_by_text("Kept as a test case.")).to_be_visible()

    page.get_by_role("link", name="Evaluate").click()
    expect(page.locator(".own-case")).to_contain_text("What is paid for meals on trips?")
    run(page)
    expect(page.locator(".measure").first).to_be_visible()
    page.get_by_role("radio", name="All (1)").or_(page.get_by_role("button", name="All (1)")).first.click()
    page.locator("[class*=st-key-asked_] summary").first.click()
    expect(page.get_by_text("What was expected")).to_be_visible()
    page.locator("[class*=st-key-hit_] button").first.click()
    expect(page.get_by_role("dialog").locator("mark").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)

    download = downloaded(page, page.get_by_role("button", name="Export"))
    packed = zipfile.ZipFile(io.BytesIO(download.path().read_bytes()))
    assert set(packed.namelist()) == {"qa.jsonl", "docs.jsonl"}


def test_a_second_run_is_compared_with_the_first_on_a_phone(page: Page, served: Served) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{served.url}/evaluate")
    run(page)
    run(page)
    box = page.get_by_role("combobox", name="Compare with")
    box.focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Comparison")).to_be_visible()
    main = page.get_by_test_id("stMain")
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
