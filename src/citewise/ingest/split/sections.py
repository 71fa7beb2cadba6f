"""The parts of a document that no chunk mixes with others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise

from citewise.ingest.split.layout import Layout
from citewise.types import Block

FRAGMENT_CHARACTERS = 200  # shorter sections join a neighbour where both fit

_Opens = Callable[[Block, Block], bool]
"""The block before and a block: whether a section begins with it."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the blocks ``first`` to ``last``, or all of them."""

    first: int
    last: int
    start: int
    end: int

    @property
    def is_fragment(self) -> bool:
        return self.end - self.start < FRAGMENT_CHARACTERS


def runs(layout: Layout) -> Iterator[Section]:
    """What stands between furniture."""
    return _sections(layout, lambda _, __: False)


def by_heading(layout: Layout) -> Iterator[Section]:
    """Each heading with what follows it; headings that follow each other open one section together."""
    return _sections(layout, lambda before, block: block.kind == "heading" and before.kind != "heading")


def by_paragraph(layout: Layout) -> Iterator[Section]:
    """Each block by itself, with the headings or the caption above it."""
    return _sections(layout, lambda before, _: before.kind not in ("heading", "caption"))


def by_outline(layout: Layout) -> Iterator[Section]:
    """The largest parts of the outline that fit: a chapter with all that is below it, or else its sections."""
    leaves = list(by_heading(layout))
    ends = _subtree_ends([_depth(layout, leaf) for leaf in leaves])
    apart = [0, *accumulate(after.first > before.last + 1 for before, after in pairwise(leaves))]
    index = 0
    while index < len(leaves):
        leaf, last = leaves[index], ends[index] - 1
        if apart[last] == apart[index] and layout.fits(leaf.start, leaves[last].end):
            yield Section(leaf.first, leaves[last].last, leaf.start, leaves[last].end)
            index = last + 1
        else:
            yield leaf
            index += 1


def merged(layout: Layout, sections: Iterable[Section]) -> Iterator[Section]:
    """Join short sections with the next one, or else the one before, where both fit."""
    current: Section | None = None
    for section in sections:
        if current is None:
            current = section
            continue
        joined = Section(current.first, section.last, current.start, section.end)
        # A stray line without a heading, such as a cover's, says little by itself.
        stray = current.is_fragment and layout.blocks[current.first].kind != "heading"
        short = current.is_fragment or section.is_fragment
        apart = section.first > current.last + 1  # furniture stands between them
        if not apart and (stray or (short and layout.fits(joined.start, joined.end))):
            current = joined
        else:
            yield current
            current = section
    if current is not None:
        yield current


def _sections(layout: Layout, opens: _Opens) -> Iterator[Section]:
    first = None
    for index, block in enumerate(layout.blocks):
        begins = index > 0 and opens(layout.blocks[index - 1], block)
        if first is not None and (begins or block.kind == "furniture"):
            yield from _section(layout, first, index - 1)
            first = None
        if first is None and block.kind != "furniture":
            first = index
    if first is not None:
        yield from _section(layout, first, len(layout.blocks) - 1)


def _section(layout: Layout, first: int, last: int) -> Iterator[Section]:
    start, end = layout.trim(layout.blocks[first].start, layout.blocks[last].end)
    if start < end:
        yield Section(first, last, start, end)


def _depth(layout: Layout, section: Section) -> int | None:
    """How many headings stand above a section's own; ``None`` for one without a heading."""
    block = layout.blocks[section.first]
    return len(block.headings) if block.kind == "heading" else None


def _subtree_ends(depths: list[int | None]) -> list[int]:
    """For each section, where what is below it ends, exclusive; nothing is below one without a heading."""
    ends = [len(depths)] * len(depths)
    above: list[tuple[int, int]] = []  # depth and index of the headings that are open
    for index, depth in enumerate(depths):
        if depth is None:
            ends[index] = index + 1
            continue
        while above and above[-1][0] >= depth:
            ends[above.pop()[1]] = index
        above.append((depth, index))
    return ends
