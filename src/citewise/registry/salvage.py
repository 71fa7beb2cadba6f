"""What can still be read of a registry, which may be damaged: names only, to tell what a backup lacks."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Readable = Literal["all", "part", "nothing"]


@dataclass(frozen=True, slots=True, order=True)
class Known:
    """A document by name, in order of collection and name."""

    collection: str
    source: str
    version: int  # the newest


@dataclass(slots=True)
class Knowledge:
    """What a registry says it holds; nothing that was removed."""

    documents: dict[str, Known] = field(default_factory=dict)  # by id
    conversations: set[str] = field(default_factory=set)
    readable: Readable = "all"


def salvage(path: Path) -> Knowledge:
    """Return what a registry holds, as far as that can be read; nothing when there is none. Never fails."""
    if not path.is_file() or path.stat().st_size == 0:
        return Knowledge()
    known = Knowledge()
    # A registry whose log needs recovery cannot be opened by who only reads; its bare file can.
    for mode in ("mode=ro", "immutable=1"):
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, timeout=5)) as connection:
                connection.text_factory = lambda text: text.decode("utf-8", "replace")
                known = _read(connection)
        except sqlite3.Error:
            known.readable = "nothing"
        if known.readable == "all":
            break
    return known


def known_of(path: Path) -> Knowledge:
    """Return what a sound registry holds. Raises ``sqlite3.Error``."""
    with closing(sqlite3.connect(path)) as connection:
        return _read(connection)


def _read(connection: sqlite3.Connection) -> Knowledge:
    known = Knowledge()
    complete = []

    def rows(table: str, columns: str) -> list[tuple[Any, ...]]:
        found, whole = _both_ways(connection, table, columns)
        complete.append(whole)
        return found

    names = dict(rows("collections", "id, name"))
    for key, collection, source, version, deleted in rows(
        "documents", "id, collection_id, source, newest_version, deleted_at"
    ):
        if deleted is None and isinstance(version, int):
            known.documents[str(key)] = Known(str(names.get(collection, "?")), str(source), version)
    known.conversations = {str(key) for key, deleted in rows("conversations", "id, deleted_at") if deleted is None}
    if not all(complete):
        known.readable = "part" if known.documents or known.conversations else "nothing"
    return known


def _both_ways(connection: sqlite3.Connection, table: str, columns: str) -> tuple[list[tuple[Any, ...]], bool]:
    """Read a table from its beginning, and where a damaged page ends that, from its end too."""
    found: dict[int, tuple[Any, ...]] = {}
    for order in ("ASC", "DESC"):
        try:
            for rowid, *row in connection.execute(f"SELECT rowid, {columns} FROM {table} ORDER BY rowid {order}"):  # noqa: S608 - our own names
                found[rowid] = tuple(row)
        except (sqlite3.Error, ValueError):
            continue
        return list(found.values()), order == "ASC"
    return list(found.values()), False
