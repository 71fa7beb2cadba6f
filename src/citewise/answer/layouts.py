"""Gives passages their locators, from what the registry knows of their documents."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from threading import Lock

from citewise.answer.blocks import BlocksOfChunks
from citewise.answer.locators import Layout, has_lines, line_breaks, locator
from citewise.registry import documents
from citewise.registry.database import Registry
from citewise.types import Block, Citation, ScoredChunk

_KEPT = 200_000  # pages, places and lines remembered between questions: some tens of MB at most


class Locators:
    """Finds the locators of passages; remembers the layouts it read. May be used from any thread."""

    def __init__(self, registry: Registry, blocks: BlocksOfChunks) -> None:
        self._registry = registry
        self._blocks = blocks
        self._layouts: OrderedDict[tuple[str, int], Layout] = OrderedDict()
        self._lock = Lock()

    def of_hits(self, hits: Sequence[ScoredChunk]) -> tuple[ScoredChunk, ...]:
        """Give chunks their locators; one whose text was erased meanwhile has none."""
        layouts = self._of((hit.chunk.document_id, hit.chunk.version) for hit in hits)
        return tuple(
            replace(
                hit,
                locator=locator(
                    layouts.get((hit.chunk.document_id, hit.chunk.version), Layout()),
                    hit.chunk.start,
                    hit.chunk.end,
                    headings=hit.chunk.headings,
                ),
            )
            for hit in hits
        )

    def of_citations(self, citations: Sequence[Citation]) -> tuple[Citation, ...]:
        """Give quoted words their locators, and the headings right above them; see ``of_hits``."""
        layouts = self._of((one.document_id, one.version) for one in citations)
        located = []
        for one in citations:
            key = (one.document_id, one.version)
            headings = _headings(self._blocks.of(*key), one.start, default=one.headings)
            where = locator(layouts.get(key, Layout()), one.start, one.end, headings=headings)
            located.append(replace(one, headings=headings, locator=where))
        return tuple(located)

    def _of(self, keys: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Layout]:
        wanted = set(keys)
        with self._lock:
            known = {key: self._layouts[key] for key in wanted if key in self._layouts}
            for key in known:
                self._layouts.move_to_end(key)
        missing = wanted - known.keys()
        if missing:
            read = self._read(missing)
            known |= read
            self._remember(read)
        return known

    def _read(self, keys: Collection[tuple[str, int]]) -> dict[tuple[str, int], Layout]:
        with self._registry.read() as rx:
            found = {
                key: Layout(media_type, pages, places)
                for key, (media_type, pages, places) in documents.layouts(rx, keys).items()
            }
            by_line = [
                key
                for key, layout in found.items()
                if has_lines(layout.media_type) and not layout.pages and not layout.places
            ]
            for key, text in documents.texts_of(rx, by_line).items():
                found[key] = replace(found[key], breaks=line_breaks(text))
        return found

    def _remember(self, read: dict[tuple[str, int], Layout]) -> None:
        with self._lock:
            self._layouts.update(read)
            size = sum(map(_size, self._layouts.values()))
            while size > _KEPT:
                _, oldest = self._layouts.popitem(last=False)
                size -= _size(oldest)


def _headings(blocks: Sequence[Block], position: int, *, default: tuple[str, ...]) -> tuple[str, ...]:
    """The path above the block at ``position``: a chunk's own may be that of its first block."""
    index = bisect_right(blocks, position, key=lambda block: block.end)
    return blocks[index].headings if index < len(blocks) and blocks[index].start <= position else default


def _size(layout: Layout) -> int:
    # A line break takes eight bytes, a page or place about a hundred.
    return 1 + len(layout.pages) + len(layout.places) + len(layout.breaks or ()) // 12
