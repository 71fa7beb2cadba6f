"""Search by meaning and by words at once, merged and joined back to the registry."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any, Literal, Protocol

from citewise.errors import ProviderError, StoreError
from citewise.index.generations import Indexes
from citewise.retrieve.fuse import reciprocal_rank_fusion, score_fusion
from citewise.retrieve.rerankers import Rerank, Rerankers
from citewise.types import Chunk, ScoredChunk, SearchMode, SearchResult, Vector

Ranking = list[tuple[str, float]]
Fusion = Literal["scores", "ranks"]

_WIDENINGS = 2
_WIDEN_BY = 4
_STEPS = ("total", "rewrite", "embed", "dense", "keyword", "fuse", "join", "rerank")
_RERANKED = 50
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
            question: Standing alone; ``rewrite.standalone`` makes it so.
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
            look = _Look(lent, question, collection_id, document_ids, mode)
            return self._search(look, k=k, reranker=reranker)

    def _search(self, look: _Look, *, k: int, reranker: Rerank | None) -> SearchResult:
        if look.indexes.degraded:
            look.say(look.indexes.degraded)
        fetch_k = max(self._fetch_k, k)
        with look.timed("total"):
            for widenings in range(_WIDENINGS + 1):
                rankings = self._candidates(look, fetch_k)
                with look.timed("fuse"):
                    fused = self._fuse(rankings)
                with look.timed("join"):
                    joined = self._join(
                        [chunk_id for chunk_id, _ in fused], look.collection_id, look.indexes.generation
                    )
                # Hits of deleted or replaced versions take up places: look further for living ones.
                all_seen = all(len(ranking) < fetch_k for ranking in rankings.values())
                if len(joined) >= k or len(joined) == len(fused) or all_seen or widenings == _WIDENINGS:
                    break
                fetch_k *= _WIDEN_BY
            hits = _hits(rankings, fused, joined)
            ranked_by: str | None = None
            if reranker:
                with look.timed("rerank"):
                    # The tail is left out: fusion put it last, and reading it takes as long as the best.
                    reranked = reranker(look.question, hits[: max(k, _RERANKED)])
                hits, ranked_by = reranked.hits, reranked.name
                for note in reranked.notes:
                    look.say(note)
            candidates = _trace(rankings, fused, joined, hits, k=k)
        return SearchResult(
            question=look.question,
            standalone_question=look.question,
            hits=tuple(hits[:k]),
            timings_ms=look.timings_ms,
            generation=look.indexes.generation,
            reranker=ranked_by,
            degraded=tuple(look.degraded),
            trace={
                "mode": look.mode,
                "fusion": self._fusion if len(rankings) > 1 else None,
                "fetch_k": fetch_k,
                "widenings": widenings,
                "reranker": ranked_by,
                "candidates": candidates,
            },
        )

    def _candidates(self, look: _Look, fetch_k: int) -> dict[str, Ranking]:
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

    def _dense(self, look: _Look, fetch_k: int) -> Ranking:
        if look.vector is None:
            with look.timed("embed"):
                look.vector = look.indexes.embedder.embed_query(look.question)
        vector = look.vector
        with look.timed("dense"):
            return look.from_either(
                lambda indexes: indexes.vectors.search(
                    vector, k=fetch_k, collection_id=look.collection_id, document_ids=look.document_ids
                )
            )

    def _keyword(self, look: _Look, fetch_k: int) -> Ranking:
        with look.timed("keyword"):
            return look.from_either(
                lambda indexes: indexes.keywords.search(
                    look.question, k=fetch_k, collection_id=look.collection_id, document_ids=look.document_ids
                )
            )

    def _fuse(self, rankings: Mapping[str, Ranking]) -> Ranking:
        if len(rankings) == 1:
            return next(iter(rankings.values()))
        if self._fusion == "ranks":
            return reciprocal_rank_fusion(
                [[chunk_id for chunk_id, _ in ranking] for ranking in rankings.values()], k=self._rrf_k
            )
        return score_fusion(list(rankings.values()), weights=[1 / len(rankings)] * len(rankings))


_LABELS = {"dense": "The search by meaning", "keyword": "The search by words"}


@dataclass(slots=True)
class _Look:
    """One search under way."""

    indexes: Indexes
    question: str
    collection_id: str
    document_ids: Collection[str] | None
    mode: SearchMode
    vector: Vector | None = None
    degraded: list[str] = field(default_factory=list)
    timings_ms: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_STEPS, 0.0))

    def say(self, sentence: str) -> None:
        """Note what did not go as it should."""
        if sentence not in self.degraded:
            self.degraded.append(sentence)

    def from_either(self, search: Callable[[Indexes], Ranking]) -> Ranking:
        """Search the indexes; where they fail, what stands in for them.

        Raises:
            StoreError: Nothing stands in, or that failed too.
        """
        try:
            return search(self.indexes)
        except StoreError as error:
            if self.indexes.fallback is None:
                raise
            instead = self.indexes.fallback(error)
            # Both searches must speak of one generation, or the join would drop what one of them found.
            if instead.generation != self.indexes.generation:
                raise
            if instead.degraded:
                self.say(instead.degraded)
            return search(instead)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        started = perf_counter()
        try:
            yield
        finally:
            self.timings_ms[step] += (perf_counter() - started) * 1000


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
        candidates.append(
            {
                "chunk_id": chunk_id,
                "ranks": {name: places[chunk_id] for name, places in ranks.items() if chunk_id in places},
                "scores": hit.scores if hit else {name: v[chunk_id] for name, v in scores.items() if chunk_id in v},
                "dropped": None if kept else "not joined" if chunk_id not in joined else "below k",
            }
        )
    return candidates
