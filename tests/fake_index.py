"""The index of an engine in memory, for the front ends: every state and every kind of job on demand."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from citewise.errors import NotAllowedError, NotFoundError
from citewise.types import Generation, IndexJob, IndexJobKind, IndexStatus
from citewise.upkeep import Erasable

OLD, NEW = "a1" * 16, "b2" * 16
CUT = "recursive/1:200:24:fake"
STEPS: dict[str, tuple[str, int]] = {"reembed": ("embedding", 40), "compact": ("erasing", 0)}

WORSE: list[dict[str, Any]] = [
    {"kind": "asked", "question": "When does the <ferry> leave?", "place": None, "before": 1, "after": None},
    {
        "kind": "sentence",
        "question": "",
        "place": {"document_id": "d1", "version": 1, "start": 0, "end": 32},
        "before": 2,
        "after": 7,
    },
]
COMPARISON: dict[str, Any] = {
    "questions": {"sentence": 40, "asked": 3},
    "places": 44,
    "serving": {
        "generation": OLD,
        "chunks": 48,
        "found_first": 38,
        "recall_at_5": 0.8636,
        "recall_at_10": 0.9091,
        "mrr_at_10": 0.812,
        "mean_ms": 8.4,
        "p95_ms": 12.6,
    },
    "candidate": {
        "generation": NEW,
        "chunks": 61,
        "found_first": 41,
        "recall_at_5": 0.9318,
        "recall_at_10": 0.9773,
        "mrr_at_10": 0.871,
        "mean_ms": 10.1,
        "p95_ms": 15.9,
    },
    "agreement": 0.71,
    "better": 6,
    "worse": 2,
    "got_worse": WORSE,
    "sentence": "The new generation finds 93.2 % of 44 places in the first five hits, the serving one 86.4 %.",
}
ERASED: dict[str, Any] = {
    "documents": 1,
    "chunks": 4,
    "needles": 3,
    "found": [],
    "quotes_kept": [],
    "sentence": "1 document with 4 chunks and 4 vectors is erased. 3 samples of what they held were looked for in "
    "every byte of 9 files (0.4 MB): none was found.",
}


class FakeIndex:
    """A job goes through as many looks as ``looks`` says, and then ends as ``ending`` and ``error`` say."""

    def __init__(self) -> None:
        self.index = IndexStatus(
            state="ok",
            detail="The index is whole.",
            generation=None,
            chunks=48,
            cuts={CUT: 48},
            documents=1,
            stale_chunks=0,
            stale_share=0.0,
            needs_full_rebuild=False,
            waiting_documents=0,
            bytes=1_234_567,
            model="fake:hash-64",
            splitter=CUT,
            generations=(),
            jobs=(),
        )
        self._put(generation(OLD, "active"))
        self.looks = 2
        self.ending = "done"
        self.error: str | None = None
        self.problems: list[str] = []
        self.to_erase = Erasable(0, 0, 0)
        self.changes: list[Callable[[], None]] = []  # one happens before each look at the status

    def change_index(self, **values: Any) -> None:
        self.index = replace(self.index, **values)

    def _put(self, *changed: Generation) -> None:
        ids = {one.id for one in changed}
        kept = [one for one in self.index.generations if one.id not in ids]
        everything = sorted([*changed, *kept], key=lambda one: -one.created_at)
        active = next(one for one in everything if one.state == "active")
        self.change_index(generations=tuple(everything), generation=active)

    # --- what the front ends call

    def index_status(self) -> IndexStatus:
        if self.changes:
            self.changes.pop(0)()
        return self.index

    def erasable(self) -> Erasable:
        return self.to_erase

    def running_index_job(self) -> IndexJob | None:
        return next((job for job in reversed(self.index.jobs) if job.state in ("queued", "running")), None)

    def index_job(
        self, kind: IndexJobKind, *, generation_id: str | None = None, options: Mapping[str, Any] | None = None
    ) -> IndexJob:
        if any(job.kind == kind and job.state in ("queued", "running") for job in self.index.jobs):
            raise NotAllowedError(f"A job to {kind} the index runs already. Wait for it, or cancel it first.")
        if kind in ("switch", "rollback"):
            wanted = {"switch": "ready", "rollback": "retired"}[kind]
            known = {one.id: one.state for one in self.index.generations}
            if generation_id is not None and generation_id not in known:
                raise NotFoundError("index generation", generation_id)
            fitting = [generation_id] if generation_id else [one for one, state in known.items() if state == wanted]
            if not fitting:
                raise NotAllowedError("No generation waits to be switched to. Build one with `citewise index reembed`.")
            generation_id = fitting[0]
        now = time.time()
        job = IndexJob(
            f"i{len(self.index.jobs) + 1}", kind, "queued", generation_id, "", 0, 0, None, now, now, False,
            dict(options or {}),
        )  # fmt: skip
        self.change_index(jobs=(job, *self.index.jobs))
        return job

    def index_job_now(self, job_id: str, *, wait_s: float | None = 0) -> IndexJob:
        job = next((one for one in self.index.jobs if one.id == job_id), None)
        if job is None:
            raise NotFoundError("index job", job_id)
        if job.state in ("queued", "running"):
            job = self._further(job)
            self.change_index(jobs=tuple(job if one.id == job_id else one for one in self.index.jobs))
        return job

    def cancel_index_job(self, job_id: str) -> None:
        job = self.index_job_now(job_id)
        cancelled = replace(job, cancel_requested=True)
        self.change_index(jobs=tuple(cancelled if one.id == job_id else one for one in self.index.jobs))

    # --- what becomes of a job

    def _further(self, job: IndexJob) -> IndexJob:
        if job.cancel_requested:
            return replace(job, state="cancelled", stage="")
        stage, total = STEPS.get(job.kind, ("verifying", 48))
        if job.done < self.looks:
            return replace(
                job, state="running", stage=stage, done=job.done + 1, total=total, stage_started_at=time.time() - 10
            )
        if self.ending != "done":
            return replace(job, state="failed", stage="", error=self.error)
        return replace(job, state="done", stage="", result=self._done(job))

    def _done(self, job: IndexJob) -> dict[str, Any]:
        now = time.time()
        active = self.index.generation
        assert active is not None
        match job.kind:
            case "verify":
                self._put(replace(active, verified_at=active.verified_at if self.problems else now))
                return {"generation": active.id, "chunks": 48, "problems": self.problems}
            case "reembed":
                self._put(generation(NEW, "ready", created_at=now, comparison=COMPARISON))
                return {"generation": NEW, "chunks": 61, "comparison": COMPARISON, "switched": False}
            case "switch" | "rollback":
                chosen = next(one for one in self.index.generations if one.id == job.generation)
                self._put(replace(active, state="retired"), replace(chosen, state="active", published_at=now))
                return {"generation": job.generation}
            case "update":
                return {"generation": active.id, "documents": 1}
            case "compact":
                return ERASED
        return {"generation": active.id, "chunks": 48}


def generation(name: str, state: Any, *, created_at: float = 1000.0, **values: Any) -> Generation:
    return Generation(
        name, state, "fake-hash-64", CUT, 64, created_at, "fake:hash-64", verified_at=created_at, **values
    )
