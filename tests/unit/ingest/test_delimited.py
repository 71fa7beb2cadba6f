from __future__ import annotations

from pathlib import Path

import pytest

from citewise.errors import IngestError
from citewise.ingest.parse import delimited
from citewise.types import ParsedDocument
from tests.unit.ingest.checks import assert_anchored


def read(folder: Path, content: str | bytes, *, name: str = "a.csv") -> ParsedDocument:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    document = delimited.parse(path, source=name)
    assert_anchored(document)
    return document


def rows(document: ParsedDocument) -> dict[str, str]:
    return {place.cells: document.text[place.start : place.end] for place in document.places}


def test_a_row_is_a_line_and_knows_its_cells(tmp_path: Path) -> None:
    document = read(tmp_path, 'Name,Crew\r\n"Sula, the old",2\r\n\r\n"Tern\r\nthe young",3\r\nFulmar,5\r\n')
    assert rows(document) == {
        "A1:B1": "Name | Crew",
        "A2:B2": "Sula, the old | 2",
        "A4:B4": "Tern the young | 3",  # as a spreadsheet program counts: the blank row too, no line within quotes
        "A5:B5": "Fulmar | 5",
    }
    (table,) = document.blocks
    assert (table.kind, table.header) == ("table", "Name | Crew")
    assert (document.media_type, document.title) == ("text/csv", "a")


@pytest.mark.parametrize(
    ("content", "first"),
    [
        ("a;b\n1,5;2,5\n3,5;4,5\n", "a | b"),
        ("1,5;2,5\n3,5;4,5\n", "1,5 | 2,5"),
        ("a\tb, c\n1\t2, 3\n", "a | b, c"),
        ("a|b\n1|2\n", "a | b"),
        ('Lorem, ipsum; dolor\n"x; y, z"; b\net, c; d\n', "Lorem, ipsum | dolor"),
        ("sep=;\na,b;c\nd,e;f\n", "a,b | c"),
        ("one column\n2\n3\n4\n", "one column"),
    ],
)
def test_the_delimiter_is_the_one_that_makes_the_best_table(tmp_path: Path, content: str, first: str) -> None:
    assert read(tmp_path, content).text.split("\n")[0] == first


def test_the_name_of_the_file_decides_between_equals(tmp_path: Path) -> None:
    content = "a\tb,c\nd\te,f\n"
    assert read(tmp_path, content, name="a.tsv").text == "a | b,c\nd | e,f"
    assert read(tmp_path, content, name="a.tsv").media_type == "text/tab-separated-values"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_any_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    document = read(tmp_path, "Stadt,Fluß\nKöln,Rhein\nDüsseldorf,Rhein\n".encode(encoding))
    assert document.text == "Stadt | Fluß\nKöln | Rhein\nDüsseldorf | Rhein"
    assert document.report.warnings == ()


def test_a_quote_that_nothing_ends_takes_no_rows_with_it(tmp_path: Path) -> None:
    document = read(tmp_path, 'Name,Size\nmast,"12\nboom,9\noar,4\n')
    assert document.text.split("\n")[1:] == ['mast | "12', "boom | 9", "oar | 4"]
    assert document.report.warnings == (
        "A quote begins a cell and no other ends it, so quotes are read as any other sign.",
    )


def test_a_title_above_the_table_is_its_caption(tmp_path: Path) -> None:
    document = read(tmp_path, "Pairs of puffins,,\n,,\nIsle,2019,2020\nBellan,5,6\nOrsay,7,8\n")
    table = document.blocks[-1]
    assert (table.header, table.caption) == ("Isle | 2019 | 2020", "Pairs of puffins")
    assert rows(document)["A4:C4"] == "Bellan | 5 | 6"


def test_what_is_beyond_the_limit_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "MAX_ROWS", 3)
    document = read(tmp_path, "a,b\n1,2\n3,4\n5,6\n")
    assert document.text == "a | b\n1 | 2\n3 | 4"
    (unread,) = document.report.unread
    assert unread.startswith("Everything from row 4 on: at most 3 rows")


def test_what_cannot_be_decoded_is_counted(tmp_path: Path) -> None:
    document = read(tmp_path, b"\xc3\xa9,b\n" * 30_000 + b"\xff,d\n")
    assert document.text.endswith("\ufffd | d")
    assert document.report.warnings == ("1 characters could not be decoded as utf-8 and are shown as \ufffd.",)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match=r"gone\.csv cannot be opened"):
        delimited.parse(tmp_path / "gone", source="gone.csv")
