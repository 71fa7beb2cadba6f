"""ChromaDB as vector index: one record per chunk with its vector and ids, never its text.

Chroma keeps deleted text in its file and accepts a wrong distance or another process
without a word, so this adapter sends no text, states every choice and reads it back.
One process per directory is the caller's promise (the engine's lock).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from citewise.errors import StoreError
from citewise.index.chroma_import import without_trace_exporter
from citewise.index.exact import ExactIndex
from citewise.index.failures import as_store_errors
from citewise.index.memory import blank_memory
from citewise.index.subsets import Subset, Subsets
from citewise.index.vectors import checked_matrix, checked_vector, ranked
from citewise.types import EmbeddedChunk, Vector, Vectors

_NAME = "chunks"
_BATCH = 1_000  # records in one call; Chroma refuses more than about 5,400
# Chroma cuts equal distances in any order; a few more make the cut reproducible.
_SPARE = 16
_QUESTIONS = 100  # in one call: five times as fast as one by one
_DELETED_MEANWHILE = "Error finding id"  # what a query says that met a node just when it was deleted
_TRIES = 10
# A filter makes Chroma slow, however many chunks it leaves: at 50,000 a search takes 2 ms without one and 120 to
# 700 ms with. So the nearest of all are looked through for those that were asked for; where these are not enough,
# chunks up to this number are compared one by one (10,000 at 384 dimensions in 2 ms, once they are loaded).
_COMPARED = 10_000
_FEW = 250  # of all, looked through where more are left; and then so many times as many
_MORE = 4
_APART = "apart"


class ChromaIndex:
    """A ``VectorIndex`` in a directory of its own.

    Args:
        directory: Belongs to this index alone.
        dimension: Length of the vectors.
        create: Make the index if there is none; otherwise that is an error.

    Raises:
        StoreError: The directory cannot be opened, or holds something else.
    """

    def __init__(self, directory: Path, *, dimension: int, create: bool) -> None:
        if not create and not (directory / "chroma.sqlite3").is_file():
            raise StoreError(f"There is no vector index in {directory}. Build it again with `citewise index rebuild`.")
        with without_trace_exporter():
            import chromadb  # noqa: PLC0415 - half a second to import; loaded when an index is opened
            from chromadb.config import Settings  # noqa: PLC0415 - as above

        self._directory = directory
        self._dimension = dimension
        self._errors: tuple[type[Exception], ...] = (
            chromadb.errors.ChromaError,
            OSError,
            ValueError,
            TypeError,
            RuntimeError,
        )
        self._closed = False
        self._subsets = Subsets()
        self._apart = ExactIndex(dimension)
        # _env_file: Chroma would read a .env of the working directory.
        settings = Settings(_env_file=None, anonymized_telemetry=False)
        with self._guard("opened"):
            self._client: Any = chromadb.PersistentClient(path=str(directory), settings=settings)
        try:
            with self._guard("opened"):
                self._collection: Any = self._open(create=create)
                self._batch = min(_BATCH, self._client.get_max_batch_size())
            self._verify()
            self._load_apart()
        except StoreError:
            self.close()
            raise

    def upsert(self, chunks: Sequence[EmbeddedChunk]) -> None:
        if not chunks:
            return
        vectors = checked_matrix(chunks, dimension=self._dimension)
        # Chroma refuses an id twice in one call; the later one wins, as in every other index.
        rows = list({item.chunk.id: row for row, item in enumerate(chunks)}.values())
        for part in _batches(rows, self._batch):
            with self._guard("written"), self._subsets.changing():
                self._collection.upsert(
                    ids=[chunks[row].chunk.id for row in part],
                    embeddings=vectors[part],
                    metadatas=[
                        {"collection_id": chunks[row].collection_id, "document_id": chunks[row].chunk.document_id}
                        for row in part
                    ],
                )
        if self._apart.present([chunk.chunk.id for chunk in chunks]):
            self._load_apart()

    def search(
        self, vector: Vector, *, k: int, collection_id: str, document_ids: Collection[str] | None = None
    ) -> list[tuple[str, float]]:
        question = checked_vector(vector, dimension=self._dimension)
        if k < 1 or (document_ids is not None and not document_ids):
            return []
        apart = self._apart.search(question, k=k, collection_id=collection_id, document_ids=document_ids)
        if document_ids is None and not self._subsets.has(collection_id):
            found, everything = self._of_all(question, k=k + _SPARE, collection_id=collection_id)
            if len(found) >= k or everything:
                return _merged(found, apart, k=k)
        where: dict[str, Any] = {"collection_id": collection_id}
        if document_ids is not None:
            where = {"$and": [where, {"document_id": {"$in": sorted(document_ids)}}]}
        subset = self._subsets.get(collection_id, document_ids, lambda: self._load(where))
        if subset.matrix is not None:
            return subset.search(question, k=k)
        for fetch in (_FEW, _FEW * _MORE):
            found, everything = self._of_all(
                question, k=fetch + k, collection_id=collection_id, document_ids=document_ids
            )
            if len(found) >= k or everything:
                return _merged(found, apart, k=k)
        answer = self._query(question[np.newaxis], k=k + _SPARE, where=where)
        return _merged(zip(answer["ids"][0], map(_cosine, answer["distances"][0]), strict=True), apart, k=k)

    def nearest(self, vectors: Vectors, *, k: int) -> list[list[tuple[str, float]]]:
        parts = [vectors[start : start + _QUESTIONS] for start in range(0, len(vectors), _QUESTIONS)]
        with ThreadPoolExecutor(os.cpu_count()) as threads:  # a call uses one processor, without the interpreter's lock
            rankings = [
                list(zip(ids, map(_cosine, distances), strict=True))
                for found in threads.map(partial(self._query, k=k), parts)
                for ids, distances in zip(found["ids"], found["distances"], strict=True)
            ]
        return [_merged(*both, k=k) for both in zip(rankings, self._apart.nearest(vectors, k=k), strict=True)]

    def set_apart(self, ids: Sequence[str]) -> None:
        # The graph has no way to some chunks (see ``_open``). Written again they stay lost, beside their former selves.
        for part in _batches(dict.fromkeys(ids), self._batch):
            with self._guard("written"):
                self._collection.update(ids=part, metadatas=[{_APART: True}] * len(part))
        self._load_apart()

    def delete(self, ids: Sequence[str]) -> None:
        for part in _batches(dict.fromkeys(ids), self._batch):
            with self._guard("written"), self._subsets.changing():
                self._collection.delete(ids=part)
        self._apart.delete(ids)

    def present(self, ids: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for part in _batches(dict.fromkeys(ids), self._batch):
            with self._guard("read"):
                found.update(self._collection.get(ids=part, include=[])["ids"])
        return found

    def count(self) -> int:
        with self._guard("read"):
            return int(self._collection.count())

    def close(self) -> None:
        """Release the files. Further calls raise ``StoreError``; closing again does nothing."""
        if not self._closed:
            self._closed = True
            self._client.close()

    def _of_all(
        self, question: Vector, *, k: int, collection_id: str, document_ids: Collection[str] | None = None
    ) -> tuple[list[tuple[str, float]], bool]:
        """Of the ``k`` nearest of all those that were asked for, and whether there are no more than these."""
        answer = self._query(question[np.newaxis], k=k, include=("distances", "metadatas"))
        wanted = None if document_ids is None else set(document_ids)
        rows = zip(answer["ids"][0], answer["distances"][0], answer["metadatas"][0], strict=True)
        found = [
            (chunk_id, _cosine(distance))
            for chunk_id, distance, metadata in rows
            if metadata  # None for a chunk that is deleted meanwhile
            and metadata["collection_id"] == collection_id
            and (wanted is None or metadata["document_id"] in wanted)
        ]
        return found, len(answer["ids"][0]) < k

    def _load_apart(self) -> None:
        with self._guard("read"):
            found = self._collection.get(where={_APART: True}, include=["embeddings", "metadatas"])
        self._apart = ExactIndex.of(
            found["ids"],
            [metadata["collection_id"] for metadata in found["metadatas"]],
            [metadata["document_id"] for metadata in found["metadatas"]],
            np.array(found["embeddings"], dtype=np.float32).reshape(-1, self._dimension),
        )

    def _load(self, where: dict[str, Any]) -> Subset:
        """The chunks that a filter leaves, with their vectors if there are few enough to compare all of them."""
        with self._guard("read"):
            ids: list[str] = self._collection.get(where=where, limit=_COMPARED + 1, include=[])["ids"]
            if len(ids) > _COMPARED:
                return Subset((), None)
            matrix = np.empty((len(ids), self._dimension), dtype=np.float32)
            kept: list[str] = []
            for part in _batches(ids, self._batch):
                answer = self._collection.get(ids=part, include=["embeddings"])
                matrix[len(kept) : len(kept) + len(answer["ids"])] = answer["embeddings"]
                kept += answer["ids"]  # one that was deleted meanwhile is missing
        return Subset(kept, matrix[: len(kept)])

    def _query(
        self, vectors: Vectors, *, k: int, where: dict[str, Any] | None = None, include: Sequence[str] = ("distances",)
    ) -> Any:
        with self._guard("searched"):
            for time in range(_TRIES):
                try:
                    return self._collection.query(
                        query_embeddings=vectors, n_results=k, where=where, include=list(include)
                    )
                except self._errors as error:
                    if _DELETED_MEANWHILE not in str(error) or time == _TRIES - 1:
                        raise
        raise AssertionError

    def _open(self, *, create: bool) -> Any:
        existing = {collection.name for collection in self._client.list_collections()}
        if _NAME in existing:
            return self._client.get_collection(_NAME, embedding_function=None)
        if not create:
            raise ValueError(f"it has no collection named {_NAME!r}")
        return self._client.create_collection(
            _NAME,
            # The default distance is l2, and changing it later is ignored silently. With the default of 16
            # neighbours the graph has no way to about 1 of 4,000 vectors, whatever is looked at (8, 9 and 6 of
            # 20,000, 11 of 50,000); with 32 every one was found, in 1.1 to 1.4 times the time to build.
            configuration={"hnsw": {"space": "cosine", "max_neighbors": 32}},
            metadata={"dimension": self._dimension},
            embedding_function=None,
        )

    def _verify(self) -> None:
        space = self._collection.configuration_json.get("hnsw", {}).get("space")
        dimension = (self._collection.metadata or {}).get("dimension")
        if space != "cosine" or dimension != self._dimension:
            raise StoreError(
                f"The vector index in {self._directory} is set to {space} distance and {dimension} dimensions "
                f"instead of cosine and {self._dimension}. Build it again with `citewise index rebuild`."
            )

    @contextmanager
    def _guard(self, deed: str) -> Iterator[None]:
        """Turn the errors of Chroma into ours."""
        if self._closed:
            raise StoreError(f"The vector index in {self._directory} is closed. Open it again before using it.")

        def failed(error: BaseException) -> StoreError:
            return StoreError(
                f"The vector index in {self._directory} could not be {deed}: {error}. "
                "Nothing is lost: it can be built again with `citewise index rebuild`."
            )

        with as_store_errors(self._errors, failed), blank_memory():
            yield


def _merged(
    found: Iterable[tuple[str, float]], apart: Sequence[tuple[str, float]], *, k: int
) -> list[tuple[str, float]]:
    return ranked({**dict(found), **dict(apart)}.items(), k=k)


def _cosine(distance: Any) -> float:
    # Distances of equal vectors can come out as -7e-07.
    return min(1.0, max(-1.0, 1.0 - float(distance)))


def _batches(items: Collection[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield part
