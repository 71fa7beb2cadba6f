"""Turns: questions and their answers, stored while they are written."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from citewise.registry import branches, conversations, records
from citewise.registry.ids import new_id
from citewise.registry.sql import batches
from citewise.registry.tables import feedback, turns
from citewise.types import Answer, Citation, Conflict, Evidence, Feedback, ScoredChunk, Turn, Usage

_WITH_FEEDBACK = select(
    turns, feedback.c.good, feedback.c.reason.label("why"), feedback.c.note, feedback.c.at
).outerjoin(feedback, feedback.c.turn_id == turns.c.id)


def create(
    tx: Connection,
    *,
    conversation_id: str,
    question: str,
    model: str = "",
    after: str | None = None,
    instead_of: str | None = None,
) -> Turn:
    """Add a ``running`` turn with no text yet, which is shown from now on.

    The question stands alone until ``save_text`` says otherwise.

    Args:
        tx: A write transaction.
        conversation_id: What it belongs to.
        question: As it was asked.
        model: Who will answer, PROVIDER:NAME.
        after: It goes to the end of the branch that this turn is in, else of the one that is shown.
        instead_of: It is another version of this turn, which stays.

    Raises:
        NotFoundError: There is no such conversation, or it is deleted, or no such turn in it.
    """
    conversations.get(tx, conversation_id)
    tree = branches.tree(tx, conversation_id)
    parent = tree.parent(instead_of) if instead_of else next(reversed(tree.path(after)), None)
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
            parent_id=parent,
            **_answer_row(Answer(text="", status="running", model=model)),
        )
    )
    branches.show(tx, turn_id)
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
        raise branches.missing(turn_id)
    conversations.touch(tx, get(tx, turn_id).conversation_id)


def get(rx: Connection, turn_id: str) -> Turn:
    """Return a turn as it is now. Raises ``NotFoundError``."""
    row = rx.execute(_WITH_FEEDBACK.where(turns.c.id == turn_id)).one_or_none()
    if row is None:
        raise branches.missing(turn_id)
    return _turn(row, branches.tree(rx, row.conversation_id))


def of_conversation(rx: Connection, conversation_id: str, *, branch: str | None = None) -> list[Turn]:
    """Return the turns of a conversation that are shown, in order; none for an unknown one.

    Args:
        rx: A connection.
        conversation_id: Which.
        branch: A turn: the branch that it is in, instead of the one that is shown.

    Raises:
        NotFoundError: ``branch`` is no turn of it.
    """
    tree = branches.tree(rx, conversation_id)
    path = tree.path(branch)
    found: dict[str, Turn] = {}
    for batch in batches(path):
        rows = rx.execute(_WITH_FEEDBACK.where(turns.c.id.in_(batch)))
        found |= {row.id: _turn(row, tree) for row in rows}
    return [found[turn_id] for turn_id in path]


def all_of(rx: Connection, conversation_id: str) -> list[tuple[Turn, bool]]:
    """Return the turns of all branches in the order of asking, each with whether it is shown among its versions."""
    tree = branches.tree(rx, conversation_id)
    rows = rx.execute(_WITH_FEEDBACK.where(turns.c.conversation_id == conversation_id).order_by(turns.c.ordinal))
    return [(_turn(row, tree), bool(row.shown)) for row in rows]


def known(rx: Connection, turn_ids: Collection[str]) -> set[str]:
    """Return those of these ids that turns have."""
    found: set[str] = set()
    for batch in batches(sorted(turn_ids)):
        found.update(rx.scalars(select(turns.c.id).where(turns.c.id.in_(batch))))
    return found


def put(tx: Connection, turn: Turn, *, shown: bool) -> None:
    """Store a finished turn as it is, its ids and times included; its parent is stored already."""
    tx.execute(
        insert(turns).values(
            id=turn.id,
            conversation_id=turn.conversation_id,
            ordinal=turn.ordinal,
            question=turn.question,
            standalone_question=turn.standalone_question,
            created_at=turn.created_at,
            finished_at=turn.created_at,
            step="",
            parent_id=turn.parent_id,
            shown=shown,
            **_answer_row(turn.answer),
        )
    )
    if turn.feedback:
        given = turn.feedback
        tx.execute(
            insert(feedback).values(turn_id=turn.id, good=given.good, reason=given.reason, note=given.note, at=given.at)
        )


def cut_running(tx: Connection) -> int:
    """Mark what an earlier process was writing as ``cut``, its text kept; returns how many turns."""
    return tx.execute(
        update(turns).where(turns.c.status == "running").values(status="cut", step="", finished_at=time.time())
    ).rowcount


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
        "conflicts": records.dump(answer.conflicts),
    }


def _turn(row: Any, tree: branches.Tree) -> Turn:
    return Turn(
        id=row.id,
        conversation_id=row.conversation_id,
        ordinal=row.ordinal,
        question=row.question,
        standalone_question=row.standalone_question,
        created_at=row.created_at,
        step=row.step,
        parent_id=row.parent_id,
        versions=tree.versions(row.id),
        feedback=None if row.good is None else Feedback(row.good, row.why, row.note, row.at),
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
            conflicts=records.load_all(Conflict, row.conflicts),
        ),
    )
