"""From stored bytes to a document that answers come from, in steps that can be repeated.

The order is what makes a kill harmless: the blob is on disk and the version and its job
are committed before any of this starts; every step commits what it did before the next
one begins; a step that finds its work done already skips it; and only when both indexes
hold every chunk does one transaction make the version the serving one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Literal

import structlog

from citewise.errors import CitewiseError, IngestError, NoSpaceError, StoreError
from citewise.failpoints import failpoint
from citewise.index.generations import Indexes
from citewise.index.update import forget_chunks, write_chunks
from citewise.ingest import archives, sandbox
from citewise.ingest.intake import TEXT_RECORD
from citewise.ingest.parse.text import document_from_text
from citewise.ingest.prepare import Splitter, cut, embed_missing
from citewise.ingest.remarks import with_remarks
from citewise.observe.metrics import metrics
from citewise.protocols import Embedder
from citewise.registry import documents, embeddings, held, jobs
from citewise.registry.blobs import Blobs
from citewise.registry.database import Registry
from citewise.registry.documents import VersionRecord
from citewise.registry.held import Entry
from citewise.registry.ids import hash_text
from citewise.registry.jobs import Job
from citewise.types import ARCHIVE, Chunk, DocumentStatus, EmbeddedChunk, ParsedDocument, Vector

log = structlog.get_logger(__name__)

GROUP_BYTES = 1_000_000
"""Documents are indexed together up to this size; a larger one goes alone."""

ATTEMPTS = 5
"""How often a document is tried when an index fails; interruptions by the end of the program count too."""


class Cancelled(Exception):  # noqa: N818 - a signal, not an error
    """The person cancelled this document."""


class Stopping(Exception):  # noqa: N818 - a signal, not an error
    """The program ends: leave the jobs as they are, the next start goes on with them."""


class Superseded(Exception):  # noqa: N818 - a signal, not an error
    """Another generation serves now, with another model or cut: the jobs are to be done again."""


@dataclass(slots=True)
class _Work:
    """One document version on its way."""

    job: Job
    version: VersionRecord
    chunks: list[Chunk]
    started: float  # time.perf_counter()
    vectors: dict[str, Vector] = field(default_factory=dict)  # by chunk id
    pages: int = 0
    embedded: list[EmbeddedChunk] = field(default_factory=list)
    timings_ms: dict[str, float] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, int]:
        return self.version.document_id, self.version.version


class Pipeline:
    """Carries jobs through the steps. One thread runs it.

    Args:
        registry: The truth.
        blobs: The bytes.
        embedder: Gives the model of the generation that serves now; asked once for each group of jobs.
        writing: Lends the serving indexes to the one who writes.
        splitter: From a model to how documents are cut.
        parse_seconds: Wall time for reading one file.
        parse_memory_mb: Address space for reading one file, in MiB.
        ocr_languages: Tesseract's names of languages, joined by ``+``.
        ocr_seconds: Wall time for recognising the pages of one file, on top of ``parse_seconds``.
        cancelled: Whether somebody asked for the end of a job.
        stopping: Whether the program ends.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        blobs: Blobs,
        embedder: Callable[[], Embedder],
        writing: Callable[[Callable[[], bool]], AbstractContextManager[Indexes]],
        splitter: Callable[[Embedder], Splitter],
        parse_seconds: float,
        parse_memory_mb: int,
        ocr_languages: str,
        ocr_seconds: float,
        cancelled: Callable[[Job], bool],
        stopping: Callable[[], bool],
    ) -> None:
        self._registry = registry
        self._blobs = blobs
        self._embedder_now = embedder
        self._writing = writing
        self._splitter_for = splitter
        self._parse_seconds = parse_seconds
        self._parse_memory_mb = parse_memory_mb
        self._ocr_languages = ocr_languages
        self._ocr_seconds = ocr_seconds
        self._cancelled = cancelled
        self._stopping = stopping

    def run(self, claimed: Sequence[Job]) -> None:
        """Carry a group of jobs to their end, each to ``done``, ``failed`` or ``cancelled``.

        One document's failure stops no other. When the program is stopping, what is not
        finished stays claimed and is taken up by the next start.

        Raises:
            NoSpaceError: The disk is full; what is not finished is to be claimed again.
        """
        self._embedder = self._embedder_now()
        self._splitter = self._splitter_for(self._embedder)
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
            chunks = documents.chunks(rx, job.document_id, job.version, splitter=self._splitter.fingerprint)
        work = _Work(job, version, chunks, started)
        if chunks:
            return work
        self._stage(work, "parsing")
        parsed = with_remarks(self._parse(version, job))
        work.pages = len(parsed.pages)
        work.timings_ms["parse"] = _since(started)
        self._check(job)
        self._stage(work, "chunking")
        chunking = time.perf_counter()
        work.chunks = cut(
            parsed,
            document_id=version.document_id,
            version=version.version,
            title=version.title,
            splitter=self._splitter,
            token_spans=self._embedder.token_spans,
            check=lambda: self._check(job),
        )
        self._save(work, parsed)
        failpoint("document-read")
        work.timings_ms["chunk"] = _since(chunking)
        return work

    def _save(self, work: _Work, parsed: ParsedDocument) -> None:
        """Store what was read, and with the text of an archive the documents that come out of it."""
        with ExitStack() as stack:
            found: archives.Stored = {}
            if parsed.media_type == ARCHIVE:
                found = stack.enter_context(
                    archives.stored_members(
                        self._blobs,
                        work.version,
                        seconds=self._parse_seconds,
                        memory_mb=self._parse_memory_mb,
                        cancelled=lambda: self._stopping() or self._cancelled(work.job),
                    )
                )
            tx = stack.enter_context(self._registry.write())
            documents.save_parsed(tx, *work.key, parsed, work.chunks, splitter=self._splitter.fingerprint)
            if parsed.media_type == ARCHIVE and not jobs.cancel_requested(tx, work.job.id):
                archives.record_members(tx, work.version, found)

    def _parse(self, version: VersionRecord, job: Job) -> ParsedDocument:
        path = self._blobs.path(version.content_hash)
        # A disk that lost what it had promised must not turn a document into an empty one.
        if not path.is_file() or path.stat().st_size != version.bytes:
            raise IngestError(f"The stored copy of {version.source} is damaged. Add the file again.")
        if version.media_type == TEXT_RECORD:
            # Text that came as text needs no parser, so nothing here can run away with the process.
            return document_from_text(path.read_bytes().decode(), source=version.source, title=version.title)
        return sandbox.parse_file(
            path,
            source=version.source,
            seconds=self._parse_seconds,
            memory_mb=self._parse_memory_mb,
            ocr_languages=self._ocr_languages,
            ocr_seconds=self._ocr_seconds,
            cancelled=lambda: self._stopping() or self._cancelled(job),
        )

    # --- a group of documents ---------------------------------------------------------

    def _finish(self, group: list[_Work]) -> None:
        """Embed, index and publish; small documents share the cost of the commits."""
        if not group:
            return
        with self._ending([work.job for work in group]):
            self._embed(group)
            group = [work for work in group if not self._end_if_cancelled(work)]
            if group:
                self._stage_all(group, "indexing")
                with self._writing(self._stopping) as indexes:
                    if indexes.embedder.fingerprint != self._embedder.fingerprint:
                        raise Superseded
                    self._index(group, indexes)
                    self._publish(group, indexes)

    def _embed(self, group: list[_Work]) -> None:
        """Give every chunk its vector; only texts never seen before are embedded."""
        started = time.perf_counter()
        hashes = {chunk.id: hash_text(chunk.full_text) for work in group for chunk in work.chunks}
        texts = {hashes[chunk.id]: chunk.full_text for work in group for chunk in work.chunks}
        with self._registry.read() as rx:
            known = embeddings.get_many(rx, self._embedder.fingerprint, list(texts))
        self._stage_all(group, "embedding")

        def check() -> None:
            if len(group) == 1:
                self._check(group[0].job)
            elif self._stopping():
                raise Stopping

        def stored(new: Mapping[str, Vector]) -> None:
            known.update(new)
            with self._registry.write() as tx:
                for work in group:
                    done = sum(hashes[chunk.id] in known for chunk in work.chunks)
                    documents.set_progress(tx, *work.key, done=done)

        missing = {text_hash: text for text_hash, text in texts.items() if text_hash not in known}
        embed_missing(self._registry, self._embedder, missing, on_batch=stored, check=check)
        for work in group:
            work.vectors = {chunk.id: known[hashes[chunk.id]] for chunk in work.chunks}
            work.timings_ms["embed"] = _since(started)

    def _index(self, group: list[_Work], indexes: Indexes) -> None:
        """Write both indexes and read back what they hold."""
        started = time.perf_counter()
        for work in group:
            if self._stopping():
                raise Stopping
            collection_id = work.version.collection_id
            work.embedded = [EmbeddedChunk(chunk, collection_id, work.vectors[chunk.id]) for chunk in work.chunks]
        write_chunks(indexes, [item for work in group for item in work.embedded])
        failpoint("document-indexed")
        for work in group:
            work.timings_ms["index"] = _since(started)

    def _publish(self, group: list[_Work], indexes: Indexes) -> None:
        serving: dict[str, _Work] = {}  # by document: a group may hold two versions of one, and the later counts
        with self._registry.write() as tx:
            for work in group:
                work.timings_ms["total"] = _since(work.started)
                if documents.publish(tx, *work.key, timings_ms=work.timings_ms):
                    serving[work.version.document_id] = work
                jobs.finish(tx, work.job.id)
            held.put(tx, indexes.generation, [self._entry(work) for work in serving.values() if work.chunks])
            # One without words is in no index, whatever its former version was.
            held.drop(tx, indexes.generation, [key for key, work in serving.items() if not work.chunks])
            former = [chunk_id for work in serving.values() for chunk_id in held.other_chunk_ids(tx, self._entry(work))]
        failpoint("document-published")
        # Cleaning up: nothing finds these any more, whether the indexes still hold them or not.
        forget_chunks(indexes, former)
        for work in group:
            log.info("document ready", document_id=work.version.document_id, chunks=len(work.chunks))
            metrics().document_ended("ready", pages=work.pages, chunks=len(work.chunks))
            for stage, milliseconds in work.timings_ms.items():
                metrics().ingest_stage(stage, milliseconds / 1000)

    def _entry(self, work: _Work) -> Entry:
        return Entry(*work.key, self._splitter.fingerprint, work.version.collection_id)

    # --- states -----------------------------------------------------------------------

    def _stage(self, work: _Work, stage: DocumentStatus, *, total: int = 0) -> None:
        with self._registry.write() as tx:
            documents.set_stage(tx, *work.key, stage, total=total)

    def _stage_all(self, group: list[_Work], stage: DocumentStatus) -> None:
        with self._registry.write() as tx:
            for work in group:
                documents.set_stage(tx, *work.key, stage, total=len(work.chunks))

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
        except Superseded:
            with self._registry.write() as tx:
                jobs.requeue(tx, [job.id for job in claimed])
        except Cancelled:
            self._end(claimed, "cancelled", None)
        except NoSpaceError:
            raise
        except StoreError as error:
            # No fault of the documents: the index is checked now, and they are tried again once it is whole.
            again = [job for job in claimed if job.attempts < ATTEMPTS and not self._stopping()]
            log.warning("an index failed", jobs=[job.id for job in claimed], error=str(error))
            with self._registry.write() as tx:
                jobs.requeue(tx, [job.id for job in again])
            if not self._stopping():
                self._end([job for job in claimed if job not in again], "failed", str(error))
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


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)
