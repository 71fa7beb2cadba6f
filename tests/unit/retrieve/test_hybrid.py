from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import NoReturn

import pytest

from citewise.errors import ProviderError, StoreError
from citewise.index.exact import ExactIndex
from citewise.index.generations import Indexes
from citewise.index.tantivy import TantivyIndex
from citewise.retrieve.hybrid import Retriever
from citewise.retrieve.rerankers import Rerankers
from citewise.types import Chunk, EmbeddedChunk, ScoredChunk, SearchMode, Vector
from tests.fakes import HashEmbedder

STEPS = {"total", "rewrite", "embed", "dense", "keyword", "fuse", "join", "rerank"}


@dataclass(frozen=True)
class Row:
    chunk: Chunk
    source: str = "manual.pdf"
    title: str = "Manual"
    content_hash: str = "hash"


class Registry:
    """Chunks that may be served; a test takes some away."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.asked: list[int] = []

    def join(self, chunk_ids: Sequence[str], collection_id: str, generation_id: str) -> Mapping[str, Row]:
        assert (collection_id, generation_id) == ("c", "g1")
        self.asked.append(len(chunk_ids))
        return {chunk_id: self.rows[chunk_id] for chunk_id in chunk_ids if chunk_id in self.rows}


class Broken:
    """An index that cannot be searched."""

    def search(self, *_: object, **__: object) -> NoReturn:
        raise StoreError("The disk is on fire.")


class BrokenEmbedder(HashEmbedder):
    def embed_query(self, text: str) -> Vector:
        raise ProviderError("The model is gone.", provider="fake")


def chunk(chunk_id: str, text: str, document: str = "d") -> Chunk:
    return Chunk(chunk_id, document, 1, 0, 0, len(text), None, None, (), text, "")


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def indexes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Indexes]:
    opened = Indexes(
        "g1", ExactIndex(64), TantivyIndex(tmp_path_factory.mktemp("keyword"), create=True), HashEmbedder()
    )
    yield opened
    opened.close()


def fill(indexes: Indexes, registry: Registry, chunks: Sequence[Chunk]) -> None:
    vectors = HashEmbedder().embed_documents([item.text for item in chunks])
    indexes.vectors.upsert([EmbeddedChunk(item, "c", vector) for item, vector in zip(chunks, vectors, strict=True)])
    indexes.keywords.upsert(chunks, collection_id="c")
    registry.rows.update({item.id: Row(item) for item in chunks})


@pytest.fixture
def some(indexes: Indexes, registry: Registry) -> None:
    fill(
        indexes,
        registry,
        [
            chunk("clean", "Clean the pump with warm water", "manual"),
            chunk("price", "The pump costs ninety euros", "prices"),
            chunk("garden", "Roses bloom in early summer", "manual"),
        ],
    )


def retriever(indexes: Indexes, registry: Registry, **options: object) -> Retriever:
    return Retriever(indexes=lambda: nullcontext(indexes), join=registry.join, **options)  # type: ignore[arg-type]


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize("fusion", ["scores", "ranks"])
def test_hybrid_search_ranks_what_both_searches_like_first(indexes: Indexes, registry: Registry, fusion: str) -> None:
    result = retriever(indexes, registry, fusion=fusion).search(question="clean the pump", collection_id="c", k=2)
    assert [hit.chunk.id for hit in result.hits] == ["clean", "price"]
    assert [hit.rank for hit in result.hits] == [1, 2]
    assert set(result.hits[0].scores) == {"dense", "keyword", "fused"}
    assert result.hits[0].score == result.hits[0].scores["fused"] > result.hits[1].score
    assert (result.hits[0].source, result.hits[0].title, result.hits[0].content_hash) == (
        "manual.pdf",
        "Manual",
        "hash",
    )
    assert (result.generation, result.degraded, result.reranker) == ("g1", (), None)


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize("mode", ["hybrid", "dense", "keyword"])
def test_every_step_has_a_time_and_those_not_run_have_none(indexes: Indexes, registry: Registry, mode: str) -> None:
    timings = retriever(indexes, registry).search(question="pump", collection_id="c", k=2, mode=mode).timings_ms  # type: ignore[arg-type]
    assert set(timings) == STEPS
    assert (timings["dense"] > 0, timings["embed"] > 0) == ((mode != "keyword"),) * 2
    assert (timings["keyword"] > 0) == (mode != "dense")
    assert timings["total"] > 0


@pytest.mark.usefixtures("some")
def test_a_single_mode_keeps_the_scores_of_its_search(indexes: Indexes, registry: Registry) -> None:
    search = retriever(indexes, registry).search
    (hit,) = search(question="roses", collection_id="c", k=5, mode="keyword").hits
    assert (hit.chunk.id, dict(hit.scores)) == ("garden", {"keyword": hit.score})
    dense = search(question="roses", collection_id="c", k=5, mode="dense").hits
    assert [set(hit.scores) for hit in dense] == [{"dense"}] * 3
    assert dense[0].chunk.id == "garden"


@pytest.mark.usefixtures("some")
def test_documents_narrow_both_searches(indexes: Indexes, registry: Registry) -> None:
    result = retriever(indexes, registry).search(question="pump", collection_id="c", document_ids=["prices"], k=5)
    assert [hit.chunk.id for hit in result.hits] == ["price"]


@pytest.mark.usefixtures("some")
def test_what_the_registry_does_not_serve_is_dropped_and_the_trace_says_why(
    indexes: Indexes, registry: Registry
) -> None:
    del registry.rows["clean"]
    result = retriever(indexes, registry).search(question="clean the pump", collection_id="c", k=1)
    assert [hit.chunk.id for hit in result.hits] == ["price"]
    fates = {candidate["chunk_id"]: candidate["dropped"] for candidate in result.trace["candidates"]}
    assert fates == {"clean": "not joined", "price": None, "garden": "below k"}
    first = result.trace["candidates"][0]
    assert (first["ranks"], set(first["scores"])) == ({"dense": 1, "keyword": 1}, {"dense", "keyword", "fused"})


def test_the_search_is_widened_when_dead_hits_take_the_places(indexes: Indexes, registry: Registry) -> None:
    fill(
        indexes, registry, [chunk(f"{number:03}", "pump " * (100 - number) + "oil " * number) for number in range(100)]
    )
    for number in range(30):
        del registry.rows[f"{number:03}"]
    result = retriever(indexes, registry, fetch_k=10).search(question="pump", collection_id="c", k=5)
    assert len(result.hits) == 5
    assert (result.trace["widenings"], result.trace["fetch_k"]) == (1, 40)


def test_widening_ends_when_everything_was_seen_or_after_two_steps(indexes: Indexes, registry: Registry) -> None:
    fill(indexes, registry, [chunk(f"{number:03}", "pump oil") for number in range(12)])
    registry.rows.clear()
    result = retriever(indexes, registry, fetch_k=20).search(question="pump", collection_id="c", k=5)
    assert (result.hits, result.trace["widenings"]) == ((), 0)
    result = retriever(indexes, registry, fetch_k=2).search(question="pump", collection_id="c", k=1)
    assert (result.hits, registry.asked[-3:]) == ((), [2, 8, 12])


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize("broken", ["vectors", "keywords"])
def test_when_one_index_fails_the_other_answers_and_says_so(indexes: Indexes, registry: Registry, broken: str) -> None:
    parts: dict[str, object] = {"vectors": indexes.vectors, "keywords": indexes.keywords, broken: Broken()}
    half = Indexes("g1", embedder=HashEmbedder(), **parts)  # type: ignore[arg-type]
    result = retriever(half, registry).search(question="clean the pump", collection_id="c", k=1)
    assert [hit.chunk.id for hit in result.hits] == ["clean"]
    (sentence,) = result.degraded
    assert "The disk is on fire." in sentence
    assert ("meaning" if broken == "vectors" else "words") in sentence
    assert "fused" not in result.hits[0].scores


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize("broken", ["vectors", "keywords"])
def test_what_stands_in_for_a_failed_index_answers_and_says_so(
    indexes: Indexes, registry: Registry, broken: str
) -> None:
    parts: dict[str, object] = {"vectors": indexes.vectors, "keywords": indexes.keywords, broken: Broken()}
    half = Indexes(
        "g1",
        embedder=HashEmbedder(),
        fallback=lambda _: replace(indexes, degraded="Exact search stands in."),
        **parts,  # type: ignore[arg-type]
    )
    result = retriever(half, registry).search(question="clean the pump", collection_id="c", k=1)
    assert [hit.chunk.id for hit in result.hits] == ["clean"]
    assert result.degraded == ("Exact search stands in.",)
    assert "fused" in result.hits[0].scores


@pytest.mark.usefixtures("some")
def test_a_stand_in_of_another_generation_is_not_mixed_in(indexes: Indexes, registry: Registry) -> None:
    half = Indexes(
        "g1",
        Broken(),  # type: ignore[arg-type]
        indexes.keywords,
        HashEmbedder(),
        fallback=lambda _: replace(indexes, generation="g2", degraded="Exact search stands in."),
    )
    result = retriever(half, registry).search(question="clean the pump", collection_id="c", k=1)
    assert "fused" not in result.hits[0].scores
    assert "meaning" in result.degraded[0]


@pytest.mark.usefixtures("some")
def test_without_a_model_the_words_still_answer(indexes: Indexes, registry: Registry) -> None:
    without = replace(indexes, embedder=BrokenEmbedder())
    result = retriever(without, registry).search(question="clean the pump", collection_id="c", k=1)
    assert [hit.chunk.id for hit in result.hits] == ["clean"]
    assert "The model is gone." in result.degraded[0]


def test_when_both_fail_it_is_an_error(registry: Registry) -> None:
    broken = Indexes("g1", Broken(), Broken(), HashEmbedder())  # type: ignore[arg-type]
    with pytest.raises(StoreError, match=r"Neither search could run.*fire"):
        retriever(broken, registry).search(question="pump", collection_id="c", k=1)
    for mode in ("dense", "keyword"):
        with pytest.raises(StoreError, match="fire"):
            retriever(broken, registry).search(question="pump", collection_id="c", k=1, mode=mode)


@pytest.mark.usefixtures("some")
def test_the_generation_is_asked_for_once_per_search(indexes: Indexes, registry: Registry) -> None:
    asked: list[str] = []

    def current() -> AbstractContextManager[Indexes]:
        asked.append("once")
        return nullcontext(indexes)

    Retriever(indexes=current, join=registry.join).search(question="pump", collection_id="c", k=1)
    assert asked == ["once"]


def test_the_join_sees_every_candidate_of_a_search_only_once(indexes: Indexes, registry: Registry) -> None:
    fill(indexes, registry, [chunk(name, "pump") for name in "abc"])

    def join(chunk_ids: Collection[str], collection_id: str, generation_id: str) -> Mapping[str, Row]:
        assert sorted(chunk_ids) == ["a", "b", "c"]
        return registry.join(list(chunk_ids), collection_id, generation_id)

    Retriever(indexes=lambda: nullcontext(indexes), join=join).search(question="pump", collection_id="c", k=3)


class Backwards:
    """A reranker that turns the order round."""

    def __init__(self) -> None:
        self.given: list[int] = []

    @property
    def name(self) -> str:
        return "backwards"

    def rerank(self, question: str, hits: Sequence[ScoredChunk]) -> list[ScoredChunk]:
        self.given.append(len(hits))
        return [
            replace(hit, rank=rank, score=float(-rank), scores={**hit.scores, "rerank": float(-rank)})
            for rank, hit in enumerate(reversed(hits), start=1)
        ]


@pytest.mark.usefixtures("some")
def test_a_reranker_orders_all_candidates_before_the_best_are_taken(indexes: Indexes, registry: Registry) -> None:
    plain = retriever(indexes, registry).search(question="clean the pump", collection_id="c", k=3)
    turned = retriever(indexes, registry, rerankers=Rerankers(Backwards())).search(
        question="clean the pump", collection_id="c", k=2
    )

    assert [hit.chunk.id for hit in turned.hits] == [hit.chunk.id for hit in plain.hits][:0:-1]
    assert [(hit.rank, hit.score, hit.scores["rerank"]) for hit in turned.hits] == [(1, -1.0, -1.0), (2, -2.0, -2.0)]
    assert turned.reranker == "backwards"
    assert turned.timings_ms["rerank"] > 0
    dropped = {candidate["chunk_id"]: candidate["dropped"] for candidate in turned.trace["candidates"]}
    assert dropped == {hit.chunk.id: None for hit in turned.hits} | {plain.hits[0].chunk.id: "below k"}


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize(("mode", "rerank"), [("dense", True), ("keyword", True), ("hybrid", False)])
def test_a_single_search_or_a_caller_who_says_so_is_not_reranked(
    indexes: Indexes, registry: Registry, mode: SearchMode, rerank: bool
) -> None:
    reranker = Backwards()
    result = retriever(indexes, registry, rerankers=Rerankers(reranker)).search(
        question="pump", collection_id="c", k=2, mode=mode, rerank=rerank
    )
    assert (reranker.given, result.reranker, result.timings_ms["rerank"]) == ([], None, 0.0)
    assert all("rerank" not in hit.scores for hit in result.hits)


def test_only_the_best_of_fusion_are_reranked_unless_more_are_wanted(indexes: Indexes, registry: Registry) -> None:
    fill(indexes, registry, [chunk(f"c{number:03}", f"pump number {number}") for number in range(90)])
    reranker = Backwards()
    search = retriever(indexes, registry, rerankers=Rerankers(reranker), fetch_k=80).search
    assert len(search(question="pump", collection_id="c", k=5).hits) == 5
    assert len(search(question="pump", collection_id="c", k=70).hits) == 70
    assert reranker.given == [50, 70]


class Foreign(HashEmbedder):
    """A model that knows no word of any question."""

    def familiarity(self, text: str) -> float:
        return 0.0


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize("fusion", ["scores", "ranks"])
def test_the_search_by_meaning_hardly_counts_where_its_model_does_not_know_the_words(
    indexes: Indexes, registry: Registry, fusion: str
) -> None:
    class Roses(Foreign):
        def embed_query(self, text: str) -> Vector:
            return HashEmbedder().embed_query("Roses bloom in early summer")

    seen: list[ScoredChunk] = []

    class Watching(Backwards):
        def rerank(self, question: str, hits: Sequence[ScoredChunk]) -> list[ScoredChunk]:
            seen.extend(hits)
            return list(hits)

    foreign = replace(indexes, embedder=Roses())
    result = retriever(foreign, registry, fusion=fusion, rerankers=Rerankers(Watching())).search(
        question="clean the pump", collection_id="c", k=3
    )
    assert result.hits[0].chunk.id == "clean"
    assert result.trace["weights"] == {"dense": 0.05, "keyword": 0.95}
    assert all("dense" not in hit.scores for hit in seen)
    assert all("dense" in hit.scores for hit in result.hits)
    alone = retriever(foreign, registry, fusion=fusion).search(question="unknown words", collection_id="c", k=1)
    assert [hit.chunk.id for hit in alone.hits] == ["garden"]


@pytest.mark.usefixtures("some")
def test_weights_follow_the_question_where_scores_are_merged_but_not_where_ranks_are(
    indexes: Indexes, registry: Registry
) -> None:
    def weights(question: str, fusion: str) -> Mapping[str, float]:
        search = retriever(indexes, registry, fusion=fusion).search
        found: Mapping[str, float] = search(question=question, collection_id="c", k=1).trace["weights"]
        return found

    assert weights("clean the pump with warm water", "scores")["keyword"] > weights("pump", "scores")["keyword"]
    assert sum(weights("pump", "scores").values()) == pytest.approx(1)
    assert weights("clean the pump", "ranks") == {"dense": 0.5, "keyword": 0.5}


@pytest.mark.parametrize("mode", ["hybrid", "dense", "keyword"])
def test_a_phrase_stands_in_every_hit_and_a_word_to_leave_out_in_none(
    indexes: Indexes, registry: Registry, mode: SearchMode
) -> None:
    fill(
        indexes,
        registry,
        [chunk(f"{number:03}", f"the zero of the net {number}", f"d{number}") for number in range(80)],
    )
    fill(
        indexes,
        registry,
        [chunk("phrase", "A town and its\nNet Zero plan", "p"), chunk("valve", "net zero valves", "v")],
    )
    search = retriever(indexes, registry, fetch_k=5).search
    found = search(question='zero of the net, "net zero"', collection_id="c", k=3, mode=mode)
    assert sorted(hit.chunk.id for hit in found.hits) == ["phrase", "valve"]
    assert found.trace["operators"] == {"phrases": ["net zero"], "preferred": [], "without": []}
    found = search(question='"net zero" -valves', collection_id="c", k=3, mode=mode)
    assert [hit.chunk.id for hit in found.hits] == ["phrase"]
    assert "valve" not in [one["chunk_id"] for one in found.trace["candidates"] if one["dropped"] is None]
    found = search(question='"absent words" net', collection_id="c", k=3, mode=mode)
    assert (found.hits, found.question) == ((), '"absent words" net')
    assert "word for word" in found.degraded[0]
    found = search(question='What of the zero net is in "net zero"?', collection_id="c", k=5, mode=mode)
    assert mode == "dense" or {hit.chunk.id for hit in found.hits[:2]} == {"phrase", "valve"}
    assert len(found.hits) == 5


@pytest.mark.usefixtures("some")
def test_words_that_are_left_out_are_searched_around(indexes: Indexes, registry: Registry) -> None:
    search = retriever(indexes, registry, fetch_k=1).search
    result = search(question="pump -euros", collection_id="c", k=1, mode="keyword")
    assert [hit.chunk.id for hit in result.hits] == ["clean"]
    assert result.trace["widenings"] > 0


@pytest.mark.parametrize("rerankers", [None, Rerankers(Backwards())])
@pytest.mark.parametrize("mode", ["hybrid", "keyword"])
def test_an_identifier_comes_first_whatever_else_fits(
    indexes: Indexes, registry: Registry, mode: SearchMode, rerankers: Rerankers | None
) -> None:
    fill(indexes, registry, [chunk(f"{number:03}", "post users reset password api v2 " * 3) for number in range(30)])
    text = (
        "In a long text of other things there stands POST /api/v2/users/reset-password, and then more of them follow."
    )
    fill(indexes, registry, [chunk("exact", text)])
    result = retriever(indexes, registry, fetch_k=10, rerankers=rerankers).search(
        question="POST /api/v2/users/reset-password", collection_id="c", k=3, mode=mode
    )
    assert result.hits[0].chunk.id == "exact"
    assert result.hits[0].scores["exact"] == 1.0
    assert [hit.score for hit in result.hits] == sorted((hit.score for hit in result.hits), reverse=True)
    assert result.trace["names"] == ["/api/v2/users/reset-password"]
