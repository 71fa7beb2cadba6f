"""Turning documents off and on, tagging and moving them: each change with a way back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from citewise.errors import CitewiseError
from citewise.types import MOST_TAGS, Document
from citewise.ui import notices, state
from citewise.ui.notices import attempt, tell
from citewise.ui.text import escaped, file_name, shortened

_OPEN = "document_dialog"
_FAILURE = "tags_failure"


def tags_of(documents: Sequence[Document]) -> list[str]:
    """The tags that these documents have, in alphabetical order."""
    return sorted({tag for document in documents for tag in document.tags}, key=str.casefold)


def set_enabled(document: Document, enabled: bool) -> None:
    """Turn a document on or off for answers."""
    state.engine().set_enabled([document.id], enabled)
    name = file_name(document.source)
    text = f"{name} is in answers again." if enabled else f"Disabled {name}: it is kept, but in no answer."
    tell(text, undo=lambda: state.engine().set_enabled([document.id], not enabled))


def open_dialog(kind: Literal["tags", "move"], document: Document) -> None:
    """Ask for the tags of a document, or where to move it, in a dialog over the page."""
    st.session_state[_OPEN] = (kind, document.id)
    notices.rerun_page()


def dialogs(documents: Sequence[Document]) -> None:
    """Draw the dialog that is open; it stays open when the page is drawn again."""
    kind, document_id = st.session_state.get(_OPEN, (None, None))
    document = next((each for each in documents if each.id == document_id), None)
    if document and kind == "tags":
        _tags(document, tags_of(documents))
    elif document and kind == "move":
        _move(document)


def _close() -> None:
    st.session_state.pop(_OPEN, None)


@st.dialog("Tags", on_dismiss=_close)
def _tags(document: Document, known: list[str]) -> None:
    key = f"tags_{document.id}"
    st.markdown(escaped(shortened(file_name(document.source), 80)))
    # At once, and not by a button: the open list of tags would lie over it.
    st.html('<p class="hint">Each tag is saved at once.</p>')
    st.multiselect(
        "Tags",
        known,
        default=document.tags,
        key=key,
        accept_new_options=True,
        max_selections=MOST_TAGS,
        placeholder="Type a tag and press Enter",
        label_visibility="collapsed",
        on_change=_save_tags,
        args=(document.id, key),
    )
    failure = st.session_state.pop(_FAILURE, None)
    if failure:
        st.error(escaped(failure), icon=":material/error:")


def _save_tags(document_id: str, key: str) -> None:
    try:
        state.engine().set_tags(document_id, st.session_state[key])
    except CitewiseError as error:
        st.session_state[_FAILURE] = str(error)
        st.session_state[key] = list(state.engine().document(document_id).tags)


@st.dialog("Move to another collection", on_dismiss=_close)
def _move(document: Document) -> None:
    st.markdown(escaped(shortened(file_name(document.source), 80)))
    others = [each.name for each in state.engine().collections() if each.name != document.collection]
    target: str | None = st.selectbox(
        "Collection",
        others,
        index=None,
        key=f"move_{document.id}",
        accept_new_options=True,
        placeholder="Choose one, or type a new name and press Enter" if others else "Type a name and press Enter",
        label_visibility="collapsed",
    )
    if st.button("Move", key="save_move", type="primary", disabled=not target) and target:
        attempt(lambda: _save_move(document, target.strip()))
        _close()
        st.rerun()


def _save_move(document: Document, target: str) -> None:
    state.engine().move([document.id], target)
    tell(
        f"Moved {file_name(document.source)} to {target}.",
        undo=lambda: state.engine().move([document.id], document.collection),
    )
