"""The library page: every document, how far it is, and what could not be read of it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import get_args

import streamlit as st

from citewise.errors import NotFoundError
from citewise.types import UNFINISHED, Document, OnDuplicate
from citewise.ui import banner, components, documents, folders, notices, organise, place, state, uploads
from citewise.ui.failures import friendly
from citewise.ui.text import counted, size

_PER_PAGE = 25
_WORKING_S = 0.7  # how often the list is drawn again while documents are on their way
_WATCHING_S = 5.0  # and while more may come by themselves
_DUPLICATES: dict[OnDuplicate, str] = {
    "skip": "Skip files that are here already",
    "replace": "Replace files that are here already",
    "keep": "Keep both, side by side",
}


def page() -> None:
    """Draw the page."""
    components.drop_anywhere()
    _follow_link()
    found = place.documents()
    with st.container(key="adding", horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.html('<h1 class="page-title">Library</h1>', width="content")
        duplicates: OnDuplicate = st.selectbox(
            "When an added file is in the library already",
            get_args(OnDuplicate),
            format_func=lambda choice: _DUPLICATES[choice],
            label_visibility="collapsed",
            width=270,
        )
    notices.show()
    banner.show()
    uploads.drop_zone("Add documents", on_duplicate=duplicates)
    pace = _pace(found)
    components.announcer("Adding documents" if pace == _WORKING_S else counted(len(found), "document"))
    st.fragment(_documents, run_every=pace)(pace=pace)
    folders.section()
    organise.dialogs(found)


def _follow_link() -> None:
    """Open the report of the document that the address names, once."""
    wanted = st.query_params.get("document")
    if wanted is None or st.session_state.get("linked") == wanted:
        return
    st.session_state["linked"] = wanted
    try:
        document = state.engine().document(wanted)
    except NotFoundError as error:
        notices.tell(str(error), failed=True)
        return
    st.session_state.update(details=wanted, filter="", filter_tags=[], library_page=1)
    if document.collection != place.collection():
        st.session_state["collection"] = document.collection
        st.rerun()  # the sidebar shows the collection too


def _pace(found: Sequence[Document]) -> float | None:
    """How often to draw the list again, in seconds; ``None`` while nothing changes by itself."""
    if any(document.status in UNFINISHED for document in found):
        return _WORKING_S
    return _WATCHING_S if state.engine().watched_folders() else None


def _documents(*, pace: float | None) -> None:
    notices.rerun_if_pending()
    with friendly():
        found = place.documents()
        if _pace(found) != pace:
            st.rerun()  # the whole page, once: it polls faster, slower, or no more
        if found:
            _list(found)
        else:
            _empty()


def _empty() -> None:
    with st.container(key="empty_library", horizontal_alignment="center"):
        st.html(
            '<div class="hero"><p class="display">Nothing here yet</p>'
            "<p>Drop PDF, Office, web, text, mail or image files above. You see here how each one is read.</p></div>"
        )
        if uploads.samples():
            st.button(
                "Try it with the sample documents",
                key="samples",
                icon=":material/auto_stories:",
                on_click=notices.attempt,
                args=(uploads.add_samples,),
            )


def _list(found: Sequence[Document]) -> None:
    with st.container(
        key="library_bar", horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.html(f'<p class="totals">{escape(_totals(found))}</p>', width="content")
        with st.container(key="filters", horizontal=True, horizontal_alignment="right", width="content"):
            tags = _chosen_tags(found)
            name = st.text_input(
                "Filter by name",
                key="filter",
                placeholder="Filter by name",
                icon=":material/search:",
                label_visibility="collapsed",
                width=240,
            )
    shown = [
        each
        for each in found
        if name.casefold() in f"{each.source}\n{each.title}".casefold() and set(tags) <= set(each.tags)
    ]
    if not shown:
        wanted = [f"“{name}” in its name"] if name else []
        wanted += [f"the tag “{tag}”" for tag in tags]
        st.html(f'<p class="hint">No document has {escape(" and ".join(wanted))}.</p>')
        return
    # The document that a link led to stands first, wherever it is in the list.
    shown.sort(key=lambda each: each.id != st.query_params.get("document"))
    pages = -(-len(shown) // _PER_PAGE)
    first = 0
    if pages > 1:
        first = (min(st.session_state.get("library_page", 1), pages) - 1) * _PER_PAGE
    with st.container(key="documents", gap=None):
        for document in shown[first : first + _PER_PAGE]:
            documents.row(document)
    if pages > 1:
        st.pagination(pages, key="library_page")


def _chosen_tags(found: Sequence[Document]) -> list[str]:
    """Offer the tags of the library, if it has any; returns those that a document must have."""
    known = organise.tags_of(found)
    if not known:
        return []
    chosen: list[str] = st.multiselect(
        "Filter by tag",
        known,
        key="filter_tags",
        placeholder="Filter by tag",
        label_visibility="collapsed",
        width=240,
    )
    return chosen


def _totals(found: Sequence[Document]) -> str:
    ready = sum(document.status == "ready" for document in found)
    disabled = sum(not document.enabled for document in found)
    parts = [counted(len(found), "document")]
    if ready != len(found):
        parts.append(f"{ready} ready")
    if disabled:
        parts.append(f"{disabled} disabled")
    parts.append(counted(sum(document.chunks for document in found), "passage"))
    parts.append(size(sum(document.bytes for document in found)))
    return " · ".join(parts)
