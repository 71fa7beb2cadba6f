"""Which documents behind an answer could not be read in full.

What is kept with the answer are ids and counts, no names or words of a document, so that
erasing one leaves nothing of it here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from citewise.answer.locators import is_slides
from citewise.types import Answer, Document


@dataclass(frozen=True, slots=True)
class Incomplete:
    """A document behind an answer that could not be read in full."""

    document_id: str
    version: int
    source: str
    missing: str  # a sentence's worth, without its full stop


def incomplete_of(answer: Answer) -> list[Incomplete]:
    """Return what was found incomplete when an answer was written, without documents that were erased since."""
    sources = {one.chunk.document_id: one.source for one in answer.contexts}
    sources |= {one.document_id: one.source for one in answer.citations}
    return [
        Incomplete(one["document_id"], one["version"], source, describe(one))
        for one in answer.trace.get("incomplete", ())
        if (source := sources.get(one["document_id"]))
    ]


def drawn_on(answer: Answer) -> list[tuple[str, int]]:
    """Return ``(document id, version)`` of what an answer cites; without citations, of all that it was written from."""
    cited = [(one.document_id, one.version) for one in answer.citations]
    return list(dict.fromkeys(cited or [(one.chunk.document_id, one.chunk.version) for one in answer.contexts]))


def gaps(document: Document) -> dict[str, Any]:
    """Count what could not be read of a document with a report: a record for the answer's trace."""
    report = document.report
    pages = report.pages if report else ()
    return {
        "document_id": document.id,
        "version": document.version,
        "noun": "slide" if is_slides(document.media_type) else "page",
        "pages": len(pages),
        "without_text": sum(page.needs_ocr for page in pages),
        "garbled": sum(page.garbled and not page.needs_ocr for page in pages),
        "unread": len(report.unread) if report else 0,
    }


def describe(gaps: Mapping[str, Any]) -> str:
    """Say what could not be read: ``2 of 30 pages have no text that could be read; 1 part was not read``."""
    noun = f"{gaps['noun']}{'' if gaps['pages'] == 1 else 's'}"
    parts = []
    for count, single, several in (
        (gaps["without_text"], "has no text that could be read", "have no text that could be read"),
        (gaps["garbled"], "has garbled text", "have garbled text"),
    ):
        if count:
            parts.append(f"{count:,} of {gaps['pages']:,} {noun} {single if count == 1 else several}")
    if gaps["unread"]:
        parts.append("1 part was not read" if gaps["unread"] == 1 else f"{gaps['unread']:,} parts were not read")
    return "; ".join(parts)
