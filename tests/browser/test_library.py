"""The library as it is used: most clicks there redraw only the list."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import WAIT_MS, Served, drawn

pytestmark = pytest.mark.browser


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_MS / 1000
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_document_is_added_deleted_and_brought_back(page: Page, served: Served, handbook: Path) -> None:
    page.goto(f"{served.url}/library")
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(handbook)
    row = page.get_by_role("heading", name="handbook.pdf")
    expect(row).to_be_visible()
    expect(page.locator(".state.ready")).to_have_count(1)
    expect(page.get_by_text("3 pages")).to_be_visible()

    drawn(page)
    page.get_by_role("button", name="Actions for handbook.pdf").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(row).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(row).to_be_visible()


def test_a_file_that_cannot_be_read_says_why_and_stays_listed(page: Page, served: Served, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7\nthis is no PDF")
    page.goto(f"{served.url}/library")
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(broken)
    expect(page.locator(".state.failed")).to_have_text("Failed")
    expect(page.locator(".reason")).to_contain_text(".")


def test_a_file_dropped_twice_is_told_to_be_there(page: Page, served: Served, handbook: Path) -> None:
    page.goto(f"{served.url}/library")
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(handbook)
    expect(page.get_by_text("handbook.pdf is in the library already")).to_be_visible()


def test_a_document_is_tagged_turned_off_and_moved_each_with_a_way_back(
    page: Page, served: Served, tmp_path: Path
) -> None:
    (tmp_path / "ferry.txt").write_text("The ferry leaves the north pier at noon.")
    page.goto(f"{served.url}/library")
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(tmp_path / "ferry.txt")
    row = page.locator(".document", has_text="ferry.txt")
    expect(row.locator(".state.ready")).to_be_visible()

    def choose(action: str) -> None:
        drawn(page)
        menu = page.get_by_role("button", name="Actions for ferry.txt")
        expect(menu).to_have_count(1)  # a list just drawn anew may still hold the old one too
        menu.click()
        page.get_by_role("menuitem", name=action).click()

    choose("Tags…")
    field = page.get_by_role("dialog").get_by_role("combobox")
    field.fill("timetable")
    field.press("Enter")
    until(lambda: "timetable" in page.request.get(f"{served.url}/api/documents").text())
    page.keyboard.press("Escape")  # closes the list of tags
    page.keyboard.press("Escape")  # closes the dialog
    expect(row.get_by_role("listitem")).to_have_text("timetable")

    choose("Disable")
    expect(row.locator(".state.off")).to_have_text("Disabled")
    page.get_by_role("button", name="Undo").click()
    expect(row.locator(".state.ready")).to_be_visible()

    choose("Move to…")
    field = page.get_by_role("dialog").get_by_role("combobox")
    field.fill("travel")
    field.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Move").click()
    expect(row).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(row).to_be_visible()


def test_the_files_of_a_watched_folder_come_change_and_go_by_themselves(
    page: Page, served: Served, tmp_path: Path
) -> None:
    note = tmp_path / "note.txt"
    note.write_text("The lamp is lit at dusk.")
    page.goto(f"{served.url}/library")
    page.get_by_text("Watch a folder").click()
    page.get_by_label("Folder on the computer").fill(str(tmp_path))
    page.get_by_role("button", name="Watch", exact=True).click()
    row = page.locator(".document", has_text="note.txt")
    expect(row.locator(".state.ready")).to_be_visible()
    note.unlink()
    expect(row).to_have_count(0)
    note.write_text("The lamp is lit at dusk.")
    expect(row.locator(".state.ready")).to_be_visible()
    page.get_by_role("button", name="Stop watching").click()
    expect(page.get_by_text("is not watched any more")).to_be_visible()
    expect(row).to_be_visible()
