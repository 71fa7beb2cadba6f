"""A person's own test cases: questions, and where the right passages stand."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from citewise.errors import NotFoundError, QuestionError
from citewise.registry.ids import new_id
from citewise.registry.tables import cases

LONGEST_QUESTION = 8_000
"""Characters."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something right stands; its words stay with the document, so that they go with it."""

    document_id: str
    version: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Case:
    """A question with a known outcome."""

    id: str
    question: str
    collection: str
    places: tuple[Place, ...]  # any of them will do; none: the documents do not say
    created_at: float
    updated_at: float


def create(tx: Connection, *, question: str, collection: str, places: Sequence[Place]) -> Case:
    """Keep a case.

    Raises:
        QuestionError: The question is empty, overlong, or a case of the collection already.
    """
    now = time.time()
    question = _checked(question)
    same = select(cases.c.id).where(cases.c.question == question, cases.c.collection == collection)
    if tx.scalar(same):
        raise QuestionError("This question is a test case already. Delete that one first, or word this otherwise.")
    case = Case(new_id(), question, collection, tuple(places), now, now)
    tx.execute(insert(cases).values(asdict(case) | {"places": [asdict(place) for place in places]}))
    return case


def list_all(rx: Connection, *, collection: str | None = None) -> list[Case]:
    """Return the cases, newest first; of every collection when none is named."""
    statement = select(cases).order_by(cases.c.created_at.desc(), cases.c.id)
    if collection is not None:
        statement = statement.where(cases.c.collection == collection)
    return [_case(row) for row in rx.execute(statement)]


def get(rx: Connection, case_id: str) -> Case:
    """Return a case. Raises ``NotFoundError``."""
    row = rx.execute(select(cases).where(cases.c.id == case_id)).one_or_none()
    if row is None:
        raise NotFoundError("test case", case_id)
    return _case(row)


def change(tx: Connection, case_id: str, *, question: str | None = None, places: Sequence[Place] | None = None) -> Case:
    """Change what is given of a case. Raises ``NotFoundError``, ``QuestionError``."""
    values: dict[str, Any] = {"updated_at": time.time()}
    if question is not None:
        values["question"] = _checked(question)
    if places is not None:
        values["places"] = [asdict(place) for place in places]
    tx.execute(update(cases).where(cases.c.id == case_id).values(values))
    return get(tx, case_id)


def remove(tx: Connection, case_id: str) -> None:
    """Delete a case for good. Raises ``NotFoundError``."""
    get(tx, case_id)
    tx.execute(delete(cases).where(cases.c.id == case_id))


def restore(tx: Connection, case: Case) -> None:
    """Bring a deleted case back as it was."""
    tx.execute(insert(cases).values(asdict(case) | {"places": [asdict(place) for place in case.places]}))


def _checked(question: str) -> str:
    question = " ".join(question.split())
    if not 0 < len(question) <= LONGEST_QUESTION:
        raise QuestionError(f"A test case needs a question of 1 to {LONGEST_QUESTION:,} characters.")
    return question


def _case(row: Any) -> Case:
    places = tuple(Place(**place) for place in row.places)
    return Case(row.id, row.question, row.collection, places, row.created_at, row.updated_at)
