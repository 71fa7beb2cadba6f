from __future__ import annotations

from pathlib import Path

import pytest

from citewise.errors import IngestError
from citewise.ingest.limits import MAX_RTF_DEPTH
from citewise.ingest.parse import rtf
from citewise.types import ParsedDocument
from tests.unit.ingest.checks import assert_anchored, outline


def read(folder: Path, body: str | bytes, head: str = r"\rtf1\ansi\ansicpg1252\deff0") -> ParsedDocument:
    path = folder / "a.rtf"
    path.write_bytes(b"{" + head.encode() + b" " + (body.encode() if isinstance(body, str) else body) + b"}")
    parsed = rtf.parse(path, source="a.rtf")
    assert_anchored(parsed)
    return parsed


def test_headings_lists_and_paragraphs_are_told_apart(tmp_path: Path) -> None:
    parsed = read(
        tmp_path,
        r"{\stylesheet{\s0 Normal;}{\s1 heading 1;}{\s2\outlinelevel1 Own;}}{\info{\title The plan}{\author Ann}}"
        r"{\pard\s1 Power\par}\pard Text \b bold\b0 .\par \pard\s2 Oil\par"
        r"\pard{\listtext 1.\tab}\ls1 first\par{\listtext\'b7\tab}\ls1 second\par",
    )
    assert parsed.title == "The plan"
    assert outline(parsed) == [
        ("heading", "Power", ()),
        ("paragraph", "Text bold.", ("Power",)),
        ("heading", "Oil", ("Power",)),
        ("list_item", "1. first", ("Power", "Oil")),
        ("list_item", "second", ("Power", "Oil")),
    ]


def test_tables_keep_their_rows_headers_and_merged_cells(tmp_path: Path) -> None:
    parsed = read(
        tmp_path,
        r"before\par\trowd\trhdr\cellx1\cellx2 \intbl City\cell Size\cell\row"
        r"\trowd\clvmgf\cellx1\cellx2\pard\intbl Rome\cell big\par and old\cell\row"
        r"\trowd\clvmrg\cellx1\cellx2\pard\intbl\cell 2\cell\row\pard after\par",
    )
    table = next(block for block in parsed.blocks if block.kind == "table")
    assert parsed.text[table.start : table.end] == "City | Size\nRome | big and old\nRome | 2"
    assert table.header == "City | Size"
    assert parsed.text.endswith("after")


def test_characters_of_every_kind_are_read(tmp_path: Path) -> None:
    head = (
        r"\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Arial Cyr;}"
        r"{\f2\fcharset128 MS Mincho;}{\f3\fcharset2 Symbol;}{\f4\fcharset2 Wingdings;}}"
    )
    body = (
        rb"\f0 caf\'e9 {\f1\'cf\'f0\'e8\'e2\'e5\'f2} {\f2\'83\'65\'83\'58\'83\'67} \u8364? \uc2\u-10179\'3f\'3f"
        rb"\u-8704\'3f\'3f {\f3 a\'b3}{\f4 l} \emdash \ldblquote x\rdblquote \{\}\\ soft\-hyphen\~y"
    )
    assert read(tmp_path, body, head).text == "café Привет テスト € 😀 α≥ —“x”{}\\ soft\u00adhyphen\u00a0y"


def test_what_is_no_text_is_left_out_and_said(tmp_path: Path) -> None:
    parsed = read(
        tmp_path,
        r"{\header Page}{\*\unknown words}a{\pict\pngblip 89504e47}{\*\annotation no}"
        r'{\field{\*\fldinst HYPERLINK "http://x.example"}{\fldrslt link}}{\deleted gone} z{\footnote see below}',
    )
    assert parsed.text == "alink z\n\nsee below"
    assert parsed.report.images == 1
    assert parsed.report.left_out == (
        "Comments.",
        "Text that tracked changes delete.",
        "Headers and footers, which repeat on every page.",
        "1 image.",
    )


def test_binary_data_is_stepped_over(tmp_path: Path) -> None:
    assert read(tmp_path, rb"a{\pict\bin5 }{}\\x}b").text == "ab"


def test_a_letter_that_stands_in_its_header_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, r"{\header Animal Hospital\par}").text == "Animal Hospital"


def test_a_file_that_is_cut_off_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.rtf"
    path.write_bytes(rb"{\rtf1 some {\b words")
    parsed = rtf.parse(path, source="a.rtf")
    assert parsed.text == "some words"
    assert "cut off" in parsed.report.unread[0]


def test_groups_nested_without_end_are_refused(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match="nested too deep"):
        read(tmp_path, "{" * (MAX_RTF_DEPTH + 1))


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.rtf"
    path.write_bytes(b"plain")
    with pytest.raises(IngestError, match="no rich text"):
        rtf.parse(path, source="a.rtf")
