"""What a front end may call. The UI, the API and the command line see nothing below this.

One ``Engine`` owns one data directory for its life. All methods may be called from any
thread. Long work (ingesting, answering) is done by jobs that the engine owns and stores
as they go: a caller only starts and watches them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import Connection

from citewise.answer.jobs import AnswerRunner
from citewise.answer.models import ChatModels
from citewise.asking import Asking
from citewise.errors import CitewiseError, NotFoundError, QuestionError
from citewise.evaluate.compare import of_folder
from citewise.evaluate.runner import Evaluations
from citewise.index.manager import IndexManager
from citewise.ingest import intake
from citewise.ingest.look import folder_to_watch
from citewise.ingest.originals import Originals
from citewise.ingest.runner import IngestRunner
from citewise.ingest.watch import FolderWatcher
from citewise.observe.metrics import metrics
from citewise.protocols import RoutedEmbedder
from citewise.registry import (
    branches,
    collections,
    conversations,
    documents,
    feedback,
    generations,
    index_jobs,
    jobs,
    quotes,
    removal,
    turns,
    watched,
)
from citewise.registry.backup import write_backup, write_backup_aside
from citewise.registry.blobs import Blobs
from citewise.registry.database import Registry
from citewise.registry.jobs import Job
from citewise.registry.owner import OwnerLock
from citewise.retrieve.asked import AskedQuestions
from citewise.retrieve.suggest import Suggestions
from citewise.settings import Settings
from citewise.types import (
    Added,
    Box,
    Collection,
    Conversation,
    Document,
    DocumentText,
    DocumentVersion,
    Feedback,
    FeedbackReason,
    IndexJob,
    IndexJobKind,
    IndexStatus,
    Message,
    ModelCheck,
    ModelInfo,
    OnDuplicate,
    Original,
    Query,
    Replay,
    SearchResult,
    Suggestion,
    Turn,
    Upload,
    Variants,
    Verdict,
    WatchedFolder,
    Where,
)
from citewise.upkeep import BackupReport, Erasable, Health, KeptQuote, Problem

if TYPE_CHECKING:
    from citewise.answer.export.exports import Exports

log = structlog.get_logger(__name__)


class Engine:
    """See ``citewise.build.open_engine`` for how one is made."""

    def __init__(
        self,
        *,
        settings: Settings,
        lock: OwnerLock,
        registry: Registry,
        blobs: Blobs,
        index: IndexManager,
        originals: Originals,
        asking: Asking,
        asked: AskedQuestions,
        models: ChatModels,
        ingest: IngestRunner,
        watcher: FolderWatcher,
        answers: AnswerRunner,
        close: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._lock = lock
        self._registry = registry
        self._blobs = blobs
        self._index = index
        self._originals = originals
        self._asking = asking
        self._asked = asked
        self._models = models
        self._ingest = ingest
        self._watcher = watcher
        self._answers = answers
        self._close = close
        self._suggestions = Suggestions(registry, asking.answered_from)
        self.evaluations = Evaluations(registry, self)
        """A person's test cases, and runs over them."""

    @cached_property
    def exports(self) -> Exports:
        """Conversations to take away and to bring back."""
        from citewise.answer.export.exports import Exports  # noqa: PLC0415 - few starts need its formats

        return Exports(self._registry, more=self._asked.more)

    # --- life -------------------------------------------------------------------------

    def close(self) -> None:
        """Stop jobs at their next committed step, close everything, release the directory."""
        self.evaluations.close()
        self._suggestions.close()
        self._close()

    def announce(self, url: str) -> None:
        """Remember the address that this process serves, for the message a second process gets."""
        self._lock.announce(url)

    def health(self) -> Health:
        """Check what answering needs; cheap enough to be asked every second."""
        checks = {"registry": "ok", "index": "ok", "embedder": "ok", "ingest": self._ingest.waiting_for or "ok"}
        try:
            with self._registry.read() as rx:
                generations.active(rx)
        except CitewiseError as error:
            checks["registry"] = str(error)
        index, detail = self._index.state
        degraded: list[str] = []
        if index != "ok":
            checks["index"] = detail
        if index in ("checking", "degraded"):
            degraded.append("Questions are answered by exact search over the stored text.")
        model = self._index.embedder()
        embedder = model.state
        if embedder == "loading":
            checks["embedder"] = "The language model is being loaded."
        elif embedder == "failed":
            checks["embedder"] = "It failed to load."
            degraded.append("Search by meaning is off: the embedding model failed to load.")
        ready = checks["registry"] == "ok" and index != "opening" and embedder != "loading"
        way = f", {model.route}" if isinstance(model, RoutedEmbedder) else ""
        return Health(
            ready=ready,
            checks=checks,
            embedder=embedder,
            degraded=tuple(degraded),
            embedding=f"{model.name}{way}",
        )

    @property
    def max_file_bytes(self) -> int:
        """The largest file that ``add`` takes."""
        return self._settings.ingest.max_file_mb * 10**6

    def backup(self, path: Path | None = None) -> BackupReport:
        """Write registry and originals into one file while the work goes on.

        Without ``path`` the file is in a folder of its own, which the caller deletes.
        """
        if path is None:
            return write_backup_aside(self._registry, self._blobs)
        return write_backup(self._registry, self._blobs, path)

    def check(self, *, deep: bool = False) -> list[Problem]:
        """What is wrong with the registry; ``deep`` compares texts, vectors and originals too."""
        return self._registry.check(deep=deep)

    # --- documents --------------------------------------------------------------------

    def add(
        self, uploads: Sequence[Upload], *, collection: str = "default", on_duplicate: OnDuplicate = "skip"
    ) -> list[Added]:
        """Take files in. On return each is safe on disk; reading and indexing go on as jobs.

        A file that cannot be taken (empty, too large) is ``failed`` and stops no other.
        Same name and same bytes: nothing to do, unless reading it failed before. Otherwise as
        ``on_duplicate`` says:

        ========  =============================  ==================================================
                  same bytes, other name         same name, other bytes
        ========  =============================  ==================================================
        skip      nothing to do                  a new version of the document
        replace   the document gets a new one    a new version of the document
                  in its place
        keep      both are kept                  both are kept; the new one is named ``a (2).txt``,
                                                 see ``Added.source``
        ========  =============================  ==================================================
        """
        added = intake.add(
            self._registry,
            self._blobs,
            uploads,
            collection=collection,
            on_duplicate=on_duplicate,
            limit_bytes=self.max_file_bytes,
        )
        self._ingest.wake()
        return added

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
        """Text, pages, blocks, places and chunks; of the serving version when none is named."""
        with self._registry.read() as rx:
            newest = documents.get(rx, document_id)
            wanted = version or newest.serving_version or newest.version
            return DocumentText(
                document=documents.get(rx, document_id, version=wanted),
                text=documents.text(rx, document_id, wanted),
                pages=documents.pages(rx, document_id, wanted),
                blocks=documents.blocks(rx, document_id, wanted),
                chunks=tuple(documents.chunks(rx, document_id, wanted)),
                places=documents.places(rx, document_id, wanted),
            )

    def original(self, document_id: str, *, version: int | None = None) -> Original:
        """The uploaded bytes. Raises ``NotFoundError`` once they were erased."""
        return self._originals.get(document_id, version)

    def page_image(
        self,
        document_id: str,
        page: int,
        *,
        version: int | None = None,
        width: int = 1000,
        boxes: Sequence[Box] = (),
    ) -> bytes:
        """Render one page of a PDF as PNG, ``width`` pixels wide, rotated as a reader sees it, ``boxes`` drawn."""
        return self._originals.page_image(self.original(document_id, version=version), page, width=width, boxes=boxes)

    def citation_image(self, turn_id: str, marker: int, *, page: int | None = None, width: int = 1000) -> bytes:
        """Render the page that a citation quotes, or another one, as PNG, the quoted words on it boxed.

        Raises:
            NotFoundError: There is no such turn, citation or page, or the original was erased.
        """
        for citation in self.turn(turn_id).answer.citations:
            if citation.marker == marker and citation.page is not None:
                original = self.original(citation.document_id, version=citation.version)
                wanted = citation.page if page is None else page
                boxes = [box for box in citation.boxes if box.page == wanted]
                return self._originals.page_image(original, wanted, width=width, boxes=boxes)
        raise NotFoundError("citation with a page", str(marker))

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
        text and vectors are erased, and the quotes that old answers keep of them, see
        ``quotes_of``. Files of the indexes hold traces until the index job ``compact``.
        """
        if not purge:
            with self._registry.write() as tx:
                return removal.remove(tx, document_ids)
        with self._blobs.lock:
            with self._registry.write() as tx:
                purged = removal.purge(tx, document_ids)
            for content_hash in purged.content_hashes:
                self._blobs.delete(content_hash)
        self._registry.flush_log()
        self._index.sync(purged=purged.chunk_ids)
        return purged.documents

    def quotes_of(self, document_ids: Sequence[str]) -> list[KeptQuote]:
        """The quotes that old answers keep of documents, also of removed and erased ones."""
        with self._registry.read() as rx:
            return quotes.of_documents(rx, document_ids)

    def set_enabled(self, document_ids: Sequence[str], enabled: bool) -> int:
        """Take documents out of every answer while keeping them, or bring them back; returns how many changed."""
        with self._registry.write() as tx:
            return documents.set_enabled(tx, document_ids, enabled=enabled)

    def set_tags(self, document_id: str, tags: Sequence[str]) -> None:
        """Give a document these tags and no others. Raises ``NotFoundError``, and ``QuestionError`` for a bad tag."""
        with self._registry.write() as tx:
            documents.set_tags(tx, document_id, tags)

    def move(self, document_ids: Sequence[str], collection: str) -> int:
        """Put documents into another collection, which is made if need be; returns how many were moved.

        Raises:
            NotAllowedError: A document there has the name of one of these; none was moved.
            QuestionError: The collection cannot be named so.
        """
        with self._registry.write() as tx:
            moved = documents.move(tx, document_ids, collections.ensure(tx, collection))
        self._index.sync()
        return moved

    def versions(self, document_id: str) -> list[DocumentVersion]:
        """Every version of a document, newest first. Raises ``NotFoundError``."""
        with self._registry.read() as rx:
            return documents.versions_of(rx, document_id)

    def restore(self, document_ids: Sequence[str]) -> int:
        """Undo ``remove``; returns how many came back."""
        with self._registry.write() as tx:
            restored = removal.restore(tx, document_ids)
        self._ingest.wake()
        self._index.sync()
        return restored

    def collections(self) -> list[Collection]:
        """All collections, by name."""
        with self._registry.read() as rx:
            return collections.list_all(rx)

    # --- watched folders --------------------------------------------------------------

    def watch_folder(self, path: str | Path, collection: str = "default") -> WatchedFolder:
        """Let a folder's files be documents of a collection from now on: added, changed, removed as they are.

        A document that has the name of a file there becomes that file's.

        Raises:
            IngestError: It is not the whole path of a folder that is there.
            NotAllowedError: It holds the data directory, or is within it.
        """
        folder = folder_to_watch(path, data_directory=self._settings.home)
        with self._registry.write() as tx:
            collections.ensure(tx, collection)
            folder_id = watched.add_folder(tx, str(folder), collection)
        self._watcher.wake()
        return next(one for one in self._watcher.folders() if one.id == folder_id)

    def unwatch_folder(self, folder_id: str, *, remove_documents: bool = False) -> int:
        """Follow a folder no more; returns how many of its documents were removed. Raises ``NotFoundError``."""
        with self._registry.write() as tx:
            document_ids = watched.remove_folder(tx, folder_id)
            return removal.remove(tx, document_ids) if remove_documents else 0

    def watched_folders(self) -> list[WatchedFolder]:
        """All watched folders, each as of the last look at it."""
        return self._watcher.folders()

    # --- the index --------------------------------------------------------------------

    def index_status(self) -> IndexStatus:
        """How the indexes are, which generations there are, and what goes on."""
        return self._index.status()

    def index_job(
        self, kind: IndexJobKind, *, generation_id: str | None = None, options: Mapping[str, Any] | None = None
    ) -> IndexJob:
        """Start work on the indexes, and return its job at once.

        Args:
            kind: ``verify`` looks for every chunk; ``rebuild`` writes the same vectors to new files;
                ``reembed`` makes chunks and vectors anew as the settings say, beside what serves, and
                compares both; ``update`` cuts stale documents anew; ``switch`` lets answers come from a
                generation that waits; ``rollback`` from the former one; ``compact`` erases what was removed
                from every file, and proves it.
            generation_id: For ``switch`` and ``rollback``: which one, instead of the newest.
            options: For ``reembed``: ``model`` (PROVIDER:NAME), ``switch`` (at once when it is built),
                ``questions`` (a folder in the format of ``citewise eval``).

        Raises:
            NotAllowedError: One of that kind runs already, or there is nothing to switch to.
            NotFoundError: There is no such generation.
            IngestError: ``questions`` cannot be read.
        """
        options = options or {}
        if folder := options.get("questions"):
            of_folder(Path(folder), collection="")  # said now, not after hours of embedding
        return self._index.submit(kind, options, generation_id=generation_id)

    def running_index_job(self) -> IndexJob | None:
        """The index job that goes on or comes next, if any; cheap enough to be asked by every page."""
        with self._registry.read() as rx:
            return index_jobs.next_open(rx)

    def erasable(self) -> Erasable:
        """What ``compact`` would erase."""
        with self._registry.read() as rx:
            removed = removal.removed_ids(rx)
            kept = [*quotes.of_documents(rx, removed), *quotes.of_erased(rx)]
        return Erasable(len(removed), len(kept), len({quote.turn_id for quote in kept}))

    def index_job_now(self, job_id: str, *, wait_s: float | None = 0) -> IndexJob:
        """An index job as it is, waited for up to ``wait_s`` seconds (``None``: to its end)."""
        return self._index.wait(job_id, timeout_s=wait_s)

    def cancel_index_job(self, job_id: str) -> None:
        """Ask an index job to end; what serves goes on serving. Raises ``NotFoundError``."""
        self._index.cancel(job_id)

    # --- questions --------------------------------------------------------------------

    def search(self, query: Query) -> SearchResult:
        """Find chunks.

        Raises:
            QuestionError: The question is empty or too long, or ``where`` names an unknown field.
            NotFoundError: There is no such collection.
            StoreError: No index could answer.
        """
        return self._asking.search(query)

    def replay(self, turn_id: str) -> Replay:
        """Search again for what a stored turn was answered from, and say what is not as it was.

        Raises:
            NotFoundError: There is no such turn, or its collection is gone.
            NotAllowedError: The turn never searched, or how was not kept.
            StoreError: No index could answer.
        """
        return self._asking.replay(self.turn(turn_id))

    def ask(
        self,
        question: str,
        *,
        conversation_id: str | None = None,
        after: str | None = None,
        instead_of: str | None = None,
        collection: str = "default",
        model: str | None = None,
        k: int | None = None,
        where: Where | None = None,
        history: Sequence[Message] | None = None,
        rewrite: bool = True,
        variants: Variants | None = None,
    ) -> Turn:
        """Start an answer and return its turn at once, ``running``.

        Without ``conversation_id``, ``after`` and ``instead_of`` a new conversation is begun, titled
        after the question. The turn comes at the end of the branch that is shown, or that ``after``
        is in; with ``instead_of`` it is another version of that turn, which is kept. Its branch is
        the one that is shown from now on.
        ``history`` stands in for earlier turns, for callers without a conversation. ``where``, ``rewrite`` and
        ``variants`` are those of a ``Query``.

        Raises:
            QuestionError, NotFoundError, SettingsError: Before anything is stored.
        """
        return self._asking.ask(
            question,
            conversation_id=conversation_id,
            after=after,
            instead_of=instead_of,
            collection=collection,
            model=model,
            k=k,
            where=where,
            history=history,
            rewrite=rewrite,
            variants=variants,
        )

    def again(self, turn_id: str, *, model: str | None = None) -> Turn:
        """Start another answer to the question of a turn, which is kept; with its filters, and its model or another.

        Raises:
            NotFoundError, SettingsError: Before anything is stored.
        """
        return self._asking.again(self.turn(turn_id), model=model)

    def turn(self, turn_id: str) -> Turn:
        """A turn as it is now, its text so far included. Raises ``NotFoundError``."""
        return self._asked.resolved(self._answers.turn(turn_id))

    def watch(self, turn_id: str, *, poll_s: float = 0.05) -> Iterator[Turn]:
        """Yield the turn each time it changed, the last one finished."""
        return map(self._asked.resolved, self._answers.watch(turn_id, poll_s=poll_s))

    def stop(self, turn_id: str) -> None:
        """End a running answer; its text so far is kept, ``cancelled``."""
        self._answers.stop(turn_id)

    def suggestions(self, collection: str = "default", *, wait_s: float = 0.0) -> tuple[Suggestion, ...] | None:
        """Questions to begin with, which documents of a collection answer; ``None`` while they are looked for.

        Args:
            collection: Its name.
            wait_s: How long to wait for them.

        Raises:
            NotFoundError: There is no such collection.
        """
        return self._suggestions.get(collection, wait_s=wait_s)

    def verify(self, sentence: str, quotes: Sequence[str]) -> tuple[Verdict, str]:
        """Judge whether a sentence says no more than its quotes, as every answer is; verdict and reason."""
        return self._asking.verify(sentence, quotes)

    def models(self) -> list[ModelInfo]:
        """Chat models that can be chosen, the default first."""
        return self._models.offered()

    def check_model(self, name: str | None = None) -> ModelCheck:
        """Ask a chat model for one word, to see whether it can be reached. Raises ``NotFoundError``."""
        return self._models.check(name)

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

    def conversation(self, conversation_id: str, *, branch: str | None = None) -> tuple[Conversation, list[Turn]]:
        """A conversation and the turns of the branch that is shown, in order; or of that which ``branch`` is in.

        Raises:
            NotFoundError: There is no such conversation, or no such turn in it.
        """
        with self._registry.read() as rx:
            conversation = conversations.get(rx, conversation_id)
            stored = turns.of_conversation(rx, conversation_id, branch=branch)
        return conversation, [self._now(turn) for turn in stored]

    def show_branch(self, turn_id: str) -> None:
        """Let a turn be the one of its versions that is shown, and those before it. Raises ``NotFoundError``."""
        with self._registry.write() as tx:
            branches.show(tx, turn_id)

    def rate(self, turn_id: str, *, good: bool, reason: FeedbackReason | None = None, note: str = "") -> Feedback:
        """Keep what a person thinks of an answer, instead of what they thought before.

        Raises:
            NotFoundError: There is no such turn.
            QuestionError: ``reason`` is for answers that are not good, or the note is too long.
        """
        with self._registry.write() as tx:
            given = feedback.put(tx, turn_id, good=good, reason=reason, note=note.strip())
        metrics().answer_rated(good=good, reason=reason)
        return given

    def unrate(self, turn_id: str) -> None:
        """Forget what a person thinks of an answer. Raises ``NotFoundError``."""
        with self._registry.write() as tx:
            feedback.remove(tx, turn_id)

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
        self._asked.more()

    def _now(self, stored: Turn) -> Turn:
        if stored.answer.status == "running":
            live = self._answers.turn(stored.id)
            stored = replace(live, versions=stored.versions, feedback=stored.feedback)
        return self._asked.resolved(stored)


def _open_job(rx: Connection, document: Document) -> Job | None:
    """The job of a document's newest version, if it is not over."""
    job = jobs.of_version(rx, document.id, document.version)
    return job if job and job.state in ("queued", "running") else None
