"""The evaluate page: questions with known answers, asked and measured, before and after a change."""

from __future__ import annotations

import time
from html import escape
from pathlib import Path
from typing import cast, get_args

import streamlit as st

import citewise
from citewise.errors import CitewiseError
from citewise.evaluate.datasets import Dataset, load_dataset
from citewise.evaluate.own import NAME as OWN
from citewise.evaluate.run import How
from citewise.registry.cases import Place
from citewise.registry.evaluations import Evaluation
from citewise.types import SearchMode
from citewise.ui import components, evaluation, notices, own_cases, place, state, uploads
from citewise.ui.failures import friendly
from citewise.ui.menus import menu
from citewise.ui.notices import attempt, tell
from citewise.ui.text import counted, day, duration, escaped, file_name
from citewise.ui.viewer import Passage, show_view

_POLL_S = 0.7
_SAMPLE = "Sample questions"
_PASSAGE = "evaluate_passage"
_MODES: dict[SearchMode, str] = {"hybrid": "Both", "dense": "Meaning", "keyword": "Words"}
_LISTED = 30


def page() -> None:
    """Draw the page."""
    for sheet in ("index.css", "evaluate.css"):
        st.html(Path(__file__).with_name(sheet))
    st.html('<h1 class="page-title">Evaluate</h1>')
    evaluations = state.engine().evaluations
    running = evaluations.running()
    if not running:
        _tell_end()
    notices.show()
    components.announcer("An evaluation runs" if running else "Evaluate")
    if not any(document.serving_version for document in place.documents()):
        _empty()
        return
    collection = place.collection()
    runs = evaluations.list_all()
    with st.container(key="evaluate_page"):
        if running:
            st.fragment(_watch, run_every=_POLL_S)()
        else:
            _ask(collection)
        shown = _chosen_run(runs)
        if shown:
            evaluation.show(shown, runs, dataset=_named(shown), open_passage=_open_passage)
        own_cases.section(collection, open_passage=_open_passage)
        _history(runs, shown)
    own_cases.dialogs(collection)
    _passage_dialog()


def _empty() -> None:
    with st.container(key="empty_evaluate", horizontal_alignment="center"):
        st.html(
            '<div class="hero"><p class="display">Nothing to measure yet</p>'
            "<p>Add documents in the library, ask about them, and keep good answers as test cases. Here you see how "
            "often the right passage is found, and whether a change made it better.</p></div>"
        )
        library = place.library()
        if library is not None:
            st.page_link(library, label="Go to the library", icon=library.icon)


# --- asking ---------------------------------------------------------------------------


def _sample() -> Path | None:
    """The question set that comes with a checkout; none in an installed package."""
    folder = Path(citewise.__file__).parents[2] / "data" / "eval"
    return folder if (folder / "qa.jsonl").is_file() else None


def _named(run: Evaluation) -> Dataset | None:
    """The set that a run asked, as it is now."""
    if run.name == OWN:
        with friendly():
            return state.engine().evaluations.own(collection=str(run.settings["collection"]))
    folder = _sample()
    return _load_sample(folder) if folder and run.name == _SAMPLE else None


def _load_sample(folder: Path) -> Dataset:
    read = load_dataset(folder)
    return Dataset(_SAMPLE, read.questions)


def _ask(collection: str) -> None:
    own = state.engine().evaluations.own(collection=collection)
    sets = {OWN: own}
    if folder := _sample():
        sets[_SAMPLE] = place.remembered("sample_questions", str(folder), lambda: _load_sample(folder))
    with st.container(key="evaluate_ask", border=True):
        names = list(sets)
        name = st.selectbox(
            "Questions",
            names,
            index=0 if own.questions or len(names) == 1 else 1,
            format_func=lambda each: f"{each} ({len(sets[each].questions)})",
            key="evaluate_set",
        )
        dataset = sets[name]
        with st.container(key="evaluate_how", horizontal=True, vertical_alignment="bottom", gap="medium"):
            mode = st.segmented_control(
                "Search by",
                get_args(SearchMode),
                format_func=lambda each: _MODES[each],
                default="hybrid",
                required=True,
                key="evaluate_mode",
            )
            k = st.number_input("Ranks to look at", 1, 50, 10, key="evaluate_k", width=150)
            answers = st.checkbox(
                "Write answers too",
                key="evaluate_answers",
                disabled=mode != "hybrid",
                help="Counts false answers and false refusals. Takes as long, and costs as much, as the answers.",
            )
        ready = _ready(name, dataset, collection)
        st.button(
            "Run",
            key="evaluate_run",
            icon=":material/play_arrow:",
            type="primary",
            disabled=not ready,
            on_click=attempt,
            args=(lambda: _start(dataset, collection, How(int(k), cast(SearchMode, mode), answers, place.model())),),
        )


def _ready(name: str, dataset: Dataset, collection: str) -> bool:
    """Say what is missing before a set can be asked; whether nothing is."""
    if not dataset.questions:
        st.html(
            '<p class="hint">There is no test case yet. Ask something in the chat, check the answer, and choose '
            "<b>Use as a test case</b> below it.</p>"
        )
        return False
    if name == _SAMPLE:
        here = {file_name(document.source) for document in place.documents() if document.serving_version}
        wanted = {document for question in dataset.questions for document in question.documents}
        missing = len(wanted - here)
        if missing:
            st.html(
                f'<p class="hint">{missing} of the {len(wanted)} sample documents that these questions are about are '
                f"not in {escape(collection)}.</p>"
            )
            st.button(
                "Add the sample documents",
                key="evaluate_samples",
                icon=":material/auto_stories:",
                on_click=attempt,
                args=(uploads.add_samples,),
            )
        return missing < len(wanted)
    return True


def _start(dataset: Dataset, collection: str, how: How) -> None:
    begun = state.engine().evaluations.start(dataset, collection=collection, how=how)
    st.session_state["evaluation"] = begun.id
    st.session_state["evaluation_watched"] = begun.id


def _watch() -> None:
    notices.rerun_if_pending()
    with friendly():
        running = state.engine().evaluations.running()
        if running is None:
            _tell_end()
            st.rerun()  # the whole page, once: its results are there
        percent = 100 * running.done // max(1, running.total)
        passed = time.time() - running.started_at
        left = passed / running.done * (running.total - running.done) if running.done and passed > 2 else None
        parts = [f"{running.done} of {counted(running.total, 'question')}"]
        if running.stopping:
            parts = ["It ends after this question"]
        elif left is not None:
            parts.append(f"{duration(left)} left")
        with st.container(key="job_evaluation", horizontal=True, vertical_alignment="center", gap="small", wrap=False):
            st.html(
                f'<div class="job"><h3>Asking</h3><span>{" · ".join(parts)}</span>'
                f'<progress max="100" value="{percent}" aria-label="Asking">{percent} %</progress></div>'
            )
            st.button(
                "Cancel",
                key="evaluate_cancel",
                icon=":material/close:",
                disabled=running.stopping,
                on_click=attempt,
                args=(state.engine().evaluations.cancel,),
            )


def _tell_end() -> None:
    watched = st.session_state.pop("evaluation_watched", None)
    if watched is None:
        return
    try:
        run = state.engine().evaluations.get(watched)
    except CitewiseError:
        return
    tell(evaluation.outcome(run), failed=run.state == "failed")


# --- what was run ---------------------------------------------------------------------


def _chosen_run(runs: list[Evaluation]) -> Evaluation | None:
    wanted = st.session_state.get("evaluation")
    with_figures = [run for run in runs if run.report and run.report["per_question"]]
    return next((run for run in with_figures if run.id == wanted), with_figures[0] if with_figures else None)


def _history(runs: list[Evaluation], shown: Evaluation | None) -> None:
    over = [run for run in runs if run.state != "running"]
    if not over:
        return
    st.html('<h2 class="label above">History</h2>')
    with st.container(key="evaluations", gap=None):
        for run in over[:_LISTED]:
            _run_row(run, current=shown is not None and run.id == shown.id)


def _run_row(run: Evaluation, *, current: bool) -> None:
    with st.container(
        key=f"run_{'open' if current else 'other'}_{run.id}",
        horizontal=True,
        vertical_alignment="center",
        gap="xsmall",
        wrap=False,
    ):
        st.button(
            f"**{escaped(run.name)}** · {day(run.created_at)}  \n{escaped(evaluation.settings_of(run))}  \n"
            f"{escaped(evaluation.outcome(run))}",
            key=f"open_run_{run.id}",
            type="tertiary",
            width="stretch",
            wrap=True,
            disabled=not (run.report and run.report["per_question"]),
            on_click=lambda: st.session_state.update(evaluation=run.id),
        )
        menu(
            f"Options for the run of {day(run.created_at)}",
            {"Delete": lambda: state.engine().evaluations.remove(run.id)},
            key=f"menu_run_{run.id}",
        )


# --- a passage in its document --------------------------------------------------------


def _open_passage(where: Place) -> None:
    st.session_state[_PASSAGE] = where


def _close_passage() -> None:
    st.session_state.pop(_PASSAGE, None)


def _passage_dialog() -> None:
    where: Place | None = st.session_state.get(_PASSAGE)
    if where is not None:
        _passage(where)


@st.dialog("Passage", width="large", on_dismiss=_close_passage)
def _passage(where: Place) -> None:
    with friendly():
        engine = state.engine()
        document = engine.document(where.document_id)
        shown = engine.show(where.document_id, version=where.version)
        text = shown.text[where.start : where.end]
        number = next((page.number for page in shown.pages if page.start <= where.start < page.end), None)
        st.html(f'<div class="source-head"><h2>{escape(document.title or file_name(document.source))}</h2></div>')
        passage = Passage(
            "", where.document_id, where.version, document.source, document.title, where.start, where.end, number, "",
            (), text, None,
        )  # fmt: skip
        show_view(engine, None, passage)
