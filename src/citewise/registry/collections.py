"""Collections: named sets of documents."""

from __future__ import annotations

import time

from sqlalchemy import Connection, and_, func, select

from citewise.errors import NotFoundError, QuestionError
from citewise.registry.ids import new_id
from citewise.registry.sql import insert_missing
from citewise.registry.tables import collections, documents, versions
from citewise.types import Collection

LONGEST_NAME = 100


def ensure(tx: Connection, name: str) -> str:
    """Return the id of the collection ``name``, made if need be.

    Raises:
        QuestionError: It cannot be a collection's name.
    """
    if not (1 <= len(name) <= LONGEST_NAME and name.isprintable() and name == name.strip()):
        raise QuestionError(
            f"A collection cannot be named {name[: LONGEST_NAME + 1]!r}. Use 1 to {LONGEST_NAME} printable characters, "
            "with no blank at either end."
        )
    insert_missing(tx, collections, [{"id": new_id(), "name": name, "created_at": time.time()}])
    return find(tx, name)


def find(rx: Connection, name: str) -> str:
    """Return the id of the collection ``name``.

    Raises:
        NotFoundError: There is none; the message lists those that there are.
    """
    collection_id: str | None = rx.scalar(select(collections.c.id).where(collections.c.name == name))
    if collection_id is None:
        known = rx.scalars(select(collections.c.name).order_by(collections.c.name).limit(20)).all()
        raise NotFoundError(
            "collection", name, hint=f"There are: {', '.join(known)}." if known else "Add a document to make the first."
        )
    return collection_id


def list_all(rx: Connection) -> list[Collection]:
    """Return all collections by name, each with the number of documents and chunks that answers come from."""
    serving = and_(versions.c.document_id == documents.c.id, versions.c.version == documents.c.serving_version)
    alive = and_(documents.c.collection_id == collections.c.id, documents.c.deleted_at.is_(None))
    rows = rx.execute(
        select(
            collections.c.id,
            collections.c.name,
            func.count(versions.c.document_id),
            func.coalesce(func.sum(versions.c.chunks), 0),
        )
        .select_from(collections.outerjoin(documents, alive).outerjoin(versions, serving))
        .group_by(collections.c.id, collections.c.name)
        .order_by(collections.c.name)
    )
    return [Collection(id=id_, name=name, documents=count, chunks=int(chunks)) for id_, name, count, chunks in rows]
