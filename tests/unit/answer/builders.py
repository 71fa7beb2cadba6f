"""Shorthand for hits and sources."""

from __future__ import annotations

from citewise.protocols import Source
from citewise.types import Chunk, ScoredChunk


def hit(
    text: str,
    *,
    rank: int = 1,
    title: str = "Handbook",
    start: int = 0,
    document: str | None = None,
    headings: tuple[str, ...] = (),
    page: int | None = None,
    dense: float = 0.6,
) -> ScoredChunk:
    name = document or f"document-{rank}"
    chunk = Chunk(
        id=f"chunk-{rank}",
        document_id=name,
        version=1,
        ordinal=rank,
        start=start,
        end=start + len(text),
        page_first=page,
        page_last=page,
        headings=headings,
        text=text,
        context=title,
    )
    return ScoredChunk(chunk, 1 / rank, rank, {"dense": dense}, f"{name}.md", title, f"hash-{name}")


def sources(*texts: str) -> list[Source]:
    return [Source(number, hit(text, rank=number, start=100)) for number, text in enumerate(texts, start=1)]


def no_page(document_id: str, version: int, position: int) -> int | None:
    return None
