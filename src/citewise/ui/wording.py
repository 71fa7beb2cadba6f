"""What a question was searched for, to look at and to change; and the same question asked before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any

import streamlit as st

from citewise.types import AskedBefore, Turn
from citewise.ui import filters, place, state
from citewise.ui.notices import attempt
from citewise.ui.render import answer_html
from citewise.ui.text import counted, escaped, shortened


def show(turn: Turn) -> None:
    """Draw the standalone question where it is another one, and an earlier answer where there is one."""
    if turn.standalone_question and turn.standalone_question != turn.question:
        with st.container(
            key=f"wording_{turn.id}", horizontal=True, gap="xsmall", vertical_alignment="center", wrap=False
        ):
            st.html(
                f'<p class="aside">Searched for: <q>{escape(turn.standalone_question)}</q></p>',
                width="content",
            )
            if turn.answer.status != "running":
                with st.popover("Edit", key=f"edit_{turn.id}", type="tertiary", icon=":material/edit:"):
                    _editor(turn)
    if turn.asked_before:
        _asked_before(turn, turn.asked_before)


def facts(turn: Turn) -> list[tuple[str, str]]:
    """How the search was worded, for the details of an answer."""
    search = turn.answer.trace.get("search")
    query = search.get("query") if isinstance(search, Mapping) else None
    if not isinstance(search, Mapping) or not isinstance(query, Mapping):
        return []
    by = {"": "", "rules": "by rules"}.get(str(search.get("rewritten_by", "")), f"by {search.get('rewritten_by')}")
    also = "; ".join(str(text) for text in query.get("texts", ()))
    operators = search.get("operators") or {}
    found = [
        ("Made to stand alone", by),
        ("Also searched for", also),
        ("Must stand in it", "; ".join(operators.get("phrases", ()))),
        ("Passages with it come first", "; ".join(operators.get("preferred", ()))),
        ("Left out", "; ".join(operators.get("without", ()))),
        ("Filters", filters.said(_where(query))),
    ]
    return [(name, value) for name, value in found if value]


def ask_instead(turn: Turn, question: str, *, as_typed: bool = False) -> None:
    """Ask in the place of a turn, which is kept beside it, with the filters of that turn.

    Args:
        turn: Whose place.
        question: What to ask.
        as_typed: Whether the question is searched for as it stands, instead of as the filters say.
    """
    search = turn.answer.trace.get("search", {})
    state.engine().ask(
        question,
        instead_of=turn.id,
        model=place.model(),
        where=_where(search.get("query", {})),
        rewrite=not as_typed and filters.rewrites(),
    )


def _editor(turn: Turn) -> None:
    edited = st.text_area("Search for", value=turn.standalone_question, key=f"edited_{turn.id}")
    st.button(
        "Ask this instead",
        key=f"ask_edited_{turn.id}",
        type="primary",
        disabled=not (edited or "").strip(),
        on_click=attempt,
        args=(lambda: ask_instead(turn, str(st.session_state[f"edited_{turn.id}"]), as_typed=True),),
    )
    st.button(
        "Ask as it was typed",
        key=f"ask_typed_{turn.id}",
        on_click=attempt,
        args=(lambda: ask_instead(turn, turn.question, as_typed=True),),
    )


def _asked_before(turn: Turn, before: AskedBefore) -> None:
    day = datetime.fromtimestamp(before.asked_at).astimezone()
    when = f"{day.day} {day:%B %Y}"
    state_of = (
        f'<span class="check partial"><i></i>{escape(" ".join(before.changed))}</span>'
        if before.changed
        else '<span class="check supported"><i></i>Its sources are as they were.</span>'
    )
    details = st.expander(
        f"Asked before, on {when}: {escaped(shortened(before.question, 90))}",
        key=f"before_{turn.id}",
        type="compact",
        icon=":material/history:",
    )
    with details:
        sources = counted(before.citations, "source")
        st.html(f'<p class="checks">{state_of}<span class="total">{escape(sources)}</span></p>')
        st.html(answer_html(before.answer, labels={}, evidence=(), interactive=False))
        st.button(
            "Open that conversation",
            key=f"open_before_{turn.id}",
            icon=":material/forum:",
            on_click=attempt,
            args=(lambda: _open(before),),
        )


def _open(before: AskedBefore) -> None:
    state.engine().show_branch(before.turn_id)  # it may be a version that is not shown
    place.open_conversation(before.conversation_id)


def _where(query: Mapping[str, Any]) -> dict[str, str | tuple[str, ...]]:
    kept = query.get("where", {})
    return {key: value if isinstance(value, str) else tuple(value) for key, value in kept.items()}
