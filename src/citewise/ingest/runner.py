"""The thread that works off ingest jobs. The jobs themselves live in the registry."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import structlog

from citewise.ingest.pipeline import Pipeline
from citewise.observe.metrics import metrics
from citewise.registry import jobs
from citewise.registry.database import Registry
from citewise.registry.jobs import Job

log = structlog.get_logger(__name__)

CLAIM = 64
"""Jobs taken at once; small documents among them share their commits."""


class IngestRunner:
    """Works off queued jobs, oldest first, until it is closed."""

    def __init__(self, *, registry: Registry, make_pipeline: Callable[[IngestRunner], Pipeline]) -> None:
        self._registry = registry
        self._make_pipeline = make_pipeline
        self._changed = threading.Condition()
        self._wanted = True  # there may be queued jobs
        self._cancelled: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="ingest", daemon=True)

    def start(self) -> None:
        """Take up what an earlier process left, then wait for more."""
        with self._registry.write() as tx:
            jobs.requeue_running(tx)
        self._thread.start()

    def close(self) -> None:
        """Stop at the next committed step; what is unfinished goes on at the next start."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def wake(self) -> None:
        """Say that jobs were queued."""
        with self._changed:
            self._wanted = True
            self._changed.notify_all()

    def cancel(self, job: Job) -> None:
        """Ask a job to end; it does at its next step."""
        with self._registry.write() as tx:
            jobs.request_cancel(tx, job.id)
        self._cancelled.add(job.id)
        self.wake()

    def cancelled(self, job: Job) -> bool:
        """Whether the job was asked to end, by this process or the one before."""
        return job.cancel_requested or job.id in self._cancelled

    def stopping(self) -> bool:
        return self._stop.is_set()

    def wait(self, job_ids: Sequence[str], *, timeout_s: float | None = None) -> bool:
        """Block until all of these jobs are over; ``False`` when the time ran out or the runner stops."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            with self._registry.read() as rx:
                states = jobs.states(rx, job_ids)
            if all(state not in ("queued", "running") for state in states.values()):
                return True
            if self._stop.is_set() or (deadline is not None and time.monotonic() >= deadline):
                return False
            with self._changed:
                self._changed.wait(0.2 if deadline is None else min(0.2, max(0.0, deadline - time.monotonic())))

    def _work(self) -> None:
        pipeline = self._make_pipeline(self)
        while not self._stop.is_set():
            with self._changed:
                while not self._wanted and not self._stop.is_set():
                    self._changed.wait()
                self._wanted = False
            while not self._stop.is_set():
                try:
                    with self._registry.write() as tx:
                        claimed = jobs.claim(tx, limit=CLAIM)
                    if not claimed:
                        break
                    with metrics().job("ingest"):
                        pipeline.run(claimed)
                except Exception:
                    log.exception("the ingest thread met an error and goes on")
                    self._stop.wait(5)
                with self._changed:
                    self._changed.notify_all()
