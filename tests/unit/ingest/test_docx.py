from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import docx as python_docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from citewise.errors import IngestError
from citewise.ingest.parse import docx
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
        ("list_item", "one", ("Plan", "Power")),
        ("list_item", "two", ("Plan", "Power")),
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
    monkeypatch.setattr(docx, "MAX_UNPACKED_MB", 1)
    path = write_zip(tmp_path / "a.docx", word__document=b" " * 2_000_000)
    with pytest.raises(IngestError, match="unpacks to 2 MB in 1 parts; the limit is 1 MB"):
        docx.parse(path, source="a.docx")


def test_damaged_and_strict_documents_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "cut.docx").write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(IngestError, match="damaged or cut off"):
        docx.parse(tmp_path / "cut.docx", source="cut.docx")
    with pytest.raises(IngestError, match="damaged Word document"):
        docx.parse(write_zip(tmp_path / "empty.docx", word__document="x"), source="empty.docx")
    strict = write_zip(tmp_path / "strict.docx", _rels__x="", **{"_rels/.rels": "http://purl.oclc.org/ooxml/x"})
    with pytest.raises(IngestError, match="Strict Open XML"):
        docx.parse(strict, source="strict.docx")
