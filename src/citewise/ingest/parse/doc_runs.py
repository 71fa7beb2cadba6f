"""Old Word documents: the properties of stretches of text, and fields within it."""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from collections.abc import Iterator

ROW_CELLS = 0xD608  # the one property whose length takes two bytes
_OPERAND_BYTES = (1, 1, 2, 4, 2, 2, -1, 3)  # by the code's upper three bits; -1: the operand begins with its length
_FIELD_MARKS = re.compile("([\x13\x14\x15])")
_RUBY = re.compile(r"^\s*EQ\b.*\\s\s*\\up\s*\d+\s*\([^)]*\)\s*[,;]\s*([^)]*)\)", re.DOTALL)  # signs above words


class Runs:
    """Properties of stretches of the stream, which stand in pages of 512 bytes."""

    def __init__(self, main: bytes, table: bytes, *, paragraphs: bool) -> None:
        self._main = main
        self._paragraphs = paragraphs
        count = max((len(table) - 4) // 8, 0)
        self._starts = list(struct.unpack_from(f"<{count}I", table)) if count else []
        self._pages = [number & 0x3FFFFF for number in struct.unpack_from(f"<{count}I", table, 4 * (count + 1))]
        self._page: tuple[int, list[int], bytes] = (-1, [], b"")

    def __iter__(self) -> Iterator[tuple[int, int, bytes]]:
        for number in self._pages:
            _, bounds, page = self._load(number)
            for index in range(len(bounds) - 1):
                yield bounds[index], bounds[index + 1], self._entry(page, len(bounds) - 1, index)

    def at(self, offset: int) -> tuple[int, bytes]:
        """Return the style and the properties of the paragraph that ends at ``offset``."""
        where = bisect_right(self._starts, offset) - 1
        if where < 0:
            return 0, b""
        number = self._pages[where]
        if self._page[0] != number:
            self._page = self._load(number)
        _, bounds, page = self._page
        index = bisect_right(bounds, offset) - 1
        if not 0 <= index < len(bounds) - 1:
            return 0, b""
        entry = self._entry(page, len(bounds) - 1, index)
        return (struct.unpack_from("<H", entry)[0], entry[2:]) if len(entry) >= 2 else (0, b"")

    def _load(self, number: int) -> tuple[int, list[int], bytes]:
        page = self._main[number * 512 : number * 512 + 512]
        if len(page) < 512 or page[511] > (29 if self._paragraphs else 101):
            return number, [], page
        return number, list(struct.unpack_from(f"<{page[511] + 1}I", page)), page

    def _entry(self, page: bytes, count: int, index: int) -> bytes:
        at = 4 * (count + 1) + index * (13 if self._paragraphs else 1)
        offset = page[at] * 2
        if not offset:
            return b""
        if not self._paragraphs:
            return page[offset + 1 : offset + 1 + page[offset]]
        if page[offset]:
            return page[offset + 1 : offset + 2 * page[offset]]
        return page[offset + 2 : offset + 2 + 2 * page[offset + 1]]


class Fields:
    """Takes fields' instructions out and leaves their results; fields stand within fields."""

    def __init__(self) -> None:
        self._kept: list[list[str]] = [[]]  # what is read; above it, of each open field what was read so far
        self._instructions: list[bool] = []  # of each open field: whether its instruction goes on

    def without_instructions(self, text: str) -> str:
        """Return what a reader sees of ``text``; a field may go on in the next piece of text."""
        if not self._instructions and "\x13" not in text:
            return text
        self._kept[0].clear()
        for piece in _FIELD_MARKS.split(text):
            if piece == "\x13":
                self._instructions.append(True)
                self._kept.append([])
            elif piece == "\x14" and self._instructions:
                self._instructions[-1] = False
                self._kept[-1].clear()
            elif piece == "\x15" and self._instructions:
                words = "".join(self._kept.pop())
                if self._instructions.pop():  # no result: only a formula may say something
                    formula = _RUBY.search(words)
                    words = formula[1] if formula else ""
                self._kept[-1].append(words)
            else:
                self._kept[-1].append(piece)
        if True in self._instructions:
            return "".join(self._kept[0])
        seen = "".join("".join(level) for level in self._kept)
        for level in self._kept:
            level.clear()
        return seen


def properties(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield codes and operands of a list of property changes, as far as it holds together."""
    at = 0
    while at + 2 < len(raw):
        code = raw[at] | raw[at + 1] << 8
        at += 2
        size = _OPERAND_BYTES[code >> 13]
        if code == ROW_CELLS:
            size = int.from_bytes(raw[at : at + 2], "little") - 1
            at += 2
        elif size < 0:
            size = raw[at]
            at += 1
        if size < 0:
            return
        yield code, raw[at : at + size]
        at += size


def merged_cells(operand: bytes) -> tuple[bool, ...]:
    """Tell which cells of a row only go on with the cell above."""
    count = operand[0] if operand else 0
    at = 1 + 2 * (count + 1)
    flags = (int.from_bytes(operand[start : start + 2], "little") for start in range(at, at + 20 * count, 20))
    return tuple(flag >> 5 & 3 == 1 for flag in flags)
