"""Vectors of answered questions, by turn; those of deleted conversations are not among them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from sqlalchemy import Connection, and_, delete, func, insert, select

from citewise.registry.tables import asked, conversations, turns
from citewise.types import Vector, Vectors

_OFFERED = and_(turns.c.status == "complete", conversations.c.deleted_at.is_(None))
_OF_CONVERSATION = conversations.c.id == turns.c.conversation_id


def without_vector(rx: Connection, collection: str, fingerprint: str, *, most: int) -> dict[str, str]:
    """Return the standalone questions of complete answers that have no vector of this model, newest first, by turn."""
    known = and_(asked.c.turn_id == turns.c.id, asked.c.fingerprint == fingerprint)
    rows = rx.execute(
        select(turns.c.id, turns.c.standalone_question)
        .join(conversations, _OF_CONVERSATION)
        .outerjoin(asked, known)
        .where(_OFFERED, conversations.c.collection == collection, asked.c.turn_id.is_(None))
        .order_by(turns.c.created_at.desc())
        .limit(most)
    )
    return {row.id: row.standalone_question for row in rows}


def put(tx: Connection, collection: str, fingerprint: str, vectors: Mapping[str, Vector]) -> None:
    """Store vectors by turn, instead of those that are there; turns that are gone by now are left out."""
    there = select(turns.c.id).join(conversations, _OF_CONVERSATION).where(_OFFERED, turns.c.id.in_(vectors))
    for turn_id in list(tx.scalars(there)):
        tx.execute(delete(asked).where(asked.c.turn_id == turn_id))
        tx.execute(
            insert(asked).values(
                turn_id=turn_id,
                collection=collection,
                fingerprint=fingerprint,
                vector=np.asarray(vectors[turn_id], dtype="<f4").tobytes(),
                stored_at=time.time(),
            )
        )


def stamp(rx: Connection, collection: str) -> tuple[Any, ...]:
    """Return what changes whenever the vectors of a collection do."""
    return tuple(
        rx.execute(select(func.count(), func.max(asked.c.stored_at)).where(asked.c.collection == collection)).one()
    )


def all_of(rx: Connection, collection: str, fingerprint: str) -> tuple[list[str], Vectors]:
    """Return turns of a collection and their vectors of this model, shape ``(turns, dimension)``."""
    rows = rx.execute(
        select(asked.c.turn_id, asked.c.vector).where(
            asked.c.collection == collection, asked.c.fingerprint == fingerprint
        )
    ).all()
    if not rows:
        return [], np.empty((0, 0), dtype=np.float32)
    return [row.turn_id for row in rows], np.stack([np.frombuffer(row.vector, dtype="<f4") for row in rows])
