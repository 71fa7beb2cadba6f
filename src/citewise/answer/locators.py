"""Where a passage stands in its original, in words that a person can follow there.

``page 3``, ``slide 3 · Title 1``, ``Budget!A5:C9``, ``Attachment offer.pdf``, ``lines 12–20``;
for formats that have none of these the path of headings.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from threading import Lock
from typing import TypeVar

from citewise.registry import documents
from citewise.registry.database import Registry
from citewise.types import Citation, PageSpan, Place, ScoredChunk

_KEPT = 200_000  # pages, places and lines remembered between questions: some tens of MB at most
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


class Locators:
    """Finds the locators of passages; remembers the layouts it read. May be used from any thread."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._layouts: OrderedDict[tuple[str, int], Layout] = OrderedDict()
        self._lock = Lock()

    def of_hits(self, hits: Sequence[ScoredChunk]) -> tuple[ScoredChunk, ...]:
        """Give chunks their locators; one whose text was erased meanwhile has none."""
        layouts = self._of((hit.chunk.document_id, hit.chunk.version) for hit in hits)
        return tuple(
            replace(
                hit,
                locator=locator(
                    layouts.get((hit.chunk.document_id, hit.chunk.version), Layout()),
                    hit.chunk.start,
                    hit.chunk.end,
                    headings=hit.chunk.headings,
                ),
            )
            for hit in hits
        )

    def of_citations(self, citations: Sequence[Citation]) -> tuple[Citation, ...]:
        """Give quoted words their locators; see ``of_hits``."""
        layouts = self._of((one.document_id, one.version) for one in citations)
        return tuple(
            replace(
                one,
                locator=locator(
                    layouts.get((one.document_id, one.version), Layout()), one.start, one.end, headings=one.headings
                ),
            )
            for one in citations
        )

    def _of(self, keys: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Layout]:
        wanted = set(keys)
        with self._lock:
            known = {key: self._layouts[key] for key in wanted if key in self._layouts}
            for key in known:
                self._layouts.move_to_end(key)
        missing = wanted - known.keys()
        if missing:
            read = self._read(missing)
            known |= read
            self._remember(read)
        return known

    def _read(self, keys: Collection[tuple[str, int]]) -> dict[tuple[str, int], Layout]:
        with self._registry.read() as rx:
            found = {
                key: Layout(media_type, pages, places)
                for key, (media_type, pages, places) in documents.layouts(rx, keys).items()
            }
            by_line = [
                key
                for key, layout in found.items()
                if has_lines(layout.media_type) and not layout.pages and not layout.places
            ]
            for key, text in documents.texts_of(rx, by_line).items():
                found[key] = replace(found[key], breaks=line_breaks(text))
        return found

    def _remember(self, read: dict[tuple[str, int], Layout]) -> None:
        with self._lock:
            self._layouts.update(read)
            size = sum(map(_size, self._layouts.values()))
            while size > _KEPT:
                _, oldest = self._layouts.popitem(last=False)
                size -= _size(oldest)


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


def _size(layout: Layout) -> int:
    # A line break takes eight bytes, a page or place about a hundred.
    return 1 + len(layout.pages) + len(layout.places) + len(layout.breaks or ()) // 12
