"""The source panel: a cited passage in its document, and marked on its page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from citewise.errors import CitewiseError, NotFoundError
from citewise.types import Answer, Box, Citation, Turn
from citewise.ui import components, place, state
from citewise.ui.failures import friendly
from citewise.ui.place import Target
from citewise.ui.text import escaped, file_name, locator_of
from citewise.ui.text import place as place_text
from citewise.ui.viewer import Passage, show_view

if TYPE_CHECKING:
    from citewise.engine import Engine


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
        where = place_text(passage.locator, passage.headings)
        name = file_name(passage.source)
        below = " · ".join(escape(part) for part in (name if name != passage.title else "", where) if part)
        st.html(f'<div class="source-head"><h2>{heading}</h2><p>{below}</p></div>')
        note = _change(state.engine(), passage)
        if note:
            st.info(escaped(note), icon=":material/history:")
        show_view(state.engine(), turn, passage)
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
        return _quoted(f"Source {position + 1} of {len(markers)}", citation, marker=citation.marker)
    if target.kind == "conflict":
        return _differing(answer, target.number)
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
        locator_of(context),
        chunk.headings,
        chunk.text,
        None,
    )


def _differing(answer: Answer, number: int) -> Passage | None:
    sides = [side for conflict in answer.conflicts for side in conflict.sides]
    if number >= len(sides):
        return None
    citation = sides[number].citation
    # Its number is none of the answer's, by which the page with boxes would be asked for.
    return _quoted(f"Differing source {number + 1} of {len(sides)}", citation, boxes=citation.boxes)


def _quoted(place: str, citation: Citation, *, marker: int | None = None, boxes: tuple[Box, ...] = ()) -> Passage:
    return Passage(
        place,
        citation.document_id,
        citation.version,
        citation.source,
        citation.title,
        citation.start,
        citation.end,
        citation.page,
        locator_of(citation),
        citation.headings,
        citation.quote,
        marker,
        boxes,
    )


def _neighbours(turn: Turn, target: Target) -> tuple[Target | None, Target | None]:
    answer = turn.answer
    numbers = {
        "citation": [citation.marker for citation in answer.citations],
        "context": list(range(len(answer.contexts))),
        "conflict": list(range(2 * len(answer.conflicts))),
    }[target.kind]
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
        return "This document was removed since, or never was here. The quoted words are kept with the answer."
    if document.serving_version not in {None, passage.version}:
        return "This document changed since. The passage is shown as it was when it was quoted."
    return None


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
