"""Index jobs and generations in words: the same on the page, on the terminal and over the API."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from citewise.types import IndexJob, IndexJobKind, IndexStatus

DOING: Mapping[IndexJobKind, str] = {
    "verify": "Verifying the index",
    "rebuild": "Rebuilding the index",
    "reembed": "Embedding everything anew",
    "update": "Bringing stale chunks up to date",
    "switch": "Switching to another generation",
    "rollback": "Going back to the former generation",
    "compact": "Erasing what was removed",
}
"""What a job does, while it does it."""

_BUILD = ("embedding", "building", "verifying")
_STEPS: Mapping[IndexJobKind, tuple[str, ...]] = {
    "verify": ("verifying",),
    "rebuild": (*_BUILD, "switching"),
    "reembed": (*_BUILD, "comparing"),
    "update": ("updating",),
    "switch": ("checking", "switching"),
    "rollback": ("checking", "switching"),
    "compact": ("erasing", *_BUILD, "switching", "deleting former files", "searching for traces"),
}
_UNITS = {
    "embedding": "documents",
    "updating": "documents",
    "catching up": "documents",
    "building": "chunks",
    "verifying": "chunks",
    "comparing": "questions",
}
_SHORT = 8  # characters of an id that are enough to tell generations apart


def short(generation_id: str) -> str:
    """The start of a generation's id: enough for a person, and for the command line."""
    return generation_id[:_SHORT]


def cuts(status: IndexStatus) -> str:
    """How the chunks that answers come from were cut."""
    if not status.cuts:
        return cut(status.generation.splitter) if status.generation else ""
    (most, _), *others = status.cuts.items()
    otherwise = sum(count for _, count in others)
    return f"{cut(most)}; {otherwise:,} chunks otherwise" if otherwise else cut(most)


def cut(splitter: str) -> str:
    """A way of cutting, from its fingerprint: ``recursive, 200 tokens a chunk, 24 shared by neighbours``."""
    parts = splitter.split(":")
    if len(parts) < 3 or not (parts[1].isdigit() and parts[2].isdigit()):
        return splitter
    shared = f"{int(parts[2]):,} shared by neighbours" if int(parts[2]) else "none shared by neighbours"
    strategy = parts[0].partition("/")[0]
    return f"{strategy}, {int(parts[1]):,} tokens a chunk, {shared}"


# --- a job that goes on ---------------------------------------------------------------


def percent(job: IndexJob) -> int | None:
    """How far a running job is through its step, 0 to 100; ``None`` while that is not known."""
    return min(100, 100 * job.done // job.total) if job.state == "running" and job.total else None


def seconds_left(job: IndexJob, *, now: float | None = None) -> float | None:
    """Time that the step still takes at its pace so far; ``None`` while that is a guess."""
    if job.state != "running" or not job.total or not job.done or job.stage_started_at is None:
        return None
    elapsed = (time.time() if now is None else now) - job.stage_started_at
    return elapsed / job.done * max(0, job.total - job.done) if elapsed >= 1 else None


def step(job: IndexJob) -> str:
    """What a job is at: ``Step 2 of 4: building, 1,200 of 5,000 chunks``."""
    if job.state == "queued":
        return "Waiting for its turn"
    if job.cancel_requested:
        return "Ending"
    names = list(_STEPS[job.kind])
    if job.kind == "reembed" and job.options.get("switch"):
        names.append("switching")
    said = job.stage
    if job.total and job.stage in _UNITS:
        said += f", {min(job.done, job.total):,} of {job.total:,} {_UNITS[job.stage]}"
    if job.stage in names and len(names) > 1:
        return f"Step {names.index(job.stage) + 1} of {len(names)}: {said}"
    return said[:1].upper() + said[1:]


# --- a job that is over ---------------------------------------------------------------


def outcome(job: IndexJob) -> str:
    """What came of a job, as sentences; what it does while it is not over."""
    match job.state:
        case "failed":
            return job.error or "It failed; the log has the details."
        case "cancelled":
            return "It was cancelled. Answers come from the same index as before."
        case "done":
            return _done(job, job.result or {})
    return f"{DOING[job.kind]}."


def _done(job: IndexJob, result: Mapping[str, Any]) -> str:
    generation = short(str(result.get("generation", "")))
    match job.kind:
        case "verify":
            said = _verified(result)
        case "rebuild":
            said = f"{_were(result, 'chunks')} written to new files and verified. Answers come from these."
        case "reembed":
            said = _reembedded(result)
        case "update":
            stale = f"{_were(result, 'documents')} cut and embedded anew."
            said = stale if result.get("documents") else "No document was stale."
        case "switch":
            said = f"Answers come from generation {generation}. The former one is kept for a roll-back."
        case "rollback":
            said = f"Answers come from generation {generation} again."
        case "compact":
            said = str(result.get("sentence", "What was removed is erased."))
    return said


def _verified(result: Mapping[str, Any]) -> str:
    problems = result.get("problems") or ()
    if problems:
        return f"The index was found damaged, and is built anew from the stored vectors: {problems[0]}"
    if not result.get("chunks"):
        return "The index holds no chunk yet, so there was nothing to look for."
    return f"{_were(result, 'chunks')} looked for in the index and found."


def _reembedded(result: Mapping[str, Any]) -> str:
    made = f"{_were(result, 'chunks')} cut and embedded anew."
    compared = (result.get("comparison") or {}).get("sentence", "")
    if result.get("switched"):
        then = "Answers come from the new generation; the former one is kept for a roll-back."
    else:
        then = "It waits; answers come from the old one until you switch."
    return " ".join(part for part in (made, compared, then) if part)


def _were(result: Mapping[str, Any], nouns: str) -> str:
    count = int(result.get(nouns) or 0)
    return f"1 {nouns.removesuffix('s')} was" if count == 1 else f"{count:,} {nouns} were"
