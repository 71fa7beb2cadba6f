from __future__ import annotations

import pytest

from citewise.errors import NotFoundError
from citewise.registry import conversations, turns
from citewise.registry.database import Registry
from citewise.types import Answer, Chunk, Evidence, ScoredChunk, Usage
from tests.unit.registry.making import citation

CONTEXT = ScoredChunk(
    chunk=Chunk("c", "d", 2, 0, 3, 9, 4, None, ("Part", "Section"), "quoted", "A › Part"),
    score=0.75,
    rank=1,
    scores={"dense": 0.5, "fused": 0.75},
    source="a.pdf",
    title="A",
    content_hash="c0ffee",
)

ANSWER = Answer(
    text="It is so [1].",
    status="complete",
    evidence=(
        Evidence("It is so [1].", 0, 13, (1,), "supported", "The source says so."),
        Evidence("Perhaps.", 13, 21, (), "not_checked", ""),
    ),
    citations=(citation(),),
    contexts=(CONTEXT,),
    model="openai:gpt",
    usage=Usage(1200, 34),
    cost_usd=0.00125,
    error=None,
    reason="Two sources were left out.",
    trace={"search": {"ms": 1.5, "degraded": []}, "note": "ü"},
)


def test_an_answer_comes_back_exactly(registry: Registry) -> None:
    with registry.write() as tx:
        conversation = conversations.create(tx, title="", collection="default")
        turn = turns.create(tx, conversation_id=conversation.id, question="Is it so?", model="openai:gpt")
        assert turn.answer == Answer(text="", status="running", model="openai:gpt")
        assert (turn.ordinal, turn.standalone_question, turn.step) == (0, "Is it so?", "")
        turns.save_text(tx, turn.id, "It is", step="writing", standalone_question="Is the sky blue?")
        turns.finish(tx, turn.id, ANSWER)
    with registry.read() as rx:
        stored = turns.get(rx, turn.id)
    assert stored.answer == ANSWER
    assert (stored.step, stored.standalone_question) == ("", "Is the sky blue?")


def test_turns_come_in_order_and_stay_with_their_conversation(registry: Registry) -> None:
    with registry.write() as tx:
        first = conversations.create(tx, title="One", collection="default")
        second = conversations.create(tx, title="Two", collection="default")
        asked = [turns.create(tx, conversation_id=first.id, question=f"{number}?") for number in range(3)]
        turns.create(tx, conversation_id=second.id, question="other?")
        assert turns.of_conversation(tx, first.id) == asked
        assert [turn.ordinal for turn in asked] == [0, 1, 2]
        assert turns.of_conversation(tx, "unknown") == []


def test_saving_keeps_what_is_not_given_and_never_touches_a_finished_answer(registry: Registry) -> None:
    with registry.write() as tx:
        conversation = conversations.create(tx, title="", collection="default")
        turn = turns.create(tx, conversation_id=conversation.id, question="Why?")
        turns.save_text(tx, turn.id, "", step="reading", standalone_question="Why so?", contexts=[CONTEXT])
        turns.save_text(tx, turn.id, "Because", step="writing")
        running = turns.get(tx, turn.id)
        assert (running.answer.text, running.step, running.standalone_question) == ("Because", "writing", "Why so?")
        assert running.answer.contexts == (CONTEXT,)
        turns.finish(tx, turn.id, ANSWER)
        turns.save_text(tx, turn.id, "late", step="writing")
        assert turns.get(tx, turn.id).answer == ANSWER


def test_an_answer_that_a_crash_broke_off_keeps_its_text(registry: Registry) -> None:
    with registry.write() as tx:
        conversation = conversations.create(tx, title="", collection="default")
        running = turns.create(tx, conversation_id=conversation.id, question="Why?")
        turns.save_text(tx, running.id, "Because of", step="writing")
        finished = turns.create(tx, conversation_id=conversation.id, question="How?")
        turns.finish(tx, finished.id, ANSWER)
        assert turns.cut_running(tx) == 1
        assert turns.cut_running(tx) == 0
        cut = turns.get(tx, running.id)
        assert (cut.answer.status, cut.answer.text, cut.step) == ("cut", "Because of", "")
        assert turns.get(tx, finished.id).answer == ANSWER


def test_the_conversation_that_was_used_last_comes_first(registry: Registry) -> None:
    with registry.write() as tx:
        first = conversations.create(tx, title="One", collection="default")
        second = conversations.create(tx, title="Two", collection="default")
        assert [found.id for found in conversations.list_all(tx)] == [second.id, first.id]
        turns.create(tx, conversation_id=first.id, question="Why?")
        conversations.rename(tx, second.id, "Zwei")
        listed = conversations.list_all(tx)
        assert [(found.id, found.title) for found in listed] == [(first.id, "One"), (second.id, "Zwei")]
        assert listed[0].updated_at > listed[0].created_at


def test_a_deleted_conversation_is_hidden_and_comes_back_with_its_turns(registry: Registry) -> None:
    with registry.write() as tx:
        conversation = conversations.create(tx, title="One", collection="default")
        turn = turns.create(tx, conversation_id=conversation.id, question="Why?")
        conversations.delete(tx, conversation.id)
        assert conversations.list_all(tx) == []
        for refused in (
            lambda: conversations.get(tx, conversation.id),
            lambda: conversations.rename(tx, conversation.id, "x"),
            lambda: conversations.delete(tx, conversation.id),
            lambda: turns.create(tx, conversation_id=conversation.id, question="Why?"),
        ):
            with pytest.raises(NotFoundError, match="conversation"):
                refused()
        turns.finish(tx, turn.id, ANSWER)
        conversations.restore(tx, conversation.id)
        assert [found.id for found in conversations.list_all(tx)] == [conversation.id]
        assert [found.answer for found in turns.of_conversation(tx, conversation.id)] == [ANSWER]


def test_what_is_not_there_is_told_as_a_sentence(registry: Registry) -> None:
    with registry.write() as tx:
        for missing in (
            lambda: turns.get(tx, "unknown"),
            lambda: turns.finish(tx, "unknown", ANSWER),
            lambda: conversations.restore(tx, "unknown"),
        ):
            with pytest.raises(NotFoundError):
                missing()
