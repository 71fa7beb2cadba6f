"""What every vector index must do, whatever is behind it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from citewise.errors import DimensionMismatchError, StoreError
from citewise.index.chroma import ChromaIndex
from citewise.index.exact import ExactIndex
from citewise.protocols import VectorIndex
from citewise.types import Chunk, EmbeddedChunk, Vector

Open = Callable[[Path], VectorIndex]

BACK_ENDS: dict[str, Open] = {
    "exact": lambda _: ExactIndex(3),
    "chroma": lambda directory: ChromaIndex(directory, dimension=3, create=True),
}
DURABLE = ("chroma",)


@pytest.fixture(params=BACK_ENDS)
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorIndex]:
    opened = BACK_ENDS[request.param](tmp_path / "index")
    yield opened
    opened.close()


def unit(*values: float) -> Vector:
    vector = np.array(values, dtype=np.float32)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def embedded(chunk_id: str, vector: Vector, *, collection: str = "c", document: str = "d") -> EmbeddedChunk:
    chunk = Chunk(
        id=chunk_id,
        document_id=document,
        version=1,
        ordinal=0,
        start=0,
        end=4,
        page_first=None,
        page_last=None,
        headings=(),
        text="text",
        context="",
    )
    return EmbeddedChunk(chunk=chunk, collection_id=collection, vector=vector)


def ids(found: list[tuple[str, float]]) -> list[str]:
    return [chunk_id for chunk_id, _ in found]


def test_the_nearest_comes_first_and_scores_are_cosines(index: VectorIndex) -> None:
    index.upsert([embedded("far", unit(-1, 0, 0)), embedded("near", unit(1, 0, 0)), embedded("side", unit(1, 1, 0))])
    found = index.search(unit(1, 0, 0), k=3, collection_id="c")
    assert ids(found) == ["near", "side", "far"]
    assert [score for _, score in found] == pytest.approx([1, 0.5**0.5, -1], abs=1e-5)
    assert all(-1 <= score <= 1 for _, score in found)


def test_k_limits_the_hits_and_may_exceed_what_there_is(index: VectorIndex) -> None:
    index.upsert([embedded("a", unit(1, 0, 0)), embedded("b", unit(0, 1, 0))])
    assert ids(index.search(unit(1, 0.1, 0), k=1, collection_id="c")) == ["a"]
    assert ids(index.search(unit(1, 0.1, 0), k=500, collection_id="c")) == ["a", "b"]


def test_equal_scores_come_in_order_of_id(index: VectorIndex) -> None:
    for name in "db":
        index.upsert([embedded(name, unit(1, 2, 3))])
    index.upsert([embedded(name, unit(1, 2, 3)) for name in "eca"])
    assert ids(index.search(unit(1, 2, 3), k=4, collection_id="c")) == list("abcd")


def test_an_empty_index_finds_nothing(index: VectorIndex) -> None:
    assert index.search(unit(1, 0, 0), k=5, collection_id="c") == []
    assert index.count() == 0
    assert index.present(["a"]) == set()


def test_only_the_collection_that_was_asked_for_is_searched(index: VectorIndex) -> None:
    index.upsert([embedded("mine", unit(0, 1, 0)), embedded("theirs", unit(1, 0, 0), collection="other")])
    assert ids(index.search(unit(1, 0, 0), k=5, collection_id="c")) == ["mine"]
    assert index.search(unit(1, 0, 0), k=5, collection_id="unknown") == []


def test_documents_narrow_the_search(index: VectorIndex) -> None:
    index.upsert([embedded(name, unit(1, 0, 0), document=f"document {name}") for name in "abc"])
    query = unit(1, 0, 0)
    assert ids(index.search(query, k=5, collection_id="c", document_ids={"document a", "document c"})) == ["a", "c"]
    assert index.search(query, k=5, collection_id="c", document_ids=["unknown"]) == []
    assert index.search(query, k=5, collection_id="c", document_ids=[]) == []


def test_the_nearest_of_many_are_those_of_all_collections(index: VectorIndex) -> None:
    index.upsert([embedded("x", unit(1, 0, 0)), embedded("y", unit(0, 1, 0), collection="other")])
    index.upsert([embedded("xy", unit(1, 1, 0))])
    found = index.nearest(np.stack([unit(1, 0.1, 0), unit(0, 1, 0)]), k=2)
    assert [ids(ranking) for ranking in found] == [["x", "xy"], ["y", "xy"]]
    assert found[1][0][1] == pytest.approx(1.0, abs=1e-6)
    assert index.nearest(np.empty((0, 3), dtype=np.float32), k=2) == []


def test_the_same_id_is_overwritten(index: VectorIndex) -> None:
    index.upsert([embedded("a", unit(1, 0, 0))])
    index.upsert([embedded("a", unit(0, 1, 0), document="other")])
    assert index.count() == 1
    found = index.search(unit(0, 1, 0), k=5, collection_id="c", document_ids=["other"])
    assert found == [("a", pytest.approx(1, abs=1e-5))]


def test_of_one_id_given_twice_the_later_counts(index: VectorIndex) -> None:
    index.upsert([embedded("a", unit(1, 0, 0)), embedded("b", unit(0, 0, 1)), embedded("a", unit(0, 1, 0))])
    assert index.count() == 2
    assert index.search(unit(0, 1, 0), k=1, collection_id="c") == [("a", pytest.approx(1, abs=1e-5))]


def test_chunks_set_apart_are_found_overwritten_and_deleted_as_all_others(index: VectorIndex) -> None:
    index.upsert(
        [embedded("a", unit(1, 0, 0)), embedded("b", unit(0, 1, 0), document="e"), embedded("c", unit(0, 0, 1))]
    )
    index.set_apart(["a", "b", "unknown"])
    assert index.count() == 3
    assert ids(index.search(unit(1, 0.2, 0.1), k=2, collection_id="c")) == ["a", "b"]
    assert ids(index.search(unit(1, 0.2, 0.1), k=2, collection_id="c", document_ids=["e"])) == ["b"]
    assert ids(index.nearest(np.stack([unit(0, 1, 0)]), k=1)[0]) == ["b"]
    index.upsert([embedded("a", unit(0, 0.9, 0.1))])
    assert ids(index.search(unit(0, 1, 0), k=2, collection_id="c")) == ["b", "a"]
    index.delete(["b"])
    assert ids(index.search(unit(0, 1, 0), k=2, collection_id="c")) == ["a", "c"]


def test_deleted_chunks_are_gone_and_unknown_ids_ignored(index: VectorIndex) -> None:
    index.upsert([embedded("a", unit(1, 0, 0)), embedded("b", unit(0, 1, 0))])
    index.delete(["a", "unknown"])
    index.delete([])
    assert index.present(["a", "b", "unknown"]) == {"b"}
    assert ids(index.search(unit(1, 0, 0), k=5, collection_id="c")) == ["b"]


def test_more_than_one_batch_is_written_and_read_back(index: VectorIndex) -> None:
    chunks = [embedded(f"{number:04}", unit(1, number / 1000, 0)) for number in range(1_200)]
    index.upsert(chunks)
    every = [item.chunk.id for item in chunks]
    assert index.present([*every, "unknown"]) == set(every)
    index.delete(every[:1_100])
    assert index.count() == 100


def test_a_wrong_dimension_changes_nothing(index: VectorIndex) -> None:
    index.upsert([embedded("a", unit(0, 1, 0))])
    with pytest.raises(DimensionMismatchError, match="reembed"):
        index.upsert([embedded("b", unit(0, 1, 0)), embedded("c", unit(1, 1, 0, 0))])
    assert index.count() == 1
    with pytest.raises(DimensionMismatchError):
        index.search(unit(1, 0), k=1, collection_id="c")


@pytest.mark.parametrize("values", [(np.nan, 0, 0), (np.inf, 0, 0), (0, 0, 0), (3, 4, 0)])
def test_a_vector_without_direction_or_unit_length_changes_nothing(
    index: VectorIndex, values: tuple[float, ...]
) -> None:
    index.upsert([embedded("a", unit(0, 1, 0))])
    with pytest.raises(StoreError, match="length"):
        index.upsert([embedded("b", unit(0, 1, 0)), embedded("bad", np.array(values, dtype=np.float32))])
    assert index.present(["a", "b", "bad"]) == {"a"}


@pytest.mark.parametrize("name", DURABLE)
def test_reopening_keeps_everything(name: str, tmp_path: Path) -> None:
    first = BACK_ENDS[name](tmp_path / "index")
    first.upsert([embedded("a", unit(1, 0, 0)), embedded("b", unit(0, 1, 0))])
    first.delete(["b"])
    first.close()
    second = BACK_ENDS[name](tmp_path / "index")
    assert second.search(unit(1, 0, 0), k=5, collection_id="c") == [("a", pytest.approx(1, abs=1e-5))]
    assert second.count() == 1
    second.close()


@pytest.mark.parametrize("name", DURABLE)
def test_a_closed_index_says_so(name: str, tmp_path: Path) -> None:
    index = BACK_ENDS[name](tmp_path / "index")
    index.close()
    index.close()
    with pytest.raises(StoreError, match="closed"):
        index.count()


VECTORS = [unit(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 2) for z in (0, 3) if (x, y, z) != (0, 0, 0)]
NAMES = st.sampled_from([f"chunk {number}" for number in range(12)])


class AgreesWithExactSearch(RuleBasedStateMachine):
    """Any sequence of writes leaves the index in agreement with a plain dictionary."""

    open: Open

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.index = type(self).open(Path(self.folder.name))
        self.model: dict[str, EmbeddedChunk] = {}

    def teardown(self) -> None:
        if hasattr(self, "index"):
            self.index.close()
            self.folder.cleanup()

    @rule(
        names=st.lists(NAMES, min_size=1, max_size=5),
        vector=st.sampled_from(VECTORS),
        collection=st.sampled_from("xy"),
        document=st.sampled_from("de"),
    )
    def upsert(self, names: list[str], vector: Vector, collection: str, document: str) -> None:
        chunks = [embedded(name, vector, collection=collection, document=document) for name in names]
        self.index.upsert(chunks)
        self.model.update({item.chunk.id: item for item in chunks})

    @rule(names=st.lists(NAMES, max_size=4))
    def delete(self, names: list[str]) -> None:
        self.index.delete(names)
        for name in names:
            self.model.pop(name, None)

    @rule(
        vector=st.sampled_from(VECTORS),
        k=st.integers(1, 15),
        collection=st.sampled_from("xy"),
        documents=st.none() | st.sets(st.sampled_from("de")),
    )
    def search(self, vector: Vector, k: int, collection: str, documents: set[str] | None) -> None:
        found = self.index.search(vector, k=k, collection_id=collection, document_ids=documents)
        cosines = {
            name: float(item.vector @ vector)
            for name, item in self.model.items()
            if item.collection_id == collection and (documents is None or item.chunk.document_id in documents)
        }
        best = sorted(cosines.values(), reverse=True)[:k]
        assert [score for _, score in found] == pytest.approx(best, abs=1e-4)
        assert all(score == pytest.approx(cosines[name], abs=1e-4) for name, score in found)
        assert found == sorted(found, key=lambda item: (-item[1], item[0]))

    @invariant()
    def holds_what_was_written(self) -> None:
        assert self.index.count() == len(self.model)
        assert self.index.present([f"chunk {number}" for number in range(12)]) == set(self.model)


@pytest.mark.parametrize("name", BACK_ENDS)
def test_any_sequence_of_writes_agrees_with_exact_search(name: str) -> None:
    machine = type(f"{name}Machine", (AgreesWithExactSearch,), {"open": staticmethod(BACK_ENDS[name])})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=20, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
