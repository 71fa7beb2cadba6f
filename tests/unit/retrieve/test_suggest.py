from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import update

from citewise.errors import NotFoundError, StoreError
from citewise.registry.database import Registry
from citewise.registry.tables import documents
from citewise.retrieve import suggest
from citewise.retrieve.suggest import MOST, Suggestions
from tests.unit.registry.making import serve

WAIT_S = 20.0


class Reader:
    """Answers each question from the document that says so, and counts how often it is asked."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.asked: list[str] = []
        self.refused: set[str] = set()
        self.documents: dict[str, str] = {}  # id by a word of its question
        self.gate = threading.Event()
        self.gate.set()
        self.failure: Exception | None = None

    def add(self, word: str, question: str | None = None) -> str:
        with self.registry.write() as tx:
            document_id, _ = serve(tx, f"{word}.txt", question or f"Where is the {word}?")
        self.documents[word] = document_id
        return document_id

    def __call__(self, question: str, collection: str) -> set[str]:
        assert self.gate.wait(WAIT_S)
        assert collection == "default"
        if self.failure:
            raise self.failure
        self.asked.append(question)
        return {one for word, one in self.documents.items() if word in question and word not in self.refused}


@pytest.fixture
def reader(registry: Registry) -> Reader:
    return Reader(registry)


@pytest.fixture
def suggestions(registry: Registry, reader: Reader) -> Iterator[Suggestions]:
    made = Suggestions(registry, reader)
    yield made
    made.close()


def questions(suggestions: Suggestions) -> list[str]:
    return [one.question for one in suggestions.get("default", wait_s=WAIT_S) or ()]


def test_questions_are_those_that_their_document_answers(reader: Reader, suggestions: Suggestions) -> None:
    for word in ("pier", "tower", "boat"):
        reader.add(word)
    reader.refused.add("tower")
    (boat, pier) = suggestions.get("default", wait_s=WAIT_S) or ()
    assert (boat.question, boat.document_id, boat.source, boat.version) == (
        "Where is the boat?", reader.documents["boat"], "boat.txt", 1,
    )  # fmt: skip
    assert pier.question == "Where is the pier?"


def test_they_are_looked_for_once_and_not_while_somebody_waits(reader: Reader, suggestions: Suggestions) -> None:
    reader.add("pier")
    reader.gate.clear()
    assert suggestions.get("default") is None
    assert suggestions.get("default") is None
    reader.gate.set()
    assert questions(suggestions) == ["Where is the pier?"]
    assert questions(suggestions) == ["Where is the pier?"]
    assert reader.asked == ["Where is the pier?"]


def test_no_more_are_asked_than_are_shown(reader: Reader, suggestions: Suggestions) -> None:
    for number in range(MOST + 2):
        reader.add(f"pier{number}x")
    assert len(questions(suggestions)) == MOST == len(reader.asked)


def test_new_documents_are_asked_about_too_in_time(
    reader: Reader, suggestions: Suggestions, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.add("pier")
    assert questions(suggestions) == ["Where is the pier?"]
    reader.add("boat")
    assert questions(suggestions) == ["Where is the pier?"]  # not at each of many
    monkeypatch.setattr(suggest, "_PAUSE_S", 0.0)
    until = time.monotonic() + WAIT_S
    while len(questions(suggestions)) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    assert questions(suggestions) == ["Where is the boat?", "Where is the pier?"]


def test_what_is_disabled_is_asked_about_no_more(reader: Reader, suggestions: Suggestions) -> None:
    pier = reader.add("pier")
    reader.add("boat")
    assert len(questions(suggestions)) == 2
    with reader.registry.write() as tx:
        tx.execute(update(documents).where(documents.c.id == pier).values(enabled=False))
    assert questions(suggestions) == ["Where is the boat?"]


def test_a_search_that_fails_leaves_none(reader: Reader, suggestions: Suggestions) -> None:
    reader.add("pier")
    reader.failure = StoreError("No index.")
    assert suggestions.get("default", wait_s=WAIT_S) == ()


def test_an_unknown_collection_is_said(suggestions: Suggestions) -> None:
    with pytest.raises(NotFoundError):
        suggestions.get("nowhere")


def test_an_empty_collection_has_none(reader: Reader, suggestions: Suggestions) -> None:
    pier = reader.add("pier")
    with reader.registry.write() as tx:
        tx.execute(update(documents).where(documents.c.id == pier).values(enabled=False))
    assert suggestions.get("default", wait_s=WAIT_S) == ()
