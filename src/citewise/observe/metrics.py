"""What this process has done, in figures, for ``/metrics``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Metrics:
    """Counters of one process. Every method may be called from any thread.

    Labels are closed sets (outcomes, stages): never a name, an id or anything of a person's.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._documents = Counter(
            "citewise_documents", "Documents whose ingest ended.", ["outcome"], registry=self._registry
        )
        self._pages = Counter("citewise_pages", "Pages read.", registry=self._registry)
        self._chunks = Counter("citewise_chunks", "Chunks indexed.", registry=self._registry)
        self._ingest = Histogram(
            "citewise_ingest_seconds",
            "Time of one document in one stage of its ingest.",
            ["stage"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._embedded = Counter("citewise_embedded_texts", "Texts turned into vectors.", registry=self._registry)
        self._jobs = Gauge("citewise_jobs_running", "Jobs that run now.", ["kind"], registry=self._registry)
        self._searches = Counter("citewise_searches", "Searches done.", registry=self._registry)
        self._search = Histogram(
            "citewise_search_seconds",
            "Time of one search in one stage; `total` is all of it.",
            ["stage"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._answers = Counter("citewise_answers", "Answers that ended.", ["status"], registry=self._registry)
        self._answer = Histogram(
            "citewise_answer_seconds",
            "Time of one answer in one stage; `total` is all of it.",
            ["stage"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._ratings = Counter(
            "citewise_ratings",
            "Times that a person rated an answer, anew or otherwise than before.",
            ["good", "reason"],
            registry=self._registry,
        )
        self._tokens = Counter(
            "citewise_model_tokens", "Tokens as providers counted them.", ["direction"], registry=self._registry
        )
        self._reranks = Counter(
            "citewise_reranks_billed", "Search units that a reranking provider counted.", registry=self._registry
        )

    def document_ended(
        self, outcome: Literal["ready", "failed", "cancelled"], *, pages: int = 0, chunks: int = 0
    ) -> None:
        """Count a document whose ingest ended, and what was read of it."""
        self._documents.labels(outcome).inc()
        self._pages.inc(pages)
        self._chunks.inc(chunks)

    def ingest_stage(self, stage: str, seconds: float) -> None:
        """Record how long one document spent in a stage (parsing, chunking, …)."""
        self._ingest.labels(stage).observe(seconds)

    def texts_embedded(self, count: int) -> None:
        """Count texts that a model turned into vectors."""
        self._embedded.inc(count)

    def tokens_embedded(self, count: int) -> None:
        """Count tokens that a provider turned into vectors."""
        self._tokens.labels("embedding").inc(count)

    def reranks_billed(self, count: int) -> None:
        """Count search units of a reranking provider."""
        self._reranks.inc(count)

    def search_ended(self, timings_ms: dict[str, float]) -> None:
        """Count a search; ``timings_ms`` as in ``SearchResult``."""
        self._searches.inc()
        for stage, milliseconds in timings_ms.items():
            self._search.labels(stage).observe(milliseconds / 1000)

    def answer_ended(self, status: str, *, timings_ms: dict[str, float], input_tokens: int, output_tokens: int) -> None:
        """Count an answer; ``status`` as in ``Answer``, ``timings_ms`` by stage."""
        self._answers.labels(status).inc()
        for stage, milliseconds in timings_ms.items():
            self._answer.labels(stage).observe(milliseconds / 1000)
        self._tokens.labels("input").inc(input_tokens)
        self._tokens.labels("output").inc(output_tokens)

    def answer_rated(self, *, good: bool, reason: str | None) -> None:
        """Count what a person thought of an answer; ``reason`` as in ``Feedback``."""
        self._ratings.labels(str(good).lower(), reason or "").inc()

    @contextmanager
    def job(self, kind: Literal["ingest", "answer"]) -> Iterator[None]:
        """Count a job as running for as long as the block lasts."""
        self._jobs.labels(kind).inc()
        try:
            yield
        finally:
            self._jobs.labels(kind).dec()

    def render(self) -> bytes:
        """Everything in the text format of Prometheus; its type is ``CONTENT_TYPE``."""
        return generate_latest(self._registry)


@cache
def metrics() -> Metrics:
    """The figures of this process; made when first asked for."""
    return Metrics()
