"""Exact search in memory: the fallback while another index is being rebuilt, and the oracle in tests."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence

import numpy as np

from citewise.index.vectors import checked_matrix, checked_vector, top
from citewise.types import EmbeddedChunk, Vector, Vectors


class ExactIndex:
    """A ``VectorIndex`` that compares the question with every vector. Not durable.

    Args:
        dimension: Length of the vectors.
    """

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._lock = threading.Lock()
        self._ids: list[str] = []
        self._collections: list[str] = []
        self._documents: list[str] = []
        self._matrix: Vectors = np.empty((0, dimension), dtype=np.float32)

    @classmethod
    def of(
        cls, ids: Sequence[str], collections: Sequence[str], documents: Sequence[str], matrix: Vectors
    ) -> ExactIndex:
        """Make an index of vectors that are unit length already, one row of ``matrix`` for each id."""
        index = cls(matrix.shape[1])
        index._replace(ids=list(ids), collections=list(collections), documents=list(documents), matrix=matrix)
        return index

    def upsert(self, chunks: Sequence[EmbeddedChunk]) -> None:
        if not chunks:
            return
        vectors = checked_matrix(chunks, dimension=self._dimension)
        with self._lock:
            # A later entry of the same id wins, as in every other index.
            last = {item.chunk.id: position for position, item in enumerate(chunks)}
            keep = [row for row, chunk_id in enumerate(self._ids) if chunk_id not in last]
            new = [chunks[position] for position in last.values()]
            self._replace(
                ids=[self._ids[row] for row in keep] + [item.chunk.id for item in new],
                collections=[self._collections[row] for row in keep] + [item.collection_id for item in new],
                documents=[self._documents[row] for row in keep] + [item.chunk.document_id for item in new],
                matrix=np.concatenate([self._matrix[keep], vectors[list(last.values())]]),
            )

    def search(
        self, vector: Vector, *, k: int, collection_id: str, document_ids: Collection[str] | None = None
    ) -> list[tuple[str, float]]:
        question = checked_vector(vector, dimension=self._dimension)
        wanted = None if document_ids is None else set(document_ids)
        with self._lock:
            ids, collections, documents, matrix = self._ids, self._collections, self._documents, self._matrix
        rows = [
            row
            for row, owner in enumerate(collections)
            if owner == collection_id and (wanted is None or documents[row] in wanted)
        ]
        some = len(rows) < len(ids)
        scores = np.clip((matrix[rows] if some else matrix) @ question, -1, 1)
        return top([ids[row] for row in rows] if some else ids, scores, k=k)

    def nearest(self, vectors: Vectors, *, k: int) -> list[list[tuple[str, float]]]:
        with self._lock:
            ids, matrix = self._ids, self._matrix
        scores = np.clip(vectors @ matrix.T, -1, 1)
        return [top(ids, row, k=k) for row in scores]

    def set_apart(self, ids: Sequence[str]) -> None:
        """Nothing is to be done: every chunk is compared."""

    def delete(self, ids: Sequence[str]) -> None:
        gone = set(ids)
        with self._lock:
            keep = [row for row, chunk_id in enumerate(self._ids) if chunk_id not in gone]
            self._replace(
                ids=[self._ids[row] for row in keep],
                collections=[self._collections[row] for row in keep],
                documents=[self._documents[row] for row in keep],
                matrix=self._matrix[keep],
            )

    def present(self, ids: Sequence[str]) -> set[str]:
        return set(ids).intersection(self._ids)

    def count(self) -> int:
        return len(self._ids)

    def close(self) -> None:
        """There is nothing to release."""

    def _replace(self, *, ids: list[str], collections: list[str], documents: list[str], matrix: Vectors) -> None:
        # New lists instead of changed ones: a search that began before goes on with the old ones.
        self._ids, self._collections, self._documents, self._matrix = ids, collections, documents, matrix
