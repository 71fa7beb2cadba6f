"""What a person does with documents as a whole: turn them off and on, tag them, move them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from citewise.errors import NotAllowedError, QuestionError
from citewise.registry.documents.rows import missing
from citewise.registry.sql import batches
from citewise.registry.tables import collections, document_tags, documents
from citewise.types import LONGEST_TAG, MOST_TAGS


def set_enabled(tx: Connection, ids: Sequence[str], *, enabled: bool) -> int:
    """Take documents out of every answer while keeping them, or bring them back; returns how many changed."""
    return sum(
        tx.execute(
            update(documents)
            .where(documents.c.id.in_(batch), documents.c.enabled != enabled, documents.c.deleted_at.is_(None))
            .values(enabled=enabled)
        ).rowcount
        for batch in batches(ids)
    )


def set_tags(tx: Connection, document_id: str, tags: Iterable[str]) -> None:
    """Give a document these tags and no others; blanks around them and doubles are dropped.

    Raises:
        NotFoundError: There is no such document, or it was removed.
        QuestionError: One of them cannot be a tag, or they are too many.
    """
    clean = dict.fromkeys(map(_clean, tags))
    if len(clean) > MOST_TAGS:
        raise QuestionError(f"A document can have {MOST_TAGS} tags, and these are {len(clean)}. Leave some out.")
    known = tx.scalar(select(documents.c.id).where(documents.c.id == document_id, documents.c.deleted_at.is_(None)))
    if known is None:
        raise missing(document_id)
    tx.execute(delete(document_tags).where(document_tags.c.document_id == document_id))
    if clean:
        tx.execute(insert(document_tags), [{"document_id": document_id, "tag": tag} for tag in clean])


def tags_of(rx: Connection, *conditions: ColumnElement[bool]) -> dict[str, tuple[str, ...]]:
    """Return the tags, in alphabetical order, of the tagged documents that meet the conditions, by document id."""
    found: dict[str, list[str]] = {}
    for document_id, tag in rx.execute(
        select(document_tags.c.document_id, document_tags.c.tag)
        .join(documents, documents.c.id == document_tags.c.document_id)
        .where(documents.c.deleted_at.is_(None), *conditions)
    ):
        found.setdefault(document_id, []).append(tag)
    return {
        document_id: tuple(sorted(tags, key=lambda tag: (tag.casefold(), tag))) for document_id, tags in found.items()
    }


def move(tx: Connection, ids: Sequence[str], collection_id: str) -> int:
    """Put documents into another collection, whatever goes on with them; returns how many were moved.

    Removed documents, and those that are in it already, stay where they are.

    Raises:
        NotAllowedError: A document there has the name of one of these; nothing may be committed then.
    """
    moved = 0
    for document_id in ids:
        source = tx.scalar(
            select(documents.c.source).where(
                documents.c.id == document_id,
                documents.c.collection_id != collection_id,
                documents.c.deleted_at.is_(None),
            )
        )
        if source is None:
            continue
        taken = tx.scalar(
            select(collections.c.name)
            .join(documents, documents.c.collection_id == collections.c.id)
            .where(
                documents.c.collection_id == collection_id,
                documents.c.source == source,
                documents.c.deleted_at.is_(None),
            )
        )
        if taken is not None:
            raise NotAllowedError(
                f"{source} cannot be moved: there is a document of that name in {taken} already. "
                "Remove that one first, or choose another collection."
            )
        tx.execute(update(documents).where(documents.c.id == document_id).values(collection_id=collection_id))
        moved += 1
    return moved


def rename(tx: Connection, document_id: str, source: str) -> bool:
    """Give a document another name within its collection; ``False`` if it is removed or the name is taken there."""
    collection_id = tx.scalar(
        select(documents.c.collection_id).where(documents.c.id == document_id, documents.c.deleted_at.is_(None))
    )
    taken = tx.scalar(
        select(documents.c.id).where(
            documents.c.collection_id == collection_id,
            documents.c.source == source,
            documents.c.deleted_at.is_(None),
        )
    )
    if collection_id is None or taken is not None:
        return False
    tx.execute(update(documents).where(documents.c.id == document_id).values(source=source))
    return True


def _clean(tag: str) -> str:
    clean = tag.strip()
    if not (1 <= len(clean) <= LONGEST_TAG and clean.isprintable()):
        raise QuestionError(f"{tag[: LONGEST_TAG + 1]!r} cannot be a tag. Use 1 to {LONGEST_TAG} printable characters.")
    return clean
