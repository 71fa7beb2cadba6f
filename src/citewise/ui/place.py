"""Where a session is: its conversation, its open source, its collection and its model.

The conversation is in the address of the page, so that a reload or a second tab finds it
again; the rest lasts as long as the session.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Literal, TypeVar, cast

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from citewise.types import Document
from citewise.ui import state

_PARAMETER = "c"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Target:
    """The passage that the source panel shows."""

    turn_id: str
    kind: Literal["citation", "context", "conflict"]
    number: int  # a citation's marker, a context's position from 0, or that of a conflict's side, two for each


def conversation_id() -> str | None:
    """The open conversation, or ``None`` for a new one."""
    return st.query_params.get(_PARAMETER)


def open_conversation(conversation: str | None) -> None:
    """Go to a conversation, or to a new one; closes the source panel."""
    close_source()
    st.session_state["conversation"] = conversation
    if conversation:
        st.query_params[_PARAMETER] = conversation
    else:
        st.query_params.pop(_PARAMETER, None)


def last_conversation_id() -> str | None:
    """The conversation to go back to from another page."""
    found: str | None = st.session_state.get("conversation")
    return found


def source() -> Target | None:
    """What the source panel shows; ``None`` while it is closed."""
    found: Target | None = st.session_state.get("source")
    return found


def open_source(target: Target) -> None:
    """Show a passage in the source panel."""
    st.session_state["source"] = target


def close_source() -> None:
    """Close the source panel."""
    st.session_state["source"] = None


def set_library(page: StreamlitPage) -> None:
    """Remember the library's page, so that others can lead to a document there."""
    st.session_state["library"] = page


def library() -> StreamlitPage | None:
    """The library's page for a link; ``None`` where a page is shown by itself."""
    found: StreamlitPage | None = st.session_state.get("library")
    return found


def collection() -> str:
    """The collection that new questions and files go to."""
    names = [each.name for each in state.engine().collections()]
    chosen = st.session_state.get("collection", "default")
    return chosen if chosen in names or not names else names[0]


def documents() -> list[Document]:
    """The documents of the collection, newest first; a collection begins with its first one."""
    engine = state.engine()
    return engine.documents(collection=collection()) if engine.collections() else []


def model() -> str | None:
    """The chosen chat model; ``None`` for the engine's default."""
    available = [each.name for each in state.engine().models() if each.available]
    chosen = st.session_state.get("model")
    return chosen if chosen in available else None


def remembered(name: str, key: Hashable, make: Callable[[], _T]) -> _T:
    """Return ``make()``, or what it gave at this session's last run if ``key`` is still the same.

    For what is costly and drawn again at every click; one value per ``name`` is kept.
    """
    known = st.session_state.get(f"remembered_{name}")
    if known is None or known[0] != key:
        known = (key, make())
        st.session_state[f"remembered_{name}"] = known
    return cast(_T, known[1])
