"""What the indexes of each generation hold, and what they ought to.

A row says: this generation's indexes hold this version of this document, cut this way.
It is written only after the indexes were, so it may be behind them but never ahead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, not_, select, update

from citewise.errors import RegistryError
from citewise.registry.database import Registry
from citewise.registry.documents.rows import CHUNK_COLUMNS, chunk_from
from citewise.registry.sql import batches
from citewise.registry.tables import chunks, documents, embeddings, generations, held, versions
from citewise.types import Chunk, EmbeddedChunk, Vector


@dataclass(frozen=True, slots=True)
class Entry:
    """One document as a generation holds it, or ought to."""

    document_id: str
    version: int
    splitter: str  # fingerprint
    collection_id: str


class Stored(NamedTuple):
    """A chunk that a generation holds, and its vector: float32, little-endian, ``None`` when none is stored."""

    chunk_id: str
    document_id: str
    collection_id: str
    vector: bytes | None


def put(tx: Connection, generation_id: str, entries: Sequence[Entry]) -> None:
    """Note what the indexes hold from now on, in place of what they held of the same documents."""
    drop(tx, generation_id, [entry.document_id for entry in entries])
    rows = [
        {
            "generation_id": generation_id,
            "document_id": entry.document_id,
            "version": entry.version,
            "splitter": entry.splitter,
            "collection_id": entry.collection_id,
        }
        for entry in entries
    ]
    if rows:
        tx.execute(insert(held), rows)


def clear(tx: Connection, generation_id: str) -> None:
    """Note that the indexes of a generation hold nothing."""
    tx.execute(delete(held).where(held.c.generation_id == generation_id))


def drop(tx: Connection, generation_id: str, document_ids: Sequence[str]) -> None:
    """Note that the indexes no longer hold these documents."""
    for batch in batches(document_ids):
        tx.execute(delete(held).where(held.c.generation_id == generation_id, held.c.document_id.in_(batch)))


def entries(rx: Connection, generation_id: str) -> dict[str, Entry]:
    """Return what a generation holds, by document id."""
    rows = rx.execute(
        select(held.c.document_id, held.c.version, held.c.splitter, held.c.collection_id).where(
            held.c.generation_id == generation_id
        )
    )
    return {row[0]: Entry(*row) for row in rows}


def wanted(
    rx: Connection, *, splitter: str | None = None, document_ids: Sequence[str] | None = None
) -> dict[str, Entry]:
    """Return what a generation ought to hold, by document id: all serving versions that have chunks.

    Removed documents are left out. One without chunks holds no words, however it is cut.

    Args:
        splitter: The way of cutting; ``None`` takes the set that each version shows.
        document_ids: Only these; ``None`` means all.
    """
    statement = (
        select(documents.c.id, versions.c.version, versions.c.splitter, documents.c.collection_id)
        .join(
            versions, and_(versions.c.document_id == documents.c.id, versions.c.version == documents.c.serving_version)
        )
        .where(documents.c.deleted_at.is_(None), versions.c.status == "ready", versions.c.chunks > 0)
    )
    found: dict[str, Entry] = {}
    for batch in [None] if document_ids is None else list(batches(document_ids)):
        rows = rx.execute(statement if batch is None else statement.where(documents.c.id.in_(batch)))
        found.update({row[0]: Entry(row[0], row[1], splitter or row[2], row[3]) for row in rows})
    return found


def still_wanted(rx: Connection, planned: Sequence[Entry]) -> list[Entry]:
    """Return those entries whose version still serves, in the collection they name."""
    now = wanted(rx, document_ids=[entry.document_id for entry in planned])
    return [
        entry
        for entry in planned
        if (found := now.get(entry.document_id))
        and (found.version, found.collection_id) == (entry.version, entry.collection_id)
    ]


def still_made(tx: Connection, planned: Sequence[Entry], fingerprint: str) -> list[Entry]:
    """Return those entries that are still wanted and have all their chunks and vectors.

    What is removed while it is made, and then restored, is wanted but was not made.
    """
    valid = still_wanted(tx, planned)
    unmade = set(incomplete(tx, valid, fingerprint))
    return [entry for entry in valid if entry not in unmade]


def chunk_count(rx: Connection, generation_id: str) -> int:
    """Return how many chunks a generation holds."""
    return int(rx.scalar(select(func.count()).select_from(chunks.join(held, _same())).where(_of(generation_id))) or 0)


def cuts(rx: Connection, generation_id: str) -> dict[str, int]:
    """Return how many chunks of a generation were cut in which way, the most frequent way first."""
    count = func.count()
    rows = rx.execute(
        select(held.c.splitter, count)
        .select_from(chunks.join(held, _same()))
        .where(_of(generation_id))
        .group_by(held.c.splitter)
        .order_by(count.desc(), held.c.splitter)
    )
    return {row[0]: int(row[1]) for row in rows}


def embedded_chunks(rx: Connection, held_as: Sequence[Entry], fingerprint: str) -> list[EmbeddedChunk]:
    """Return the chunks of these documents with their vectors, cut as the entries say, in order.

    Raises:
        RegistryError: A chunk has no vector of that model.
    """
    found: list[EmbeddedChunk] = []
    for entry in held_as:
        rows = rx.execute(
            select(*CHUNK_COLUMNS, embeddings.c.vector)
            .outerjoin(
                embeddings,
                and_(embeddings.c.text_hash == chunks.c.text_hash, embeddings.c.fingerprint == fingerprint),
            )
            .where(_cut_as(entry))
            .order_by(chunks.c.ordinal)
        )
        for row in rows:
            if row[-1] is None:
                raise RegistryError(f"The chunk {row[0]} has no stored vector. Run `citewise index rebuild`.")
            found.append(EmbeddedChunk(chunk_from(row), entry.collection_id, _vector(row[-1])))
    return found


def chunks_of(rx: Connection, held_as: Sequence[Entry]) -> list[tuple[str, Chunk]]:
    """Return ``(collection id, chunk)`` of these documents, cut as the entries say, in order."""
    return [
        (entry.collection_id, chunk_from(row))
        for entry in held_as
        for row in rx.execute(select(*CHUNK_COLUMNS).where(_cut_as(entry)).order_by(chunks.c.ordinal))
    ]


def missing_texts(rx: Connection, entry: Entry, fingerprint: str) -> dict[str, str]:
    """Return by hash the texts of a document's chunks that have no vector of that model."""
    rows = rx.execute(
        select(*CHUNK_COLUMNS, chunks.c.text_hash)
        .outerjoin(
            embeddings, and_(embeddings.c.text_hash == chunks.c.text_hash, embeddings.c.fingerprint == fingerprint)
        )
        .where(_cut_as(entry), embeddings.c.text_hash.is_(None))
        .order_by(chunks.c.ordinal)
    )
    return {row[-1]: chunk_from(row).full_text for row in rows}


def incomplete(rx: Connection, planned: Sequence[Entry], fingerprint: str) -> list[Entry]:
    """Return those entries that are not cut yet, or have chunks without a vector of that model, in order."""
    complete: set[tuple[str, int, str]] = set()
    for batch in batches(planned):
        rows = rx.execute(
            select(chunks.c.document_id, chunks.c.version, chunks.c.splitter)
            .outerjoin(
                embeddings, and_(embeddings.c.text_hash == chunks.c.text_hash, embeddings.c.fingerprint == fingerprint)
            )
            .where(chunks.c.document_id.in_([entry.document_id for entry in batch]))
            .group_by(chunks.c.document_id, chunks.c.version, chunks.c.splitter)
            .having(func.count() == func.count(embeddings.c.text_hash))
        )
        complete.update((row[0], row[1], row[2]) for row in rows)
    return [entry for entry in planned if (entry.document_id, entry.version, entry.splitter) not in complete]


def is_cut(rx: Connection, entry: Entry) -> bool:
    """Whether the set of chunks exists."""
    return rx.scalar(select(chunks.c.id).where(_cut_as(entry)).limit(1)) is not None


def other_chunk_ids(rx: Connection, entry: Entry) -> list[str]:
    """Return the ids of all chunks of a document but those of ``entry``: what indexes may forget once it is held."""
    kept = and_(chunks.c.version == entry.version, chunks.c.splitter == entry.splitter)
    return list(rx.scalars(select(chunks.c.id).where(chunks.c.document_id == entry.document_id, not_(kept))))


def all_chunk_ids(rx: Connection, document_id: str) -> list[str]:
    """Return the ids of all chunks of a document."""
    return list(rx.scalars(select(chunks.c.id).where(chunks.c.document_id == document_id)))


def vector_batches(
    registry: Registry, generation_id: str, fingerprint: str, *, size: int = 1000
) -> Iterator[list[Stored]]:
    """Yield all that a generation holds, in order of id.

    Each batch is a read of its own, so that a long check keeps no transaction open.
    """
    after = ""
    while True:
        statement = (
            select(chunks.c.id, chunks.c.document_id, held.c.collection_id, embeddings.c.vector)
            .select_from(
                chunks.join(held, _same()).outerjoin(
                    embeddings,
                    and_(embeddings.c.text_hash == chunks.c.text_hash, embeddings.c.fingerprint == fingerprint),
                )
            )
            .where(_of(generation_id), chunks.c.id > after)
            .order_by(chunks.c.id)
            .limit(size)
        )
        with registry.read() as rx:
            batch = [Stored(*row) for row in rx.execute(statement)]
        if not batch:
            return
        yield batch
        after = batch[-1].chunk_id


def unshown(rx: Connection, generation_id: str) -> list[Entry]:
    """Return what a generation holds in another cut than its version shows."""
    rows = rx.execute(
        select(held.c.document_id, held.c.version, held.c.splitter, held.c.collection_id)
        .join(versions, and_(versions.c.document_id == held.c.document_id, versions.c.version == held.c.version))
        .where(_of(generation_id), versions.c.splitter != held.c.splitter)
    )
    return [Entry(*row) for row in rows]


def forget_unused(tx: Connection) -> None:
    """Delete sets of chunks that no generation holds and no version shows, and vectors of models that none uses."""
    shown = select(versions.c.document_id).where(
        versions.c.document_id == chunks.c.document_id,
        versions.c.version == chunks.c.version,
        versions.c.splitter == chunks.c.splitter,
    )
    used = select(held.c.document_id).where(_same())
    tx.execute(delete(chunks).where(not_(shown.exists()), not_(used.exists())))
    tx.execute(delete(embeddings).where(embeddings.c.fingerprint.not_in(select(generations.c.embedder))))


def show_sets(tx: Connection, shown: Sequence[Entry]) -> None:
    """Make these sets of chunks the ones that their versions show and count."""
    for entry in shown:
        count = tx.scalar(select(func.count()).select_from(chunks).where(_cut_as(entry)))
        tx.execute(
            update(versions)
            .where(
                versions.c.document_id == entry.document_id,
                versions.c.version == entry.version,
                versions.c.splitter != entry.splitter,
            )
            .values(splitter=entry.splitter, chunks=count)
        )


def _vector(stored: bytes) -> Vector:
    return np.frombuffer(stored, dtype="<f4").astype(np.float32, copy=False)


def _same() -> ColumnElement[bool]:
    return and_(
        held.c.document_id == chunks.c.document_id,
        held.c.version == chunks.c.version,
        held.c.splitter == chunks.c.splitter,
    )


def _cut_as(entry: Entry) -> ColumnElement[bool]:
    return and_(
        chunks.c.document_id == entry.document_id,
        chunks.c.version == entry.version,
        chunks.c.splitter == entry.splitter,
    )


def _of(generation_id: str) -> ColumnElement[bool]:
    return held.c.generation_id == generation_id
