"""How well a splitter's chunks hold what questions ask for, and how little else.

The figures of Smith and Troynikov, "Evaluating Chunking Strategies for Retrieval" (Chroma, 2024).
They call them token recall, precision and IoU, and count characters, as is done here: what is
counted must not depend on a tokenizer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from citewise.evaluate.datasets import Question, Reference
from citewise.protocols import Embedder
from citewise.types import ParsedDocument, Span

Place = tuple[str, int, int]
"""A document, and characters of its text from start to end, exclusive."""

_QUESTIONS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class SpanScores:
    """Of what was found for one question, in characters; shares between 0 and 1."""

    recall: float  # of the characters asked for, those that were found
    precision: float  # of the characters found, those asked for; what is found twice counts twice
    iou: float  # characters found and asked for, of those found or asked for


@dataclass(frozen=True, slots=True)
class SplitterScores:
    """How a splitter did on a set; shares are means over the questions."""

    chunks: int
    mean_characters: float  # of a chunk
    recall: float
    precision: float
    iou: float
    best_precision: float  # were exactly those chunks found that hold something asked for ("precision omega")
    questions: Mapping[str, SpanScores]  # by id, to compare two splitters question by question


def span_scores(found: Iterable[Place], references: Sequence[Reference]) -> SpanScores:
    """Compare what was found for a question with what it asks for.

    Args:
        found: Passages, in any order; they may overlap.
        references: At least one.
    """
    places = list(found)
    wanted = _united((each.document, each.start, each.end) for each in references)
    hit = _united(_common(place, each) for place in places for each in wanted)
    shared, asked, total = _length(hit), _length(wanted), _length(places)
    return SpanScores(
        recall=shared / asked,
        precision=shared / total if total else 0.0,
        iou=shared / (total + asked - shared),
    )


def evaluate_splitter(
    documents: Mapping[str, ParsedDocument],
    questions: Sequence[Question],
    *,
    cut: Callable[[ParsedDocument], Sequence[Span]],
    embedder: Embedder,
    k: int = 5,
) -> SplitterScores:
    """Cut documents, search their chunks by vector for each question, and score the ``k`` nearest.

    Nothing of an index, of keywords or of reranking takes part, so that the figures are the
    splitter's own, and no hit is grown by its neighbours. For a set with ``references``::

        dataset = load_dataset(folder)
        documents = {record.source: document_from_text(record.text, source=record.source, title=record.title or "")
                     for record in read_records(dataset.records)}
        splitter = splitter_for(embedder, strategy="semantic", size=200, overlap=24)
        scores = evaluate_splitter(
            documents,
            dataset.questions,
            cut=lambda document: split_document(
                document, strategy=splitter.strategy, size=splitter.size, overlap=splitter.overlap,
                token_spans=embedder.token_spans, embed=embedder.embed_documents),
            embedder=embedder,
        )

    (``ingest`` and ``evaluate`` do not import each other: who calls this knows both.)

    Args:
        documents: By the name that references give them.
        questions: Those without references are left out.
        cut: A splitter.
        embedder: Of the chunks, each after its context, and of the questions.
        k: Chunks looked at for each question, >= 1.

    Raises:
        ValueError: No question has references, or the documents have no chunks.
        ProviderError: The model failed.
    """
    asked = [question for question in questions if question.references]
    places, texts = [], []
    for name, document in documents.items():
        for span in cut(document):
            text = document.text[span.start : span.end]
            places.append((name, span.start, span.end))
            texts.append(f"{span.context}\n{text}" if span.context else text)
    if not asked or not places:
        raise ValueError("To evaluate a splitter takes documents with text and questions with references.")
    vectors = embedder.embed_documents(texts)
    scores: dict[str, SpanScores] = {}
    for begin in range(0, len(asked), _QUESTIONS_AT_ONCE):
        group = asked[begin : begin + _QUESTIONS_AT_ONCE]
        likeness = vectors @ np.stack([embedder.embed_query(question.text) for question in group]).T
        for question, column in zip(group, likeness.T, strict=True):
            nearest = np.argsort(-column, kind="stable")[:k]
            scores[question.id] = span_scores([places[index] for index in nearest], question.references)
    best = [_best_precision(places, question.references) for question in asked]
    return SplitterScores(
        chunks=len(places),
        mean_characters=_length(places) / len(places),
        recall=fmean(score.recall for score in scores.values()),
        precision=fmean(score.precision for score in scores.values()),
        iou=fmean(score.iou for score in scores.values()),
        best_precision=fmean(best),
        questions=scores,
    )


def _best_precision(places: Sequence[Place], references: Sequence[Reference]) -> float:
    wanted = [(each.document, each.start, each.end) for each in references]
    holding = [place for place in places if any(_length([_common(place, each)]) for each in wanted)]
    return span_scores(_united(holding), references).iou


def _common(one: Place, other: Place) -> Place:
    """What two places share; of no length if that is nothing."""
    start = max(one[1], other[1])
    end = min(one[2], other[2]) if one[0] == other[0] else start
    return one[0], start, max(start, end)


def _united(places: Iterable[Place]) -> list[Place]:
    """The same characters, each once, in order."""
    united: list[Place] = []
    for name, start, end in sorted(places):
        if united and united[-1][0] == name and start <= united[-1][2]:
            united[-1] = (name, united[-1][1], max(united[-1][2], end))
        elif start < end:
            united.append((name, start, end))
    return united


def _length(places: Iterable[Place]) -> int:
    return sum(end - start for _, start, end in places)
