"""What can be done with the index, each with what it does, and the dialogs that ask before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Literal

import streamlit as st

from citewise.index import words
from citewise.types import IndexJob, IndexJobKind, IndexStatus
from citewise.ui import notices, state
from citewise.ui.notices import attempt
from citewise.ui.text import counted

OPEN = ("queued", "running")

NAMES: dict[IndexJobKind, str] = {
    "verify": "Verify",
    "rebuild": "Rebuild",
    "reembed": "Embed anew",
    "update": "Update",
    "switch": "Switch",
    "rollback": "Roll back",
    "compact": "Compact",
}
_ICONS: dict[IndexJobKind, str] = {
    "verify": "fact_check",
    "rebuild": "construction",
    "reembed": "conversion_path",
    "update": "update",
    "switch": "swap_horiz",
    "rollback": "undo",
    "compact": "delete_sweep",
}
_DIALOG = "index_dialog"
_WATCHED = "index_jobs_watched"


def start(kind: IndexJobKind, options: Mapping[str, Any] | None = None, *, generation_id: str | None = None) -> None:
    """Start work on the index; ``ended`` tells when it is over."""
    watch([state.engine().index_job(kind, generation_id=generation_id, options=options)])


def watch(jobs: Iterable[IndexJob]) -> None:
    """Remember jobs whose end this session is to be told."""
    st.session_state[_WATCHED] = {*st.session_state.get(_WATCHED, ()), *(job.id for job in jobs)}


def ended(status: IndexStatus) -> list[IndexJob]:
    """The watched jobs that are over; each is given once."""
    over = [job for job in status.jobs if job.state not in OPEN and job.id in st.session_state.get(_WATCHED, ())]
    if over:
        st.session_state[_WATCHED] -= {job.id for job in over}
    return over


def action(
    kind: IndexJobKind, status: IndexStatus, *, key: str = "", primary: bool = False, generation_id: str | None = None
) -> None:
    """Draw the button for a kind of work; it waits while such work goes on."""
    asks = kind in ("reembed", "compact")
    st.button(
        f"{NAMES[kind]}…" if asks else NAMES[kind],
        key=f"{key}{kind}",
        icon=f":material/{_ICONS[kind]}:",
        type="primary" if primary else "secondary",
        disabled=any(job.kind == kind and job.state in OPEN for job in status.jobs),
        on_click=_open if asks else attempt,
        args=(kind,) if asks else (lambda: start(kind, generation_id=generation_id),),
    )


def call_for_work(status: IndexStatus) -> None:
    """Say how many chunks are stale, with the button that mends it."""
    if not status.stale_chunks:
        return
    serving = status.generation
    other_model = serving is not None and serving.model != status.model
    wanted = status.model if other_model else words.cut(status.splitter)
    stale = f"{status.stale_chunks:,} of {counted(status.chunks, 'chunk')}"
    said = f"{stale} were made with another model or cut than the settings name ({wanted})."
    waits = serving is not None and any(
        one.state == "ready" and (one.embedder, one.splitter) != (serving.embedder, serving.splitter)
        for one in status.generations
    )
    what = "Answers still come from them."
    if waits:
        what += " A generation made otherwise waits below: switch to it if it compares well."
    elif status.needs_full_rebuild:
        what += " They are so many that everything should be embedded anew."
    percent = min(100, round(100 * status.stale_share))
    with st.container(
        key="index_stale", horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.html(
            f'<div class="stale{" much" if status.needs_full_rebuild else ""}"><p><b>{escape(said)}</b> {what}</p>'
            f'<progress max="100" value="{percent}" aria-label="Stale chunks">{percent} %</progress></div>'
        )
        if waits:
            return
        if status.needs_full_rebuild or other_model:
            action("reembed", status, key="call_", primary=status.needs_full_rebuild)
        else:
            action("update", status, key="call_", primary=True)


def show(status: IndexStatus) -> None:
    """Draw everything that can be done, with what it does."""
    st.html('<h2 class="label above">What you can do</h2>')
    with st.container(key="index_actions", gap=None):
        if status.state == "ok":
            _row("verify", status, "Looks for every chunk by its own vector. A damaged index is built anew.")
        _row("rebuild", status, "Writes the stored vectors to new files. Nothing is embedded again.")
        _row(
            "reembed",
            status,
            "Cuts and embeds every document again, beside what serves, and compares the two on the same questions.",
        )
        if status.stale_chunks and (status.generation and status.generation.model == status.model):
            _row("update", status, "Cuts and embeds the stale documents again, in place.")
        if any(one.state == "retired" for one in status.generations):
            _row("rollback", status, "Lets answers come from the former generation again.")
        _row(
            "compact", status, "Erases removed documents from every file for good, and looks for what is left of them."
        )
        with st.container(key="action_backup", horizontal=True, vertical_alignment="center", gap="small"):
            st.html(
                "<div><h3>Backup</h3><p>Documents, conversations and answers in one file. "
                "<code>citewise restore FILE</code> puts it back; the index is then built from it.</p></div>"
            )
            st.html('<a class="download" href="/api/backup" download>Download</a>', width="content")


def _row(kind: IndexJobKind, status: IndexStatus, what: str) -> None:
    with st.container(key=f"action_{kind}", horizontal=True, vertical_alignment="center", gap="small"):
        st.html(f"<div><h3>{NAMES[kind]}</h3><p>{escape(what)}</p></div>")
        action(kind, status)


def erase_the_rest() -> None:
    """Offer to erase removed documents where there are no others."""
    removed = state.engine().erasable().documents
    if removed:
        st.html(f'<p class="hint">{counted(removed, "removed document")} can still be brought back.</p>')
        st.button("Erase for good…", key="erase_the_rest", on_click=_open, args=("compact",))


# --- dialogs --------------------------------------------------------------------------


def _open(kind: Literal["reembed", "compact"]) -> None:
    st.session_state[_DIALOG] = kind
    notices.rerun_page()


def _close() -> None:
    st.session_state.pop(_DIALOG, None)


def dialogs(status: IndexStatus) -> None:
    """Draw the dialog that is open; it stays open when the page is drawn again."""
    match st.session_state.get(_DIALOG):
        case "reembed":
            _reembed(status)
        case "compact":
            _compact(status)


@st.dialog("Embed anew", on_dismiss=_close)
def _reembed(status: IndexStatus) -> None:
    st.markdown(
        f"Every document is cut and embedded again, as the settings say: {words.cut(status.splitter)}. Answers come "
        "from the present index until the new one is built, compared with it, and you switch."
    )
    model = st.text_input(
        "Embedding model", value=status.model, key="reembed_model", help="PROVIDER:NAME, as CITEWISE_EMBED__MODEL"
    )
    switch = st.checkbox("Switch as soon as it is built", key="reembed_switch")
    if st.button("Start", key="reembed_start", type="primary", disabled=not model.strip()):
        chosen: dict[str, Any] = {"switch": True} if switch else {}
        if model.strip() != status.model:
            chosen["model"] = model.strip()
        attempt(lambda: start("reembed", chosen))
        _close()
        st.rerun()


@st.dialog("Compact", on_dismiss=_close)
def _compact(status: IndexStatus) -> None:
    found = state.engine().erasable()
    if found.documents:
        st.markdown(
            f"**{counted(found.documents, 'removed document')}** will be erased for good: afterwards nothing brings "
            f"{'it' if found.documents == 1 else 'them'} back."
        )
    else:
        st.markdown("There is no removed document to erase. The index is written anew all the same.")
    others = [one for one in status.generations if one.state in ("ready", "retired")]
    if others:
        st.markdown(
            "The other generations of the index are deleted too, since they may hold what was removed: "
            "you can then neither switch nor roll back."
        )
    blank = False
    if found.quotes:
        stays = f"{counted(found.quotes, 'quote')} of removed documents in {counted(found.answers, 'old answer')}"
        st.markdown(f"{stays} will stay, unless you have them blanked.")
        blank = st.checkbox("Blank these quotes too", key="compact_quotes")
    if st.button(
        "Erase for good" if found.documents or found.quotes else "Compact", key="compact_start", type="primary"
    ):
        attempt(lambda: start("compact", {"quotes": True} if blank else {}))
        _close()
        st.rerun()
