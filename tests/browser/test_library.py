"""The library as it is used: most clicks there redraw only the list."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import WAIT_MS, Served

pytestmark = pytest.mark.browser


def test_a_document_is_added_deleted_and_brought_back(page: Page, served: Served, handbook: Path) -> None:
    page.goto(f"{served.url}/library")
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(handbook)
    row = page.get_by_role("heading", name="handbook.pdf")
    expect(row).to_be_visible(timeout=WAIT_MS)
    expect(page.locator(".state.ready")).to_have_count(1, timeout=WAIT_MS)
    expect(page.get_by_text("3 pages")).to_be_visible()

    page.get_by_role("button", name="Actions for handbook.pdf").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(row).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(row).to_be_visible(timeout=WAIT_MS)


def test_a_file_that_cannot_be_read_says_why_and_stays_listed(page: Page, served: Served, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7\nthis is no PDF")
    page.goto(f"{served.url}/library")
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(broken)
    expect(page.locator(".state.failed")).to_have_text("Failed", timeout=WAIT_MS)
    expect(page.locator(".reason")).to_contain_text(".")


def test_a_file_dropped_twice_is_told_to_be_there(page: Page, served: Served, handbook: Path) -> None:
    page.goto(f"{served.url}/library")
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(handbook)
    expect(page.get_by_text("handbook.pdf is in the library already")).to_be_visible(timeout=WAIT_MS)
