"""Removing documents, bringing them back, and erasing them for good."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from citewise.errors import NotAllowedError
from citewise.registry.sql import batches
from citewise.registry.tables import chunks, documents, embeddings, jobs, versions


@dataclass(frozen=True, slots=True)
class Purged:
    """What is gone from the registry, for indexes and blobs to let go."""

    documents: int
    chunk_ids: tuple[str, ...]
    content_hashes: tuple[str, ...]  # those that no other version refers to


def remove(tx: Connection, ids: Sequence[str]) -> int:
    """Take documents out of every answer; returns how many were there to be taken.

    Their names are free at once: a file added under one becomes a new document.
    """
    now = time.time()
    return sum(
        tx.execute(
            update(documents).where(documents.c.id.in_(batch), documents.c.deleted_at.is_(None)).values(deleted_at=now)
        ).rowcount
        for batch in batches(ids)
    )


def restore(tx: Connection, ids: Sequence[str]) -> int:
    """Bring removed documents back; returns how many there were.

    Raises:
        NotAllowedError: Another document has taken the name meanwhile.
    """
    restored = 0
    for document_id in ids:
        removed = tx.execute(
            select(documents.c.collection_id, documents.c.source).where(
                documents.c.id == document_id, documents.c.deleted_at.is_not(None)
            )
        ).one_or_none()
        if removed is None:
            continue
        taken = tx.scalar(
            select(documents.c.id).where(
                documents.c.collection_id == removed.collection_id,
                documents.c.source == removed.source,
                documents.c.deleted_at.is_(None),
            )
        )
        if taken is not None:
            raise NotAllowedError(
                f"{removed.source} cannot be brought back: a document of that name was added since. "
                "Remove that one first."
            )
        tx.execute(update(documents).where(documents.c.id == document_id).values(deleted_at=None))
        restored += 1
    return restored


def purge(tx: Connection, ids: Sequence[str]) -> Purged:
    """Erase documents, removed or not, with their text, chunks and embeddings; unknown ids are ignored.

    Embeddings stay where another document holds the same text. Their jobs are cancelled.
    """
    purged = 0
    chunk_ids: list[str] = []
    text_hashes: set[str] = set()
    content_hashes: set[str] = set()
    for batch in batches(ids):
        for chunk_id, text_hash in tx.execute(
            select(chunks.c.id, chunks.c.text_hash).where(chunks.c.document_id.in_(batch))
        ):
            chunk_ids.append(chunk_id)
            text_hashes.add(text_hash)
        content_hashes.update(tx.scalars(select(versions.c.content_hash).where(versions.c.document_id.in_(batch))))
        tx.execute(
            update(jobs)
            .where(jobs.c.document_id.in_(batch), jobs.c.state.in_(("queued", "running")))
            .values(state="cancelled", cancel_requested=True, updated_at=time.time())
        )
        tx.execute(update(jobs).where(jobs.c.document_id.in_(batch)).values(error=None))  # it may name the file
        purged += tx.execute(delete(documents).where(documents.c.id.in_(batch))).rowcount
    for hashes in batches(sorted(text_hashes)):
        shared = set(tx.scalars(select(chunks.c.text_hash).where(chunks.c.text_hash.in_(hashes))))
        tx.execute(delete(embeddings).where(embeddings.c.text_hash.in_([one for one in hashes if one not in shared])))
    for hashes in batches(sorted(content_hashes)):
        content_hashes -= set(tx.scalars(select(versions.c.content_hash).where(versions.c.content_hash.in_(hashes))))
    return Purged(purged, tuple(chunk_ids), tuple(sorted(content_hashes)))
