"""What questions may see: chunks of serving versions of documents that were not removed.

Every hit of every index is joined back to this; a stale or foreign id is simply not found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, select

from citewise.errors import QuestionError
from citewise.registry.database import Registry
from citewise.registry.documents.rows import CHUNK_COLUMNS, chunk_from, shown_title
from citewise.registry.sql import batches
from citewise.registry.tables import chunks, documents, versions
from citewise.types import Chunk

MEDIA_TYPES = {
    "pdf": ("application/pdf",),
    "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document",),
    "markdown": ("text/markdown",),
    "md": ("text/markdown",),
    "text": ("text/plain",),
    "txt": ("text/plain",),
    "html": ("text/html", "application/xhtml+xml"),
}
"""Short names for ``where={"type": …}``."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A chunk that may be used, and what its document is called."""

    chunk: Chunk
    source: str
    title: str
    content_hash: str


def join(rx: Connection, chunk_ids: Sequence[str], collection_id: str) -> dict[str, Joined]:
    """Return by id those chunks that answers of this collection may use; others are left out."""
    columns = (*CHUNK_COLUMNS, documents.c.collection_id, documents.c.source, versions.c.title, versions.c.content_hash)
    found: dict[str, Joined] = {}
    for batch in batches(chunk_ids):
        for row in rx.execute(_of_chunks(*columns).where(chunks.c.id.in_(batch))):
            # Not a condition of the query: SQLite would start from every document of the collection, 75 ms for 5,000.
            owner, source, title, content_hash = row[-4:]
            if owner == collection_id:
                found[row[0]] = Joined(chunk_from(row), source, shown_title(title, source), content_hash)
    return found


def match(rx: Connection, collection_id: str, where: Mapping[str, str]) -> set[str]:
    """Return the ids of the documents for which every key of ``where`` holds; all for an empty one.

    Args:
        where: ``document`` (its id), ``source``, ``type`` (a media type, or a short name such as ``pdf``),
            or any key of the metadata given at upload, whose value must be the same as text.

    Raises:
        QuestionError: No document of the collection has such a key, or the type is unknown.
    """
    statement = _of_documents(documents.c.id, versions.c.metadata).where(documents.c.collection_id == collection_id)
    wanted = dict(where)
    if "document" in wanted:
        statement = statement.where(documents.c.id == wanted.pop("document"))
    if "source" in wanted:
        statement = statement.where(documents.c.source == wanted.pop("source"))
    media_types = _media_types(wanted.pop("type")) if "type" in wanted else None
    if not wanted and media_types is None:
        return set(rx.scalars(statement.with_only_columns(documents.c.id)))
    if wanted:
        _refuse_unknown(rx, collection_id, wanted)
    rows = rx.execute(statement.add_columns(versions.c.media_type))
    return {
        document_id
        for document_id, metadata, media_type in rows
        if (media_types is None or media_type.partition(";")[0] in media_types)
        and all(_as_text(metadata.get(key)) == value for key, value in wanted.items())
    }


def chunk_batches(registry: Registry, *, size: int = 500) -> Iterator[list[tuple[str, Chunk]]]:
    """Yield every chunk that answers may use, as ``(collection id, chunk)`` in order of id.

    Each batch is a read of its own, so that an index can be built from them while documents come and go.
    """
    after = ""
    while True:
        statement = (
            _of_chunks(*CHUNK_COLUMNS, documents.c.collection_id)
            .where(chunks.c.id > after)
            .order_by(chunks.c.id)
            .limit(size)
        )
        with registry.read() as rx:
            batch = [(row[-1], chunk_from(row)) for row in rx.execute(statement)]
        if not batch:
            return
        yield batch
        after = batch[-1][1].id


def _of_documents(*columns: Any) -> Select[Any]:
    serving = and_(versions.c.document_id == documents.c.id, versions.c.version == documents.c.serving_version)
    return (
        select(*columns)
        .select_from(documents.join(versions, serving))
        .where(documents.c.deleted_at.is_(None), versions.c.status == "ready")
    )


def _of_chunks(*columns: Any) -> Select[Any]:
    serving = and_(documents.c.id == chunks.c.document_id, documents.c.serving_version == chunks.c.version)
    stored = and_(versions.c.document_id == chunks.c.document_id, versions.c.version == chunks.c.version)
    return (
        select(*columns)
        .select_from(chunks.join(documents, serving).join(versions, stored))
        .where(documents.c.deleted_at.is_(None), versions.c.status == "ready")
    )


def _media_types(name: str) -> tuple[str, ...]:
    if "/" in name:
        return (name.lower(),)
    try:
        return MEDIA_TYPES[name.lower()]
    except KeyError:
        raise QuestionError(f"There is no type {name!r}. Use one of {', '.join(MEDIA_TYPES)}.") from None


def _refuse_unknown(rx: Connection, collection_id: str, wanted: Mapping[str, str]) -> None:
    rows = rx.scalars(_of_documents(versions.c.metadata).where(documents.c.collection_id == collection_id))
    known = {key for metadata in rows for key in metadata}
    for key in wanted:
        if key not in known:
            names = ", ".join(["document", "source", "type", *sorted(known)])
            raise QuestionError(f"Documents cannot be chosen by {key!r}. Use one of {names}.")


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)
