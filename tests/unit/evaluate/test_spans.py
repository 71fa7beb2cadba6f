from __future__ import annotations

import re

import pytest

from citewise.evaluate.datasets import Question, Reference
from citewise.evaluate.spans import SpanScores, evaluate_splitter, span_scores
from citewise.types import Block, ParsedDocument, ParseReport, Span
from tests.fakes import HashEmbedder


def document_of(text: str) -> ParsedDocument:
    return ParsedDocument(text, (Block("paragraph", 0, len(text)),), (), ParseReport(len(text)), "text/plain")


def sentences(document: ParsedDocument) -> list[Span]:
    return [Span(*match.span(), None, None, (), "") for match in re.finditer(r"[^.]+\.", document.text)]


def test_recall_precision_and_iou_count_characters() -> None:
    asked = [Reference("a", 10, 20), Reference("a", 40, 50)]
    assert span_scores([("a", 0, 20)], asked) == SpanScores(recall=0.5, precision=0.5, iou=10 / 30)
    assert span_scores([("a", 10, 20), ("a", 40, 50)], asked) == SpanScores(1, 1, 1)
    assert span_scores([("b", 10, 20)], asked) == SpanScores(0, 0, 0)
    assert span_scores([], asked) == SpanScores(0, 0, 0)


def test_what_is_found_twice_is_recalled_once_and_costs_twice() -> None:
    asked = [Reference("a", 0, 10)]
    assert span_scores([("a", 0, 10), ("a", 5, 15)], asked) == SpanScores(recall=1, precision=0.5, iou=0.5)


def test_references_that_overlap_are_asked_for_once() -> None:
    assert span_scores([("a", 0, 10)], [Reference("a", 0, 10), Reference("a", 5, 10)]) == SpanScores(1, 1, 1)


def test_a_splitter_is_scored_by_the_chunks_nearest_to_each_question() -> None:
    documents = {
        "boats": document_of("The ferry sails at noon. The harbour has two cranes."),
        "birds": document_of("Terns nest on the beach. Puffins nest in burrows."),
    }
    questions = [
        Question("q1", "When does the ferry sail?", references=(Reference("boats", 4, 23),)),
        Question("q2", "Where do puffins nest?", references=(Reference("birds", 24, 49),)),
        Question("q3", "Who pays?"),
    ]
    scores = evaluate_splitter(documents, questions, cut=sentences, embedder=HashEmbedder(), k=1)
    assert scores.chunks == 4
    assert list(scores.questions) == ["q1", "q2"]
    assert scores.questions["q1"] == SpanScores(recall=1, precision=19 / 24, iou=19 / 24)
    assert scores.questions["q2"] == SpanScores(1, 1, 1)
    assert scores.recall == 1
    assert scores.best_precision == scores.precision == (19 / 24 + 1) / 2
    more = evaluate_splitter(documents, questions, cut=sentences, embedder=HashEmbedder(), k=4)
    assert more.precision < scores.precision
    assert more.best_precision == scores.best_precision


def test_questions_without_references_are_refused() -> None:
    with pytest.raises(ValueError, match="questions with references"):
        evaluate_splitter({"a": document_of("Text.")}, [Question("q", "?")], cut=sentences, embedder=HashEmbedder())
