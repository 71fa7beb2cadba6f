from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import docx as python_docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from citewise.errors import IngestError
from citewise.ingest.parse import docx, package
from citewise.types import ParsedDocument
from tests.unit.ingest.checks import assert_anchored
from tests.unit.ingest.making import write_zip


def read(folder: Path, document: Any) -> ParsedDocument:
    path = folder / "a.docx"
    document.save(str(path))
    parsed = docx.parse(path, source="a.docx")
    assert_anchored(parsed)
    return parsed


def outline(document: ParsedDocument) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(block.kind, document.text[block.start : block.end], block.headings) for block in document.blocks]


def test_paragraphs_and_tables_come_in_the_documents_order(tmp_path: Path) -> None:
    document = python_docx.Document()
    document.core_properties.title = "Maintenance"
    document.add_heading("Plan", 0)
    document.add_heading("Power", 1)
    document.add_paragraph("Every spring.")
    table = document.add_table(rows=2, cols=2)
    for cell, words in zip(
        (cell for row in table.rows for cell in row.cells), ("What", "When", "Oil", "May"), strict=True
    ):
        cell.text = words
    document.add_paragraph("one", style="List Bullet")
    document.add_paragraph("two", style="List Number")
    document.add_heading("Water", 1)
    document.add_paragraph("Every autumn.")
    parsed = read(tmp_path, document)
    assert parsed.title == "Maintenance"
    assert outline(parsed) == [
        ("heading", "Plan", ()),
        ("heading", "Power", ("Plan",)),
        ("paragraph", "Every spring.", ("Plan", "Power")),
        ("table", "What | When\nOil | May", ("Plan", "Power")),
        ("list_item", "• one", ("Plan", "Power")),
        ("list_item", "1. two", ("Plan", "Power")),
        ("heading", "Water", ("Plan",)),
        ("paragraph", "Every autumn.", ("Plan", "Water")),
    ]


def test_deleted_text_is_not_read_and_inserted_text_is(tmp_path: Path) -> None:
    document = python_docx.Document()
    paragraph = document.add_paragraph("We pay ")
    for xml in (
        f"<w:del {nsdecls('w')}><w:r><w:delText>five</w:delText></w:r></w:del>",
        f"<w:ins {nsdecls('w')}><w:r><w:t>six</w:t></w:r></w:ins>",
    ):
        paragraph._p.append(parse_xml(xml))
    parsed = read(tmp_path, document)
    assert parsed.text == "We pay six"
    assert "Text that tracked changes delete." in parsed.report.left_out


def test_cells_that_span_columns_appear_once(tmp_path: Path) -> None:
    document = python_docx.Document()
    table = document.add_table(rows=2, cols=3)
    table.cell(0, 0).merge(table.cell(0, 2)).text = "All"
    for cell in table.rows[1].cells:
        cell.text = "x"
    assert read(tmp_path, document).text == "All\nx | x | x"


def test_a_table_within_a_cell_is_read_in_its_cell(tmp_path: Path) -> None:
    document = python_docx.Document()
    table = document.add_table(rows=1, cols=2)
    table.cell(0, 0).text = "outer"
    inner = table.cell(0, 1).add_table(rows=2, cols=1)
    inner.cell(0, 0).text = "first"
    inner.cell(1, 0).text = "second"
    assert read(tmp_path, document).text == "outer | first second"


def test_text_boxes_follow_their_paragraph_once(tmp_path: Path) -> None:
    document = python_docx.Document()
    compatibility = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    box = "<w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p></w:txbxContent>"
    document.add_paragraph("around")._p.append(
        parse_xml(
            f"<w:r {nsdecls('w')} {compatibility}><mc:AlternateContent><mc:Choice Requires='wps'>{box}</mc:Choice>"
            f"<mc:Fallback><w:pict>{box.replace('boxed', 'again')}</w:pict></mc:Fallback></mc:AlternateContent></w:r>"
        )
    )
    assert read(tmp_path, document).text == "around\n\nboxed"


def test_headers_are_reported_as_left_out(tmp_path: Path) -> None:
    document = python_docx.Document()
    document.sections[0].header.paragraphs[0].text = "Confidential"
    document.add_paragraph("Words")
    parsed = read(tmp_path, document)
    assert parsed.text == "Words"
    assert parsed.report.left_out == ("Headers and footers, which repeat on every page.",)


def test_external_entities_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    python_docx.Document().save(str(tmp_path / "plain.docx"))
    with zipfile.ZipFile(tmp_path / "plain.docx") as plain, zipfile.ZipFile(tmp_path / "a.docx", "w") as target:
        for name in plain.namelist():
            content = plain.read(name)
            if name == "word/document.xml":
                entity = f'<!DOCTYPE d [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'
                content = (
                    f"{entity}<w:document {nsdecls('w')}><w:body><w:p><w:r><w:t>seen &e;</w:t></w:r></w:p>"
                    "</w:body></w:document>"
                ).encode()
            target.writestr(name, content)
    parsed = docx.parse(tmp_path / "a.docx", source="a.docx")
    assert "seen" in parsed.text
    assert "the secret" not in parsed.text


def test_what_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "MAX_UNPACKED_MB", 1)
    path = write_zip(tmp_path / "a.docx", word__document=b" " * 2_000_000)
    with pytest.raises(IngestError, match="unpacks to 2 MB in 1 parts; the limit is 1 MB"):
        docx.parse(path, source="a.docx")


def test_damaged_documents_are_refused_with_the_part_that_is(tmp_path: Path) -> None:
    (tmp_path / "cut.docx").write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(IngestError, match="damaged or cut off"):
        docx.parse(tmp_path / "cut.docx", source="cut.docx")
    with pytest.raises(IngestError, match=r"damaged: its part _rels/\.rels"):
        docx.parse(write_zip(tmp_path / "empty.docx", word__document="x"), source="empty.docx")


def test_strict_documents_are_read_like_the_others(tmp_path: Path) -> None:
    document = python_docx.Document()
    document.add_heading("Boats", 1)
    document.save(str(tmp_path / "usual.docx"))
    with zipfile.ZipFile(tmp_path / "usual.docx") as usual, zipfile.ZipFile(tmp_path / "a.docx", "w") as strict:
        for name in usual.namelist():
            content = usual.read(name).decode("utf-8", "surrogateescape")
            for family in ("officeDocument", "wordprocessingml"):
                content = content.replace(
                    f"http://schemas.openxmlformats.org/{family}/2006/", f"http://purl.oclc.org/ooxml/{family}/"
                )
            strict.writestr(name, content.encode("utf-8", "surrogateescape"))
    parsed = docx.parse(tmp_path / "a.docx", source="a.docx")
    assert outline(parsed) == [("heading", "Boats", ())]


def table_of(document: Any, *rows: str) -> Any:
    """Add a table; each row is its cells between bars."""
    cells = [row.split("|") for row in rows]
    table = document.add_table(rows=len(cells), cols=len(cells[0]))
    for row, words in zip(table.rows, cells, strict=True):
        for cell, text in zip(row.cells, words, strict=True):
            cell.text = text
    return table


def tables(document: ParsedDocument) -> list[tuple[str, str]]:
    return [(block.header, block.caption) for block in document.blocks if block.kind == "table"]


def test_the_header_rows_of_a_table_are_those_that_the_document_marks(tmp_path: Path) -> None:
    document = python_docx.Document()
    table = table_of(document, "Name|Port", "of boat|of call", "Sula|North", "Tern|South")
    for row in table.rows[:2]:
        row._tr.get_or_add_trPr().append(parse_xml(f"<w:tblHeader {nsdecls('w')}/>"))
    assert tables(read(tmp_path, document)) == [("Name | Port\nof boat | of call", "")]


def test_a_first_row_that_looks_like_a_header_is_one(tmp_path: Path) -> None:
    document = python_docx.Document()
    table_of(document, "Name|Crew", "Sula|2", "Tern|3")
    document.add_paragraph("")
    table_of(document, "1|2", "3|4")
    assert tables(read(tmp_path, document)) == [("Name | Crew", ""), ("", "")]


def test_cells_that_span_rows_stand_in_each_of_them(tmp_path: Path) -> None:
    document = python_docx.Document()
    table = table_of(document, "Isle|Year|Pairs", "Bellan|2019|5", "|2020|6", "Orsay|2019|7")
    table.cell(1, 0).merge(table.cell(2, 0))
    table.cell(3, 1).merge(table.cell(3, 2)).text = "none seen"
    assert (
        read(tmp_path, document).text == "Isle | Year | Pairs\nBellan | 2019 | 5\nBellan | 2020 | 6\nOrsay | none seen"
    )


def test_captions_above_and_below_are_those_of_their_tables(tmp_path: Path) -> None:
    document = python_docx.Document()
    document.add_paragraph("Table 1: Boats", style="Caption")
    table_of(document, "Name|Crew", "Sula|2")
    document.add_paragraph("Between.")
    table_of(document, "Name|Crew", "Sula|2")
    document.add_paragraph("Table 2: The same", style="Caption")
    document.add_paragraph("Figure 1: A boat", style="Caption")
    table_of(document, "Name|Crew", "Sula|2")
    parsed = read(tmp_path, document)
    assert [caption for _, caption in tables(parsed)] == ["Table 1: Boats", "Table 2: The same", ""]
    assert parsed.text.count("Table 1: Boats") == parsed.text.count("Table 2: The same") == 1


def test_a_table_of_one_column_is_a_frame_around_paragraphs(tmp_path: Path) -> None:
    document = python_docx.Document()
    cell = document.add_table(rows=1, cols=1).cell(0, 0)
    cell.text = "First."
    cell.add_paragraph("Second.")
    assert [kind for kind, _, _ in outline(read(tmp_path, document))] == ["paragraph", "paragraph"]


def numbered(document: Any, *items: tuple[int, str], levels: str) -> None:
    """Add a list of ``(level, words)`` whose levels are defined by XML."""
    root = document.part.numbering_part.element
    number = len(root)
    kind = parse_xml(f'<w:abstractNum {nsdecls("w")} w:abstractNumId="9{number}">{levels}</w:abstractNum>')
    root.insert(0, kind)
    root.append(parse_xml(f'<w:num {nsdecls("w")} w:numId="9{number}"><w:abstractNumId w:val="9{number}"/></w:num>'))
    for level, words in items:
        properties = document.add_paragraph(words)._p.get_or_add_pPr()
        properties.append(
            parse_xml(f'<w:numPr {nsdecls("w")}><w:ilvl w:val="{level}"/><w:numId w:val="9{number}"/></w:numPr>')
        )


def level(index: int, form: str, text: str, start: int = 1) -> str:
    shape = f'<w:start w:val="{start}"/><w:numFmt w:val="{form}"/><w:lvlText w:val="{text}"/>'
    return f'<w:lvl w:ilvl="{index}">{shape}</w:lvl>'


def test_items_of_lists_have_their_numbers(tmp_path: Path) -> None:
    document = python_docx.Document()
    levels = level(0, "decimal", "%1.", 3) + level(1, "lowerLetter", "%2)") + level(2, "upperRoman", "%1.%3")
    numbered(document, (0, "a"), (1, "b"), (1, "c"), (2, "d"), (0, "e"), (1, "f"), levels=levels)
    document.add_paragraph("between")
    numbered(document, (0, "g"), (1, "h"), levels=level(0, "bullet", "\uf0b7") + level(1, "bullet", "-"))
    parsed = read(tmp_path, document)
    assert parsed.text.split("\n\n")[0] == "3. a\n  a) b\n  b) c\n    3.I d\n4. e\n  a) f"
    assert parsed.text.split("\n\n")[2] == "• g\n  - h"


def test_a_list_that_restarts_counts_anew(tmp_path: Path) -> None:
    document = python_docx.Document()
    numbered(document, (0, "a"), (0, "b"), levels=level(0, "decimal", "%1."))
    root = document.part.numbering_part.element
    kind = root.findall(root[-1].tag)[-1].abstractNumId.val
    root.append(
        parse_xml(
            f'<w:num {nsdecls("w")} w:numId="777"><w:abstractNumId w:val="{kind}"/>'
            '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>'
        )
    )
    properties = document.add_paragraph("c")._p.get_or_add_pPr()
    properties.append(parse_xml(f'<w:numPr {nsdecls("w")}><w:numId w:val="777"/></w:numPr>'))
    assert read(tmp_path, document).text == "1. a\n2. b\n1. c"


def test_paragraphs_in_a_code_style_are_one_block(tmp_path: Path) -> None:
    document = python_docx.Document()
    document.styles.add_style("Source Code", 1)
    document.add_paragraph("def f():", style="Source Code")
    document.add_paragraph("    return 1", style="Source Code")
    document.add_paragraph("That was code.")
    assert outline(read(tmp_path, document))[0] == ("code", "def f():\n    return 1", ())


def test_hidden_text_is_left_out_and_said(tmp_path: Path) -> None:
    document = python_docx.Document()
    paragraph = document.add_paragraph("Seen")
    paragraph.add_run(" and not").font.hidden = True
    parsed = read(tmp_path, document)
    assert parsed.text == "Seen"
    assert parsed.report.left_out == ("Text that the document hides.",)


def test_a_damaged_part_beside_the_text_is_named_as_unread(tmp_path: Path) -> None:
    document = python_docx.Document()
    document.add_paragraph("Words")
    document.save(str(tmp_path / "whole.docx"))
    with zipfile.ZipFile(tmp_path / "whole.docx") as whole, zipfile.ZipFile(tmp_path / "a.docx", "w") as target:
        for name in whole.namelist():
            target.writestr(name, b"<broken" if name == "word/numbering.xml" else whole.read(name))
    parsed = docx.parse(tmp_path / "a.docx", source="a.docx")
    assert parsed.text == "Words"
    assert parsed.report.unread == ("The part word/numbering.xml, which is missing or damaged.",)


def imported(folder: Path, content: bytes, name: str) -> ParsedDocument:
    """A document that shows another file between two paragraphs."""
    document = python_docx.Document()
    document.add_paragraph("Before")
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    document.element.body.insert(1, parse_xml(f'<w:altChunk {nsdecls("w")} xmlns:r="{relations}" r:id="rId99"/>'))
    document.add_paragraph("After")
    document.save(str(folder / "plain.docx"))
    with zipfile.ZipFile(folder / "plain.docx") as plain, zipfile.ZipFile(folder / "a.docx", "w") as target:
        for each in plain.namelist():
            part = plain.read(each)
            if each == "word/_rels/document.xml.rels":
                link = f'<Relationship Id="rId99" Type="{relations}/aFChunk" Target="{name}"/></Relationships>'
                part = part.replace(b"</Relationships>", link.encode())
            target.writestr(each, part)
        target.writestr(f"word/{name}", content)
    parsed = docx.parse(folder / "a.docx", source="a.docx")
    assert_anchored(parsed)
    return parsed


def test_pages_that_a_document_holds_as_files_are_read_in_their_place(tmp_path: Path) -> None:
    page = b"<h1>Inner</h1><p>Words"
    mail = b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + page
    for parsed in (imported(tmp_path, page, "x.html"), imported(tmp_path, mail, "x.mht")):
        assert parsed.text == "Before\n\nInner\n\nWords\n\nAfter"
        assert parsed.report.unread == ()


def test_other_files_in_a_document_are_named_as_unread(tmp_path: Path) -> None:
    parsed = imported(tmp_path, b"?", "x.rtf")
    assert parsed.text == "Before\n\nAfter"
    assert parsed.report.unread == ("The part word/x.rtf, which is a file of another kind, or damaged.",)
