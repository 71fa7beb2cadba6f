"""The index page as it is used: work is started, watched, and over, and the page says so by itself."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Served, drawn

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def opened(page: Page, served: Served, handbook: Path) -> None:
    """The index page, with the handbook in the library."""
    page.goto(f"{served.url}/library")
    empty = page.get_by_text("Nothing here yet")
    expect(empty.or_(page.locator(".state.ready"))).to_be_visible()
    if empty.count():  # the server outlives a test
        page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(handbook)
    expect(page.locator(".state.ready")).to_have_count(1)
    page.get_by_role("link", name="Index").click()
    expect(page.get_by_role("heading", name="The index is whole")).to_be_visible()
    drawn(page)


def test_a_rebuild_is_started_watched_and_told(page: Page) -> None:
    serving = page.locator(".generations tr", has_text="Serves since").locator("code")
    before = serving.inner_text()
    page.get_by_role("button", name="Rebuild").click()
    expect(page.locator(".work")).to_contain_text("written to new files and verified")
    expect(page.get_by_text("Rebuild: ").first).to_be_visible()
    expect(page.locator(".job")).to_have_count(0)
    expect(serving).not_to_have_text(before)
    expect(page.get_by_role("button", name="Roll back")).to_be_enabled()


def test_embedding_anew_is_compared_and_switched_to_with_the_keyboard(page: Page) -> None:
    page.get_by_role("button", name="Embed anew…").focus()
    page.keyboard.press("Enter")
    model = page.get_by_label("Embedding model", exact=True)
    expect(model).to_be_visible()
    drawn(page)
    page.get_by_role("button", name="Start", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="A new generation waits")).to_be_visible()
    drawn(page)
    expect(page.locator(".pair")).to_have_count(4)
    page.get_by_role("button", name="Switch", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".work")).to_contain_text("Answers come from generation")
    expect(page.get_by_role("heading", name="A new generation waits")).to_have_count(0)


def test_compacting_asks_first_and_a_backup_can_be_had(page: Page) -> None:
    page.get_by_role("button", name="Compact…").click()
    expect(page.get_by_text("There is no removed document to erase.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert any(name.startswith("blobs/") for name in zipfile.ZipFile(download.value.path()).namelist())


def test_the_page_fits_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.get_by_role("button", name="Verify")).to_be_visible()
    main = page.get_by_test_id("stMain")
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
