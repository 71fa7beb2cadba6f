"""What a backup file looks like inside, and how it is read.

It is a zip: any system can list and open it, a single member can be read, and one that was
cut off is recognised, since its directory stands at the end::

    registry.sqlite3       a consistent copy, checked
    blobs/ab/<sha256>      every original that it refers to
    manifest.json          what it is, and size and SHA-256 of every member
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import zipfile
import zlib
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from citewise.errors import RegistryError
from citewise.registry.failures import as_sentences
from citewise.upkeep import BackupReport

FORMAT = 1
MANIFEST = "manifest.json"
REGISTRY = "registry.sqlite3"
BLOBS = "blobs"

UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
"""What reading a damaged zip may raise."""

_MEMBER = re.compile(r"registry\.sqlite3|blobs/([0-9a-f]{2})/\1[0-9a-f]{62}")
_LARGEST_MANIFEST = 512_000_000  # bytes; about two million originals
_PIECE = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a backup."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    citewise: str  # version that wrote it
    schema: str
    created_at: float
    counts: dict[str, int]
    missing: tuple[str, ...]  # hashes of originals that could not be read
    members: tuple[Member, ...]

    def report(self, path: Path) -> BackupReport:
        """Return what a person wants to know of it."""
        size = path.stat().st_size
        return BackupReport(path, size, self.created_at, self.citewise, self.schema, self.counts, self.missing)


def read_manifest(path: Path) -> Manifest:
    """Return what a backup says of itself, without looking at the rest of it.

    Raises:
        RegistryError: It is no backup, is damaged, or was written by a newer Citewise.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(MANIFEST).file_size > _LARGEST_MANIFEST:
                raise ValueError("its manifest is too large")
            return _manifest(path, json.loads(archive.read(MANIFEST)), set(archive.namelist()))
    except FileNotFoundError as error:
        raise RegistryError(f"There is no file {path}. Give the path of a backup.") from error
    except (OSError, KeyError, TypeError, *UNREADABLE) as error:
        raise RegistryError(
            f"{path} is no backup of Citewise, or it is damaged ({error}). Nothing was changed; try another backup."
        ) from error


def referred_hashes(registry: Path) -> list[str]:
    """Return the hashes of all originals that a registry file refers to, in order."""
    with as_sentences(registry), closing(sqlite3.connect(registry)) as connection:
        rows = connection.execute("SELECT DISTINCT content_hash FROM versions ORDER BY content_hash").fetchall()
    return [str(row[0]) for row in rows]


def copy_and_hash(source: IO[bytes], target: IO[bytes], *, limit: int | None = None) -> tuple[int, str]:
    """Copy to the end, or to the first byte past ``limit``; returns how many bytes, and their SHA-256 in hex."""
    digest, size = hashlib.sha256(), 0
    while piece := source.read(_PIECE):
        size += len(piece)
        if limit is not None and size > limit:
            break
        digest.update(piece)
        target.write(piece)
    return size, digest.hexdigest()


def _manifest(path: Path, entry: Any, names: set[str]) -> Manifest:
    if not isinstance(entry, dict) or not isinstance(entry.get("format"), int):
        raise ValueError("its manifest says no format")
    if entry["format"] != FORMAT:
        raise RegistryError(
            f"{path} has the format {entry['format']}, and this version of Citewise reads format {FORMAT}. "
            "Upgrade Citewise to restore it; nothing was changed."
        )
    members = tuple(Member(str(one["name"]), int(one["bytes"]), str(one["sha256"])) for one in entry["members"])
    listed = {member.name for member in members}
    if REGISTRY not in listed or len(listed) != len(members) or not listed <= names:
        raise ValueError("its manifest does not fit its content")
    for member in members:
        if not _MEMBER.fullmatch(member.name):
            raise ValueError(f"{member.name!r} does not belong in it")
    return Manifest(
        citewise=str(entry["citewise"]),
        schema=str(entry["schema"]),
        created_at=float(entry["created_at"]),
        counts={str(name): int(count) for name, count in entry["counts"].items()},
        missing=tuple(map(str, entry["missing"])),
        members=members,
    )
