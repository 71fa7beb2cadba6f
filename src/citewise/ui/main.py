"""The script that Streamlit runs for every session; the process around it is ``serve``."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from citewise.ui import chat, evaluate, index, library, place
from citewise.ui.failures import friendly
from citewise.ui.sidebar import show_sidebar

# Drawn here: Streamlit fetches emoji and Material icons for the browser's tab from another host.
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E"
    "%3Cpath d='M5 2h11l4 4v16H5z' fill='%2317635c'/%3E"
    "%3Cpath d='M8 9.5h8M8 17.5h5' stroke='%23fff' stroke-width='1.8' stroke-linecap='round'/%3E"
    "%3Cpath d='M7 12h10.500v3.200H7z' fill='%23ffe08a'/%3E%3C/svg%3E"
)


def main() -> None:
    """Draw the chosen page."""
    st.set_page_config(page_title="Citewise", page_icon=_ICON, layout="wide")
    st.html(Path(__file__).with_name("style.css"))
    pages = [
        st.Page(chat.page, title="Chat", icon=":material/forum:", url_path="chat", default=True),
        st.Page(library.page, title="Library", icon=":material/folder_open:", url_path="library"),
        st.Page(index.page, title="Index", icon=":material/database:", url_path="index"),
        st.Page(evaluate.page, title="Evaluate", icon=":material/rule:", url_path="evaluate"),
    ]
    current = st.navigation(pages, position="hidden")
    place.set_library(pages[1])
    with friendly():
        show_sidebar(pages, current=current)
    with friendly():
        current.run()


if __name__ == "__main__":
    main()
