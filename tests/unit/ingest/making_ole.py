"""OLE containers for the tests: the files of old Office programs and of Outlook."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

SECTOR = 512
MINI = 64
SMALL = 4096  # bytes; smaller streams share the sectors of the root
FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def write_ole(tree: Mapping[str, Any]) -> bytes:
    """Return an OLE container of streams (bytes) and storages (mappings), nested as ``tree`` is."""
    return _Writer().write(tree)


class _Writer:
    def __init__(self) -> None:
        self.sectors: list[bytes] = []
        self.fat: list[int] = []
        self.mini = b""
        self.mini_fat: list[int] = []
        self.entries: list[list[Any]] = []  # name, kind, right sibling, child, start, size

    def write(self, tree: Mapping[str, Any]) -> bytes:
        self.entries.append(["Root Entry", 5, FREE, FREE, END, 0])
        self.entries[0][3] = self.add_all(tree)
        self.entries[0][4], self.entries[0][5] = self.chain(self.mini), len(self.mini)
        directory = self.chain(b"".join(_entry(*entry) for entry in self.entries), unit=b"\xff")
        mini_fat = self.chain(b"".join(struct.pack("<I", at) for at in self.mini_fat), unit=b"\xff")
        mini_count = -(-len(self.mini_fat) * 4 // SECTOR)
        count = 1
        while (len(self.fat) + count) * 4 > count * SECTOR:
            count += 1
        first = len(self.fat)
        self.fat += [FAT] * count
        table = b"".join(struct.pack("<I", at) for at in self.fat).ljust(count * SECTOR, b"\xff")
        header = struct.pack(
            "<8s16xHHHHH6xIIIIIIIII",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            *(0x3E, 3, 0xFFFE, 9, 6, 0, count, directory, 0, SMALL, mini_fat, mini_count, END, 0),
        )
        fats = b"".join(struct.pack("<I", first + number) for number in range(count))
        return header + fats.ljust(436, b"\xff") + b"".join(self.sectors) + table

    def add_all(self, tree: Mapping[str, Any]) -> int:
        """Add entries as a chain of right siblings; returns the first."""
        head = before = FREE
        for name, content in sorted(tree.items(), key=lambda item: (len(item[0]), item[0].upper())):
            number = len(self.entries)
            self.entries.append([name, 1, FREE, FREE, END, 0])
            if isinstance(content, Mapping):
                child = self.add_all(content)
                self.entries[number][1], self.entries[number][3] = 1, child
            else:
                self.entries[number][1], self.entries[number][5] = 2, len(content)
                self.entries[number][4] = self.chain(content) if len(content) >= SMALL else self.small(content)
            if before == FREE:
                head = number
            else:
                self.entries[before][2] = number
            before = number
        return head

    def chain(self, content: bytes, unit: bytes = b"\0") -> int:
        if not content:
            return END
        first = len(self.sectors)
        pieces = [content[at : at + SECTOR].ljust(SECTOR, unit) for at in range(0, len(content), SECTOR)]
        self.sectors += pieces
        self.fat += [first + number + 1 for number in range(len(pieces) - 1)] + [END]
        return first

    def small(self, content: bytes) -> int:
        if not content:
            return END
        first = len(self.mini) // MINI
        count = -(-len(content) // MINI)
        self.mini += content.ljust(count * MINI, b"\0")
        self.mini_fat += [first + number + 1 for number in range(count - 1)] + [END]
        return first


def _entry(name: str, kind: int, right: int, child: int, *place: int) -> bytes:
    encoded = name.encode("utf-16-le") + b"\0\0"
    return struct.pack("<64sHBBIII36xIQ", encoded, len(encoded), kind, 1, FREE, right, child, *place)
