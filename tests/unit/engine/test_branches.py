"""Questions asked anew, answers of other models beside the first, and what a person thinks of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from citewise.build import open_engine
from citewise.engine import Engine
from citewise.errors import NotFoundError
from citewise.settings import Settings
from citewise.types import Turn
from tests.fake_models import FakeModels
from tests.fakes import HashEmbedder
from tests.unit.engine.test_engine import FERRY, LIGHTHOUSE, add, answered

BUILT = "When was the lighthouse on Brannoch built?"
LAMP = "What does the lamp of the lighthouse burn?"
LEAVES = "When does the ferry to Brannoch leave Oban?"


@pytest.fixture
def models() -> Iterator[FakeModels]:
    with FakeModels() as server:
        yield server


@pytest.fixture
def engine(tmp_path: Path, models: FakeModels) -> Iterator[Engine]:
    settings = Settings(home=tmp_path / "data", openai_base_url=models.openai_url)
    engine = open_engine(settings, open_embedder=lambda _: HashEmbedder())
    add(engine, "ferry.txt", FERRY)
    add(engine, "lighthouse.md", LIGHTHOUSE)
    yield engine
    engine.close()


def finished(engine: Engine, turn: Turn) -> Turn:
    *_, last = engine.watch(turn.id)
    return last


def shown(engine: Engine, conversation_id: str) -> list[str]:
    return [turn.question for turn in engine.conversation(conversation_id)[1]]


def test_an_edited_question_goes_on_from_where_the_first_one_stood(engine: Engine, models: FakeModels) -> None:
    first = answered(engine, BUILT)
    second = answered(engine, LAMP, conversation_id=first.conversation_id)
    answered(engine, "Who lights it?", conversation_id=first.conversation_id)
    edited = answered(engine, LEAVES, instead_of=second.id, model="openai:nearest")
    assert shown(engine, first.conversation_id) == [BUILT, LEAVES]
    assert edited.versions == (second.id, edited.id)
    sent = json.dumps(models.requests[-1])
    assert BUILT in sent
    assert LAMP not in sent  # it belongs to the other branch
    engine.show_branch(second.id)
    assert shown(engine, first.conversation_id) == [BUILT, LAMP, "Who lights it?"]
    assert [turn.question for turn in engine.conversation(first.conversation_id, branch=edited.id)[1]] == [
        BUILT,
        LEAVES,
    ]


def test_another_model_answers_the_same_question_with_the_same_filters(engine: Engine) -> None:
    turn = finished(engine, engine.ask(BUILT, where={"source": "lighthouse.md"}, k=3))
    other = finished(engine, engine.again(turn.id, model="openai:nearest"))
    assert (other.question, other.answer.model, other.answer.status) == (BUILT, "openai:nearest", "complete")
    plans = [one.answer.trace["search"]["query"] for one in (turn, other)]
    assert plans[0] == plans[1]
    assert engine.turn(turn.id).answer == turn.answer
    same = finished(engine, engine.again(other.id))
    assert same.answer.model == "openai:nearest"
    assert same.versions == (turn.id, other.id, same.id)
    assert engine.replay(turn.id).same


def test_a_question_that_was_to_be_taken_as_it_stands_is_again(engine: Engine) -> None:
    first = answered(engine, BUILT)
    typed = finished(engine, engine.ask("And who built it?", conversation_id=first.conversation_id, rewrite=False))
    assert finished(engine, engine.again(typed.id)).standalone_question == "And who built it?"


def test_an_answer_goes_on_while_another_version_is_looked_at(engine: Engine, models: FakeModels) -> None:
    first = answered(engine, BUILT)
    models.delay_s = 0.1
    slow = engine.again(first.id, model="openai:slow")
    engine.show_branch(first.id)
    (now,) = engine.conversation(first.conversation_id)[1]
    assert (now.id, now.versions) == (first.id, (first.id, slow.id))
    (running,) = engine.conversation(first.conversation_id, branch=slow.id)[1]
    assert running.answer.status == "running"
    assert finished(engine, slow).answer.status == "complete"


def test_a_running_turn_knows_versions_that_came_later(engine: Engine) -> None:
    first = engine.ask(BUILT, model="openai:hang")
    second = engine.ask(BUILT, instead_of=first.id, model="openai:hang")
    engine.show_branch(first.id)
    (now,) = engine.conversation(first.conversation_id)[1]
    assert now.versions == (first.id, second.id)
    for turn in (first, second):
        engine.stop(turn.id)
        finished(engine, turn)


def test_ratings_come_with_their_turns(engine: Engine) -> None:
    turn = answered(engine, BUILT)
    engine.rate(turn.id, good=False, reason="missing", note=" Who paid? ")
    (kept,) = engine.conversation(turn.conversation_id)[1]
    assert kept.feedback
    assert (kept.feedback.good, kept.feedback.reason, kept.feedback.note) == (False, "missing", "Who paid?")
    engine.unrate(turn.id)
    assert engine.turn(turn.id).feedback is None
    with pytest.raises(NotFoundError):
        engine.rate("nowhere", good=True)


def test_what_is_not_there_cannot_be_asked_anew(engine: Engine) -> None:
    with pytest.raises(NotFoundError, match="no turn named"):
        engine.again("nowhere")
    with pytest.raises(NotFoundError, match="no turn named"):
        engine.ask(BUILT, instead_of="nowhere")
    assert engine.conversations() == []
