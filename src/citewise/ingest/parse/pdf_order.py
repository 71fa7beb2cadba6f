"""The order in which a page's lines are read, where the file's own order is clearly another.

Most files hold their text in reading order, and know better than any rule what belongs
together. So the file's order stays unless lines of neighbouring columns alternate in it,
or it goes up the page again and again.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from citewise.ingest.parse.pdf_words import Piece

Lines = list[list[Piece]]

_PROSE_WORDS = 4  # words of a piece that may be a line of a column
_COLUMN_LINES = 5  # of each column, at least
_FULL = 0.6  # of a column's width: how far most of its lines reach
_SWITCHES = 3  # between columns, more than which are no accident
_UPS = 0.3  # share of steps up the page that are no accident
_DEPTH = 2  # halves of halves: up to four columns


@dataclass(frozen=True, slots=True)
class Columns:
    """Two columns beside each other on a part of a page."""

    gutter: float  # x between them
    top: float
    bottom: float
    left: float  # of the left one
    right: float  # of the right one

    def side(self, piece: Piece) -> int:
        """0 for a piece in the left column, 1 in the right one, -1 for one in neither."""
        middle = (piece.top + piece.bottom) / 2
        if not self.top <= middle <= self.bottom or piece.left < self.left - 1 or piece.right > self.right + 1:
            return -1
        return 0 if piece.right <= self.gutter else 1 if piece.left >= self.gutter else -1


def regions_of(lines: Lines) -> list[Lines]:
    """Group a page's lines by column and put them into reading order.

    Args:
        lines: In the file's order; a line of several columns has pieces of each.

    Returns:
        Groups of lines, each from one column or from the page around columns, in reading order.
        Lines are as they were, but for those over several columns whose columns are read one by one.
    """
    return _regions(lines, _DEPTH)


def _regions(lines: Lines, depth: int) -> list[Lines]:
    columns = _columns([piece for line in lines for piece in line]) if depth else None
    if columns is None:
        return [_downwards(lines)]
    sides = [[columns.side(piece) for piece in line] for line in lines]
    inside = [index for index, line in enumerate(sides) if any(side >= 0 for side in line)]
    # Nothing between the columns' first and last line is taken out of its place.
    first, last = inside[0], inside[-1]
    middle, middle_sides = lines[first : last + 1], sides[first : last + 1]
    if not _alternates(middle, middle_sides, columns):
        return _by_runs(lines, sides, depth)
    around: tuple[Lines, Lines] = ([], [])  # above the columns, and below them
    halves: tuple[Lines, Lines] = ([], [])
    for line, line_sides in zip(middle, middle_sides, strict=True):
        for side, run in itertools.groupby(zip(line, line_sides, strict=True), key=lambda pair: pair[1]):
            pieces = [piece for piece, _ in run]
            if side >= 0:
                halves[side].append(pieces)
            else:
                around[pieces[0].top > (columns.top + columns.bottom) / 2].append(pieces)
    left, right = (_regions(_downwards(half), depth - 1) for half in halves)
    before, after = [*lines[:first], *around[0]], [*around[1], *lines[last + 1 :]]
    return [
        *(_regions(before, depth - 1) if before else []),
        *left,
        *right,
        *(_regions(after, depth - 1) if after else []),
    ]


def _by_runs(lines: Lines, sides: list[list[int]], depth: int) -> list[Lines]:
    """Cut lines whose order is right where they go from one column to another."""
    regions: list[Lines] = []
    keys = [line[0] if len(set(line)) == 1 else -1 for line in sides]
    for _, run in itertools.groupby(zip(lines, keys, strict=True), key=lambda pair: pair[1]):
        regions += _regions([line for line, _ in run], depth - 1)
    return regions


def _alternates(lines: Lines, sides: list[list[int]], columns: Columns) -> bool:
    order = [side for line in sides for side in line if side >= 0]
    switches = sum(before != after for before, after in itertools.pairwise(order))
    if switches > max(_SWITCHES, 0.2 * min(order.count(0), order.count(1))):
        return True
    # A narrow column on the left may be an aside; one as wide as the other is read first.
    widths = columns.gutter - columns.left, columns.right - columns.gutter
    return switches == 1 and order[0] == 1 and min(widths) > 0.7 * max(widths)


def _columns(pieces: Sequence[Piece]) -> Columns | None:
    """Find the gutter with the most lines of text on both sides of it, if there is one."""
    prose = [piece for piece in pieces if piece.words >= _PROSE_WORDS]
    if len(prose) < 2 * _COLUMN_LINES:
        return None
    left, right = min(piece.left for piece in prose), max(piece.right for piece in prose)
    rights = sorted(piece.right for piece in prose)
    lefts = sorted(piece.left for piece in prose)
    best: tuple[int, float] | None = None
    # A gutter ends where lines of the right column begin.
    starts = sorted({round(piece.left) for piece in prose if left + 0.2 * (right - left) < piece.left})
    for start in starts:
        gutter = start - 2.0
        before, after = bisect_right(rights, gutter), len(lefts) - bisect_left(lefts, gutter)
        crossing = len(prose) - before - after
        count = min(before, after) - crossing // 2
        if min(before, after) >= _COLUMN_LINES and (best is None or count > best[0]):
            best = count, gutter
    return _band(prose, best[1], left, right) if best else None


def _band(prose: Sequence[Piece], gutter: float, left: float, right: float) -> Columns | None:
    """Bound columns above and below by the lines that cross the gutter; ``None`` if they are no columns of text."""
    crossing = sorted(((p.top + p.bottom) / 2 for p in prose if p.left < gutter < p.right), key=float)
    edges = [float("-inf"), *crossing, float("inf")]
    best: Columns | None = None
    most = 0
    for top, bottom in itertools.pairwise(edges):
        inside = [piece for piece in prose if top < (piece.top + piece.bottom) / 2 < bottom]
        halves = [p for p in inside if p.right <= gutter], [p for p in inside if p.left >= gutter]
        if min(len(half) for half in halves) < _COLUMN_LINES:
            continue
        full = [
            median(piece.right - piece.left for piece in half)
            > _FULL * (max(p.right for p in half) - min(p.left for p in half))
            for half in halves
        ]
        # What stands beside each other, not above.
        low, high = (
            max(min(p.top for p in half) for half in halves),
            min(max(p.bottom for p in half) for half in halves),
        )
        beside = min(sum(low <= piece.top <= high for piece in half) for half in halves)
        if all(full) and beside >= _COLUMN_LINES and len(inside) > most:
            most = len(inside)
            best = Columns(gutter, min(p.top for p in inside), max(p.bottom for p in inside), left, right)
    return best


def _downwards(lines: Lines) -> Lines:
    """Sort lines from the top if the file's order goes up again and again."""
    steps = [
        (above[0], below[0])
        for above, below in itertools.pairwise(lines)
        if min(above[-1].right, below[-1].right) > max(above[0].left, below[0].left)
    ]
    ups = sum(below.bottom < above.top + 0.3 * above.height for above, below in steps)
    if ups <= max(_SWITCHES, _UPS * len(steps)):
        return lines
    return sorted(lines, key=lambda line: (round(line[0].bottom), line[0].left))
