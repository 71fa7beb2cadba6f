from __future__ import annotations

import pytest

from citewise.answer.locators import Layout, line_breaks, locator
from citewise.types import PageSpan, Place

PDF_PAGES = Layout("application/pdf", (PageSpan(1, 0, 100), PageSpan(2, 100, 200), PageSpan(3, 200, 300)))
SLIDES = Layout(
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    (PageSpan(1, 0, 50), PageSpan(2, 50, 120)),
    (Place(0, 10, "Title 1"), Place(12, 50, "Content 2"), Place(50, 60, "Title 1"), Place(62, 120, "Notes")),
)
SHEET = Layout(
    "application/vnd.ms-excel",
    places=(
        Place(0, 10, "Budget", "A1:C1"),
        Place(11, 20, "Budget", "A2:AB2"),
        Place(21, 30, "Budget", "B3"),
        Place(40, 50, "Q1 '24", "A1:B1"),
    ),
)
MAIL = Layout("message/rfc822", places=tuple(Place(10 * n, 10 * n + 9, f"Attachment {n}.pdf") for n in range(5)))


@pytest.mark.parametrize(
    ("layout", "start", "end", "expected"),
    [
        (PDF_PAGES, 110, 190, "page 2"),
        (PDF_PAGES, 90, 101, "pages 1–2"),
        (PDF_PAGES, 100, 200, "page 2"),
        (SLIDES, 0, 8, "slide 1 · Title 1"),
        (SLIDES, 5, 20, "slide 1 · Title 1, Content 2"),
        (SLIDES, 20, 70, "slides 1–2"),
        (SHEET, 0, 10, "Budget!A1:C1"),
        (SHEET, 12, 15, "Budget!A2:AB2"),
        (SHEET, 5, 25, "Budget!A1:AB3"),
        (SHEET, 22, 24, "Budget!B3"),
        (SHEET, 22, 45, "Budget!B3, 'Q1 ''24'!A1:B1"),
        (MAIL, 11, 14, "Attachment 1.pdf"),
        (MAIL, 11, 24, "Attachment 1.pdf, Attachment 2.pdf"),
        (MAIL, 0, 49, "Attachment 0.pdf … Attachment 4.pdf"),
    ],
)
def test_a_locator_names_the_place_in_the_original(layout: Layout, start: int, end: int, expected: str) -> None:
    assert locator(layout, start, end) == expected


@pytest.mark.parametrize(("quote", "expected"), [("two", "line 2"), ("two\nthree", "lines 2–3"), ("one\n", "line 1")])
def test_lines_are_those_of_the_file(quote: str, expected: str) -> None:
    text = "one\ntwo\nthree\n"
    layout = Layout("text/plain", breaks=line_breaks(text))
    start = text.index(quote)
    assert locator(layout, start, start + len(quote)) == expected


def test_rows_of_a_table_without_a_sheet_have_their_cells_alone() -> None:
    layout = Layout("text/csv", places=(Place(0, 5, "", "A2:C2"), Place(6, 9, "", "A3:C3")))
    assert locator(layout, 0, 9) == "A2:C3"


def test_headings_stand_in_where_nothing_else_is_known() -> None:
    assert locator(Layout("text/html"), 0, 9, headings=("Travel", "Meals")) == "Travel › Meals"
    assert locator(Layout("text/html"), 0, 9) == ""
    assert locator(PDF_PAGES, 0, 9, headings=("Travel",)) == "page 1"
