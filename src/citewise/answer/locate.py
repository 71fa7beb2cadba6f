"""Where quoted words stand: on which page, and in which boxes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from citewise.errors import CitewiseError
from citewise.registry import documents
from citewise.registry.database import Registry
from citewise.types import PDF, Box, Citation, Original, PageSpan

log = structlog.get_logger(__name__)

PageBoxes = Callable[[Original, list[tuple[int, int, int, str]]], list[tuple[Box, ...]]]
"""An original and spans ``(page, start, end, words)``, relative to each page, to the boxes of each span."""


class PageMaps:
    """Finds pages of positions; remembers the page maps it read."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._pages: dict[tuple[str, int], tuple[PageSpan, ...]] = {}

    def page_of(self, document_id: str, version: int, position: int) -> int | None:
        """The 1-based page of a character, ``None`` where the format has no pages."""
        for page in self._of(document_id, version):
            if position < page.end:
                return page.number
        return None

    def spans_of(self, citation: Citation) -> list[tuple[int, int, int, str]]:
        """Cut a quote at page ends: ``(page, start, end, words)`` with positions relative to each page."""
        spans = []
        for page in self._of(citation.document_id, citation.version):
            start, end = max(citation.start, page.start), min(citation.end, page.end)
            if start < end:
                words = citation.quote[start - citation.start : end - citation.start]
                spans.append((page.number, start - page.start, end - page.start, words))
        return spans

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
    """Give citations of PDF files the boxes of their words, computed from the stored original.

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
    for (document_id, version), positions in by_document.items():
        spans = [pages.spans_of(located[i]) for i in positions]
        try:
            file = original(document_id, version)
            if file.media_type != PDF:
                continue
            boxes = page_boxes(file, [span for group in spans for span in group])
        except CitewiseError:
            # The answer stands without boxes; its quotes are marked in the text instead.
            log.exception("boxes not found", document_id=document_id)
            continue
        found = iter(boxes)
        for position, group in zip(positions, spans, strict=True):
            joined = tuple(box for _ in group for box in next(found))
            located[position] = replace(located[position], boxes=joined)
    return tuple(located)
