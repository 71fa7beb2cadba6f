"""A raw search: whether bytes stand anywhere in files, also inside of compressed values of the registry."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")


def forms(word: str) -> list[bytes]:
    """The bytes by which a word may be stored; the end is left out, for stemming may cut it off."""
    return [word[:-2].encode(encoding) for encoding in ENCODINGS]


def places(folder: Path, needles: Mapping[str, Sequence[bytes]]) -> dict[str, list[str]]:
    """Where each needle stands: file names, or columns of the registry; needles that stand nowhere are left out."""
    found: dict[str, list[str]] = {}
    for where, content in _contents(folder):
        for name, patterns in needles.items():
            if any(pattern in content for pattern in patterns):
                found.setdefault(name, []).append(where)
    return found


def _contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_bytes()
            if path.name == "registry.sqlite3":
                yield from _unpacked(path)


def _unpacked(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every value of the registry that is compressed, unpacked."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - its own tables
                for value in row:
                    if isinstance(value, bytes) and value[:1] == b"\x78":
                        try:
                            yield f"registry.sqlite3, {table}", zlib.decompress(value)
                        except zlib.error:
                            continue
