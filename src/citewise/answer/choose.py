"""Chooses the few sentences of the sources that answer a question, or says that none does.

Pure: similarities come in as numbers. The weights were fitted by logistic regression on
public question sets (SQuAD 2, CLAP NQ, Natural Questions; 2,700 questions) with the default
embedding model; two-fold figures lie within a point of these: of questions about something
that is not there, 93 to 99 % are refused; of those whose subject is there but not the answer,
68 %; of answerable ones, 3 to 7 %, and the quotes hold the answer for 79 to 92 %. Another
embedding model has another scale of similarity, and needs its own weights.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from citewise.answer.quotable import Candidate
from citewise.language.question import Question, has_answer_of_kind
from citewise.language.terms import terms
from citewise.protocols import Source

MOST = 4
"""Sentences in one answer, at most."""

MOST_COMPARED = 150
"""Sentences whose meaning is compared with the question's, at most: what an answer costs.

Eight passages hold about 130. On the project's own questions 60 refused 41 % of what could be
answered in 0.4 s a question, 150 refused 32 % in 0.6 s.
"""

_ENOUGH = 16  # sentences that show how similar unrelated ones are
_UNRELATED = 0.1  # cosine of unrelated sentences
_YEAR = re.compile(r"1\d{3}|20\d\d")
_NEAR_REPEAT = 0.7  # Jaccard similarity of terms


def shortlist(question: Question, found: Sequence[Candidate]) -> list[Candidate]:
    """Return the at most ``MOST_COMPARED`` candidates that hold most of the question, in their order.

    Comparing meanings is what an answer costs; this bounds it however long the passages are.
    """
    if len(found) <= MOST_COMPARED:
        return list(found)
    idf = _rarity(question, found)
    total = sum(idf.values()) or 1.0

    def promise(index: int) -> float:
        candidate = found[index]
        own = sum(weight for term, weight in idf.items() if term in candidate.terms)
        near = sum(weight for term, weight in idf.items() if term in candidate.around - candidate.terms)
        return (own + 0.5 * near) / total + 1 / (candidate.source + 1)

    best = sorted(range(len(found)), key=lambda index: (-promise(index), index))[:MOST_COMPARED]
    return [found[index] for index in sorted(best)]


def features(
    question: Question, found: Sequence[Candidate], similarities: Sequence[float], sources: Sequence[Source]
) -> list[tuple[float, ...]]:
    """Return what speaks for each candidate: see the names in ``SENTENCE_WEIGHTS``."""
    idf = _rarity(question, found)
    total = sum(idf.values()) or 1.0
    typed = question.kind != "other"
    best = max(similarities, default=0.0)
    rows: list[tuple[float, ...]] = []
    for candidate, similarity in zip(found, similarities, strict=True):
        own = sum(weight for term, weight in idf.items() if term in candidate.terms) / total
        near = (
            sum(weight for term, weight in idf.items() if term in candidate.around and term not in candidate.terms)
            / total
        )
        fits = has_answer_of_kind(question.kind, candidate.text, question)
        adds = len(candidate.terms - set(question.weights))
        rows.append(
            (
                own,
                near,
                similarity,
                similarity - best,
                float(typed and fits),
                float(typed and not fits),
                1.0 / sources[candidate.source].marker,
                float(candidate.whole),
                float(candidate.ordinal == 0),
                min(adds, 12) / 12,
                float(question.text.rstrip().endswith("?") and candidate.text.rstrip().endswith("?")),
            )
        )
    return rows


def _rarity(question: Question, found: Sequence[Candidate]) -> dict[str, float]:
    """Weigh the question's terms: rare among the candidates counts more, absent as much as rare."""
    count = len(found)
    weights = {}
    for term, weight in question.weights.items():
        holding = sum(term in candidate.terms for candidate in found)
        weights[term] = weight * math.log(1 + (count + 1) / (holding + 1))
    return weights


SENTENCE_WEIGHTS: Mapping[str, float] = {
    "terms of the question in the sentence": 4.2,
    "terms in title, headings or the sentence before": 3.2,
    "similarity to the question": 2.3,
    "how far behind the most similar": 2.3,
    "holds what is asked for": 1.0,
    "lacks what is asked for": -1.0,
    "rank of its source": 3.1,
    "is a whole sentence": 1.3,
    "opens its passage": 0.5,
    "says something new": 0.2,
    "is a question itself": -0.35,
}
"""Weights of :func:`features`, in order."""


def scores(rows: Sequence[Sequence[float]]) -> list[float]:
    """Return one score per row of :func:`features`."""
    weights = tuple(SENTENCE_WEIGHTS.values())
    return [sum(weight * value for weight, value in zip(weights, row, strict=True)) for row in rows]


def choose(found: Sequence[Candidate], scored: Sequence[float], *, within: float = 2.0) -> list[int]:
    """Return the indexes of the sentences to quote, best first: at most ``MOST``, no near-repeats.

    Args:
        within: How far behind the best score a further sentence may lie.
    """
    order = sorted(range(len(found)), key=lambda index: (-scored[index], index))
    chosen: list[int] = []
    for index in order:
        if len(chosen) == MOST or scored[index] < scored[order[0]] - within:
            break
        if all(not _repeats(found[index], found[other]) for other in chosen):
            chosen.append(index)
    return chosen


def _repeats(one: Candidate, other: Candidate) -> bool:
    both = len(one.terms & other.terms)
    either = len(one.terms | other.terms)
    return either > 0 and both / either >= _NEAR_REPEAT


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

    def share(present: frozenset[str]) -> float:
        return sum(weight for term, weight in question.weights.items() if term in present) / total

    firm = question.firm
    # Where little was found, sentences about something else are imagined, to have a middle to compare with.
    ranked = sorted([*similarities, *[_UNRELATED] * (_ENOUGH - len(found))], reverse=True)
    middle = ranked[len(ranked) // 2]
    return (
        max(similarities),
        similarities[order[0]],
        max(similarities) - middle,
        share(best.terms | best.around),
        share(passages[best.source]),
        share(everywhere),
        len(firm & passages[best.source]) / len(firm) if firm else 1.0,
        float(bool(firm - everywhere)),
        float(any(_YEAR.fullmatch(term) and term not in everywhere for term in question.weights)),
        closest,
        scored[order[0]],
    )


ANSWER_WEIGHTS: Mapping[str, float] = {
    "constant": -10.4,
    "highest similarity": 0.6,
    "similarity of the best sentence": 0.6,
    "similarity above the middle": 6.2,
    "question's terms around the best sentence": 1.2,
    "question's terms in its passage": 0.6,
    "question's terms anywhere": 0.6,
    "names and numbers in its passage": 0.5,
    "a name or number that stands nowhere": -0.45,
    # Too rare in the sets to be fitted; ten times as frequent among questions without an answer.
    "a year that stands nowhere": -2.5,
    "similarity of the closest passage": 7.0,
    "score of the best sentence": 0.36,
}
"""Weights of :func:`answer_signals`, the constant first."""


def probability(signals: Sequence[float]) -> float:
    """Return how likely it is, 0..1, that the sources answer the question."""
    constant, *weights = ANSWER_WEIGHTS.values()
    value = constant + sum(weight * signal for weight, signal in zip(weights, signals, strict=True))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, value))))
