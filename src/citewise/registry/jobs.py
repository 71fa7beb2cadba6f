"""Jobs: work on documents that outlives a click, a reload and a crash."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, insert, select, update

from citewise.errors import NotFoundError
from citewise.registry import records
from citewise.registry.ids import new_id
from citewise.registry.sql import batches
from citewise.registry.tables import jobs

OPEN = ("queued", "running")

JobState = Literal["queued", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Job:
    """Work on one version of a document."""

    id: str
    kind: Literal["ingest"]
    document_id: str
    version: int
    state: JobState
    attempts: int  # how often it was begun
    cancel_requested: bool
    created_at: float
    updated_at: float
    error: str | None


def create(tx: Connection, *, document_id: str, version: int) -> Job:
    """Queue the ingest of a version."""
    now = time.time()
    job = Job(new_id(), "ingest", document_id, version, "queued", 0, False, now, now, None)
    tx.execute(insert(jobs).values(records.dump(job)))
    return job


def claim(tx: Connection, *, limit: int) -> list[Job]:
    """Take up to ``limit`` queued jobs, oldest first; they are ``running`` from now on."""
    claimed = tx.scalars(
        select(jobs.c.id).where(jobs.c.state == "queued").order_by(jobs.c.created_at, jobs.c.id).limit(limit)
    ).all()
    for batch in batches(claimed):
        tx.execute(
            update(jobs)
            .where(jobs.c.id.in_(batch))
            .values(state="running", attempts=jobs.c.attempts + 1, updated_at=time.time())
        )
    return _in_order(tx, claimed)


def claim_next(tx: Connection) -> Job | None:
    """Take the oldest queued job, if there is one."""
    return next(iter(claim(tx, limit=1)), None)


def finish(tx: Connection, job_id: str) -> None:
    """End a job as ``done``; one that is over already stays as it is."""
    _end(tx, job_id, "done", None)


def fail(tx: Connection, job_id: str, *, error: str) -> None:
    """End a job as ``failed``; one that is over already stays as it is."""
    _end(tx, job_id, "failed", error)


def cancel(tx: Connection, job_id: str) -> None:
    """End a job as ``cancelled``; one that is over already stays as it is."""
    _end(tx, job_id, "cancelled", None)


def request_cancel(tx: Connection, job_id: str) -> None:
    """Ask the worker of a job to end it at its next step."""
    tx.execute(update(jobs).where(jobs.c.id == job_id).values(cancel_requested=True, updated_at=time.time()))


def cancel_requested(rx: Connection, job_id: str) -> bool:
    """Whether somebody asked for the end of a job."""
    return bool(rx.scalar(select(jobs.c.cancel_requested).where(jobs.c.id == job_id)))


def get(rx: Connection, job_id: str) -> Job:
    """Return a job. Raises ``NotFoundError``."""
    found = _in_order(rx, [job_id])
    if not found:
        raise NotFoundError("job", job_id)
    return found[0]


def of_version(rx: Connection, document_id: str, version: int) -> Job | None:
    """Return the newest job of a version, if it has one."""
    row = rx.execute(
        select(jobs)
        .where(jobs.c.document_id == document_id, jobs.c.version == version)
        .order_by(jobs.c.created_at.desc(), jobs.c.id)
        .limit(1)
    ).one_or_none()
    return None if row is None else _job(row)


def states(rx: Connection, job_ids: Sequence[str]) -> dict[str, JobState]:
    """Return the state of each job by id; unknown ids are left out."""
    found: dict[str, JobState] = {}
    for batch in batches(job_ids):
        for job_id, state in rx.execute(select(jobs.c.id, jobs.c.state).where(jobs.c.id.in_(batch))):
            found[job_id] = state
    return found


def requeue(tx: Connection, job_ids: Sequence[str]) -> None:
    """Queue running jobs again; those that are over stay as they are."""
    for batch in batches(job_ids):
        tx.execute(
            update(jobs)
            .where(jobs.c.id.in_(batch), jobs.c.state == "running")
            .values(state="queued", updated_at=time.time())
        )


def requeue_running(tx: Connection) -> list[Job]:
    """Queue again what an earlier process left running; returns those jobs, oldest first."""
    left = tx.scalars(select(jobs.c.id).where(jobs.c.state == "running").order_by(jobs.c.created_at, jobs.c.id)).all()
    tx.execute(update(jobs).where(jobs.c.state == "running").values(state="queued", updated_at=time.time()))
    return _in_order(tx, left)


def _end(tx: Connection, job_id: str, state: JobState, error: str | None) -> None:
    tx.execute(
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state.in_(OPEN))
        .values(state=state, error=error, updated_at=time.time())
    )


def _in_order(rx: Connection, job_ids: Sequence[str]) -> list[Job]:
    found: list[Job] = []
    for batch in batches(job_ids):
        rows = {row.id: _job(row) for row in rx.execute(select(jobs).where(jobs.c.id.in_(batch)))}
        found.extend(rows[job_id] for job_id in batch if job_id in rows)
    return found


def _job(row: Any) -> Job:
    return Job(**row._mapping)
