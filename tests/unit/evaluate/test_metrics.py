from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewise.evaluate.datasets import Question, Reference
from citewise.evaluate.metrics import (
    Judged,
    Outcome,
    contains_answer,
    graded,
    judge,
    means,
    names_document,
    normalise,
    scores_of,
    summarise,
    why_failed,
)
from citewise.types import Chunk, ScoredChunk


def hit(source: str, text: str, page: int | None = None, last: int | None = None) -> ScoredChunk:
    chunk = Chunk("c", "d", 1, 0, 0, len(text), page, last or page, (), text, "")
    return ScoredChunk(chunk, 1.0, 1, {}, source, source, "")


def outcome(**fields: Any) -> Outcome:
    question = fields.pop("question", Question("q", "How high?", answers=("4.2 metres",), documents=("tides.txt",)))
    rank = fields.pop("answer_rank", 1)
    found = Judged(fields.pop("document_rank", 1), (rank,), (rank,) if rank else ())
    defaults: dict[str, Any] = {
        "found": found,
        "status": "complete",
        "answer": "It reaches 4.2 metres.",
        "citations": 1,
        "verbatim": 1,
    }
    return Outcome(question, **defaults | fields)


UNANSWERABLE = Question("u", "Who?", answerable=False)


@pytest.mark.parametrize(
    ("text", "answer", "found"),
    [
        ("It reaches 4.2\n  metres.", "4.2 METRES", True),
        ("the ‘old’ harbour – north", "'old' harbour - north", True),
        ("soft\u00adhyphen", "softhyphen", True),
        ("ﬁnal report", "final", True),
        ("in 1942 it", "42", False),
        ("42nd street", "42", False),
        ("costs $5", "$5", True),
        ("nothing", "", False),
    ],
)
def test_an_answer_is_found_as_whole_words_whatever_its_typography(text: str, answer: str, found: bool) -> None:
    assert contains_answer(text, [answer]) is found


@given(st.text())
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


@pytest.mark.parametrize(
    ("source", "document", "same"),
    [
        ("tides.pdf", "tides.pdf", True),
        ("library/tides.pdf", "tides.pdf", True),
        ("tides.pdf", "library/tides.pdf", True),
        ("ebbtides.pdf", "tides.pdf", False),
        ("a/tides.pdf", "b/tides.pdf", False),
    ],
)
def test_a_document_is_recognised_with_and_without_folders(source: str, document: str, same: bool) -> None:
    assert names_document(source, document) is same


def ranks(question: Question, hits: list[ScoredChunk]) -> tuple[int | None, int | None]:
    found = judge(question, hits)
    return found.document_rank, found.answer_rank


def test_the_answers_own_chunk_counts_not_just_its_document() -> None:
    question = Question("q", "?", answers=("noon",), documents=("ferry.md",), page=2)
    hits = [
        hit("tides.txt", "at noon", page=2),
        hit("ferry.md", "leaves daily", page=2),
        hit("ferry.md", "at noon", page=1),
        hit("ferry.md", "at noon", page=1, last=2),
    ]
    assert ranks(question, hits) == (2, 4)
    assert ranks(question, hits[:3]) == (2, None)
    assert ranks(question, hits[:1]) == (None, None)
    assert ranks(question, []) == (None, None)


def test_a_page_matters_only_where_there_are_pages() -> None:
    question = Question("q", "?", answers=("noon",), documents=("ferry.md",), page=2)
    assert ranks(question, [hit("ferry.md", "noon")]) == (1, 1)


def test_figures_count_both_ways_of_being_wrong() -> None:
    figures = summarise(
        [
            outcome(answer_rank=3),
            outcome(answer_rank=None, status="abstained", answer="", citations=0, verbatim=0),
            outcome(answer="It reaches 5 metres.", citations=2, verbatim=1),
            outcome(question=UNANSWERABLE, status="abstained", citations=0, verbatim=0),
            outcome(question=UNANSWERABLE),
            outcome(status="error", citations=0, verbatim=0),
        ],
        k=10,
    )
    assert figures == {
        "answerable": 4,
        "unanswerable": 2,
        "recall@1": 0.5,
        "recall@5": 0.75,
        "recall@10": 0.75,
        "hit@1": 1.0,
        "hit@5": 1.0,
        "hit@10": 1.0,
        "mrr@10": round((1 / 3 + 1 + 1) / 4, 4),
        "ndcg@10": 0.625,
        "precision@10": 0.075,
        "answer_contains": 0.5,
        "false_refusals": 0.25,
        "abstained_on_unanswerable": 1,
        "false_answers": 0.5,
        "citations": 4,
        "citations_verbatim": 0.75,
        "errors": 1,
    }


def test_nothing_asked_gives_no_shares() -> None:
    assert summarise([], k=10) == {"answerable": 0, "unanswerable": 0, "citations": 0, "errors": 0}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, None),
        ({"question": UNANSWERABLE, "status": "abstained", "citations": 0, "verbatim": 0}, None),
        ({"question": UNANSWERABLE}, "although the documents do not say"),
        ({"status": "error", "error": "The key was refused."}, "ended as error: The key was refused."),
        ({"verbatim": 0}, "1 of 1 quotes"),
        ({"document_rank": None, "answer_rank": None}, "No chunk of the right document"),
        ({"answer_rank": None}, "not the answer's own chunk among the first 10"),
        ({"status": "abstained", "answer_rank": 2}, "declined, although the answer was found at rank 2"),
        ({"answer": "No idea."}, "does not contain '4.2 metres'"),
    ],
)
def test_every_failure_says_what_went_wrong(fields: dict[str, Any], words: str | None) -> None:
    why = why_failed(outcome(**fields), k=10)
    assert (why is None) if words is None else (why is not None and words in why)


def test_graded_figures_are_those_of_the_textbook() -> None:
    grades = {"q1": {"a": 1}, "q2": {"b": 1, "c": 1}}
    figures = means(list(graded({"q1": ["x", "a"], "q2": ["b"]}, grades, k=10).values()))
    assert figures["mrr@10"] == 0.75
    assert figures["recall@10"] == 0.75
    assert figures["hit@1"] == 0.5
    first, second = 0.6309, 1 / (1 + 0.6309)
    assert figures["ndcg@10"] == pytest.approx((first + second) / 2, abs=1e-4)


def test_a_query_without_a_ranking_counts_as_zero() -> None:
    figures = graded({"q1": ["a"], "q2": []}, {"q1": {"a": 1}, "q2": {"b": 1}}, k=10)
    assert (figures["q1"]["ndcg@10"], figures["q2"]["ndcg@10"]) == (1.0, 0.0)
    assert graded({}, {}, k=10) == {}


def test_exact_references_are_all_to_be_found() -> None:
    def span(start: int, end: int, source: str = "a.txt") -> ScoredChunk:
        return ScoredChunk(Chunk("c", "d1", 1, 0, start, end, None, None, (), "", ""), 1.0, 1, {}, source, "", "")

    question = Question("q", "?", references=(Reference("a.txt", 0, 100), Reference("d1", 300, 340)))
    hits = [span(900, 990), span(40, 200), span(60, 90), span(250, 500), span(0, 100, source="b.txt")]
    found = judge(question, hits)
    assert (found.document_rank, found.ranks, found.right) == (1, (2, 4), (2, 3, 4))
    scores = scores_of(Outcome(question, found, None, "", citations=0, verbatim=0), k=10)
    assert (scores["recall@1"], scores["recall@5"], scores["mrr@10"], scores["precision@10"]) == (0.0, 1.0, 0.5, 0.3)
    expected = (1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3))
    assert scores["ndcg@10"] == pytest.approx(expected)
    half = judge(question, hits[:2])
    assert why_failed(Outcome(question, half, None, "", citations=0, verbatim=0), k=2) == (
        "1 of 2 right passages were not among the first 2."
    )


def test_both_things_in_one_chunk_are_as_good_as_can_be() -> None:
    question = Question("q", "?", references=(Reference("d", 0, 5), Reference("d", 6, 9)))
    found = judge(question, [hit("a.txt", "0123456789")])
    assert found.ranks == (1, 1)
    assert scores_of(Outcome(question, found, None, "", citations=0, verbatim=0), k=10)["ndcg@10"] == 1.0
