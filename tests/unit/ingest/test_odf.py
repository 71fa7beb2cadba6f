from __future__ import annotations

from pathlib import Path

import pytest

from citewise.errors import IngestError
from citewise.ingest.limits import MAX_REPEATED
from citewise.ingest.parse import odf, sheets
from citewise.types import ParsedDocument
from tests.unit.ingest.checks import assert_anchored, outline
from tests.unit.ingest.making import write_zip

NAMES = ("office", "style", "text", "table", "drawing", "presentation", "meta", "svg-compatible")
PREFIXES = {"drawing": "draw", "svg-compatible": "svg"}
NAMESPACES = " ".join(
    f'xmlns:{PREFIXES.get(name, name)}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in NAMES
)


def write(folder: Path, kind: str, body: str, styles: str = "", **parts: str) -> Path:
    content = f"<office:document-content {NAMESPACES}><office:automatic-styles>{styles}</office:automatic-styles>"
    content += f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    return write_zip(folder / "a.odf", **{"content.xml": content, **parts})


def text(folder: Path, body: str, styles: str = "") -> ParsedDocument:
    document = odf.parse_text(write(folder, "text", body, styles), source="a.odt")
    assert_anchored(document)
    return document


def row(*cells: str, extra: str = "") -> str:
    return f"<table:table-row {extra}>{''.join(cells)}</table:table-row>"


def cell(words: str, extra: str = "") -> str:
    return f"<table:table-cell {extra}><text:p>{words}</text:p></table:table-cell>"


COVERED = "<table:covered-table-cell/>"


def test_headings_lists_notes_and_frames_come_in_the_documents_order(tmp_path: Path) -> None:
    document = text(
        tmp_path,
        '<text:p text:style-name="P1">The plan</text:p><text:h text:outline-level="1">Power</text:h>'
        "<text:p>two<text:s text:c='2'/>blanks<text:tab/>tab<text:line-break/>line"
        "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>See below.</text:p>"
        "</text:note-body></text:note><office:annotation><text:p>remark</text:p></office:annotation>"
        "<draw:frame><draw:text-box><text:p>boxed</text:p></draw:text-box></draw:frame></text:p>"
        "<text:list><text:list-item><text:p>one</text:p><text:list><text:list-item><text:p>below</text:p>"
        "</text:list-item></text:list></text:list-item></text:list>"
        "<draw:frame><draw:image/><svg:desc>A map</svg:desc></draw:frame>",
        '<style:style style:name="P1" style:parent-style-name="Title"/>',
    )
    above = ("The plan", "Power")
    assert outline(document) == [
        ("heading", "The plan", ()),
        ("heading", "Power", ("The plan",)),
        ("paragraph", "two  blanks\ttab\nline", above),
        ("paragraph", "boxed", above),
        ("list_item", "one", above),
        ("list_item", "below", above),
        ("caption", "A map", above),
        ("paragraph", "See below.", above),
    ]
    assert "one\n  below" in document.text
    assert document.report.left_out == ("Comments.", "1 image.")


def test_tables_keep_marked_headers_and_merged_cells(tmp_path: Path) -> None:
    rows = (
        f"<table:table-header-rows>{row(cell('Town'), cell('Size'), cell('Note'))}</table:table-header-rows>"
        + row(cell("Rome", 'table:number-rows-spanned="2"'), cell("2"), cell("x"))
        + row(COVERED, cell("3"), cell("y"))
        + row(cell("all", 'table:number-columns-spanned="3"'), COVERED, COVERED)
        + row(cell("same", 'table:number-columns-repeated="3"'), extra='table:number-rows-repeated="2"')
        + row('<table:table-cell table:number-columns-repeated="16384"/>', extra='table:number-rows-repeated="99999"')
    )
    document = text(tmp_path, f"<table:table>{rows}</table:table>")
    assert document.text == (
        "Town | Size | Note\nRome | 2 | x\nRome | 3 | y\nall |  |\nsame | same | same\nsame | same | same"
    )
    assert document.blocks[0].header == "Town | Size | Note"


def test_what_changes_delete_is_not_read(tmp_path: Path) -> None:
    document = text(tmp_path, "<text:tracked-changes><text:p>gone</text:p></text:tracked-changes><text:p>kept</text:p>")
    assert document.text == "kept"
    assert document.report.left_out == ("Text that tracked changes delete.",)


def test_slides_have_places_for_their_shapes(tmp_path: Path) -> None:
    def shape(words: str, kind: str = "", name: str = "") -> str:
        extra = f' presentation:class="{kind}"' * bool(kind) + f' draw:name="{name}"' * bool(name)
        return f"<draw:frame{extra}><draw:text-box><text:p>{words}</text:p></draw:text-box></draw:frame>"

    notes = f"<presentation:notes>{shape('Say it slowly.', 'notes')}</presentation:notes>"
    styles = '<style:style style:name="dp2"><style:drawing-page-properties presentation:visibility="hidden"/>'
    path = write(
        tmp_path,
        "presentation",
        f"<draw:page>{shape('beside', name='Box')}{shape('Plan', 'title')}{shape('3', 'page-number')}"
        f"{notes}</draw:page>"
        f'<draw:page draw:style-name="dp2">{shape("foot", "footer")}<draw:g>{shape("grouped")}</draw:g></draw:page>',
        f"{styles}</style:style>",
    )
    document = odf.parse_slides(path, source="a.odp")
    assert_anchored(document)
    assert outline(document) == [
        ("heading", "Plan", ()),
        ("paragraph", "beside", ("Plan",)),
        ("paragraph", "Say it slowly.", ("Plan",)),
        ("furniture", "foot", ()),
        ("paragraph", "grouped", ()),
    ]
    assert [block.page for block in document.blocks] == [1, 1, 1, 2, 2]
    assert [place.part for place in document.places][:3] == ["Title", "Box", "Notes"]
    assert document.report.warnings == ("Hidden in the show, but read: slide 2.",)


def test_sheets_are_read_as_they_are_shown(tmp_path: Path) -> None:
    body = (
        '<table:table table:name="Data">'
        + row(cell("Town"), cell("Share"))
        + row(cell("Rome"), cell("25 %", 'office:value="0.25" office:value-type="percentage"'))
        + row(cell("Oslo", 'table:number-rows-spanned="2"'), cell("1"))
        + row(COVERED, cell("2"))
        + row("<table:table-cell/>", extra='table:number-rows-repeated="1000000"')
        + row(cell("x", 'table:number-columns-repeated="99999999"'), extra='table:number-rows-repeated="3"')
        + "</table:table>"
        + f'<table:table table:name="No" table:style-name="h">{row(cell("hidden"))}</table:table>'
    )
    styles = '<style:style style:name="h"><style:table-properties table:display="false"/></style:style>'
    document = sheets.parse(write(tmp_path, "spreadsheet", body, styles), source="a.ods")
    assert_anchored(document)
    table = document.blocks[1]
    assert document.text[table.start : table.end] == "Town | Share\nRome | 25 %\nOslo | 1\nOslo | 2"
    assert document.places[2].cells == "A2:B2"
    assert document.text.count("x") == 3 * MAX_REPEATED
    assert document.report.left_out == ("Hidden sheet: No.",)


@pytest.mark.parametrize("kind", ["text", "drawing"])
def test_what_cannot_be_read_is_said(tmp_path: Path, kind: str) -> None:
    manifest = (
        '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><m:encryption-data/></m:manifest>'
    )
    path = write(tmp_path, kind, "", **{"META-INF/manifest.xml": manifest})
    with pytest.raises(IngestError, match="protected by a password"):
        odf.parse_text(path, source="a.odt")
    with pytest.raises(IngestError, match=r"content\.xml is missing"):
        odf.parse_text(write_zip(path, a="b"), source="a.odt")
