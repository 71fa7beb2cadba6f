"""How an answer was found: the question as searched, every passage that was read, times and costs."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import streamlit as st

from citewise.answer.incomplete import incomplete_of
from citewise.types import Answer, ScoredChunk, Turn
from citewise.ui import place, wording
from citewise.ui.place import Target
from citewise.ui.render import VERDICT_NAMES
from citewise.ui.text import counted, escaped, excerpt, file_name, locator_of, shortened

_SCORES = ("dense", "keyword", "fused", "rerank", "exact")


def show_degraded(answer: Answer) -> None:
    """Say plainly which part of the search ran on a fallback, and what is wrong with the passages."""
    for note in _strings(answer.trace.get("degraded")):
        st.warning(escaped(note), icon=":material/build:")
    for remark in _strings(answer.trace.get("remarks")):
        st.warning(escaped(remark), icon=":material/visibility_off:")


def show_incomplete(answer: Answer) -> None:
    """Say which documents behind the answer could not be read in full, and lead to their reports."""
    for one in incomplete_of(answer):
        with st.container(
            key=f"incomplete_{one.document_id}", horizontal=True, gap="xsmall", vertical_alignment="center"
        ):
            st.html(
                f'<p class="incomplete"><i></i><b>{escape(file_name(one.source))}</b> could not be read in full: '
                f"{escape(one.missing)}.</p>",
                width="content",
            )
            library = place.library()
            if library is not None:
                st.page_link(library, label="See its report", query_params={"document": one.document_id})


def show_how(turn: Turn) -> None:
    """Draw the closed details of a finished answer; their content only once they are opened."""
    details = st.expander(escaped(_summary(turn.answer)), key=f"how_{turn.id}", type="compact", on_change="rerun")
    if not details.open:
        return
    with details:
        asked = ("Searched for", turn.standalone_question or turn.question)
        facts = [asked, *wording.facts(turn), *_facts(turn.answer)]
        rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)
        st.html(f'<dl class="facts">{rows}</dl>')
        _sentences(turn.answer)
        _passages(turn)


def _summary(answer: Answer) -> str:
    documents = len({context.chunk.document_id for context in answer.contexts})
    if not documents:
        return "How this was found"
    return f"How this was found: {counted(len(answer.contexts), 'passage')} in {counted(documents, 'document')}"


def _facts(answer: Answer) -> list[tuple[str, str]]:
    facts = [("Model", answer.model)]
    if answer.usage.input_tokens or answer.usage.output_tokens:
        facts.append(("Tokens", f"{answer.usage.input_tokens:,} read, {answer.usage.output_tokens:,} written"))
    note = str(answer.trace.get("cost_note", ""))
    if answer.cost_usd:
        facts.append(("Cost", f"${answer.cost_usd:.4f}. {note}"))
    elif answer.cost_usd is None:
        facts.append(("Cost", note))
    search = answer.trace.get("search")
    timings = search.get("timings_ms") if isinstance(search, Mapping) else None
    if isinstance(timings, Mapping) and timings:
        parts = [f"{name} {value:,.0f} ms" for name, value in timings.items() if name != "total" and value >= 1]
        facts.append(("Search took", f"{timings.get('total', 0):,.0f} ms ({', '.join(parts)})"))
    if answer.trace.get("reranker"):
        facts.append(("Reranked by", str(answer.trace["reranker"])))
    if answer.trace.get("generation"):
        facts.append(("Index generation", str(answer.trace["generation"])[:8]))
    if answer.reason and answer.status != "abstained":
        facts.append(("Note", answer.reason))
    return [(name, value) for name, value in facts if value]


def _sentences(answer: Answer) -> None:
    if not answer.evidence:
        return
    items = "".join(
        f'<li><span class="check {sentence.verdict}"><i></i>{escape(VERDICT_NAMES[sentence.verdict])}</span>'
        f"<span>{escape(shortened(sentence.sentence, 140))}</span>"
        f"{f'<small>{escape(sentence.reason)}</small>' if sentence.reason else ''}</li>"
        for sentence in answer.evidence
    )
    st.html(f'<h3 class="label">Checks</h3><ul class="sentences">{items}</ul>')


def _passages(turn: Turn) -> None:
    cited = {citation.chunk_id for citation in turn.answer.citations}
    numbered = list(enumerate(turn.answer.contexts))
    for title, group in (
        ("Cited", [each for each in numbered if each[1].chunk.id in cited]),
        ("Also retrieved", [each for each in numbered if each[1].chunk.id not in cited]),
    ):
        if not group:
            continue
        st.html(f'<h3 class="label">{title}</h3>')
        with st.container(key=f"{title.split()[0].lower()}_{turn.id}", gap="xsmall"):
            for index, context in group:
                _passage(turn, index, context)


def _passage(turn: Turn, index: int, context: ScoredChunk) -> None:
    where = f", {shortened(locator_of(context), 40)}".rstrip(", ")
    scores = " · ".join(
        f"{name} {context.scores[name]:.3g}" for name in _SCORES if context.scores.get(name) is not None
    )
    st.button(
        f"{context.rank}. **{escaped(shortened(file_name(context.source), 48))}**{escaped(where)} "
        f":gray[{escaped(scores)}]  \n{escaped(excerpt(context.chunk.text, 110))}",
        key=f"context_{turn.id}_{index}",
        type="primary" if place.source() == Target(turn.id, "context", index) else "secondary",
        width="stretch",
        wrap=True,
        on_click=place.open_source,
        args=(Target(turn.id, "context", index),),
    )


def _strings(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else []
