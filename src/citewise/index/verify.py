"""Whether the indexes of a generation hold what the registry says they hold.

``count()`` and a query that works are no proof: a vector index whose graph is gone still
counts and answers. So every chunk is looked for by its own vector.
"""

from __future__ import annotations

import json
import sqlite3
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from citewise.protocols import KeywordIndex, VectorIndex
from citewise.registry import held
from citewise.registry.database import Registry
from citewise.types import Generation

AMONG = 5
"""A chunk counts as found when it is among so many nearest of its own vector."""

MENDABLE = 0.01
"""Share of chunks that may be unreachable without that being damage."""

_TIE = 1e-5  # of cosine: equal vectors come in any order
_FOOTER_MAGIC = 1337  # ends every segment file of tantivy, after the length of the footer


def verify(
    vectors: VectorIndex,
    keywords: KeywordIndex,
    registry: Registry,
    generation: Generation,
    *,
    on_progress: Callable[[int], None] = lambda _: None,
    stopping: Callable[[], bool] = lambda: False,
) -> list[str]:
    """Look for every chunk that the generation holds, in both indexes, and mend what can be mended.

    A graph of near neighbours may leave a few of its nodes without a way to them: those are
    set apart. More than a few is damage.

    Args:
        vectors: Open.
        keywords: Open.
        registry: Says what the generation holds; may be open for reading only.
        generation: Whose indexes they are.
        on_progress: Gets the number of chunks looked for so far.
        stopping: Asked now and then; the check ends early, as if nothing more was wrong.

    Returns:
        What is wrong, in sentences; empty when everything is there. Chunks that the indexes
        hold beyond that are not wrong, since no answer uses them.

    Raises:
        StoreError: An index failed.
    """
    done = 0
    for batch in held.vector_batches(registry, generation.id, generation.embedder):
        ids = [row.chunk_id for row in batch]
        problems = [
            *_absent("vectors", ids, vectors.present(ids)),
            *_absent("words", ids, keywords.present(ids)),
            *_without_vector(batch),
        ]
        if problems:
            return problems
        stored = [(row.chunk_id, row.vector) for row in batch]
        if lost := still_lost(vectors, stored, dimension=generation.dimension, among=len(batch)):
            return [f"{len(lost):,} of {len(ids):,} chunks are not found by their own vector, {lost[0]} among them."]
        done += len(batch)
        on_progress(done)
        if stopping():
            break
    return []


def still_lost(
    vectors: VectorIndex, chunks: Sequence[tuple[str, bytes | None]], *, dimension: int, among: int
) -> list[str]:
    """Look for chunks by their own vector, and set those apart that are not found; returns what is lost even so.

    More than a few are damage, and stay lost: what compares them one by one would hide it.

    Args:
        vectors: See ``unreachable``, as for the next two.
        chunks: Ids with vectors.
        dimension: Of the vectors.
        among: So many chunks may lack a ``MENDABLE`` share, and one.
    """
    lost = unreachable(vectors, chunks, dimension=dimension)
    if not lost or len(lost) > MENDABLE * among + 1:
        return lost
    vectors.set_apart(lost)
    return unreachable(vectors, [chunk for chunk in chunks if chunk[0] in set(lost)], dimension=dimension)


def unreachable(vectors: VectorIndex, chunks: Sequence[tuple[str, bytes | None]], *, dimension: int) -> list[str]:
    """Return the ids of those chunks that are not among the nearest of their own vector.

    Args:
        vectors: Holds them.
        chunks: Ids with vectors, float32, little-endian.
        dimension: Of the vectors.
    """
    matrix = np.frombuffer(b"".join(vector or b"" for _, vector in chunks), dtype="<f4").reshape(-1, dimension)
    nearest = vectors.nearest(matrix.astype(np.float32), k=AMONG)
    return [
        chunk_id
        for (chunk_id, _), found in zip(chunks, nearest, strict=True)
        if chunk_id not in dict(found) and not (len(found) == AMONG and found[-1][1] >= 1 - _TIE)
    ]


def damaged_files(folder: Path) -> list[str]:
    """Check what can be checked of the files without opening the indexes; returns sentences."""
    problems: list[str] = []
    database = folder / "chroma" / "chroma.sqlite3"
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if said != "ok":
            problems.append(f"The database of the vectors is damaged: {said}.")
    except sqlite3.Error as error:
        problems.append(f"The database of the vectors cannot be read: {error}.")
    try:
        meta = json.loads((folder / "keyword" / "meta.json").read_text(encoding="utf-8"))
        segments = {segment["segment_id"].replace("-", ""): segment["deletes"] for segment in meta["segments"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return [*problems, f"The list of the files of the words cannot be read: {error}."]
    for path in sorted((folder / "keyword").glob("*.*")):
        segment, _, kind = path.name.partition(".")
        if segment not in segments:
            continue  # left behind by a crash, or of no segment
        deletes = segments[segment]
        if kind.endswith("del") and kind != f"{(deletes or {}).get('opstamp')}.del":
            continue
        if not _checksum_fits(path):
            problems.append(f"The file {path.name} of the words is damaged.")
    return problems


def _absent(what: str, ids: Sequence[str], present: set[str]) -> Iterator[str]:
    missing = [chunk_id for chunk_id in ids if chunk_id not in present]
    if missing:
        yield f"The index of {what} lacks {len(missing):,} of {len(ids):,} chunks, {missing[0]} among them."


def _without_vector(batch: Sequence[held.Stored]) -> Iterator[str]:
    unembedded = [row.chunk_id for row in batch if row.vector is None]
    if unembedded:
        yield f"{len(unembedded):,} chunks have no stored vector, {unembedded[0]} among them."


def _checksum_fits(path: Path) -> bool:
    """Whether a segment file of tantivy has the checksum that stands in its footer."""
    data = path.read_bytes()
    try:
        length, magic = struct.unpack("<II", data[-8:])
        footer = json.loads(data[-8 - length : -8])
        return bool(magic == _FOOTER_MAGIC and zlib.crc32(data[: -8 - length]) == footer["crc"])
    except (struct.error, ValueError, KeyError, TypeError):
        return False
