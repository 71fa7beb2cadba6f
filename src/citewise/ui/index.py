"""The index page: whether the index is whole, what it was made with, and what goes on with it."""

from __future__ import annotations

import time
from html import escape
from pathlib import Path

import streamlit as st

from citewise.index import words
from citewise.types import IndexJob, IndexState, IndexStatus
from citewise.ui import components, generations, index_actions, notices, state
from citewise.ui.failures import friendly
from citewise.ui.notices import attempt, tell
from citewise.ui.text import counted, day, duration, prose, size

_POLL_S = 1.0
_TOLD = 8  # jobs in the history

_HEADLINES: dict[IndexState, str] = {
    "ok": "The index is whole",
    "opening": "The index is being opened",
    "checking": "The index is being checked",
    "degraded": "Answers come by exact search",
}
_WHOLE = "The index is whole."
_MEANWHILE = "Until it is whole, answers come by exact search over the stored text: right, but slower."


def page() -> None:
    """Draw the page."""
    st.html(Path(__file__).with_name("index.css"))
    st.html('<h1 class="page-title">Index</h1>')
    notices.show()
    status = state.engine().index_status()
    busy = _is_busy(status)
    components.announcer(_announcement(status))
    st.fragment(_body, run_every=_POLL_S if busy else None)(busy=busy)
    index_actions.dialogs(status)


def _is_busy(status: IndexStatus) -> bool:
    return status.state != "ok" or bool(_open_jobs(status))


def _open_jobs(status: IndexStatus) -> list[IndexJob]:
    """What goes on or waits, the oldest first."""
    return [job for job in reversed(status.jobs) if job.state in index_actions.OPEN]


def _announcement(status: IndexStatus) -> str:
    """What a screen reader hears when the page is drawn."""
    running = [words.DOING[job.kind] for job in _open_jobs(status)]
    return ", ".join([_HEADLINES[status.state], *running])


def _body(*, busy: bool) -> None:
    notices.rerun_if_pending()
    with friendly():
        status = state.engine().index_status()
        index_actions.watch(_open_jobs(status))
        for job in index_actions.ended(status):
            tell(f"{index_actions.NAMES[job.kind]}: {words.outcome(job)}", failed=_failed(job))
        if _is_busy(status) != busy:
            st.rerun()  # the whole page, once: it polls, or does so no more
        notices.rerun_if_pending()
        empty = not status.chunks and not any(each.documents for each in state.engine().collections())
        if not empty or status.state != "ok":
            with st.container(key="index_state"):
                _state(status)
                index_actions.call_for_work(status)
        _jobs(status)
        if not empty:
            generations.waiting(status)
            index_actions.show(status)
            generations.show(status)
        else:
            _empty()
        _history(status)


def _empty() -> None:
    with st.container(key="empty_index", horizontal_alignment="center"):
        st.html(
            '<div class="hero"><p class="display">Nothing to look after yet</p>'
            "<p>The index is made as documents are added, in the library or in the chat. "
            "Here you see whether it is whole, and build it anew with another model.</p></div>"
        )
        index_actions.erase_the_rest()


# --- how it is ------------------------------------------------------------------------


def _state(status: IndexStatus) -> None:
    said = [status.detail] if status.detail != _WHOLE else []
    if status.state in ("checking", "degraded"):
        said.append(_MEANWHILE)
    if status.waiting_documents:
        said.append(f"{counted(status.waiting_documents, 'document')} will be brought in line soon.")
    serving = status.generation
    facts = []
    if serving:
        facts = [
            ("Model", serving.model or status.model),
            ("Cut", words.cuts(status)),
            ("Holds", f"{counted(status.chunks, 'chunk')} of {counted(status.documents, 'document')}"),
            ("On disk", size(status.bytes)),
            ("Last verified", day(serving.verified_at) if serving.verified_at else "never"),
        ]
    rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    st.html(
        f'<div class="index-state {status.state}"><h2><i></i>{_HEADLINES[status.state]}</h2>'
        f"{''.join(f'<p>{prose(one)}</p>' for one in said)}<dl>{rows}</dl></div>"
    )


# --- what goes on, and what went on ---------------------------------------------------


def _jobs(status: IndexStatus) -> None:
    jobs = _open_jobs(status)
    if not jobs:
        return
    with st.container(key="index_jobs", gap="xsmall"):
        for job in jobs:
            _job(job)


def _job(job: IndexJob) -> None:
    with st.container(key=f"job_{job.id}", horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        st.html(_progress(job))
        st.button(
            "Cancel",
            key=f"cancel_{job.id}",
            icon=":material/close:",
            disabled=job.cancel_requested,
            on_click=attempt,
            args=(lambda: state.engine().cancel_index_job(job.id),),
        )


def _progress(job: IndexJob) -> str:
    parts = [words.step(job)]
    percent, left = words.percent(job), words.seconds_left(job)
    if percent is not None:
        parts.append(f"{percent} %")
    if left is not None:
        parts.append(f"{duration(left)} left")
    value = "" if percent is None else f' value="{percent}"'
    bar = f'<progress max="100"{value} aria-label="{words.DOING[job.kind]}">{percent or 0} %</progress>'
    return (
        f'<div class="job"><h3>{words.DOING[job.kind]}</h3><span>{escape(" · ".join(parts))}</span>'
        f"{bar if job.state == 'running' else ''}</div>"
    )


def _failed(job: IndexJob) -> bool:
    return job.state == "failed" or bool(job.result and (job.result.get("problems") or job.result.get("found")))


def _history(status: IndexStatus) -> None:
    over = [job for job in status.jobs if job.state not in index_actions.OPEN][:_TOLD]
    if not over:
        return
    items = "".join(
        f'<li><span class="state {"failed" if _failed(job) else "ready" if job.state == "done" else "off"}"><i></i>'
        f"{index_actions.NAMES[job.kind]}</span><small>{escape(_times(job))}</small><p>{prose(words.outcome(job))}</p></li>"
        for job in over
    )
    st.html(f'<h2 class="label">What was done</h2><ul class="work">{items}</ul>')


def _times(job: IndexJob) -> str:
    ended = day(job.updated_at)
    took = job.updated_at - job.created_at
    return f"{ended} · {duration(took)}" if took >= 1 and time.time() > job.updated_at else ended
