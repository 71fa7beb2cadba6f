"""From the JSON of the API back to the nouns, as far as an evaluation looks at them."""

from __future__ import annotations

from typing import Any

from citewise.types import Chunk, Citation, Document, DocumentText, PageSpan, ScoredChunk

Json = dict[str, Any]


def hit_of(hit: Json) -> ScoredChunk:
    """Read one hit of a search; fields that do not travel are empty."""
    chunk = Chunk(
        id=hit["chunk_id"],
        document_id=hit["document_id"],
        version=hit["version"],
        ordinal=0,
        start=hit["start"],
        end=hit["end"],
        page_first=hit["page_first"],
        page_last=hit["page_last"],
        headings=tuple(hit["headings"]),
        text=hit["text"],
        context=hit["context"],
    )
    return ScoredChunk(
        chunk, hit["score"], hit["rank"], hit["scores"], hit["source"], hit["title"], "", hit.get("locator", "")
    )


def citation_of(citation: Json) -> Citation:
    """Read one citation of an answer, without its boxes."""
    return Citation(
        marker=citation["marker"],
        document_id=citation["document_id"],
        version=citation["version"],
        content_hash=citation["content_hash"],
        chunk_id=citation["chunk_id"],
        source=citation["source"],
        title=citation["title"],
        start=citation["start"],
        end=citation["end"],
        page=citation["page"],
        quote=citation["quote"],
    )


def document_text_of(shown: Json) -> DocumentText:
    """Read the text of a document; fields that do not travel are empty."""
    document = Document(
        id=shown["document_id"],
        collection="",
        source=shown["source"],
        title=shown["title"],
        version=shown["version"],
        status=shown["status"],
        error=None,
        media_type="",
        content_hash=shown["content_hash"],
        bytes=0,
        pages=len(shown["pages"]),
        chunks=len(shown["chunks"]),
        added_at=0.0,
    )
    pages = tuple(PageSpan(page["page"], page["start"], page["end"]) for page in shown["pages"])
    return DocumentText(document, shown["text"], pages, (), ())
