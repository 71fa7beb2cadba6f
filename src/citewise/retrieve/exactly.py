"""What a question names exactly is not lost among what is merely alike: identifiers, codes, numbers.

A question for ``ERR-4711`` wants the chunks in which it stands, however well others fit in meaning and words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from citewise.language.identifiers import identifiers, normal
from citewise.retrieve.operators import fold
from citewise.types import ScoredChunk

MANY = 20
"""Chunks that a name is in, beyond which it tells them apart no more."""

_MOST = 8  # names of a question that are looked for
_NEAR_TOP = 3  # where the best chunk with a number stands at least
_CODE = re.compile(r"\b[^\W\d]\w*\d\w*\d\w*")  # ERR4711, WH1000XM4, but no 10mg
_NO_NAME = re.compile(r"\d+(?:-[^\W\d]+)+|[^\W\d_]+(?:[.:-][^\W\d_]+)*")  # 7-day-old; D.P.
_NUMBER = re.compile(r"(?<![\w.,:/-])\d+(?:[.,:]\d+)?(?![\w/-]|[.,:]\d)")  # a version has more than two parts
_LEAST_DIGITS = 3
_MOST_DIGITS = 4  # of what people count and date with; longer ones are numbers of something


@dataclass(frozen=True, slots=True)
class Names:
    """What a question names, folded."""

    firm: tuple[str, ...]  # identifiers and codes: chunks with them come first
    loose: tuple[str, ...]  # numbers, which a text may have for many reasons: one chunk with them comes near the top

    def __bool__(self) -> bool:
        return bool(self.firm or self.loose)

    @property
    def all(self) -> tuple[str, ...]:
        return self.firm + self.loose


def names_of(question: str, quoted: Sequence[str] = ()) -> Names:
    """Read off what a question names; what it quotes counts as an identifier."""
    text = normal(question)
    digits = {number: sum(map(str.isdigit, number)) for number in _NUMBER.findall(text)}
    loose = [number for number, count in digits.items() if _LEAST_DIGITS <= count <= _MOST_DIGITS]
    firm = [*identifiers(text), *_CODE.findall(text.lower())]
    firm = [one for one in firm if one not in digits and not _NO_NAME.fullmatch(one)]
    firm += [number for number, count in digits.items() if count > _MOST_DIGITS]
    firm = [*map(fold, quoted), *firm]
    # A part of an identifier says no more than the identifier.
    distinct = [one for one in dict.fromkeys(firm) if not any(one != other and one in other for other in firm)]
    return Names(tuple(map(fold, distinct[:_MOST])), tuple(loose[: max(0, _MOST - len(distinct))]))


def find_holders(names: Names, search: Callable[[str, int], Sequence[tuple[str, float]]]) -> dict[str, list[str]]:
    """Return by name the ids of chunks that may hold it; names that many chunks hold are left out.

    Args:
        names: Of a question.
        search: A phrase and a number to at most so many chunks with that phrase, best first.
    """
    found: dict[str, list[str]] = {}
    for name in names.all:
        ids = [chunk_id for chunk_id, _ in search(name, MANY + 1)]
        if 0 < len(ids) <= MANY:
            found[name] = ids
    return found


def keep_names(hits: Sequence[ScoredChunk], names: Names, holders: Mapping[str, Collection[str]]) -> list[ScoredChunk]:
    """Put hits with what the question names where they belong, and number them anew.

    Hits with identifiers come first, those with the most before the others; of each number the best hit that
    has it comes among the first three. Else the order stays. What is moved gets a score that fits its place.

    Args:
        hits: Best first.
        names: Of the question.
        holders: From ``find_holders``.
    """
    held = [_held(hit, names, holders) for hit in hits]
    if not any(held):
        return list(hits)
    firm = set(names.firm)
    counts = [len(own & firm) for own in held]
    order = sorted(range(len(hits)), key=lambda index: -counts[index])  # stable
    for number in names.loose:
        places = [place for place, index in enumerate(order) if number in held[index]]
        if places and places[0] >= _NEAR_TOP:
            order.insert(_NEAR_TOP - 1, order.pop(places[0]))
    return _in_order([(hits[index], counts[index] / len(firm) if counts[index] else 0.0) for index in order])


def _held(hit: ScoredChunk, names: Names, holders: Mapping[str, Collection[str]]) -> set[str]:
    candidates = [name for name in names.all if hit.chunk.id in holders.get(name, ())]
    if not candidates:
        return set()
    text = fold(hit.chunk.full_text)
    return {name for name in candidates if _pattern(name).search(text)}


def _in_order(hits: Sequence[tuple[ScoredChunk, float]]) -> list[ScoredChunk]:
    """Number hits and raise the score of each that stands before a better one; with the share of names they hold."""
    raised: list[ScoredChunk] = []
    least = float("-inf")
    for rank in range(len(hits), 0, -1):
        hit, share = hits[rank - 1]
        score = max(hit.score, least)
        scores = {**hit.scores, "exact": share} if share else hit.scores
        raised.append(replace(hit, rank=rank, score=score, scores=scores))
        least = score
    return raised[::-1]


@lru_cache(maxsize=256)
def _pattern(name: str) -> re.Pattern[str]:
    # "2.3" is not in "2.3.1", nor "ERR-47" in "ERR-47-11"; a path is in a longer one.
    return re.compile(rf"(?<!\w)(?<!\d[.,:/-]){re.escape(name)}(?!\w)(?![.,:/-]\d)")
