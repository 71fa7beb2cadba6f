"""Which hits say something that better ones do not: repeats are left out, one document does not take all places."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, MutableMapping, Sequence

from citewise.language.terms import STOP_WORDS, fold, negated, terms
from citewise.retrieve.expand import REACH
from citewise.types import ScoredChunk

OVERLAP = 0.8
"""Share of four-word runs, of those in either text, from which two texts say the same."""

CLOSE = 0.5
"""How far up between the worst and the best score a hit of another document stands that is worth a place."""

_RUN = 4  # words
_WORD = re.compile(r"\w+")

Dropped = MutableMapping[str, str]
"""Chunk ids to why they were left out."""


def distinct(hits: Iterable[ScoredChunk], dropped: Dropped) -> Iterator[ScoredChunk]:
    """Yield hits, best first, without those whose text a better one has already.

    Texts that differ in a number, a name or a denial never count as the same, however alike
    they are: two contracts from one template are two answers.

    Args:
        hits: Best first.
        dropped: Gets the ids of those left out.
    """
    kept: list[tuple[ScoredChunk, _Text]] = []
    for hit in hits:
        text = _Text(hit.chunk.text)
        like = next((other for other, known in kept if text.says_the_same(known)), None)
        if like is not None:
            dropped[hit.chunk.id] = f"near-duplicate of {like.chunk.id} in {like.source}"
            continue
        kept.append((hit, text))
        yield hit


class _Text:
    """A text, compared by its runs of words."""

    __slots__ = ("_runs", "_text", "_words")

    def __init__(self, text: str) -> None:
        self._text = text
        self._words = _WORD.findall(text)
        folded = [word.casefold() for word in self._words]
        self._runs = set(zip(*(folded[at:] for at in range(_RUN)), strict=False)) or {tuple(folded)}

    def says_the_same(self, other: _Text) -> bool:
        mine, theirs = self._runs, other._runs
        if min(len(mine), len(theirs)) < OVERLAP * max(len(mine), len(theirs)):
            return False
        shared = len(mine & theirs)
        if shared < OVERLAP * (len(mine) + len(theirs) - shared):
            return False
        differing = {*self._words} ^ {*other._words}
        return not any(_tells_apart(word) for word in differing) and negated(self._text) == negated(other._text)


def _tells_apart(word: str) -> bool:
    has_number = any(character.isdigit() for character in word)
    return has_number or (word[0].isupper() and word.casefold() not in STOP_WORDS)


def spread(hits: Sequence[ScoredChunk], *, k: int, per_document: int, dropped: Dropped) -> list[ScoredChunk]:
    """Return hits, best first, in which no document has more than its share while others have something close.

    A document gets more than ``per_document`` of the ``k`` places only where no other hit is
    ``CLOSE`` to the best one.

    Args:
        hits: Best first.
        k: Places.
        per_document: Places of one document, >= 1.
        dropped: Gets the ids of those left out for others.
    """
    if len({hit.chunk.document_id for hit in hits}) < 2:
        return list(hits)
    best, worst = hits[0].score, hits[-1].score
    close = worst + CLOSE * (best - worst)
    taken: defaultdict[str, list[int]] = defaultdict(list)
    waiting: list[ScoredChunk] = []
    chosen: list[ScoredChunk] = []
    rest: list[ScoredChunk] = []
    places = 0
    for hit in hits:
        own = taken[hit.chunk.document_id]
        if any(abs(hit.chunk.ordinal - other) <= REACH for other in own):
            chosen.append(hit)  # takes no place of its own: it becomes part of the passage beside it
        elif places >= k or hit.score < close:
            rest.append(hit)
        elif len(own) >= per_document:
            waiting.append(hit)
        else:
            own.append(hit.chunk.ordinal)
            places += 1
            chosen.append(hit)
    back = waiting[: max(0, k - places)]
    for hit in waiting[len(back) :]:
        dropped[hit.chunk.id] = f"more than {per_document} of {hit.source}"
    order = {hit.chunk.id: place for place, hit in enumerate(hits)}
    return sorted((*chosen, *back), key=lambda hit: order[hit.chunk.id]) + rest


def names_one(question: str, hits: Sequence[ScoredChunk]) -> bool:
    """Whether a question names a document of the hits: by its file name, or by every word of its title."""
    asked = set(terms(question))
    folded = fold(question)
    for source, title in {(hit.source, hit.title) for hit in hits}:
        name = source.rsplit("/", 1)[-1]
        if fold(name) in folded or (len(stem := name.rsplit(".", 1)[0]) > 3 and fold(stem) in folded):
            return True
        own = set(terms(title))
        if len(own) > 1 and own <= asked:
            return True
    return False
