from __future__ import annotations

from pathlib import Path

import pytest

from citewise.errors import IngestError
from citewise.ingest.parse import doc
from citewise.types import ParsedDocument
from tests.unit.ingest.checks import assert_anchored, outline
from tests.unit.ingest.making_office import (
    HEADER_ROW,
    HEADING,
    IN_LIST,
    IN_TABLE,
    ROW_END,
    TITLE,
    Paragraph,
    write_doc,
    write_old_doc,
)
from tests.unit.ingest.making_ole import write_ole


def read(folder: Path, content: bytes) -> ParsedDocument:
    path = folder / "a.doc"
    path.write_bytes(content)
    parsed = doc.parse(path, source="a.doc")
    assert_anchored(parsed)
    return parsed


def test_headings_lists_and_paragraphs_are_told_by_styles_and_properties(tmp_path: Path) -> None:
    parsed = read(
        tmp_path,
        write_doc(
            [
                Paragraph("The plan\r", TITLE),
                Paragraph("Power\r", HEADING),
                Paragraph("Smile \U0001f600 café\x0bnext line\r"),
                Paragraph("one\r", changes=IN_LIST),
                Paragraph("two\r", changes=IN_LIST),
            ]
        ),
    )
    assert outline(parsed) == [
        ("heading", "The plan", ()),
        ("heading", "Power", ("The plan",)),
        ("paragraph", "Smile \U0001f600 café\nnext line", ("The plan", "Power")),
        ("list_item", "one", ("The plan", "Power")),
        ("list_item", "two", ("The plan", "Power")),
    ]


def test_tables_keep_rows_cells_and_marked_headers(tmp_path: Path) -> None:
    def row(*cells: str, header: bool = False) -> list[Paragraph]:
        end = Paragraph("\x07", changes=IN_TABLE + ROW_END + (HEADER_ROW if header else b""))
        return [*(Paragraph(f"{words}\x07", changes=IN_TABLE) for words in cells), end]

    parsed = read(
        tmp_path,
        write_doc(
            [
                Paragraph("before\r"),
                *row("Ann", "Bob", header=True),
                Paragraph("first\r", changes=IN_TABLE),
                *row("second", ""),
                Paragraph("after\r"),
            ]
        ),
    )
    assert parsed.text == "before\n\nAnn | Bob\nfirst second |\n\nafter"
    assert parsed.blocks[1].header == "Ann | Bob"


def test_fields_show_their_result(tmp_path: Path) -> None:
    ruby = "\x13EQ \\* jc2 \\o\\ad(\\s\\up 10(とうきょう),東京)\x15"
    text = f'see \x13 HYPERLINK "http://x.example" \x01\x14the \x13PAGE\x14seventh\x15 page\x15 in {ruby}\r'
    assert read(tmp_path, write_doc([Paragraph(text)])).text == "see the seventh page in 東京"


def test_notes_are_read_and_deleted_text_and_headers_are_not(tmp_path: Path) -> None:
    content = write_doc([Paragraph("We pay five six\r")], notes="See below.\r", header="Page 1\r", deleted=(7, 12))
    parsed = read(tmp_path, content)
    assert parsed.text == "We pay six\n\nSee below."
    assert parsed.report.left_out == (
        "Text that tracked changes delete.",
        "Headers and footers, which repeat on every page.",
    )


def test_a_letter_that_stands_in_its_header_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, write_doc([Paragraph("\r")], header="Animal Hospital\r")).text == "Animal Hospital"


def test_the_text_of_word_6_is_read(tmp_path: Path) -> None:
    parsed = read(tmp_path, write_old_doc("Über alles\rA\x07B\x07\x07C\x07D\x07\x07after\r"))
    assert parsed.text == "Über alles\n\nA | B\nC | D\n\nafter"
    assert "Word 6" in parsed.report.warnings[0]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (write_doc([Paragraph("secret\r")], encrypted=True), "protected by a password"),
        (write_ole({"EncryptedPackage": b"x" * 10}), "protected by a password"),
        (write_ole({"WordDocument": b"short"}), "too short"),
        (write_ole({"Other": b"x"}), "WordDocument cannot be read"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 cut off", "damaged"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(IngestError, match=sentence):
        read(tmp_path, content)


def test_every_cut_ends_in_text_or_a_sentence(tmp_path: Path) -> None:
    whole = write_doc([Paragraph("Some words\r"), Paragraph("A\x07", changes=IN_TABLE)])
    for end in range(600, len(whole), 251):
        try:
            read(tmp_path, whole[:end])
        except IngestError as error:
            assert "a.doc" in str(error)
