"""Test cases of one's own: made of answers after a look at them, worded anew, deleted, carried elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import streamlit as st

from citewise.evaluate.own import Standing
from citewise.registry.cases import Place
from citewise.types import Turn
from citewise.ui import notices, state
from citewise.ui.menus import menu
from citewise.ui.notices import attempt, tell
from citewise.ui.text import counted, day, escaped, excerpt, file_name, locator_of, shortened

_MAKING = "making_case"
_EDITING = "editing_case"
_PER_PAGE = 20
_JUDGED = frozenset({"complete", "abstained", "truncated"})


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A passage that may be right."""

    place: Place
    label: str
    words: str
    cited: bool


# --- from an answer -------------------------------------------------------------------


def offer(turn: Turn) -> None:
    """Draw the button that makes a test case of an answer, and its dialog while it is open."""
    if turn.answer.status not in _JUDGED:
        return
    st.button(
        "Use as a test case…",
        key=f"case_{turn.id}",
        icon=":material/rule:",
        type="secondary" if turn.feedback and turn.feedback.good else "tertiary",
        help="Keep this question with the passages that are right, to measure the search with it.",
        on_click=lambda: st.session_state.update({_MAKING: turn.id}),
    )
    if st.session_state.get(_MAKING) == turn.id:
        _make(turn)


def _candidates(turn: Turn) -> list[_Candidate]:
    found: dict[Place, _Candidate] = {}
    for citation in turn.answer.citations:
        if not citation.erased:
            where = Place(citation.document_id, citation.version, citation.start, citation.end)
            label = f"{file_name(citation.source)}, {locator_of(citation)}".rstrip(", ")
            found.setdefault(where, _Candidate(where, label, citation.quote, cited=True))
    for context in turn.answer.contexts:
        chunk = context.chunk
        cited = any(
            one.cited and one.place.document_id == chunk.document_id and one.place.start < chunk.end
            and chunk.start < one.place.end
            for one in found.values()
        )  # fmt: skip
        if not context.erased and not cited:  # a citation says it more exactly
            where = Place(chunk.document_id, chunk.version, chunk.start, chunk.end)
            label = f"{file_name(context.source)}, {locator_of(context)}".rstrip(", ")
            found.setdefault(where, _Candidate(where, label, chunk.text, cited=False))
    return list(found.values())


def _stop_making() -> None:
    st.session_state.pop(_MAKING, None)


@st.dialog("Use as a test case", width="medium", on_dismiss=_stop_making)
def _make(turn: Turn) -> None:
    question = st.text_area(
        "Question", value=turn.standalone_question or turn.question, key=f"case_question_{turn.id}", max_chars=8_000
    )
    st.markdown(
        "Tick the passages that **you** have read and found right. The search is measured by whether it finds them."
    )
    nothing = st.checkbox("The documents do not say: no passage is right", key=f"case_none_{turn.id}")
    chosen = []
    with st.container(key="case_passages", gap="xsmall"):
        for number, candidate in enumerate(_candidates(turn)):
            ticked = st.checkbox(
                f"**{escaped(shortened(candidate.label, 80))}**{' · cited' if candidate.cited else ''}",
                key=f"case_{turn.id}_{number}",
                disabled=nothing,
            )
            st.html(f'<p class="case-words">{escape(excerpt(candidate.words, 300))}</p>')
            if ticked and not nothing:
                chosen.append(candidate.place)
    if st.button(
        "Keep the test case", key="keep_case", type="primary", disabled=not (question.strip() and (chosen or nothing))
    ):
        attempt(lambda: _keep(turn, question, chosen))
        _stop_making()
        st.rerun()


def _keep(turn: Turn, question: str, places: list[Place]) -> None:
    conversation, _ = state.engine().conversation(turn.conversation_id)
    case = state.engine().evaluations.add_case(question, places, collection=conversation.collection)
    tell(
        "Kept as a test case. The Evaluate page lists and runs them.",
        undo=lambda: state.engine().evaluations.remove_case(case.id),
    )


# --- the list -------------------------------------------------------------------------


def section(collection: str, *, open_passage: Callable[[Place], None]) -> None:
    """Draw the cases of a collection, with what can be done with them.

    Args:
        collection: Its name.
        open_passage: Shows a passage in its document.
    """
    found = state.engine().evaluations.cases(collection=collection)
    st.html(f'<h2 class="label above">Your own cases{f" · {len(found)}" if found else ""}</h2>')
    if not found:
        st.html(
            '<p class="hint">None yet. Ask something in the chat, check the answer against its sources, and choose '
            "<b>Use as a test case</b> below it.</p>"
        )
    else:
        pages = -(-len(found) // _PER_PAGE)
        first = (min(st.session_state.get("cases_page", 1), pages) - 1) * _PER_PAGE
        with st.container(key="cases", gap=None):
            for standing in found[first : first + _PER_PAGE]:
                _case(standing, open_passage)
        if pages > 1:
            st.pagination(pages, key="cases_page")
    _carry(collection, found)


def _case(standing: Standing, open_passage: Callable[[Place], None]) -> None:
    case = standing.case
    with st.container(key=f"own_{case.id}", horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
        st.html(f'<div class="own-case"><p>{escape(case.question)}</p><small>{_said(standing)}</small></div>')
        if standing.places:
            st.button(
                f"Show the passage for {escaped(shortened(case.question, 60))}",
                key=f"see_{case.id}",
                icon=":material/visibility:",
                type="tertiary",
                help="Show the right passage",
                on_click=open_passage,
                args=(standing.places[0],),
            )
        menu(
            f"Options for {escaped(shortened(case.question, 60))}",
            {"Word it anew": lambda: _begin_editing(standing), "Delete": lambda: _delete(standing)},
            key=f"menu_{case.id}",
        )


def _said(standing: Standing) -> str:
    if not standing.case.places:
        return f"The documents do not say · {day(standing.case.created_at)}"
    if not standing.usable:
        return '<span class="lost">Left out: its passages were removed or changed</span>'
    names = list(dict.fromkeys(file_name(source) for source in standing.sources))
    parts = [shortened(", ".join(names), 80), counted(len(standing.places), "passage")]
    if standing.lost:
        parts.append(f"{standing.lost} gone")
    return escape(" · ".join([*parts, day(standing.case.created_at)]))


def _begin_editing(standing: Standing) -> None:
    st.session_state[_EDITING] = standing.case.id
    notices.rerun_page()


def _delete(standing: Standing) -> None:
    case = state.engine().evaluations.remove_case(standing.case.id)
    tell(
        f"Deleted the case “{shortened(case.question, 60)}”.",
        undo=lambda: state.engine().evaluations.restore_case(case),
    )


def dialogs(collection: str) -> None:
    """Draw the dialog that is open; it stays open when the page is drawn again."""
    wanted = st.session_state.get(_EDITING)
    if wanted:
        found = [one for one in state.engine().evaluations.cases(collection=collection) if one.case.id == wanted]
        if found:
            _edit(found[0])


def _stop_editing() -> None:
    st.session_state.pop(_EDITING, None)


@st.dialog("Word the question anew", on_dismiss=_stop_editing)
def _edit(standing: Standing) -> None:
    case = standing.case
    question = st.text_area("Question", value=case.question, key=f"edit_{case.id}", max_chars=8_000)
    if st.button("Save", key="save_case", type="primary", disabled=not question.strip()):
        attempt(lambda: state.engine().evaluations.change_case(case.id, question=question))
        _stop_editing()
        st.rerun()


def _carry(collection: str, found: list[Standing]) -> None:
    with st.container(key="carry_cases", horizontal=True, gap="small", vertical_alignment="center"):
        if found:
            st.download_button(
                "Export",
                data=lambda: state.engine().evaluations.export_cases(collection=collection),
                file_name=f"{collection}-cases.zip",
                mime="application/zip",
                key="export_cases",
                icon=":material/download:",
                help="A question set with its documents as text, which `citewise eval` runs once it is unpacked.",
                on_click="ignore",
            )
        with st.popover("Import", key="import_cases", icon=":material/upload:"):
            st.file_uploader(
                "qa.jsonl of a question set, or an exported ZIP",
                type=["jsonl", "zip"],
                key="cases_file",
                on_change=lambda: attempt(lambda: _import(collection)),
            )


def _import(collection: str) -> None:
    file = st.session_state.get("cases_file")
    if file is None:
        return
    came = state.engine().evaluations.import_cases(file, collection=collection)
    parts = [f"{counted(came.made, 'case')} imported"]
    parts += [f"{came.known} were here already"] if came.known else []
    text = f"{', '.join(parts)}."
    if came.left_out:
        text += f" {counted(len(came.left_out), 'line')} left out. {came.left_out[0]}"
    tell(text, failed=bool(came.left_out) and not came.made)
