from __future__ import annotations

from pathlib import Path

import pytest

from citewise.errors import IngestError
from citewise.ingest.parse import markdown, text
from citewise.types import ParsedDocument
from tests.unit.ingest.checks import assert_anchored

GERMAN = "Die Brücke über den Fluß wurde früher größtenteils für Fußgänger geöffnet. Schöne Grüße aus München."
JAPANESE = "これは日本語の文章です。島の灯台は百年前に建てられました。船は毎朝七時に港を出ます。"


def read_markdown(folder: Path, content: str) -> ParsedDocument:
    path = folder / "a.md"
    path.write_bytes(content.encode())
    document = markdown.parse(path, source="notes/a.md")
    assert_anchored(document)
    return document


def outline(document: ParsedDocument) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(block.kind, document.text[block.start : block.end], block.headings) for block in document.blocks]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (GERMAN, "utf-8"),
        (GERMAN, "utf-8-sig"),
        (GERMAN, "utf-16"),
        (GERMAN, "utf-16-le"),
        (GERMAN, "utf-32"),
        (GERMAN, "latin-1"),
        (JAPANESE, "shift-jis"),
        (JAPANESE, "utf-16-be"),
    ],
)
def test_text_reads_the_same_in_any_encoding(tmp_path: Path, content: str, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content.encode(encoding))
    document = text.parse(path, source="a.txt")
    assert document.text == content
    assert document.report.warnings == ()


def test_what_cannot_be_decoded_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(("Grüße " * 40_000).encode() + b"\xff tail")
    document = text.parse(path, source="a.txt")
    assert document.text.endswith("\ufffd tail")
    assert document.report.warnings == ("1 characters could not be decoded as utf-8 and are shown as \ufffd.",)


def test_paragraphs_are_set_apart_by_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\n one\r\ntwo \r\n \t\r\n\r\nthree\x00\r")
    document = text.parse(path, source="folder/a.txt")
    assert_anchored(document)
    assert [part for _, part, _ in outline(document)] == ["one\ntwo", "three\ufffd"]
    assert document.title == "a"


def test_text_that_is_at_hand_stays_as_it_is() -> None:
    document = text.document_from_text("One.\n\nTwo.", source="12", title="A record")
    assert (document.text, document.title, document.media_type) == ("One.\n\nTwo.", "A record", "text/plain")
    assert len(document.blocks) == 2
    assert text.document_from_text("One", source="12").title == "12"


def test_a_missing_text_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match=r"gone\.txt cannot be opened"):
        text.parse(tmp_path / "gone", source="gone.txt")


def test_markdown_keeps_the_files_own_text(tmp_path: Path) -> None:
    content = "# A *fine* title\n\nSome **bold** text[^1]\nand more.\n\n[ref]: https://example.org\n"
    document = read_markdown(tmp_path, content)
    assert document.text == content
    assert document.title == "A fine title"


def test_markdown_blocks_have_kinds_and_heading_paths(tmp_path: Path) -> None:
    document = read_markdown(
        tmp_path,
        "Intro\n\n# One\n\n## Two\n\n- first\n- second\n  more\n    - inner\n\n```py\n# no heading\n\nx = 1\n```\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\nThree\n=====\n\n> quoted\n\n***\n\n    indented\n",
    )
    assert outline(document) == [
        ("paragraph", "Intro", ()),
        ("heading", "# One", ()),
        ("heading", "## Two", ("One",)),
        ("list_item", "- first", ("One", "Two")),
        ("list_item", "- second\n  more", ("One", "Two")),
        ("list_item", "- inner", ("One", "Two")),
        ("code", "```py\n# no heading\n\nx = 1\n```", ("One", "Two")),
        ("table", "| a | b |\n|---|---|\n| 1 | 2 |", ("One", "Two")),
        ("heading", "Three\n=====", ()),
        ("paragraph", "> quoted", ("Three",)),
        ("paragraph", "***", ("Three",)),
        ("code", "indented", ("Three",)),
    ]
    assert document.report.tables == 1


def test_front_matter_gives_the_title_and_makes_no_heading(tmp_path: Path) -> None:
    document = read_markdown(tmp_path, "---\ntitle: 'Tide tables'\ndate: 2024\n---\n\n# Heading\n\nText\n")
    assert document.title == "Tide tables"
    assert [kind for kind, _, _ in outline(document)] == ["paragraph", "heading", "paragraph"]


def tables(document: ParsedDocument) -> list[tuple[str, str]]:
    return [(block.header, block.caption) for block in document.blocks if block.kind == "table"]


def test_tables_in_markdown_have_their_header_and_caption(tmp_path: Path) -> None:
    document = read_markdown(
        tmp_path,
        "**Table 1:** The *boats*\n\n| Name | Crew |\n|:--|--:|\n| Sula | 2 |\n\nNot a caption.\n\n"
        "> a | b\n> --|--\n> 1 | 2\n\n | x | |\n |---|---|\n | 1 | 2 |\n\n: Below\n\nTable 9: lone",
    )
    assert tables(document) == [("Name | Crew", "Table 1: The boats"), ("a | b", ""), ("x", "Below")]
    assert [block.kind for block in document.blocks].count("caption") == 2


def test_column_headers_that_markdown_takes_for_rows_are_headers(tmp_path: Path) -> None:
    document = read_markdown(
        tmp_path,
        "|  | Years | |\n|---|---|---|\n|  | 2019 | 2018 |\n| Sales | 5 | 4 |\n\nText\n\n"
        "|  |  |\n|---|---|\n| Name | Crew |\n| Sula | 2 |\n\nText\n\n|  |  |\n|---|---|\n| 1 | 2 |\n",
    )
    first, second, third = tables(document)
    assert first[0] == "Years | |\n|---|---|---|\n|  | 2019 | 2018"  # as it stands there
    assert second[0] == "Name | Crew"
    assert third[0] == ""


def test_headings_in_html_within_markdown_are_headings(tmp_path: Path) -> None:
    document = read_markdown(tmp_path, "<h1 align=center>\n  The <b>Boats</b>\n</h1>\n\nText\n\n<p>x</p>\n")
    assert [(kind, path) for kind, _, path in outline(document)] == [
        ("heading", ()),
        ("paragraph", ("The Boats",)),
        ("paragraph", ("The Boats",)),
    ]


def test_footnotes_and_nested_lists_in_markdown_keep_their_lines(tmp_path: Path) -> None:
    document = read_markdown(tmp_path, "Text[^1].\n\n1. one\n   - two\n     3) three\n\n[^1]: The note\n    goes on.\n")
    assert [(kind, words) for kind, words, _ in outline(document)] == [
        ("paragraph", "Text[^1]."),
        ("list_item", "1. one"),
        ("list_item", "- two\n     3) three"),
        ("paragraph", "[^1]: The note\n    goes on."),
    ]


def test_images_in_markdown_are_counted_as_left_out(tmp_path: Path) -> None:
    document = read_markdown(tmp_path, "![A map](map.png) and ![](x.png)\n")
    assert document.report.images == 2
    assert document.report.left_out == ("2 images: only their descriptions are read.",)
    assert document.title == "a"


def test_text_that_was_misread_before_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(GERMAN.encode().decode("cp1252").encode())
    document = text.parse(path, source="a.txt")
    assert "misread" in document.report.warnings[0]
    assert "'Ã¼'" in document.report.warnings[0]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("Однажды, в студеную зимнюю пору,\nЯ из лесу вышел; был сильный мороз.\n" * 3, "cp866"),
        ("Однажды, в студеную зимнюю пору,\nЯ из лесу вышел; был сильный мороз.\n" * 3, "utf-16-le"),
        (GERMAN, "utf-32-be"),
    ],
)
def test_old_code_pages_and_wide_encodings_without_a_mark_are_recognised(
    tmp_path: Path, content: str, encoding: str
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content.encode(encoding))
    assert text.parse(path, source="a.txt").text == content
