"""Asks every question of a set and says how well it went."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any, Protocol

from citewise.errors import NotAllowedError, ProviderError, QuestionError
from citewise.evaluate.datasets import Dataset, Question, fingerprint, load_dataset, read_records
from citewise.evaluate.metrics import Judged, Outcome, covered, graded, judge, means, scores_of, summarise, why_failed
from citewise.types import (
    Added,
    Citation,
    Collection,
    DocumentText,
    Message,
    OnDuplicate,
    Query,
    ScoredChunk,
    SearchMode,
    SearchResult,
    Turn,
    Upload,
)

RECORDS_AT_ONCE = 256
CHUNKS_PER_DOCUMENT = 3
"""How many chunks are fetched for each document of a ranking, since one may fill several."""

WAIT_S = 0.5
"""How long indexing is waited for between two looks at whether to stop, in seconds."""

Progress = Callable[[str, int, int], None]
"""Told ``(what goes on, done, total)``; a total of 0 means that it is not known."""


class Subject(Protocol):
    """What is measured: an ``Engine``, or whatever stands for one."""

    def add(self, uploads: Sequence[Upload], *, collection: str, on_duplicate: OnDuplicate) -> list[Added]: ...
    def wait(self, job_ids: Sequence[str], *, timeout_s: float | None = None) -> bool: ...
    def collections(self) -> list[Collection]: ...
    def search(self, query: Query) -> SearchResult: ...
    def ask(self, question: str, *, collection: str, model: str | None, history: Sequence[Message] | None) -> Turn: ...
    def watch(self, turn_id: str) -> Iterator[Turn]: ...
    def delete_conversation(self, conversation_id: str) -> None: ...
    def show(self, document_id: str, *, version: int) -> DocumentText: ...


@dataclass(frozen=True, slots=True)
class How:
    """How questions are asked.

    Answers come from the default search: with another ``mode`` only the search is measured.
    """

    k: int = 10  # ranks to look at
    mode: SearchMode = "hybrid"
    answers: bool = True  # False: measure the search alone
    model: str | None = None  # who writes the answers; None: the default

    @property
    def asks(self) -> bool:
        return self.answers and self.mode == "hybrid"


def evaluate(
    subject: Subject,
    folder: Path,
    *,
    how: How = How(),
    collection: str | None = None,
    most: int | None = None,
    progress: Progress = lambda _stage, _done, _total: None,
    stopping: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Measure ``subject`` on the question set in ``folder``.

    A set that brings its own documents is asked of a collection of its own, named after
    their content and kept, so that a second run need not index them again.

    Args:
        subject: What answers.
        folder: See ``citewise.evaluate.datasets``.
        how: See ``How``.
        collection: Ask this one instead; unset: the set's own, or ``default``.
        most: Ask so many questions, evenly over the set; unset: all.
        progress: Told how far it is.
        stopping: Looked at again and again; once it holds, what was asked until then counts.

    Returns:
        See ``evaluate_dataset``.

    Raises:
        IngestError: The folder cannot be read.
        NotFoundError: There is no such collection or model.
        NotAllowedError: It was stopped before anything could be asked.
    """
    dataset = load_dataset(folder)
    if collection is None:
        collection = index(subject, dataset.records, progress, stopping) if dataset.records else "default"
    return evaluate_dataset(
        subject, dataset.sample(most), how=how, collection=collection, progress=progress, stopping=stopping
    )


def evaluate_dataset(
    subject: Subject,
    dataset: Dataset,
    *,
    how: How,
    collection: str,
    progress: Progress = lambda _stage, _done, _total: None,
    stopping: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Measure ``subject`` on questions about documents that it has.

    Returns:
        ``dataset``, ``collection``, ``questions`` (how many there are), ``k``, ``mode``,
        ``complete`` (whether all were asked), ``generation``, ``reranker``, ``timings_ms``
        (``mean``, ``p95`` of a search), ``metrics``, ``by_kind`` (kind → metrics),
        ``failures`` (``id``, ``question``, ``why``) and ``per_question`` (``id``,
        ``question``, ``kind``, ``scores``, ``ranks``, ``hits``, ``status``, ``why``).
    """
    seen = _Seen()
    ask = _rank if dataset.grades else _examine
    figures = ask(_Asker(subject, seen, collection, how), dataset, progress, stopping)
    times = sorted(seen.times)
    return {
        "dataset": dataset.name,
        "collection": collection,
        "questions": len(dataset.questions),
        "k": how.k,
        "mode": how.mode,
        "complete": len(figures["per_question"]) == len(dataset.questions),
        "generation": seen.generation,
        "reranker": seen.reranker,
        "timings_ms": {
            "mean": round(sum(times) / len(times), 2) if times else None,
            "p95": round(times[ceil(0.95 * len(times)) - 1], 2) if times else None,
        },
        **figures,
    }


def index(subject: Subject, records: Path, progress: Progress, stopping: Callable[[], bool]) -> str:
    """Bring a set's documents into a collection of their own, unless they are there; returns its name.

    Raises:
        NotAllowedError: It was stopped.
    """
    name = f"eval-{fingerprint(records)}"
    total = sum(1 for _ in read_records(records))
    if not any(found.name == name and found.documents >= total for found in subject.collections()):
        add_all(subject, read_records(records), collection=name, total=total, progress=progress, stopping=stopping)
    return name


def add_all(
    subject: Subject,
    uploads: Iterable[Upload],
    *,
    collection: str,
    total: int,
    progress: Progress,
    stopping: Callable[[], bool],
    at_once: int = RECORDS_AT_ONCE,
) -> None:
    """Add documents and wait until all are indexed.

    Those with the same words are all kept: a set may call either the right one.

    Raises:
        NotAllowedError: It was stopped.
    """
    jobs: list[str] = []
    for batch in _batches(uploads, at_once):
        added = subject.add(batch, collection=collection, on_duplicate="keep")
        jobs += [one.job_id for one in added if one.job_id]
        progress("adding documents", len(jobs), total)
        _go_on(stopping)
    for done, job in enumerate(jobs, 1):
        while not subject.wait([job], timeout_s=WAIT_S):
            _go_on(stopping)
        progress("indexing documents", done, len(jobs))


def _go_on(stopping: Callable[[], bool]) -> None:
    if stopping():
        raise NotAllowedError("It was stopped before its documents were indexed. Run it again to go on.")


def _batches(items: Iterable[Upload], size: int) -> Iterator[list[Upload]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


@dataclass(slots=True)
class _Seen:
    """What the searches of a run had in common."""

    generation: str | None = None
    reranker: str | None = None
    times: list[float] = field(default_factory=list)  # milliseconds


class _Asker:
    """Asks one question at a time and compares what comes with what is known."""

    def __init__(self, subject: Subject, seen: _Seen, collection: str, how: How) -> None:
        self.how = how
        self._subject = subject
        self._seen = seen
        self._collection = collection
        self._texts: dict[tuple[str, int], str] = {}

    def search(self, question: Question, *, k: int) -> tuple[ScoredChunk, ...]:
        """Return the hits. Raises ``QuestionError`` for what cannot be asked."""
        query = Query(question.text, self._collection, k=k, history=question.history, mode=self.how.mode)
        result = self._subject.search(query)
        self._seen.generation = result.generation
        self._seen.reranker = result.reranker
        self._seen.times.append(result.timings_ms.get("total", 0.0))
        return result.hits

    def examine(self, question: Question) -> tuple[Outcome, tuple[ScoredChunk, ...]]:
        """Search and ask; what cannot be asked or answered is an outcome too."""
        hits: tuple[ScoredChunk, ...] = ()
        try:
            hits = self.search(question, k=self.how.k)
            if not self.how.asks:
                searched = judge(question, hits)
                spans = covered(question, hits)
                return Outcome(question, searched, None, "", citations=0, verbatim=0, spans=spans), hits
            answer = self._ask(question).answer
        except (QuestionError, ProviderError) as error:
            nothing = judge(question, ())
            return Outcome(question, nothing, "error", "", citations=0, verbatim=0, error=str(error)), hits
        outcome = Outcome(
            question=question,
            found=judge(question, hits),
            status=answer.status,
            answer=answer.text,
            citations=len(answer.citations),
            verbatim=sum(self._is_verbatim(citation) for citation in answer.citations),
            error=answer.error,
            spans=covered(question, hits),
        )
        return outcome, hits

    def _ask(self, question: Question) -> Turn:
        turn = self._subject.ask(
            question.text, collection=self._collection, model=self.how.model, history=question.history
        )
        for seen in self._subject.watch(turn.id):
            turn = seen
        self._subject.delete_conversation(turn.conversation_id)  # a person's own list is not for these
        return turn

    def _is_verbatim(self, citation: Citation) -> bool:
        key = (citation.document_id, citation.version)
        if key not in self._texts:
            self._texts[key] = self._subject.show(citation.document_id, version=citation.version).text
        return bool(citation.quote) and self._texts[key][citation.start : citation.end] == citation.quote


def _rank(asker: _Asker, dataset: Dataset, progress: Progress, stopping: Callable[[], bool]) -> dict[str, Any]:
    """Measure rankings of documents; of each the first chunk that was found counts."""
    k = asker.how.k
    run: dict[str, list[ScoredChunk]] = {}
    errors: dict[str, str] = {}
    for done, question in enumerate(dataset.questions, 1):
        if stopping():
            break
        try:
            hits = asker.search(question, k=k * CHUNKS_PER_DOCUMENT)
        except QuestionError as error:
            hits, errors[question.id] = (), str(error)
        best: dict[str, ScoredChunk] = {}
        for hit in hits:
            best.setdefault(hit.source, hit)
        run[question.id] = list(best.values())[:k]
        progress("searching", done, len(dataset.questions))
    ranked = {query: [hit.source for hit in hits] for query, hits in run.items()}
    scores = graded(ranked, {query: dataset.grades[query] for query in run}, k=k)
    rows = []
    for question in dataset.questions[: len(run)]:
        wanted = {document for document, grade in dataset.grades[question.id].items() if grade > 0}
        right = tuple(rank for rank, source in enumerate(ranked[question.id], 1) if source in wanted)
        why = errors.get(question.id)
        if wanted and not right and not why:
            why = f"No relevant document was among the first {k}."
        found = Judged(right[0] if right else None, right[:1] or (None,), right)
        rows.append(_row(question, scores[question.id], found, run[question.id], status=None, why=why))
    return {"metrics": means([row["scores"] for row in rows]), "by_kind": {}, **_told(rows)}


def _examine(asker: _Asker, dataset: Dataset, progress: Progress, stopping: Callable[[], bool]) -> dict[str, Any]:
    outcomes: list[Outcome] = []
    rows = []
    k = asker.how.k
    for question in dataset.questions:
        if stopping():
            break
        outcome, hits = asker.examine(question)
        outcomes.append(outcome)
        scores = {name: round(value, 4) for name, value in scores_of(outcome, k=k).items()}
        why = why_failed(outcome, k=k)
        rows.append(_row(question, scores, outcome.found, hits, status=outcome.status, why=why))
        progress("asking" if asker.how.asks else "searching", len(outcomes), len(dataset.questions))
    kinds: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.question.kind:
            kinds[outcome.question.kind].append(outcome)
    by_kind = {kind: summarise(group, k=k) for kind, group in sorted(kinds.items())}
    return {"metrics": summarise(outcomes, k=k), "by_kind": by_kind, **_told(rows)}


def _row(
    question: Question,
    scores: Mapping[str, float],
    found: Judged,
    hits: Sequence[ScoredChunk],
    *,
    status: str | None,
    why: str | None,
) -> dict[str, Any]:
    return {
        "id": question.id,
        "question": question.text,
        "kind": question.kind,
        "answerable": question.answerable,
        "scores": dict(scores),
        "rank": found.answer_rank,
        "hits": [
            {
                "rank": rank,
                "source": hit.source,
                "document_id": hit.chunk.document_id,
                "version": hit.chunk.version,
                "start": hit.chunk.start,
                "end": hit.chunk.end,
                "right": rank in found.right,
            }
            for rank, hit in enumerate(hits, 1)
        ],
        "status": status,
        "why": why,
    }


def _told(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    failures = [{name: row[name] for name in ("id", "question", "why")} for row in rows if row["why"]]
    return {"failures": failures, "per_question": list(rows)}
