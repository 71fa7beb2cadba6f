"""What answers while the real indexes cannot: exact search over what the registry stores."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence

import numpy as np
import structlog

from citewise.errors import CitewiseError, StoreError
from citewise.index.exact import ExactIndex
from citewise.index.generations import Indexes, OpenKeywords
from citewise.index.update import write_words
from citewise.protocols import Embedder, KeywordIndex
from citewise.registry import held
from citewise.registry.database import Registry
from citewise.registry.sql import batches
from citewise.types import Chunk, Generation

log = structlog.get_logger(__name__)

_DOCUMENTS = 500  # read at once for the keyword index


def load_fallback(
    registry: Registry,
    generation: Generation,
    *,
    embedder: Embedder,
    open_keywords: OpenKeywords,
    degraded: str,
    stopping: Callable[[], bool],
) -> Indexes:
    """Load the vectors of a generation into memory, about two seconds for 50,000; its words follow in the background.

    Args:
        registry: Holds them.
        generation: What is answered from; the hits bear its name.
        embedder: The model of its vectors.
        open_keywords: Opens a keyword index in memory.
        degraded: The sentence that every answer says.
        stopping: Asked now and then; what was loaded so far is returned then.
    """
    ids: list[str] = []
    collections: list[str] = []
    documents: list[str] = []
    vectors: list[bytes] = []
    for batch in held.vector_batches(registry, generation.id, generation.embedder, size=5_000):
        for row in batch:
            if row.vector is not None:
                ids.append(row.chunk_id)
                documents.append(row.document_id)
                collections.append(row.collection_id)
                vectors.append(row.vector)
        if stopping():
            break
    matrix = np.frombuffer(b"".join(vectors), dtype="<f4").astype(np.float32, copy=False)
    return Indexes(
        generation=generation.id,
        vectors=ExactIndex.of(ids, collections, documents, matrix.reshape(len(ids), generation.dimension)),
        keywords=WordsLater(registry, generation, open_keywords=open_keywords, stopping=stopping),
        embedder=embedder,
        degraded=degraded,
    )


class WordsLater:
    """A keyword index in memory that is filled in the background: vectors answer while it is.

    Args:
        registry: Has the words.
        generation: Whose chunks they are.
        open_keywords: Opens a keyword index in memory.
        stopping: Ends the filling.
    """

    def __init__(
        self,
        registry: Registry,
        generation: Generation,
        *,
        open_keywords: OpenKeywords,
        stopping: Callable[[], bool],
    ) -> None:
        self._registry = registry
        self._generation = generation
        self._stopping = stopping
        self._closed = False
        self._index = open_keywords(None, create=True)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._fill, name="load-words", daemon=True)
        self._thread.start()

    def search(
        self,
        text: str,
        *,
        k: int,
        collection_id: str,
        document_ids: Collection[str] | None = None,
        phrases: Sequence[str] = (),
    ) -> list[tuple[str, float]]:
        """As the protocol; raises ``StoreError`` until everything is loaded."""
        index = self._whole()
        return index.search(text, k=k, collection_id=collection_id, document_ids=document_ids, phrases=phrases)

    def upsert(self, chunks: Sequence[Chunk], *, collection_id: str) -> None:
        self._whole().upsert(chunks, collection_id=collection_id)

    def delete(self, ids: Sequence[str]) -> None:
        self._whole().delete(ids)

    def present(self, ids: Sequence[str]) -> set[str]:
        return self._whole().present(ids)

    def count(self) -> int:
        return self._whole().count()

    def close(self) -> None:
        self._closed = True
        self._thread.join()
        self._index.close()

    def _whole(self) -> KeywordIndex:
        if not self._ready.is_set():
            raise StoreError("The words are still being loaded. Ask again in a moment.")
        return self._index

    def _fill(self) -> None:
        try:
            with self._registry.read() as rx:
                entries = list(held.entries(rx, self._generation.id).values())
            for batch in batches(entries, _DOCUMENTS):
                with self._registry.read() as rx:
                    chunks = held.chunks_of(rx, batch)
                write_words(self._index, chunks)
                if self._closed or self._stopping():
                    return
            self._ready.set()
        except CitewiseError:
            log.exception("the words could not be loaded")
