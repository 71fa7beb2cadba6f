"""Generations of the indexes, and the one row that says which of them answers come from."""

from __future__ import annotations

import time
from typing import Any, Literal

from sqlalchemy import Connection, insert, select, update

from citewise.errors import NotFoundError
from citewise.registry import records
from citewise.registry.ids import new_id
from citewise.registry.sql import insert_missing
from citewise.registry.tables import active_generation, generations
from citewise.types import Generation


def create(tx: Connection, *, embedder: str, splitter: str, dimension: int) -> Generation:
    """Begin a generation, ``building``.

    Args:
        embedder: Fingerprint of the model.
        splitter: Fingerprint of the way of cutting.
    """
    generation = Generation(new_id(), "building", embedder, splitter, dimension, time.time())
    tx.execute(insert(generations).values(records.dump(generation)))
    return generation


def publish(tx: Connection, generation_id: str) -> None:
    """Make a generation the active one; the former is ``retired``, or stays ``broken``.

    Raises:
        NotFoundError: There is no such generation.
    """
    former = active(tx)
    if former is not None and former.state == "active":
        set_state(tx, former.id, "retired")
    set_state(tx, generation_id, "active")
    insert_missing(tx, active_generation, [{"slot": 1, "generation_id": generation_id}])
    tx.execute(update(active_generation).values(generation_id=generation_id))


def active(rx: Connection) -> Generation | None:
    """Return the generation that answers come from, also when it was found ``broken``; none before the first."""
    row = rx.execute(
        select(generations).join(active_generation, active_generation.c.generation_id == generations.c.id)
    ).one_or_none()
    return None if row is None else _generation(row)


def list_all(rx: Connection) -> list[Generation]:
    """Return all generations, newest first."""
    rows = rx.execute(select(generations).order_by(generations.c.created_at.desc(), generations.c.id))
    return [_generation(row) for row in rows]


def set_state(tx: Connection, generation_id: str, state: Literal["building", "active", "retired", "broken"]) -> None:
    """Store what became of a generation. Raises ``NotFoundError``."""
    changed = tx.execute(update(generations).where(generations.c.id == generation_id).values(state=state)).rowcount
    if not changed:
        raise NotFoundError("index generation", generation_id)


def _generation(row: Any) -> Generation:
    return Generation(**row._mapping)
