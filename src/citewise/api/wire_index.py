"""The one shape of what is told of the index as JSON; see ``wire``."""

from __future__ import annotations

from dataclasses import asdict

from citewise.api.wire import Json
from citewise.index import words
from citewise.types import Generation, IndexJob, IndexStatus


def index_json(status: IndexStatus) -> Json:
    """How the index is; times are in seconds since the epoch.

    ``cuts`` says how its chunks were cut, ``cut`` how the settings say that documents are.
    """
    return {
        "state": status.state,
        "detail": status.detail,
        "generation": generation_json(status.generation) if status.generation else None,
        "chunks": status.chunks,
        "cuts": words.cuts(status),
        "documents": status.documents,
        "stale_chunks": status.stale_chunks,
        "stale_share": status.stale_share,
        "needs_full_rebuild": status.needs_full_rebuild,
        "waiting_documents": status.waiting_documents,
        "bytes": status.bytes,
        "model": status.model,
        "cut": words.cut(status.splitter),
        "generations": [generation_json(one) for one in status.generations],
        "jobs": [index_job_json(job) for job in status.jobs],
    }


def generation_json(generation: Generation) -> Json:
    """One build of the index; ``comparison`` says how it did beside the one that served then.

    ``cut`` says how documents are cut that it does not hold yet.
    """
    found = asdict(generation)
    return {"generation": found.pop("id"), **found, "cut": words.cut(generation.splitter)}


def index_job_json(job: IndexJob) -> Json:
    """Work on the index.

    ``percent`` and ``seconds_left`` are of the step that goes on, ``None`` while they are
    not known; ``sentence`` says what goes on, or what came of it.
    """
    return {
        "job_id": job.id,
        "kind": job.kind,
        "state": job.state,
        "generation": job.generation,
        "stage": job.stage,
        "step": words.step(job) if job.state in ("queued", "running") else "",
        "done": job.done,
        "total": job.total,
        "percent": words.percent(job),
        "seconds_left": words.seconds_left(job),
        "created_at": job.created_at,
        "updated_at": job.updated_at,
        "cancel_requested": job.cancel_requested,
        "options": dict(job.options),
        "result": None if job.result is None else dict(job.result),
        "error": job.error,
        "sentence": words.outcome(job),
    }
