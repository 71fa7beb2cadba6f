"""Evaluations in the background: one at a time, watched by pages, stored with what came of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Any, BinaryIO

import structlog

from citewise.errors import CitewiseError, NotAllowedError, QuestionError
from citewise.evaluate import own
from citewise.evaluate.datasets import Dataset
from citewise.evaluate.own import Imported, Standing
from citewise.evaluate.run import How, Subject, evaluate_dataset
from citewise.registry import cases, collections, evaluations
from citewise.registry.cases import Case, Place
from citewise.registry.database import Registry
from citewise.registry.evaluations import Evaluation, EvaluationState

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """How far a run is."""

    evaluation_id: str
    done: int
    total: int  # questions
    started_at: float
    stopping: bool


class Evaluations:
    """A person's test cases and the runs over them. May be used from any thread.

    Args:
        registry: Keeps both.
        subject: Is asked; the engine.
    """

    def __init__(self, registry: Registry, subject: Subject) -> None:
        self._registry = registry
        self._subject = subject
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._running: Running | None = None
        self._thread: threading.Thread | None = None
        with registry.write() as tx:
            evaluations.end_running(tx)  # what an earlier process left

    def close(self) -> None:
        """End a run after its question; what was asked is stored."""
        self._stop.set()
        if self._thread:
            self._thread.join()

    # --- runs -------------------------------------------------------------------------

    def start(self, dataset: Dataset, *, collection: str, how: How) -> Evaluation:
        """Begin to ask a set, in the background.

        Raises:
            NotAllowedError: One runs already.
            QuestionError: The set has no questions.
            NotFoundError: There is no such collection.
        """
        if not dataset.questions:
            raise QuestionError(f"“{dataset.name}” has no question that can be asked of {collection}.")
        with self._lock:
            if self._running:
                raise NotAllowedError("An evaluation runs already. Wait for it, or cancel it first.")
            with self._registry.write() as tx:
                collections.find(tx, collection)
                settings = {"collection": collection, **asdict(how)}
                begun = evaluations.create(tx, name=dataset.name, settings=settings)
            self._stop.clear()
            self._running = Running(begun.id, 0, len(dataset.questions), time.time(), stopping=False)
            self._thread = threading.Thread(target=self._run, args=(begun, dataset, how), name="evaluation")
            self._thread.start()
        return begun

    def running(self) -> Running | None:
        """The run that goes on, if any; cheap enough to be asked by every page."""
        return self._running

    def cancel(self) -> None:
        """End the run that goes on after its question; nothing happens when there is none."""
        with self._lock:
            if self._running:
                self._stop.set()
                self._running = Running(**(asdict(self._running) | {"stopping": True}))

    def list_all(self) -> list[Evaluation]:
        """All runs, newest first."""
        with self._registry.read() as rx:
            return evaluations.list_all(rx)

    def get(self, evaluation_id: str) -> Evaluation:
        """Raises ``NotFoundError``."""
        with self._registry.read() as rx:
            return evaluations.get(rx, evaluation_id)

    def remove(self, evaluation_id: str) -> None:
        """Delete a run. Raises ``NotFoundError``, and ``NotAllowedError`` while it goes on."""
        running = self._running
        if running and running.evaluation_id == evaluation_id:
            raise NotAllowedError("This evaluation still runs. Cancel it first.")
        with self._registry.write() as tx:
            evaluations.remove(tx, evaluation_id)

    def _run(self, begun: Evaluation, dataset: Dataset, how: How) -> None:
        report: dict[str, Any] | None = None
        state: EvaluationState = "failed"
        error = None
        try:
            report = evaluate_dataset(
                self._subject,
                dataset,
                how=how,
                collection=str(begun.settings["collection"]),
                progress=self._progress,
                stopping=self._stop.is_set,
            )
            state = "done" if report["complete"] else "cancelled"
        except CitewiseError as failure:
            error = str(failure)
        except Exception:
            log.exception("evaluation failed", evaluation_id=begun.id)
            error = "Something went wrong while it ran; the log has the details."
        try:
            with self._registry.write() as tx:
                evaluations.finish(
                    tx,
                    begun.id,
                    state,
                    report=without_words(report) if report else None,
                    generation_id=report["generation"] if report else None,
                    error=error,
                )
        except CitewiseError:
            log.exception("evaluation not stored", evaluation_id=begun.id)
        with self._lock:
            self._running = None

    def _progress(self, _stage: str, done: int, _total: int) -> None:
        with self._lock:
            if self._running:
                self._running = Running(**(asdict(self._running) | {"done": done}))

    # --- cases ------------------------------------------------------------------------

    def cases(self, *, collection: str | None = None) -> list[Standing]:
        """The cases, newest first, with where they stand now; of every collection when none is named."""
        with self._registry.read() as rx:
            return [own.standing(rx, case) for case in cases.list_all(rx, collection=collection)]

    def add_case(self, question: str, places: Sequence[Place], *, collection: str) -> Case:
        """Keep a case; without ``places``: the documents do not say. Raises ``QuestionError``."""
        with self._registry.write() as tx:
            return cases.create(tx, question=question, collection=collection, places=places)

    def change_case(self, case_id: str, *, question: str) -> Case:
        """Word a case anew. Raises ``NotFoundError``, ``QuestionError``."""
        with self._registry.write() as tx:
            return cases.change(tx, case_id, question=question)

    def remove_case(self, case_id: str) -> Case:
        """Delete a case, and return it for ``restore_case``. Raises ``NotFoundError``."""
        with self._registry.write() as tx:
            case = cases.get(tx, case_id)
            cases.remove(tx, case_id)
        return case

    def restore_case(self, case: Case) -> None:
        """Bring a deleted case back."""
        with self._registry.write() as tx:
            cases.restore(tx, case)

    def own(self, *, collection: str) -> Dataset:
        """The cases of a collection as a set to ``start``."""
        with self._registry.read() as rx:
            return own.dataset_of(rx, collection=collection)

    def export_cases(self, *, collection: str) -> bytes:
        """A ZIP that ``citewise eval`` runs once it is unpacked. Raises ``NotFoundError``."""
        with self._registry.read() as rx:
            return own.export_cases(rx, collection=collection)

    def import_cases(self, stream: BinaryIO | bytes, *, collection: str) -> Imported:
        """Make cases of ``qa.jsonl`` or an exported ZIP. Raises ``NotFoundError``, ``IngestError``."""
        with self._registry.write() as tx:
            return own.import_cases(tx, BytesIO(stream) if isinstance(stream, bytes) else stream, collection=collection)


def without_words(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report for the registry: no names and words of documents, which would outlive them there."""
    rows = [
        {
            **row,
            "hits": [{name: value for name, value in hit.items() if name != "source"} for hit in row["hits"]],
            "why": _plain(row["why"]),
        }
        for row in report["per_question"]
    ]
    return {**{name: value for name, value in report.items() if name != "failures"}, "per_question": rows}


def _plain(why: str | None) -> str | None:
    quoting = why is not None and why.startswith("The answer does not contain")
    return "The answer does not contain what was expected." if quoting else why
