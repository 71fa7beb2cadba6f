"""Search by meaning and by words at once, merged and joined back to the registry."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, Literal, Protocol

from citewise.errors import ProviderError, StoreError
from citewise.index.generations import Indexes
from citewise.protocols import Embedder, Wordwise
from citewise.retrieve.exactly import find_holders, keep_names, names_of
from citewise.retrieve.fuse import reciprocal_rank_fusion, score_fusion
from citewise.retrieve.look import Look, Ranking
from citewise.retrieve.operators import parse
from citewise.retrieve.rerankers import Rerank, Rerankers
from citewise.types import Chunk, ScoredChunk, SearchMode, SearchResult

Fusion = Literal["scores", "ranks"]

_WIDENINGS = 2
_WIDEN_BY = 4
_RERANKED = 50
_HOLDERS = 200  # chunks with a phrase that a search is narrowed to
_THREADS = 8  # keyword searches at a time; each takes a millisecond or so


class Joined(Protocol):
    """A chunk as the registry serves it now, with what a reader needs of its document."""

    @property
    def chunk(self) -> Chunk: ...

    @property
    def source(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def content_hash(self) -> str: ...


Join = Callable[[Sequence[str], str, str], Mapping[str, Joined]]
"""Chunk ids, a collection id and a generation id to those that may be served; the rest is left out."""


class Retriever:
    """Finds chunks. May be called from any thread.

    Args:
        indexes: Lends the current generation, with the model it was built with; asked once per search.
        join: See ``Join``.
        fetch_k: Candidates from each kind of search, at least.
        fusion: How both kinds are merged: by scaled ``scores`` or by ``ranks``.
        rrf_k: Damping constant of fusion by ranks.
        rerankers: Order the best of what was found; ``None`` keeps the order of fusion.
    """

    def __init__(
        self,
        *,
        indexes: Callable[[], AbstractContextManager[Indexes]],
        join: Join,
        fetch_k: int = 50,
        fusion: Fusion = "scores",
        rrf_k: int = 60,
        rerankers: Rerankers | None = None,
    ) -> None:
        self._indexes = indexes
        self._join = join
        self._fetch_k = fetch_k
        self._fusion = fusion
        self._rrf_k = rrf_k
        self._rerankers = rerankers
        self._threads = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="citewise-search")

    def close(self) -> None:
        """End the threads, once running searches are over."""
        self._threads.shutdown()

    def search(
        self,
        *,
        question: str,
        collection_id: str,
        k: int,
        document_ids: Collection[str] | None = None,
        mode: SearchMode = "hybrid",
        rerank: bool | str = True,
        indexes: Indexes | None = None,
    ) -> SearchResult:
        """Return the ``k`` best chunks, best first; fewer only if there are no more.

        Args:
            question: Standing alone; ``rewrite.standalone`` makes it so. See ``operators`` for what it may ask for.
            collection_id: Where to look.
            k: Hits wanted, >= 1.
            document_ids: Only these documents; ``None`` means all.
            mode: ``dense`` (meaning) or ``keyword`` (words) runs that search only.
            rerank: See ``Rerankers.named``. A search of one kind is reranked only by who is named.
            indexes: Search these instead of the current ones; to compare generations.

        Raises:
            StoreError: Every search that was to run failed.
            ProviderError: The question could not be embedded and no other search was to run, or the
                reranker cannot be had here.
            NotFoundError: There is no reranker of that name.
        """
        wanted = mode == "hybrid" or isinstance(rerank, str)
        reranker = self._rerankers.named(rerank) if self._rerankers and wanted else None
        with nullcontext(indexes) if indexes else self._indexes() as lent:
            operators = parse(question)
            names = names_of(question, operators.preferred)
            look = Look(lent, operators, names, collection_id, document_ids, mode)
            return self._search(look, k=k, reranker=reranker)

    def _search(self, look: Look, *, k: int, reranker: Rerank | None) -> SearchResult:
        if look.indexes.degraded:
            look.say(look.indexes.degraded)
        fetch_k = max(self._fetch_k, k)
        with look.timed("total"):
            self._narrow(look)
            for widenings in range(_WIDENINGS + 1):
                rankings = self._candidates(look, fetch_k)
                with look.timed("fuse"):
                    weights = look.weights(rankings, by_scores=self._fusion == "scores")
                    fused = look.with_holders(self._fuse(rankings, weights))
                with look.timed("join"):
                    joined = self._join(
                        [chunk_id for chunk_id, _ in fused], look.collection_id, look.indexes.generation
                    )
                    allowed = {key: item for key, item in joined.items() if look.operators.allow(item.chunk.text)}
                # Hits of deleted or replaced versions, or that are to be left out, take up places: look further.
                all_seen = all(len(ranking) < fetch_k for ranking in rankings.values())
                if len(allowed) >= k or len(allowed) == len(fused) or all_seen or widenings == _WIDENINGS:
                    break
                fetch_k *= _WIDEN_BY
            hits = keep_names(_hits(rankings, fused, allowed), look.names, look.holders)
            if look.operators.phrases and not hits:
                phrases = " and ".join(f'"{phrase}"' for phrase in look.operators.phrases)
                look.say(
                    f"No passage has {phrases} word for word. Leave out the quotation marks to search for the words."
                )
            ranked_by: str | None = None
            if reranker:
                with look.timed("rerank"):
                    # The tail is left out: fusion put it last, and reading it takes as long as the best.
                    reranked = reranker(look.operators.question, look.comparable(hits[: max(k, _RERANKED)]))
                ranked_by = reranked.name
                hits = keep_names(look.complete(reranked.hits, hits), look.names, look.holders)
                for note in reranked.notes:
                    look.say(note)
            candidates = _trace(rankings, fused, joined, hits, k=k, allowed=allowed)
        return SearchResult(
            question=look.operators.asked,
            standalone_question=look.operators.asked,
            hits=tuple(hits[:k]),
            timings_ms=look.timings_ms,
            generation=look.indexes.generation,
            reranker=ranked_by,
            degraded=tuple(look.degraded),
            trace={
                "mode": look.mode,
                "operators": look.operators.as_json(),
                "names": list(look.holders),
                "fusion": self._fusion if len(rankings) > 1 else None,
                "weights": weights,
                "fetch_k": fetch_k,
                "widenings": widenings,
                "reranker": ranked_by,
                "candidates": candidates,
            },
        )

    def _narrow(self, look: Look) -> None:
        """Keep to the documents with the phrases that were asked for, where these are few enough to be told."""
        if not look.operators.phrases:
            return
        try:
            with look.timed("keyword"):
                holders = self._find_words(look, look.operators.text, k=_HOLDERS, phrases=look.operators.phrases)
        except StoreError:
            return  # what is found is looked through for them in any case
        if len(holders) < _HOLDERS:
            with look.timed("join"):
                joined = self._join([chunk_id for chunk_id, _ in holders], look.collection_id, look.indexes.generation)
            look.document_ids = {item.chunk.document_id for item in joined.values()}

    def _candidates(self, look: Look, fetch_k: int) -> dict[str, Ranking]:
        """Run the searches that the mode asks for; those that worked, by name."""
        if look.mode == "dense":
            return {"dense": self._dense(look, fetch_k)}
        if look.mode == "keyword":
            return {"keyword": self._keyword(look, fetch_k)}
        waiting = self._threads.submit(self._keyword, look, fetch_k)
        rankings: dict[str, Ranking] = {}
        failures: list[StoreError | ProviderError] = []
        runs: dict[str, Callable[[], Ranking]] = {
            "dense": partial(self._dense, look, fetch_k),
            "keyword": waiting.result,
        }
        for name, run in runs.items():
            try:
                rankings[name] = run()
            except (StoreError, ProviderError) as error:
                failures.append(error)
                look.say(f"{_LABELS[name]} did not run: {error}")
        if not rankings:
            raise StoreError(f"Neither search could run. {' '.join(map(str, failures))}") from failures[0]
        return rankings

    def _dense(self, look: Look, fetch_k: int) -> Ranking:
        if look.vector is None:
            with look.timed("embed"):
                look.familiarity = _familiarity(look.indexes.embedder, look.operators.text)
                look.vector = look.indexes.embedder.embed_query(look.operators.text)
        vector = look.vector
        with look.timed("dense"):
            return look.from_either(
                lambda indexes: indexes.vectors.search(
                    vector, k=fetch_k, collection_id=look.collection_id, document_ids=look.document_ids
                )
            )

    def _keyword(self, look: Look, fetch_k: int) -> Ranking:
        with look.timed("keyword"):
            if look.names and not look.holders:
                look.holders = find_holders(
                    look.names, lambda name, most: self._find_words(look, name, k=most, phrases=(name,))
                )
            return self._find_words(look, look.operators.text, k=fetch_k, phrases=look.operators.phrases)

    def _find_words(self, look: Look, text: str, *, k: int, phrases: Sequence[str]) -> Ranking:
        return look.from_either(
            lambda indexes: indexes.keywords.search(
                text, k=k, collection_id=look.collection_id, document_ids=look.document_ids, phrases=phrases
            )
        )

    def _fuse(self, rankings: Mapping[str, Ranking], weights: Mapping[str, float]) -> Ranking:
        if len(rankings) == 1:
            return next(iter(rankings.values()))
        if self._fusion == "ranks":
            return reciprocal_rank_fusion(
                [[chunk_id for chunk_id, _ in ranking] for ranking in rankings.values()],
                k=self._rrf_k,
                weights=list(weights.values()),
            )
        return score_fusion(list(rankings.values()), weights=list(weights.values()))


_LABELS = {"dense": "The search by meaning", "keyword": "The search by words"}


def _familiarity(embedder: Embedder, text: str) -> float:
    return embedder.familiarity(text) if isinstance(embedder, Wordwise) else 1.0


def _hits(rankings: Mapping[str, Ranking], fused: Ranking, joined: Mapping[str, Joined]) -> list[ScoredChunk]:
    """Everything that was found and may be served, in the order of fusion."""
    by_name = {name: dict(ranking) for name, ranking in rankings.items()}
    hits: list[ScoredChunk] = []
    for chunk_id, score in fused:
        if (item := joined.get(chunk_id)) is None:
            continue
        scores = {name: values[chunk_id] for name, values in by_name.items() if chunk_id in values}
        if len(rankings) > 1:
            scores["fused"] = score
        hits.append(
            ScoredChunk(
                chunk=item.chunk,
                score=score,
                rank=len(hits) + 1,
                scores=scores,
                source=item.source,
                title=item.title,
                content_hash=item.content_hash,
            )
        )
    return hits


def _trace(
    rankings: Mapping[str, Ranking],
    fused: Ranking,
    joined: Mapping[str, Joined],
    hits: Sequence[ScoredChunk],
    *,
    k: int,
    allowed: Mapping[str, Joined],
) -> list[dict[str, Any]]:
    """What became of every candidate, in the order of fusion."""
    ranks = {
        name: {chunk_id: rank for rank, (chunk_id, _) in enumerate(ranking, 1)} for name, ranking in rankings.items()
    }
    scores = {name: dict(ranking) for name, ranking in rankings.items()}
    if len(rankings) > 1:
        scores["fused"] = dict(fused)
    final = {hit.chunk.id: hit for hit in hits}
    candidates: list[dict[str, Any]] = []
    for chunk_id, _ in fused:
        hit = final.get(chunk_id)
        kept = hit is not None and hit.rank <= k
        why = "not joined" if chunk_id not in joined else "left out" if chunk_id not in allowed else "below k"
        candidates.append(
            {
                "chunk_id": chunk_id,
                "ranks": {name: places[chunk_id] for name, places in ranks.items() if chunk_id in places},
                "scores": hit.scores if hit else {name: v[chunk_id] for name, v in scores.items() if chunk_id in v},
                "dropped": None if kept else why,
            }
        )
    return candidates
