"""Turns: questions and their answers, stored while they are written."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from citewise.errors import NotFoundError
from citewise.registry import conversations, records
from citewise.registry.ids import new_id
from citewise.registry.tables import turns
from citewise.types import Answer, Citation, Evidence, ScoredChunk, Turn, Usage


def create(tx: Connection, *, conversation_id: str, question: str, model: str = "") -> Turn:
    """Add a ``running`` turn with no text yet; the question stands alone until ``save_text`` says otherwise.

    Raises:
        NotFoundError: There is no such conversation, or it is deleted.
    """
    conversations.get(tx, conversation_id)
    last = tx.scalar(select(func.max(turns.c.ordinal)).where(turns.c.conversation_id == conversation_id))
    turn_id = new_id()
    tx.execute(
        insert(turns).values(
            id=turn_id,
            conversation_id=conversation_id,
            ordinal=0 if last is None else last + 1,
            question=question,
            standalone_question=question,
            created_at=time.time(),
            step="",
            **_answer_row(Answer(text="", status="running", model=model)),
        )
    )
    conversations.touch(tx, conversation_id)
    return get(tx, turn_id)


def save_text(
    tx: Connection,
    turn_id: str,
    text: str,
    *,
    step: str,
    standalone_question: str | None = None,
    contexts: Sequence[ScoredChunk] | None = None,
) -> None:
    """Store how far a running answer got; what is ``None`` stays as it is, and so does a finished turn."""
    values: dict[str, Any] = {"text": text, "step": step}
    if standalone_question is not None:
        values["standalone_question"] = standalone_question
    if contexts is not None:
        values["contexts"] = records.dump(tuple(contexts))
    tx.execute(update(turns).where(turns.c.id == turn_id, turns.c.status == "running").values(values))


def finish(tx: Connection, turn_id: str, answer: Answer) -> None:
    """Store the answer as it ended. Raises ``NotFoundError``."""
    values = {**_answer_row(answer), "step": "", "finished_at": time.time()}
    if not tx.execute(update(turns).where(turns.c.id == turn_id).values(values)).rowcount:
        raise _missing(turn_id)
    conversations.touch(tx, get(tx, turn_id).conversation_id)


def get(rx: Connection, turn_id: str) -> Turn:
    """Return a turn as it is now. Raises ``NotFoundError``."""
    row = rx.execute(select(turns).where(turns.c.id == turn_id)).one_or_none()
    if row is None:
        raise _missing(turn_id)
    return _turn(row)


def of_conversation(rx: Connection, conversation_id: str) -> list[Turn]:
    """Return the turns of a conversation, in order; none for an unknown one."""
    rows = rx.execute(select(turns).where(turns.c.conversation_id == conversation_id).order_by(turns.c.ordinal))
    return [_turn(row) for row in rows]


def cut_running(tx: Connection) -> int:
    """Mark what an earlier process was writing as ``cut``, its text kept; returns how many turns."""
    return tx.execute(
        update(turns).where(turns.c.status == "running").values(status="cut", step="", finished_at=time.time())
    ).rowcount


def _missing(turn_id: str) -> NotFoundError:
    return NotFoundError("turn", turn_id, hint="Open its conversation again to see the turns it has.")


def _answer_row(answer: Answer) -> dict[str, Any]:
    return {
        "status": answer.status,
        "text": answer.text,
        "model": answer.model,
        "input_tokens": answer.usage.input_tokens,
        "output_tokens": answer.usage.output_tokens,
        "cost_usd": answer.cost_usd,
        "error": answer.error,
        "reason": answer.reason,
        "evidence": records.dump(answer.evidence),
        "citations": records.dump(answer.citations),
        "contexts": records.dump(answer.contexts),
        "trace": records.dump(answer.trace),
    }


def _turn(row: Any) -> Turn:
    return Turn(
        id=row.id,
        conversation_id=row.conversation_id,
        ordinal=row.ordinal,
        question=row.question,
        standalone_question=row.standalone_question,
        created_at=row.created_at,
        step=row.step,
        answer=Answer(
            text=row.text,
            status=row.status,
            evidence=records.load_all(Evidence, row.evidence),
            citations=records.load_all(Citation, row.citations),
            contexts=records.load_all(ScoredChunk, row.contexts),
            model=row.model,
            usage=Usage(row.input_tokens, row.output_tokens),
            cost_usd=row.cost_usd,
            error=row.error,
            reason=row.reason,
            trace=row.trace,
        ),
    )
