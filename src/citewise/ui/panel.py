"""The source panel: a cited passage in its document, and marked on its page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from citewise.errors import CitewiseError, NotFoundError
from citewise.types import Turn
from citewise.ui import components, place, state
from citewise.ui.failures import friendly
from citewise.ui.place import Target
from citewise.ui.render import passage_html
from citewise.ui.text import escaped, file_name, shortened
from citewise.ui.text import place as place_text

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
    headings: tuple[str, ...]
    text: str
    marker: int | None  # None for a passage that was retrieved but not cited


def show_panel(turns: Sequence[Turn]) -> bool:
    """Draw the panel when a source of one of ``turns`` is open.

    Returns:
        Whether it is open.
    """
    target = place.source()
    turn = next((turn for turn in turns if target and turn.id == target.turn_id), None)
    passage = _passage(turn, target) if turn and target else None
    if not turn or not target or not passage:
        return False
    with st.container(key="source_panel"), friendly():
        components.panel_keys(
            key="panel_keys", target=f"{target.turn_id}/{target.kind}/{target.number}", on_close=place.close_source
        )
        _bar(turn, target, passage)
        heading = escape(passage.title or file_name(passage.source))
        where = place_text(passage.page, passage.headings)
        name = file_name(passage.source)
        below = " · ".join(escape(part) for part in (name if name != passage.title else "", where) if part)
        st.html(f'<div class="source-head"><h2>{heading}</h2><p>{below}</p></div>')
        note = _change(state.engine(), passage)
        if note:
            st.info(escaped(note), icon=":material/history:")
        image = _page_image(state.engine(), turn, passage)
        # A page shows the words among their neighbours better than its bare text could.
        if image is None or passage.marker is None:
            words = _in_context(state.engine(), passage)
        else:
            words = passage_html(passage.text, 0, len(passage.text))
        if passage.text:
            st.html(f'<div class="passage">{words}</div>')
        if image is not None:
            _page(passage, image)
        _original(state.engine(), passage)
    return True


def _passage(turn: Turn, target: Target) -> Passage | None:
    answer = turn.answer
    if target.kind == "citation":
        markers = [citation.marker for citation in answer.citations]
        if target.number not in markers:
            return None
        position = markers.index(target.number)
        citation = answer.citations[position]
        return Passage(
            f"Source {position + 1} of {len(markers)}",
            citation.document_id,
            citation.version,
            citation.source,
            citation.title,
            citation.start,
            citation.end,
            citation.page,
            citation.headings,
            citation.quote,
            citation.marker,
        )
    if target.number >= len(answer.contexts):
        return None
    context = answer.contexts[target.number]
    chunk = context.chunk
    return Passage(
        f"Passage {target.number + 1} of {len(answer.contexts)}",
        chunk.document_id,
        chunk.version,
        context.source,
        context.title,
        chunk.start,
        chunk.end,
        chunk.page_first,
        chunk.headings,
        chunk.text,
        None,
    )


def _neighbours(turn: Turn, target: Target) -> tuple[Target | None, Target | None]:
    numbers = (
        [citation.marker for citation in turn.answer.citations]
        if target.kind == "citation"
        else list(range(len(turn.answer.contexts)))
    )
    position = numbers.index(target.number)
    before = Target(turn.id, target.kind, numbers[position - 1]) if position else None
    after = Target(turn.id, target.kind, numbers[position + 1]) if position + 1 < len(numbers) else None
    return before, after


def _bar(turn: Turn, target: Target, passage: Passage) -> None:
    before, after = _neighbours(turn, target)
    with st.container(key="source_bar", horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
        st.html(f'<p class="label">{escape(passage.label)}</p>')
        for name, icon, goal in (("Previous", "chevron_left", before), ("Next", "chevron_right", after)):
            st.button(
                f"{name} source",
                key=f"source_{name.lower()}",
                icon=f":material/{icon}:",
                type="tertiary",
                disabled=goal is None,
                on_click=place.open_source,
                args=(goal,),
            )
        st.button(
            "Close source",
            key="source_close",
            icon=":material/close:",
            type="tertiary",
            help="Close (Esc)",
            on_click=place.close_source,
        )


def _change(engine: Engine, passage: Passage) -> str | None:
    if not passage.source:
        return "This document was erased, and this passage with it."
    try:
        document = engine.document(passage.document_id)
    except NotFoundError:
        return "This document was removed since. The quoted words are kept with the answer."
    if document.serving_version not in {None, passage.version}:
        return "This document changed since. The passage is shown as it was when it was quoted."
    return None


def _in_context(engine: Engine, passage: Passage) -> str:
    def read() -> str:
        text = engine.show(passage.document_id, version=passage.version).text
        return passage_html(text, passage.start, passage.end)

    try:
        engine.document(passage.document_id)  # what was removed is not shown from memory either
        return place.remembered("passage", passage, read)
    except NotFoundError:
        return passage_html(passage.text, 0, len(passage.text))


def _page_image(engine: Engine, turn: Turn, passage: Passage) -> bytes | None:
    """The rendered page, its quoted words boxed; ``None`` for formats without pages and erased originals."""
    page, zoom = passage.page, _zoom()

    def render(page: int) -> bytes:
        if passage.marker is None:
            return engine.page_image(passage.document_id, page, version=passage.version, width=_WIDTHS[zoom])
        return engine.citation_image(turn.id, passage.marker, width=_WIDTHS[zoom])

    if page is None:
        return None
    try:
        engine.document(passage.document_id)  # what was removed is not shown from memory either
        return place.remembered("page", (passage, zoom), lambda: render(page))
    except CitewiseError:
        return None  # the words stand for themselves; the note says when the document is gone


def _zoom() -> str:
    return st.session_state.get("zoom") or "Fit"


def _page(passage: Passage, image: bytes) -> None:
    with st.container(key="page_bar", horizontal=True, vertical_alignment="center", wrap=False):
        st.html(f'<h3 class="label">Page {passage.page}</h3>')
        st.segmented_control(
            "Size of the page", list(_WIDTHS), default="Fit", required=True, key="zoom", label_visibility="collapsed"
        )
    zoom = _zoom()
    with st.container(key=f"page_{zoom.lower()}"):
        st.image(
            image,
            width="stretch" if zoom == "Fit" else _WIDTHS["Large"],
            alt=f"Page {passage.page} of {file_name(passage.source)}: {shortened(passage.text, 400)}",
        )


def _original(engine: Engine, passage: Passage) -> None:
    try:
        original = engine.original(passage.document_id, version=passage.version)
    except CitewiseError:
        return
    st.download_button(
        "Download the original",
        data=original.path.read_bytes,
        file_name=file_name(original.source),
        mime="application/octet-stream",  # an attachment: never opened as a page of this site
        key="source_download",
        icon=":material/download:",
        on_click="ignore",
    )
