"""Routes for versions of answers, for what a person thinks of them, and for questions to begin with."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from citewise.api import wire
from citewise.api.dependencies import EngineOfApp
from citewise.api.follow import POLL_S, told
from citewise.registry.feedback import NOTE_CHARACTERS
from citewise.types import FeedbackReason

router = APIRouter()

SUGGESTIONS_S = 20.0
"""How long a request for suggestions waits for them."""


class Again(BaseModel):
    """Who answers the question of a turn again."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(None, description="PROVIDER:NAME; unset: the model that answered before.")
    explain: bool = Field(False, description="Add `trace`: what was tried and how it was weighed.")


class Rating(BaseModel):
    """What a person thinks of an answer."""

    model_config = ConfigDict(extra="forbid")

    good: bool
    reason: FeedbackReason | None = Field(None, description="Only for an answer that is not good.")
    note: str = Field("", max_length=NOTE_CHARACTERS, description="In their own words.")


@router.post("/turns/{turn_id}/again", tags=["questions"], response_model=None)
async def answer_again(request: Request, engine: EngineOfApp, turn_id: str, body: Again) -> Response:
    """Answer the question of a turn once more, with its filters; both answers are kept.

    The new one is the version that its conversation shows from now on. It comes as from `POST /ask`,
    whole or as it is written. A question in other words is asked with `instead_of` of `POST /ask`.
    """
    turn = await run_in_threadpool(engine.again, turn_id, model=body.model)
    return await told(request, engine, turn, explain=body.explain)


@router.get("/turns/{turn_id}/versions", tags=["questions"])
def list_versions(engine: EngineOfApp, turn_id: str) -> dict[str, Any]:
    """The answers that stand at the place of a turn, itself included, the oldest first; one is shown."""
    turn = engine.turn(turn_id)
    shown = {one.id for one in engine.conversation(turn.conversation_id)[1]}
    return {"versions": [wire.turn_version_json(engine.turn(one), shown=one in shown) for one in turn.versions]}


@router.post("/turns/{turn_id}/show", tags=["questions"])
def show_branch(engine: EngineOfApp, turn_id: str) -> dict[str, Any]:
    """Let a turn be the version that its conversation shows, with what came after it."""
    engine.show_branch(turn_id)
    return wire.ask_json(engine.turn(turn_id))


@router.put("/turns/{turn_id}/feedback", tags=["questions"])
def rate(engine: EngineOfApp, turn_id: str, body: Rating) -> dict[str, Any]:
    """Keep what a person thinks of an answer, instead of what they thought before."""
    given = engine.rate(turn_id, good=body.good, reason=body.reason, note=body.note)
    return {"turn_id": turn_id, "feedback": wire.feedback_json(given)}


@router.delete("/turns/{turn_id}/feedback", tags=["questions"])
def unrate(engine: EngineOfApp, turn_id: str) -> dict[str, Any]:
    """Forget what a person thinks of an answer."""
    engine.unrate(turn_id)
    return {"turn_id": turn_id, "feedback": None}


@router.get("/collections/{name}/suggestions", tags=["questions"])
async def suggest(engine: EngineOfApp, name: str) -> dict[str, Any]:
    """Questions to begin with, made of the documents and known to be answered from them.

    `complete` is false while they are still looked for: ask again a little later.
    """
    until = monotonic() + SUGGESTIONS_S
    while (found := await run_in_threadpool(engine.suggestions, name)) is None and monotonic() < until:
        await asyncio.sleep(POLL_S)
    return wire.suggestions_json(found)
