"""Reading the parts of an Excel workbook (.xlsx, .xlsm): rows of cells as they are shown.

Read here and not with openpyxl, whose streaming mode knows neither merged cells nor hidden
rows, needs a second pass for formulas without a stored value, and fails on style sheets and
drawings that Excel itself opens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from lxml import etree

from citewise.ingest.parse.charts import chart_tables, diagram_items
from citewise.ingest.parse.compose import Composer, collapse
from citewise.ingest.parse.numbers import BUILT_IN, shown_number
from citewise.ingest.parse.package import DamagedPartError, Package, Relation
from citewise.ingest.parse.sheet_layout import LAST_COLUMN, Budget, MergedCells, SheetRow, column_index, write_sheet

_R_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}"
_CELL = re.compile(r"([A-Za-z]{1,3})(\d{1,7})")
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\b[^>]*?\bref=\"([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})\"")
_BLOCK = 1 << 20  # bytes read at a time
_LONGEST_TAG = 200  # bytes kept between them


@dataclass(frozen=True, slots=True)
class _Sheet:
    name: str
    relation: Relation
    hidden: bool


class Workbook:
    """A workbook, written sheet by sheet."""

    def __init__(self, package: Package, composer: Composer) -> None:
        self.warnings: list[str] = []
        self.unread: list[str] = []
        self.images = 0
        self._package = package
        self._composer = composer
        self._comments = False
        self._objects = 0
        self._charts = 0
        self._hidden: list[str] = []
        self._formulas = 0  # without a stored value
        self._hidden_rows = 0  # of the sheet that is read
        main = package.main_part()
        root = package.xml(main)
        relations = package.relations(main)
        self._sheets = [
            _Sheet(
                each.get("name") or f"Sheet {number}",
                relations[each.get(_R_ID)],
                each.get("state", "visible") != "visible",
            )
            for number, each in enumerate(root.iter("{*}sheet"), 1)
            if each.get(_R_ID) in relations
        ]
        properties = next(root.iter("{*}workbookPr"), None)
        self._since_1904 = properties is not None and properties.get("date1904") in ("1", "true")
        parts = {relation.kind: relation.target for relation in relations.values()}
        self._strings = self._read_strings(parts.get("sharedStrings"))
        self._formats = self._read_formats(parts.get("styles"))

    def write(self, budget: Budget) -> None:
        """Write every visible sheet."""
        for sheet in self._sheets:
            if sheet.hidden:
                self._hidden.append(sheet.name)
                continue
            self._write_sheet(sheet, budget)
        if self._formulas:
            self.warnings.append(
                f"{self._formulas:,} {'formula has' if self._formulas == 1 else 'formulas have'} no stored value and "
                "can only be shown as such: open the file in a spreadsheet program and save it to have the values."
            )
        self.unread += budget.unread

    def left_out(self) -> list[str]:
        """Say what was not read."""
        left_out = []
        if self._hidden:
            left_out.append(f"Hidden {'sheet' if len(self._hidden) == 1 else 'sheets'}: {', '.join(self._hidden)}.")
        if self._comments:
            left_out.append("Comments.")
        if self._charts:
            which = "1 chart" if self._charts == 1 else f"{self._charts} charts"
            left_out.append(f"{which} of figures that stand in the sheets.")
        if self._objects:
            left_out.append(f"{self._objects} embedded {'object' if self._objects == 1 else 'objects'}.")
        if self.images:
            left_out.append(f"{self.images} {'image' if self.images == 1 else 'images'}.")
        return left_out

    def _write_sheet(self, sheet: _Sheet, budget: Budget) -> None:
        try:
            relations = self._package.relations(sheet.relation.target)
        except DamagedPartError:
            relations = {}
            self.unread.append(f"Sheet {sheet.name}: its drawings, which are damaged.")
        kinds = [relation.kind for relation in relations.values()]
        self._comments |= any("comment" in kind.lower() for kind in kinds)
        self._objects += sum(kind in ("oleObject", "package") for kind in kinds)
        self._hidden_rows = 0
        if sheet.relation.kind == "worksheet":
            write_sheet(self._composer, sheet.name, budget.limited(sheet.name, self._rows(sheet)))
        if self._hidden_rows:
            self.warnings.append(f"Sheet {sheet.name}: {self._hidden_rows:,} hidden rows were read too.")
        for relation in relations.values():
            if relation.kind == "drawing" and not relation.external:
                try:
                    self._write_drawing(sheet, relation.target)
                except DamagedPartError:
                    self.unread.append(f"Sheet {sheet.name}: its drawings, which are damaged.")

    def _write_drawing(self, sheet: _Sheet, name: str) -> None:
        """Write the words of text boxes and diagrams, and the figures of a sheet that is a chart."""
        relations = self._package.relations(name).values()
        self.images += sum(relation.kind == "image" for relation in relations)
        root = self._package.xml(name)
        if sheet.relation.kind != "worksheet":
            self._composer.add("heading", sheet.name)
        with self._composer.place(sheet.name):
            for shape in root.iter(f"{_DRAWING}sp"):
                for paragraph in shape.iter(f"{_A}p"):
                    self._composer.add("paragraph", "".join(text.text or "" for text in paragraph.iter(f"{_A}t")))
            for relation in relations:
                if relation.kind == "diagramData":
                    for level, words in diagram_items(self._package.xml(relation.target)):
                        self._composer.add("list_item", words, indent=min(level, 8))
                elif relation.kind == "chart" and sheet.relation.kind == "worksheet":
                    self._charts += 1
                elif relation.kind == "chart":
                    for caption, rows in chart_tables(self._package.xml(relation.target)):
                        self._composer.add_table(rows, header_rows=1, caption=caption)

    def _rows(self, sheet: _Sheet) -> Iterator[SheetRow]:
        """Yield the rows of a sheet that have text, up to where it is damaged."""
        number = 0
        try:
            merged = self._merged(sheet.relation.target)
            for element in self._elements(sheet.relation.target, "{*}row"):
                own = element.get("r") or ""
                number = int(own) if own.isdigit() else number + 1
                cells = self._cells(element)
                if cells:
                    self._hidden_rows += element.get("hidden") in ("1", "true")
                    yield merged.row(number, cells)
        except (DamagedPartError, etree.XMLSyntaxError):
            where = f" after row {number:,}" if number else ""
            self.unread.append(f"Sheet {sheet.name}{where}, which is damaged.")

    def _cells(self, row: Any) -> dict[int, str]:
        cells: dict[int, str] = {}
        column = -1
        for cell in row.iterchildren("{*}c"):
            found = _CELL.fullmatch(cell.get("r") or "")
            column = column_index(found[1]) if found else column + 1
            words = self._value(cell)
            if words and column <= LAST_COLUMN:
                cells[column] = words
        return cells

    def _value(self, cell: Any) -> str:
        value = formula = None
        for child in cell.iterchildren(tag="*"):
            if child.tag.endswith("}v"):
                value = child.text
            elif child.tag.endswith("}is"):
                return collapse(_string(child))
            elif child.tag.endswith("}f"):
                formula = child.text
        kind = cell.get("t", "n")
        if value is not None:
            return self._stored(value.strip(), kind, cell.get("s") or "0")
        if not formula or kind == "str":
            return ""
        self._formulas += 1
        return f"={collapse(formula)}"

    def _stored(self, value: str, kind: str, style: str) -> str:
        """Show a stored value by the kind and the style of its cell."""
        if kind == "s":
            return self._strings[int(value)] if value.isdigit() and int(value) < len(self._strings) else ""
        if kind == "b":
            return "TRUE" if value == "1" else "FALSE"
        if kind != "n":
            return collapse(value)
        code = self._formats[int(style)] if style.isdigit() and int(style) < len(self._formats) else ""
        return shown_number(value, code, since_1904=self._since_1904)

    def _read_strings(self, name: str | None) -> list[str]:
        if name is None or name not in self._package:
            return []
        try:
            return [collapse(_string(element)) for element in self._elements(name, "{*}si")]
        except (DamagedPartError, etree.XMLSyntaxError):
            self.unread.append("The texts of cells, which are damaged.")
            return []

    def _read_formats(self, name: str | None) -> list[str]:
        """Return the number format of every style of cells."""
        if name is None:
            return []
        try:
            root = self._package.xml(name)
        except DamagedPartError:
            self.warnings.append("Dates and percentages show as plain numbers: the file's styles are damaged.")
            return []
        own = {each.get("numFmtId"): each.get("formatCode") or "" for each in root.iter("{*}numFmt")}
        formats = []
        for styles in root.iter("{*}cellXfs"):
            for style in styles.iterchildren("{*}xf"):
                number = style.get("numFmtId") or "0"
                formats.append(own.get(number) or (BUILT_IN.get(int(number), "") if number.isdigit() else ""))
        return formats

    def _elements(self, name: str, tag: str) -> Iterator[Any]:
        """Yield elements one by one, and forget each before the next."""
        with self._package.open(name) as file:
            for _, element in etree.iterparse(file, tag=tag, resolve_entities=False, no_network=True, huge_tree=False):
                yield element
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]

    def _merged(self, name: str) -> MergedCells:
        """Find merged cells, which the file names after the rows."""
        merged = MergedCells()
        kept = b""
        with suppress(DamagedPartError), self._package.open(name) as file:  # the rows up to there are still read
            while block := file.read(_BLOCK):
                block = kept + block
                end = 0
                for found in _MERGED.finditer(block):
                    end = found.end()
                    left, top, right, bottom = (each.decode() for each in found.groups())
                    merged.add(top=int(top), bottom=int(bottom), left=column_index(left), right=column_index(right))
                kept = block[max(end, len(block) - _LONGEST_TAG) :]
        return merged


def _string(element: Any) -> str:
    """Return a text in one or several formats, without the signs that say how to pronounce it."""
    return "".join(
        text.text or "" for text in element.iter("{*}t") if not text.getparent().tag.endswith("}rPh")
    ).replace("_x000D_", "")
