"""Chooses the few sentences of the sources that answer a question best.

Pure: similarities come in as numbers. The weights were fitted on public question sets with the
default embedding model, see ``docs/answers.md``; another model has another scale of similarity,
and needs its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from citewise.answer.quotable import Candidate
from citewise.language.question import Question, has_answer_of_kind
from citewise.protocols import Source

MOST = 4
"""Sentences in one answer, at most."""

MOST_COMPARED = 150
"""Sentences whose meaning is compared with the question's, at most: what an answer costs.

Eight passages hold about 130. On the project's own questions 60 refused 41 % of what could be
answered in 0.4 s a question, 150 refused 32 % in 0.6 s.
"""

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
    "terms of the question in the sentence": 7.0,
    "terms in title, headings or the sentence before": 4.4,
    "similarity to the question": 3.3,
    "how far behind the most similar": 3.3,
    "holds what is asked for": 0.6,
    "lacks what is asked for": -0.6,
    "rank of its source": 2.2,
    "is a whole sentence": 0.4,
    "opens its passage": 0.15,
    "says something new": 0.5,
    "is a question itself": -2.0,
}
"""Weights of :func:`features`, in order."""


def scores(rows: Sequence[Sequence[float]]) -> list[float]:
    """Return one score per row of :func:`features`."""
    weights = tuple(SENTENCE_WEIGHTS.values())
    return [sum(weight * value for weight, value in zip(weights, row, strict=True)) for row in rows]


def choose(
    question: Question, found: Sequence[Candidate], scored: Sequence[float], *, within: float = 2.4
) -> list[int]:
    """Return the indexes of the sentences to quote, best first: at most ``MOST``, no near-repeats.

    A name or figure of the question that none of them is about gets a sentence of its own, from
    whichever document has it: who asks about two things asks for two answers.

    Args:
        question: What was asked.
        found: All candidates.
        scored: See :func:`scores`.
        within: How far behind the best score a further sentence may lie; twice as far for such a name.
    """
    order = sorted(range(len(found)), key=lambda index: (-scored[index], index))
    chosen: list[int] = []

    def is_new(index: int) -> bool:
        one = found[index]
        return all(
            not _repeats(one, found[other]) and not _is_other_row(question, one, found[other]) for other in chosen
        )

    for index in order:
        if len(chosen) == MOST or scored[index] < scored[order[0]] - within:
            break
        if is_new(index):
            chosen.append(index)
    open_names = question.firm.difference(*(found[index].terms | found[index].around for index in chosen))
    for index in order:
        if not open_names or scored[index] < scored[order[0]] - 2 * within:
            break
        if open_names & found[index].terms and is_new(index):
            chosen = [*chosen[: MOST - 1], index]
            open_names -= found[index].terms
    return chosen


def _is_other_row(question: Question, one: Candidate, chosen: Candidate) -> bool:
    """Whether a row of the same table lacks what the question names and a chosen row has."""
    if one.kind != "table" or (one.source, one.group) != (chosen.source, chosen.group):
        return False
    return not one.terms >= (chosen.terms & question.weights.keys())


def _repeats(one: Candidate, other: Candidate) -> bool:
    both = len(one.terms & other.terms)
    either = len(one.terms | other.terms)
    return either > 0 and both / either >= _NEAR_REPEAT
