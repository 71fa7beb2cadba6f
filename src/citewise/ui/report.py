"""What was read of a document and what was not: its totals, a strip of its pages, and the remarks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Literal

import streamlit as st

from citewise.answer.locators import is_slides
from citewise.errors import CitewiseError
from citewise.ingest.parse.formats import format_of
from citewise.types import Document, PageReport, ParseReport
from citewise.ui import components
from citewise.ui.text import counted, file_name

State = Literal["unread", "garbled", "recognised", "table", "images", "text", "blank"]

# From the gravest on: of several pages in one cell, and of several things on one page, the first is shown.
_STATES: dict[State, tuple[str, str]] = {
    "unread": ("!", "no text that could be read"),
    "garbled": ("?", "garbled text"),
    "recognised": ("R", "recognised from a picture"),
    "table": ("T", "with tables"),
    "images": ("I", "with images"),
    "text": ("", "text"),
    "blank": ("–", "empty"),
}
_MOST_CELLS = 500  # of a longer document several pages share a cell


@dataclass(frozen=True, slots=True)
class Cell:
    """One or more pages in the strip."""

    state: State
    label: str  # what is said of it: ``Page 3: 1,240 characters, 1 table``

    @property
    def letter(self) -> str:
        """Tells the states apart without colours."""
        return _STATES[self.state][0]


def show(document: Document) -> None:
    """Draw the report of a document, whose report must have its pages."""
    report = document.report
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in _facts(document) if value)
    st.html(f'<dl class="facts">{facts}</dl>')
    if report is None:
        return
    if report.pages:
        noun = noun_of(document)
        found = cells(report.pages, noun=noun)
        components.strip(
            [(cell.state, cell.letter, cell.label) for cell in found],
            legend=legend(report.pages),
            name=f"{noun.capitalize()}s of {file_name(document.source)}",
            key=f"strip_{document.id}",
        )
    st.html(_remarks(report, noun=noun_of(document)))


def noun_of(document: Document) -> str:
    """What the pages of a document are called."""
    return "slide" if is_slides(document.media_type) else "page"


def state_of(page: PageReport) -> State:
    """What a page is shown as."""
    if page.needs_ocr:
        return "unread"
    if page.garbled:
        return "garbled"
    if page.recognised and page.characters:
        return "recognised"
    if page.tables:
        return "table"
    if page.images:
        return "images"
    return "text" if page.characters else "blank"


def cells(pages: Sequence[PageReport], *, noun: str) -> list[Cell]:
    """Return the cells of the strip, at most ``_MOST_CELLS``."""
    each = -(-len(pages) // _MOST_CELLS)
    if each <= 1:
        return [Cell(state_of(page), _page_label(page, noun)) for page in pages]
    found = []
    for first in range(0, len(pages), each):
        group = pages[first : first + each]
        states = Counter(state_of(page) for page in group)
        worst = next(state for state in _STATES if states[state])
        what = ", ".join(f"{states[state]} {words}" for state, (_, words) in _STATES.items() if states[state])
        found.append(Cell(worst, f"{noun.capitalize()}s {group[0].page}–{group[-1].page}: {what}"))
    return found


def legend(pages: Sequence[PageReport]) -> list[tuple[str, str, str]]:
    """Return state, letter and words with their count, for the states that pages have."""
    counts = Counter(state_of(page) for page in pages)
    return [
        (state, letter, f"{counts[state]:,} {words}") for state, (letter, words) in _STATES.items() if counts[state]
    ]


def numbers(pages: Sequence[int]) -> str:
    """Shorten rows of numbers: ``3, 7–9``."""
    runs = [
        [number for _, number in group] for _, group in groupby(enumerate(pages), key=lambda pair: pair[1] - pair[0])
    ]
    return ", ".join(f"{run[0]}" if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)


def _page_label(page: PageReport, noun: str) -> str:
    parts = [counted(page.characters, "character")]
    parts += [counted(count, what) for count, what in ((page.tables, "table"), (page.images, "image")) if count]
    state = state_of(page)
    if state in ("unread", "garbled", "recognised"):
        parts.append(_STATES[state][1])
    elif page.recognised:
        parts.append("no text was found in the picture")
    return f"{noun.capitalize()} {page.page}: {', '.join(parts)}"


def _facts(document: Document) -> list[tuple[str, str]]:
    report = document.report
    if report is None:
        return [("Source", document.source), ("Type", _type(document)), ("Failed because", document.error or "")]
    return [
        ("Source", document.source),
        ("Type", _type(document)),
        (f"{noun_of(document).capitalize()}s", f"{document.pages:,}" if document.pages else ""),
        ("Characters", f"{report.characters:,}"),
        ("Tables", f"{report.tables:,}" if report.tables else ""),
        ("Images", f"{report.images:,}" if report.images else ""),
        ("Failed because", document.error or ""),
    ]


def _type(document: Document) -> str:
    try:
        found = format_of(document.media_type)
    except CitewiseError:
        return document.media_type
    return found.label[:1].upper() + found.label[1:]


def _remarks(report: ParseReport, *, noun: str) -> str:
    unread = [page.page for page in report.pages if state_of(page) == "unread"]
    garbled = [page.page for page in report.pages if state_of(page) == "garbled"]
    missing = []
    if unread:
        missing.append(f"No text could be read on {_pages(unread, noun)}.")
    if garbled:
        missing.append(f"The text is garbled on {_pages(garbled, noun)}.")
    lists = "".join(
        f'<h3 class="label">{title}</h3><ul class="remarks{css}">{items}</ul>'
        for title, css, items in (
            ("What could not be read", " missing", _items([*missing, *report.unread])),
            ("Warnings", "", _items(report.warnings)),
            ("What was left out on purpose", "", _items(report.left_out)),
        )
        if items
    )
    whole = "" if report.incomplete or report.warnings else '<p class="whole"><i></i>Nothing was found missing.</p>'
    return f"{whole}{lists}"


def _pages(pages: Sequence[int], noun: str) -> str:
    return f"{noun}{'' if len(pages) == 1 else 's'} {numbers(pages)}"


def _items(texts: Sequence[str]) -> str:
    return "".join(f"<li>{escape(text)}</li>" for text in texts)
