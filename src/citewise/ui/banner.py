"""What the chat and the library say while something goes on with the index."""

from __future__ import annotations

from html import escape

import streamlit as st

from citewise.index import words
from citewise.types import IndexJob, IndexJobKind
from citewise.ui import notices, state
from citewise.ui.failures import friendly
from citewise.ui.text import escaped

_POLL_S = 2.0
_TOLD: frozenset[IndexJobKind] = frozenset({"rebuild", "reembed", "compact"})
"""Work that takes long enough for a person to wonder what the machine is doing."""


def show() -> None:
    """Draw what goes on, if anything does; draws itself again until it is over."""
    if _wrong() or _work():
        st.fragment(_draw, run_every=_POLL_S)()


def _draw() -> None:
    notices.rerun_if_pending()
    with friendly():
        wrong, work = _wrong(), _work()
        if wrong:
            far = f" ({_far(work)})" if work else ""
            later = "Until it is whole, answers come by exact search over the stored text."
            st.warning(escaped(f"{wrong}{far}. {later}"), icon=":material/build:")
        elif work:
            doing = f"{words.DOING[work.kind]} ({_far(work)}). Answers go on as before."
            st.html(f'<p class="step"><span class="spinner"></span>{escape(doing)}</p>')
        else:
            st.rerun()


def _wrong() -> str:
    """Why answers do not come from the index now, without a full stop; the index page has the details."""
    health = state.engine().health()
    index = health.checks.get("index", "ok")
    return "" if index == "ok" or not health.degraded else index.partition(": ")[0].rstrip(".")


def _work() -> IndexJob | None:
    job = state.engine().running_index_job()
    return job if job and job.kind in _TOLD else None


def _far(job: IndexJob) -> str:
    step, percent = words.step(job), words.percent(job)
    step = step[:1].lower() + step[1:]
    return step if percent is None else f"{step}, {percent} %"
