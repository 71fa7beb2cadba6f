"""Watching an answer that the engine writes, without holding a thread."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool

from citewise.api import wire
from citewise.engine import Engine
from citewise.errors import CitewiseError
from citewise.types import Turn

POLL_S = 0.05
HEARTBEAT_S = 10.0
"""A comment is sent after this much silence, so that proxies keep the connection."""


async def finished(engine: Engine, turn_id: str) -> Turn:
    """Wait for an answer and return its turn."""
    while (turn := await run_in_threadpool(engine.turn, turn_id)).answer.status == "running":
        await asyncio.sleep(POLL_S)
    return turn


async def told(request: Request, engine: Engine, turn: Turn, *, explain: bool) -> Response:
    """Tell an answer in the way that the request accepts: as it is written, or whole."""
    if "text/event-stream" in request.headers.get("accept", ""):
        return StreamingResponse(
            server_sent_events(engine, turn, explain=explain),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        )
    turn = await finished(engine, turn.id)
    status_code = 502 if turn.answer.status == "error" else 200
    return JSONResponse(wire.ask_json(turn, explain=explain), status_code=status_code)


async def server_sent_events(engine: Engine, turn: Turn, *, explain: bool = False) -> AsyncIterator[str]:
    """Tell an answer as it is written; the events are described at ``POST /ask``.

    Whoever listens may leave at any time: only the telling ends, not the answer.
    """
    step, text, spoke = turn.step, "", monotonic()
    yield _event("turn", _turn_json(turn))
    while True:
        try:
            turn = await run_in_threadpool(engine.turn, turn.id)
        except CitewiseError as error:  # the engine closes, or the conversation was erased
            yield _event("error", wire.error_json(str(error)))
            return
        events = []
        if turn.step not in ("", step):
            step = turn.step
            events.append(_event("turn", _turn_json(turn)))
        if turn.answer.text != text:
            written = turn.answer.text
            more = {"delta": written[len(text) :]} if written.startswith(text) else {"text": written}
            text = written
            events.append(_event("text", more))
        if turn.answer.status != "running":
            events.append(_event("done", wire.ask_json(turn, explain=explain)))
        elif not events and monotonic() - spoke > HEARTBEAT_S:
            events.append(": still here\n\n")
        for event in events:
            spoke = monotonic()
            yield event
        if turn.answer.status != "running":
            return
        await asyncio.sleep(POLL_S)


def _turn_json(turn: Turn) -> dict[str, Any]:
    return {
        "turn_id": turn.id,
        "conversation_id": turn.conversation_id,
        "standalone_question": turn.standalone_question,
        "step": turn.step,
    }


def _event(name: str, data: dict[str, Any]) -> str:
    # json.dumps writes line breaks as \n, so one data line holds it all.
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
