"""Files from the browser into the engine, and their way to being ready."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import streamlit as st

import citewise
from citewise.types import UNFINISHED, Added, Document, OnDuplicate, Upload
from citewise.ui import notices, place, state
from citewise.ui.failures import friendly
from citewise.ui.notices import attempt, tell
from citewise.ui.text import counted, file_name, overall_percent, progress_line, shortened

POLL_S = 0.7
_SHOWN = 3  # documents in progress that are listed by name


class BrowserFile(Protocol):
    """What Streamlit hands over for an uploaded file: a binary stream with a name."""

    name: str


def drop_zone(label: str, *, on_duplicate: OnDuplicate = "skip", seen: bool = True) -> None:
    """Draw the page's upload zone; what is dropped on it, or anywhere on the page, is taken in at once.

    Unless it is ``seen``, it appears only while files are dragged over the window.
    """
    # A new key gives an empty zone: files stay in memory for as long as their widget shows them.
    key = f"upload_{st.session_state.setdefault('uploads', 0)}"

    def take() -> None:
        files = st.session_state.get(key)
        st.session_state["uploads"] += 1
        if files:
            attempt(lambda: add_files(files, on_duplicate=on_duplicate))

    with st.container(key="drop_shown" if seen else "drop_hidden"), st.container(key="drop_zone"):
        st.file_uploader(label, accept_multiple_files=True, key=key, on_change=take, label_visibility="collapsed")


def add_files(files: Sequence[BrowserFile], *, on_duplicate: OnDuplicate = "skip") -> None:
    """Give uploaded files to the engine and tell what it did not take."""
    uploads = [Upload(source=file.name, stream=cast(BinaryIO, file)) for file in files]
    added = state.engine().add(uploads, collection=place.collection(), on_duplicate=on_duplicate)
    report(added, names={upload.source for upload in uploads})


def report(added: Sequence[Added], *, names: Collection[str]) -> None:
    """Tell which files were skipped, named otherwise or refused; those that were taken are seen in progress."""
    told = []
    skipped = [each for each in added if each.status == "skipped"]
    if len(skipped) == 1:
        told.append(f"{file_name(skipped[0].source)} is in the library already{_where(skipped[0])}.")
    elif skipped:
        told.append(f"{_named([each.source for each in skipped])} are in the library already.")
    beside = [each.source for each in added if each.status == "received" and each.source not in names]
    if beside:
        told.append(f"Kept beside what has the same name: {_named(beside)}.")
    if told:
        tell(" ".join(told))
    for each in added:
        if each.status == "failed":
            tell(f"{file_name(each.source)}: {each.error or 'it could not be taken in.'}", failed=True)


def _where(skipped: Added) -> str:
    """Say what somebody could not guess: another name, or that no answer comes from it."""
    if skipped.document_id is None:
        return ""
    document = state.engine().document(skipped.document_id)
    name = f" as {file_name(document.source)}" if document.source != skipped.source else ""
    return name if document.enabled else f"{name}, but disabled"


def samples() -> list[Path]:
    """The sample documents of a checkout; none in an installed package."""
    folder = Path(citewise.__file__).parents[2] / "data" / "library"
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []


def add_samples() -> None:
    """Take in the sample documents."""
    paths = samples()
    root = paths[0].parent if paths else Path()
    uploads = []
    for path in paths:
        source = str(path.relative_to(root)) if path.is_relative_to(root) else path.name
        uploads.append(Upload(source=source, stream=path.open("rb")))
    try:
        added = state.engine().add(uploads, collection=place.collection())
        report(added, names={upload.source for upload in uploads})
    finally:
        for upload in uploads:
            if upload.stream:
                upload.stream.close()


def unfinished(documents: Sequence[Document]) -> list[Document]:
    """Documents that are still on their way, oldest first."""
    return sorted((each for each in documents if each.status in UNFINISHED), key=lambda each: each.added_at)


def progress_strip(documents: Sequence[Document]) -> None:
    """Show what is being taken in; draws itself again while there is something."""
    if unfinished(documents):
        st.fragment(_strip, run_every=POLL_S)()


def _strip() -> None:
    notices.rerun_if_pending()
    with friendly():
        documents = unfinished(place.documents())
        if not documents:
            st.rerun()
        total = sum(overall_percent(each) for each in documents) // len(documents)
        lines = "".join(
            f"<li><span>{escape(shortened(file_name(each.source), 48))}</span>"
            f"<small>{escape(progress_line(each))}</small></li>"
            for each in documents[:_SHOWN]
        )
        more = f"<li><small>and {len(documents) - _SHOWN} more</small></li>" if len(documents) > _SHOWN else ""
        with st.container(key="ingest_strip", gap=None):
            st.progress(total, text=f"Adding {counted(len(documents), 'document')}")
            st.html(f'<ul class="adding">{lines}{more}</ul>')


def _named(sources: Sequence[str]) -> str:
    names = [file_name(source) for source in sources]
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
