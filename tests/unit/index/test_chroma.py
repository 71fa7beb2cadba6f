from __future__ import annotations

from pathlib import Path
from typing import Any

import chromadb
import numpy as np
import pytest
from chromadb.config import Settings

from citewise.errors import StoreError
from citewise.index import chroma
from citewise.index.chroma import ChromaIndex
from citewise.index.verify import still_lost
from citewise.types import Chunk, EmbeddedChunk, Vector

SETTINGS = Settings(_env_file=None, anonymized_telemetry=False)


def embedded(chunk_id: str, vector: Vector, collection: str, document: str) -> EmbeddedChunk:
    return EmbeddedChunk(Chunk(chunk_id, document, 1, 0, 0, 1, None, None, (), "a", ""), collection, vector)


def lost(index: ChromaIndex, chunks: list[EmbeddedChunk]) -> list[str]:
    stored = [(item.chunk.id, item.vector.astype("<f4").tobytes()) for item in chunks]
    return still_lost(index, stored, dimension=3, among=index.count())


def test_neither_text_nor_names_reach_the_files(tmp_path: Path) -> None:
    index = ChromaIndex(tmp_path, dimension=3, create=True)
    chunk = Chunk("id-1", "document-1", 1, 0, 0, 9, 1, 1, ("a heading",), "a secret ", "a title")
    index.upsert([EmbeddedChunk(chunk, "collection-1", np.array([1, 0, 0], dtype=np.float32))])
    index.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"document-1" in stored
    assert not any(word in stored for word in (b"a secret", b"a heading", b"a title"))


def test_an_index_of_another_dimension_is_refused(tmp_path: Path) -> None:
    ChromaIndex(tmp_path, dimension=3, create=True).close()
    with pytest.raises(StoreError, match=r"3 dimensions instead of cosine and 4.*citewise index rebuild"):
        ChromaIndex(tmp_path, dimension=4, create=True)


def test_an_index_with_another_distance_is_refused(tmp_path: Path) -> None:
    client = chromadb.PersistentClient(path=str(tmp_path), settings=SETTINGS)
    client.create_collection("chunks", metadata={"dimension": 3}, embedding_function=None)
    client.close()
    with pytest.raises(StoreError, match="set to l2 distance"):
        ChromaIndex(tmp_path, dimension=3, create=False)


def test_opening_what_is_not_there_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no vector index"):
        ChromaIndex(tmp_path / "index", dimension=3, create=False)
    assert not (tmp_path / "index").exists()


def test_a_database_without_our_collection_is_refused(tmp_path: Path) -> None:
    chromadb.PersistentClient(path=str(tmp_path), settings=SETTINGS).close()
    with pytest.raises(StoreError, match="could not be opened"):
        ChromaIndex(tmp_path, dimension=3, create=False)


def test_a_damaged_database_is_our_error(tmp_path: Path) -> None:
    (tmp_path / "chroma.sqlite3").write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StoreError, match=r"could not be opened.*citewise index rebuild"):
        ChromaIndex(tmp_path, dimension=3, create=False)


def test_a_chunk_without_a_way_to_it_is_found_once_it_is_set_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ChromaIndex._query

    def losing(self: ChromaIndex, *args: Any, **more: Any) -> Any:
        """What a graph answers that has no way to one of its nodes."""
        answer = whole(self, *args, **more)
        kept = [[place for place, chunk_id in enumerate(ids) if chunk_id != "7"] for ids in answer["ids"]]
        return {
            column: [[row[place] for place in places] for row, places in zip(answer[column], kept, strict=True)]
            for column in ("ids", "distances", "metadatas")
            if answer[column]
        }

    random = np.random.default_rng(3)
    vectors = random.normal(size=(20, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    chunks = [embedded(str(number), vector, "c", "d") for number, vector in enumerate(vectors)]
    monkeypatch.setattr(ChromaIndex, "_query", losing)
    index = ChromaIndex(tmp_path, dimension=3, create=True)
    index.upsert(chunks)
    assert "7" not in dict(index.search(vectors[7], k=5, collection_id="c"))
    assert lost(index, chunks) == []
    index.close()
    index = ChromaIndex(tmp_path, dimension=3, create=False)
    assert index.search(vectors[7], k=5, collection_id="c")[0][0] == "7"
    assert index.nearest(vectors, k=1)[7][0][0] == "7"
    index.close()


def test_a_chunk_that_is_deleted_while_it_is_found_is_no_hit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ChromaIndex._query

    def half_deleted(self: ChromaIndex, *args: Any, **more: Any) -> Any:
        answer = whole(self, *args, **more)
        answer["metadatas"] = [[None, *row[1:]] for row in answer["metadatas"]]  # gone from the database first
        return answer

    index = ChromaIndex(tmp_path, dimension=3, create=True)
    index.upsert([embedded(str(n), vector, "c", "d") for n, vector in enumerate(np.eye(3, dtype=np.float32))])
    monkeypatch.setattr(ChromaIndex, "_query", half_deleted)
    found = dict(index.search(np.array([1, 0, 0], dtype=np.float32), k=3, collection_id="c"))
    assert set(found) == {"1", "2"}
    index.close()


def test_a_graph_that_leads_nowhere_is_damage_and_not_made_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        ChromaIndex, "_query", lambda _, vectors, **more: {"ids": [[]] * len(vectors), "distances": [[]] * len(vectors)}
    )
    index = ChromaIndex(tmp_path, dimension=3, create=True)
    chunks = [embedded(str(number), vector, "c", "d") for number, vector in enumerate(np.eye(3, dtype=np.float32))]
    index.upsert(chunks)
    assert lost(index, chunks) == ["0", "1", "2"]
    index.close()


@pytest.mark.parametrize("compared", [0, 5, 1_000])
def test_a_filter_finds_the_nearest_of_what_it_leaves_however_much_that_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compared: int
) -> None:
    monkeypatch.setattr(chroma, "_COMPARED", compared)
    monkeypatch.setattr(chroma, "_FEW", 30)
    vectors = np.random.default_rng(1).normal(size=(400, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    owners = ["big" if row % 10 else "small" for row in range(400)]
    documents = [f"d{row % 7}" for row in range(400)]
    index = ChromaIndex(tmp_path / "index", dimension=8, create=True)
    for collection in ("big", "small"):
        rows = [row for row in range(400) if owners[row] == collection]
        index.upsert([embedded(f"{row:03}", vectors[row], collection, documents[row]) for row in rows])
    for collection, chosen in [
        ("big", None),
        ("small", None),
        ("big", ["d1"]),
        ("small", ["d1", "d2"]),
        ("none", None),
    ]:
        rows = [row for row in range(400) if owners[row] == collection and (not chosen or documents[row] in chosen)]
        for question in vectors[:5]:
            best = sorted(rows, key=lambda row, question=question: -float(vectors[row] @ question))[:12]
            found = index.search(question, k=12, collection_id=collection, document_ids=chosen)
            assert [chunk_id for chunk_id, _ in found] == [f"{row:03}" for row in best]
            assert [score for _, score in found] == pytest.approx([vectors[row] @ question for row in best], abs=1e-5)
    gone = index.search(vectors[10], k=1, collection_id="small")[0][0]
    index.delete([gone])
    assert gone not in [chunk_id for chunk_id, _ in index.search(vectors[10], k=40, collection_id="small")]
    index.close()
