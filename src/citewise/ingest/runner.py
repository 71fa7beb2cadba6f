"""The thread that works off ingest jobs. The jobs themselves live in the registry."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import structlog

from citewise.errors import CitewiseError, NoSpaceError
from citewise.failpoints import failpoint
from citewise.ingest.pipeline import Pipeline
from citewise.observe.metrics import metrics
from citewise.registry import jobs
from citewise.registry.database import Registry
from citewise.registry.jobs import Job

log = structlog.get_logger(__name__)

CLAIM = 64
"""Jobs taken at once; small documents among them share their commits."""

SPACE_S = 2.0
"""Between two looks at whether a full disk has room again."""


class IngestRunner:
    """Works off queued jobs, oldest first, until it is closed."""

    def __init__(self, *, registry: Registry, make_pipeline: Callable[[IngestRunner], Pipeline]) -> None:
        self._registry = registry
        self._make_pipeline = make_pipeline
        self._changed = threading.Condition()
        self._wanted = True  # there may be queued jobs
        self._stop = threading.Event()
        self._waiting_for: str | None = None
        self._thread = threading.Thread(target=self._work, name="ingest", daemon=True)

    def start(self) -> None:
        """Take up what an earlier process left, then wait for more."""
        with self._registry.write() as tx:
            jobs.requeue_running(tx)
        self._thread.start()

    def stop(self) -> None:
        """Begin to stop; ``close`` waits for it."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Stop at the next committed step; what is unfinished goes on at the next start."""
        self.stop()
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
        self.wake()

    def cancelled(self, job: Job) -> bool:
        """Whether the job was asked to end, by whom and when ever."""
        with self._registry.read() as rx:
            return jobs.cancel_requested(rx, job.id)

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

    @property
    def waiting_for(self) -> str | None:
        """Why nothing goes on, as a sentence; ``None`` while it does."""
        return self._waiting_for

    def _work(self) -> None:
        pipeline = self._make_pipeline(self)
        while not self._stop.is_set():
            with self._changed:
                while not self._wanted and not self._stop.is_set():
                    self._changed.wait()
                self._wanted = False
            while not self._stop.is_set():
                try:
                    if not self._work_once(pipeline):
                        break
                    self._waiting_for = None
                except NoSpaceError as error:
                    log.warning("ingest waits for space", error=str(error))
                    self._wait_and_requeue(str(error), SPACE_S)
                except Exception:
                    log.exception("the ingest thread met an error and goes on")
                    self._wait_and_requeue("Adding documents met an error and goes on; the log has the details.", 5)
                with self._changed:
                    self._changed.notify_all()

    def _work_once(self, pipeline: Pipeline) -> bool:
        """Claim jobs and carry them through; ``False`` when there are none."""
        with self._registry.write() as tx:
            claimed = jobs.claim(tx, limit=CLAIM)
        if claimed:
            failpoint("jobs-claimed")
            with metrics().job("ingest"):
                pipeline.run(claimed)
        return bool(claimed)

    def _wait_and_requeue(self, reason: str, seconds: float) -> None:
        """Wait until the jobs that were claimed can be queued again; this thread is the only one that claims."""
        self._waiting_for = reason
        while not self._stop.wait(seconds):
            try:
                with self._registry.write() as tx:
                    jobs.requeue_running(tx)
                return
            except CitewiseError:
                continue  # the disk is still full, say
