"""Routes for the index: how it is, and work on it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from citewise.api import wire, wire_index
from citewise.api.dependencies import EngineOfApp
from citewise.errors import NotAllowedError, QuestionError
from citewise.types import IndexJobKind

router = APIRouter(prefix="/index", tags=["index"])

_TAKES: dict[IndexJobKind, frozenset[str]] = {
    "reembed": frozenset({"model", "switch", "questions", "collection"}),
    "switch": frozenset({"generation"}),
    "rollback": frozenset({"generation"}),
    "compact": frozenset({"quotes"}),
}
"""Which options a kind of work has, where it has any."""


class IndexJobOptions(BaseModel):
    """What the work is to be like; each option is for one kind of it."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(None, description="reembed: PROVIDER:NAME, instead of the one that the settings name.")
    switch: bool = Field(False, description="reembed: let answers come from it as soon as it is built.")
    questions: str | None = Field(
        None, description="reembed: a folder on the server's machine, as `citewise eval` takes it, to compare by too."
    )
    collection: str | None = Field(None, description="reembed: the collection that `questions` are asked of.")
    generation: str | None = Field(None, description="switch, rollback: which one, instead of the newest.")
    quotes: bool = Field(False, description="compact: blank what old answers quote of removed documents too.")


@router.get("")
def get_index(engine: EngineOfApp) -> dict[str, Any]:
    """How the index is, its generations, and the work on it, newest first."""
    return wire_index.index_json(engine.index_status())


@router.post("/{kind}", status_code=202)
def start_index_job(engine: EngineOfApp, kind: IndexJobKind, body: IndexJobOptions | None = None) -> JSONResponse:
    """Start work on the index. Answers go on meanwhile.

    - `verify` looks for every chunk; a damaged index is built anew from the stored vectors.
    - `rebuild` writes the same vectors to new files.
    - `reembed` cuts and embeds every document anew, beside what serves, and compares both.
    - `update` cuts stale documents anew, in place.
    - `switch` lets answers come from the generation that waits, `rollback` from the former one.
    - `compact` erases removed documents from every file and looks for what is left of them.

    The status is 409 when such work goes on already, or there is nothing to do it with.
    Follow it at `GET /index/jobs/{job_id}`.
    """
    options = (body or IndexJobOptions()).model_dump(exclude_defaults=True)
    if unknown := sorted(set(options) - _TAKES.get(kind, frozenset())):
        raise QuestionError(
            f"To {kind} the index takes no option `{unknown[0]}`. The page /api/docs says which is for what."
        )
    generation = options.pop("generation", None)
    try:
        job = engine.index_job(kind, generation_id=generation, options=options)
    except NotAllowedError as error:  # not a matter of who asks
        return JSONResponse(wire.error_json(str(error)), status_code=409)
    return JSONResponse(wire_index.index_job_json(job), status_code=202)


@router.get("/jobs/{job_id}")
def get_index_job(engine: EngineOfApp, job_id: str) -> dict[str, Any]:
    """How far work on the index is, and in the end what came of it."""
    return wire_index.index_job_json(engine.index_job_now(job_id))


@router.post("/jobs/{job_id}/cancel", status_code=202)
def cancel_index_job(engine: EngineOfApp, job_id: str) -> dict[str, Any]:
    """End work on the index at its next step; what serves goes on serving."""
    engine.cancel_index_job(job_id)
    return wire_index.index_job_json(engine.index_job_now(job_id))
