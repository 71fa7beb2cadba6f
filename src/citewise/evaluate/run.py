"""Asks every question of a set and says how well it went."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from citewise.errors import ProviderError, QuestionError
from citewise.evaluate.datasets import Dataset, Question, fingerprint, load_dataset, read_records
from citewise.evaluate.metrics import Outcome, gold_ranks, graded, summarise, why_failed
from citewise.types import Added, Citation, Collection, DocumentText, Message, Query, SearchResult, Turn, Upload

RECORDS_AT_ONCE = 256
CHUNKS_PER_DOCUMENT = 3
"""How many chunks are fetched for each document of a ranking, since one may fill several."""

Progress = Callable[[str, int, int], None]
"""Told ``(what goes on, done, total)``; a total of 0 means that it is not known."""


class Subject(Protocol):
    """What is measured: an ``Engine``, or whatever stands for one."""

    def add(self, uploads: Sequence[Upload], *, collection: str) -> list[Added]: ...
    def wait(self, job_ids: Sequence[str], *, timeout_s: float | None = None) -> bool: ...
    def collections(self) -> list[Collection]: ...
    def search(self, query: Query) -> SearchResult: ...
    def ask(self, question: str, *, collection: str, model: str | None, history: Sequence[Message] | None) -> Turn: ...
    def watch(self, turn_id: str) -> Iterator[Turn]: ...
    def delete_conversation(self, conversation_id: str) -> None: ...
    def show(self, document_id: str, *, version: int) -> DocumentText: ...


def evaluate(
    subject: Subject,
    folder: Path,
    *,
    k: int = 10,
    collection: str | None = None,
    model: str | None = None,
    progress: Progress = lambda _stage, _done, _total: None,
) -> dict[str, Any]:
    """Measure ``subject`` on the question set in ``folder``.

    A set that brings its own documents is asked of a collection of its own, named after
    their content and kept, so that a second run need not index them again.

    Args:
        subject: What answers.
        folder: See ``citewise.evaluate.datasets``.
        k: Ranks to look at.
        collection: Ask this one instead; unset: the set's own, or ``default``.
        model: Who writes the answers; unset: the default.
        progress: Told how far it is.

    Returns:
        ``dataset``, ``collection``, ``questions``, ``k``, ``metrics``, ``by_kind`` (kind →
        metrics) and ``failures`` (``id``, ``question``, ``why``).

    Raises:
        IngestError: The folder cannot be read.
        NotFoundError: There is no such collection or model.
    """
    dataset = load_dataset(folder)
    if collection is None:
        collection = _index(subject, dataset.records, progress) if dataset.records else "default"
    report: dict[str, Any] = {
        "dataset": dataset.name,
        "collection": collection,
        "questions": len(dataset.questions),
        "k": k,
    }
    if dataset.grades:
        return report | _rank(subject, dataset, collection, k, progress)
    examiner = _Examiner(subject, collection=collection, k=k, model=model)
    return report | _answer(examiner, dataset.questions, progress)


def _index(subject: Subject, records: Path, progress: Progress) -> str:
    name = f"eval-{fingerprint(records)}"
    total = sum(1 for _ in read_records(records))
    if any(found.name == name and found.documents >= total for found in subject.collections()):
        return name
    jobs: list[str] = []
    for batch in _batches(read_records(records), RECORDS_AT_ONCE):
        jobs += [added.job_id for added in subject.add(batch, collection=name) if added.job_id]
        progress("adding documents", len(jobs), total)
    for done, job in enumerate(jobs, 1):
        subject.wait([job])
        progress("indexing documents", done, len(jobs))
    return name


def _batches(items: Iterable[Upload], size: int) -> Iterator[list[Upload]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _rank(subject: Subject, dataset: Dataset, collection: str, k: int, progress: Progress) -> dict[str, Any]:
    run: dict[str, list[str]] = {}
    failures = []
    for done, question in enumerate(dataset.questions, 1):
        query = Query(question.text, collection, k=k * CHUNKS_PER_DOCUMENT, history=question.history)
        try:
            hits = subject.search(query).hits
        except QuestionError as error:
            run[question.id] = []
            failures.append({"id": question.id, "question": question.text, "why": str(error)})
            continue
        run[question.id] = list(dict.fromkeys(hit.source for hit in hits))[:k]
        relevant = {document for document, grade in dataset.grades[question.id].items() if grade > 0}
        if relevant and not relevant & set(run[question.id]):
            why = f"No relevant document was among the first {k}."
            failures.append({"id": question.id, "question": question.text, "why": why})
        progress("searching", done, len(dataset.questions))
    asked = {query: grades for query, grades in dataset.grades.items() if query in run}
    return {"metrics": graded(run, asked, k=k), "by_kind": {}, "failures": failures}


def _answer(examiner: _Examiner, questions: Sequence[Question], progress: Progress) -> dict[str, Any]:
    outcomes: list[Outcome] = []
    for question in questions:
        outcomes.append(examiner.examine(question))
        progress("asking", len(outcomes), len(questions))
    kinds: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.question.kind:
            kinds[outcome.question.kind].append(outcome)
    k = examiner.k
    explained = [(outcome.question, why_failed(outcome, k=k)) for outcome in outcomes]
    return {
        "metrics": summarise(outcomes, k=k),
        "by_kind": {kind: summarise(group, k=k) for kind, group in sorted(kinds.items())},
        "failures": [{"id": asked.id, "question": asked.text, "why": why} for asked, why in explained if why],
    }


class _Examiner:
    """Asks one question at a time and compares what comes with what is known."""

    def __init__(self, subject: Subject, *, collection: str, k: int, model: str | None) -> None:
        self.k = k
        self._subject = subject
        self._collection = collection
        self._model = model
        self._texts: dict[tuple[str, int], str] = {}

    def examine(self, question: Question) -> Outcome:
        """Search and ask; what cannot be asked or answered is an outcome too."""
        query = Query(question.text, self._collection, k=self.k, history=question.history)
        try:
            hits = self._subject.search(query).hits
            turn = self._ask(question)
        except (QuestionError, ProviderError) as error:
            return Outcome(question, None, None, "error", "", citations=0, verbatim=0, error=str(error))
        answer = turn.answer
        document_rank, answer_rank = gold_ranks(question, hits)
        return Outcome(
            question=question,
            document_rank=document_rank,
            answer_rank=answer_rank,
            status=answer.status,
            answer=answer.text,
            citations=len(answer.citations),
            verbatim=sum(self._is_verbatim(citation) for citation in answer.citations),
            error=answer.error,
        )

    def _ask(self, question: Question) -> Turn:
        turn = self._subject.ask(
            question.text, collection=self._collection, model=self._model, history=question.history
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
