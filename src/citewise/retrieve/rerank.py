"""Orders found chunks by what speaks for them: how near in meaning, which words, how close together.

Pure, and without a model to load: a weighted sum of figures for each chunk. All weights but the last
were fitted on 2,053 questions of public sets, the last by ``training/reranker.py``. What that is worth on
sets that nothing was fitted on, and what was tried besides, is in ``docs/decisions/0022``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from citewise.language.question import Question, read_question
from citewise.language.terms import terms
from citewise.retrieve.fuse import unusual_peak
from citewise.types import ScoredChunk

_WINDOW = 24  # terms, about two sentences
_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»]{3,80})[\"”“»]")


class LinearReranker:
    """A ``Reranker`` that takes some milliseconds. May be called from any thread."""

    @property
    def name(self) -> str:
        return "linear-2"

    def rerank(self, question: str, hits: Sequence[ScoredChunk]) -> list[ScoredChunk]:
        """Return ``hits``, best first, with new scores and ranks; equal ones in the order they had."""
        weights = tuple(WEIGHTS.values())
        scored = [
            (sum(weight * value for weight, value in zip(weights, row, strict=True)), hit)
            for row, hit in zip(features(question, hits), hits, strict=True)
        ]
        scored.sort(key=lambda pair: -pair[0])
        return [
            replace(hit, score=score, rank=rank, scores={**hit.scores, "rerank": score})
            for rank, (score, hit) in enumerate(scored, start=1)
        ]


@dataclass(frozen=True, slots=True)
class _Words:
    """The terms of a chunk, as far as the question goes."""

    places: Mapping[str, Sequence[int]]  # of the question's terms in the text
    context: frozenset[str]
    count: int

    @property
    def all(self) -> frozenset[str]:
        return self.context | self.places.keys()


def features(question: str, hits: Sequence[ScoredChunk]) -> list[tuple[float, ...]]:
    """Return what speaks for each hit: see the names in ``WEIGHTS``."""
    asked = read_question(question)
    words = [_words(asked, hit) for hit in hits]
    idf = _rarity(asked, words)
    total = sum(idf.values()) or 1.0
    dense = _Scale.of([hit.scores["dense"] for hit in hits if "dense" in hit.scores])
    by_words = [hit.scores["keyword"] for hit in hits if "keyword" in hit.scores]
    keyword = _Scale.of(by_words)
    peaked = unusual_peak(by_words)
    pairs = _pairs(question, asked)
    quoted = [match.group(1).casefold() for match in _QUOTED.finditer(question)]
    firm = asked.firm
    rows: list[tuple[float, ...]] = []
    for hit, own in zip(hits, words, strict=True):
        folded = hit.chunk.full_text.casefold() if quoted else ""
        shares = dense.share(hit.scores.get("dense")), keyword.share(hit.scores.get("keyword"))
        rows.append(
            (
                hit.scores.get("dense", dense.lowest),
                *shares,
                hit.scores.get("keyword", 0.0) / keyword.highest if keyword.highest > 0 else 0.0,
                sum(idf[term] for term in own.places) / total,
                sum(idf[term] for term in own.context) / total,
                sum(idf[term] for term in own.all) / total,
                _closest(own.places, idf) / total,
                sum(_adjacent(own.places, *pair) for pair in pairs) / len(pairs) if pairs else 0.0,
                len(firm & own.all) / len(firm) if firm else 0.0,
                sum(phrase in folded for phrase in quoted) / len(quoted) if quoted else 0.0,
                min(own.count, 160) / 160,
                float(hit.chunk.ordinal == 0),
                (shares[0] - shares[1]) * peaked,
            )
        )
    return rows


WEIGHTS: Mapping[str, float] = {
    "similarity": 2.65,
    "similarity among the hits": 2.8,
    "keyword score among the hits": 1.41,
    "keyword score to the highest": 1.08,
    "question's terms in the text": 0.67,
    "question's terms in title and headings": 1.58,
    "question's terms anywhere": 1.86,
    "question's terms close together": 1.74,
    "neighbours in the question are neighbours in the text": 1.77,
    "names and numbers": 0.55,
    # No question of the sets quotes anything; a phrase in quotes is meant word for word.
    "quoted phrases": 1.5,
    "length": -0.25,
    "opens its document": 0.29,
    "meaning rather than words, where words tell chunks apart": -3.4,
}
"""Weights of :func:`features`, in order."""


@dataclass(frozen=True, slots=True)
class _Scale:
    """The range of one kind of score among the hits."""

    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> _Scale:
        return cls(min(values, default=0.0), max(values, default=0.0))

    def share(self, value: float | None) -> float:
        """Where ``value`` lies, 0 for the lowest and for none, 1 for the highest."""
        if value is None:
            return 0.0
        return (value - self.lowest) / (self.highest - self.lowest) if self.highest > self.lowest else 1.0


def _words(asked: Question, hit: ScoredChunk) -> _Words:
    places: dict[str, list[int]] = {}
    bag = terms(hit.chunk.text)
    for place, term in enumerate(bag):
        if term in asked.weights:
            places.setdefault(term, []).append(place)
    context = frozenset(terms(f"{hit.title} {hit.chunk.context}"))
    return _Words(places, context & asked.weights.keys(), len(bag))


def _rarity(asked: Question, words: Sequence[_Words]) -> dict[str, float]:
    """Weigh the question's terms: what few of the hits hold counts more."""
    count = len(words)
    return {
        term: weight * math.log(1 + (count + 1) / (sum(term in own.all for own in words) + 1))
        for term, weight in asked.weights.items()
    }


def _closest(places: Mapping[str, Sequence[int]], idf: Mapping[str, float]) -> float:
    """The most that stands together in one window, in weight."""
    matches = sorted((place, term) for term, found in places.items() for place in found)
    best = held = 0.0
    inside: dict[str, int] = {}
    first = 0
    for place, term in matches:
        inside[term] = inside.get(term, 0) + 1
        held += idf[term] if inside[term] == 1 else 0.0
        while place - matches[first][0] >= _WINDOW:
            gone = matches[first][1]
            inside[gone] -= 1
            held -= 0.0 if inside[gone] else idf[gone]
            first += 1
        best = max(best, held)
    return best


def _pairs(question: str, asked: Question) -> list[tuple[str, str]]:
    """Terms that follow each other in the question."""
    bag = terms(question)
    return list(dict.fromkeys((one, other) for one, other in pairwise(bag) if one != other))


def _adjacent(places: Mapping[str, Sequence[int]], one: str, other: str) -> bool:
    """Whether both stand next to each other, at most one term between them."""
    others = set(places.get(other, ()))
    return any(place + step in others for place in places.get(one, ()) for step in (-1, 1, 2))
