"""Conversations as files: the dialogs that export one and bring one back."""

from __future__ import annotations

from functools import partial

import streamlit as st

from citewise.answer.export.formats import EXPLANATIONS, MEDIA_TYPES, NAMES, ExportFormat, file_name
from citewise.types import Conversation
from citewise.ui import place, state
from citewise.ui.notices import attempt, tell
from citewise.ui.text import shortened

_UPLOAD = "imported_conversation"


@st.dialog("Export conversation")
def export_dialog(conversation: Conversation) -> None:
    """Offer a conversation as a file of each format; it is written when its button is clicked."""
    for export_format, name in NAMES.items():
        st.download_button(
            name,
            data=partial(_written, conversation.id, export_format),
            file_name=file_name(conversation.title, export_format),
            mime=MEDIA_TYPES[export_format].partition(";")[0],
            key=f"export_{export_format}",
            icon=":material/download:",
            width="stretch",
            on_click="ignore",
        )
        st.caption(EXPLANATIONS[export_format])


def _written(conversation_id: str, export_format: ExportFormat) -> bytes:
    return state.engine().exports.write(conversation_id, export_format).content


@st.dialog("Import a conversation")
def import_dialog() -> None:
    """Take an exported conversation and open it."""
    st.file_uploader(
        "A conversation that was exported as JSON",
        type=["json"],
        key=_UPLOAD,
        on_change=lambda: attempt(_import),
    )
    if st.session_state.pop("imported", False):
        st.rerun()  # the conversation is open behind this dialog


def _import() -> None:
    file = st.session_state.get(_UPLOAD)
    if file is None:
        return
    st.session_state["imported"] = True
    came = state.engine().exports.read(file.getvalue())
    place.open_conversation(came.conversation.id)
    tell(f"Imported “{shortened(came.conversation.title, 60)}”. {came.footnotes.sentence}")
