"""A question on its way to hits: made to stand alone, searched for, thinned out, grown by what stands around."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from time import perf_counter
from typing import Any

from citewise.errors import QuestionError
from citewise.index.generations import Indexes
from citewise.protocols import Writer
from citewise.registry import collections, documents, serving
from citewise.registry.database import Registry
from citewise.retrieve.duplicates import distinct, names_one, spread
from citewise.retrieve.expand import expand
from citewise.retrieve.hybrid import Retriever
from citewise.retrieve.operators import parse
from citewise.retrieve.rewrite_model import standalone_question, variants_of
from citewise.retrieve.variants import search_all
from citewise.types import Query, ScoredChunk, SearchMode, SearchResult, Usage, Variants, Where

QUESTION_CHARACTERS = 8_000
"""Longest question taken."""

SPARE = 3
"""Chunks found for each hit that is wanted, since neighbours among them become one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that decides which hits a search of one generation gives. Kept in the trace of every search."""

    standalone: str
    collection: str  # its name
    k: int
    where: Where
    mode: SearchMode
    rerank: bool | str
    variants: Variants
    texts: tuple[str, ...]  # what else is searched for
    as_documents: bool  # the texts are passages that could answer
    per_document: int

    def as_json(self) -> dict[str, Any]:
        """The plan as a trace keeps it."""
        where = {key: value if isinstance(value, str) else list(value) for key, value in self.where.items()}
        return {**asdict(self), "where": where, "texts": list(self.texts)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Plan:
        """Read a plan from a trace. Raises ``KeyError`` for one that lacks a part."""
        where = {key: value if isinstance(value, str) else tuple(value) for key, value in kept["where"].items()}
        parts = {name: kept[name] for name in cls.__slots__}
        return cls(**{**parts, "where": where, "texts": tuple(kept["texts"])})


@dataclass(slots=True)
class _Worded:
    """How a question became a plan."""

    plan: Plan
    by: str  # who made it stand alone, see ``rewrite_model.Worded``
    usage: Usage
    degraded: tuple[str, ...]


@dataclass(slots=True)
class _Left:
    """What the search found, on its way to a reader."""

    hits: Sequence[ScoredChunk]
    dropped: dict[str, str] = field(default_factory=dict)


class Searcher:
    """Finds what a question asks for. May be used from any thread.

    Args:
        registry: Of the data directory.
        retriever: Searches the indexes.
        variants: What else is searched for, where a query does not say.
        per_document: Hits of one document, at most, while others have something close.
    """

    def __init__(
        self, registry: Registry, retriever: Retriever, *, variants: Variants = "none", per_document: int = 4
    ) -> None:
        self._registry = registry
        self._retriever = retriever
        self._variants: Variants = variants
        self._per_document = per_document

    def needs_writer(self, query: Query) -> bool:
        """Whether a chat model would word something of this search."""
        return bool(query.history and query.rewrite) or (query.variants or self._variants) != "none"

    def search(
        self,
        query: Query,
        indexes: Indexes | None = None,
        *,
        writer: Writer | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> SearchResult:
        """Search the indexes that serve, or those given.

        Args:
            query: What to look for, and where.
            indexes: Search these instead of the current ones; to compare generations.
            writer: Words follow-ups and variants; without one, rules word follow-ups.
            cancelled: Polled while the writer is waited for.

        Raises:
            QuestionError: The question is empty or too long, or ``where`` cannot be used.
            NotFoundError: There is no such collection.
            StoreError: No index could answer.
        """
        question = checked(query.text)
        started = perf_counter()
        worded = self._word(question, query, writer, cancelled)
        rewrite_ms = (perf_counter() - started) * 1000
        result = self.run(worded.plan, indexes)
        timings = {**result.timings_ms, "rewrite": round(rewrite_ms, 2)}
        timings["total"] = round(timings["total"] + rewrite_ms, 2)
        usage = worded.usage
        trace = {
            **result.trace,
            "rewritten_by": worded.by,
            "usage": {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens},
        }
        degraded = (*worded.degraded, *result.degraded)
        return replace(result, question=question, timings_ms=timings, usage=usage, degraded=degraded, trace=trace)

    def run(self, plan: Plan, indexes: Indexes | None = None) -> SearchResult:
        """Search as planned; nothing is worded anew. Raises as ``search`` does."""
        started = perf_counter()
        with self._registry.read() as rx:
            collection_id = collections.find(rx, plan.collection)
            document_ids = serving.match(rx, collection_id, plan.where) if plan.where else None
        result = search_all(
            self._retriever,
            plan.standalone,
            plan.texts,
            as_documents=plan.as_documents,
            collection_id=collection_id,
            document_ids=document_ids,
            k=plan.k * SPARE,
            mode=plan.mode,
            rerank=plan.rerank,
            indexes=indexes,
        )
        expanding = perf_counter()
        left = self._thin(plan, result.hits)
        expand_ms = (perf_counter() - expanding) * 1000
        timings = {
            **result.timings_ms,
            "rewrite": 0.0,
            "expand": round(expand_ms, 2),
            "total": round((perf_counter() - started) * 1000, 2),
        }
        trace = {
            **result.trace,
            "query": plan.as_json(),
            "hits": [[hit.chunk.id, hit.chunk.start, hit.chunk.end] for hit in left.hits],
            "candidates": _outcomes(result.trace.get("candidates", ()), left),
        }
        note = _note(plan.where, document_ids) if not left.hits and document_ids is not None else ""
        return replace(result, hits=tuple(left.hits), timings_ms=timings, trace=trace, note=note)

    def _word(self, question: str, query: Query, writer: Writer | None, cancelled: Callable[[], bool]) -> _Worded:
        history = query.history if query.rewrite else ()
        alone = standalone_question(question, history, writer, cancelled=cancelled)
        kind = query.variants or self._variants
        others = variants_of(alone.texts[0], kind, writer, cancelled=cancelled)
        plan = Plan(
            standalone=alone.texts[0],
            collection=query.collection,
            k=query.k,
            where=dict(query.where),
            mode=query.mode,
            rerank=query.rerank,
            variants=kind,
            texts=others.texts or alone.texts[1:],
            as_documents=kind == "hyde" and bool(others.texts),
            per_document=self._per_document,
        )
        degraded = tuple(one for one in (alone.degraded, others.degraded) if one)
        return _Worded(plan, alone.by, alone.usage + others.usage, degraded)

    def _thin(self, plan: Plan, hits: Sequence[ScoredChunk]) -> _Left:
        """Leave out repeats and what crowds others out, and grow the rest to passages."""
        left = _Left(hits)
        one_asked_for = "document" in plan.where or "source" in plan.where or names_one(plan.standalone, hits)
        if not one_asked_for:
            hits = spread(hits, k=plan.k, per_document=plan.per_document, dropped=left.dropped)
        operators = parse(plan.standalone)
        with self._registry.read() as rx:
            left.hits = expand(
                distinct(hits, left.dropped),
                k=plan.k,
                neighbours=lambda chunk, reach: [
                    other for other in documents.neighbours(rx, chunk, reach) if not operators.excludes(other.text)
                ],
                slice_text=lambda chunk, start, end: documents.slice_text(
                    rx, chunk.document_id, chunk.version, start, end
                ),
                dropped=left.dropped,
            )
        return left


def _outcomes(candidates: Sequence[Mapping[str, Any]], left: _Left) -> list[dict[str, Any]]:
    """What became of every candidate: ``dropped`` says why it is no hit."""
    final = {hit.chunk.id for hit in left.hits}
    return [
        {
            **candidate,
            "dropped": None
            if candidate["chunk_id"] in final
            else candidate["dropped"] or left.dropped.get(candidate["chunk_id"], "below k"),
        }
        for candidate in candidates
    ]


def _note(where: Where, document_ids: set[str]) -> str:
    said = ", ".join(
        f"{key} {'' if value[:1] in '<>' else '= '}{value}"
        for key, values in where.items()
        for value in ((values,) if isinstance(values, str) else values)
    )
    if not document_ids:
        return f"The filter ({said}) leaves no document to search in. Take it off, or choose another one."
    count = len(document_ids)
    return (
        f"Nothing was found in the {f'{count:,} documents' if count > 1 else 'one document'} "
        f"that the filter ({said}) leaves."
    )


def checked(question: str) -> str:
    """Return a question without white space at its ends.

    Raises:
        QuestionError: It is empty, or too long.
    """
    question = question.strip()
    if not question:
        raise QuestionError("There is no question. Type one and ask again.")
    if len(question) > QUESTION_CHARACTERS:
        raise QuestionError(
            f"The question is {len(question):,} characters long; at most {QUESTION_CHARACTERS:,} can be asked. "
            "Shorten it, or add the long text as a document."
        )
    return question
