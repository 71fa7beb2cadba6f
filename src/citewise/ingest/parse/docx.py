"""DOCX: paragraphs and tables in the order of the document, headings by their styles."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import docx
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml import parse_xml
from docx.oxml.ns import qn
from lxml import etree

from citewise.errors import IngestError
from citewise.ingest.parse.compose import Composer, collapse
from citewise.types import BlockKind, ParsedDocument

MAX_UNPACKED_MB = 300
MAX_PARTS = 20_000

_HEADING_STYLE = re.compile(r"heading\s*(\d)", re.IGNORECASE)  # styles keep this id in translated programs
_SKIPPED = frozenset(map(qn, ("w:del", "w:moveFrom", "w:pPr", "w:rPr", "w:instrText"))) | {
    "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"  # says again what Choice says
}
_PARAGRAPH, _TABLE, _TEXT_BOX = qn("w:p"), qn("w:tbl"), qn("w:txbxContent")
_SYMBOLS = {
    qn("w:tab"): "\t",
    qn("w:br"): "\n",
    qn("w:cr"): "\n",
    qn("w:noBreakHyphen"): "\u2011",
    qn("w:softHyphen"): "\u00ad",
}
_TEXT = (qn("w:t"), "{http://schemas.openxmlformats.org/officeDocument/2006/math}t")
_IMAGES = "//w:drawing[.//*[local-name()='blip']] | //w:pict[.//*[local-name()='imagedata']]"


def parse(path: Path, *, source: str) -> ParsedDocument:
    """Read a Word document's body, text boxes, footnotes and endnotes."""
    _check_archive(path, source)
    try:
        document = docx.Document(str(path))
        reader = _Reader(document)
        reader.read_body()
    except (PackageNotFoundError, zipfile.BadZipFile, KeyError, ValueError, etree.XMLSyntaxError, ParseError) as error:
        raise IngestError(
            f"{source} is a damaged Word document. Open it in Word or LibreOffice, save it again, and add that."
        ) from error
    return reader.composer.document(
        media_type="application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        source=source,
        title=reader.title,
        images=reader.images,
        left_out=reader.left_out(),
    )


def _check_archive(path: Path, source: str) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if sum(part.file_size for part in parts if part.filename == "_rels/.rels") > 10**6:
                raise zipfile.BadZipFile
            relations = archive.read("_rels/.rels") if "_rels/.rels" in archive.namelist() else b""
    except (zipfile.BadZipFile, OSError) as error:
        raise IngestError(f"{source} is damaged or cut off. Save it again in its own program, and add that.") from error
    if b"purl.oclc.org/ooxml" in relations:
        raise IngestError(
            f"{source} is a Strict Open XML document, which cannot be read yet. "
            "Save it as the usual Word document (.docx) and add that."
        )
    unpacked = sum(part.file_size for part in parts)
    if unpacked > MAX_UNPACKED_MB * 10**6 or len(parts) > MAX_PARTS:
        raise IngestError(
            f"{source} unpacks to {unpacked // 10**6:,} MB in {len(parts):,} parts; "
            f"the limit is {MAX_UNPACKED_MB} MB in {MAX_PARTS:,}. Split it into smaller files and add those."
        )


class _Reader:
    """Walks the XML of a document and writes blocks."""

    def __init__(self, document: Any) -> None:
        self.composer = Composer()
        self._part = document.part
        self._body = document.element.body
        self._levels = {style.style_id: _level(style) for style in document.styles if style.type == 1}
        self._lists = {style.style_id for style in document.styles if (style.name or "").startswith("List")}
        self._captions = {style.style_id for style in document.styles if (style.name or "").lower() == "caption"}
        self.title = collapse(document.core_properties.title or "")
        self.images = len(self._body.xpath(_IMAGES))

    def read_body(self) -> None:
        self._read_blocks(self._body)
        for kind in (RELATIONSHIP_TYPE.FOOTNOTES, RELATIONSHIP_TYPE.ENDNOTES):
            self._read_notes(kind)

    def left_out(self) -> list[str]:
        """Say what was not read."""
        kinds = {relation.reltype for relation in self._part.rels.values()}
        left_out = []
        if kinds & {RELATIONSHIP_TYPE.HEADER, RELATIONSHIP_TYPE.FOOTER}:
            left_out.append("Headers and footers, which repeat on every page.")
        if RELATIONSHIP_TYPE.COMMENTS in kinds:
            left_out.append("Comments.")
        if self._body.xpath("//w:del"):
            left_out.append("Text that tracked changes delete.")
        if self.images:
            left_out.append(f"{self.images} {'image' if self.images == 1 else 'images'}.")
        return left_out

    def _read_blocks(self, parent: Any) -> None:
        for element in parent.iterchildren():
            if element.tag == _PARAGRAPH:
                self._read_paragraph(element)
            elif element.tag == _TABLE:
                self.composer.add("table", "\n".join(_rows(element)))
            elif element.tag not in _SKIPPED and isinstance(element.tag, str):
                self._read_blocks(element)  # content controls, custom XML, insertions

    def _read_paragraph(self, paragraph: Any) -> None:
        style = paragraph.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
        style_id = style.get(qn("w:val")) if style is not None else ""
        outline = paragraph.find(f"{qn('w:pPr')}/{qn('w:outlineLvl')}")
        level = self._levels.get(style_id, 0)
        if outline is not None and (outline.get(qn("w:val")) or "").isdigit():
            own = int(outline.get(qn("w:val"))) + 1
            level = own if own <= 9 else 0
        kind: BlockKind = "paragraph"
        if level:
            kind = "heading"
        elif style_id in self._captions:
            kind = "caption"
        elif style_id in self._lists or paragraph.find(f"{qn('w:pPr')}/{qn('w:numPr')}") is not None:
            kind = "list_item"
        self.composer.add(kind, _text(paragraph), level=level or 1)
        for box in paragraph.iter(_TEXT_BOX):
            if not any(parent.tag in _SKIPPED or parent.tag == _TEXT_BOX for parent in box.iterancestors()):
                self._read_blocks(box)

    def _read_notes(self, kind: str) -> None:
        for relation in self._part.rels.values():
            if relation.reltype != kind or relation.is_external:
                continue
            for note in parse_xml(relation.target_part.blob).iterchildren():
                if note.get(qn("w:type")) in (None, "normal"):  # the others are the rules above the notes
                    self.composer.add("paragraph", " ".join(_text(each) for each in note.iter(_PARAGRAPH)))


def _level(style: Any) -> int:
    """Return a style's rank as a heading, 1 the highest; 0 for none. A style may inherit it."""
    for _ in range(10):
        if style is None:
            return 0
        if style.style_id == "Title" or style.name == "Title":
            return 1
        named = _HEADING_STYLE.fullmatch(style.name or "") or _HEADING_STYLE.fullmatch(style.style_id or "")
        if named:
            return int(named[1]) + 1  # below the title
        style = style.base_style
    return 0


def _text(element: Any) -> str:
    return "".join(_pieces(element))


def _pieces(element: Any) -> Iterator[str]:
    """Yield an element's own text: no deleted text, none of its text boxes."""
    stack = [element]
    while stack:
        current = stack.pop()
        if current.tag in _TEXT:
            yield current.text or ""
        elif current.tag in _SYMBOLS:
            yield _SYMBOLS[current.tag]
        elif current.tag not in _SKIPPED and current.tag != _TEXT_BOX:
            stack.extend(reversed(list(current.iterchildren(tag=etree.Element))))


def _rows(table: Any) -> Iterator[str]:
    """Yield a table's rows; a cell that spans columns appears once, a nested table within its cell."""
    for row in table.iter(qn("w:tr")):
        if next(row.iterancestors(_TABLE)) is not table:
            continue
        cells = []
        for cell in row.iter(qn("w:tc")):
            if next(cell.iterancestors(qn("w:tr"))) is not row:
                continue
            cells.append(collapse(" ".join(_text(each) for each in cell.iter(_PARAGRAPH))))
        if any(cells):
            yield " | ".join(cells)
