"""Work on the indexes that outlives a click and a crash: rebuilds, re-embeddings, checks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, select, update

from citewise.errors import NotFoundError
from citewise.registry.ids import new_id
from citewise.registry.tables import index_jobs
from citewise.types import IndexJob, IndexJobKind, IndexJobState

OPEN = ("queued", "running")


def create(
    tx: Connection, kind: IndexJobKind, *, generation_id: str | None = None, options: Mapping[str, Any] | None = None
) -> IndexJob:
    """Queue a job."""
    now = time.time()
    job_id = new_id()
    tx.execute(
        insert(index_jobs).values(
            id=job_id,
            kind=kind,
            state="queued",
            generation_id=generation_id,
            stage="",
            done=0,
            total=0,
            created_at=now,
            updated_at=now,
            cancel_requested=False,
            options=dict(options or {}),
        )
    )
    return get(tx, job_id)


def next_open(rx: Connection) -> IndexJob | None:
    """Return the job to go on with: one that was begun before one that waits, oldest first."""
    rows = rx.execute(
        select(index_jobs).where(index_jobs.c.state.in_(OPEN)).order_by(index_jobs.c.created_at, index_jobs.c.id)
    ).all()
    found = [_job(row) for row in rows]
    return next(iter([job for job in found if job.state == "running"] or found), None)


def list_recent(rx: Connection, *, limit: int = 20) -> list[IndexJob]:
    """Return jobs, newest first."""
    rows = rx.execute(select(index_jobs).order_by(index_jobs.c.created_at.desc(), index_jobs.c.id).limit(limit))
    return [_job(row) for row in rows]


def get(rx: Connection, job_id: str) -> IndexJob:
    """Return a job. Raises ``NotFoundError``."""
    row = rx.execute(select(index_jobs).where(index_jobs.c.id == job_id)).one_or_none()
    if row is None:
        raise NotFoundError("index job", job_id)
    return _job(row)


def set_generation(tx: Connection, job_id: str, generation_id: str) -> None:
    """Remember what a job works on, so that it goes on with it after a crash."""
    _update(tx, job_id, generation_id=generation_id)


def set_stage(tx: Connection, job_id: str, stage: str, *, total: int = 0) -> None:
    """Say what goes on now; the job is ``running``."""
    _update(tx, job_id, state="running", stage=stage, done=0, total=total, stage_started_at=time.time())


def set_progress(tx: Connection, job_id: str, *, done: int, total: int | None = None) -> None:
    """Say how many units of the stage are done."""
    _update(tx, job_id, done=done, **({} if total is None else {"total": total}))


def end(
    tx: Connection,
    job_id: str,
    state: IndexJobState,
    *,
    result: Mapping[str, Any] | None = None,
    error: str | None = None,
) -> None:
    """End a job; one that is over already stays as it is."""
    values = {"state": state, "result": None if result is None else dict(result), "error": error, "stage": ""}
    tx.execute(
        update(index_jobs)
        .where(index_jobs.c.id == job_id, index_jobs.c.state.in_(OPEN))
        .values(updated_at=time.time(), **values)
    )


def request_cancel(tx: Connection, job_id: str) -> None:
    """Ask a job to end at its next step. Raises ``NotFoundError``."""
    get(tx, job_id)
    _update(tx, job_id, cancel_requested=True)


def _update(tx: Connection, job_id: str, **values: Any) -> None:
    tx.execute(update(index_jobs).where(index_jobs.c.id == job_id).values(updated_at=time.time(), **values))


def _job(row: Any) -> IndexJob:
    return IndexJob(
        id=row.id,
        kind=row.kind,
        state=row.state,
        generation=row.generation_id,
        stage=row.stage,
        done=row.done,
        total=row.total,
        stage_started_at=row.stage_started_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
        cancel_requested=row.cancel_requested,
        options=row.options,
        result=row.result,
        error=row.error,
    )
