"""Where a passage stands in its original, in words that a person can follow there.

``page 3``, ``slide 3 · Title 1``, ``Budget!A5:C9``, ``Attachment offer.pdf``, ``lines 12–20``;
for formats that have none of these the path of headings.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

from citewise.types import PageSpan, Place

_NAMED = 3  # parts named one by one; of more, the first and the last
_CELLS = re.compile(r"([A-Z]+)([0-9]+)(?::([A-Z]+)([0-9]+))?")
_PLAIN_SHEET = re.compile(r"[^\W\d]\w*")
_OWN_LINES = frozenset(
    {"text/plain", "text/markdown", "text/x-source", "text/csv", "text/tab-separated-values"}
    | {"application/json", "application/jsonl"}
)


@dataclass(frozen=True, slots=True)
class Layout:
    """What tells where the text of one version stands in its original."""

    media_type: str = ""
    pages: tuple[PageSpan, ...] = ()
    places: tuple[Place, ...] = ()
    breaks: Sequence[int] | None = None  # positions of line breaks; None where lines are not the file's own


def has_lines(media_type: str) -> bool:
    """Whether the text of such a document is its file's own, line for line, if it has no places."""
    return media_type in _OWN_LINES


def is_slides(media_type: str) -> bool:
    """Whether the pages of such a document are slides."""
    return "presentation" in media_type or "powerpoint" in media_type


def line_breaks(text: str) -> array[int]:
    """Return the positions of all line breaks."""
    return array("q", (found.start() for found in re.finditer("\n", text)))


def locator(layout: Layout, start: int, end: int, *, headings: Sequence[str] = ()) -> str:
    """Say where ``text[start:end]`` stands.

    Args:
        layout: Of the document.
        start: Characters.
        end: Exclusive.
        headings: The path above it, for documents that have neither pages nor parts nor lines.

    Returns:
        Words for a person; empty where nothing is known.
    """
    pages = [page.number for page in _touched(layout.pages, start, end)]
    places = _touched(layout.places, start, end)
    noun = "slide" if is_slides(layout.media_type) else "page"
    paged = _numbers(noun, pages[0], pages[-1]) if pages else ""
    if any(place.cells for place in places):
        return _joined([paged, _cells(places)])
    parts = list(dict.fromkeys(place.part for place in places if place.part))
    if noun == "slide" and len(pages) > 1:
        parts = []  # shapes are called the same on every slide
    if paged or parts:
        return _joined([paged, _parts(parts)])
    if layout.breaks is not None:
        first = bisect_left(layout.breaks, start) + 1
        return _numbers("line", first, max(first, bisect_left(layout.breaks, max(start, end - 1)) + 1))
    return " › ".join(headings)


_Span = TypeVar("_Span", PageSpan, Place)


def _touched(spans: Sequence[_Span], start: int, end: int) -> list[_Span]:
    found = []
    for index in range(bisect_right(spans, start, key=lambda span: span.end), len(spans)):
        if spans[index].start >= end:
            break
        found.append(spans[index])
    return found


def _numbers(noun: str, first: int, last: int) -> str:
    return f"{noun} {first}" if first == last else f"{noun}s {first}–{last}"


def _joined(parts: Sequence[str]) -> str:
    return " · ".join(part for part in parts if part)


def _parts(parts: Sequence[str]) -> str:
    return ", ".join(parts) if len(parts) <= _NAMED else f"{parts[0]} … {parts[-1]}"


def _cells(places: Sequence[Place]) -> str:
    """Merge the cells of neighbouring rows, sheet by sheet: ``Budget!A5:C9``."""
    ranges: list[str] = []
    for sheet, group in groupby((place for place in places if place.cells), key=lambda place: place.part):
        cells = [place.cells for place in group]
        merged = _merged(cells)
        name = sheet if _PLAIN_SHEET.fullmatch(sheet) else "'{}'".format(sheet.replace("'", "''"))
        ranges.append(f"{name}!{merged}" if sheet else merged)
    return _parts(ranges)


def _merged(cells: Sequence[str]) -> str:
    corners = [found.groups() for found in map(_CELLS.fullmatch, cells) if found]
    if len(corners) < len(cells):  # a part that is no range of cells: as its parser wrote it
        return _parts(list(dict.fromkeys(cells)))
    columns = [column for left, _, right, _ in corners for column in (left, right or left)]
    rows = [int(row) for _, top, _, bottom in corners for row in (top, bottom or top)]
    by_place = sorted(columns, key=lambda column: (len(column), column))
    first, last = f"{by_place[0]}{min(rows)}", f"{by_place[-1]}{max(rows)}"
    return first if first == last else f"{first}:{last}"
