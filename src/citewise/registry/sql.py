"""Small helpers where SQL dialects differ or have limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")

BATCH = 500  # values in one IN list; SQLite before 3.32 allowed 999 parameters in all


def batches(items: Sequence[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    """Yield ``items`` in order, ``size`` at a time; nothing for none."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def insert_missing(tx: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert ``rows``, leaving those alone whose key is there already."""
    if not rows:
        return
    insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    tx.execute(insert(table).on_conflict_do_nothing(), list(rows))


def is_storable(text: str) -> bool:
    """Whether every database takes ``text``: PostgreSQL refuses NUL, and lone surrogates have no UTF-8."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
