"""What becomes of a question: filters, wordings, replays, and answers that were given before."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from citewise.answer.openai import OpenAIModel
from citewise.build import open_engine
from citewise.engine import Engine
from citewise.errors import NotAllowedError, NotFoundError, QuestionError
from citewise.protocols import Finished, TextDelta
from citewise.registry import asked, turns
from citewise.settings import Settings
from citewise.types import Message, Query, Usage
from tests.fake_models import FakeModels
from tests.fakes import HashEmbedder
from tests.unit.engine.test_engine import FERRY, add, answered

ASKED = "When does the ferry to Brannoch leave Oban?"
AGAIN = "When does the ferry leave Oban to Brannoch?"  # the same words: the fake embedder knows no others


def sources(engine: Engine, query: Query) -> set[str]:
    return {hit.source for hit in engine.search(query).hits}


def test_filters_take_several_values_and_days(engine: Engine) -> None:
    today = time.strftime("%Y-%m-%d")
    assert sources(engine, Query("Brannoch", where={"source": ("ferry.txt", "lighthouse.md")})) == {
        "ferry.txt",
        "lighthouse.md",
    }
    assert sources(engine, Query("Brannoch", where={"type": ("md", "pdf")})) == {"lighthouse.md"}
    assert len(sources(engine, Query("Brannoch", where={"added": today}))) == 2
    assert len(sources(engine, Query("Brannoch", where={"added": (">=2020-01-01", f"<={today}")}))) == 2
    with pytest.raises(QuestionError, match="'soon' is no day"):
        engine.search(Query("Brannoch", where={"added": "soon"}))


def test_a_filter_that_leaves_nothing_says_so(engine: Engine) -> None:
    found = engine.search(Query("Brannoch", where={"added": "<=2001-01-01"}))
    assert not found.hits
    assert found.note == (
        "The filter (added <=2001-01-01) leaves no document to search in. Take it off, or choose another one."
    )
    turn = engine.ask("Where is Brannoch?", where={"tag": "maps"})
    *_, last = engine.watch(turn.id)
    assert (last.answer.status, "leaves no document" in (last.answer.reason or "")) == ("abstained", True)


def test_a_follow_up_is_searched_for_as_asked_where_that_is_wanted(engine: Engine) -> None:
    history = (Message("user", ASKED),)
    worded = engine.search(Query("How long does it take?", history=history))
    as_asked = engine.search(Query("And how long is it?", history=history, rewrite=False))
    assert as_asked.standalone_question == "And how long is it?"
    assert worded.trace["rewritten_by"] == "rules"
    assert worded.trace["query"]["texts"]


def test_variants_without_a_chat_model_are_left_out_with_a_sentence(engine: Engine) -> None:
    found = engine.search(Query(ASKED, variants="multi-query"))
    assert found.hits
    assert any("would need a chat model" in sentence for sentence in found.degraded)


def test_a_turn_is_replayed_with_the_same_hits(engine: Engine) -> None:
    first = answered(engine, ASKED)
    turn = engine.ask("How long does it take?", conversation_id=first.conversation_id, where={"type": ("txt", "md")})
    *_, last = engine.watch(turn.id)
    replayed = engine.replay(turn.id)
    assert (replayed.same, replayed.changed) == (True, ())
    assert [hit.chunk for hit in replayed.result.hits] == [context.chunk for context in last.answer.contexts]
    assert replayed.result.standalone_question == last.standalone_question


def test_a_replay_says_what_changed(engine: Engine) -> None:
    turn = answered(engine, ASKED)
    add(engine, "ferry.txt", f"{FERRY} From May on it leaves at 06:10.")
    replayed = engine.replay(turn.id)
    assert not replayed.same
    assert "ferry.txt changed since." in replayed.changed
    (lighthouse,) = [one.id for one in engine.documents() if one.source == "lighthouse.md"]
    engine.remove([lighthouse])
    assert "lighthouse.md was removed since." in engine.replay(turn.id).changed


def test_a_turn_that_kept_no_search_cannot_be_replayed(engine: Engine) -> None:
    turn = answered(engine, ASKED)
    with engine._registry.write() as tx:
        turns.finish(tx, turn.id, replace(turn.answer, trace={}))
    with pytest.raises(NotAllowedError, match="Ask the question again"):
        engine.replay(turn.id)
    with pytest.raises(NotFoundError):
        engine.replay("nothing")


def test_nearly_the_same_question_finds_the_earlier_answer(engine: Engine) -> None:
    first = answered(engine, ASKED)
    assert first.answer.status == "complete"
    assert first.asked_before is None
    again = answered(engine, AGAIN)
    before = again.asked_before
    assert before is not None
    assert (before.turn_id, before.question, before.answer) == (first.id, ASKED, first.answer.text)
    assert before.changed == ()
    assert again.answer.text  # and is answered all the same
    assert engine.search(Query(AGAIN)).asked_before is not None
    assert engine.turn(again.id).asked_before == before


def test_answers_of_deleted_conversations_are_not_offered_until_they_come_back(engine: Engine) -> None:
    first = answered(engine, ASKED)
    assert engine.search(Query(AGAIN)).asked_before is not None
    engine.delete_conversation(first.conversation_id)
    assert engine.search(Query(AGAIN)).asked_before is None
    with engine._registry.read() as rx:
        assert asked.stamp(rx, "default")[0] == 0
    engine.restore_conversation(first.conversation_id)
    assert engine.search(Query(AGAIN)).asked_before is not None


def test_other_filters_and_other_numbers_are_other_questions(engine: Engine) -> None:
    answered(engine, ASKED)
    assert engine.search(Query(AGAIN, where={"source": "ferry.txt"})).asked_before is None
    assert engine.search(Query(AGAIN.replace("Oban", "Oban at 9"))).asked_before is None


def test_an_earlier_answer_says_what_became_of_its_sources(engine: Engine) -> None:
    answered(engine, ASKED)
    add(engine, "ferry.txt", f"{FERRY} From May on it leaves at 06:10.")
    before = engine.search(Query(AGAIN)).asked_before
    assert before is not None
    assert before.changed == ("ferry.txt changed since.",)


def test_repeats_are_left_out_and_the_trace_says_of_what(engine: Engine) -> None:
    add(engine, "copy.txt", FERRY + " ")
    found = engine.search(Query(ASKED))
    assert len({hit.chunk.text.strip() for hit in found.hits}) == len(found.hits)
    dropped = [one["dropped"] for one in found.trace["candidates"] if one["dropped"]]
    assert any(reason.startswith("near-duplicate of ") for reason in dropped)


def test_a_chat_model_words_follow_ups_and_its_tokens_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeModels() as server:
        engine = open_engine(
            Settings(home=tmp_path / "data", openai_base_url=server.openai_url), open_embedder=lambda _: HashEmbedder()
        )
        try:
            add(engine, "ferry.txt", FERRY)
            first = answered(engine, ASKED, model="openai:nearest")
            monkeypatch.setattr(OpenAIModel, "write", _rewritten)
            second = answered(
                engine, "How long does it take?", model="openai:nearest", conversation_id=first.conversation_id
            )
            assert second.standalone_question == "How long does the ferry to Brannoch take?"
            assert second.answer.trace["search"]["rewritten_by"] == "openai:nearest"
            assert second.answer.usage.input_tokens == first.answer.usage.input_tokens + 11
            as_typed = engine.ask("How long?", conversation_id=first.conversation_id, rewrite=False)
            assert list(engine.watch(as_typed.id))[-1].standalone_question == "How long?"
        finally:
            engine.close()


def _rewritten(*_: object, **__: object) -> Iterator[TextDelta | Finished]:
    yield TextDelta("How long does the ferry to Brannoch take?")
    yield Finished("complete", Usage(11, 5))
