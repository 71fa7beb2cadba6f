"""Whether two values of the same thing differ, or are one value written in two ways.

Rounded and approximate values, ranges and bounds are given the benefit of the doubt.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from citewise.answer.facts import Fact
from citewise.language.dates import Date
from citewise.language.quantities import Quantity, agrees

_NEAR = 0.1  # share by which "about 40" and 43 may differ
_SLACK = 0.02  # share by which ranges in two units may miss each other


def values_differ(mine: Fact, theirs: Fact, *, norm: bool) -> bool:
    """Whether two values of the same thing cannot both be right.

    Args:
        mine: A value, with its figures.
        theirs: One of the same kind.
        norm: Whether one of them is a rule: then "up to five" and "up to eight" differ, which can both be true
            of what was counted.
    """
    if mine.kind == "date":
        return not any(_dates_meet(a, b) for a, b in zip(mine.figures, theirs.figures, strict=False))
    if mine.joint == theirs.joint != "":
        together = mine.joint == "and" or mine.kind == "clock"
        pairs = zip(mine.figures, theirs.figures, strict=True)
        return not all(_meet(a, b) for a, b in pairs) if together else _apart(mine.figures, theirs.figures)
    if "to" in (mine.joint, theirs.joint):
        return mine.kind != "clock" and _apart(mine.figures, theirs.figures)
    return _single_differ(mine.figures[0], theirs.figures[0], norm=norm)


def _single_differ(a: Quantity, b: Quantity, *, norm: bool) -> bool:
    if (a.per is None) != (b.per is None) or (a.per and b.per and a.per != b.per):
        return False
    open_bounds = ("least", "more", "most", "less")
    if a.bound in open_bounds and b.bound in open_bounds:
        up = ("least", "more")
        return norm and (a.bound in up) == (b.bound in up) and not _meet(_exact(a), _exact(b))
    return not _meet(a, b)


def _meet(a: Quantity, b: Quantity) -> bool:
    """Whether two figures can be the same value: equal, rounded, about, or one within the bound of the other."""
    if agrees(a, b) or agrees(b, a):
        return True
    if "about" in (a.bound, b.bound):
        return any(abs(x - y) <= _NEAR * max(abs(x), abs(y)) for x in a.values for y in b.values)
    return _rounded(a, b) or _rounded(b, a)


def _rounded(coarse: Quantity, fine: Quantity) -> bool:
    """``12`` for 12.4, and ``1,200`` for 1,240: written with fewer digits, and the same with so many."""
    digits = re.search(r"\d[\d.,]*", coarse.written)
    if digits is None or not fine.values or not coarse.values or fine.factor != coarse.factor:
        return False
    decimals = len(digits.group().partition(".")[2])
    one, other = coarse.values[0] / coarse.factor, fine.values[0] / fine.factor
    if other != int(other):
        return round(other, decimals) == one
    bare = re.sub(r"\D", "", digits.group()).rstrip("0")
    zeros = len(re.sub(r"\D", "", digits.group())) - len(bare)
    return zeros >= 2 and len(bare) >= 2 and float(f"{other:.{len(bare)}g}") == one


def _exact(figure: Quantity) -> Quantity:
    return Quantity(figure.start, figure.end, figure.written, figure.kind, figure.values, figure.factor)


def _apart(mine: Sequence[Quantity], theirs: Sequence[Quantity]) -> bool:
    """Whether two ranges, or a range and a value, have nothing in common."""
    ends = [[value for figure in figures for value in figure.values] for figures in (mine, theirs)]
    slack = 1e-6 + _SLACK * max(map(abs, (*ends[0], *ends[1])))
    return max(ends[0]) + slack < min(ends[1]) or max(ends[1]) + slack < min(ends[0])


def _dates_meet(a: Quantity, b: Quantity) -> bool:
    return any(_day_meets(x, y) for x in a.days for y in b.days) or agrees(a, b) or agrees(b, a)


def _day_meets(x: Date, y: Date) -> bool:
    """Whether two dates, as exact as they are given, can be the same."""
    if x.years > 1 or y.years > 1:
        return bool(x.year and y.year and x.year < y.year + y.years and y.year < x.year + x.years)
    pairs = ((x.year, y.year), (x.month, y.month), (x.day, y.day))
    return all(a is None or b is None or a == b for a, b in pairs)
