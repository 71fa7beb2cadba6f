from __future__ import annotations

from pathlib import Path

import pytest

from citewise.errors import IngestError
from citewise.ingest.parse import ppt
from citewise.types import ParsedDocument
from tests.unit.ingest.checks import assert_anchored, outline
from tests.unit.ingest.making_office import cell, table, text_box, write_ppt
from tests.unit.ingest.making_ole import write_ole


def read(folder: Path, content: bytes) -> ParsedDocument:
    path = folder / "a.ppt"
    path.write_bytes(content)
    parsed = ppt.parse(path, source="a.ppt")
    assert_anchored(parsed)
    return parsed


def test_slides_have_their_titles_bodies_and_notes(tmp_path: Path) -> None:
    parsed = read(
        tmp_path,
        write_ppt(
            [[text_box("first\rsecond", 1), text_box("beside")], [text_box("alone")]],
            outlines=["Plan"],
            notes=["Say it slowly."],
            hidden=[1],
        ),
    )
    assert outline(parsed) == [
        ("heading", "Plan", ()),
        ("list_item", "first", ("Plan",)),
        ("list_item", "second", ("Plan",)),
        ("paragraph", "beside", ("Plan",)),
        ("paragraph", "Say it slowly.", ("Plan",)),
        ("paragraph", "alone", ()),
    ]
    assert [page.number for page in parsed.pages] == [1, 2]
    assert [(place.part, parsed.text[place.start : place.end]) for place in parsed.places] == [
        ("Title", "Plan"),
        ("Body", "first\nsecond"),
        ("Text 1", "beside"),
        ("Notes", "Say it slowly."),
        ("Text 1", "alone"),
    ]
    assert parsed.report.warnings == ("Hidden in the show, but read: slide 2.",)


def test_cells_of_a_table_are_ordered_by_where_they_stand(tmp_path: Path) -> None:
    cells = [cell("Rome", 0, 10), cell("2", 10, 10), cell("Size", 10, 0), cell("City", 0, 0)]
    parsed = read(tmp_path, write_ppt([[table(cells)]]))
    assert parsed.text == "City | Size\nRome | 2"
    assert parsed.blocks[0].header == "City | Size"
    assert parsed.report.pages[0].tables == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (write_ppt([[text_box("secret")]], encrypted=True), "protected by a password"),
        (write_ole({"PP40": b"x"}), "PowerPoint 95"),
        (write_ole({"PowerPoint Document": b"\0" * 100}), "list of slides is missing"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(IngestError, match=sentence):
        read(tmp_path, content)


def test_every_cut_ends_in_text_or_a_sentence(tmp_path: Path) -> None:
    whole = write_ppt([[text_box("words", 1)], [text_box("more")]], outlines=["a", "b"], notes=["c"])
    for end in range(600, len(whole), 97):
        try:
            read(tmp_path, whole[:end])
        except IngestError as error:
            assert "a.ppt" in str(error)
