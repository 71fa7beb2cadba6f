"""Bringing the indexes of a generation in line with the registry, a few documents at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from citewise.errors import StoreError
from citewise.failpoints import failpoint
from citewise.index.generations import Indexes
from citewise.index.verify import still_lost
from citewise.protocols import KeywordIndex
from citewise.registry import held
from citewise.registry.database import Registry
from citewise.registry.held import Entry
from citewise.registry.sql import batches
from citewise.types import Chunk, EmbeddedChunk

WRITE = 500
"""Chunks written to the vector index at once."""

_DOCUMENTS = 20  # brought in line between two looks at whether to go on


@dataclass(frozen=True, slots=True)
class Difference:
    """What separates a generation from what it ought to hold."""

    to_put: tuple[Entry, ...]
    to_drop: tuple[str, ...]  # document ids

    def __len__(self) -> int:
        return len(self.to_put) + len(self.to_drop)


def difference(registry: Registry, generation_id: str, *, splitter: str, recut: bool = False) -> Difference:
    """Compare what a generation holds with what it ought to.

    Args:
        registry: Knows both.
        generation_id: Of any state.
        splitter: How documents are cut that it does not hold yet.
        recut: Whether documents that it holds in another cut are to be cut anew.
    """
    with registry.read() as rx:
        have, want = held.entries(rx, generation_id), held.wanted(rx, splitter=splitter)
    to_put = []
    for document_id, entry in want.items():
        now = have.get(document_id)
        if now and now.version == entry.version and not recut:
            entry = Entry(document_id, entry.version, now.splitter, entry.collection_id)  # noqa: PLW2901 - as it is cut
        if now != entry:
            to_put.append(entry)
    return Difference(tuple(to_put), tuple(sorted(set(have) - set(want))))


def write_chunks(indexes: Indexes, chunks: Sequence[EmbeddedChunk]) -> None:
    """Write chunks to both indexes and read back that they are there.

    Raises:
        StoreError: An index failed, did not keep all of them, or does not find all of them.
    """
    write_words(indexes.keywords, [(item.collection_id, item.chunk) for item in chunks])
    failpoint("index-words-written")
    ids = [item.chunk.id for item in chunks]
    # What a crash left there is not written again: an id never stands for another vector, and updating a node
    # of the graph while somebody searches leaves it without a way to it (one in 1,000, until the next write).
    there = indexes.vectors.present(ids)
    for batch in batches([item for item in chunks if item.chunk.id not in there], WRITE):
        indexes.vectors.upsert(batch)
        failpoint("index-vectors-written")
    for name, index in (("vector", indexes.vectors), ("keyword", indexes.keywords)):
        absent = len(ids) - len(index.present(ids))
        if absent:
            raise StoreError(f"The {name} index did not keep {absent} of {len(ids)} chunks. Try again.")
    _make_reachable(indexes, chunks)


def write_words(keywords: KeywordIndex, chunks: Sequence[tuple[str, Chunk]]) -> None:
    """Write ``(collection id, chunk)`` pairs to a keyword index, which takes one collection at a time."""
    by_collection: dict[str, list[Chunk]] = {}
    for collection_id, chunk in chunks:
        by_collection.setdefault(collection_id, []).append(chunk)
    for collection_id, of_collection in by_collection.items():
        keywords.upsert(of_collection, collection_id=collection_id)


def _make_reachable(indexes: Indexes, chunks: Sequence[EmbeddedChunk]) -> None:
    """Look for each chunk by its own vector, and set apart what is not found."""
    if not chunks:
        return
    stored = [(item.chunk.id, item.vector.astype("<f4").tobytes()) for item in chunks]
    vectors = indexes.vectors
    lost = still_lost(vectors, stored, dimension=len(chunks[0].vector), among=vectors.count())
    if lost:
        raise StoreError(f"The vector index does not find {len(lost)} of {len(chunks)} chunks again. Try again.")


def forget_chunks(indexes: Indexes, ids: Sequence[str]) -> None:
    """Delete chunks from both indexes; no answer uses them any more, so a crash before this is harmless."""
    if ids:
        indexes.vectors.delete(ids)
        failpoint("index-vectors-deleted")
        indexes.keywords.delete(ids)


def bring_in_line(
    registry: Registry,
    generation_id: str,
    change: Difference,
    *,
    prepare: Callable[[Sequence[Entry]], None],
    writing: Callable[[], AbstractContextManager[Indexes]],
    fingerprint: str,
    serving: bool,
    on_progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Make a generation hold what it ought to.

    Args:
        registry: Is told what the generation holds, after its indexes do.
        generation_id: The generation.
        change: From ``difference``.
        prepare: Makes the chunks and vectors of entries, where they are not stored yet.
        writing: Gives the indexes for a group of documents.
        fingerprint: Of the generation's model.
        serving: Whether answers come from it, so that its chunks are the ones that are shown and counted.
        on_progress: Gets the number of documents done.

    Raises:
        CitewiseError: Something failed; what was done until then stands.
    """
    done = 0
    for group in batches(change.to_put, _DOCUMENTS):
        prepare(group)
        with writing() as indexes:
            with registry.read() as rx:
                chunks = held.embedded_chunks(rx, group, fingerprint)
            write_chunks(indexes, chunks)
            with registry.write() as tx:
                # A newer version may have been published since the difference was taken.
                valid = held.still_made(tx, group, fingerprint)
                held.put(tx, generation_id, valid)
                if serving:
                    held.show_sets(tx, valid)
                former = [chunk_id for entry in valid for chunk_id in held.other_chunk_ids(tx, entry)]
            failpoint("index-update-noted")
            forget_chunks(indexes, former)
        done += len(group)
        on_progress(done)
    for gone in batches(change.to_drop, _DOCUMENTS):
        with writing() as indexes:
            with registry.write() as tx:
                back = held.wanted(tx, document_ids=gone)
                lost = [document_id for document_id in gone if document_id not in back]
                held.drop(tx, generation_id, lost)
                former = [chunk_id for document_id in lost for chunk_id in held.all_chunk_ids(tx, document_id)]
            forget_chunks(indexes, former)
        done += len(gone)
        on_progress(done)
