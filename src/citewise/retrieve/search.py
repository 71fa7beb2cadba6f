"""A question on its way to hits: made to stand alone, searched for, and grown by what stands around them."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter

from citewise.errors import QuestionError
from citewise.index.generations import Indexes
from citewise.registry import collections, documents, serving
from citewise.registry.database import Registry
from citewise.retrieve.expand import expand
from citewise.retrieve.hybrid import Retriever
from citewise.retrieve.rewrite import standalone
from citewise.types import Query, SearchResult

QUESTION_CHARACTERS = 8_000
"""Longest question taken."""

SPARE = 3
"""Chunks found for each hit that is wanted, since neighbours among them become one."""


class Searcher:
    """Finds what a question asks for. May be used from any thread."""

    def __init__(self, registry: Registry, retriever: Retriever) -> None:
        self._registry = registry
        self._retriever = retriever

    def search(self, query: Query, indexes: Indexes | None = None) -> SearchResult:
        """Search the indexes that serve, or those given.

        Raises:
            QuestionError: The question is empty or too long, or ``where`` names an unknown field.
            NotFoundError: There is no such collection.
            StoreError: No index could answer.
        """
        question = checked(query.text)
        started = perf_counter()
        rewritten = standalone(question, query.history) if query.history else question
        rewrite_ms = (perf_counter() - started) * 1000
        with self._registry.read() as rx:
            collection_id = collections.find(rx, query.collection)
            document_ids = serving.match(rx, collection_id, query.where) if query.where else None
        result = self._retriever.search(
            question=rewritten,
            collection_id=collection_id,
            document_ids=document_ids,
            k=query.k * SPARE,
            mode=query.mode,
            rerank=query.rerank,
            indexes=indexes,
        )
        expanding = perf_counter()
        with self._registry.read() as rx:
            hits = expand(
                result.hits,
                k=query.k,
                neighbours=lambda chunk, reach: documents.neighbours(rx, chunk, reach),
                slice_text=lambda chunk, start, end: documents.slice_text(
                    rx, chunk.document_id, chunk.version, start, end
                ),
            )
        expand_ms = (perf_counter() - expanding) * 1000
        total_ms = (perf_counter() - started) * 1000
        timings = {
            **result.timings_ms,
            "rewrite": round(rewrite_ms, 2),
            "expand": round(expand_ms, 2),
            "total": round(total_ms, 2),
        }
        return replace(result, question=question, standalone_question=rewritten, hits=tuple(hits), timings_ms=timings)


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
