"""Removing documents, bringing them back, and erasing them for good."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, delete, select, update

from citewise.errors import NotAllowedError
from citewise.registry import quotes as quoted
from citewise.registry.documents.rows import is_version
from citewise.registry.documents.versions import set_stage
from citewise.registry.jobs import OPEN
from citewise.registry.jobs import create as create_job
from citewise.registry.members import members_of
from citewise.registry.sql import batches
from citewise.registry.tables import chunks, documents, embeddings, jobs, versions, watched_files


@dataclass(frozen=True, slots=True)
class Purged:
    """What is gone from the registry, for indexes and blobs to let go."""

    documents: int  # those of which nothing but quotes was left are counted too
    chunk_ids: tuple[str, ...]
    content_hashes: tuple[str, ...]  # those that no other version refers to
    vectors: int = 0
    quotes: int = 0  # blanked in old answers


def remove(tx: Connection, ids: Sequence[str]) -> int:
    """Take documents out of every answer, and with archives what came out of them; returns how many were taken.

    Their names are free at once: a file added under one becomes a new document. Work on them is asked to end.
    """
    now, removed = time.time(), 0
    for batch in batches([*dict.fromkeys((*ids, *members_of(tx, ids)))]):
        there = and_(documents.c.id.in_(batch), documents.c.deleted_at.is_(None))
        tx.execute(
            update(jobs)
            .where(jobs.c.document_id.in_(select(documents.c.id).where(there)), jobs.c.state.in_(OPEN))
            .values(cancel_requested=True, updated_at=now)
        )
        removed += tx.execute(update(documents).where(there).values(deleted_at=now)).rowcount
    return removed


def restore(tx: Connection, ids: Sequence[str]) -> int:
    """Bring removed documents back, and with archives what was removed with them; returns how many there were.

    What was not read to its end when it was removed is queued again.

    Raises:
        NotAllowedError: Another document has taken the name meanwhile.
    """
    restored = 0
    for document_id in ids:
        removed_at = tx.scalar(select(documents.c.deleted_at).where(documents.c.id == document_id))
        if removed_at is None:
            continue
        taken = _taken_name(tx, document_id)
        if taken is not None:
            raise NotAllowedError(
                f"{taken} cannot be brought back: a document of that name was added since. Remove that one first."
            )
        with_it = members_of(tx, [document_id], removed_at=removed_at)
        # A member whose name was taken since stays away; the archive's own list still names it.
        back = [document_id, *(member for member in with_it if _taken_name(tx, member) is None)]
        for one in back:
            newest = tx.scalar(
                update(documents)
                .where(documents.c.id == one)
                .values(deleted_at=None)
                .returning(documents.c.newest_version)
            )
            _read_again(tx, one, newest or 0)
        restored += len(back)
    return restored


def _taken_name(tx: Connection, document_id: str) -> str | None:
    """The name of a removed document, if another one has it now."""
    removed = documents.alias()
    return tx.scalar(
        select(documents.c.source)
        .join(
            removed,
            and_(removed.c.collection_id == documents.c.collection_id, removed.c.source == documents.c.source),
        )
        .where(removed.c.id == document_id, documents.c.id != document_id, documents.c.deleted_at.is_(None))
    )


def _read_again(tx: Connection, document_id: str, version: int) -> None:
    status = tx.scalar(select(versions.c.status).where(is_version(versions, document_id, version)))
    if status not in ("ready", "failed"):
        set_stage(tx, document_id, version, "received")
        create_job(tx, document_id=document_id, version=version)


def removed_ids(rx: Connection) -> list[str]:
    """Return the ids of all documents that could be brought back."""
    return list(rx.scalars(select(documents.c.id).where(documents.c.deleted_at.is_not(None))))


def purge(tx: Connection, ids: Sequence[str], *, quotes: bool = True) -> Purged:
    """Erase documents, removed or not, with their text, chunks and embeddings; unknown ids are ignored.

    With an archive goes what came out of it and is there, or was removed with it. Embeddings
    stay where another document holds the same text. Their jobs are cancelled, and what they
    said is forgotten. Of a file that lies in a watched folder the name stays, so that it is
    not taken in again.

    Args:
        tx: A write transaction.
        ids: Documents; those that were erased before may still have quotes in old answers.
        quotes: Whether to blank the quotes that old answers keep. What was sent to a model
            and not quoted is blanked in any case.
    """
    ids = [*dict.fromkeys((*ids, *_members_to_purge(tx, ids)))]
    blanked = quoted.blank(tx, ids, quotes=quotes)
    purged: set[str] = set(blanked)
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
            .where(jobs.c.document_id.in_(batch), jobs.c.state.in_(OPEN))
            .values(state="cancelled", cancel_requested=True, updated_at=time.time())
        )
        tx.execute(update(jobs).where(jobs.c.document_id.in_(batch)).values(error=None))  # it may name the file
        of_folder = watched_files.c.document_id.in_(batch)
        tx.execute(delete(watched_files).where(of_folder, watched_files.c.missing))
        # A file that still lies in its folder would be taken in again, if nothing named it.
        tx.execute(update(watched_files).where(of_folder).values(content_hash=None, error=None))
        purged.update(tx.scalars(select(documents.c.id).where(documents.c.id.in_(batch))))
        tx.execute(delete(documents).where(documents.c.id.in_(batch)))
    vectors = 0
    for hashes in batches(sorted(text_hashes)):
        shared = set(tx.scalars(select(chunks.c.text_hash).where(chunks.c.text_hash.in_(hashes))))
        alone = [one for one in hashes if one not in shared]
        vectors += tx.execute(delete(embeddings).where(embeddings.c.text_hash.in_(alone))).rowcount
    for hashes in batches(sorted(content_hashes)):
        content_hashes -= set(tx.scalars(select(versions.c.content_hash).where(versions.c.content_hash.in_(hashes))))
    return Purged(len(purged), tuple(chunk_ids), tuple(sorted(content_hashes)), vectors, blanked.total())


def _members_to_purge(tx: Connection, ids: Sequence[str]) -> list[str]:
    found = [*members_of(tx, ids)]
    for batch in batches(ids):
        removed = tx.execute(
            select(documents.c.id, documents.c.deleted_at).where(
                documents.c.id.in_(batch), documents.c.deleted_at.is_not(None)
            )
        )
        for document_id, removed_at in removed.all():
            found += members_of(tx, [document_id], removed_at=removed_at)
    return found
