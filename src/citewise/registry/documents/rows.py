"""What the modules of documents share: conditions, errors and chunks as rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import ColumnElement, Table, and_

from citewise.errors import NotFoundError
from citewise.registry.ids import hash_text
from citewise.registry.tables import chunks
from citewise.types import Chunk

CHUNK_COLUMNS = (
    chunks.c.id,
    chunks.c.document_id,
    chunks.c.version,
    chunks.c.ordinal,
    chunks.c.start,
    chunks.c.end,
    chunks.c.page_first,
    chunks.c.page_last,
    chunks.c.headings,
    chunks.c.text,
    chunks.c.context,
)
"""What a ``Chunk`` is made of, in the order of its fields."""


def chunk_from(row: Sequence[Any]) -> Chunk:
    """Return the chunk of a row that begins with ``CHUNK_COLUMNS``."""
    id_, document_id, version, ordinal, start, end, first, last, headings, text, context = row[: len(CHUNK_COLUMNS)]
    return Chunk(id_, document_id, version, ordinal, start, end, first, last, tuple(headings), text, context)


def chunk_row(chunk: Chunk, document_id: str, version: int, *, splitter: str) -> dict[str, Any]:
    """Return the row of a chunk of that version, cut in that way."""
    return {
        "id": chunk.id,
        "document_id": document_id,
        "version": version,
        "splitter": splitter,
        "ordinal": chunk.ordinal,
        "start": chunk.start,
        "end": chunk.end,
        "page_first": chunk.page_first,
        "page_last": chunk.page_last,
        "headings": list(chunk.headings),
        "text": chunk.text,
        "context": chunk.context,
        "text_hash": hash_text(chunk.full_text),
    }


def is_version(table: Table, document_id: str, version: int) -> ColumnElement[bool]:
    """Return the condition that a row of ``table`` belongs to that version."""
    return and_(table.c.document_id == document_id, table.c.version == version)


def missing(document_id: str) -> NotFoundError:
    """Return the error for a document that is not there."""
    return NotFoundError("document", document_id, hint="It may have been removed; `citewise list` shows them all.")


def shown_title(title: str, source: str) -> str:
    """Return the title, or the file's name where there is none."""
    return title or PurePosixPath(source).name or source
