"""What a front end may call. The UI, the API and the command line see nothing below this.

One ``Engine`` owns one data directory for its life. All methods may be called from any
thread. Long work (ingesting, answering) is done by jobs that the engine owns and stores
as they go: a caller only starts and watches them.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from threading import Lock
from typing import Literal

import structlog
from sqlalchemy import Connection

from citewise.answer.generate import generate
from citewise.answer.jobs import AnswerRunner, Progress
from citewise.answer.models import ChatModels
from citewise.errors import CitewiseError, IngestError, NotFoundError, QuestionError
from citewise.index.generations import Indexes
from citewise.ingest import sandbox
from citewise.ingest.pipeline import TEXT_RECORD
from citewise.ingest.runner import IngestRunner
from citewise.observe.metrics import metrics
from citewise.protocols import ChatModel
from citewise.registry import collections, conversations, documents, generations, jobs, removal, serving, turns
from citewise.registry.blobs import Blobs
from citewise.registry.database import Registry
from citewise.registry.jobs import Job
from citewise.registry.owner import OwnerLock
from citewise.retrieve.expand import expand
from citewise.retrieve.hybrid import Retriever
from citewise.retrieve.rewrite import standalone
from citewise.settings import Settings
from citewise.types import (
    Added,
    Answer,
    Box,
    Citation,
    Collection,
    Conversation,
    Document,
    DocumentText,
    Health,
    Message,
    ModelInfo,
    OnDuplicate,
    Original,
    PageSpan,
    Query,
    SearchResult,
    Turn,
    Upload,
)

log = structlog.get_logger(__name__)

EmbedderState = Literal["loading", "ready", "failed"]

QUESTION_CHARACTERS = 8_000
"""Longest question taken."""

HISTORY_TURNS = 6
"""Earlier turns that a question is read with."""

SPARE = 3
"""Chunks found for each hit that is wanted, since neighbours among them become one."""

PDF = "application/pdf"


class Engine:
    """See ``citewise.build.open_engine`` for how one is made."""

    def __init__(
        self,
        *,
        settings: Settings,
        lock: OwnerLock,
        registry: Registry,
        blobs: Blobs,
        embedder_state: Callable[[], EmbedderState],
        indexes: Future[Indexes],
        retriever: Retriever,
        models: ChatModels,
        ingest: IngestRunner,
        answers: AnswerRunner,
        close: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._lock = lock
        self._registry = registry
        self._blobs = blobs
        self._embedder_state = embedder_state
        self._indexes = indexes
        self._retriever = retriever
        self._models = models
        self._ingest = ingest
        self._answers = answers
        self._close = close
        # Between the storing of bytes and the row that refers to them no purge may delete them.
        self._blob_lock = Lock()

    # --- life -------------------------------------------------------------------------

    def close(self) -> None:
        """Stop jobs at their next committed step, close everything, release the directory."""
        self._close()

    def announce(self, url: str) -> None:
        """Remember the address that this process serves, for the message a second process gets."""
        self._lock.announce(url)

    def health(self) -> Health:
        """Check what answering needs; cheap enough to be asked every second."""
        checks = {"registry": "ok", "index": "ok", "embedder": "ok"}
        try:
            with self._registry.read() as rx:
                generations.active(rx)
        except CitewiseError as error:
            checks["registry"] = str(error)
        if not self._indexes.done():
            checks["index"] = "The index is being opened."
        elif error_of_index := self._indexes.exception():
            checks["index"] = str(error_of_index)
        state = self._embedder_state()
        if state != "ready":
            checks["embedder"] = "The language model is being loaded." if state == "loading" else "It failed to load."
        degraded = () if state != "failed" else ("Search by meaning is off: the embedding model failed to load.",)
        ready = checks["registry"] == checks["index"] == "ok" and state != "loading"
        return Health(ready=ready, checks=checks, embedder=state, degraded=degraded)

    @property
    def max_file_bytes(self) -> int:
        """The largest file that ``add`` takes."""
        return self._settings.ingest.max_file_mb * 10**6

    # --- documents --------------------------------------------------------------------

    def add(
        self, uploads: Sequence[Upload], *, collection: str = "default", on_duplicate: OnDuplicate = "skip"
    ) -> list[Added]:
        """Take files in. On return each is safe on disk; reading and indexing go on as jobs.

        A file that cannot be taken (empty, too large) is ``failed`` and stops no other.
        Same name and same bytes: nothing to do, unless reading it failed before. Same name,
        other bytes: a new version. Same bytes under another name: as ``on_duplicate`` says,
        where ``replace`` removes the document that has the other name.
        """
        added: list[Added] = []
        with self._blob_lock:
            stored = [self._store(upload) for upload in uploads]
            with self._registry.write() as tx:
                collection_id = collections.ensure(tx, collection)
                for upload, blob in zip(uploads, stored, strict=True):
                    if isinstance(blob, IngestError):
                        added.append(Added(upload.source, None, None, None, "failed", str(blob)))
                    else:
                        added.append(_take_in(tx, upload, blob, collection_id, on_duplicate))
        self._ingest.wake()
        return added

    def _store(self, upload: Upload) -> tuple[str, int] | IngestError:
        stream = upload.stream if upload.text is None else io.BytesIO(upload.text.encode("utf-8", "replace"))
        if stream is None:
            raise ValueError("an upload needs a stream or a text")
        try:
            return self._blobs.put(stream, limit_bytes=self.max_file_bytes)
        except IngestError as error:
            return error

    def wait(self, job_ids: Sequence[str], *, timeout_s: float | None = None) -> bool:
        """Block until the jobs are over; ``False`` when the time ran out first."""
        return self._ingest.wait(job_ids, timeout_s=timeout_s)

    def documents(self, *, collection: str | None = None) -> list[Document]:
        """All documents, newest first; of every collection when none is named."""
        with self._registry.read() as rx:
            return documents.list_documents(rx, None if collection is None else collections.find(rx, collection))

    def document(self, document_id: str) -> Document:
        """Raises ``NotFoundError``, also for a removed document."""
        with self._registry.read() as rx:
            return documents.get(rx, document_id)

    def show(self, document_id: str, *, version: int | None = None) -> DocumentText:
        """Text, pages, blocks and chunks; of the serving version when none is named."""
        with self._registry.read() as rx:
            newest = documents.get(rx, document_id)
            wanted = version or newest.serving_version or newest.version
            return DocumentText(
                document=documents.get(rx, document_id, version=wanted),
                text=documents.text(rx, document_id, wanted),
                pages=documents.pages(rx, document_id, wanted),
                blocks=documents.blocks(rx, document_id, wanted),
                chunks=tuple(documents.chunks(rx, document_id, wanted)),
            )

    def original(self, document_id: str, *, version: int | None = None) -> Original:
        """The uploaded bytes. Raises ``NotFoundError`` once they were erased."""
        with self._registry.read() as rx:
            record = documents.version(rx, document_id, version or documents.get(rx, document_id).version)
        path = self._blobs.path(record.content_hash)
        if not path.is_file():
            raise NotFoundError("original", record.source, hint="It was erased.")
        return Original(path=path, source=record.source, media_type=record.media_type)

    def page_image(self, document_id: str, page: int, *, version: int | None = None, width: int = 1000) -> bytes:
        """Render one page of a PDF as PNG, ``width`` pixels wide, rotated as a reader sees it."""
        return self._render(self.original(document_id, version=version), page, width=width, boxes=())

    def citation_image(self, turn_id: str, marker: int, *, width: int = 1000) -> bytes:
        """Render the page that a citation quotes as PNG, the quoted words boxed.

        Raises:
            NotFoundError: There is no such turn or citation, or the original was erased.
        """
        for citation in self.turn(turn_id).answer.citations:
            if citation.marker == marker and citation.page is not None:
                original = self.original(citation.document_id, version=citation.version)
                boxes = [box for box in citation.boxes if box.page == citation.page]
                return self._render(original, citation.page, width=width, boxes=boxes)
        raise NotFoundError("citation with a page", str(marker))

    def _render(self, original: Original, page: int, *, width: int, boxes: Sequence[Box]) -> bytes:
        if original.media_type != PDF:
            raise NotFoundError("page image of", original.source, hint="Only PDF files have page images.")
        return sandbox.page_image(
            original.path,
            page,
            width=width,
            boxes=boxes,
            source=original.source,
            seconds=self._settings.ingest.parse_seconds,
            memory_mb=self._settings.ingest.parse_memory_mb,
        )

    def cancel(self, document_id: str) -> None:
        """Stop the ingest of a document; what was stored of it before keeps serving."""
        with self._registry.read() as rx:
            job = _open_job(rx, documents.get(rx, document_id))
        if job:
            self._ingest.cancel(job)

    def retry(self, document_id: str) -> str:
        """Ingest a failed or cancelled version again; returns the job id."""
        with self._registry.write() as tx:
            document = documents.get(tx, document_id)
            running = _open_job(tx, document)
            if running:
                return running.id
            documents.set_stage(tx, document_id, document.version, "received")
            job_id = jobs.create(tx, document_id=document_id, version=document.version).id
        self._ingest.wake()
        return job_id

    def remove(self, document_ids: Sequence[str], *, purge: bool = False) -> int:
        """Take documents out of every answer at once; returns how many.

        Without ``purge`` they can be brought back with ``restore``; with it their bytes,
        text and vectors are erased.
        """
        for document_id in document_ids:
            with suppress(NotFoundError):  # removed already, and now to be purged
                self.cancel(document_id)
        if not purge:
            with self._registry.write() as tx:
                return removal.remove(tx, document_ids)
        with self._blob_lock:
            with self._registry.write() as tx:
                purged = removal.purge(tx, document_ids)
            for content_hash in purged.content_hashes:
                self._blobs.delete(content_hash)
        self._registry.flush_log()
        indexes = self._indexes.result()
        indexes.vectors.delete(purged.chunk_ids)
        indexes.keywords.delete(purged.chunk_ids)
        return purged.documents

    def restore(self, document_ids: Sequence[str]) -> int:
        """Undo ``remove``; returns how many came back."""
        with self._registry.write() as tx:
            return removal.restore(tx, document_ids)

    def collections(self) -> list[Collection]:
        """All collections, by name."""
        with self._registry.read() as rx:
            return collections.list_all(rx)

    # --- questions --------------------------------------------------------------------

    def search(self, query: Query) -> SearchResult:
        """Find chunks.

        Raises:
            QuestionError: The question is empty or too long, or ``where`` names an unknown field.
            NotFoundError: There is no such collection.
            StoreError: No index could answer.
        """
        question = _checked(query.text)
        started = time.perf_counter()
        rewritten = standalone(question, query.history) if query.history else question
        rewrite_ms = (time.perf_counter() - started) * 1000
        with self._registry.read() as rx:
            collection_id = collections.find(rx, query.collection)
            document_ids = serving.match(rx, collection_id, query.where) if query.where else None
        result = self._retriever.search(
            question=rewritten,
            collection_id=collection_id,
            document_ids=document_ids,
            k=query.k * SPARE,
            mode=query.mode,
            rerank=query.rerank,
        )
        expanding = time.perf_counter()
        with self._registry.read() as rx:
            hits = expand(
                result.hits,
                k=query.k,
                neighbours=lambda chunk, reach: documents.neighbours(rx, chunk, reach),
                slice_text=lambda chunk, start, end: documents.slice_text(
                    rx, chunk.document_id, chunk.version, start, end
                ),
            )
        expand_ms = (time.perf_counter() - expanding) * 1000
        total_ms = (time.perf_counter() - started) * 1000
        timings = {
            **result.timings_ms,
            "rewrite": round(rewrite_ms, 2),
            "expand": round(expand_ms, 2),
            "total": round(total_ms, 2),
        }
        metrics().search_ended(timings)
        return replace(result, question=question, standalone_question=rewritten, hits=tuple(hits), timings_ms=timings)

    def ask(
        self,
        question: str,
        *,
        conversation_id: str | None = None,
        collection: str = "default",
        model: str | None = None,
        k: int | None = None,
        where: Mapping[str, str] | None = None,
        history: Sequence[Message] | None = None,
    ) -> Turn:
        """Start an answer and return its turn at once, ``running``.

        Without ``conversation_id`` a new conversation is begun, titled after the question.
        ``history`` stands in for earlier turns, for callers without a conversation.

        Raises:
            QuestionError, NotFoundError, SettingsError: Before anything is stored.
        """
        question = _checked(question)
        chat_model = self._models.get(model)
        with self._registry.write() as tx:
            if conversation_id is None:
                collections.find(tx, collection)
                conversation_id = conversations.create(tx, title=_short_title(question), collection=collection).id
                earlier: list[Turn] = []
            else:
                conversation = conversations.get(tx, conversation_id)
                collection = conversation.collection
                collections.ensure(tx, collection)
                earlier = turns.of_conversation(tx, conversation_id)
                if not conversation.title:
                    conversations.rename(tx, conversation_id, _short_title(question))
            turn = turns.create(tx, conversation_id=conversation_id, question=question, model=chat_model.name)
        query = Query(
            text=question,
            collection=collection,
            k=k or self._settings.search.k,
            where=where or {},
            history=tuple(history) if history is not None else _history(earlier),
        )
        self._answers.submit(turn, lambda progress: self._answer(query, chat_model, progress))
        return turn

    def _answer(self, query: Query, model: ChatModel, progress: Progress) -> Answer:
        progress.step("searching")
        found = self.search(query)
        progress.found(found)
        pages = _PageMaps(self._registry)
        settings = self._settings.answer
        answer = generate(
            question=query.text,
            standalone_question=found.standalone_question,
            hits=found.hits,
            model=model,
            history=query.history,
            page_of=pages.page_of,
            cancelled=progress.cancelled,
            on_text=progress.text,
            context_tokens=min(settings.context_tokens, model.context_tokens),
            output_tokens=settings.output_tokens,
        )
        trace = {**answer.trace, "search": {**found.trace, "timings_ms": dict(found.timings_ms)}}
        trace |= {"generation": found.generation, "reranker": found.reranker, "degraded": list(found.degraded)}
        return replace(answer, citations=self._locate(answer.citations, pages), trace=trace)

    def _locate(self, citations: Sequence[Citation], pages: _PageMaps) -> tuple[Citation, ...]:
        """Give citations of PDF files the boxes of their words, computed from the stored original."""
        located = list(citations)
        by_document: dict[tuple[str, int], list[int]] = {}
        for position, citation in enumerate(citations):
            if citation.page is not None:
                by_document.setdefault((citation.document_id, citation.version), []).append(position)
        for (document_id, version), positions in by_document.items():
            spans = [pages.spans_of(document_id, version, located[i].start, located[i].end) for i in positions]
            try:
                original = self.original(document_id, version=version)
                if original.media_type != PDF:
                    continue
                boxes = sandbox.page_boxes(
                    original.path,
                    [span for group in spans for span in group],
                    source=original.source,
                    seconds=self._settings.ingest.parse_seconds,
                    memory_mb=self._settings.ingest.parse_memory_mb,
                )
            except CitewiseError:
                # The answer stands without boxes; its quotes are marked in the text instead.
                log.exception("boxes not found", document_id=document_id)
                continue
            found = iter(boxes)
            for position, group in zip(positions, spans, strict=True):
                joined = tuple(box for _ in group for box in next(found))
                located[position] = replace(located[position], boxes=joined)
        return tuple(located)

    def turn(self, turn_id: str) -> Turn:
        """A turn as it is now, its text so far included. Raises ``NotFoundError``."""
        return self._answers.turn(turn_id)

    def watch(self, turn_id: str, *, poll_s: float = 0.05) -> Iterator[Turn]:
        """Yield the turn each time it changed, the last one finished."""
        return self._answers.watch(turn_id, poll_s=poll_s)

    def stop(self, turn_id: str) -> None:
        """End a running answer; its text so far is kept, ``cancelled``."""
        self._answers.stop(turn_id)

    def models(self) -> list[ModelInfo]:
        """Chat models that can be chosen, the default first."""
        return self._models.offered()

    # --- conversations ----------------------------------------------------------------

    def start_conversation(self, *, collection: str = "default", title: str = "") -> Conversation:
        """Begin an empty conversation over a collection, which is made if need be."""
        with self._registry.write() as tx:
            collections.ensure(tx, collection)
            return conversations.create(tx, title=title, collection=collection)

    def conversations(self) -> list[Conversation]:
        """Newest first."""
        with self._registry.read() as rx:
            return conversations.list_all(rx)

    def conversation(self, conversation_id: str) -> tuple[Conversation, list[Turn]]:
        """A conversation and its turns in order. Raises ``NotFoundError``."""
        with self._registry.read() as rx:
            conversation = conversations.get(rx, conversation_id)
            stored = turns.of_conversation(rx, conversation_id)
        return conversation, [self.turn(turn.id) if turn.answer.status == "running" else turn for turn in stored]

    def rename_conversation(self, conversation_id: str, title: str) -> None:
        """Raises ``NotFoundError``, and ``QuestionError`` for an empty title."""
        if not title.strip():
            raise QuestionError("A conversation needs a name of at least one character.")
        with self._registry.write() as tx:
            conversations.rename(tx, conversation_id, title.strip()[:200])

    def delete_conversation(self, conversation_id: str) -> None:
        """Hide a conversation; ``restore_conversation`` brings it back."""
        with self._registry.write() as tx:
            conversations.delete(tx, conversation_id)

    def restore_conversation(self, conversation_id: str) -> None:
        """Undo ``delete_conversation``."""
        with self._registry.write() as tx:
            conversations.restore(tx, conversation_id)


class _PageMaps:
    """Finds pages of positions; remembers the page maps it read."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._pages: dict[tuple[str, int], tuple[PageSpan, ...]] = {}

    def page_of(self, document_id: str, version: int, position: int) -> int | None:
        """The 1-based page of a character, ``None`` where the format has no pages."""
        for page in self._of(document_id, version):
            if position < page.end:
                return page.number
        return None

    def spans_of(self, document_id: str, version: int, start: int, end: int) -> list[tuple[int, int, int]]:
        """Cut a span at page ends: ``(page, start, end)`` with positions relative to each page."""
        return [
            (page.number, max(start, page.start) - page.start, min(end, page.end) - page.start)
            for page in self._of(document_id, version)
            if start < page.end and page.start < end
        ]

    def _of(self, document_id: str, version: int) -> tuple[PageSpan, ...]:
        key = (document_id, version)
        if key not in self._pages:
            with self._registry.read() as rx:
                self._pages[key] = documents.pages(rx, document_id, version)
        return self._pages[key]


def _take_in(
    tx: Connection, upload: Upload, blob: tuple[str, int], collection_id: str, on_duplicate: OnDuplicate
) -> Added:
    """Decide what an upload is (new, a new version, a duplicate) and record it with its job."""
    content_hash, size = blob
    named = documents.find_by_source(tx, collection_id, upload.source)
    if named and named.content_hash == content_hash:
        if named.status not in ("failed", "cancelled"):
            return Added(upload.source, named.id, named.version, None, "skipped", "The same file is here already.")
        documents.set_stage(tx, named.id, named.version, "received")
        job_id = jobs.create(tx, document_id=named.id, version=named.version).id
        return Added(upload.source, named.id, named.version, job_id, "received")
    twin = None if named else documents.find_by_hash(tx, collection_id, content_hash)
    if twin and on_duplicate == "skip":
        reason = f"The same file is here already as {twin.source}."
        return Added(upload.source, twin.id, twin.version, None, "skipped", reason)
    if twin and on_duplicate == "replace":
        removal.remove(tx, [twin.id])
    document_id, version = documents.add_version(
        tx,
        collection_id=collection_id,
        source=upload.source,
        title=upload.title,
        content_hash=content_hash,
        media_type=TEXT_RECORD if upload.text is not None else "",
        bytes=size,
        metadata=dict(upload.metadata),
    )
    job_id = jobs.create(tx, document_id=document_id, version=version).id
    return Added(upload.source, document_id, version, job_id, "received")


def _open_job(rx: Connection, document: Document) -> Job | None:
    """The job of a document's newest version, if it is not over."""
    job = jobs.of_version(rx, document.id, document.version)
    return job if job and job.state in ("queued", "running") else None


def _checked(question: str) -> str:
    question = question.strip()
    if not question:
        raise QuestionError("There is no question. Type one and ask again.")
    if len(question) > QUESTION_CHARACTERS:
        raise QuestionError(
            f"The question is {len(question):,} characters long; at most {QUESTION_CHARACTERS:,} can be asked. "
            "Shorten it, or add the long text as a document."
        )
    return question


def _short_title(question: str) -> str:
    line = " ".join(question.split())
    return line if len(line) <= 60 else line[:59].rsplit(" ", 1)[0] + "…"


def _history(earlier: Sequence[Turn]) -> tuple[Message, ...]:
    """The last finished turns as messages; an answer that broke off teaches the model nothing."""
    messages: list[Message] = []
    for turn in [turn for turn in earlier if turn.answer.status in ("complete", "abstained")][-HISTORY_TURNS:]:
        messages.append(Message("user", turn.question))
        messages.append(Message("assistant", turn.answer.text or turn.answer.reason or ""))
    return tuple(messages)
