"""The generations of the index: one that waits beside the one that serves, and the list of all."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import streamlit as st

from citewise.errors import CitewiseError
from citewise.index import words
from citewise.types import Generation, GenerationState, IndexStatus
from citewise.ui import index_actions, place, state
from citewise.ui.text import counted, day, file_name, prose, shortened

_STATES: dict[GenerationState, str] = {
    "active": "Serves",
    "ready": "Waits",
    "building": "Being built",
    "retired": "Former",
    "broken": "Broken",
}
_DOTS: dict[GenerationState, str] = {"active": "ready", "ready": "waits", "broken": "failed"}
_SHARES = (
    ("recall_at_5", "Found in the first five", "recall@5"),
    ("recall_at_10", "Found in the first ten", "recall@10"),
    ("mrr_at_10", "How far up", "MRR@10"),
)


def show(status: IndexStatus) -> None:
    """Draw the list of all generations."""
    if not status.generations:
        return
    rows = "".join(_row(one) for one in status.generations)
    st.html(
        '<h2 class="label">Generations</h2>'
        '<div class="generations" role="region" aria-label="Generations" tabindex="0">'
        "<table><thead><tr><th>Generation</th><th>State</th><th>Model</th><th>Cut</th><th>Made</th><th>Verified</th>"
        f"</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(one: Generation) -> str:
    cells = [
        f"<code>{escape(words.short(one.id))}</code>",
        f'<span class="state {_DOTS.get(one.state, "off")}"><i></i>{_said(one)}</span>',
        escape(one.model or one.embedder),
        escape(words.cut(one.splitter)),
        day(one.created_at),
        day(one.verified_at) if one.verified_at else "",
    ]
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _said(one: Generation) -> str:
    since = f" since {day(one.published_at)}" if one.state == "active" and one.published_at else ""
    return f"{_STATES[one.state]}{since}"


# --- one that waits -------------------------------------------------------------------


def waiting(status: IndexStatus) -> None:
    """Draw the newest generation that waits to be switched to, compared with the one that serves."""
    found = next((one for one in status.generations if one.state == "ready" and _is_done(one, status)), None)
    if found is None:
        return
    with st.container(key="generation_waits", border=True):
        st.html(
            f'<div class="waits"><h2>A new generation waits</h2><p>{escape(found.model)} · '
            f"{escape(words.cut(found.splitter))} · made {day(found.created_at)}</p></div>"
        )
        if found.comparison:
            st.html(_picture(found.comparison))
            _worse(found)
        index_actions.action("switch", status, primary=True, generation_id=found.id)


def _is_done(one: Generation, status: IndexStatus) -> bool:
    """Whether no job works on it any more."""
    return not any(job.generation == one.id and job.state in index_actions.OPEN for job in status.jobs)


def _picture(comparison: Mapping[str, Any]) -> str:
    old, new = comparison["serving"], comparison["candidate"]
    bars = "".join(
        _pair(f"{name} ({short})", old[key], new[key], most=1.0, shown=_percent if "recall" in key else _plain)
        for key, name, short in _SHARES
        if old[key] is not None and new[key] is not None
    )
    if old["mean_ms"] is not None and new["mean_ms"] is not None:
        slowest = max(old["mean_ms"], new["mean_ms"], 0.1)
        bars += _pair("Time of a search, less is better", old["mean_ms"], new["mean_ms"], most=slowest, shown=_time)
    asked = sum(comparison["questions"].values())
    counts = (
        f"<p>Of {counted(asked, 'question')}, {comparison['better']:,} got better and {comparison['worse']:,} worse. "
        f"Chunks: {old['chunks']:,} now, {new['chunks']:,} then.</p>"
        if asked
        else ""
    )
    return (
        f'<div class="comparison"><p>{prose(comparison["sentence"])}</p><div class="pairs">{bars}</div>{counts}</div>'
    )


def _pair(name: str, old: float, new: float, *, most: float, shown: Any) -> str:
    bars = "".join(
        f'<span>{label}</span><progress class="{kind}" max="{most}" value="{value}" '
        f'aria-label="{escape(name, quote=True)}, {label}: {shown(value)}"></progress><b>{shown(value)}</b>'
        for kind, label, value in (("old", "Now", old), ("new", "New", new))
    )
    return f'<div class="pair"><h3>{escape(name)}</h3>{bars}</div>'


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _plain(value: float) -> str:
    return f"{value:.2f}"


def _time(value: float) -> str:
    return f"{value:.1f} ms"


def _worse(generation: Generation) -> None:
    found = (generation.comparison or {}).get("got_worse") or ()
    if not found:
        return
    with st.expander(f"Questions that got worse · {len(found)}", key="got_worse", type="compact"):
        said = place.remembered("got_worse", generation.id, lambda: [_question(one) for one in found])
        items = "".join(
            f"<li><q>{escape(shortened(question, 160))}</q><small>{escape(where)}{_moved(one)}</small></li>"
            for one, (question, where) in zip(found, said, strict=True)
        )
        st.html(f'<ul class="worse">{items}</ul>')


def _moved(worse: Mapping[str, Any]) -> str:
    before, after = (f"rank {rank}" if rank else "not in the first ten" for rank in (worse["before"], worse["after"]))
    return f"{before} → {after}"


def _question(worse: Mapping[str, Any]) -> tuple[str, str]:
    """The words that were searched for, and where they stand if they are a document's."""
    spot = worse["place"]
    if not spot:
        return str(worse["question"]), ""
    try:
        shown = state.engine().show(spot["document_id"], version=spot["version"])
    except CitewiseError:
        return "A sentence of a document that is gone", ""
    return shown.text[spot["start"] : spot["end"]], f"{file_name(shown.document.source)} · "
