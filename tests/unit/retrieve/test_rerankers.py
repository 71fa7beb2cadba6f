from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from citewise.errors import NotFoundError, ProviderError
from citewise.protocols import RelevanceModel
from citewise.retrieve.rerankers import CANDIDATES, Rerankers, unknown_reranker
from citewise.types import Chunk, ScoredChunk


class Fixed:
    """A built-in reranker that keeps the order and has scores of its own."""

    name = "fixed"

    def rerank(self, question: str, hits: Sequence[ScoredChunk]) -> list[ScoredChunk]:
        del question
        return [
            replace(hit, score=10.0 - place, rank=place + 1, scores={**hit.scores, "rerank": 10.0 - place})
            for place, hit in enumerate(hits)
        ]


class Lengths:
    """A model that likes long texts."""

    def __init__(self, name: str = "model:x", *, reads: int = 1000, fails: str = "") -> None:
        self.name = name
        self.reads = reads
        self.fails = fails
        self.waits: list[bool] = []
        self.given: list[int] = []
        self.closed = False

    def start(self, *, wait: bool = False) -> None:
        self.waits.append(wait)

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        del question
        self.given.append(len(texts))
        if self.fails:
            raise ProviderError(self.fails, provider="model")
        return [len(text) / 100 for text in texts[: self.reads]]

    def close(self) -> None:
        self.closed = True


def hit(text: str, place: int) -> ScoredChunk:
    chunk = Chunk(f"c{place}", "d", 1, place, 0, len(text), None, None, (), text, "")
    return ScoredChunk(chunk, 1.0, place + 1, {"dense": 0.5}, "a.txt", "", "hash")


HITS = [hit("x" * length, place) for place, length in enumerate((3, 9, 5, 1))]


def order(hits: Sequence[ScoredChunk]) -> list[int]:
    return [len(found.chunk.text) for found in hits]


def rerankers(model: RelevanceModel, *, default: str = "linear", patient: bool = False) -> Rerankers:
    return Rerankers(Fixed(), open_model=lambda _: model, default=default, patient=patient)


@pytest.mark.parametrize("choice", [False, "none"])
def test_nobody_reranks_for_those_who_say_so(choice: bool | str) -> None:
    assert rerankers(Lengths()).named(choice) is None
    assert rerankers(Lengths(), default="none").named(True) is None


@pytest.mark.parametrize("choice", [True, "linear"])
def test_the_built_in_one_is_the_default(choice: bool | str) -> None:
    rerank = rerankers(Lengths()).named(choice)
    assert rerank
    done = rerank("q", HITS)
    assert (order(done.hits), done.name, done.notes) == ([3, 9, 5, 1], "fixed", ())


@pytest.mark.parametrize(("choice", "default"), [(True, "model:x"), ("model:x", "linear")])
def test_a_model_orders_what_the_built_in_one_found(choice: bool | str, default: str) -> None:
    model = Lengths()
    rerank = rerankers(model, default=default).named(choice)
    assert rerank
    done = rerank("q", HITS)
    assert (order(done.hits), done.name, done.notes) == ([9, 5, 3, 1], "model:x", ())
    assert [(found.rank, found.score, found.scores["rerank"]) for found in done.hits] == [
        *((1, 0.09, 0.09), (2, 0.05, 0.05), (3, 0.03, 0.03), (4, 0.01, 0.01))
    ]
    assert model.waits == [False]


def test_what_a_model_had_no_time_for_follows_in_the_order_it_had() -> None:
    rerank = rerankers(Lengths(reads=2)).named("model:x")
    assert rerank
    done = rerank("q", HITS)
    assert (order(done.hits), done.name) == ([9, 3, 5, 1], "model:x")
    assert done.notes == (
        "model:x had time for 2 of 4 chunks; the others follow in the order of the built-in reranker. "
        "Raise CITEWISE_SEARCH__RERANK_MS to give it more.",
    )
    scores = [found.score for found in done.hits]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 4
    assert ["rerank" in found.scores for found in done.hits] == [True, True, False, False]


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (Lengths(fails="It is away."), "The built-in reranker stood in for model:x: It is away."),
        (Lengths(reads=0), "model:x read nothing in its time, so the built-in reranker's order was kept."),
    ],
)
def test_the_built_in_one_stands_in_and_says_so(model: Lengths, says: str) -> None:
    rerank = rerankers(model).named("model:x")
    assert rerank
    done = rerank("q", HITS)
    assert (order(done.hits), done.name) == ([3, 9, 5, 1], "fixed")
    assert done.notes[0].startswith(says)


def test_a_model_reads_no_more_than_the_best() -> None:
    model = Lengths()
    rerank = rerankers(model).named("model:x")
    assert rerank
    done = rerank("q", [hit("x" * (place + 1), place) for place in range(50)])
    assert model.given == [CANDIDATES]
    assert order(done.hits) == [*range(CANDIDATES, 0, -1), *range(CANDIDATES + 1, 51)]
    assert [found.rank for found in done.hits] == list(range(1, 51))


def test_nothing_found_is_not_sent() -> None:
    model = Lengths()
    rerank = rerankers(model).named("model:x")
    assert rerank
    assert rerank("q", []).hits == []
    assert model.given == []


def test_an_unknown_name_is_said_before_anything_is_searched() -> None:
    with pytest.raises(NotFoundError, match=r"no reranker named 'magic'\. Choose linear, cross-encoder:NAME"):
        Rerankers(Fixed()).named("magic")
    with pytest.raises(NotFoundError):
        Rerankers(Fixed(), default="magic")


def test_a_patient_process_waits_for_the_model() -> None:
    model = Lengths()
    rerank = rerankers(model, patient=True).named("model:x")
    assert rerank
    rerank("q", HITS)
    assert model.waits == [True]


def test_only_the_default_is_loaded_at_the_start_and_only_some_are_held() -> None:
    opened: dict[str, Lengths] = {}

    def open_model(name: str) -> Lengths:
        if name == "magic":
            raise unknown_reranker(name)
        return opened.setdefault(name, Lengths(name))

    some = Rerankers(Fixed(), open_model=open_model, default="a")
    some.start()
    assert opened["a"].waits == [False]
    for name in "bcde":
        some.named(name)
    assert [name for name, model in opened.items() if model.closed] == ["b"]
    some.close()
    assert all(model.closed for model in opened.values())
