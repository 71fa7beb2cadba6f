from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from citewise.answer.cite import Cited, cite
from citewise.answer.extractive import ExtractiveModel
from citewise.answer.generate import generate
from citewise.answer.openai import OpenAIModel
from citewise.answer.prompt import ABSTENTION
from citewise.errors import ProviderError
from citewise.protocols import ChatEvent, Finished, Quoted, Source, TextDelta
from citewise.providers.endpoint import TooLongError
from citewise.types import Answer, Message, ScoredChunk, Usage
from tests.fake_models import FakeModels
from tests.fakes import HashEmbedder
from tests.unit.answer.builders import hit, no_page

PRESS = "The Bern press was built by Otto Keller in 1931. It weighs 900 kg and stands in the cellar."
REFUND = "Refunds are paid within 14 days of the return. Write first."
HITS = [hit(PRESS, rank=1, start=50), hit(REFUND, rank=2)]


class ScriptedModel:
    """Says what it was told to, then fails if it was told to."""

    name = "scripted:one"
    context_tokens = 10_000

    def __init__(self, *events: ChatEvent, fails: ProviderError | None = None) -> None:
        self._events = events
        self._fails = fails
        self.asked: list[str] = []
        self.closed = False

    def stream(
        self,
        question: str,
        sources: Sequence[Source],
        *,
        history: Sequence[Message] = (),
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[ChatEvent]:
        self.asked.append(question)
        try:
            yield from self._events
            if self._fails:
                raise self._fails
        finally:
            self.closed = True


def ask(model: ScriptedModel | ExtractiveModel | OpenAIModel, **options: object) -> Answer:
    arguments: dict[str, object] = {
        "question": "And who built it?",
        "standalone_question": "Who built the Bern press?",
        "hits": HITS,
        "model": model,
        "page_of": no_page,
    }
    return generate(**(arguments | options))  # type: ignore[arg-type]


DONE = Finished("complete", Usage(100, 20))


def test_an_answer_is_cited_checked_and_accounted_for() -> None:
    answer = ask(
        ScriptedModel(TextDelta("Otto Keller built it in 1931 [1"), TextDelta("]. It weighs 950 kg. [1]"), DONE)
    )
    assert answer.status == "complete"
    assert answer.text == "Otto Keller built it in 1931 [1]. It weighs 950 kg. [2]"
    assert [(evidence.verdict, evidence.citations) for evidence in answer.evidence] == [
        ("supported", (1,)),
        ("unsupported", (2,)),
    ]
    assert [citation.start for citation in answer.citations] == [50, 99]
    assert (answer.usage, answer.cost_usd, answer.model) == (Usage(100, 20), None, "scripted:one")
    assert answer.contexts == tuple(HITS)
    assert answer.trace["sources"] == 2
    assert answer.trace["token_counter"] == "estimate"


def test_text_grows_with_its_final_numbers() -> None:
    seen: list[str] = []
    model = ScriptedModel(TextDelta("Refunds take 14 days. [2] "), TextDelta("The press weighs 900 kg. [1]"), DONE)
    answer = ask(model, on_text=seen.append)
    assert seen == ["Refunds take 14 days. [1]", "Refunds take 14 days. [1] The press weighs 900 kg. [2]"]
    assert answer.text == seen[-1]


def test_native_quotes_become_markers_with_their_exact_words() -> None:
    answer = ask(ScriptedModel(TextDelta("It was Otto Keller."), Quoted(1, 0, 48), DONE))
    assert answer.text == "It was Otto Keller. [1]"
    assert answer.citations[0].quote == PRESS[:48]


def test_words_that_are_not_the_documents_own_support_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def altered(*arguments: Any, **named: Any) -> Cited:
        cited = cite(*arguments, **named)
        return replace(cited, citations=tuple(replace(one, quote=one.quote.upper()) for one in cited.citations))

    monkeypatch.setattr("citewise.answer.generate.cite", altered)
    answer = ask(ScriptedModel(TextDelta("It weighs 900 kg. [1]"), DONE))
    (evidence,) = answer.evidence
    assert evidence.verdict == "unsupported"
    assert "do not stand at their place" in evidence.reason


def test_unknown_sources_and_impossible_spans_are_dropped_and_counted() -> None:
    events = (TextDelta("It was Otto Keller. [9]"), Quoted(7, 0, 5), Quoted(1, 40, 4_000), DONE)
    answer = ask(ScriptedModel(*events))
    assert (answer.text, answer.citations) == ("It was Otto Keller.", ())
    assert answer.trace["dropped_markers"] == 3
    assert answer.evidence[0].verdict == "unsupported"


def test_the_question_that_stands_alone_is_asked() -> None:
    model = ScriptedModel(TextDelta("Otto Keller. [1]"), DONE)
    ask(model)
    assert model.asked == ["Who built the Bern press?"]


def test_nothing_found_is_answered_without_a_model() -> None:
    model = ScriptedModel(fails=ProviderError("must not be asked", provider="scripted"))
    answer = ask(model, hits=[])
    assert (answer.status, answer.text, model.asked) == ("abstained", "", [])
    assert answer.reason


@pytest.mark.parametrize("text", [ABSTENTION, f"{ABSTENTION} [1]", "  \n"])
def test_a_model_that_declines_abstains(text: str) -> None:
    answer = ask(ScriptedModel(TextDelta(text), DONE))
    assert (answer.status, answer.text, answer.citations) == ("abstained", "", ())
    assert answer.reason


class NarrowModel(ScriptedModel):
    """Finds everything too long that has more than ``most`` sources."""

    def __init__(self, most: int) -> None:
        super().__init__(TextDelta("It weighs 900 kg. [1]"), DONE)
        self.most = most
        self.got: list[int] = []

    def stream(self, question: str, sources: Sequence[Source], **options: object) -> Iterator[ChatEvent]:
        self.got.append(len(sources))
        if len(sources) > self.most:
            raise TooLongError("Too long.", provider="scripted")
        yield from super().stream(question, sources)


def test_what_a_provider_finds_too_long_is_asked_once_more_with_half_of_it() -> None:
    hits = [hit("word " * 500, rank=rank) for rank in range(1, 7)]
    model = NarrowModel(3)
    answer = ask(model, hits=hits)
    assert answer.status == "complete"
    assert model.got[0] == 6
    assert len(answer.contexts) == model.got[1] <= 3
    assert answer.reason == f"{6 - model.got[1]} found passages were left out, because the prompt was full."


@pytest.mark.parametrize("hits", [[hit("word " * 500, rank=rank) for rank in range(1, 7)], HITS[:1]])
def test_what_stays_too_long_is_an_error_after_one_more_attempt(hits: list[ScoredChunk]) -> None:
    model = NarrowModel(0)
    answer = ask(model, hits=hits)
    assert (answer.status, answer.error, len(model.got)) == ("error", "Too long.", min(len(hits), 2))


def test_a_conversation_that_does_not_fit_is_named_in_the_reason() -> None:
    history = [Message("user", "word " * 300), Message("assistant", "word " * 300)] * 3
    answer = ask(ScriptedModel(TextDelta("It weighs 900 kg. [1]"), DONE), history=history, context_tokens=3_000)
    assert "conversation" in (answer.reason or "")
    assert answer.trace["history_left_out"] > 0


@pytest.mark.parametrize("stop", ["truncated", "refused"])
def test_an_early_end_keeps_the_text(stop: str) -> None:
    answer = ask(ScriptedModel(TextDelta("It weighs 900 kg. [1] And"), Finished(stop, Usage(), "why")))  # type: ignore[arg-type]
    assert (answer.status, answer.text, answer.reason) == (stop, "It weighs 900 kg. [1] And", "why")


@pytest.mark.parametrize(
    ("events", "retryable", "status"),
    [
        ((TextDelta("It weighs 900 kg. [1"),), True, "cut"),
        ((TextDelta("It weighs 900 kg. [1"),), False, "cut"),
        ((), True, "error"),
    ],
)
def test_a_failure_keeps_what_had_arrived(events: tuple[ChatEvent, ...], retryable: bool, status: str) -> None:
    failure = ProviderError("The line broke. Ask again.", provider="scripted", retryable=retryable)
    answer = ask(ScriptedModel(*events, fails=failure))
    assert (answer.status, answer.error) == (status, "The line broke. Ask again.")
    assert answer.text == ("It weighs 900 kg." if events else "")


def test_a_stream_that_just_ends_is_cut() -> None:
    answer = ask(ScriptedModel(TextDelta("It weighs")))
    assert (answer.status, answer.text) == ("cut", "It weighs")
    assert answer.error


def test_a_stop_keeps_the_text_and_closes_the_stream() -> None:
    seen: list[str] = []
    model = ScriptedModel(TextDelta("It weighs 900 kg. [1]"), TextDelta(" More."), DONE)
    answer = ask(model, on_text=seen.append, cancelled=lambda: bool(seen))
    assert (answer.status, answer.text, answer.error) == ("cancelled", "It weighs 900 kg. [1]", None)
    assert model.closed


def test_sources_that_do_not_fit_are_named_in_the_reason() -> None:
    long_hits = [hit("word " * 900, rank=rank) for rank in (1, 2, 3)]
    answer = ask(ScriptedModel(TextDelta("Words. [1]"), DONE), hits=long_hits, context_tokens=3_000)
    assert len(answer.contexts) < 3
    assert "left out" in (answer.reason or "")


def test_quoting_costs_nothing_and_is_supported_word_for_word() -> None:
    answer = ask(ExtractiveModel(HashEmbedder()))
    assert (answer.status, answer.cost_usd) == ("complete", 0.0)
    assert {evidence.verdict for evidence in answer.evidence} == {"supported"}
    assert "Otto Keller" in answer.text


def test_quoting_abstains_about_something_else() -> None:
    answer = ask(ExtractiveModel(HashEmbedder()), standalone_question="What is the capital of Peru?")
    assert (answer.status, answer.text, answer.evidence) == ("abstained", "", ())


def test_a_real_server_is_answered_from_end_to_end() -> None:
    with FakeModels() as server:
        answer = ask(OpenAIModel("unknown-marker", api_key=None, base_url=server.openai_url))
    assert answer.text == (
        "The Bern press was built by Otto Keller in 1931. [1] Refunds are paid within 14 days of the return. [2] "
        "Nobody said this."
    )
    assert [evidence.verdict for evidence in answer.evidence] == ["supported", "supported", "unsupported"]
    assert answer.trace["dropped_markers"] == 1
    assert answer.trace["timings_ms"]["first_token"] <= answer.trace["timings_ms"]["total"]
