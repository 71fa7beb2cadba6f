"""Finds the blocks that a chunk is made of: what of it is prose, list, table or code."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from citewise.errors import NotFoundError
from citewise.registry import documents
from citewise.registry.database import Registry
from citewise.types import Block, Chunk

_KEPT = 100_000  # blocks remembered between questions, about 200 bytes each


class BlocksOfChunks:
    """Reads blocks from the registry; remembers those of the documents asked last. May be used from any thread."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._known: OrderedDict[tuple[str, int], tuple[Block, ...]] = OrderedDict()
        self._lock = Lock()

    def __call__(self, chunk: Chunk) -> Sequence[Block]:
        """Return the blocks that a chunk touches, in order; none if its text was erased meanwhile."""
        blocks = self.of(chunk.document_id, chunk.version)
        first = bisect_right(blocks, chunk.start, key=lambda block: block.end)
        return blocks[first : bisect_left(blocks, chunk.end, key=lambda block: block.start)]

    def of(self, document_id: str, version: int) -> tuple[Block, ...]:
        """Return all blocks of a version, in order; none if its text was erased meanwhile."""
        key = (document_id, version)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        try:
            with self._registry.read() as rx:
                blocks = documents.blocks(rx, document_id, version)
        except NotFoundError:
            return ()
        with self._lock:
            self._known[key] = blocks
            while sum(map(len, self._known.values())) > _KEPT and len(self._known) > 1:
                self._known.popitem(last=False)
        return blocks
