"""Where quoted words stand: on which page, and in which boxes of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from citewise.errors import CitewiseError
from citewise.registry import documents
from citewise.registry.database import Registry
from citewise.types import PDF, Box, Citation, Original, PageSpan, Word

log = structlog.get_logger(__name__)

PageBoxes = Callable[[Original, list[tuple[int, int, int, str]]], list[tuple[Box, ...]]]
"""An original and spans ``(page, start, end, words)``, relative to each page, to the boxes of each span."""


_FAR = 2.0  # of a word's height: the next word begins another box, as the cell of a table does


@dataclass(frozen=True, slots=True)
class PagePart:
    """What a quote takes of one page."""

    page: int  # 1-based
    start: int  # in the document's text
    end: int
    page_start: int  # where the page begins in the document's text
    words: str  # what stands there


class PageMaps:
    """Finds pages of positions; remembers the page maps it read."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._pages: dict[tuple[str, int], tuple[PageSpan, ...]] = {}
        self._words: dict[tuple[str, int], dict[int, list[Word]]] = {}

    def page_of(self, document_id: str, version: int, position: int) -> int | None:
        """The 1-based page of a character, ``None`` where the format has no pages."""
        for page in self._of(document_id, version):
            if position < page.end:
                return page.number
        return None

    def parts_of(self, citation: Citation) -> list[PagePart]:
        """Cut a quote at page ends."""
        parts = []
        for page in self._of(citation.document_id, citation.version):
            start, end = max(citation.start, page.start), min(citation.end, page.end)
            if start < end:
                words = citation.quote[start - citation.start : end - citation.start]
                parts.append(PagePart(page.number, start, end, page.start, words))
        return parts

    def words_of(self, document_id: str, version: int) -> Mapping[int, Sequence[Word]]:
        """The recognised words of a version, in order, by page; pages with text of their own have none."""
        key = (document_id, version)
        if key not in self._words:
            with self._registry.read() as rx:
                words = documents.words(rx, document_id, version)
            by_page: dict[int, list[Word]] = {}
            for word in words:
                by_page.setdefault(word.box.page, []).append(word)
            self._words[key] = by_page
        return self._words[key]

    def _of(self, document_id: str, version: int) -> tuple[PageSpan, ...]:
        key = (document_id, version)
        if key not in self._pages:
            with self._registry.read() as rx:
                self._pages[key] = documents.pages(rx, document_id, version)
        return self._pages[key]


def locate(
    citations: Sequence[Citation],
    pages: PageMaps,
    *,
    original: Callable[[str, int], Original],
    page_boxes: PageBoxes,
) -> tuple[Citation, ...]:
    """Give citations of PDF files and pictures the boxes of their words.

    Those of recognised words were stored; the others are computed from the stored original.

    Args:
        citations: As ``cite`` made them; those without a page stay as they are.
        pages: Of the documents they quote.
        original: Gives the bytes of a document's version; may raise a ``CitewiseError``.
        page_boxes: See ``PageBoxes``; may raise a ``CitewiseError``.
    """
    located = list(citations)
    by_document: dict[tuple[str, int], list[int]] = {}
    for position, citation in enumerate(citations):
        if citation.page is not None:
            by_document.setdefault((citation.document_id, citation.version), []).append(position)
    for key, positions in by_document.items():
        parts = [pages.parts_of(located[position]) for position in positions]
        try:
            file = original(*key)
            words = pages.words_of(*key)
            printed = {part for group in parts for part in group if file.media_type == PDF and part.page not in words}
            boxes = _printed_boxes(printed, file, page_boxes)
        except CitewiseError:
            # The answer stands without boxes; its quotes are marked in the text instead.
            log.exception("boxes not found", document_id=key[0])
            continue
        for position, group in zip(positions, parts, strict=True):
            joined = tuple(
                box for part in group for box in boxes.get(part) or _boxes_of_words(part, words.get(part.page, ()))
            )
            located[position] = replace(located[position], boxes=joined)
    return tuple(located)


def _printed_boxes(
    parts: Collection[PagePart], file: Original, page_boxes: PageBoxes
) -> dict[PagePart, tuple[Box, ...]]:
    ordered = sorted(parts, key=lambda part: (part.start, part.end))
    spans = [(part.page, part.start - part.page_start, part.end - part.page_start, part.words) for part in ordered]
    return dict(zip(ordered, page_boxes(file, spans), strict=True)) if spans else {}


def _boxes_of_words(part: PagePart, words: Sequence[Word]) -> tuple[Box, ...]:
    """Join the boxes of recognised words that stand beside each other in one line of the text."""
    boxes: list[Box] = []
    before: Word | None = None
    for word in words:
        if word.end <= part.start or word.start >= part.end:
            continue
        box = word.box
        between = part.words[max(before.end - part.start, 0) : word.start - part.start] if before else "\n"
        if (
            "\n" in between
            or before is None
            or _distance(before.box, box) > _FAR * min(box.x1 - box.x0, box.y1 - box.y0)
        ):
            boxes.append(box)
        else:
            last = boxes[-1]
            boxes[-1] = Box(
                box.page, min(last.x0, box.x0), min(last.y0, box.y0), max(last.x1, box.x1), max(last.y1, box.y1)
            )
        before = word
    return tuple(boxes)


def _distance(one: Box, other: Box) -> float:
    """Free space between two boxes, in whichever direction there is more."""
    across = max(one.x0, other.x0) - min(one.x1, other.x1)
    down = max(one.y0, other.y0) - min(one.y1, other.y1)
    return max(across, down)
