"""Parting sections where neighbouring sentences part in meaning.

Of all ways to group a section's sentences into chunks that fit, the one is taken whose chunks
hold the most alike sentences together: the sum, over all pairs within a chunk, of how much more
alike they are than two sentences of this document usually are. That is ClusterSemanticChunker of
Smith and Troynikov, "Evaluating Chunking Strategies for Retrieval" (Chroma, 2024), with pairs up
to ``_REACH`` sentences apart, so that time and memory grow with the length of the document only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from citewise.ingest.split.layout import Layout
from citewise.ingest.split.sections import FRAGMENT_CHARACTERS, Section
from citewise.types import Vector, Vectors

Embed = Callable[[Sequence[str]], Vectors]
"""Texts to unit vectors, shape ``(n, dimension)``, in order."""

_UNIT_CHARACTERS = 80  # shorter sentences are joined: "Yes." has no meaning to compare
_REACH = 16  # sentences between which likeness is looked at
_AT_ONCE = 256  # sentences embedded together, so that memory does not follow the length of the document
_FRAGMENT_COST = 1e6  # of a chunk that is too short, more than any likeness is worth

_Units = Sequence[tuple[int, int]]
_Likeness = NDArray[np.float32]  # (units, reach): of a unit with the 1st, 2nd, … after it; 0 beyond the section


def by_meaning(layout: Layout, sections: Iterable[Section], embed: Embed) -> Iterator[Section]:
    """Part sections into the groups of sentences that are most alike.

    Args:
        layout: The document.
        sections: In order; each stays whole where its sentences are too few to compare.
        embed: Texts to unit vectors.
    """
    units = [_units(layout, section) for section in sections]
    found = [_likeness(layout, each, embed) for each in units]
    usual = _usual([total for _, total in found], sum(len(each) for each in units if len(each) > 1))
    for its_units, (likeness, _) in zip(units, found, strict=True):
        for start, end in _groups(layout, its_units, likeness, usual):
            yield Section(layout.block_index(start), layout.block_index(end - 1), start, end)


def _units(layout: Layout, section: Section) -> _Units:
    """The sentences of a section; rows, code, and what headings stand above stay in one piece."""
    starts = layout.block_starts[section.first + 1 : section.last + 1]
    ends = layout.places(layout.sentence_end, section.start, section.end)
    cuts = [section.start]
    for place in sorted({*starts, *ends}):
        if place - cuts[-1] >= _UNIT_CHARACTERS and section.end - place >= _UNIT_CHARACTERS and layout.may_cut(place):
            cuts.append(place)
    return [layout.trim(start, end) for start, end in pairwise((*cuts, section.end))]


def _likeness(layout: Layout, units: _Units, embed: Embed) -> tuple[_Likeness, Vector | float]:
    """Compare the units of a section with those after them; returns the sum of their vectors too."""
    found = np.zeros((len(units), _REACH), dtype=np.float32)
    if len(units) < 2:
        return found, 0.0  # nothing to part, so nothing to embed
    total: Vector | float = 0.0
    before: Vectors | None = None  # the last ones of the former batch
    for begin in range(0, len(units), _AT_ONCE):
        fresh = embed([layout.text[start:end] for start, end in units[begin : begin + _AT_ONCE]])
        total = total + fresh.sum(axis=0)
        vectors = fresh if before is None else np.concatenate([before, fresh])
        first = begin + len(fresh) - len(vectors)
        for distance in range(1, min(_REACH, len(vectors) - 1) + 1):
            pairs = np.einsum("ij,ij->i", vectors[:-distance], vectors[distance:])
            found[first : first + len(pairs), distance - 1] = pairs
        before = vectors[-_REACH:]
    return found.round(3), total  # rounded, since the last bits depend on the machine


def _usual(totals: Sequence[Vector | float], count: int) -> float:
    """How alike two of a document's ``count`` sentences are on average, wherever they stand."""
    if count < 2:
        return 0.0
    # The square of a sum of unit vectors is their number and twice the likeness of all pairs.
    return round(float(np.square(sum(totals)).sum() - count) / (count * (count - 1)), 3)


def _groups(layout: Layout, units: _Units, likeness: _Likeness, usual: float) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each group of units, by dynamic programming from the end of the section."""
    # What a unit adds to a group in which 1, 2, … units follow it.
    gains = np.cumsum(likeness - np.float32(usual), axis=1, dtype=np.float64).tolist()
    best = [0.0] * (len(units) + 1)  # of the units from here on
    sizes = [1] * len(units)  # of the group that begins here, in units
    within: list[float] = []  # how alike the units of a group of 1, 2, … units from here on are
    for first in range(len(units) - 1, -1, -1):
        gain = gains[first]
        within = [0.0, *(each + gain[min(more, _REACH - 1)] for more, each in enumerate(within))]
        best[first] = -np.inf
        for size, alike in enumerate(within, 1):
            start, end = units[first][0], units[first + size - 1][1]
            if size > 1 and not layout.fits(start, end):
                del within[size - 1 :]
                break
            worth = alike + best[first + size] - _FRAGMENT_COST * (end - start < FRAGMENT_CHARACTERS)
            if worth >= best[first]:
                best[first], sizes[first] = worth, size
    first = 0
    while first < len(units):
        last = first + sizes[first] - 1
        yield units[first][0], units[last][1]
        first = last + 1
