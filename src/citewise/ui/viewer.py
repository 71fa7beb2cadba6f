"""What the source panel shows of a document: the page's picture, the slide, or the text around the passage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from citewise.errors import CitewiseError, NotFoundError
from citewise.types import Box, Turn
from citewise.ui import place, view
from citewise.ui.render import passage_html
from citewise.ui.text import file_name, shortened

if TYPE_CHECKING:
    from citewise.engine import Engine

_WIDTHS = {"Fit": 1000, "Large": 1700}  # pixels of the rendered page


@dataclass(frozen=True, slots=True)
class Passage:
    """What the panel shows, cited or only retrieved."""

    label: str  # Source 2 of 3
    document_id: str
    version: int
    source: str
    title: str
    start: int  # characters of the document's text
    end: int
    page: int | None
    locator: str
    headings: tuple[str, ...]
    text: str
    marker: int | None  # None for a passage that was retrieved but not cited
    boxes: tuple[Box, ...] = ()  # of its words, where it is quoted without a marker


@dataclass(frozen=True, slots=True)
class _Outline:
    """What can be turned over in a document."""

    pages: tuple[int, ...]  # their numbers; empty where it is shown as one text
    cited: tuple[int, ...]  # those with words of the passage
    picture: bool  # whether they are shown as pictures; else they are slides


def show_view(engine: Engine, turn: Turn | None, passage: Passage) -> None:
    """Draw the passage where it stands; ``turn`` is the one that cites it, if any."""
    outline = _outline(engine, passage)
    if outline is None:  # the note above says what became of the document
        if passage.text:
            _words(passage_html(passage.text, 0, len(passage.text)))
        return
    page = _page_in_view(passage, outline)
    if page is None:
        _words(_text(engine, passage, None))
    elif not outline.picture:
        _page_bar(passage, outline, page, noun="Slide")
        _words(_text(engine, passage, page), slide=True)
    else:
        image = _image(engine, turn, passage, page)
        # A page shows the words among their neighbours better than its bare text could.
        quoted = image is not None and (passage.marker is not None or bool(passage.boxes))
        _words(passage_html(passage.text, 0, len(passage.text)) if quoted else _text(engine, passage, None))
        if image is not None:
            _page_bar(passage, outline, page, noun="Page")
            _picture(passage, page, image)


def _words(html: str, *, slide: bool = False) -> None:
    st.html(f'<div class="passage{" slide" if slide else ""}">{html}</div>')


def _outline(engine: Engine, passage: Passage) -> _Outline | None:
    """How the document is shown; ``None`` when it is gone."""

    def read() -> _Outline:
        shown = engine.show(passage.document_id, version=passage.version)
        picture = view.is_picture(shown.document.media_type)
        pages = shown.pages if picture or view.has_slides(shown) else ()
        cited = tuple(page.number for page in pages if page.start < passage.end and passage.start < page.end)
        return _Outline(tuple(page.number for page in pages), cited, picture)

    if not passage.source:
        return None  # erased
    try:
        engine.document(passage.document_id)  # what was removed is not shown from memory either
        return place.remembered("outline", passage, read)
    except NotFoundError:
        return None


def _text(engine: Engine, passage: Passage, slide: int | None) -> str:
    def read() -> str:
        shown = engine.show(passage.document_id, version=passage.version)
        if slide is None:
            return view.around_html(shown, passage.start, passage.end)
        page = next(page for page in shown.pages if page.number == slide)
        return view.slide_html(shown, page, passage.start, passage.end)

    return place.remembered("passage", (passage, slide), read)


# --- pages ----------------------------------------------------------------------------


def _page_in_view(passage: Passage, outline: _Outline) -> int | None:
    """The page to draw: the passage's own until somebody turned to another."""
    turned: tuple[Passage, int] | None = st.session_state.get("turned_page")
    if turned and turned[0] == passage and turned[1] in outline.pages:
        return turned[1]
    if not outline.pages:
        return None
    return passage.page if passage.page in outline.pages else (outline.cited or outline.pages)[0]


def _turn_to(passage: Passage, page: int) -> None:
    st.session_state["turned_page"] = (passage, page)


def _page_bar(passage: Passage, outline: _Outline, page: int, *, noun: str) -> None:
    position = outline.pages.index(page)
    cited = ' <span class="tag">cited</span>' if page in outline.cited else ""
    with st.container(key="page_bar", horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.html(f'<h3 class="label" aria-live="polite">{noun} {page} of {outline.pages[-1]}{cited}</h3>')
        turns = (("Previous", "chevron_left", position - 1), ("Next", "chevron_right", position + 1))
        for name, icon, goal in turns if len(outline.pages) > 1 else ():
            there = 0 <= goal < len(outline.pages)
            st.button(
                f"{name} {noun.lower()}",
                key=f"page_{name.lower()}",
                icon=f":material/{icon}:",
                type="tertiary",
                disabled=not there,
                on_click=_turn_to,
                args=(passage, outline.pages[goal] if there else page),
            )
        if outline.picture:
            st.segmented_control(
                "Size of the page",
                list(_WIDTHS),
                default="Fit",
                required=True,
                key="zoom",
                label_visibility="collapsed",
            )


def _zoom() -> str:
    return st.session_state.get("zoom") or "Fit"


def _image(engine: Engine, turn: Turn | None, passage: Passage, page: int) -> bytes | None:
    """The rendered page, its quoted words boxed; ``None`` where it cannot be rendered."""
    zoom = _zoom()

    def render() -> bytes:
        if passage.marker is None or turn is None:
            boxes = [box for box in passage.boxes if box.page == page]
            return engine.page_image(
                passage.document_id, page, version=passage.version, width=_WIDTHS[zoom], boxes=boxes
            )
        return engine.citation_image(turn.id, passage.marker, page=page, width=_WIDTHS[zoom])

    try:
        return place.remembered("page", (passage, page, zoom), render)
    except CitewiseError:
        return None  # the words stand for themselves


def _picture(passage: Passage, page: int, image: bytes) -> None:
    zoom = _zoom()
    quoted = f": {shortened(passage.text, 400)}" if page == passage.page else ""
    with st.container(key=f"page_{zoom.lower()}"):
        st.image(
            image,
            width="stretch" if zoom == "Fit" else _WIDTHS["Large"],
            alt=f"Page {page} of {file_name(passage.source)}{quoted}",
        )
