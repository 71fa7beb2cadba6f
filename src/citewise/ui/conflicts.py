"""Where the sources of an answer differ: both, side by side, without a verdict."""

from __future__ import annotations

from html import escape

import streamlit as st

from citewise.types import Conflict, Side, Turn
from citewise.ui import place
from citewise.ui.place import Target
from citewise.ui.text import escaped, file_name, locator_of, shortened
from citewise.ui.text import place as place_text

_AROUND = 110  # characters of a quote on either side of its value
_WHOLE = 260  # characters of a quote that is shown as it is


def show(turn: Turn) -> None:
    """Draw what differs, if anything does; each side opens in the source panel."""
    conflicts = turn.answer.conflicts
    if not conflicts:
        return
    with st.container(key=f"differ_{turn.id}", gap="xsmall"):
        several = f"Sources differ in {len(conflicts)} things"
        st.html(
            f'<div class="differ"><h3><i></i>{"Two sources differ" if len(conflicts) == 1 else several}</h3>'
            "<p>Both are shown as they stand. Which one holds is for you to say.</p></div>"
        )
        for number, conflict in enumerate(conflicts):
            _conflict(turn, number, conflict)


def _conflict(turn: Turn, number: int, conflict: Conflict) -> None:
    if conflict.about:
        st.html(f'<p class="about">{escape(conflict.about)}</p>')
    for index, side in enumerate(conflict.sides):
        target = Target(turn.id, "conflict", 2 * number + index)
        newer = conflict.newer is not None and conflict.sides[index] is getattr(conflict, conflict.newer)
        st.button(
            _label(side, newer=newer),
            key=f"side_{turn.id}_{target.number}",
            type="primary" if place.source() == target else "secondary",
            disabled=side.citation.erased,
            width="stretch",
            wrap=True,
            on_click=place.open_source,
            args=(target,),
        )


def _label(side: Side, *, newer: bool) -> str:
    citation = side.citation
    if citation.erased:
        return "A document that was erased since"
    marker = f"{escaped(f'[{citation.marker}]')} " if citation.marker else ""
    parts = [place_text(locator_of(citation), citation.headings[-1:])]
    if side.dated:
        parts.append(f"dated {side.dated} {side.dated_by}{', the newer of both' if newer else ''}")
    where = " · ".join(shortened(part, 80) for part in parts if part)
    name = f"{marker}**{escaped(shortened(file_name(citation.source), 60))}**"
    return f"{name}{f' · {escaped(where)}' if where else ''}  \n{_quote(side)}"


def _quote(side: Side) -> str:
    """The quote with its value in bold, what is far from that left out."""
    quote = " ".join(side.citation.quote.split())
    before, value, after = quote.partition(side.value) if side.value else (quote, "", "")
    if not value:
        return escaped(shortened(quote, _WHOLE))
    if len(quote) > _WHOLE:
        before = before if len(before) <= _AROUND else f"… {before[-_AROUND:].partition(' ')[2]}"
        after = shortened(after, _AROUND) if len(after) > _AROUND else after
    lead = " " if before.endswith(" ") else ""
    follow = " " if after.startswith(" ") else ""
    return f"{escaped(before)}{lead}**{escaped(value)}**{follow}{escaped(after)}".strip()
