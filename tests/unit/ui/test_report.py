from __future__ import annotations

import pytest

from citewise.types import PageReport
from citewise.ui import report


@pytest.mark.parametrize(
    ("page", "state"),
    [
        (PageReport(1, 0, images=1, needs_ocr=True), "unread"),
        (PageReport(1, 90, garbled=True, tables=1), "garbled"),
        (PageReport(1, 90, recognised=True, images=1), "recognised"),
        (PageReport(1, 90, tables=1, images=1), "table"),
        (PageReport(1, 90, images=1), "images"),
        (PageReport(1, 90), "text"),
        (PageReport(1, 0), "blank"),
    ],
)
def test_a_page_is_shown_as_the_gravest_thing_about_it(page: PageReport, state: str) -> None:
    assert report.state_of(page) == state


def test_states_differ_in_more_than_their_colour() -> None:
    letters = [letter for letter, _ in report._STATES.values()]
    assert len(set(letters)) == len(letters)


def test_every_page_has_a_cell_that_says_what_was_read() -> None:
    pages = [PageReport(1, 1240, tables=1, images=2), PageReport(2, 0, needs_ocr=True)]
    first, second = report.cells(pages, noun="page")
    assert (first.letter, first.label) == ("T", "Page 1: 1,240 characters, 1 table, 2 images")
    assert (second.letter, second.label) == ("!", "Page 2: 0 characters, no text that could be read")
    assert report.legend(pages) == [("unread", "!", "1 no text that could be read"), ("table", "T", "1 with tables")]


def test_pages_of_a_long_document_share_cells_that_hide_no_gap() -> None:
    pages = [PageReport(n, 900, needs_ocr=n == 4321) for n in range(1, 5001)]
    found = report.cells(pages, noun="slide")
    assert len(found) == 500
    (bad,) = [cell for cell in found if cell.state == "unread"]
    assert bad.label == "Slides 4321–4330: 1 no text that could be read, 9 text"


def test_rows_of_numbers_are_shortened() -> None:
    assert report.numbers([3, 7, 8, 9, 12]) == "3, 7–9, 12"
