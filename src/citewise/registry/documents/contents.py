"""What was read of one version: its text, pages, blocks and chunks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from citewise.errors import NotFoundError
from citewise.registry import records
from citewise.registry.documents.rows import CHUNK_COLUMNS, chunk_from, is_version
from citewise.registry.tables import chunks as chunk_table
from citewise.registry.tables import texts
from citewise.types import Block, Chunk, PageSpan


def text(rx: Connection, document_id: str, version: int) -> str:
    """Return the text of a version. Raises ``NotFoundError`` if there is none yet, or no more."""
    return str(_stored(rx, texts.c.text, document_id, version))


def slice_text(rx: Connection, document_id: str, version: int, start: int, end: int) -> str:
    """Return ``text[start:end]`` of a version, with both ends moved into the text. Raises ``NotFoundError``."""
    start = max(start, 0)
    # SQLite and PostgreSQL count characters from 1, as Unicode code points like Python.
    return str(_stored(rx, func.substr(texts.c.text, start + 1, max(end - start, 0)), document_id, version))


def pages(rx: Connection, document_id: str, version: int) -> tuple[PageSpan, ...]:
    """Return where the pages of a version stand in its text. Raises ``NotFoundError``."""
    return records.unpack(PageSpan, _stored(rx, texts.c.pages, document_id, version))


def blocks(rx: Connection, document_id: str, version: int) -> tuple[Block, ...]:
    """Return the structural units of a version, in order. Raises ``NotFoundError``."""
    return records.unpack(Block, _stored(rx, texts.c.blocks, document_id, version))


def chunks(rx: Connection, document_id: str, version: int) -> list[Chunk]:
    """Return the chunks of a version, in order; none when it was not split yet, or purged."""
    rows = rx.execute(
        select(*CHUNK_COLUMNS).where(is_version(chunk_table, document_id, version)).order_by(chunk_table.c.ordinal)
    )
    return [chunk_from(row) for row in rows]


def neighbours(rx: Connection, chunk: Chunk, reach: int) -> list[Chunk]:
    """Return the chunks of the same version at most ``reach`` places from ``chunk``, itself included, in order."""
    rows = rx.execute(
        select(*CHUNK_COLUMNS)
        .where(
            is_version(chunk_table, chunk.document_id, chunk.version),
            chunk_table.c.ordinal.between(chunk.ordinal - reach, chunk.ordinal + reach),
        )
        .order_by(chunk_table.c.ordinal)
    )
    return [chunk_from(row) for row in rows]


def _stored(rx: Connection, column: Any, document_id: str, version: int) -> Any:
    value = rx.scalar(select(column).where(is_version(texts, document_id, version)))
    if value is None:
        raise NotFoundError("text of document", document_id, hint=f"Version {version} was not read yet, or is gone.")
    return value
