"""What people thought of answers."""

from __future__ import annotations

import time
from typing import get_args

from sqlalchemy import Connection, delete, insert, select

from citewise.errors import QuestionError
from citewise.registry import branches
from citewise.registry.tables import feedback, turns
from citewise.types import Feedback, FeedbackReason

NOTE_CHARACTERS = 500
REASONS: tuple[FeedbackReason, ...] = get_args(FeedbackReason)


def put(tx: Connection, turn_id: str, *, good: bool, reason: FeedbackReason | None, note: str) -> Feedback:
    """Keep what a person thought of an answer, instead of what they thought before.

    Raises:
        NotFoundError: There is no such turn.
        QuestionError: A good answer has a reason, the reason is none of the set, or the note is too long.
    """
    if reason is not None and (good or reason not in REASONS):
        raise QuestionError(f"A reason is given for an answer that is not good; it is one of {', '.join(REASONS)}.")
    if len(note) > NOTE_CHARACTERS:
        raise QuestionError(f"The note has {len(note):,} characters and may have {NOTE_CHARACTERS}. Shorten it.")
    remove(tx, turn_id)
    given = Feedback(good, reason, note, time.time())
    tx.execute(insert(feedback).values(turn_id=turn_id, good=good, reason=reason, note=note, at=given.at))
    return given


def remove(tx: Connection, turn_id: str) -> None:
    """Forget what a person thought of an answer, if they said so. Raises ``NotFoundError`` for an unknown turn."""
    if tx.scalar(select(turns.c.id).where(turns.c.id == turn_id)) is None:
        raise branches.missing(turn_id)
    tx.execute(delete(feedback).where(feedback.c.turn_id == turn_id))
