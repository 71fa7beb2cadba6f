from __future__ import annotations

import pytest

from citewise.errors import NotFoundError
from citewise.registry import jobs
from citewise.registry.database import Registry


def test_jobs_are_claimed_oldest_first_and_once(registry: Registry) -> None:
    with registry.write() as tx:
        ids = [jobs.create(tx, document_id=f"d{number}", version=1).id for number in range(4)]
        assert [job.id for job in jobs.claim(tx, limit=2)] == ids[:2]
        claimed = jobs.claim_next(tx)
        assert claimed is not None
        assert (claimed.id, claimed.state, claimed.attempts) == (ids[2], "running", 1)
        assert [job.id for job in jobs.claim(tx, limit=9)] == ids[3:]
        assert jobs.claim_next(tx) is None


def test_a_job_ends_once(registry: Registry) -> None:
    with registry.write() as tx:
        done, failed, cancelled = (jobs.create(tx, document_id="d", version=1).id for _ in range(3))
        jobs.finish(tx, done)
        jobs.fail(tx, failed, error="It is broken.")
        jobs.cancel(tx, cancelled)
        jobs.cancel(tx, done)
        jobs.finish(tx, failed)
        jobs.fail(tx, cancelled, error="Too late.")
        assert jobs.states(tx, [done, failed, cancelled, "unknown"]) == {
            done: "done",
            failed: "failed",
            cancelled: "cancelled",
        }
        assert jobs.get(tx, failed).error == "It is broken."
        assert jobs.get(tx, cancelled).error is None


def test_what_a_crash_left_running_is_queued_again_with_its_attempts(registry: Registry) -> None:
    with registry.write() as tx:
        running = jobs.create(tx, document_id="a", version=1).id
        waiting = jobs.create(tx, document_id="b", version=1).id
        jobs.claim_next(tx)
        done = jobs.create(tx, document_id="c", version=1).id
        jobs.finish(tx, done)
        assert [(job.id, job.state, job.attempts) for job in jobs.requeue_running(tx)] == [(running, "queued", 1)]
        assert [(job.id, job.attempts) for job in jobs.claim(tx, limit=9)] == [(running, 2), (waiting, 1)]


def test_a_wish_to_cancel_is_kept_until_the_job_sees_it(registry: Registry) -> None:
    with registry.write() as tx:
        job = jobs.create(tx, document_id="a", version=1)
        assert not jobs.cancel_requested(tx, job.id)
        jobs.request_cancel(tx, job.id)
        assert jobs.cancel_requested(tx, job.id)
        assert not jobs.cancel_requested(tx, "unknown")
        (claimed,) = jobs.claim(tx, limit=1)
        assert claimed.cancel_requested


def test_the_newest_job_of_a_version_is_found(registry: Registry) -> None:
    with registry.write() as tx:
        jobs.create(tx, document_id="a", version=1)
        newest = jobs.create(tx, document_id="a", version=1)
        jobs.create(tx, document_id="a", version=2)
        assert jobs.of_version(tx, "a", 1) == newest == jobs.get(tx, newest.id)
        assert jobs.of_version(tx, "a", 3) is None


def test_an_unknown_job_is_told_as_a_sentence(registry: Registry) -> None:
    with registry.read() as rx, pytest.raises(NotFoundError, match="no job"):
        jobs.get(rx, "unknown")
