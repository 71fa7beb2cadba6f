"""The library page: every document, how far it is, and what could not be read of it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import get_args

import streamlit as st

from citewise.errors import CitewiseError
from citewise.types import UNFINISHED, Document, OnDuplicate
from citewise.ui import components, notices, place, state, uploads
from citewise.ui.failures import friendly
from citewise.ui.notices import Undo, attempt, tell
from citewise.ui.text import STAGES, counted, day, escaped, file_name, overall_percent, progress_line, shortened, size

_PER_PAGE = 25
_POLL_S = 0.7
_DUPLICATES: dict[OnDuplicate, str] = {
    "skip": "Skip files that are here already",
    "replace": "Replace files that are here already",
    "keep": "Keep both, side by side",
}


def page() -> None:
    """Draw the page."""
    components.drop_anywhere()
    documents = place.documents()
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
    uploads.drop_zone("Add documents", on_duplicate=duplicates)
    if not documents:
        _empty()
        return
    working = any(document.status in UNFINISHED for document in documents)
    components.announcer("Adding documents" if working else counted(len(documents), "document"))
    st.fragment(_list, run_every=_POLL_S if working else None)(polled=working)


def _empty() -> None:
    with st.container(key="empty_library", horizontal_alignment="center"):
        st.html(
            '<div class="hero"><p class="display">Nothing here yet</p>'
            "<p>Drop PDF, Word, Markdown, text or HTML files above. You see here how each one is read.</p></div>"
        )
        if uploads.samples():
            st.button(
                "Try it with the sample documents",
                key="samples",
                icon=":material/auto_stories:",
                on_click=attempt,
                args=(uploads.add_samples,),
            )


def _list(*, polled: bool) -> None:
    notices.rerun_if_pending()
    with friendly():
        documents = place.documents()
        if polled and not any(document.status in UNFINISHED for document in documents):
            st.rerun()  # the whole page, once: polling ends
        with st.container(
            key="library_bar", horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
        ):
            st.html(f'<p class="totals">{escape(_totals(documents))}</p>', width="content")
            name = st.text_input(
                "Filter by name",
                key="filter",
                placeholder="Filter by name",
                icon=":material/search:",
                label_visibility="collapsed",
                width=260,
            )
        shown = [each for each in documents if name.casefold() in f"{each.source}\n{each.title}".casefold()]
        if not shown:
            st.html(f'<p class="hint">No document has “{escape(name)}” in its name.</p>')
            return
        pages = -(-len(shown) // _PER_PAGE)
        first = 0
        if pages > 1:
            first = (min(st.session_state.get("library_page", 1), pages) - 1) * _PER_PAGE
        with st.container(key="documents", gap=None):
            for document in shown[first : first + _PER_PAGE]:
                _row(document)
        if pages > 1:
            st.pagination(pages, key="library_page")


def _totals(documents: Sequence[Document]) -> str:
    ready = sum(document.status == "ready" for document in documents)
    parts = [counted(len(documents), "document")]
    if ready != len(documents):
        parts.append(f"{ready} ready")
    parts.append(counted(sum(document.chunks for document in documents), "passage"))
    parts.append(size(sum(document.bytes for document in documents)))
    return " · ".join(parts)


def _row(document: Document) -> None:
    with st.container(key=f"document_{document.id}", horizontal=True, vertical_alignment="center", wrap=False):
        st.html(_cells(document))
        key = f"actions_{document.id}"
        st.menu_button(
            f"Actions for {escaped(shortened(file_name(document.source), 40))}",
            _actions(document),
            key=key,
            icon=":material/more_horiz:",
            type="tertiary",
            on_click=_chosen,
            args=(key, document),
        )
    if st.session_state.get("details") == document.id:
        _details(document)


def _actions(document: Document) -> list[str]:
    if document.status in UNFINISHED:
        return ["Cancel", "Details", "Delete"]
    if document.status in {"failed", "cancelled"}:
        return ["Retry", "Details", "Delete"]
    return ["Details", "Delete"]


def _cells(document: Document) -> str:
    name = file_name(document.source)
    folder = document.source[: -len(name)].rstrip("/")
    title = document.title if document.title not in {"", name, name.rpartition(".")[0]} else folder
    warnings = len(document.report.warnings) if document.report else 0
    facts = [
        counted(document.pages, "page") if document.pages else "",
        counted(document.chunks, "passage") if document.chunks else "",
        size(document.bytes),
        day(document.added_at),
    ]
    kind = escape(name.rpartition(".")[2][:4].upper() if "." in name else "FILE")
    state_cell = f'<span class="state {document.status}"><i></i>{STAGES[document.status]}</span>'
    below = f"<small>{escape(shortened(title, 90))}</small>" if title else ""
    if document.status in UNFINISHED:
        percent = overall_percent(document)
        state_cell = (
            f'<span class="state working"><span>{escape(progress_line(document))}</span>'
            f'<progress max="100" value="{percent}" aria-label="Progress of {escape(name, quote=True)}">'
            f"{percent} %</progress></span>"
        )
    elif document.status == "failed" and document.error:
        below = f'<small class="reason">{escape(document.error)}</small>'
    elif warnings:
        below += f'<small class="warned">{counted(warnings, "warning")}: not all of it could be read</small>'
    return (
        f'<div class="document"><span class="kind" aria-hidden="true">{kind}</span>'
        f'<div class="name"><h2 title="{escape(document.source, quote=True)}">{escape(name)}</h2>{below}</div>'
        f'{state_cell}<span class="facts-line">{escape(" · ".join(fact for fact in facts if fact))}</span></div>'
    )


def _chosen(key: str, document: Document) -> None:
    engine = state.engine()
    option = st.session_state.get(key)
    if option == "Cancel":
        attempt(lambda: engine.cancel(document.id))
    elif option == "Retry":
        attempt(lambda: _retry(document))
    elif option == "Delete":
        attempt(lambda: _delete(document))
    elif option == "Details":
        same = st.session_state.get("details") == document.id
        st.session_state["details"] = None if same else document.id


def _retry(document: Document) -> None:
    state.engine().retry(document.id)


def _delete(document: Document) -> None:
    state.engine().remove([document.id])
    tell(f"Deleted {file_name(document.source)}.", undo=Undo("documents", (document.id,)))


def _details(document: Document) -> None:
    with st.container(key=f"details_{document.id}", border=True):
        report = document.report
        rows = [
            ("Source", document.source),
            ("Version", str(document.version)),
            ("Type", document.media_type),
            ("Read", f"{report.characters:,} characters" if report else ""),
            ("Tables", str(report.tables) if report and report.tables else ""),
            ("Images", f"{report.images}, whose content is not read" if report and report.images else ""),
            ("Failed because", document.error or ""),
        ]
        facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows if value)
        lists = "".join(
            f'<h3 class="label">{title}</h3><ul class="remarks">{items}</ul>'
            for title, items in (
                ("What could not be read", _items(report.warnings if report else ())),
                ("What was left out on purpose", _items(report.left_out if report else ())),
            )
            if items
        )
        st.html(f'<dl class="facts">{facts}</dl>{lists}')
        with st.container(horizontal=True):
            try:
                original = state.engine().original(document.id, version=document.version)
            except CitewiseError as error:
                st.html(f'<p class="hint">{escape(str(error))}</p>')
            else:
                st.download_button(
                    "Download the original",
                    data=original.path.read_bytes,
                    file_name=file_name(original.source),
                    mime="application/octet-stream",  # an attachment: never opened as a page of this site
                    key=f"download_{document.id}",
                    icon=":material/download:",
                    on_click="ignore",
                )
            st.button("Close", key=f"close_{document.id}", on_click=lambda: st.session_state.update(details=None))


def _items(texts: Sequence[str]) -> str:
    return "".join(f"<li>{escape(text)}</li>" for text in texts)
