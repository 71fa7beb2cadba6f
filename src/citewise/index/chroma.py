"""ChromaDB as vector index: one record per chunk with its vector and ids, never its text.

Chroma keeps deleted text in its file and accepts a wrong distance or another process
without a word, so this adapter sends no text, states every choice and reads it back.
One process per directory is the caller's promise (the engine's lock).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from citewise.errors import StoreError
from citewise.index.failures import as_store_errors
from citewise.index.memory import blank_memory
from citewise.index.vectors import checked_matrix, checked_vector, ranked
from citewise.types import EmbeddedChunk, Vector, Vectors

_NAME = "chunks"
_BATCH = 1_000  # records in one call; Chroma refuses more than about 5,400
# Chroma cuts equal distances in any order; a few more make the cut reproducible.
_SPARE = 16
_QUESTIONS = 100  # in one call: five times as fast as one by one
_DELETED_MEANWHILE = "Error finding id"  # what a query says that met a node just when it was deleted
_TRIES = 10


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
        import chromadb  # noqa: PLC0415 - most of a second to import; loaded when an index is opened
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
        # _env_file: Chroma would read a .env of the working directory.
        settings = Settings(_env_file=None, anonymized_telemetry=False)
        with self._guard("opened"):
            self._client: Any = chromadb.PersistentClient(path=str(directory), settings=settings)
        try:
            with self._guard("opened"):
                self._collection: Any = self._open(create=create)
                self._batch = min(_BATCH, self._client.get_max_batch_size())
            self._verify()
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
            with self._guard("written"):
                self._collection.upsert(
                    ids=[chunks[row].chunk.id for row in part],
                    embeddings=vectors[part],
                    metadatas=[
                        {"collection_id": chunks[row].collection_id, "document_id": chunks[row].chunk.document_id}
                        for row in part
                    ],
                )

    def search(
        self, vector: Vector, *, k: int, collection_id: str, document_ids: Collection[str] | None = None
    ) -> list[tuple[str, float]]:
        question = checked_vector(vector, dimension=self._dimension)
        if k < 1 or (document_ids is not None and not document_ids):
            return []
        where: dict[str, Any] = {"collection_id": collection_id}
        if document_ids is not None:
            where = {"$and": [where, {"document_id": {"$in": sorted(document_ids)}}]}
        found = self._query(question[np.newaxis], k=k + _SPARE, where=where)
        return ranked(zip(found["ids"][0], map(_cosine, found["distances"][0]), strict=True), k=k)

    def nearest(self, vectors: Vectors, *, k: int) -> list[list[tuple[str, float]]]:
        rankings: list[list[tuple[str, float]]] = []
        for start in range(0, len(vectors), _QUESTIONS):
            found = self._query(vectors[start : start + _QUESTIONS], k=k)
            rankings += [
                ranked(zip(ids, map(_cosine, distances), strict=True), k=k)
                for ids, distances in zip(found["ids"], found["distances"], strict=True)
            ]
        return rankings

    def delete(self, ids: Sequence[str]) -> None:
        for part in _batches(dict.fromkeys(ids), self._batch):
            with self._guard("written"):
                self._collection.delete(ids=part)

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

    def _query(self, vectors: Vectors, *, k: int, where: dict[str, Any] | None = None) -> Any:
        with self._guard("searched"):
            for time in range(_TRIES):
                try:
                    return self._collection.query(
                        query_embeddings=vectors, n_results=k, where=where, include=["distances"]
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


def _cosine(distance: Any) -> float:
    # Distances of equal vectors can come out as -7e-07.
    return min(1.0, max(-1.0, 1.0 - float(distance)))


def _batches(items: Collection[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield part
