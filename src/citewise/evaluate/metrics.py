"""Figures for retrieval, answers, citations and abstention. Pure functions.

Every figure is a share between 0 and 1 unless its name says otherwise; one whose
denominator is zero is left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from citewise.evaluate.datasets import Question
from citewise.types import AnswerStatus, ScoredChunk

Metrics = dict[str, float | int]

CUTS = (1, 5)
"""Ranks at which retrieval is measured, beside the k of the run."""

_ANSWERED: frozenset[AnswerStatus] = frozenset({"complete", "truncated"})
_DECLINED: frozenset[AnswerStatus] = frozenset({"abstained", "refused"})

_SAME = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-", "\u00ad": ""}
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one question that has a known answer."""

    question: Question
    document_rank: int | None  # of the first chunk of a right document; 1-based, None: not found
    answer_rank: int | None  # of the first chunk that stands in the right place and holds an answer
    status: AnswerStatus
    answer: str
    citations: int
    verbatim: int  # citations whose quote is the document's own words at its span
    error: str | None = None

    @property
    def declined(self) -> bool:
        return self.status in _DECLINED

    @property
    def answered(self) -> bool:
        return self.status in _ANSWERED


def normalise(text: str) -> str:
    """Make texts comparable: case, white space, compatibility forms, kinds of quotes and dashes."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text).translate(_SAME).casefold()).strip()


def contains_answer(text: str, answers: Sequence[str]) -> bool:
    """Whether any of ``answers`` stands in ``text`` as whole words; ``False`` for no answers."""
    normal = normalise(text)
    return any(re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", normal) for wanted in map(normalise, answers) if wanted)


def names_document(source: str, document: str) -> bool:
    """Whether two names mean one document: equal, or one is the other with folders before it."""
    return source == document or source.endswith(f"/{document}") or document.endswith(f"/{source}")


def gold_ranks(question: Question, hits: Sequence[ScoredChunk]) -> tuple[int | None, int | None]:
    """Find the right document and the answer among ``hits``, best first.

    Returns:
        The 1-based rank of the first chunk of a right document, and of the first one that
        is also on the right page, where that is known, and holds an accepted answer,
        where any is given; ``None`` where there is none.
    """
    document_rank = None
    for rank, hit in enumerate(hits, 1):
        if question.documents and not any(names_document(hit.source, name) for name in question.documents):
            continue
        document_rank = document_rank or rank
        if not _on_page(hit, question.page):
            continue
        if not question.answers or contains_answer(hit.chunk.text, question.answers):
            return document_rank, rank
    return document_rank, None


def _on_page(hit: ScoredChunk, page: int | None) -> bool:
    first, last = hit.chunk.page_first, hit.chunk.page_last
    if page is None or first is None:
        return True
    return first <= page <= (last or first)


def summarise(outcomes: Sequence[Outcome], *, k: int) -> Metrics:
    """Turn outcomes into figures.

    ``recall@n`` asks for the answer's own chunk, ``hit@n`` only for its document, both
    among the first n. ``false_answers`` is the share of unanswerable questions that were
    answered, ``false_refusals`` that of answerable ones that were not.
    """
    answerable = [outcome for outcome in outcomes if outcome.question.answerable]
    unanswerable = [outcome for outcome in outcomes if not outcome.question.answerable]
    placed = [outcome for outcome in answerable if outcome.question.documents or outcome.question.answers]
    known = [outcome for outcome in answerable if outcome.question.answers]
    figures: Metrics = {"answerable": len(answerable), "unanswerable": len(unanswerable)}
    if placed:
        for cut in sorted({*CUTS, k}):
            figures[f"recall@{cut}"] = _share(_within(one.answer_rank, cut) for one in placed)
            figures[f"hit@{cut}"] = _share(_within(one.document_rank, cut) for one in placed)
        figures[f"mrr@{k}"] = round(sum(1 / one.answer_rank for one in placed if one.answer_rank) / len(placed), 4)
    if known:
        figures["answer_contains"] = _share(contains_answer(one.answer, one.question.answers) for one in known)
    if answerable:
        figures["false_refusals"] = _share(one.declined for one in answerable)
    if unanswerable:
        figures["abstained_on_unanswerable"] = sum(one.declined for one in unanswerable)
        figures["false_answers"] = _share(one.answered for one in unanswerable)
    figures["citations"] = sum(one.citations for one in outcomes)
    if figures["citations"]:
        figures["citations_verbatim"] = round(sum(one.verbatim for one in outcomes) / figures["citations"], 4)
    figures["errors"] = sum(not (one.answered or one.declined) for one in outcomes)
    return figures


def why_failed(outcome: Outcome, *, k: int) -> str | None:
    """Say in a sentence what is wrong with an outcome; ``None`` when nothing is."""
    question = outcome.question
    if not (outcome.answered or outcome.declined):
        return f"It ended as {outcome.status}: {outcome.error or 'no reason was given'}"
    if outcome.verbatim < outcome.citations:
        return f"{outcome.citations - outcome.verbatim} of {outcome.citations} quotes are not the document's own words."
    if not question.answerable:
        return "It was answered, although the documents do not say." if outcome.answered else None
    return _why_not_found(outcome, k) or _why_not_answered(outcome)


def _why_not_found(outcome: Outcome, k: int) -> str | None:
    if not (outcome.question.documents or outcome.question.answers) or outcome.answer_rank is not None:
        return None
    if outcome.document_rank is None:
        return f"No chunk of the right document was among the first {k}."
    return f"The right document was found, but not the answer's own chunk among the first {k}."


def _why_not_answered(outcome: Outcome) -> str | None:
    if outcome.declined:
        return f"It was declined, although the answer was found at rank {outcome.answer_rank}."
    answers = outcome.question.answers
    if answers and not contains_answer(outcome.answer, answers):
        return f"The answer does not contain {answers[0]!r}."
    return None


def graded(run: Mapping[str, Sequence[str]], grades: Mapping[str, Mapping[str, int]], *, k: int) -> Metrics:
    """Measure rankings of documents against graded relevance.

    Args:
        run: Query id → documents, best first, each at most once.
        grades: Query id → document → grade; queries without a ranking count as zero.
        k: The rank at which nDCG, reciprocal rank and recall are cut.

    Returns:
        nDCG with gains as graded and a discount of log2(rank + 1) (trec_eval's), averaged
        over the queries of ``grades``.
    """
    import ir_measures  # noqa: PLC0415 - it loads NumPy and a compiled module

    measures = {
        f"ndcg@{k}": ir_measures.nDCG @ k,
        f"mrr@{k}": ir_measures.RR @ k,
        **{f"recall@{cut}": ir_measures.R @ cut for cut in sorted({*CUTS, k})},
        **{f"hit@{cut}": ir_measures.Success @ cut for cut in sorted({*CUTS, k})},
    }
    scores = {
        query: {document: float(-rank) for rank, document in enumerate(documents)} for query, documents in run.items()
    }
    figures = ir_measures.calc_aggregate(
        list(measures.values()), {query: dict(row) for query, row in grades.items()}, scores
    )
    return {name: round(float(figures[measure]), 4) for name, measure in measures.items()}


def _within(rank: int | None, cut: int) -> bool:
    return rank is not None and rank <= cut


def _share(holds: Iterable[bool]) -> float:
    listed = list(holds)
    return round(sum(listed) / len(listed), 4)
