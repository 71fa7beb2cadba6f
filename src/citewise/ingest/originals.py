"""The files as they were uploaded, and pictures of their pages."""

from __future__ import annotations

from collections.abc import Sequence

from citewise.errors import NotFoundError
from citewise.ingest import sandbox
from citewise.registry import documents
from citewise.registry.blobs import Blobs
from citewise.registry.database import Registry
from citewise.types import PDF, Box, Original


class Originals:
    """Gives uploaded files. May be used from any thread.

    Args:
        registry: Knows which bytes a version has.
        blobs: Has them.
        parse_seconds: Wall time for reading one file.
        parse_memory_mb: Address space for reading one file, in MiB.
    """

    def __init__(self, registry: Registry, blobs: Blobs, *, parse_seconds: float, parse_memory_mb: int) -> None:
        self._registry = registry
        self._blobs = blobs
        self._seconds = parse_seconds
        self._memory_mb = parse_memory_mb

    def get(self, document_id: str, version: int | None = None) -> Original:
        """Return the file of a version, the newest by default. Raises ``NotFoundError`` once it was erased."""
        with self._registry.read() as rx:
            record = documents.version(rx, document_id, version or documents.get(rx, document_id).version)
        path = self._blobs.path(record.content_hash)
        if not path.is_file():
            raise NotFoundError("original", record.source, hint="It was erased.")
        return Original(path=path, source=record.source, media_type=record.media_type)

    def page_image(self, original: Original, page: int, *, width: int, boxes: Sequence[Box] = ()) -> bytes:
        """Render a page of a PDF or a picture as PNG, ``width`` pixels wide, as a reader sees it, ``boxes`` drawn.

        Raises:
            NotFoundError: It is of another format.
            IngestError: It could not be rendered.
        """
        if original.media_type != PDF and not original.media_type.startswith("image/"):
            raise NotFoundError("page image of", original.source, hint="Only PDF files and pictures have page images.")
        return sandbox.page_image(
            original.path,
            page,
            media_type=original.media_type,
            width=width,
            boxes=boxes,
            source=original.source,
            seconds=self._seconds,
            memory_mb=self._memory_mb,
        )

    def page_boxes(self, original: Original, spans: Sequence[tuple[int, int, int, str]]) -> list[tuple[Box, ...]]:
        """Find the boxes of pieces of a PDF's text: ``(page, start, end, words)``, relative to each page."""
        return sandbox.page_boxes(
            original.path, spans, source=original.source, seconds=self._seconds, memory_mb=self._memory_mb
        )
