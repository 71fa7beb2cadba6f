"""Evaluations that were run, with their settings and figures."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, delete, insert, select, update

from citewise.errors import NotFoundError
from citewise.registry.ids import new_id
from citewise.registry.tables import evaluations

EvaluationState = Literal["running", "done", "cancelled", "failed"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One run over a set of questions."""

    id: str
    name: str  # of the set
    state: EvaluationState
    settings: Mapping[str, Any]
    generation_id: str | None  # that was searched; None until the first question
    created_at: float
    finished_at: float | None
    report: Mapping[str, Any] | None  # as of ``citewise eval --json``; of a cancelled run what was done
    error: str | None


def create(tx: Connection, *, name: str, settings: Mapping[str, Any]) -> Evaluation:
    """Note that a run begins."""
    evaluation_id = new_id()
    values = {"id": evaluation_id, "name": name, "state": "running", "settings": dict(settings)}
    tx.execute(insert(evaluations).values(**values, created_at=time.time()))
    return get(tx, evaluation_id)


def finish(
    tx: Connection,
    evaluation_id: str,
    state: EvaluationState,
    *,
    report: Mapping[str, Any] | None = None,
    generation_id: str | None = None,
    error: str | None = None,
) -> None:
    """Store what came of a run; nothing happens to one that was deleted meanwhile."""
    values = {"state": state, "report": report, "generation_id": generation_id, "error": error}
    tx.execute(update(evaluations).where(evaluations.c.id == evaluation_id).values(**values, finished_at=time.time()))


def end_running(tx: Connection) -> None:
    """Say of what an earlier process left running that it ended."""
    said = "Citewise was stopped while it ran. Run it again."
    tx.execute(
        update(evaluations)
        .where(evaluations.c.state == "running")
        .values(state="cancelled", error=said, finished_at=time.time())
    )


def list_all(rx: Connection) -> list[Evaluation]:
    """Return all runs, newest first."""
    rows = rx.execute(select(evaluations).order_by(evaluations.c.created_at.desc(), evaluations.c.id))
    return [Evaluation(**row._mapping) for row in rows]


def get(rx: Connection, evaluation_id: str) -> Evaluation:
    """Return a run. Raises ``NotFoundError``."""
    row = rx.execute(select(evaluations).where(evaluations.c.id == evaluation_id)).one_or_none()
    if row is None:
        raise NotFoundError("evaluation", evaluation_id)
    return Evaluation(**row._mapping)


def remove(tx: Connection, evaluation_id: str) -> None:
    """Delete a run. Raises ``NotFoundError``."""
    get(tx, evaluation_id)
    tx.execute(delete(evaluations).where(evaluations.c.id == evaluation_id))
