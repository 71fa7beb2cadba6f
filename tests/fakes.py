"""Stand-ins that are simple but able to be wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from zlib import crc32

import numpy as np

from citewise.types import EmbedderState, Vector, Vectors

_TOKEN = re.compile(r"\w+|[^\w\s]")


class HashEmbedder:
    """An ``Embedder`` without a model: texts that share words are near, others are not.

    Words are counted into buckets by ``crc32`` (``hash()`` is salted per process). A
    text without words gets the first axis, so that every vector has unit length.

    Args:
        dimension: How many buckets; another number is another model.
    """

    max_tokens = 256
    state: EmbedderState = "ready"

    def __init__(self, dimension: int = 64) -> None:
        self.dimension = dimension
        self.name = f"fake:hash-{dimension}"
        self.fingerprint = f"fake-hash-{dimension}"

    def start(self) -> None:
        """There is nothing to load."""

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        return np.stack([self.embed_query(text) for text in texts])

    def embed_query(self, text: str) -> Vector:
        vector = np.zeros(self.dimension, dtype=np.float32)
        for word in re.findall(r"\w+", text.lower()):
            vector[crc32(word.encode()) % self.dimension] += 1
        length = np.linalg.norm(vector)
        if length == 0:
            vector[0] = length = np.float32(1)
        return (vector / length).astype(np.float32)

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in _TOKEN.finditer(text)]

    def close(self) -> None:
        """There is nothing to release."""
