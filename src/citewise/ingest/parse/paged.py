"""Putting a document of pages together, from PDF files and pictures alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from citewise.ingest.parse.compose import collapse, stem
from citewise.ingest.parse.ocr import HOW_TO_INSTALL, Recogniser
from citewise.ingest.parse.pdf_file import SOFT_HYPHEN
from citewise.ingest.parse.pdf_layout import blocks_of
from citewise.ingest.parse.pdf_page import PageText
from citewise.types import Block, PageReport, PageSpan, ParsedDocument, ParseReport, Word

PAGE_BREAK = "\n\n"  # stands between pages and belongs to none

_BROKEN_WORD = re.compile(r"(\w+)\u00ad(\n?)(\w+)")
_HYPHENATED = re.compile(r"\w+-\w+")
_NAMED_RUNS = 8  # of pages, in a sentence


@dataclass(frozen=True, slots=True)
class ReadPage:
    """What was read of a page."""

    content: PageText
    width: float | None = None  # points, unrotated
    height: float | None = None
    words: tuple[Word, ...] = ()  # recognised ones, with their places in the page's text
    images: int = 0
    needs_ocr: bool = False
    garbled: bool = False
    recognised: bool = False


def document_of(
    pages: Sequence[ReadPage],
    *,
    media_type: str,
    source: str,
    title: str = "",
    warnings: Sequence[str] = (),
    left_out: Sequence[str] = (),
    unread: Sequence[str] = (),
) -> ParsedDocument:
    """Join pages to a document; without a ``title`` an early heading or the file name is one."""
    texts = settle_hyphens([page.content.text for page in pages])
    contents = [replace(page.content, text=text) for page, text in zip(pages, texts, strict=True)]
    spans = []
    words: list[Word] = []
    start = 0
    for number, (page, text) in enumerate(zip(pages, texts, strict=True), 1):
        spans.append(PageSpan(number, start, start + len(text), page.width, page.height))
        words += (Word(start + word.start, start + word.end, word.box) for word in page.words)
        start += len(text) + len(PAGE_BREAK)
    blocks = blocks_of(contents, [span.start for span in spans])
    reports = tuple(_report(number, page) for number, page in enumerate(pages, 1))
    text = PAGE_BREAK.join(texts)
    return ParsedDocument(
        text=text,
        blocks=tuple(blocks),
        pages=tuple(spans),
        words=tuple(words),
        report=ParseReport(
            characters=sum(report.characters for report in reports),
            pages=reports,
            tables=sum(report.tables for report in reports),
            images=sum(report.images for report in reports),
            warnings=tuple(warnings),
            left_out=tuple(left_out),
            unread=tuple(unread),
        ),
        media_type=media_type,
        title=title or _first_heading(text, blocks) or stem(source),
    )


def settle_hyphens(texts: Sequence[str]) -> list[str]:
    """Tell hyphens that only break a line from those that belong to the word, by the rest of the document.

    Args:
        texts: The pages, with a soft hyphen wherever a word goes on in the next line.

    Returns:
        The pages, as long as before, with ``-`` for those that belong to a word.
    """
    if not any(SOFT_HYPHEN in text for text in texts):
        return list(texts)
    joined = {word.lower() for text in texts for word in re.findall(r"\w+", text)}
    hyphenated = {word.lower() for text in texts for word in _HYPHENATED.findall(text)}

    def settle(match: re.Match[str]) -> str:
        first, between, second = match[1], match[2], match[3]
        if f"{first}{second}".lower() in joined:
            return match[0]
        own = f"{first}-{second}".lower() in hyphenated or not second[0].islower() or first[-1].isdigit()
        return f"{first}-{between}{second}" if own else match[0]

    return [_BROKEN_WORD.sub(settle, text) for text in texts]


def page_names(pages: Iterable[int]) -> str:
    """Name pages for a person: ``Page 4``, ``Pages 1–3 and 7``. ``pages`` ascend and are not empty."""
    runs: list[list[int]] = []
    for page in pages:
        if runs and page == runs[-1][1] + 1:
            runs[-1][1] = page
        else:
            runs.append([page, page])
    names = [f"{first}–{last}" if last > first else str(first) for first, last in runs]
    if len(names) > _NAMED_RUNS:
        names = [*names[: _NAMED_RUNS - 1], f"{len(names) - _NAMED_RUNS + 1} more places"]
    joined = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    single = len(runs) == 1 and runs[0][0] == runs[0][1]
    return f"{'Page' if single else 'Pages'} {joined}"


def how_to_recognise(recogniser: Recogniser | None) -> str:
    """Say what to do so that pages are recognised, for the middle of a sentence; empty if all is there."""
    if recogniser is None:
        return f"{HOW_TO_INSTALL}, and let CITEWISE_INGEST__OCR_SECONDS be above 0"
    return recogniser.unavailable


def out_of_time(pages: Sequence[int], recogniser: Recogniser) -> str:
    """Say that there was no time left to recognise ``pages``."""
    verb = "was" if len(pages) == 1 else "were"
    return (
        f"{page_names(pages)} {verb} not recognised: the {recogniser.seconds:g} seconds for OCR were used up. "
        "Split the file, or raise CITEWISE_INGEST__OCR_SECONDS."
    )


def _report(number: int, page: ReadPage) -> PageReport:
    return PageReport(
        page=number,
        characters=len("".join(page.content.text.split())),
        tables=len(page.content.tables),
        images=page.images,
        needs_ocr=page.needs_ocr,
        garbled=page.garbled,
        recognised=page.recognised,
    )


def _first_heading(text: str, blocks: Sequence[Block]) -> str:
    for block in blocks:
        if block.kind == "heading" and (block.page or 1) <= 2:
            return collapse(text[block.start : block.end].replace(SOFT_HYPHEN, ""))[:200]
    return ""
