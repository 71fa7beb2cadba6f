"""What ``doctor`` finds in a data directory, also in one that cannot be opened."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from citewise.cli import output
from citewise.errors import CitewiseError, StoreError

if TYPE_CHECKING:
    from citewise.settings import Settings
    from citewise.upkeep import Problem

PROBLEMS_SHOWN = 3  # of each part

WAY_OUT = {
    "registry": "Put a backup in its place with `citewise restore FILE`; what is there is kept beside.",
    "journal": "Put a backup in its place with `citewise restore FILE`; what is there is kept beside.",
    "text": "Add the file again, or put a backup in its place with `citewise restore FILE`.",
    "chunks": "Add the file again, or put a backup in its place with `citewise restore FILE`.",
    "embeddings": "Remove the documents with --purge and add them again, or restore a backup.",
    "conversations": "Put a backup in its place with `citewise restore FILE`.",
    "originals": "Add the file again; until then its pages cannot be shown.",
}


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, and if it is a problem, what to do."""

    name: str
    ok: bool
    detail: str


def check_place(settings: Settings) -> Iterator[Check]:
    """Look at where the data directory is; it need not be there."""
    from citewise.registry.mounts import file_system_of, mount_points, refuse_network  # noqa: PLC0415
    from citewise.registry.space import free_bytes  # noqa: PLC0415

    place = _existing(settings.home)
    yield _writable(settings.home, place)
    try:
        refuse_network(place)
        yield Check("file system", True, file_system_of(place.resolve(), mount_points()) or "not known")
    except CitewiseError as error:
        yield Check("file system", False, str(error))
    except OSError:
        yield Check("file system", True, "not known")
    free, wanted = free_bytes(place), settings.ingest.keep_free_mb * 10**6
    said = f"{output.size(free)} free"
    if free < wanted:
        said = f"Only {said}; below {output.size(wanted)} nothing is taken in. Make room, or move CITEWISE_HOME."
    yield Check("disk", free >= wanted, said)


def check_directory(home: Path) -> Iterator[Check]:
    """Look at everything in the data directory; this process must own it.

    Nothing in it is changed but what a crash left half done in the registry, which is undone.
    """
    from citewise.registry.check import check_content, check_structure  # noqa: PLC0415
    from citewise.registry.exchange import PENDING  # noqa: PLC0415
    from citewise.registry.schema import HEAD, is_newer  # noqa: PLC0415

    path = home / "registry.sqlite3"
    if (home / PENDING).is_dir():
        yield Check("restore", True, "It was cut off, and is finished when Citewise starts the next time.")
    yield from _kept(home)
    problems = check_structure(path)
    if problems:
        yield from _problems(problems)
        return
    if not path.is_file() or path.stat().st_size == 0:
        yield Check("registry", True, "There is none yet.")
        return
    schema = _schema(path)
    if is_newer(schema):
        yield Check(
            "registry", False, f"A newer version of Citewise wrote it (schema {schema}, here {HEAD}). Upgrade Citewise."
        )
        return
    yield Check("registry", True, "whole" if schema == HEAD else f"whole; brought from schema {schema} to {HEAD} next")
    problems = list(check_content(path))
    yield from _problems(problems)
    if not problems:
        yield Check("content", True, "texts, vectors, conversations and originals are what was stored")
    if schema == HEAD:
        yield from _index(home)


def _writable(home: Path, place: Path) -> Check:
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        why = error.strerror or str(error)
        return Check(
            "data directory",
            False,
            f"{place} cannot be written ({why}). Change its owner, or choose another directory with CITEWISE_HOME.",
        )
    return Check("data directory", True, str(home.absolute()))


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    return next(one for one in (path, *path.absolute().parents) if one.exists())


def _schema(path: Path) -> str | None:
    from citewise.registry.schema import revision_of  # noqa: PLC0415

    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return revision_of(connection)


def _problems(problems: Iterable[Problem]) -> Iterator[Check]:
    by_part: dict[str, list[str]] = {}
    for problem in problems:
        by_part.setdefault(problem.part, []).append(problem.what)
    for part, found in by_part.items():
        left = len(found) - PROBLEMS_SHOWN
        said = "; ".join(found[:PROBLEMS_SHOWN]) + (f"; and {left:,} more" if left > 0 else "")
        yield Check(part, False, f"{said[:1].upper()}{said[1:]}. {WAY_OUT[part]}")


def _kept(home: Path) -> Iterator[Check]:
    for folder in sorted(home.glob("replaced-*")):
        held = output.size(sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()))
        yield Check("kept", True, f"{folder.name} ({held}) is what a restore moved aside. Delete it when you can.")


def _index(home: Path) -> Iterator[Check]:
    from citewise.index.budget import available_memory, require_memory  # noqa: PLC0415
    from citewise.registry import generations, held  # noqa: PLC0415
    from citewise.registry.database import Registry  # noqa: PLC0415

    with Registry.read_only(home) as registry, registry.read() as rx:
        active = generations.active(rx)
        if active is None:
            return
        count = held.chunk_count(rx, active.id)
        entries = held.wanted(rx).values()
        missing = sum(len(held.missing_texts(rx, entry, active.embedder)) for entry in entries)
    verified = "never verified"
    if active.verified_at:
        verified = f"last verified {time.strftime('%Y-%m-%d %H:%M', time.localtime(active.verified_at))}"
    there = "" if (home / "index" / active.id).is_dir() else "; its files are missing and are built anew at the start"
    yield Check("generation", True, f"{active.id[:8]} holds {output.amount(count, 'chunk')}, {verified}{there}")
    if missing:
        said = f"{output.amount(missing, 'chunk')} without a vector. Run `citewise index rebuild`."
        yield Check("vectors", False, said)
    available = available_memory()
    try:
        require_memory(count, active.dimension)
        yield Check("memory", True, "not known" if available is None else f"{output.size(available)} available")
    except StoreError as error:
        yield Check("memory", False, str(error))
