"""Searching for a question and for other texts that stand for it, merged by ranks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from citewise.index.generations import Indexes
from citewise.retrieve.fuse import reciprocal_rank_fusion
from citewise.retrieve.hybrid import Retriever
from citewise.retrieve.operators import parse
from citewise.types import ScoredChunk, SearchMode, SearchResult


def search_all(
    retriever: Retriever,
    question: str,
    others: Sequence[str],
    *,
    as_documents: bool,
    collection_id: str,
    document_ids: Collection[str] | None,
    k: int,
    mode: SearchMode,
    rerank: bool | str,
    indexes: Indexes | None,
) -> SearchResult:
    """Search for ``question``, and for ``others`` where there are any; what more of them find comes first.

    Args:
        retriever: Searches the indexes.
        question: Standing alone.
        others: Other wordings, or passages that could answer.
        as_documents: Whether the others are passages: they are searched for by meaning only, since their
            words are invented.
        collection_id, document_ids, k, mode, rerank, indexes: See ``Retriever.search``.

    Returns:
        The result for ``question``; with others its hits are merged with theirs, ``score`` is that of the
        merging, and times are sums.
    """

    def found(text: str, mode: SearchMode, rerank: bool | str) -> SearchResult:
        return retriever.search(
            question=text,
            collection_id=collection_id,
            document_ids=document_ids,
            k=k,
            mode=mode,
            rerank=rerank,
            indexes=indexes,
        )

    first = found(question, mode, rerank)
    if not others:
        return first
    rest = [found(text, "dense", False) if as_documents else found(text, mode, rerank) for text in others]
    everything = [first, *rest]
    operators = parse(question)  # the other texts have none of their own
    found_by = [[hit for hit in result.hits if operators.allow(hit.chunk.text)] for result in everything]
    hits: dict[str, ScoredChunk] = {}
    for found_hits in found_by:
        for hit in found_hits:
            hits.setdefault(hit.chunk.id, hit)
    merged = reciprocal_rank_fusion([[hit.chunk.id for hit in found_hits] for found_hits in found_by])[:k]
    timings = {
        name: round(sum(result.timings_ms.get(name, 0.0) for result in everything), 2) for name in first.timings_ms
    }
    return replace(
        first,
        hits=tuple(
            replace(hits[chunk_id], score=score, rank=rank, scores={**hits[chunk_id].scores, "merged": score})
            for rank, (chunk_id, score) in enumerate(merged, 1)
        ),
        timings_ms=timings,
        degraded=tuple(dict.fromkeys(sentence for result in everything for sentence in result.degraded)),
    )
