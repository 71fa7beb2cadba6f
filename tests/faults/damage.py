"""Damage to the files of an index, done to whatever files there are."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FLIPPED = 64  # bytes


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def halved(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def removed(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def flipped(path: Path) -> None:
    """Turn every bit of 64 bytes in the middle."""
    content = bytearray(path.read_bytes())
    start = max(0, len(content) // 2 - FLIPPED // 2)
    for at in range(start, min(len(content), start + FLIPPED)):
        content[at] ^= 0xFF
    path.write_bytes(bytes(content))


KINDS: tuple[Callable[[Path], None], ...] = (emptied, halved, removed, flipped)


@dataclass(frozen=True)
class Damage:
    """What is done to which file or folder of the serving generation."""

    pattern: str  # below the folder of the generation; of several files that fit, the largest
    kind: Callable[[Path], None]

    def __str__(self) -> str:
        return f"{self.pattern} {self.kind.__name__}"

    def do(self, home: Path) -> bool:
        """Damage it; whether there was something to damage."""
        fitting = sorted((home / "index").glob(f"*/{self.pattern}"), key=lambda path: path.stat().st_size)
        if not fitting or (fitting[-1].is_file() and not fitting[-1].stat().st_size):
            return False
        self.kind(fitting[-1].resolve())
        return True


SEGMENT = "chroma/*-*-*-*-*/"
FILES = (
    f"{SEGMENT}data_level0.bin",
    f"{SEGMENT}header.bin",
    f"{SEGMENT}length.bin",
    f"{SEGMENT}link_lists.bin",
    f"{SEGMENT}index_metadata.pickle",
    "chroma/chroma.sqlite3",
    "keyword/meta.json",
    "keyword/*.term",
    "keyword/*.idx",
    "keyword/*.store",
    "keyword/*.fast",
    "manifest.json",
)
FOLDERS = (SEGMENT.rstrip("/"), "chroma", "keyword", ".", "..")

EVERY = (
    *(Damage(pattern, kind) for pattern in FILES for kind in KINDS),
    *(Damage(pattern, removed) for pattern in FOLDERS),
)
"""All of it; some files may be empty or missing, and then there is nothing to damage."""

CHOSEN = (
    *(
        Damage(pattern, kind)
        for pattern in (FILES[0], FILES[1], "chroma/chroma.sqlite3", "keyword/meta.json")
        for kind in KINDS
    ),
    Damage("keyword/*.term", flipped),
    Damage(f"{SEGMENT}link_lists.bin", halved),
    Damage("manifest.json", removed),
    Damage(SEGMENT.rstrip("/"), removed),
    Damage("..", removed),
)
"""The 21 of the short form, by turns after a good end and after a kill."""
