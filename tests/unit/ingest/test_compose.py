from __future__ import annotations

import pytest

from citewise.ingest.parse.compose import Composer, row_cells, table_row
from citewise.types import ParsedDocument
from tests.unit.ingest.checks import assert_anchored


def finished(composer: Composer) -> ParsedDocument:
    document = composer.document(media_type="text/plain", source="made.txt")
    assert_anchored(document)
    return document


def said(document: ParsedDocument) -> list[tuple[str, str, str]]:
    return [(document.text[place.start : place.end], place.part, place.cells) for place in document.places]


@pytest.mark.parametrize(
    "cells", [["a", "b"], ["", "b", ""], ["a", "", "", "d"], ["a|b", "|", "x"], ["one"], ["", "", "x"], ["a", "b|"]]
)
def test_the_cells_of_a_row_are_found_again(cells: list[str]) -> None:
    assert row_cells(table_row(cells)) == cells


def test_a_row_is_one_line_whatever_its_cells_hold() -> None:
    assert table_row(["two\nlines", "a | b", " x\x00 "]) == "two lines | a|b | x\ufffd"
    assert table_row([" ", "\n"]) == ""


def test_a_table_keeps_its_header_and_its_caption() -> None:
    composer = Composer()
    composer.add_table(
        [["", "2019", "2018"], ["", "$", "$"], ["", "", ""], ["Sales", "5", "4"]],
        header_rows=2,
        caption="Table 1: Sales",
    )
    document = finished(composer)
    assert document.text == "Table 1: Sales\n\n| 2019 | 2018\n| $ | $\nSales | 5 | 4"
    caption, table = document.blocks
    assert (caption.kind, table.kind) == ("caption", "table")
    assert (table.caption, table.header) == ("Table 1: Sales", "| 2019 | 2018\n| $ | $")
    assert document.report.tables == 1


def test_a_caption_that_was_written_already_is_not_written_twice() -> None:
    composer = Composer()
    composer.add("caption", "Table 1: Sales")
    composer.add_table([["a", "b"]], caption="Table 1: Sales")
    document = finished(composer)
    assert document.text == "Table 1: Sales\n\na | b"
    assert document.blocks[1].caption == "Table 1: Sales"


def test_a_caption_below_its_table_is_the_callers_to_write() -> None:
    composer = Composer()
    composer.add_table([["a", "b"]], caption="Table 1: Sales", caption_below=True)
    composer.add("caption", "Table 1: Sales")
    document = finished(composer)
    assert document.text == "a | b\n\nTable 1: Sales"
    assert document.blocks[0].caption == "Table 1: Sales"


def test_a_table_without_any_text_is_none() -> None:
    composer = Composer()
    composer.add_table([["", " "], []], header_rows=1, caption="Nothing")
    assert composer.text == ""


def test_every_row_of_a_sheet_is_a_place() -> None:
    composer = Composer()
    composer.add("heading", "Budget")
    with composer.place("Budget"):
        composer.add_table([["Item", "Cost"], ["", ""], ["Tea", "3"]], cells=["A1:B1", "A2:B2", "A3:B3"])
        composer.add("paragraph", "A note.")
        composer.add("paragraph", "Another.")
    composer.add("paragraph", "Elsewhere.")
    assert said(finished(composer)) == [
        ("Item | Cost", "Budget", "A1:B1"),
        ("Tea | 3", "Budget", "A3:B3"),
        ("A note.\n\nAnother.", "Budget", ""),
    ]


def test_places_within_places_name_both() -> None:
    composer = Composer()
    with composer.place("Attachment a.xlsx"):
        composer.add("paragraph", "Before.")
        with composer.place("Sheet1", "B2"):
            composer.add("paragraph", "Inside.")
        composer.add("paragraph", "After.")
    assert said(finished(composer)) == [
        ("Before.", "Attachment a.xlsx", ""),
        ("Inside.", "Attachment a.xlsx, Sheet1", "B2"),
        ("After.", "Attachment a.xlsx", ""),
    ]


def test_slides_are_pages_the_empty_ones_too() -> None:
    composer = Composer()
    composer.page(1, images=2)
    composer.page(2)
    with composer.place("Title 1"):
        composer.add("heading", "Boats")
    with composer.place("Table 2"):
        composer.add_table([["a", "b"]])
    composer.page(3)
    composer.add("list_item", "One")
    composer.page(4)
    document = finished(composer)
    assert [document.text[page.start : page.end] for page in document.pages] == ["", "Boats\n\na | b", "One", ""]
    assert [block.page for block in document.blocks] == [2, 2, 3]
    assert [(each.characters, each.tables, each.images) for each in document.report.pages] == [
        (0, 0, 2),
        (8, 1, 0),
        (3, 0, 0),
        (0, 0, 0),
    ]
    assert document.report.images == 2
    assert said(document) == [("Boats", "Title 1", ""), ("a | b", "Table 2", "")]


def test_items_of_one_list_stay_apart_on_two_pages() -> None:
    composer = Composer()
    composer.page(1)
    composer.add("list_item", "One")
    composer.add("list_item", "Two")
    composer.page(2)
    composer.add("list_item", "Three")
    assert finished(composer).text == "One\nTwo\n\nThree"


def test_a_document_goes_into_another_with_its_places() -> None:
    sheet = Composer()
    sheet.add("heading", "Prices")
    with sheet.place("Sheet1"):
        sheet.add_table([["Tea", "3"]], cells=["A1:B1"])
    slides = Composer()
    slides.page(1)
    slides.add("paragraph", "Slide one.")
    slides.page(2)
    slides.add("paragraph", "Slide two.")
    note = Composer()
    note.add("paragraph", "A note.")
    mail = Composer()
    mail.add("heading", "Offer")
    for name, part in (("a.xlsx", sheet), ("b.pptx", slides), ("c.txt", note)):
        with mail.place(f"Attachment {name}"):
            mail.add_document(finished(part))
    mail.add("paragraph", "Bye.")
    document = finished(mail)
    assert said(document) == [
        ("Tea | 3", "Attachment a.xlsx, Sheet1", "A1:B1"),
        ("Slide one.", "Attachment b.pptx, page 1", ""),
        ("Slide two.", "Attachment b.pptx, page 2", ""),
        ("A note.", "Attachment c.txt", ""),
    ]
    table = next(block for block in document.blocks if block.kind == "table")
    assert table.headings == ("Offer", "Prices")
    assert document.text.endswith("A note.\n\nBye.")


def test_code_keeps_the_indentation_of_its_first_line() -> None:
    composer = Composer()
    composer.add("code", "\n    one\n  two\n")
    assert finished(composer).text == "    one\n  two"


def test_a_document_says_what_was_not_read() -> None:
    document = Composer().document(media_type="text/plain", source="a", unread=["The rest."], left_out=["Comments."])
    assert document.report.unread == ("The rest.",)
    assert document.report.incomplete
