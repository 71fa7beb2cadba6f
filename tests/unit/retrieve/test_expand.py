from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from citewise.retrieve.expand import CHARACTERS, expand
from citewise.types import Chunk, ScoredChunk

TEXT = "".join(f"Sentence number {n:03} stands here. " for n in range(400))
SIZE = 400


def chunk(ordinal: int, *, document: str = "a") -> Chunk:
    start, end = ordinal * SIZE, (ordinal + 1) * SIZE
    return Chunk(f"{document}{ordinal}", document, 1, ordinal, start, end, None, None, (), TEXT[start:end], "")


def hit(rank: int, found: Chunk) -> ScoredChunk:
    return ScoredChunk(found, 1 / rank, rank, {}, "a.txt", "A", "hash")


def neighbours(found: Chunk, reach: int) -> Sequence[Chunk]:
    near = range(max(found.ordinal - reach, 0), min(found.ordinal + reach + 1, len(TEXT) // SIZE))
    return [chunk(ordinal, document=found.document_id) for ordinal in near]


def expanded(hits: Sequence[ScoredChunk], *, k: int) -> list[ScoredChunk]:
    return expand(hits, k=k, neighbours=neighbours, slice_text=lambda _, start, end: TEXT[start:end])


def test_a_hit_grows_to_both_sides_and_stays_an_exact_slice() -> None:
    (grown,) = expanded([hit(1, chunk(5))], k=1)
    assert (grown.chunk.id, grown.chunk.start, grown.chunk.end) == ("a5", 3 * SIZE, 8 * SIZE)
    assert grown.chunk.text == TEXT[grown.chunk.start : grown.chunk.end]
    assert len(grown.chunk.text) <= CHARACTERS


def test_a_hit_inside_a_better_one_gives_its_place_to_the_next() -> None:
    hits = [hit(1, chunk(5)), hit(2, chunk(6)), hit(3, chunk(12))]
    assert [(one.rank, one.chunk.id) for one in expanded(hits, k=2)] == [(1, "a5"), (2, "a12")]


def test_passages_of_one_document_never_overlap() -> None:
    hits = [hit(1, chunk(5)), hit(2, chunk(8)), hit(3, chunk(10))]
    spans = sorted((one.chunk.start, one.chunk.end) for one in expanded(hits, k=3))
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


def test_documents_do_not_merge_with_each_other() -> None:
    hits = [hit(1, chunk(5)), hit(2, chunk(5, document="b"))]
    assert len(expanded(hits, k=2)) == 2


def test_a_chunk_without_room_to_grow_stays_as_it_is() -> None:
    alone = chunk(0)
    (same,) = expand([hit(1, alone)], k=1, neighbours=lambda *_: [alone], slice_text=lambda *_: "")
    assert same.chunk is alone


def test_nothing_found_stays_nothing() -> None:
    assert expanded([], k=5) == []
