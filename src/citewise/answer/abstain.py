"""Tells how likely it is that sources answer a question at all.

Pure: similarities come in as numbers. No single sign tells an answer from a text about the same
things, so several are weighed: how near the best sentence is, which words, names and figures of
the question stand in it or near it, whether it holds what is asked for, and whether it says the
opposite. ``docs/answers.md`` has what that is worth, and what the weights were fitted on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from citewise.answer.check.denial import denies, opposite
from citewise.answer.check.reading import read, sentences
from citewise.answer.quotable import Candidate
from citewise.language.question import Question, has_answer_of_kind
from citewise.language.terms import negated, terms
from citewise.protocols import Source

_ENOUGH = 16  # sentences that show how similar unrelated ones are
_UNRELATED = 0.1  # cosine of unrelated sentences
_YEAR = re.compile(r"1\d{3}|20\d\d")


def answer_signals(
    question: Question,
    found: Sequence[Candidate],
    similarities: Sequence[float],
    scored: Sequence[float],
    sources: Sequence[Source],
    *,
    closest: float,
) -> tuple[float, ...]:
    """Return what speaks for the sources answering the question at all: see ``ANSWER_WEIGHTS``.

    Args:
        question: What was asked.
        found: All candidates; not empty.
        similarities: Of each to the question.
        scored: See ``choose.scores``.
        sources: Best first.
        closest: Similarity of the question to the passage that is closest to it.
    """
    order = sorted(range(len(found)), key=lambda index: (-scored[index], index))
    best = found[order[0]]
    total = sum(question.weights.values()) or 1.0
    passages = [
        frozenset(terms(f"{source.hit.title} {' '.join(source.hit.chunk.headings)} {source.hit.chunk.text}"))
        for source in sources
    ]
    everywhere = frozenset().union(*passages)
    beside = [one for one in found if one.source == best.source and abs(one.ordinal - best.ordinal) <= 1]
    near = best.around.union(*(one.terms for one in beside))

    def share(present: frozenset[str]) -> float:
        return sum(weight for term, weight in question.weights.items() if term in present) / total

    firm = question.firm
    # Where little was found, sentences about something else are imagined, to have a middle to compare with.
    ranked = sorted([*similarities, *[_UNRELATED] * (_ENOUGH - len(found))], reverse=True)
    middle = ranked[len(ranked) // 2]
    claim, quoted = read(question.text), sentences(best.text)
    return (
        max(similarities),
        similarities[order[0]],
        max(similarities) - middle,
        share(best.terms | best.around),
        share(near),
        share(passages[best.source]),
        share(everywhere),
        sum(weight for term, weight in question.weights.items() if term not in near),
        len(firm & (best.terms | best.around)) / len(firm) if firm else 1.0,
        len(firm & passages[best.source]) / len(firm) if firm else 1.0,
        float(bool(firm - everywhere)),
        float(any(_YEAR.fullmatch(term) and term not in everywhere for term in question.weights)),
        float(question.kind != "other" and not has_answer_of_kind(question.kind, best.text, question)),
        float(opposite(claim, quoted) is not None),
        float(denies(claim, quoted)),
        float(negated(question.text) and not negated(" … ".join(one.text for one in beside))),
        float(best.kind in ("table", "list_item")),
        float(best.kind == "table" and bool(firm - best.terms - best.around)),
        closest,
        scored[order[0]],
    )


ANSWER_WEIGHTS: Mapping[str, float] = {
    "constant": -8.05,
    "highest similarity": -0.1,
    "similarity of the best sentence": 1.6,
    "similarity above the middle": 4.1,
    "question's terms around the best sentence": 0.65,
    "question's terms in it and its neighbours": 1.1,
    "question's terms in its passage": 1.7,
    "question's terms anywhere": 0.25,
    "weight of the terms that its neighbours lack too": 0.25,  # beside the shares: long questions lack more
    "names and numbers around the best sentence": 0.4,
    "names and numbers in its passage": 0.9,
    "a name or number that stands nowhere": 0.25,
    # Too rare in the sets to be fitted; ten times as frequent among questions without an answer.
    "a year that stands nowhere": -2.5,
    "lacks what is asked for": -0.2,
    "says the opposite": -2.3,
    "denies what is asked": -1.7,
    "denies what is denied nowhere near": -1.7,
    "is a row or an item": 1.0,
    # Not in the sets either. A row speaks of its own key; of prose about a thing the next sentence may say more.
    "is a row without a name or number of the question": -2.5,
    "similarity of the closest passage": 4.1,
    "score of the best sentence": 0.04,
}
"""Weights of :func:`answer_signals`, the constant first."""


def probability(signals: Sequence[float]) -> float:
    """Return how likely it is, 0..1, that the sources answer the question."""
    constant, *weights = ANSWER_WEIGHTS.values()
    value = constant + sum(weight * signal for weight, signal in zip(weights, signals, strict=True))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, value))))
