"""The results of one evaluation: figures with intervals, beside another run, and question by question."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from citewise.errors import CitewiseError, IngestError
from citewise.evaluate.datasets import Dataset, Question
from citewise.evaluate.intervals import compare_runs, paired_interval
from citewise.evaluate.plots import ranks_by_step
from citewise.evaluate.report import render
from citewise.registry.cases import Place
from citewise.registry.evaluations import Evaluation
from citewise.ui import place, state
from citewise.ui.text import counted, day, escaped, excerpt, file_name, shortened

_NAMES = {
    "recall": "Recall",
    "hit": "Right document",
    "mrr": "Mean reciprocal rank",
    "ndcg": "nDCG",
    "precision": "Precision",
    "span_recall": "Recall of characters",
    "span_precision": "Precision of characters",
    "span_iou": "Overlap of characters (IoU)",
    "answer_contains": "Answers with the right words",
    "false_refusals": "False refusals, less is better",
    "false_answers": "False answers, less is better",
}
_MODES = {"hybrid": "both searches", "dense": "search by meaning", "keyword": "search by words"}
_PER_PAGE = 10
_HITS = 10

OpenPassage = Callable[[Place], None]


def settings_of(run: Evaluation) -> str:
    """How a run asked, in a line."""
    given = run.settings
    parts = [f"{given.get('collection')}", _MODES.get(str(given.get("mode")), ""), f"{given.get('k')} ranks"]
    if given.get("answers") and given.get("mode") == "hybrid":
        parts.append(f"answers by {given.get('model') or 'the default model'}")
    if run.report and run.report.get("reranker"):
        parts.append(f"reranked by {run.report['reranker']}")
    if run.generation_id:
        parts.append(f"generation {run.generation_id[:8]}")
    return " · ".join(part for part in parts if part)


def outcome(run: Evaluation) -> str:
    """What came of a run, in a sentence."""
    if run.error:
        return run.error
    report = run.report or {}
    asked = counted(len(report.get("per_question", ())), "question")
    figures = [
        f"{_name(name)} {value:.3f}"
        for name, value in report.get("metrics", {}).items()
        if name in (f"ndcg@{report.get('k')}", "recall@5", "false_answers", "false_refusals")
    ]
    cut = f" of {report['questions']:,}, then it was cancelled" if report and not report["complete"] else ""
    return f"{asked}{cut}{': ' if figures else ''}{', '.join(figures)}."


def show(run: Evaluation, runs: Sequence[Evaluation], *, dataset: Dataset | None, open_passage: OpenPassage) -> None:
    """Draw the results of a run.

    Args:
        run: One with a report.
        runs: All of them, to compare with.
        dataset: What was asked, for what was expected; ``None`` when that is not known any more.
        open_passage: Shows a passage in its document.
    """
    report: Mapping[str, Any] = run.report or {}
    with st.container(key="evaluation"):
        st.html(
            f'<div class="result-head"><h2>{escape(run.name)}, {day(run.created_at)}</h2>'
            f"<p>{escape(settings_of(run))}</p></div>"
        )
        if not report["complete"]:
            asked = len(report["per_question"])
            st.warning(f"It was cancelled: the figures are of {asked} of {report['questions']} questions.")
        st.html(_figures(run.id, report))
        st.html(_ranks(report))
        _compare(run, runs)
        _downloads(run, report)
        _questions(report, dataset, open_passage)


# --- figures --------------------------------------------------------------------------


def _name(metric: str) -> str:
    bare, at, cut = metric.partition("@")
    return f"{_NAMES.get(bare, bare.replace('_', ' ').capitalize())}{f' @{cut}' if at else ''}"


def _figures(run_id: str, report: Mapping[str, Any]) -> str:
    def measured() -> list[tuple[str, float, float, float, int]]:
        rows = []
        for name in dict.fromkeys(name for row in report["per_question"] for name in row["scores"]):
            values = [row["scores"][name] for row in report["per_question"] if name in row["scores"]]
            rows.append((name, sum(values) / len(values), *paired_interval(values), len(values)))
        return rows

    bars = "".join(
        f'<div class="measure"><h3>{escape(_name(name))}</h3><b>{value:.3f}</b>'
        f'<div class="track" role="img" aria-label="{value:.3f}, 95 % interval {low:.3f} to {high:.3f}">'
        f'<i style="width:{100 * value:.1f}%"></i><s style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></s>'
        f"</div><small>{low:.3f} to {high:.3f} · {counted(count, 'question')}</small></div>"
        for name, value, low, high, count in place.remembered("measures", run_id, measured)
    )
    citations = report["metrics"].get("citations")
    verbatim = report["metrics"].get("citations_verbatim")
    said = (
        f"<p>{counted(citations, 'citation')}, {100 * verbatim:.1f} % of them word for word.</p>"
        if citations and verbatim is not None
        else ""
    )
    times = report["timings_ms"]
    took = f"<p>A search took {times['mean']:.0f} ms on average.</p>" if times["mean"] is not None else ""
    return f'<div class="measures">{bars}</div><div class="said">{said}{took}</div>'


def _ranks(report: Mapping[str, Any]) -> str:
    answerable = [row["rank"] for row in report["per_question"] if row["answerable"]]
    if not answerable:
        return ""
    bars = "".join(
        f'<span>{name}</span><div class="track" aria-hidden="true">'
        f'<i style="width:{100 * count / len(answerable):.1f}%"></i></div><b>{count:,}</b>'
        for name, count in ranks_by_step(answerable)
    )
    return f'<h3 class="label">Rank of the first right passage</h3><div class="steps">{bars}</div>'


# --- beside another run ---------------------------------------------------------------


def _compare(run: Evaluation, runs: Sequence[Evaluation]) -> None:
    others = {
        other.id: other
        for other in runs
        if other.id != run.id and other.name == run.name and other.report and other.report["per_question"]
    }
    if not others:
        return
    chosen = st.selectbox(
        "Compare with",
        list(others),
        index=None,
        format_func=lambda each: f"{day(others[each].created_at)} · {settings_of(others[each])}",
        key=f"compare_{run.id}",
        placeholder="Another run over the same questions",
    )
    if not chosen:
        return
    before, after = others[chosen].report or {}, run.report or {}
    try:
        found = place.remembered("compared", (chosen, run.id), lambda: compare_runs(before, after))
    except IngestError:
        st.html('<p class="hint">These two have no question in common.</p>')
        return
    st.html(_compared(found))
    if found["changed"]:
        with st.expander(f"Questions that changed · {len(found['changed'])}", key="changed_questions", type="compact"):
            items = "".join(
                f"<li><q>{escape(shortened(one['question'], 160))}</q><small>{_rank(one['first'])} → "
                f"{_rank(one['second'])}</small></li>"
                for one in found["changed"]
            )
            st.html(f'<ul class="worse">{items}</ul>')


def _compared(found: Mapping[str, Any]) -> str:
    rows = "".join(
        f'<tr class="{"sure" if one["certain"] else ""}"><td>{escape(_name(name))}</td><td>{one["first"]:.3f}</td>'
        f"<td>{one['second']:.3f}</td><td>{one['difference']:+.3f}</td><td>{one['low']:+.3f} to {one['high']:+.3f}</td>"
        f"<td>{one['questions']:,}</td><td>{one['better']:,} / {one['worse']:,}</td></tr>"
        for name, one in found["metrics"].items()
    )
    head = "".join(
        f"<th>{name}</th>"
        for name in ("", "Then", "This run", "Difference", "95 % interval", "Questions", "Better / worse")
    )
    return (
        '<div class="generations" role="region" aria-label="Comparison" tabindex="0">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        '<p class="hint">Paired bootstrap over the questions that both asked. Bold: the interval leaves out 0; the '
        "rest may be chance.</p>"
    )


def _rank(rank: int | None) -> str:
    return f"rank {rank}" if rank else "not found"


def _downloads(run: Evaluation, report: Mapping[str, Any]) -> None:
    whole = {
        **report,
        "failures": [
            {name: row[name] for name in ("id", "question", "why")} for row in report["per_question"] if row["why"]
        ],
    }
    with st.container(key="evaluation_files", horizontal=True, gap="small"):
        for label, ending, mime, make in (
            ("Report", "html", "text/html", lambda: render([whole])),
            ("JSON", "json", "application/json", lambda: json.dumps(whole, ensure_ascii=False)),
        ):
            st.download_button(
                label,
                data=make,
                file_name=f"evaluation-{run.id[:8]}.{ending}",
                mime=mime,
                key=f"download_{ending}",
                icon=":material/download:",
                on_click="ignore",
            )


# --- question by question -------------------------------------------------------------


def _questions(report: Mapping[str, Any], dataset: Dataset | None, open_passage: OpenPassage) -> None:
    rows = report["per_question"]
    wrong = [row for row in rows if row["why"]]
    st.html('<h3 class="label">Questions</h3>')
    kinds = {"wrong": f"Went wrong ({len(wrong)})", "all": f"All ({len(rows)})"}
    chosen = st.segmented_control(
        "Questions shown",
        list(kinds),
        format_func=lambda each: kinds[each],
        default="wrong" if wrong else "all",
        required=True,
        key="evaluate_questions",
        label_visibility="collapsed",
    )
    shown = wrong if chosen == "wrong" else rows
    if not shown:
        st.html('<p class="hint">Nothing went wrong.</p>')
        return
    pages = -(-len(shown) // _PER_PAGE)
    first = (min(st.session_state.get("questions_page", 1), pages) - 1) * _PER_PAGE
    known = {question.id: question for question in dataset.questions} if dataset else {}
    with st.container(key="asked_questions", gap=None):
        for row in shown[first : first + _PER_PAGE]:
            _question(row, known.get(row["id"]), open_passage)
    if pages > 1:
        st.pagination(pages, key="questions_page")


def _question(row: Mapping[str, Any], question: Question | None, open_passage: OpenPassage) -> None:
    found = _rank(row["rank"]) if row["answerable"] else "not in the documents"
    label = (
        f"{escaped(shortened(row['question'], 110))} :gray[· {found}{' · ' + row['status'] if row['status'] else ''}]"
    )
    details = st.expander(label, key=f"asked_{row['id']}", type="compact", on_change="rerun")
    if not details.open:
        return
    with details:
        if row["why"]:
            st.html(f'<p class="why">{escape(row["why"])}</p>')
        _expected(row, question, open_passage)
        st.html('<h4 class="label">What came</h4>')
        if not row["hits"]:
            st.html('<p class="hint">Nothing was found.</p>')
        for hit in row["hits"][:_HITS]:
            _hit(row, hit, open_passage)


def _expected(row: Mapping[str, Any], question: Question | None, open_passage: OpenPassage) -> None:
    st.html('<h4 class="label">What was expected</h4>')
    if not row["answerable"]:
        st.html("<p>The documents do not say.</p>")
        return
    if question is None:
        st.html('<p class="hint">The case was deleted or changed since.</p>')
        return
    for number, reference in enumerate(question.references):
        where = _current(reference.document, reference.start, reference.end)
        if where:
            _passage_button(where, f"expected_{row['id']}_{number}", "", open_passage)
    if question.answers:
        said = " or ".join(f"“{answer}”" for answer in question.answers[:3])
        where_said = f" in {', '.join(question.documents)}" if question.documents else ""
        page = f", page {question.page}" if question.page else ""
        st.html(f"<p>{escape(said)}{escape(where_said)}{page}</p>")


def _current(document_id: str, start: int, end: int) -> Place | None:
    try:
        version = state.engine().document(document_id).serving_version
    except CitewiseError:
        return None
    return Place(document_id, version, start, end) if version else None


def _hit(row: Mapping[str, Any], hit: Mapping[str, Any], open_passage: OpenPassage) -> None:
    where = Place(hit["document_id"], hit["version"], hit["start"], hit["end"])
    mark = " :green[· right]" if hit["right"] else ""
    _passage_button(where, f"hit_{row['id']}_{hit['rank']}", f"{hit['rank']}. ", open_passage, mark=mark)


def _passage_button(where: Place, key: str, number: str, open_passage: OpenPassage, *, mark: str = "") -> None:
    try:
        document = state.engine().document(where.document_id)
        text = state.engine().show(where.document_id, version=where.version).text[where.start : where.end]
    except CitewiseError:
        st.html(f'<p class="hint">{escape(number)}A document that is gone</p>')
        return
    st.button(
        f"{number}**{escaped(shortened(file_name(document.source), 60))}**{mark}  \n{escaped(excerpt(text, 160))}",
        key=key,
        width="stretch",
        wrap=True,
        on_click=open_passage,
        args=(where,),
    )
