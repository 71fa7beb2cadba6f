"""Thumbs under an answer, and why one points down."""

from __future__ import annotations

from html import escape

import streamlit as st

from citewise.registry.feedback import NOTE_CHARACTERS
from citewise.types import FeedbackReason, Turn
from citewise.ui import state
from citewise.ui.notices import attempt

_RATING = "rating"
_REASONS: dict[FeedbackReason, str] = {
    "wrong": "It is wrong",
    "unsupported": "Its source does not say so",
    "missing": "Something is missing",
    "outdated": "Its source is outdated",
    "other": "Something else",
}


def thumbs(turn: Turn) -> None:
    """Draw the thumbs; one that was chosen takes the rating back."""
    given = turn.feedback
    for good, name, icon in ((True, "Good answer", "thumb_up"), (False, "Not a good answer", "thumb_down")):
        chosen = given is not None and given.good == good
        st.button(
            f"{name}: take it back" if chosen else name,
            key=f"thumb_{'up' if good else 'down'}_{turn.id}",
            icon=f":material/{icon}:",
            type="primary" if chosen else "tertiary",
            on_click=attempt,
            args=(lambda good=good, chosen=chosen: _rate(turn, good=good, chosen=chosen),),
        )


def _rate(turn: Turn, *, good: bool, chosen: bool) -> None:
    if chosen:
        state.engine().unrate(turn.id)
    else:
        state.engine().rate(turn.id, good=good)
    st.session_state[_RATING] = None if good or chosen else turn.id


def why(turn: Turn) -> None:
    """Draw what was said of an answer that is not good, or the form to say it."""
    given = turn.feedback
    if given is None or given.good:
        return
    if st.session_state.get(_RATING) != turn.id:
        said = [_REASONS[given.reason]] if given.reason else ["Not a good answer"]
        said += [f"“{given.note}”"] if given.note else []
        with st.container(
            key=f"rated_{turn.id}", horizontal=True, gap="xsmall", vertical_alignment="center", wrap=False
        ):
            st.html(f'<p class="aside">{escape(": ".join(said))}</p>', width="content")
            st.button(
                "Change",
                key=f"rerate_{turn.id}",
                type="tertiary",
                on_click=lambda: st.session_state.update({_RATING: turn.id}),
            )
        return
    # A form, so that what was chosen right before "Save" comes with it.
    with st.container(key=f"rating_{turn.id}"), st.form(f"rating_form_{turn.id}", border=False):
        st.pills(
            "What is not good about it?",
            list(_REASONS),
            default=given.reason,
            format_func=lambda reason: _REASONS[reason],
            key=f"reason_{turn.id}",
        )
        st.text_area(
            "In your own words (optional)",
            value=given.note,
            max_chars=NOTE_CHARACTERS,
            height=80,
            key=f"note_{turn.id}",
        )
        st.form_submit_button("Save", key=f"save_rating_{turn.id}", on_click=attempt, args=(lambda: _save(turn),))


def _save(turn: Turn) -> None:
    state.engine().rate(
        turn.id,
        good=False,
        reason=st.session_state.get(f"reason_{turn.id}"),
        note=st.session_state.get(f"note_{turn.id}") or "",
    )
    st.session_state[_RATING] = None
