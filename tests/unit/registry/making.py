"""Documents for the tests of the registry."""

from __future__ import annotations

from sqlalchemy import Connection

from citewise.registry import collections, documents
from citewise.registry.ids import make_chunk_id
from citewise.types import Block, Box, Chunk, Citation, PageReport, PageSpan, ParsedDocument, ParseReport

SPLITTER = "words/1"


def parsed(text: str, *, title: str = "", media_type: str = "text/plain") -> ParsedDocument:
    return ParsedDocument(
        text=text,
        blocks=(Block("paragraph", 0, len(text), 1, ("Part", "Section")),),
        pages=(PageSpan(1, 0, len(text), 595.0, 842.0),),
        report=ParseReport(
            characters=len(text), pages=(PageReport(1, len(text), needs_ocr=True),), warnings=("One page is a scan.",)
        ),
        media_type=media_type,
        title=title,
    )


def cut(text: str, document_id: str, version: int, *, splitter: str = SPLITTER, size: int = 8) -> list[Chunk]:
    return [
        Chunk(
            id=make_chunk_id(
                document_id=document_id,
                version=version,
                ordinal=ordinal,
                start=start,
                end=min(start + size, len(text)),
                splitter=splitter,
            ),
            document_id=document_id,
            version=version,
            ordinal=ordinal,
            start=start,
            end=min(start + size, len(text)),
            page_first=1,
            page_last=None,
            headings=("Part", "Section"),
            text=text[start : start + size],
            context="A context",
        )
        for ordinal, start in enumerate(range(0, len(text), size))
    ]


def receive(
    tx: Connection,
    source: str,
    *,
    collection: str = "default",
    content_hash: str = "c0ffee",
    title: str | None = None,
    metadata: dict[str, object] | None = None,
) -> tuple[str, int]:
    return documents.add_version(
        tx,
        collection_id=collections.ensure(tx, collection),
        source=source,
        title=title,
        content_hash=content_hash,
        media_type="",
        bytes=7,
        metadata=metadata or {},
    )


def save(tx: Connection, document_id: str, version: int, text: str, *, media_type: str = "text/plain") -> list[Chunk]:
    chunks = cut(text, document_id, version)
    documents.save_parsed(tx, document_id, version, parsed(text, media_type=media_type), chunks, splitter=SPLITTER)
    return chunks


def serve(
    tx: Connection,
    source: str,
    text: str = "Some words to find.",
    *,
    collection: str = "default",
    content_hash: str = "c0ffee",
    metadata: dict[str, object] | None = None,
    media_type: str = "text/plain",
) -> tuple[str, list[Chunk]]:
    """Add a version and publish it; returns the document id and its chunks."""
    document_id, version = receive(tx, source, collection=collection, content_hash=content_hash, metadata=metadata)
    chunks = save(tx, document_id, version, text, media_type=media_type)
    documents.publish(tx, document_id, version, timings_ms={"parse": 1.5})
    return document_id, chunks


def citation() -> Citation:
    return Citation(
        marker=1,
        document_id="d",
        version=2,
        content_hash="c0ffee",
        chunk_id="c",
        source="a.pdf",
        title="A",
        start=3,
        end=9,
        page=4,
        quote="quoted",
        boxes=(Box(4, 1.0, 2.5, 3.25, 4.125),),
        headings=("Part",),
    )
