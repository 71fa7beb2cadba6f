"""Old Excel workbooks (.xls, Excel 5 to 2003): rows of cells as they are shown.

The layout is that of [MS-XLS]: records in a stream, first those of the workbook with its
strings and formats, then those of each sheet. Read here, because calamine knows no number
formats, and takes all memory on a file whose sectors go in a circle.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from citewise.ingest.parse import ole
from citewise.ingest.parse.compose import Composer, collapse
from citewise.ingest.parse.numbers import BUILT_IN, shown_number
from citewise.ingest.parse.sheet_layout import Budget, MergedCells, SheetRow, write_sheet

_BOF, _EOF, _CONTINUE, _PASSWORD, _CODE_PAGE, _DATE_MODE = 0x0809, 0x000A, 0x003C, 0x002F, 0x0042, 0x0022
_SHEET, _FORMAT, _STYLE, _STRINGS = 0x0085, 0x041E, 0x00E0, 0x00FC
_ROW, _MERGED, _NOTE, _OBJECT, _TEXT_OBJECT = 0x0208, 0x00E5, 0x001C, 0x005D, 0x01B6
_STRING_INDEX, _LABEL, _RICH_LABEL, _NUMBER, _RK, _MANY_RK = 0x00FD, 0x0204, 0x00D6, 0x0203, 0x027E, 0x00BD
_BOOL_OR_ERROR, _FORMULA, _FORMULA_STRING = 0x0205, 0x0006, 0x0207
_BIFF_8 = 0x0600
_HIDDEN_ROW = 0x20
_PICTURE, _COMMENT_BOX = 8, 0x19  # kinds of objects
_ERRORS = {0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A"}


class PasswordNeededError(Exception):
    """The workbook is encrypted."""


@dataclass(frozen=True, slots=True)
class _Sheet:
    name: str
    offset: int
    hidden: bool
    kind: int  # 0 for cells


class Workbook:
    """A workbook, written sheet by sheet.

    Args:
        stream: The stream ``Workbook`` or, of Excel 5 and 95, ``Book``.

    Raises:
        PasswordNeededError: It is encrypted.
        DamagedError: It has no sheets, or the list of them does not hold together.
    """

    def __init__(self, stream: bytes, composer: Composer) -> None:
        self.warnings: list[str] = []
        self.unread: list[str] = []
        self.images = 0
        self._raw = stream
        self._composer = composer
        self._comments = False
        self._hidden_rows = 0
        self._code_page = 1252
        self._since_1904 = False
        self._sheets: list[_Sheet] = []
        self._formats: dict[int, str] = {}
        self._styles: list[int] = []
        self._strings: list[str] = []
        self._boxes: list[str] = []  # text boxes of the sheet that is read
        self._is_new = len(stream) > 6 and struct.unpack_from("<H", stream, 4)[0] >= _BIFF_8
        self._read_globals()
        if not self._sheets:
            raise ole.DamagedError("its list of sheets is missing")

    def write(self, budget: Budget) -> None:
        """Write every visible sheet."""
        for sheet in self._sheets:
            if sheet.hidden or sheet.kind:
                continue
            try:
                rows = self._read_sheet(sheet)
            except (struct.error, IndexError):
                self.unread.append(f"Sheet {sheet.name}, which is damaged.")
                continue
            write_sheet(self._composer, sheet.name, budget.limited(sheet.name, rows))
            if self._hidden_rows:
                self.warnings.append(f"Sheet {sheet.name}: {self._hidden_rows:,} hidden rows were read too.")
            with self._composer.place(sheet.name):
                for words in self._boxes:
                    self._composer.add("paragraph", words)
        self.unread += budget.unread

    def left_out(self) -> list[str]:
        """Say what was not read."""
        hidden = [sheet.name for sheet in self._sheets if sheet.hidden]
        left_out = [f"Hidden {'sheet' if len(hidden) == 1 else 'sheets'}: {', '.join(hidden)}."] if hidden else []
        if self._comments:
            left_out.append("Comments.")
        charts = sum(sheet.kind == 2 and not sheet.hidden for sheet in self._sheets)
        if charts:
            left_out.append(f"{charts} {'sheet that is a chart' if charts == 1 else 'sheets that are charts'}.")
        if self.images:
            left_out.append(f"{self.images} {'image' if self.images == 1 else 'images'}.")
        return left_out

    def _records(self, at: int) -> Iterator[tuple[int, int, int]]:
        """Yield kind, start and end of the records of one part, leaving out parts within it."""
        depth = 0
        while at + 4 <= len(self._raw):
            kind, length = struct.unpack_from("<HH", self._raw, at)
            at += 4
            if kind == _BOF:
                depth += 1
            elif kind == _EOF:
                depth -= 1
                if depth <= 0:
                    return
            elif depth == 1:
                yield kind, at, min(at + length, len(self._raw))
            at += length

    def _read_globals(self) -> None:
        strings: list[bytes] = []
        in_strings = False
        try:
            for kind, start, end in self._records(0):
                in_strings = kind == _STRINGS or (in_strings and kind == _CONTINUE)
                if kind == _PASSWORD:
                    raise PasswordNeededError
                if in_strings:
                    strings.append(self._raw[start:end])
                elif kind == _CODE_PAGE:
                    self._code_page = struct.unpack_from("<H", self._raw, start)[0]
                elif kind == _DATE_MODE:
                    self._since_1904 = self._raw[start] == 1
                elif kind == _SHEET:
                    offset, state, of_kind = struct.unpack_from("<IBB", self._raw, start)
                    name = self._text(start + 6, end, length_bytes=1)
                    self._sheets.append(_Sheet(name, offset, bool(state & 3), of_kind))
                elif kind == _FORMAT:
                    number = struct.unpack_from("<H", self._raw, start)[0]
                    self._formats[number] = self._text(start + 2, end, length_bytes=2 if self._is_new else 1)
                elif kind == _STYLE:
                    self._styles.append(struct.unpack_from("<H", self._raw, start + 2)[0])
        except (struct.error, IndexError) as error:
            raise ole.DamagedError("its list of sheets and formats") from error
        if strings:
            self._strings = list(_shared_strings(strings))

    def _read_sheet(self, sheet: _Sheet) -> list[SheetRow]:  # noqa: PLR0912 - a branch for each kind of record
        """Return the rows of a sheet that have text."""
        rows: dict[int, dict[int, str]] = {}
        hidden: set[int] = set()
        merged = MergedCells()
        formula: tuple[int, int] | None = None  # whose text comes in the next record
        box = 0  # kind of the last object
        text_length = 0  # of a text box whose text comes in the next record
        self._boxes = []
        for kind, start, end in self._records(sheet.offset):
            if kind == _CONTINUE and text_length:
                if box != _COMMENT_BOX and (words := self._box(start, end, text_length)):
                    self._boxes.append(words)
                text_length = 0
            elif kind == _FORMULA_STRING and formula is not None:
                row, column = formula
                rows.setdefault(row, {})[column] = self._text(start, end, length_bytes=2)
            elif kind == _ROW:
                row, flags = struct.unpack_from("<H10xH", self._raw, start)
                if flags & _HIDDEN_ROW:
                    hidden.add(row)
            elif kind == _MERGED:
                for index in range(struct.unpack_from("<H", self._raw, start)[0]):
                    top, bottom, left, right = struct.unpack_from("<4H", self._raw, start + 2 + 8 * index)
                    merged.add(top=top + 1, bottom=bottom + 1, left=left, right=right)
            elif kind == _NOTE:
                self._comments = True
            elif kind == _OBJECT and end - start >= 6:
                box = struct.unpack_from("<H", self._raw, start + 4)[0]
                self.images += box == _PICTURE
            elif kind == _TEXT_OBJECT and end - start >= 12:
                text_length = struct.unpack_from("<H", self._raw, start + 10)[0]
            else:
                for row, column, words in self._cells(kind, start, end):
                    rows.setdefault(row, {})[column] = words
                is_text = (
                    kind == _FORMULA and self._raw[start + 6] == 0 and self._raw[start + 12 : start + 14] == b"\xff\xff"
                )
                formula = struct.unpack_from("<HH", self._raw, start) if is_text else None
        found = (
            (row, {column: words for column, words in cells.items() if words}) for row, cells in sorted(rows.items())
        )
        filled = [(row, cells) for row, cells in found if cells]
        self._hidden_rows = sum(row in hidden for row, _ in filled)
        return [merged.row(row + 1, cells) for row, cells in filled]

    def _cells(self, kind: int, start: int, end: int) -> Iterator[tuple[int, int, str]]:
        """Yield row, column and words of the cells of one record; nothing for other records."""
        raw = self._raw
        if kind == _MANY_RK:
            row, first = struct.unpack_from("<HH", raw, start)
            for index in range((end - start - 6) // 6):
                style, value = struct.unpack_from("<HI", raw, start + 4 + 6 * index)
                yield row, first + index, self._number(_rk(value), style)
            return
        if kind not in (_STRING_INDEX, _LABEL, _RICH_LABEL, _NUMBER, _RK, _BOOL_OR_ERROR, _FORMULA):
            return
        row, column, style = struct.unpack_from("<HHH", raw, start)
        if kind == _STRING_INDEX:
            index = struct.unpack_from("<I", raw, start + 6)[0]
            words = self._strings[index] if index < len(self._strings) else ""
        elif kind in (_LABEL, _RICH_LABEL):
            words = self._text(start + 6, end, length_bytes=2)
        elif kind == _RK:
            words = self._number(_rk(struct.unpack_from("<I", raw, start + 6)[0]), style)
        elif kind == _BOOL_OR_ERROR:
            words = _bool_or_error(raw[start + 6], is_error=bool(raw[start + 7]))
        elif kind == _FORMULA and raw[start + 12 : start + 14] == b"\xff\xff":
            special = raw[start + 6]
            words = _bool_or_error(raw[start + 8], is_error=special == 2) if special in (1, 2) else ""
        else:
            words = self._number(struct.unpack_from("<d", raw, start + 6)[0], style)
        yield row, column, words

    def _number(self, value: float, style: int) -> str:
        number = self._styles[style] if style < len(self._styles) else 0
        code = self._formats.get(number) or BUILT_IN.get(number, "")
        return shown_number(value, code, since_1904=self._since_1904)

    def _text(self, start: int, end: int, *, length_bytes: int) -> str:
        """Return a text in one record, which begins with its length in characters."""
        length = int.from_bytes(self._raw[start : start + length_bytes], "little")
        start += length_bytes
        if not self._is_new:
            return collapse(ole.decode(self._raw[start : min(start + length, end)], self._code_page))
        return self._box(start, end, length)

    def _box(self, start: int, end: int, length: int) -> str:
        """Return a text of a known length, which begins with its width of characters."""
        wide = self._raw[start] & 1 if self._is_new else 0
        start += self._is_new
        raw = self._raw[start : min(start + length * (1 + wide), end)]
        if not self._is_new:
            return collapse(ole.decode(raw, self._code_page))
        return collapse(raw.decode("utf-16-le" if wide else "latin-1", "replace"))


def _shared_strings(blocks: list[bytes]) -> Iterator[str]:
    """Yield the strings that cells share; they run on from one record into the next."""
    count = struct.unpack_from("<I", blocks[0], 4)[0] if len(blocks[0]) >= 8 else 0
    reader = _Blocks(blocks, 8)
    for _ in range(count):
        try:
            yield reader.string()
        except (IndexError, struct.error):
            return


class _Blocks:
    """Reads what stands in several records as one."""

    def __init__(self, blocks: list[bytes], at: int) -> None:
        self._blocks = blocks
        self._block = 0
        self._at = at

    def string(self) -> str:
        """Return the next text; within one, each record says anew how wide characters are."""
        length, flags = struct.unpack("<HB", self._take(3))
        runs = struct.unpack("<H", self._take(2))[0] if flags & 8 else 0
        extension = struct.unpack("<I", self._take(4))[0] if flags & 4 else 0
        pieces = []
        wide = flags & 1
        while length:
            block = self._blocks[self._block]
            if self._at >= len(block):
                self._block += 1
                wide = self._blocks[self._block][0] & 1
                self._at = 1
                continue
            raw = block[self._at : self._at + length * (1 + wide)]
            self._at += len(raw)
            length -= max(len(raw) // (1 + wide), 1)
            pieces.append(raw.decode("utf-16-le" if wide else "latin-1", "replace"))
        self._take(4 * runs + extension)
        return collapse("".join(pieces))

    def _take(self, count: int) -> bytes:
        taken = b""
        while len(taken) < count:
            block = self._blocks[self._block]
            if self._at >= len(block):
                self._block += 1
                self._at = 0
                continue
            piece = block[self._at : self._at + count - len(taken)]
            self._at += len(piece)
            taken += piece
        return taken


def _rk(value: int) -> float:
    """Return a number that is packed in 30 bits ([MS-XLS] 2.5.217)."""
    if value & 2:
        number = float((value >> 2) - (1 << 30 if value & 0x80000000 else 0))
    else:
        number = struct.unpack("<d", struct.pack("<Q", (value & 0xFFFFFFFC) << 32))[0]
    return number / 100 if value & 1 else number


def _bool_or_error(value: int, *, is_error: bool) -> str:
    if is_error:
        return _ERRORS.get(value, "#ERROR")
    return "TRUE" if value else "FALSE"
