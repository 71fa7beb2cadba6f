"""From stored bytes to a document that answers come from, in steps that can be repeated.

The order is what makes a kill harmless: the blob is on disk and the version and its job
are committed before any of this starts; every step commits what it did before the next
one begins; a step that finds its work done already skips it; and only when both indexes
hold every chunk does one transaction make the version the serving one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

import structlog

from citewise.errors import CitewiseError, IngestError, StoreError
from citewise.index.generations import Indexes
from citewise.ingest import sandbox, split
from citewise.ingest.parse.text import document_from_text
from citewise.observe.metrics import metrics
from citewise.protocols import Embedder
from citewise.registry import documents, embeddings, jobs
from citewise.registry.blobs import Blobs
from citewise.registry.database import Registry
from citewise.registry.documents import VersionRecord
from citewise.registry.ids import hash_text, make_chunk_id
from citewise.registry.jobs import Job
from citewise.types import Chunk, DocumentStatus, EmbeddedChunk, ParsedDocument, Vector

log = structlog.get_logger(__name__)

GROUP_BYTES = 1_000_000
"""Documents are indexed together up to this size; a larger one goes alone."""

EMBED_COMMIT = 64
"""Chunks embedded between two commits: what a kill can cost, about two seconds of work."""

INDEX_BATCH = 500
"""Chunks written to the vector index at once."""

TEXT_RECORD = "text/plain; charset=utf-8"
"""The media type of records that arrived as text."""


@dataclass(frozen=True, slots=True)
class Splitter:
    """How documents are cut, and what identifies that way of cutting."""

    size: int  # tokens, context included
    overlap: int  # tokens
    fingerprint: str


class Cancelled(Exception):  # noqa: N818 - a signal, not an error
    """The person cancelled this document."""


class Stopping(Exception):  # noqa: N818 - a signal, not an error
    """The program ends: leave the jobs as they are, the next start goes on with them."""


@dataclass(slots=True)
class _Work:
    """One document version on its way."""

    job: Job
    version: VersionRecord
    chunks: list[Chunk]
    started: float  # time.perf_counter()
    pages: int = 0
    timings_ms: dict[str, float] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, int]:
        return self.version.document_id, self.version.version


class Pipeline:
    """Carries jobs through the steps. One thread runs it."""

    def __init__(
        self,
        *,
        registry: Registry,
        blobs: Blobs,
        embedder: Embedder,
        indexes: Callable[[], Indexes],
        splitter: Splitter,
        parse_seconds: float,
        parse_memory_mb: int,
        cancelled: Callable[[Job], bool],
        stopping: Callable[[], bool],
    ) -> None:
        self._registry = registry
        self._blobs = blobs
        self._embedder = embedder
        self._indexes = indexes
        self._splitter = splitter
        self._parse_seconds = parse_seconds
        self._parse_memory_mb = parse_memory_mb
        self._cancelled = cancelled
        self._stopping = stopping

    def run(self, claimed: Sequence[Job]) -> None:
        """Carry a group of jobs to their end, each to ``done``, ``failed`` or ``cancelled``.

        One document's failure stops no other. When the program is stopping, what is not
        finished stays claimed and is taken up by the next start.
        """
        group: list[_Work] = []
        size = 0
        for job in claimed:
            with self._ending([job]):
                work = self._read(job)
                if group and size + work.version.bytes > GROUP_BYTES:
                    self._finish(group)
                    group, size = [], 0
                group.append(work)
                size += work.version.bytes
        self._finish(group)

    # --- one document -----------------------------------------------------------------

    def _read(self, job: Job) -> _Work:
        """Parse and split, unless an earlier attempt did."""
        self._check(job)
        started = time.perf_counter()
        with self._registry.read() as rx:
            version = documents.version(rx, job.document_id, job.version)
            chunks = documents.chunks(rx, job.document_id, job.version)
        work = _Work(job, version, chunks, started)
        if chunks and version.splitter == self._splitter.fingerprint:
            return work
        self._stage(work, "parsing")
        parsed = self._parse(version, job)
        work.pages = len(parsed.pages)
        work.timings_ms["parse"] = _since(started)
        self._check(job)
        self._stage(work, "chunking")
        chunking = time.perf_counter()
        work.chunks = cut(parsed, version, self._splitter, self._embedder.token_spans)
        if not work.chunks:
            raise IngestError(f"{version.source} holds no text that could be read.")
        with self._registry.write() as tx:
            documents.save_parsed(
                tx,
                version.document_id,
                version.version,
                parsed,
                work.chunks,
                splitter=self._splitter.fingerprint,
            )
        work.timings_ms["chunk"] = _since(chunking)
        return work

    def _parse(self, version: VersionRecord, job: Job) -> ParsedDocument:
        path = self._blobs.path(version.content_hash)
        if version.media_type == TEXT_RECORD:
            # Text that came as text needs no parser, so nothing here can run away with the process.
            return document_from_text(path.read_bytes().decode(), source=version.source, title=version.title)
        return sandbox.parse_file(
            path,
            source=version.source,
            seconds=self._parse_seconds,
            memory_mb=self._parse_memory_mb,
            cancelled=lambda: self._stopping() or self._cancelled(job),
        )

    # --- a group of documents ---------------------------------------------------------

    def _finish(self, group: list[_Work]) -> None:
        """Embed, index and publish; small documents share the cost of the commits."""
        if not group:
            return
        with self._ending([work.job for work in group]):
            vectors = self._embed(group)
            group = [work for work in group if not self._end_if_cancelled(work)]
            if group:
                self._index(group, vectors)
                self._publish(group)

    def _embed(self, group: list[_Work]) -> dict[str, Vector]:
        """Return a vector for every chunk, by text hash; only texts never seen before are embedded."""
        started = time.perf_counter()
        texts = {hash_text(chunk.full_text): chunk.full_text for work in group for chunk in work.chunks}
        fingerprint = self._embedder.fingerprint
        with self._registry.read() as rx:
            vectors = embeddings.get_many(rx, fingerprint, list(texts))
        missing = [text_hash for text_hash in texts if text_hash not in vectors]
        self._stage_all(group, "embedding", totals=[len(work.chunks) for work in group])
        for batch in _batches(missing, EMBED_COMMIT):
            if len(group) == 1:
                self._check(group[0].job)
            elif self._stopping():
                raise Stopping
            fresh = self._embedder.embed_documents([texts[text_hash] for text_hash in batch])
            new = dict(zip(batch, fresh, strict=True))
            vectors.update(new)
            metrics().texts_embedded(len(batch))
            with self._registry.write() as tx:
                embeddings.put_many(tx, fingerprint, new)
                for work in group:
                    done = sum(hash_text(chunk.full_text) in vectors for chunk in work.chunks)
                    documents.set_progress(tx, *work.key, done=done)
        for work in group:
            work.timings_ms["embed"] = _since(started)
        return vectors

    def _index(self, group: list[_Work], vectors: Mapping[str, Vector]) -> None:
        """Write both indexes and read back what they hold."""
        started = time.perf_counter()
        self._stage_all(group, "indexing", totals=[len(work.chunks) for work in group])
        indexes = self._indexes()
        by_collection: dict[str, list[Chunk]] = {}
        for work in group:
            by_collection.setdefault(work.version.collection_id, []).extend(work.chunks)
        for collection_id, chunks in by_collection.items():
            indexes.keywords.upsert(chunks, collection_id=collection_id)
            for batch in _batches(chunks, INDEX_BATCH):
                if self._stopping():
                    raise Stopping
                indexes.vectors.upsert(
                    [EmbeddedChunk(chunk, collection_id, vectors[hash_text(chunk.full_text)]) for chunk in batch]
                )
            ids = [chunk.id for chunk in chunks]
            for name, index in (("vector", indexes.vectors), ("keyword", indexes.keywords)):
                absent = len(ids) - len(index.present(ids))
                if absent:
                    raise StoreError(f"The {name} index did not keep {absent} of {len(ids)} chunks. Try again.")
        for work in group:
            work.timings_ms["index"] = _since(started)

    def _publish(self, group: list[_Work]) -> None:
        retired: list[str] = []
        with self._registry.write() as tx:
            for work in group:
                work.timings_ms["total"] = _since(work.started)
                retired += documents.publish(tx, *work.key, timings_ms=work.timings_ms)
                jobs.finish(tx, work.job.id)
        if retired:
            # Cleaning up: nothing finds these any more, whether the indexes still hold them or not.
            indexes = self._indexes()
            indexes.vectors.delete(retired)
            indexes.keywords.delete(retired)
        for work in group:
            log.info("document ready", document_id=work.version.document_id, chunks=len(work.chunks))
            metrics().document_ended("ready", pages=work.pages, chunks=len(work.chunks))
            for stage, milliseconds in work.timings_ms.items():
                metrics().ingest_stage(stage, milliseconds / 1000)

    # --- states -----------------------------------------------------------------------

    def _stage(self, work: _Work, stage: DocumentStatus, *, total: int = 0) -> None:
        with self._registry.write() as tx:
            documents.set_stage(tx, *work.key, stage, total=total)

    def _stage_all(self, group: list[_Work], stage: DocumentStatus, *, totals: Sequence[int]) -> None:
        with self._registry.write() as tx:
            for work, total in zip(group, totals, strict=True):
                documents.set_stage(tx, *work.key, stage, total=total)

    def _check(self, job: Job) -> None:
        if self._stopping():
            raise Stopping
        if self._cancelled(job):
            raise Cancelled

    def _end_if_cancelled(self, work: _Work) -> bool:
        if not self._cancelled(work.job):
            return False
        self._end([work.job], "cancelled", None)
        return True

    @contextmanager
    def _ending(self, claimed: Sequence[Job]) -> Iterator[None]:
        """End jobs in the state that fits what was raised; the only place where they fail."""
        try:
            yield
        except Stopping:
            pass
        except Cancelled:
            self._end(claimed, "cancelled", None)
        except CitewiseError as error:
            if self._stopping():
                return  # what failed was cut off by the end of the program
            if len(claimed) == 1 and self._cancelled(claimed[0]):
                self._end(claimed, "cancelled", None)  # and here by the person
                return
            self._end(claimed, "failed", str(error))
        except Exception:
            log.exception("ingest failed", jobs=[job.id for job in claimed])
            self._end(claimed, "failed", "Something went wrong while reading this file; the log has the details.")

    def _end(self, claimed: Sequence[Job], state: Literal["failed", "cancelled"], error: str | None) -> None:
        with self._registry.write() as tx:
            for job in claimed:
                documents.set_stage(tx, job.document_id, job.version, state, error=error)
                if state == "failed":
                    jobs.fail(tx, job.id, error=error or "")
                else:
                    jobs.cancel(tx, job.id)
        for _ in claimed:
            metrics().document_ended(state)


def cut(
    parsed: ParsedDocument,
    version: VersionRecord,
    splitter: Splitter,
    token_spans: Callable[[str], list[tuple[int, int]]],
) -> list[Chunk]:
    """Split a document into chunks that have ids."""
    if version.title:
        parsed = replace(parsed, title=version.title)
    spans = split.split_recursive(parsed, size=splitter.size, overlap=splitter.overlap, token_spans=token_spans)
    return [
        Chunk(
            id=make_chunk_id(
                document_id=version.document_id,
                version=version.version,
                ordinal=ordinal,
                start=span.start,
                end=span.end,
                splitter=splitter.fingerprint,
            ),
            document_id=version.document_id,
            version=version.version,
            ordinal=ordinal,
            start=span.start,
            end=span.end,
            page_first=span.page_first,
            page_last=span.page_last,
            headings=span.headings,
            text=parsed.text[span.start : span.end],
            context=span.context,
        )
        for ordinal, span in enumerate(spans)
    ]


T = TypeVar("T")


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)
