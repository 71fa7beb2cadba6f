"""Messages that outlive the action they tell of: what was done, with a way back, and what failed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from citewise.ui.failures import sentence
from citewise.ui.text import escaped

_KEY = "notices"
_PENDING = "notices_pending"
_SHOWN_S = 60.0  # seconds that a message of success stays; failures stay until dismissed
_MOST = 4


Undo = Callable[[], object]
"""The way back from what a message tells of."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One message on top of the page."""

    text: str
    failed: bool
    undo: Undo | None
    at: float


def tell(text: str, *, failed: bool = False, undo: Undo | None = None) -> None:
    """Show ``text`` on top of the page from the next run on."""
    kept = [notice for notice in _all() if notice.failed]
    st.session_state[_KEY] = [*kept, Notice(text, failed, undo, time.time())][-_MOST:]
    rerun_page()


def attempt(action: Callable[[], object]) -> None:
    """Run a click's action; a failure becomes a message. Callbacks run where nothing can be drawn."""
    try:
        action()
    except Exception as error:  # noqa: BLE001 - the edge of the program: a person sees a sentence
        tell(sentence(error), failed=True)


def rerun_page() -> None:
    """Have the whole page drawn after this click, also when it was made within a fragment."""
    st.session_state[_PENDING] = True


def rerun_if_pending() -> None:
    """Draw the whole page when there is something that it does not show yet; for fragments.

    A click within a fragment runs the fragment alone, and messages and dialogs stand outside of it.
    """
    if st.session_state.get(_PENDING):
        st.rerun()


def show() -> None:
    """Draw the messages."""
    st.session_state[_PENDING] = False
    fresh = [notice for notice in _all() if notice.failed or time.time() - notice.at < _SHOWN_S]
    st.session_state[_KEY] = fresh
    for index, notice in enumerate(fresh):
        with st.container(
            key=f"notice_{'failed' if notice.failed else 'done'}_{index}",
            horizontal=True,
            vertical_alignment="center",
            gap="small",
            wrap=False,
        ):
            if notice.failed:
                st.error(escaped(notice.text), icon=":material/error:")
            else:
                st.markdown(escaped(notice.text))
            if notice.undo:
                st.button("Undo", key=f"undo_{index}", icon=":material/undo:", on_click=_undo, args=(notice,))
            st.button(
                "Dismiss this message",
                key=f"dismiss_{index}",
                icon=":material/close:",
                type="tertiary",
                on_click=_dismiss,
                args=(notice,),
            )


def _all() -> list[Notice]:
    return list(st.session_state.get(_KEY, []))


def _dismiss(notice: Notice) -> None:
    st.session_state[_KEY] = [other for other in _all() if other != notice]


def _undo(notice: Notice) -> None:
    _dismiss(notice)
    if notice.undo:
        attempt(notice.undo)
