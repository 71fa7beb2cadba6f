"""Documents for the tests of the registry."""

from __future__ import annotations

from sqlalchemy import Connection

from citewise.registry import collections, documents, generations, held, serving
from citewise.registry.held import Entry
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
    publish(tx, document_id, version)
    return document_id, chunks


def generation(tx: Connection) -> str:
    """The generation that holds what these tests publish."""
    active = generations.active(tx)
    if active is None:
        active = generations.create(tx, embedder="model/3", splitter=SPLITTER, dimension=3)
        generations.publish(tx, active.id)
    return active.id


def publish(tx: Connection, document_id: str, version: int) -> bool:
    """Publish a version as an ingest does, once the indexes hold it."""
    published = documents.publish(tx, document_id, version, timings_ms={"parse": 1.5})
    if published:
        record = documents.version(tx, document_id, version)
        held.put(tx, generation(tx), [Entry(document_id, version, record.splitter or SPLITTER, record.collection_id)])
    return published


def join(rx: Connection, chunk_ids: list[str], collection_id: str) -> dict[str, serving.Joined]:
    """Join hits of the generation that these tests publish to."""
    active = generations.active(rx)
    return serving.join(rx, chunk_ids, collection_id, generation_id=active.id if active else "none")


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
