"""Cutting a section into chunks that fit."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from citewise.ingest.split.boundaries import SPACE, Boundary, of_words
from citewise.ingest.split.layout import Layout
from citewise.ingest.split.sections import FRAGMENT_CHARACTERS, Section
from citewise.types import Span

_BETWEEN_CELLS = re.compile(r"\s\|\s")


class Cutter:
    """Cuts the sections of one document.

    Args:
        layout: The document.
        overlap: Tokens that a chunk may repeat from the end of the one before it; none across a
            heading, and never more than a quarter of a chunk.
        boundary: Where to cut.
        fill: Take the last boundary that fits, however short the chunk gets, and not only
            those in the second half of what fits.
    """

    def __init__(self, layout: Layout, *, overlap: int, boundary: Boundary, fill: bool) -> None:
        self._layout = layout
        self._overlap = overlap
        self._boundary = boundary
        self._fill = fill

    def cut(self, section: Section) -> Iterator[Span]:
        """Yield the chunks of a section, in order."""
        layout = self._layout
        start = covered = section.start
        while covered < section.end:
            budget = layout.budget(start, start + 1)
            end = self._end_of_chunk(start, covered, budget, section.end)
            while end is not None and (less := layout.budget(start, end)) < budget:
                budget = less  # the chunk reaches rows whose caption or headers it does not hold
                end = self._end_of_chunk(start, covered, budget, section.end)
            if end is None:
                start = covered  # what comes next fits only without the overlap
                continue
            yield from self._within_size(start, end)
            covered = layout.skip_space(end, section.end)
            start = self._overlapping_start(start, covered, min(self._overlap, budget // 4))

    def _end_of_chunk(self, start: int, covered: int, budget: int, section_end: int) -> int | None:
        """Return where a chunk from ``start`` best ends, beyond ``covered``; ``None`` if it fits only from there on."""
        tokens = self._layout.tokens
        limit = tokens.forward(start, budget)
        if limit is None or limit >= section_end:
            return section_end
        least = tokens.forward(start, budget // 2) or start
        if self._fill:
            least = min(least, start + FRAGMENT_CHARACTERS)
        low = max(least, covered)
        cut = self._boundary(self._layout, low, limit)
        if cut is not None and section_end - cut < FRAGMENT_CHARACTERS:
            # A rest of a few words is better shared out, where both parts fit.
            earlier = self._boundary(self._layout, low, section_end - FRAGMENT_CHARACTERS)
            if earlier is not None and tokens.count(earlier, section_end) + self._overlap <= self._layout.budget(
                earlier, section_end
            ):
                return earlier
        if cut is None:
            cut = of_words(self._layout, covered, limit)
        return self._end_within(start, limit) if cut is None and start == covered else cut

    def _end_within(self, start: int, limit: int) -> int:
        """Return where to cut a word or a row that alone is too long, in ``start < place <= limit``."""
        layout = self._layout
        if layout.rows.around(limit):
            # A cell is better whole, but not at the price of a chunk that says next to nothing.
            cut = max(layout.places(_BETWEEN_CELLS, (start + limit) // 2, limit), default=None)
            cut = cut or max(layout.places(SPACE, start, limit), default=None)
            if cut is not None:
                return cut
        return limit

    def _overlapping_start(self, last_start: int, covered: int, overlap: int) -> int:
        """Return where the chunk that has to cover from ``covered`` on begins, at most ``overlap`` tokens before."""
        layout = self._layout
        if overlap == 0 or covered >= len(layout.text):
            return covered
        blocks = layout.blocks
        index = bisect_left(layout.block_starts, covered)
        if index < len(blocks) and blocks[index].start == covered and blocks[index].kind == "heading":
            return covered
        earliest = max(layout.tokens.back(covered, overlap), last_start + 1)
        starts = []
        while index > 0 and blocks[index - 1].end > earliest:
            index -= 1
            if blocks[index].kind == "heading":
                earliest = max(earliest, blocks[index].end)
                break
            starts.append(blocks[index].start)
        for pattern in (layout.sentence_end, SPACE):
            matches = pattern.finditer(layout.text, max(0, earliest - 1), covered)
            starts += [match.end() for match in matches]
            inside = [start for start in starts if earliest <= start < covered and not layout.rows.around(start)]
            if inside:
                return layout.skip_space(min(inside), covered)
        return covered

    def _within_size(self, start: int, end: int) -> Iterator[Span]:
        """Yield ``start`` to ``end`` as one span, or as several where its own tokenization is too long."""
        layout = self._layout
        start, end = layout.trim(start, end)
        if start >= end:
            return
        if span := layout.span(start, end):
            yield span
            return
        half = layout.tokens.forward(start, max(1, layout.tokens.count(start, end) // 2))
        middle = half if half is not None and start < half < end else (start + end) // 2
        cut = of_words(layout, start, middle) or self._end_within(start, middle)
        yield from self._within_size(start, cut)
        yield from self._within_size(cut, end)
