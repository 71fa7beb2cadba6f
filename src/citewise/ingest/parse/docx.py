"""DOCX: paragraphs, lists and tables in the order of the document, headings by their styles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from lxml import etree

from citewise.ingest.parse.charts import chart_tables, diagram_items
from citewise.ingest.parse.compose import Composer, collapse
from citewise.ingest.parse.docx_styles import (
    Numbering,
    Style,
    W,
    is_on,
    numbering_of,
    outline_level,
    read_styles,
    value_of,
)
from citewise.ingest.parse.html import decode, document_from_html
from citewise.ingest.parse.package import DamagedPartError, Package, open_package
from citewise.ingest.parse.symbols import sign
from citewise.ingest.parse.tables import count_header_rows
from citewise.types import BlockKind, ParsedDocument

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_SKIPPED = frozenset(f"{W}{name}" for name in ("del", "moveFrom", "pPr", "rPr", "instrText", "tblPr", "sectPr")) | {
    "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"  # says again what Choice says
}
_PARAGRAPH, _TABLE, _ROW, _CELL = f"{W}p", f"{W}tbl", f"{W}tr", f"{W}tc"
_IMPORT, _TEXT_BOX, _RUN, _SYMBOL = f"{W}altChunk", f"{W}txbxContent", f"{W}r", f"{W}sym"
_SIGNS = {
    f"{W}tab": "\t",
    f"{W}br": "\n",
    f"{W}cr": "\n",
    f"{W}noBreakHyphen": "\u2011",
    f"{W}softHyphen": "\u00ad",
}
_TEXT = (f"{W}t", "{http://schemas.openxmlformats.org/officeDocument/2006/math}t")
_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds"
_PICTURES = frozenset(("blip", "imagedata"))
_OF_A_FIGURE = re.compile(r"(?:fig|abb|chart|image|photo|bild)", re.IGNORECASE)
_OF_A_TABLE = re.compile(r"tab", re.IGNORECASE)  # table, Tabelle, tableau, tabla, tabela
_LONGEST_REPEATED = 200  # characters of a cell that spans rows; a longer one stands in its first row only


def parse(path: Path, *, source: str) -> ParsedDocument:
    """Read a Word document's body, text boxes, charts, footnotes and endnotes.

    Raises:
        IngestError: It is damaged, needs a password, or is over a limit.
    """
    with open_package(path, source=source) as package:
        reader = _Reader(package)
        reader.read()
        return reader.composer.document(
            media_type=MEDIA_TYPE,
            source=source,
            title=package.title(),
            images=reader.images,
            left_out=reader.left_out(),
            unread=reader.unread,
        )


@dataclass(slots=True)
class _Row:
    """A row of a table: its cells, one for each column, and whether the document says that it heads columns."""

    cells: list[str]
    heads: bool


class _Reader:
    """Walks the XML of a document and writes blocks."""

    def __init__(self, package: Package) -> None:
        self.composer = Composer()
        self.unread: list[str] = []
        self._package = package
        self._name = package.main_part()
        self._relations = package.relations(self._name)
        self._root = package.xml(self._name)
        styles = self._optional("styles")
        self._styles = read_styles(styles) if styles is not None else {}
        self._numbering = Numbering(self._optional("numbering"))
        self._code: list[str] = []  # lines of code so far, each a paragraph
        self._has_hidden = False
        names = [element.tag.rpartition("}")[2] for element in self._root.iter(etree.Element)]
        self.images = sum(name in _PICTURES for name in names)
        self._has_deleted = "del" in names or "moveFrom" in names

    def read(self) -> None:
        """Read the body and the notes."""
        body = self._root.find(f"{W}body")
        self._read_blocks(body if body is not None else self._root)
        self._flush_code()
        for kind in ("footnotes", "endnotes"):
            notes = self._optional(kind)
            for note in notes.iterchildren(etree.Element) if notes is not None else ():
                if note.get(f"{W}type") in (None, "normal"):  # the others are the rules above the notes
                    self.composer.add("paragraph", " ".join(self._text(each) for each in note.iter(_PARAGRAPH)))

    def left_out(self) -> list[str]:
        """Say what is never read."""
        kinds = {relation.kind for relation in self._relations.values()}
        left_out = []
        if kinds & {"header", "footer"}:
            left_out.append("Headers and footers, which repeat on every page.")
        if "comments" in kinds:
            left_out.append("Comments.")
        if "vbaProject" in kinds:
            left_out.append("Macros.")
        if self._has_deleted:
            left_out.append("Text that tracked changes delete.")
        if self._has_hidden:
            left_out.append("Text that the document hides.")
        if self.images:
            left_out.append(f"{self.images} {'image' if self.images == 1 else 'images'}.")
        return left_out

    def _optional(self, kind: str) -> Any | None:
        """Return the root of a part that a document need not have."""
        for relation in self._relations.values():
            if relation.kind == kind and not relation.external:
                return self._part(relation.target)
        return None

    def _part(self, name: str) -> Any | None:
        try:
            return self._package.xml(name)
        except DamagedPartError:
            self.unread.append(f"The part {name}, which is missing or damaged.")
            return None

    # --- blocks -----------------------------------------------------------------------

    def _read_blocks(self, parent: Any) -> None:
        for element in parent.iterchildren(etree.Element):
            if element.tag == _PARAGRAPH:
                self._read_paragraph(element)
            elif element.tag == _TABLE:
                self._flush_code()
                self._read_table(element)
            elif element.tag == _IMPORT:
                self._flush_code()
                self._read_import(element)
            elif element.tag not in _SKIPPED:
                self._read_blocks(element)  # content controls, custom XML, insertions

    def _read_paragraph(self, paragraph: Any) -> None:
        properties = paragraph.find(f"{W}pPr")
        style = self._styles.get(value_of(properties, "pStyle") or "", Style())
        text = self._text(paragraph)
        if style.is_code:
            self._code.append(text)
        else:
            self._flush_code()
            self._write(text, properties, style)
        self._read_drawings(paragraph)

    def _write(self, text: str, properties: Any, style: Style) -> None:
        outline = outline_level(properties)
        level = style.heading if outline is None else outline
        number, depth = numbering_of(properties) or style.numbering or ("", 0)
        # An empty paragraph is no item, and is not counted.
        label = self._numbering.label(number, depth) if text.strip() else ""
        kind: BlockKind = "paragraph"
        if level:
            kind = "heading"
        elif style.is_caption:
            kind = "caption"
        elif label or style.is_list or number not in ("", "0"):
            kind = "list_item"
        labelled = f"{label} {text.strip()}" if label else text
        self.composer.add(kind, labelled, level=level or 1, indent=min(depth, 8) if kind == "list_item" else 0)

    def _flush_code(self) -> None:
        self.composer.add("code", "\n".join(self._code))
        self._code.clear()

    def _read_drawings(self, paragraph: Any) -> None:
        for element in paragraph.iter(_TEXT_BOX, _CHART, _DIAGRAM):
            if any(parent.tag in _SKIPPED or parent.tag == _TEXT_BOX for parent in element.iterancestors()):
                continue
            self._flush_code()
            if element.tag == _TEXT_BOX:
                self._read_blocks(element)
                self._flush_code()
                continue
            relation = self._relations.get(element.get(f"{_R}id") or element.get(f"{_R}dm") or "")
            part = self._part(relation.target) if relation and not relation.external else None
            if part is None:
                continue
            if element.tag == _CHART:
                for caption, rows in chart_tables(part):
                    self.composer.add_table(rows, header_rows=1, caption=caption)
            else:
                for depth, words in diagram_items(part):
                    self.composer.add("list_item", words, indent=depth)

    def _read_import(self, element: Any) -> None:
        """Read a page that the document holds as a file of its own; Word shows it in this place."""
        relation = self._relations.get(element.get(f"{_R}id") or "")
        if relation is None or relation.external:
            self.unread.append("A part of the text that is kept outside the file.")
            return
        page = None
        with suppress(DamagedPartError):
            page = _page(self._package.read(relation.target), relation.target.lower())
        if page is None:
            self.unread.append(f"The part {relation.target}, which is a file of another kind, or damaged.")
            return
        inner = document_from_html(page, source=relation.target)
        self.composer.add_document(inner)
        self.images += inner.report.images

    # --- tables -----------------------------------------------------------------------

    def _read_table(self, table: Any) -> None:
        found = [row for row in table.iter(_ROW) if next(row.iterancestors(_TABLE)) is table]
        if all(sum(1 for _ in _cells(row)) < 2 for row in found):  # a frame around paragraphs, no table
            for row in found:
                for cell in _cells(row):
                    self._read_blocks(cell)
            return
        rows: list[_Row] = []
        for row in found:
            rows.append(self._row(row, rows[-1].cells if rows else []))
        cells = [row.cells for row in rows]
        marked = 0
        while marked < len(rows) and rows[marked].heads:
            marked += 1
        caption, is_below = self._caption(table)
        self.composer.add_table(
            cells,
            header_rows=marked if 0 < marked < len(rows) else count_header_rows(cells),
            caption=caption,
            caption_below=is_below,
        )

    def _row(self, row: Any, above: list[str]) -> _Row:
        """Read a row; a cell that spans columns stands in the first, one that spans rows in each."""
        properties = row.find(f"{W}trPr")
        cells = [""] * _count(value_of(properties, "gridBefore"))
        for cell in _cells(row):
            own = cell.find(f"{W}tcPr")
            merge = own.find(f"{W}vMerge") if own is not None else None
            text = collapse(" ".join(self._text(each) for each in cell.iter(_PARAGRAPH)))
            if merge is not None and merge.get(f"{W}val", "continue") == "continue" and len(cells) < len(above):
                text = text or (above[len(cells)] if len(above[len(cells)]) <= _LONGEST_REPEATED else "")
            cells += [text, *[""] * (max(1, _count(value_of(own, "gridSpan"))) - 1)]
        while cells and not cells[-1]:
            cells.pop()
        return _Row(cells, is_on(properties, "tblHeader"))

    def _caption(self, table: Any) -> tuple[str, bool]:
        """Return a table's caption and whether it stands below; one right above goes first."""
        above, below = self._caption_text(table.getprevious()), self._caption_text(table.getnext())
        if above and not _OF_A_FIGURE.match(above):
            return above, False
        return (below, True) if _OF_A_TABLE.match(below) else ("", False)

    def _caption_text(self, element: Any | None) -> str:
        if element is None or element.tag != _PARAGRAPH:
            return ""
        style = self._styles.get(value_of(element.find(f"{W}pPr"), "pStyle") or "", Style())
        return collapse(self._text(element)) if style.is_caption else ""

    # --- text -------------------------------------------------------------------------

    def _text(self, element: Any) -> str:
        return "".join(self._pieces(element))

    def _pieces(self, element: Any) -> Iterator[str]:
        """Yield an element's own text: nothing deleted or hidden, none of its text boxes."""
        stack = [element]
        while stack:
            current = stack.pop()
            if current.tag in _TEXT:
                yield current.text or ""
            elif current.tag in _SIGNS:
                yield _SIGNS[current.tag]
            elif current.tag == _SYMBOL:
                yield _sign(current)
            elif current.tag == _RUN and is_on(current.find(f"{W}rPr"), "vanish"):
                self._has_hidden = True
            elif current.tag not in _SKIPPED and current.tag != _TEXT_BOX:
                stack.extend(reversed(list(current.iterchildren(etree.Element))))


def _page(raw: bytes, name: str) -> str | None:
    """Return the HTML of a page, or of a page with its pictures in one file; ``None`` for other files."""
    if name.endswith((".html", ".htm", ".xhtml")):
        return decode(raw)
    if name.endswith((".mht", ".mhtml")):
        body = message_from_bytes(raw, policy=policy.default).get_body(("html",))
        return str(body.get_content()) if body is not None else None
    return None


def _cells(row: Any) -> Iterator[Any]:
    for cell in row.iter(_CELL):
        if next(cell.iterancestors(_ROW)) is row:
            yield cell


def _count(value: str | None) -> int:
    return min(int(value), 1_000) if value and value.isdigit() else 0


def _sign(symbol: Any) -> str:
    code, font = symbol.get(f"{W}char") or "", symbol.get(f"{W}font") or ""
    try:
        return sign(int(code, 16), font=font)
    except ValueError:
        return ""
