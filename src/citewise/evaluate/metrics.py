"""Figures for retrieval, answers, citations and abstention. Pure functions.

Every figure is a share between 0 and 1 unless its name says otherwise; one whose
denominator is zero is left out.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from citewise.evaluate.datasets import Question, Reference
from citewise.evaluate.spans import SpanScores, span_scores
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
class Judged:
    """How hits, best first, meet what is known of a question."""

    document_rank: int | None  # of the first chunk of a right document; 1-based, None: not found
    ranks: tuple[int | None, ...]  # of the first chunk that has it, for each thing to be found
    right: tuple[int, ...] = ()  # ranks of all chunks that have something to be found

    @property
    def answer_rank(self) -> int | None:
        """The rank of the first chunk that has anything to be found."""
        return min((rank for rank in self.ranks if rank), default=None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one question that has a known answer."""

    question: Question
    found: Judged
    status: AnswerStatus | None  # None: only searched for
    answer: str
    citations: int
    verbatim: int  # citations whose quote is the document's own words at its span
    error: str | None = None
    spans: SpanScores | None = None  # how well the hits cover exact references, where there are any

    @property
    def declined(self) -> bool:
        return self.status in _DECLINED

    @property
    def answered(self) -> bool:
        return self.status in _ANSWERED

    @property
    def failed(self) -> bool:
        return self.status is not None and not self.answered and not self.declined


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


def judge(question: Question, hits: Sequence[ScoredChunk]) -> Judged:
    """Find what a question asks for among ``hits``, best first.

    A question with exact references asks for each of them: a hit has one when it shares
    at least half of the shorter of both. Any other asks for one thing: a chunk of a right
    document that is also on the right page, where that is known, and holds an accepted
    answer, where any is given.
    """
    of_document = [rank for rank, hit in enumerate(hits, 1) if _in_document(hit, question)]
    first = of_document[0] if of_document else None
    if question.references:
        found = [[rank for rank in of_document if _has(hits[rank - 1], reference)] for reference in question.references]
    else:
        found = [[rank for rank in of_document if _answers(hits[rank - 1], question)]]
    ranks = tuple(own[0] if own else None for own in found)
    return Judged(first, ranks, tuple(sorted({rank for own in found for rank in own})))


def covered(question: Question, hits: Sequence[ScoredChunk]) -> SpanScores | None:
    """Return how well ``hits`` cover the exact references of a question; ``None`` where it has none."""
    if not question.references:
        return None
    names = list(dict.fromkeys(reference.document for reference in question.references))
    places = [
        (next((name for name in names if _of(hit, name)), hit.source), hit.chunk.start, hit.chunk.end) for hit in hits
    ]
    return span_scores(places, question.references)


def overlaps(start: int, end: int, other_start: int, other_end: int) -> bool:
    """Whether two spans share at least half of the shorter; characters, end exclusive."""
    shared = min(end, other_end) - max(start, other_start)
    return shared > 0 and 2 * shared >= min(end - start, other_end - other_start)


def _in_document(hit: ScoredChunk, question: Question) -> bool:
    if question.references:
        return any(_of(hit, reference.document) for reference in question.references)
    return not question.documents or any(names_document(hit.source, name) for name in question.documents)


def _has(hit: ScoredChunk, reference: Reference) -> bool:
    chunk = hit.chunk
    return _of(hit, reference.document) and overlaps(chunk.start, chunk.end, reference.start, reference.end)


def _of(hit: ScoredChunk, document: str) -> bool:
    return hit.chunk.document_id == document or names_document(hit.source, document)


def _answers(hit: ScoredChunk, question: Question) -> bool:
    if not _on_page(hit, question.page):
        return False
    return not question.answers or contains_answer(hit.chunk.text, question.answers)


def _on_page(hit: ScoredChunk, page: int | None) -> bool:
    first, last = hit.chunk.page_first, hit.chunk.page_last
    if page is None or first is None:
        return True
    return first <= page <= (last or first)


def scores_of(outcome: Outcome, *, k: int) -> dict[str, float]:
    """Return the figures of one question, those that apply to it; ``summarise`` averages them.

    ``recall@n`` asks for the answer's own chunk, or for the share of its exact references,
    ``hit@n`` only for a right document, ``precision@k`` for the share of the k hits that have
    something of it, ``span_recall@k``, ``span_precision@k`` and ``span_iou@k`` for characters, see
    ``spans``. ``false_answers`` is 1 for an unanswerable question that was answered,
    ``false_refusals`` for an answerable one that was not.
    """
    question, found = outcome.question, outcome.found
    figures: dict[str, float] = {}
    if question.answerable and question.placed:
        for cut in sorted({*CUTS, k}):
            within = [rank is not None and rank <= cut for rank in found.ranks]
            figures[f"recall@{cut}"] = sum(within) / len(within) if within else 0.0
            figures[f"hit@{cut}"] = float(found.document_rank is not None and found.document_rank <= cut)
        figures[f"mrr@{k}"] = 1 / found.answer_rank if found.answer_rank else 0.0
        figures[f"ndcg@{k}"] = _gain(found.ranks, k)
        figures[f"precision@{k}"] = sum(rank <= k for rank in found.right) / k
    if outcome.spans:
        figures |= {f"span_{name}@{k}": value for name, value in asdict(outcome.spans).items()}
    if outcome.status is None:
        return figures
    if question.answerable:
        if question.answers:
            figures["answer_contains"] = float(contains_answer(outcome.answer, question.answers))
        figures["false_refusals"] = float(outcome.declined)
    else:
        figures["false_answers"] = float(outcome.answered)
    return figures


def _gain(ranks: Sequence[int | None], k: int) -> float:
    """Return nDCG over things to be found; several in one chunk count as if they came one after the other."""
    places = sorted(rank for rank in ranks if rank)
    gained = 0.0
    last = 0
    for rank in places:
        last = max(rank, last + 1)
        gained += 1 / math.log2(1 + last) if last <= k else 0.0
    ideal = sum(1 / math.log2(2 + position) for position in range(min(k, len(ranks))))
    return gained / ideal if ideal else 0.0


def summarise(outcomes: Sequence[Outcome], *, k: int) -> Metrics:
    """Turn outcomes into figures: how many, the means of ``scores_of``, and what citations were worth."""
    unanswerable = [outcome for outcome in outcomes if not outcome.question.answerable]
    asked = [outcome for outcome in outcomes if outcome.status is not None]
    figures: Metrics = {"answerable": len(outcomes) - len(unanswerable), "unanswerable": len(unanswerable)}
    figures |= means([scores_of(outcome, k=k) for outcome in outcomes])
    if any(outcome.status is not None for outcome in unanswerable):
        figures["abstained_on_unanswerable"] = sum(one.declined for one in unanswerable)
    if asked or not outcomes:
        figures["citations"] = sum(one.citations for one in asked)
    if figures.get("citations"):
        figures["citations_verbatim"] = round(sum(one.verbatim for one in asked) / figures["citations"], 4)
    figures["errors"] = sum(one.failed for one in outcomes)
    return figures


def means(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Average the figures of questions, each over those that have it, in the order they come."""
    values: dict[str, list[float]] = {}
    for one in scores:
        for name, value in one.items():
            values.setdefault(name, []).append(value)
    return {name: round(math.fsum(own) / len(own), 4) for name, own in values.items()}


def why_failed(outcome: Outcome, *, k: int) -> str | None:
    """Say in a sentence what is wrong with an outcome; ``None`` when nothing is."""
    question = outcome.question
    if outcome.failed:
        return f"It ended as {outcome.status}: {outcome.error or 'no reason was given'}"
    if outcome.verbatim < outcome.citations:
        return f"{outcome.citations - outcome.verbatim} of {outcome.citations} quotes are not the document's own words."
    if not question.answerable:
        return "It was answered, although the documents do not say." if outcome.answered else None
    not_found = _why_not_found(outcome, k)
    return not_found or (_why_not_answered(outcome) if outcome.status else None)


def _why_not_found(outcome: Outcome, k: int) -> str | None:
    found = outcome.found
    missing = sum(rank is None for rank in found.ranks)
    if not outcome.question.placed or not missing:
        return None
    if found.document_rank is None:
        return f"No chunk of the right document was among the first {k}."
    if missing < len(found.ranks):
        return f"{missing} of {len(found.ranks)} right passages were not among the first {k}."
    return f"The right document was found, but not the answer's own chunk among the first {k}."


def _why_not_answered(outcome: Outcome) -> str | None:
    if outcome.declined:
        return f"It was declined, although the answer was found at rank {outcome.found.answer_rank}."
    answers = outcome.question.answers
    if answers and not contains_answer(outcome.answer, answers):
        return f"The answer does not contain {answers[0]!r}."
    return None


def graded(
    run: Mapping[str, Sequence[str]], grades: Mapping[str, Mapping[str, int]], *, k: int
) -> dict[str, dict[str, float]]:
    """Measure rankings of documents against graded relevance, by query.

    Args:
        run: Query id → documents, best first, each at most once.
        grades: Query id → document → grade; queries without a ranking count as zero.
        k: The rank at which nDCG, reciprocal rank, recall and precision are cut.

    Returns:
        Query id → figures; nDCG with gains as graded and a discount of log2(rank + 1)
        (trec_eval's). Queries of ``grades`` that nothing is relevant to are zero.
    """
    import ir_measures  # noqa: PLC0415 - it loads NumPy and a compiled module

    measures = {
        f"ndcg@{k}": ir_measures.nDCG @ k,
        f"mrr@{k}": ir_measures.RR @ k,
        **{f"recall@{cut}": ir_measures.R @ cut for cut in sorted({*CUTS, k})},
        **{f"hit@{cut}": ir_measures.Success @ cut for cut in sorted({*CUTS, k})},
        f"precision@{k}": ir_measures.P @ k,
    }
    names = {str(measure): name for name, measure in measures.items()}
    scores = {
        query: {document: float(-rank) for rank, document in enumerate(documents)} for query, documents in run.items()
    }
    figures = {query: dict.fromkeys(measures, 0.0) for query in grades}
    if grades:
        relevance = {query: dict(row) for query, row in grades.items()}
        for one in ir_measures.iter_calc(list(measures.values()), relevance, scores):
            figures[one.query_id][names[str(one.measure)]] = round(float(one.value), 6)
    return figures
