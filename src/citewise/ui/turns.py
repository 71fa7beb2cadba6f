"""One question and its answer, while it is written and after."""

from __future__ import annotations

from collections import Counter
from html import escape

import streamlit as st

from citewise.answer.verify import VERDICT_WORDS
from citewise.types import Answer, AnswerStatus, Citation, ScoredChunk, Turn
from citewise.ui import components, conflicts, found, notices, own_cases, place, ratings, state, versions, wording
from citewise.ui.failures import friendly
from citewise.ui.notices import attempt
from citewise.ui.place import Target
from citewise.ui.render import answer_html
from citewise.ui.text import counted, escaped, excerpt, file_name, locator_of, shortened, source_label
from citewise.ui.text import place as place_text

POLL_S = 0.3
_LONG_QUESTION = 200  # characters from which a question is set smaller
_NEAREST = 4  # passages listed when the documents do not say

_ENDINGS: dict[AnswerStatus, tuple[str, str]] = {
    "cancelled": ("stop_circle", "You stopped this answer. What was written until then is kept."),
    "cut": ("link_off", "The connection to the model broke off. What had arrived is kept."),
    "truncated": ("content_cut", "The answer reached the length limit and ends early."),
    "refused": ("block", "The model declined to answer this question."),
    "error": ("error", "The answer could not be written."),
}


def show_turn(turn: Turn) -> list[Turn]:
    """Draw one turn; while it runs, it redraws itself. Returns it, with those that are laid beside it."""
    answers = versions.same_question(turn)
    side_by_side = len(answers) > 1 and versions.comparing(turn)
    # Named by their place, which all versions have: the browser keeps what it drew, and the focus in it.
    place_id = turn.versions[0]
    with st.container(key=f"turn_{place_id}"):
        with st.container(key=f"question_{place_id}", horizontal=True, gap="xsmall"):
            long = " long" if len(turn.question) > _LONG_QUESTION else ""
            st.html(f'<div class="question{long}"><h2>{escape(turn.question)}</h2></div>')
            with st.container(
                key=f"versions_{place_id}",
                horizontal=True,
                width="content",
                gap=None,
                vertical_alignment="center",
                wrap=False,
            ):
                versions.bar(turn)
        if side_by_side:
            versions.show_comparison(turn, answers, _beside)
            return answers
        if len(answers) > 1:
            st.html(f'<p class="aside">Answered by {escape(versions.writer(turn))}</p>')
        _answer(turn)
        if turn.answer.status != "running":
            found.show_how(turn)
            with st.container(key=f"tools_{turn.id}", horizontal=True, gap="small", vertical_alignment="center"):
                ratings.thumbs(turn)
                versions.tools(turn, answers)
                own_cases.offer(turn)
            ratings.why(turn)
    return [turn]


def _answer(turn: Turn) -> None:
    if turn.answer.status == "running":
        st.fragment(_watch, run_every=POLL_S)(turn.id)
    else:
        _finished(turn)


def _beside(turn: Turn) -> None:
    _answer(turn)
    if turn.answer.status != "running":
        with st.container(key=f"tools_{turn.id}", horizontal=True, gap="xsmall", vertical_alignment="center"):
            ratings.thumbs(turn)
        ratings.why(turn)


def announcement(turns: list[Turn]) -> str:
    """What a screen reader hears of the newest turn."""
    if not turns:
        return ""
    answer = turns[-1].answer
    if answer.status == "running":
        return "Searching your documents"
    if answer.status == "abstained":
        return "The documents do not say"
    if answer.status in _ENDINGS:
        return _ENDINGS[answer.status][1]
    return f"Answer ready, {counted(len(answer.citations), 'source')}"


def _watch(turn_id: str) -> None:
    notices.rerun_if_pending()
    with friendly():
        turn = state.engine().turn(turn_id)
        if turn.answer.status != "running":
            st.rerun()  # the whole page, once: chips, sources and the input come alive
        with st.container(horizontal=True, vertical_alignment="center", key=f"running_{turn.id}", wrap=False):
            st.html(f'<p class="step"><span class="spinner"></span>{escape(_step(turn))}</p>')
            st.button(
                "Stop", key=f"stop_{turn.id}", icon=":material/stop:", on_click=attempt, args=(lambda: _stop(turn),)
            )
        wording.show(turn)
        _text(turn)


def _stop(turn: Turn) -> None:
    state.engine().stop(turn.id)


def _step(turn: Turn) -> str:
    contexts = turn.answer.contexts
    if turn.step == "checking":
        return "Checking what the rules leave open"
    doing = "Writing" if turn.answer.text else {"reading": "Reading", "writing": "Writing"}.get(turn.step)
    if doing is None:
        return "Searching your documents"
    if not contexts:
        return f"{doing} {'the answer' if doing == 'Writing' else 'what was found'}"
    return f"{doing} from {counted(len(contexts), 'passage')} in {_documents(contexts)}"


def _documents(contexts: tuple[ScoredChunk, ...]) -> str:
    names = [name for name, _ in Counter(file_name(context.source) for context in contexts).most_common()]
    if len(names) > 2:
        return f"{shortened(names[0], 32)} and {len(names) - 1} more"
    return " and ".join(shortened(name, 32) for name in names)


def _text(turn: Turn) -> None:
    answer = turn.answer
    running = answer.status == "running"
    opened = place.source()
    pressed = opened.number if opened and opened.turn_id == turn.id and opened.kind == "citation" else None
    html = answer_html(
        answer.text,
        labels={citation.marker: _chip_label(citation) for citation in answer.citations},
        evidence=() if running else answer.evidence,
        interactive=not running,
    )
    if html:
        components.answer(
            html,
            key=f"answer_{turn.id}",
            running=running,
            pressed=pressed,
            on_open=lambda marker: place.open_source(Target(turn.id, "citation", marker)),
        )


def _chip_label(citation: Citation) -> str:
    where = locator_of(citation)
    return f"Open source {citation.marker}: {file_name(citation.source)}{f', {where}' if where else ''}"


def _finished(turn: Turn) -> None:
    answer = turn.answer
    wording.show(turn)
    if answer.status == "abstained":
        _abstained(turn)
    else:
        _text(turn)
        if answer.citations:
            _sources(turn)
            _checks(answer)
        conflicts.show(turn)
    if answer.status in _ENDINGS:
        _ending(turn)
    found.show_incomplete(answer)
    found.show_degraded(answer)


def _sources(turn: Turn) -> None:
    opened = place.source()
    with st.container(key=f"sources_{turn.id}", horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.html('<h3 class="label">Sources</h3>', width="content")
        for citation in turn.answer.citations:
            target = Target(turn.id, "citation", citation.marker)
            st.button(
                escaped(source_label(citation.marker, citation.source, locator_of(citation))),
                key=f"source_{turn.id}_{citation.marker}",
                type="primary" if opened == target else "secondary",
                on_click=place.open_source,
                args=(target,),
            )


def _checks(answer: Answer) -> None:
    counts = Counter(sentence.verdict for sentence in answer.evidence)
    parts = [
        f'<span class="check {verdict}"><i></i>{counts[verdict]} {words}</span>'
        for verdict, words in VERDICT_WORDS.items()
        if counts[verdict]
    ]
    if parts:
        total = counted(sum(counts.values()), "sentence")
        st.html(f'<p class="checks"><span class="total">{total}:</span> {"".join(parts)}</p>')


def _abstained(turn: Turn) -> None:
    answer = turn.answer
    reason = answer.reason or "None of the passages that were found answers this question."
    text = f"<p>{escape(answer.text)}</p>" if answer.text and answer.text != reason else ""
    st.html(f'<div class="abstained"><h3>The documents do not say</h3>{text}<p>{escape(reason)}</p></div>')
    if not answer.contexts:
        return
    st.html('<h3 class="label">Nearest passages</h3>')
    opened = place.source()
    with st.container(key=f"nearest_{turn.id}", gap="xsmall"):
        for index, context in enumerate(answer.contexts[:_NEAREST]):
            target = Target(turn.id, "context", index)
            where = place_text(locator_of(context), context.chunk.headings[-1:])
            st.button(
                f"**{escaped(shortened(file_name(context.source), 60))}**"
                f"{f' · {escaped(shortened(where, 60))}' if where else ''}  \n"
                f"{escaped(excerpt(context.chunk.text, 150))}",
                key=f"nearest_{turn.id}_{index}",
                type="primary" if opened == target else "secondary",
                width="stretch",
                wrap=True,
                on_click=place.open_source,
                args=(target,),
            )


def _ending(turn: Turn) -> None:
    icon, text = _ENDINGS[turn.answer.status]
    detail = turn.answer.error or turn.answer.reason
    with st.container(key=f"ending_{turn.answer.status}_{turn.id}", horizontal=True, vertical_alignment="center"):
        show = st.error if turn.answer.status == "error" else st.warning
        show(escaped(f"{text} {detail}" if detail else text), icon=f":material/{icon}:")
        st.button(
            "Ask again",
            key=f"again_{turn.id}",
            icon=":material/refresh:",
            on_click=attempt,
            args=(lambda: wording.ask_instead(turn, turn.question),),
        )
