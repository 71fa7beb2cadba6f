"""The sidebar: navigation, the collection, and the conversations."""

from __future__ import annotations

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from citewise.types import Conversation
from citewise.ui import place, state
from citewise.ui.exports import export_dialog, import_dialog
from citewise.ui.menus import menu
from citewise.ui.notices import attempt, tell
from citewise.ui.text import escaped, shortened

_LISTED = 30


def show_sidebar(pages: list[StreamlitPage], *, current: StreamlitPage) -> None:
    """Draw the sidebar; ``pages`` starts with the chat page."""
    chat = pages[0]
    with st.sidebar:
        st.html('<p class="brand"><span class="logo"></span>Citewise</p>')
        if st.button("New chat", key="new_chat", icon=":material/add:", width="stretch", type="primary"):
            place.open_conversation(None)
            if current != chat:
                st.switch_page(chat)
            st.rerun()
        with st.container(key="navigation", gap=None):
            for page in pages:
                here = page == current
                last = place.last_conversation_id()
                st.page_link(
                    page,
                    icon=page.icon,
                    width="stretch",
                    query_params={"c": last} if page == chat and last and not here else None,
                )
        _collection()
        _conversations(chat, on_chat=current == chat)
        st.button(
            "Import a conversation",
            key="import_conversation",
            type="tertiary",
            icon=":material/upload:",
            on_click=lambda: st.session_state.update(importing=True),
        )
    if "renaming" in st.session_state:
        _rename(st.session_state.pop("renaming"))
    elif "exporting" in st.session_state:
        export_dialog(st.session_state.pop("exporting"))
    elif st.session_state.pop("importing", False):
        import_dialog()


def _collection() -> None:
    names = [each.name for each in state.engine().collections()]
    if len(names) > 1:
        chosen = place.collection()
        st.session_state["collection"] = st.selectbox("Collection", names, index=names.index(chosen))


def _conversations(chat: StreamlitPage, *, on_chat: bool) -> None:
    conversations = state.engine().conversations()
    if not conversations:
        return
    st.html('<h2 class="label">Conversations</h2>')
    everything = st.session_state.get("all_conversations", False)
    opened = place.conversation_id() if on_chat else None
    with st.container(key="conversations", gap=None):
        for conversation in conversations if everything else conversations[:_LISTED]:
            _conversation(conversation, chat, opened=conversation.id == opened, on_chat=on_chat)
    if len(conversations) > _LISTED and not everything:
        st.button(
            f"Show all {len(conversations)}",
            key="more_conversations",
            type="tertiary",
            on_click=lambda: st.session_state.update(all_conversations=True),
        )


def _conversation(conversation: Conversation, chat: StreamlitPage, *, opened: bool, on_chat: bool) -> None:
    title = conversation.title or "Untitled"
    with st.container(
        key=f"conversation_{'open' if opened else 'other'}_{conversation.id}",
        horizontal=True,
        vertical_alignment="center",
        gap=None,
        wrap=False,
    ):
        if st.button(
            escaped(shortened(title, 80)),
            key=f"open_{conversation.id}",
            type="tertiary",
            width="stretch",
        ):
            place.open_conversation(conversation.id)
            if not on_chat:
                st.switch_page(chat, query_params={"c": conversation.id})
            st.rerun()
        menu(
            f"Options for {escaped(shortened(title, 40))}",
            {
                "Rename": lambda: st.session_state.update(renaming=conversation),
                "Export": lambda: st.session_state.update(exporting=conversation),
                "Delete": lambda: _delete(conversation),
            },
            key=f"menu_{conversation.id}",
        )


def _delete(conversation: Conversation) -> None:
    state.engine().delete_conversation(conversation.id)
    if place.last_conversation_id() == conversation.id or place.conversation_id() == conversation.id:
        place.open_conversation(None)
    tell(
        f"Deleted “{shortened(conversation.title, 60)}”.",
        undo=lambda: state.engine().restore_conversation(conversation.id),
    )


@st.dialog("Rename conversation")
def _rename(conversation: Conversation) -> None:
    with st.form("rename", border=False):
        title = st.text_input("Title", value=conversation.title, max_chars=120)
        if st.form_submit_button("Save", type="primary"):
            if title.strip():
                attempt(lambda: state.engine().rename_conversation(conversation.id, title.strip()))
            st.rerun()
