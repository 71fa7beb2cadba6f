"""Versions of documents: how they come in, how far they got, and which one serves answers."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, and_, delete, insert, select, update

from citewise.errors import IngestError
from citewise.registry import records
from citewise.registry.documents.rows import chunk_row, is_version, missing
from citewise.registry.ids import new_id
from citewise.registry.sql import is_storable
from citewise.registry.tables import chunks as chunk_table
from citewise.registry.tables import documents, texts, versions
from citewise.types import UNFINISHED, Chunk, DocumentStatus, ParsedDocument

LONGEST_SOURCE = 1000  # characters


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """What an ingest needs to know of one version."""

    document_id: str
    version: int
    collection_id: str
    source: str
    title: str  # "" when neither the upload nor the file gave one
    content_hash: str
    media_type: str
    bytes: int
    splitter: str | None  # fingerprint; None until it was split


def add_version(
    tx: Connection,
    *,
    collection_id: str,
    source: str,
    title: str | None,
    content_hash: str,
    media_type: str,
    bytes: int,  # noqa: A002 - the noun's own word
    metadata: Mapping[str, Any],
) -> tuple[str, int]:
    """Store a ``received`` version of the document named ``source``, which is made if need be.

    Args:
        title: ``None`` when the upload gave none; then the file's own is shown.
        media_type: What is known of it before it is parsed; may be empty.

    Returns:
        The document id, and the version, 1 for a new document.

    Raises:
        IngestError: The name cannot be stored.
    """
    check_name(source, title)
    now = time.time()
    found = tx.execute(
        select(documents.c.id, documents.c.newest_version).where(
            documents.c.collection_id == collection_id, documents.c.source == source, documents.c.deleted_at.is_(None)
        )
    ).one_or_none()
    if found is None:
        document_id, version = new_id(), 1
        tx.execute(
            insert(documents).values(
                id=document_id, collection_id=collection_id, source=source, newest_version=version, created_at=now
            )
        )
    else:
        document_id, version = found.id, found.newest_version + 1
        tx.execute(update(documents).where(documents.c.id == document_id).values(newest_version=version))
    tx.execute(
        insert(versions).values(
            document_id=document_id,
            version=version,
            title=title or "",
            content_hash=content_hash,
            media_type=media_type,
            bytes=bytes,
            metadata=records.dump(metadata),
            status="received",
            done=0,
            total=0,
            stage_started_at=now,
            pages=0,
            chunks=0,
            added_at=now,
            timings={},
        )
    )
    return document_id, version


def check_name(source: str, title: str | None = None) -> None:
    """Raise ``IngestError`` unless every database takes a document of that name and title."""
    if not (source.strip() and len(source) <= LONGEST_SOURCE and is_storable(source) and is_storable(title or "")):
        raise IngestError(f"The file name {source[:100]!r} cannot be stored. Rename the file and add it again.")


def set_stage(
    tx: Connection,
    document_id: str,
    version: int,
    status: DocumentStatus,
    *,
    error: str | None = None,
    done: int = 0,
    total: int = 0,
) -> None:
    """Store how far a version got, and why it went no further; nothing happens if it was purged meanwhile."""
    tx.execute(
        update(versions)
        .where(is_version(versions, document_id, version))
        .values(status=status, error=error, done=done, total=total, stage_started_at=time.time())
    )


def set_progress(tx: Connection, document_id: str, version: int, *, done: int) -> None:
    """Store how many units of the current stage are done; nothing happens if it was purged meanwhile."""
    tx.execute(update(versions).where(is_version(versions, document_id, version)).values(done=done))


def set_media_type(tx: Connection, document_id: str, version: int, media_type: str) -> None:
    """Store what a file turned out to be; nothing happens if it was purged meanwhile."""
    tx.execute(update(versions).where(is_version(versions, document_id, version)).values(media_type=media_type))


def save_parsed(
    tx: Connection,
    document_id: str,
    version: int,
    parsed: ParsedDocument,
    chunks: Sequence[Chunk],
    *,
    splitter: str,
) -> None:
    """Store what was read of a version, in place of what an earlier attempt stored.

    The title is kept where the upload gave one.

    Raises:
        NotFoundError: The version was purged meanwhile.
        IngestError: The text holds characters that cannot be stored.
    """
    if not is_storable(parsed.text) or not all(is_storable(chunk.context) for chunk in chunks):
        raise IngestError("The text of this file holds characters that cannot be stored. Save it as UTF-8.")
    here = is_version(versions, document_id, version)
    given_title = tx.scalar(select(versions.c.title).where(here))
    if given_title is None:
        raise missing(document_id)
    tx.execute(delete(texts).where(is_version(texts, document_id, version)))
    tx.execute(
        insert(texts).values(
            document_id=document_id,
            version=version,
            text=parsed.text,
            pages=records.pack(parsed.pages),
            blocks=records.pack(parsed.blocks),
            page_reports=records.pack(parsed.report.pages),
            places=records.pack(parsed.places) if parsed.places else None,
            words=records.pack(parsed.words) if parsed.words else None,
        )
    )
    save_chunks(tx, document_id, version, chunks, splitter=splitter)
    tx.execute(
        update(versions)
        .where(here)
        .values(
            title=given_title or (parsed.title if is_storable(parsed.title) else ""),
            media_type=parsed.media_type,
            pages=len(parsed.pages),
            chunks=len(chunks),
            report=records.dump(replace(parsed.report, pages=())),
            splitter=splitter,
        )
    )


def save_chunks(tx: Connection, document_id: str, version: int, chunks: Sequence[Chunk], *, splitter: str) -> None:
    """Store a version's set of chunks for one way of cutting, in place of an earlier one of that way."""
    same = and_(is_version(chunk_table, document_id, version), chunk_table.c.splitter == splitter)
    tx.execute(delete(chunk_table).where(same))
    if chunks:
        tx.execute(insert(chunk_table), [chunk_row(chunk, document_id, version, splitter=splitter) for chunk in chunks])


def publish(tx: Connection, document_id: str, version: int, *, timings_ms: Mapping[str, float]) -> bool:
    """Make a version ``ready`` and the one that answers come from, unless a newer one serves already.

    Returns:
        Whether answers come from this version now; not if a newer one serves, or it was purged.
    """
    serving = tx.execute(select(documents.c.serving_version).where(documents.c.id == document_id)).one_or_none()
    if serving is None:
        return False
    now = time.time()
    tx.execute(
        update(versions)
        .where(is_version(versions, document_id, version))
        .values(
            status="ready",
            error=None,
            done=0,
            total=0,
            stage_started_at=now,
            ready_at=now,
            timings=records.dump(timings_ms),
        )
    )
    newest = max(version, serving.serving_version or 0)
    tx.execute(update(documents).where(documents.c.id == document_id).values(serving_version=newest))
    return newest == version


def unfinished(rx: Connection) -> list[tuple[str, int]]:
    """Return ``(document id, version)`` of everything that work still goes on for, oldest first."""
    rows = rx.execute(
        select(versions.c.document_id, versions.c.version)
        .join(documents, documents.c.id == versions.c.document_id)
        .where(versions.c.status.in_(sorted(UNFINISHED)), documents.c.deleted_at.is_(None))
        .order_by(versions.c.added_at, versions.c.document_id)
    )
    return [(document_id, version) for document_id, version in rows]


def version(rx: Connection, document_id: str, version: int) -> VersionRecord:
    """Return what is known of a version, also of a removed document.

    Raises:
        NotFoundError: There is none, or it was purged.
    """
    row = rx.execute(
        select(
            versions.c.document_id,
            versions.c.version,
            documents.c.collection_id,
            documents.c.source,
            versions.c.title,
            versions.c.content_hash,
            versions.c.media_type,
            versions.c.bytes,
            versions.c.splitter,
        )
        .join(documents, documents.c.id == versions.c.document_id)
        .where(documents.c.id == document_id, versions.c.version == version)
    ).one_or_none()
    if row is None:
        raise missing(document_id)
    return VersionRecord(**row._mapping)
