"""How much of a sentence do its quotes hold, by words and by meaning?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from citewise.answer.check.reading import Reading
from citewise.language.quantities import agrees
from citewise.types import Vectors

Embed = Callable[[Sequence[str]], Vectors]
"""Texts to unit vectors, in order."""

_SENTENCES = 12  # of the quotes that are compared by meaning: those that share most words
_COUNTERPART = 0.42  # cosine of two single words from which one can stand for the other
_PREFIX = 5  # letters that two forms of one word share at least


def share_of_words(claim: Reading, quoted: Sequence[Reading]) -> float:
    """Share of the claim's content words and figures that the quotes hold, 0 to 1."""
    present = {term for one in quoted for term in one.terms}
    given = [figure for one in quoted for figure in one.figures]
    held = sum(_held(term, present) for term in claim.terms)
    held += sum(any(agrees(figure, other) for other in given) for figure in claim.figures)
    wanted = len(claim.terms) + len(claim.figures)
    return held / wanted if wanted else 0.0


def _held(term: str, present: set[str]) -> bool:
    return term in present or any(_same_word(term, other) for other in present)


@lru_cache(maxsize=50_000)
def _same_word(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return len(shorter) >= _PREFIX and longer.startswith(shorter) and len(longer) - len(shorter) <= 3


def share_of_one(claim: Reading, quoted: Sequence[Reading]) -> float:
    """Share of the claim's content words in the one sentence of the quotes that has most of them."""
    if not claim.terms:
        return 1.0
    return max((len(claim.terms & one.terms) for one in quoted), default=0) / len(claim.terms)


def similarity(claim: Reading, quoted: Sequence[Reading], embed: Embed) -> float:
    """Cosine of the claim and the one or two neighbouring sentences of the quotes that are closest to it.

    A pair's vector is the direction of the sum of its sentences', which spares embedding it.
    """
    chosen = _chosen(claim, quoted)
    vectors = embed([claim.text, *(quoted[index].text for index in chosen)])
    claim_vector, rows = vectors[0], vectors[1:]
    best = float((rows @ claim_vector).max())
    for at in range(len(chosen) - 1):
        if chosen[at + 1] == chosen[at] + 1:
            together = rows[at] + rows[at + 1]
            best = max(best, float(together @ claim_vector / np.linalg.norm(together)))
    return best


def _chosen(claim: Reading, quoted: Sequence[Reading]) -> list[int]:
    order = sorted(range(len(quoted)), key=lambda index: (-len(claim.terms & quoted[index].terms), index))
    return sorted(order[:_SENTENCES])


def new_words(claim: Reading, quoted: Sequence[Reading], embed: Embed) -> list[str]:
    """Words of the claim that no word of the quotes equals or is near to in meaning, as written.

    One such word can make all the difference between two texts that are about the same.
    """
    present = {term for one in quoted for term in one.terms}
    missing = {word.term: word.text for word in claim.words if word.term and not _held(word.term, present)}
    theirs = list({word.term: word.text for one in quoted for word in one.words if word.term}.values())
    if not missing or not theirs:
        return list(missing.values())
    vectors = embed([*missing.values(), *theirs])
    nearest = (vectors[: len(missing)] @ vectors[len(missing) :].T).max(axis=1)
    return [word for word, near in zip(missing.values(), nearest, strict=True) if near < _COUNTERPART]
