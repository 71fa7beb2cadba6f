"""When a document is of, as far as its name or its first lines tell."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from citewise.language.dates import Date, dates
from citewise.types import Citation, Conflict, Side

HEAD = 300
"""Characters in which a document says when it is of."""

_CUE = re.compile(
    r"\b(?:edition|revised|in force|updated?|version|dated|as of|changed|issued|published|printed)\b[^.\n]*$",
    re.IGNORECASE,
)

Dated = tuple[Date, str]
"""A date, and where it stands, as words."""


def date_of(source: str, title: str, head: str) -> Dated | None:
    """Return the date that a document gives itself.

    Args:
        source: Its name; looked at first, and its title.
        title: May be empty.
        head: How its text begins. A year alone counts only behind a word such as "revised".

    Returns:
        ``None`` where there is no date, or more than one year in the name.
    """
    for name in (re.sub(r"[_.]", " ", source), title):
        found = {day for _, _, days in dates(name) for day in days[:1] if day.year}
        if len({day.year for day in found}) == 1:
            return max(found, key=_exactness), "in its name"
        if found:
            return None
    for start, _, days in dates(head[:HEAD]):
        day = days[0]
        if day.year and day.years == 1 and (day.month or _CUE.search(head[:start])):
            return day, "in its first lines"
    return None


def with_dates(conflict: Conflict, head_of: Callable[[Citation], str]) -> Conflict:
    """Say of both sides what they are dated, and which is newer where that is known.

    Args:
        conflict: Of two documents; of one document nothing is said.
        head_of: How the text of a side's document begins; empty when it is gone.
    """
    one, other = conflict.sides
    if (one.citation.document_id, one.citation.version) == (other.citation.document_id, other.citation.version):
        return conflict
    found = [date_of(side.citation.source, side.citation.title, head_of(side.citation)) for side in conflict.sides]
    sides = [_dated(side, dated) for side, dated in zip(conflict.sides, found, strict=True)]
    conflict = replace(conflict, one=sides[0], other=sides[1])
    if found[0] is None or found[1] is None:
        return conflict
    (first, last), (others_first, others_last) = found[0][0].range(), found[1][0].range()
    if last < others_first:
        return replace(conflict, newer="other")
    return replace(conflict, newer="one") if others_last < first else conflict


def _exactness(day: Date) -> tuple[bool, bool]:
    return day.month is not None, day.day is not None


def _dated(side: Side, dated: Dated | None) -> Side:
    if dated is None:
        return side
    day, where = dated
    parts = [f"{part:02}" for part in (day.year, day.month, day.day) if part]
    return replace(side, dated="-".join(parts), dated_by=where)
