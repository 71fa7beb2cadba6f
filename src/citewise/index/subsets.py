"""Vectors of the chunks that a filter leaves, kept in memory for as long as nothing is written."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from citewise.index.vectors import top
from citewise.types import Vector, Vectors

Key = tuple[str, frozenset[str] | None]
"""A collection id, and document ids where only some are asked for."""

ROWS = 40_000
"""Vectors kept at a time, in all: 60 MB at 384 dimensions."""


@dataclass(frozen=True, slots=True)
class Subset:
    """Chunks and their vectors, a row for each id; ``None`` stands for more than are compared one by one."""

    ids: Sequence[str]
    matrix: Vectors | None

    def search(self, vector: Vector, *, k: int) -> list[tuple[str, float]]:
        """Compare all of them with ``vector``; as ``VectorIndex.search``."""
        if self.matrix is None or not len(self.ids):
            return []
        # Not ``@``, whose threads wait for each other: 10,000 rows take 1.0 ms of a processor so, and 2.9 with it.
        scores = np.clip(np.einsum("ij,j->i", self.matrix, vector), -1, 1)
        return top(self.ids, scores, k=k)


class Subsets:
    """Keeps what was asked for last. May be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, Subset] = OrderedDict()
        self._writes = 0

    def has(self, collection_id: str) -> bool:
        """Whether the vectors of a whole collection are kept."""
        with self._lock:
            kept = self._kept.get((collection_id, None))
        return kept is not None and kept.matrix is not None

    def get(self, collection_id: str, document_ids: Collection[str] | None, load: Callable[[], Subset]) -> Subset:
        """Return what is kept, or else what ``load`` gives; that is kept unless something is written meanwhile."""
        key = (collection_id, None if document_ids is None else frozenset(document_ids))
        with self._lock:
            writes = self._writes
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        subset = load()
        with self._lock:
            if writes == self._writes:
                self._kept[key] = subset
                while sum(len(one.ids) for one in self._kept.values()) > ROWS and len(self._kept) > 1:
                    self._kept.popitem(last=False)
        return subset

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Forget everything, since something is written within this block; what is loaded meanwhile is not kept."""
        self._forget()
        try:
            yield
        finally:
            self._forget()

    def _forget(self) -> None:
        with self._lock:
            self._writes += 1
            self._kept.clear()
