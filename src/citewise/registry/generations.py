"""Generations of the indexes, and the one row that says which of them answers come from."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from citewise.errors import NotFoundError
from citewise.registry import records
from citewise.registry.ids import new_id
from citewise.registry.sql import insert_missing
from citewise.registry.tables import active_generation, generations
from citewise.types import Generation, GenerationState


def create(tx: Connection, *, embedder: str, splitter: str, dimension: int, model: str = "") -> Generation:
    """Begin a generation, ``building``.

    Args:
        embedder: Fingerprint of the model.
        splitter: Fingerprint of the way of cutting.
        dimension: Length of its vectors.
        model: PROVIDER:NAME that the embedder is opened by.
    """
    generation = Generation(new_id(), "building", embedder, splitter, dimension, time.time(), model)
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
    tx.execute(update(generations).where(generations.c.id == generation_id).values(published_at=time.time()))
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


def get(rx: Connection, generation_id: str) -> Generation:
    """Return a generation. Raises ``NotFoundError``."""
    row = rx.execute(select(generations).where(generations.c.id == generation_id)).one_or_none()
    if row is None:
        raise NotFoundError("index generation", generation_id, hint="`citewise index status` lists those there are.")
    return _generation(row)


def set_verified(tx: Connection, generation_id: str) -> None:
    """Note that every chunk was found in it just now."""
    tx.execute(update(generations).where(generations.c.id == generation_id).values(verified_at=time.time()))


def set_model(tx: Connection, generation_id: str, model: str) -> None:
    """Store what the embedder is opened by, where an older Citewise did not."""
    tx.execute(update(generations).where(generations.c.id == generation_id).values(model=model))


def set_comparison(tx: Connection, generation_id: str, comparison: Mapping[str, Any]) -> None:
    """Store how a generation did beside the serving one."""
    tx.execute(update(generations).where(generations.c.id == generation_id).values(comparison=dict(comparison)))


def forget(tx: Connection, generation_id: str) -> None:
    """Delete what is known of a generation whose files are gone; the active one stays."""
    serving = select(active_generation.c.generation_id)
    tx.execute(delete(generations).where(generations.c.id == generation_id, generations.c.id.not_in(serving)))


def set_state(tx: Connection, generation_id: str, state: GenerationState) -> None:
    """Store what became of a generation. Raises ``NotFoundError``."""
    changed = tx.execute(update(generations).where(generations.c.id == generation_id).values(state=state)).rowcount
    if not changed:
        raise NotFoundError("index generation", generation_id)


def _generation(row: Any) -> Generation:
    return Generation(**row._mapping)
