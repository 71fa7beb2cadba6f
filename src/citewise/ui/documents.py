"""One document in the library: its row, what can be done with it, and what is known of it."""

from __future__ import annotations

from html import escape

import streamlit as st

from citewise.errors import CitewiseError
from citewise.types import UNFINISHED, Document, DocumentVersion
from citewise.ui import organise, report, state
from citewise.ui.notices import attempt, tell
from citewise.ui.text import (
    STAGES,
    counted,
    day,
    escaped,
    file_name,
    overall_percent,
    progress_line,
    shortened,
    size,
)

_CANCEL, _RETRY, _DETAILS, _DELETE = "Cancel", "Retry", "Details", "Delete"
_DISABLE, _ENABLE, _TAGS, _MOVE = "Disable", "Enable", "Tags…", "Move to…"


def row(document: Document) -> None:
    """Draw the line of a document, and its details while they are open."""
    with st.container(key=f"document_{document.id}", horizontal=True, vertical_alignment="center", wrap=False):
        st.html(_cells(document))
        opened = st.session_state.get("details") == document.id
        name = escaped(shortened(file_name(document.source), 40))
        st.button(
            f"What was read of {name}",
            key=f"report_{document.id}",
            icon=":material/fact_check:",
            type="primary" if opened else "tertiary",
            help="What was read of it",
            on_click=_toggle_details,
            args=(document,),
        )
        key = f"actions_{document.id}"
        st.menu_button(
            f"Actions for {name}",
            _actions(document),
            key=key,
            icon=":material/more_horiz:",
            type="tertiary",
            on_click=_chosen,
            args=(key, document),
        )
    if opened:
        _details(document)


def _actions(document: Document) -> list[str]:
    first = []
    if document.status in UNFINISHED:
        first = [_CANCEL]
    elif document.status in {"failed", "cancelled"}:
        first = [_RETRY]
    return [*first, _DETAILS, _DISABLE if document.enabled else _ENABLE, _TAGS, _MOVE, _DELETE]


def _chosen(key: str, document: Document) -> None:
    engine = state.engine()
    option = st.session_state.get(key)
    if option == _CANCEL:
        attempt(lambda: engine.cancel(document.id))
    elif option == _RETRY:
        attempt(lambda: engine.retry(document.id))
    elif option == _DELETE:
        attempt(lambda: _delete(document))
    elif option in (_DISABLE, _ENABLE):
        attempt(lambda: organise.set_enabled(document, option == _ENABLE))
    elif option == _TAGS:
        organise.open_dialog("tags", document)
    elif option == _MOVE:
        organise.open_dialog("move", document)
    elif option == _DETAILS:
        _toggle_details(document)


def _toggle_details(document: Document) -> None:
    same = st.session_state.get("details") == document.id
    st.session_state["details"] = None if same else document.id


def _delete(document: Document) -> None:
    state.engine().remove([document.id])
    tell(f"Deleted {file_name(document.source)}.", undo=lambda: state.engine().restore([document.id]))


# --- the row --------------------------------------------------------------------------


def _cells(document: Document) -> str:
    name = file_name(document.source)
    facts = [
        counted(document.pages, "page") if document.pages else "",
        counted(document.chunks, "passage") if document.chunks else "",
        size(document.bytes),
        day(document.added_at),
    ]
    kind = escape(name.rpartition(".")[2][:4].upper() if "." in name else "FILE")
    return (
        f'<div class="document{"" if document.enabled else " disabled"}">'
        f'<span class="kind" aria-hidden="true">{kind}</span>'
        f'<div class="name"><h2 title="{escape(document.source, quote=True)}">{escape(name)}</h2>'
        f"{_below(document, name)}</div>{_state(document, name)}"
        f'<span class="facts-line">{escape(" · ".join(fact for fact in facts if fact))}</span></div>'
    )


def _below(document: Document, name: str) -> str:
    """What stands below the name: title or folder, what is wrong, and the tags."""
    folder = document.source[: -len(name)].rstrip("/")
    title = document.title if document.title not in {"", name, name.rpartition(".")[0]} else folder
    below = f"<small>{escape(shortened(title, 90))}</small>" if title else ""
    if document.status == "failed" and document.error:
        below = f'<small class="reason">{escape(document.error)}</small>'
    elif document.report and document.status not in UNFINISHED:
        remarks = ["Not all of it could be read"] if document.report.incomplete else []
        if document.status == "ready" and not document.chunks:
            remarks.append("No words to search or cite")
        remarks += [counted(len(document.report.warnings), "warning")] if document.report.warnings else []
        below += f'<small class="warned">{" · ".join(remarks)}</small>' if remarks else ""
    if document.tags:
        chips = "".join(f"<li>{escape(tag)}</li>" for tag in document.tags)
        below += f'<ul class="tags" aria-label="Tags">{chips}</ul>'
    return below


def _state(document: Document, name: str) -> str:
    if document.status in UNFINISHED:
        percent = overall_percent(document)
        return (
            f'<span class="state working"><span>{escape(progress_line(document))}</span>'
            f'<progress max="100" value="{percent}" aria-label="Progress of {escape(name, quote=True)}">'
            f"{percent} %</progress></span>"
        )
    if not document.enabled:
        return '<span class="state off" title="It is kept, but in no answer."><i></i>Disabled</span>'
    return f'<span class="state {document.status}"><i></i>{STAGES[document.status]}</span>'


# --- the details ----------------------------------------------------------------------


def _details(listed: Document) -> None:
    document = state.engine().document(listed.id)  # with the pages of its report
    versions = "".join(f"<li>{escape(_version(one, document))}</li>" for one in state.engine().versions(document.id))
    with st.container(key=f"details_{document.id}", border=True):
        report.show(document)
        st.html(f'<h3 class="label">Versions</h3><ul class="remarks">{versions}</ul>')
        with st.container(horizontal=True):
            _download(document)
            st.button("Close", key=f"close_{document.id}", on_click=lambda: st.session_state.update(details=None))


def _version(version: DocumentVersion, document: Document) -> str:
    how = "" if version.status == "ready" else STAGES[version.status].lower()
    if version.serves and document.enabled:
        how = "answers come from it"
    pages = counted(version.pages, "page") if version.pages else ""
    parts = [f"Version {version.version}", day(version.added_at), size(version.bytes), pages, how]
    return " · ".join(part for part in parts if part)


def _download(document: Document) -> None:
    try:
        original = state.engine().original(document.id, version=document.version)
    except CitewiseError as error:
        st.html(f'<p class="hint">{escape(str(error))}</p>')
        return
    st.download_button(
        "Download the original",
        data=original.path.read_bytes,
        file_name=file_name(original.source),
        mime="application/octet-stream",  # an attachment: never opened as a page of this site
        key=f"download_{document.id}",
        icon=":material/download:",
        on_click="ignore",
    )
