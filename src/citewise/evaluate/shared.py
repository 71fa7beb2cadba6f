"""Embedding models that several engines share, so that no text is embedded twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np

from citewise.embed.embedders import Embedders
from citewise.protocols import Embedder
from citewise.types import EmbedderState, Vector, Vectors


class SharedEmbedders:
    """Lends each model to any number of engines, one after the other, and remembers its vectors.

    Args:
        open_embedder: From PROVIDER:NAME to an embedder that is not started yet.
    """

    def __init__(self, open_embedder: Callable[[str], Embedder]) -> None:
        self._embedders = Embedders(open_embedder)
        self._lent: dict[str, _Lent] = {}

    def get(self, model: str) -> Embedder:
        """Return the model of that name; an engine that closes it does not end it."""
        if model not in self._lent:
            self._lent[model] = _Lent(self._embedders.get(model))
        return self._lent[model]

    def close(self) -> None:
        """End all of them."""
        self._embedders.close()


class _Lent:
    """An ``Embedder`` that remembers vectors of documents; questions are embedded each time, to be timed."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._vectors: dict[str, Vector] = {}
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return self._embedder.name

    @property
    def fingerprint(self) -> str:
        return self._embedder.fingerprint

    @property
    def dimension(self) -> int:
        return self._embedder.dimension

    @property
    def max_tokens(self) -> int:
        return self._embedder.max_tokens

    @property
    def state(self) -> EmbedderState:
        return self._embedder.state

    def start(self) -> None:
        self._embedder.start()

    def close(self) -> None:
        """Nothing ends: the next engine goes on with it."""

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        with self._lock:
            missing = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        fresh = self._embedder.embed_documents(missing)
        with self._lock:
            self._vectors.update(zip(missing, fresh, strict=True))
            known = [self._vectors[text] for text in texts]
        return np.stack(known) if known else fresh

    def embed_query(self, text: str) -> Vector:
        return self._embedder.embed_query(text)

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        return self._embedder.token_spans(text)
