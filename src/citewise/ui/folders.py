"""The watched folders on the library page."""

from __future__ import annotations

import time
from html import escape

import streamlit as st

from citewise.types import WatchedFolder
from citewise.ui import notices, place, state
from citewise.ui.failures import friendly
from citewise.ui.notices import attempt, tell
from citewise.ui.text import counted, day

_PATH = "folder_path"
_POLL_S = 5.0
_TOLD = 5  # files that could not be taken in, named of one folder


def section() -> None:
    """Draw the folders, each with how it is, and a field to add one."""
    watched = state.engine().watched_folders()
    label = f"Watched folders · {len(watched)}" if watched else "Watch a folder"
    with st.expander(
        label, key="folders", icon=":material/folder_eye:", expanded=any(_problems(one) for one in watched)
    ):
        st.html(
            '<p class="hint">The files of a watched folder are documents by themselves: new ones are added, '
            "changed ones become a new version, removed ones leave the library until they come back.</p>"
        )
        if watched:
            st.fragment(_folders, run_every=_POLL_S)()
        _add()


def _folders() -> None:
    notices.rerun_if_pending()
    with friendly(), st.container(key="watched", gap=None):
        for folder in state.engine().watched_folders():
            with st.container(
                key=f"folder_{folder.id}", horizontal=True, vertical_alignment="center", wrap=False, gap="small"
            ):
                st.html(_cells(folder))
                st.button(
                    "Stop watching",
                    key=f"unwatch_{folder.id}",
                    type="tertiary",
                    on_click=attempt,
                    args=(lambda folder=folder: _stop(folder),),
                )


def _cells(folder: WatchedFolder) -> str:
    facts = [
        counted(folder.documents, "document"),
        f"in {folder.collection}" if folder.collection != place.collection() else "",
        _looked(folder),
    ]
    problems = "".join(f'<small class="reason">{escape(one)}</small>' for one in _problems(folder))
    return (
        f'<div class="folder"><h3>{escape(folder.path)}</h3>'
        f"<small>{escape(' · '.join(fact for fact in facts if fact))}</small>{problems}</div>"
    )


def _looked(folder: WatchedFolder) -> str:
    if folder.looked_at is None:
        return "not looked at yet"
    if time.time() - folder.looked_at < 60:
        return "looked at just now"
    return f"looked at {day(folder.looked_at)}"


def _problems(folder: WatchedFolder) -> list[str]:
    told = [f"{source}: {error}" for source, error in folder.refused[:_TOLD]]
    if len(folder.refused) > _TOLD:
        told.append(f"And {len(folder.refused) - _TOLD} more files could not be taken in.")
    return [folder.error, *told] if folder.error else told


def _add() -> None:
    with st.form("watch_folder", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Folder on the computer that Citewise runs on", placeholder="/home/me/notes", key=_PATH)
        st.form_submit_button("Watch", on_click=attempt, args=(_watch,))


def _watch() -> None:
    folder = state.engine().watch_folder(st.session_state[_PATH].strip(), place.collection())
    st.session_state[_PATH] = ""
    tell(f"{folder.path} is watched. Its files appear here in a moment.")


def _stop(folder: WatchedFolder) -> None:
    state.engine().unwatch_folder(folder.id)
    tell(
        f"{folder.path} is not watched any more. Its documents stay.",
        undo=lambda: state.engine().watch_folder(folder.path, folder.collection),
    )
