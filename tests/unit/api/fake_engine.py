"""An engine in memory, for the front ends: text files only, one chunk per paragraph.

It keeps the promises of ``Engine``'s docstrings and is able to be wrong: a search finds by
shared words and nothing else, and an answer is the first sentence that was found. Answers
wait for ``gate`` between their words, so that a test can look at one in the middle.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from citewise.answer.verify import verify
from citewise.engine import Engine
from citewise.errors import IngestError, NotAllowedError, NotFoundError, QuestionError
from citewise.registry.backup import write_backup, write_backup_aside
from citewise.registry.blobs import Blobs
from citewise.registry.database import Registry
from citewise.types import (
    Added,
    Answer,
    Chunk,
    Citation,
    Collection,
    Conversation,
    Document,
    DocumentText,
    DocumentVersion,
    Evidence,
    Feedback,
    FeedbackReason,
    Message,
    ModelCheck,
    ModelInfo,
    OnDuplicate,
    Original,
    PageSpan,
    ParseReport,
    Query,
    Replay,
    ScoredChunk,
    SearchResult,
    Suggestion,
    Turn,
    Upload,
    Usage,
    Variants,
    Verdict,
    WatchedFolder,
    Where,
)
from citewise.upkeep import BackupReport, Health, KeptQuote, Problem
from tests.fake_index import FakeIndex
from tests.unit.registry.whole import make_home

PNG = b"\x89PNG\r\n\x1a\n"
STOPWORDS = frozenset({"a", "an", "and", "at", "does", "how", "is", "of", "on", "the", "to", "what", "when", "who"})


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower())) - STOPWORDS


class FakeEngine(FakeIndex, Engine):
    def __init__(self, folder: Path, *, max_bytes: int = 1000) -> None:
        super().__init__()
        self._folder = folder
        self._max_bytes = max_bytes
        self._documents: dict[str, Document] = {}
        self._texts: dict[str, str] = {}
        self._removed: dict[str, Document] = {}
        self._collections: set[str] = set()
        self._folders: dict[str, WatchedFolder] = {}
        self._conversations: dict[str, Conversation] = {}
        self._hidden: dict[str, Conversation] = {}
        self._hidden_turns: set[str] = set()
        self._turns: dict[str, Turn] = {}
        self._stopped: set[str] = set()
        self._purged: set[str] = set()
        self.asked: list[dict[str, Any]] = []
        self.wordings: list[tuple[bool, Variants | None]] = []
        self.queries: list[Query] = []
        self.gate = threading.Event()
        self.gate.set()
        self.ready = True
        self.failure: Exception | None = None  # what searching and listing raise
        self.model_failure: str | None = None
        self.closed = False

    @property
    def max_file_bytes(self) -> int:
        return self._max_bytes

    def close(self) -> None:
        self.closed = True

    def backup(self, path: Path | None = None) -> BackupReport:
        """Of another directory, with one document."""
        if self.failure:
            raise self.failure
        make_home(self._folder / "home", 1)
        registry, blobs = Registry(self._folder / "home"), Blobs(self._folder / "home")
        try:
            return write_backup(registry, blobs, path) if path else write_backup_aside(registry, blobs)
        finally:
            registry.close()

    def check(self, *, deep: bool = False) -> list[Problem]:
        return []

    def health(self) -> Health:
        checks = {"registry": "ok", "index": "ok" if self.ready else "The index is being opened."}
        return Health(ready=self.ready, checks=checks, embedder="ready" if self.ready else "loading")

    # --- documents --------------------------------------------------------------------

    def add(
        self, uploads: Sequence[Upload], *, collection: str = "default", on_duplicate: OnDuplicate = "skip"
    ) -> list[Added]:
        self._collections.add(collection)
        return [self._add_one(upload, collection) for upload in uploads]

    def _add_one(self, upload: Upload, collection: str) -> Added:
        assert (upload.stream is None) != (upload.text is None)
        content = upload.stream.read() if upload.stream else (upload.text or "").encode()
        source = upload.source
        if not content:
            return Added(source, None, None, None, "failed", f"{source} is empty. Add it again once it has content.")
        if len(content) > self._max_bytes:
            return Added(source, None, None, None, "failed", f"{source} is too large. Split it and add the parts.")
        content_hash = hashlib.sha256(content).hexdigest()
        old = next((d for d in self._documents.values() if (d.collection, d.source) == (collection, source)), None)
        if old and old.content_hash == content_hash:
            return Added(source, old.id, old.version, None, "skipped", "The same file is here already.")
        readable = b"\x00" not in content
        text = content.decode("utf-8", "replace") if readable else ""
        document = Document(
            id=old.id if old else f"d{len(self._documents) + len(self._removed) + 1}",
            collection=collection,
            source=source,
            title=upload.title or source,
            version=old.version + 1 if old else 1,
            status="ready" if readable else "failed",
            error=None if readable else f"{source} is an unknown binary file, which Citewise cannot read yet.",
            media_type="text/plain",
            content_hash=content_hash,
            bytes=len(content),
            pages=1 if readable else 0,
            chunks=len(list(_paragraphs(text))),
            added_at=time.time(),
            report=ParseReport(characters=len(text)) if readable else None,
        )
        document = replace(document, serving_version=document.version if readable else None)
        self._documents[document.id] = document
        self._texts[document.id] = text
        (self._folder / document.id).write_bytes(content)
        return Added(source, document.id, document.version, f"job-{document.id}", "received")

    def wait(self, job_ids: Sequence[str], *, timeout_s: float | None = None) -> bool:
        return True

    def documents(self, *, collection: str | None = None) -> list[Document]:
        if self.failure:
            raise self.failure
        if collection is not None:
            self._check_collection(collection)
        newest_first = reversed(self._documents.values())
        return [document for document in newest_first if collection in (None, document.collection)]

    def document(self, document_id: str) -> Document:
        if document_id not in self._documents:
            raise NotFoundError("document", document_id)
        return self._documents[document_id]

    def show(self, document_id: str, *, version: int | None = None) -> DocumentText:
        document = self.document(document_id)
        if version not in (None, document.version):
            raise NotFoundError("version", str(version))
        text = self._texts[document_id]
        return DocumentText(document, text, (PageSpan(1, 0, len(text)),), (), tuple(self._chunks(document)))

    def _chunks(self, document: Document) -> Iterator[Chunk]:
        text = self._texts[document.id]
        for ordinal, (start, end) in enumerate(_paragraphs(text)):
            yield Chunk(
                id=f"{document.id}-{document.version}-{ordinal}",
                document_id=document.id,
                version=document.version,
                ordinal=ordinal,
                start=start,
                end=end,
                page_first=1,
                page_last=1,
                headings=(),
                text=text[start:end],
                context=document.title,
            )

    def original(self, document_id: str, *, version: int | None = None) -> Original:
        document = self.document(document_id)
        return Original(self._folder / document_id, document.source, document.media_type)

    def page_image(self, document_id: str, page: int, *, version: int | None = None, width: int = 1000) -> bytes:
        if page > self.document(document_id).pages:
            raise NotFoundError("page", str(page))
        return PNG + str(width).encode()

    def cancel(self, document_id: str) -> None:
        self.document(document_id)

    def retry(self, document_id: str) -> str:
        self.document(document_id)
        return f"job-{document_id}"

    def remove(self, document_ids: Sequence[str], *, purge: bool = False) -> int:
        gone = [document_id for document_id in document_ids if document_id in self._documents]
        for document_id in gone:
            document = self._documents.pop(document_id)
            if not purge:
                self._removed[document_id] = document
        return len(gone)

    def quotes_of(self, document_ids: Sequence[str]) -> list[KeptQuote]:
        return [
            KeptQuote(
                turn.conversation_id,
                (self._conversations | self._hidden)[turn.conversation_id].title,
                turn.id,
                one.marker,
                one.document_id,
                one.source,
                one.quote[:60],
            )
            for turn in self._turns.values()
            for one in turn.answer.citations
            if one.document_id in document_ids and not one.erased
        ]

    def restore(self, document_ids: Sequence[str]) -> int:
        back = [document_id for document_id in document_ids if document_id in self._removed]
        self._documents.update({document_id: self._removed.pop(document_id) for document_id in back})
        return len(back)

    def set_enabled(self, document_ids: Sequence[str], enabled: bool) -> int:
        changed = [one for one in document_ids if one in self._documents and self._documents[one].enabled != enabled]
        self._documents.update({one: replace(self._documents[one], enabled=enabled) for one in changed})
        return len(changed)

    def set_tags(self, document_id: str, tags: Sequence[str]) -> None:
        document = self.document(document_id)
        if any(not tag.strip() for tag in tags):
            raise QuestionError("'' cannot be a tag. Use 1 to 50 printable characters.")
        self._documents[document_id] = replace(document, tags=tuple(sorted({tag.strip() for tag in tags})))

    def move(self, document_ids: Sequence[str], collection: str) -> int:
        taken = {document.source for document in self._documents.values() if document.collection == collection}
        moved = [self._documents[one] for one in document_ids if one in self._documents]
        moved = [document for document in moved if document.collection != collection]
        for document in moved:
            if document.source in taken:
                raise NotAllowedError(f"{document.source} cannot be moved: that name is taken in {collection}.")
        self._collections.add(collection)
        self._documents.update({document.id: replace(document, collection=collection) for document in moved})
        return len(moved)

    def versions(self, document_id: str) -> list[DocumentVersion]:
        newest = self.document(document_id)
        return [
            DocumentVersion(number, "ready", None, f"hash {number}", 3, 1, 1000.0 + number, number == newest.version)
            for number in range(newest.version, 0, -1)
        ]

    def watch_folder(self, path: str | Path, collection: str = "default") -> WatchedFolder:
        if not Path(path).is_dir():
            raise IngestError(f"There is no folder {str(path)!r} on this machine. Correct the path.")
        self._collections.add(collection)
        folder = WatchedFolder(
            id=f"f{len(self._folders) + 1}",
            path=str(path),
            collection=collection,
            created_at=time.time(),
            looked_at=None,
            documents=len(self._documents),
            error=None,
            refused=(("big.txt", "It is too large."),),
        )
        self._folders[folder.id] = folder
        return folder

    def unwatch_folder(self, folder_id: str, *, remove_documents: bool = False) -> int:
        if self._folders.pop(folder_id, None) is None:
            raise NotFoundError("watched folder", folder_id)
        return self.remove(list(self._documents)) if remove_documents else 0

    def watched_folders(self) -> list[WatchedFolder]:
        return list(self._folders.values())

    def collections(self) -> list[Collection]:
        return [
            Collection(f"c-{name}", name, len(found), sum(document.chunks for document in found))
            for name in sorted(self._collections)
            for found in [[d for d in self._documents.values() if d.collection == name]]
        ]

    def _check_collection(self, name: str) -> None:
        if name not in self._collections:
            raise NotFoundError("collection", name)

    # --- questions --------------------------------------------------------------------

    def verify(self, sentence: str, quotes: Sequence[str]) -> tuple[Verdict, str]:
        return verify(sentence, quotes)

    def replay(self, turn_id: str) -> Replay:
        turn = self.turn(turn_id)
        return Replay(turn_id, self.search(Query(turn.question)), same=False, changed=("tides.txt changed since.",))

    def search(self, query: Query) -> SearchResult:
        if self.failure:
            raise self.failure
        _check_question(query.text)
        if unknown := set(query.where) - {"document", "source", "tag", "type"}:
            raise QuestionError(f"There is no field {unknown.pop()!r} to filter by.")
        self._check_collection(query.collection)
        self.queries.append(query)
        standalone = query.text if not query.history else f"{query.text} ({query.history[0].content})"
        wanted = words(standalone)
        scored = sorted(
            (
                (len(wanted & words(chunk.text)), document, chunk)
                for document in self._documents.values()
                if document.collection == query.collection
                and document.enabled
                and query.where.get("tag") in (None, *document.tags)
                and query.where.get("source", document.source) == document.source
                for chunk in self._chunks(document)
                if wanted & words(chunk.text)
            ),
            key=lambda entry: (-entry[0], entry[2].id),
        )
        hits = tuple(
            ScoredChunk(
                chunk=chunk,
                score=float(shared),
                rank=rank,
                scores={"keyword": float(shared)},
                source=document.source,
                title=document.title,
                content_hash=document.content_hash,
                locator="page 1",
            )
            for rank, (shared, document, chunk) in enumerate(scored[: query.k], 1)
        )
        return SearchResult(query.text, standalone, hits, {"total": 1.0}, "g1", trace={"words": sorted(wanted)})

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
        _check_question(question)
        if named := instead_of or after:
            conversation_id = self.turn(named).conversation_id
        if model not in (None, "extractive"):
            raise NotFoundError("model", str(model))
        if conversation_id is None:
            self._check_collection(collection)
            conversation_id = self.start_conversation(collection=collection, title=question[:60]).id
        elif conversation_id not in self._conversations:
            raise NotFoundError("conversation", conversation_id)
        self.asked.append({"k": k, "where": where, "history": history, "conversation_id": conversation_id})
        self.wordings.append((rewrite, variants))
        earlier = [turn for turn in self._turns.values() if turn.conversation_id == conversation_id]
        identity = f"t{len(self._turns) + 1}"
        versions = (*self.turn(instead_of).versions, identity) if instead_of else (identity,)
        for other in versions[:-1]:
            self._turns[other] = replace(self._turns[other], versions=versions)
        self._hidden_turns.update(versions[:-1])
        turn = Turn(
            id=identity,
            versions=versions,
            conversation_id=conversation_id,
            ordinal=len(earlier),
            question=question,
            standalone_question=question,
            created_at=time.time(),
            answer=Answer("", "running", model="extractive"),
        )
        self._turns[turn.id] = turn
        query = Query(question, collection, k or 3, where or {}, tuple(history or ()))
        threading.Thread(target=self._write, args=(turn, query), daemon=True).start()
        return turn

    def _write(self, turn: Turn, query: Query) -> None:
        self._turns[turn.id] = turn = replace(turn, step="searching")
        if self.model_failure:
            self._turns[turn.id] = replace(turn, answer=replace(turn.answer, status="error", error=self.model_failure))
            return
        found = self.search(query)
        answer = _extract(found)
        written = ""
        for word in re.findall(r"\S+\s*", answer.text):
            written += word
            partial = replace(turn.answer, text=written)
            self._turns[turn.id] = turn = replace(turn, answer=partial, step="writing")
            self.gate.wait(5)
            if turn.id in self._stopped:
                answer = replace(partial, status="cancelled")
                break
        self._turns[turn.id] = replace(turn, answer=answer, standalone_question=found.standalone_question, step="")

    def again(self, turn_id: str, *, model: str | None = None) -> Turn:
        return self.ask(self.turn(turn_id).question, instead_of=turn_id, model=model)

    def show_branch(self, turn_id: str) -> None:
        self._hidden_turns.update(self.turn(turn_id).versions)
        self._hidden_turns.remove(turn_id)

    def rate(self, turn_id: str, *, good: bool, reason: FeedbackReason | None = None, note: str = "") -> Feedback:
        if good and reason:
            raise QuestionError("A reason is given for an answer that is not good.")
        self._turns[turn_id] = replace(self.turn(turn_id), feedback=Feedback(good, reason, note, 1.0))
        return Feedback(good, reason, note, 1.0)

    def unrate(self, turn_id: str) -> None:
        self._turns[turn_id] = replace(self.turn(turn_id), feedback=None)

    def turn(self, turn_id: str) -> Turn:
        if turn_id not in self._turns:
            raise NotFoundError("turn", turn_id)
        return self._turns[turn_id]

    def watch(self, turn_id: str, *, poll_s: float = 0.05) -> Iterator[Turn]:
        shown = None
        while True:
            turn = self.turn(turn_id)
            if turn != shown:
                shown = turn
                yield turn
            if turn.answer.status != "running":
                return
            time.sleep(0.001)

    def stop(self, turn_id: str) -> None:
        self.turn(turn_id)
        self._stopped.add(turn_id)
        self.gate.set()

    def suggestions(self, collection: str = "default", *, wait_s: float = 0.0) -> tuple[Suggestion, ...]:
        self._check_collection(collection)
        return tuple(
            Suggestion(f"What is in {one.source}?", one.id, one.version, one.source)
            for one in self._documents.values()
            if one.collection == collection
        )

    def models(self) -> list[ModelInfo]:
        return [ModelInfo("extractive", "Quotes only", True), ModelInfo("openai:x", "x", False, "Set OPENAI_API_KEY.")]

    def check_model(self, name: str | None = None) -> ModelCheck:
        return ModelCheck(name or "extractive", ok=name is None, detail="It runs here.", seconds=0.1)

    # --- conversations ----------------------------------------------------------------

    def start_conversation(self, *, collection: str = "default", title: str = "") -> Conversation:
        now = time.time()
        conversation = Conversation(f"v{len(self._conversations) + 1}", title, collection, now, now)
        self._conversations[conversation.id] = conversation
        return conversation

    def conversations(self) -> list[Conversation]:
        return list(reversed(self._conversations.values()))

    def conversation(self, conversation_id: str, *, branch: str | None = None) -> tuple[Conversation, list[Turn]]:
        if conversation_id not in self._conversations:
            raise NotFoundError("conversation", conversation_id)
        hidden = self._hidden_turns - {branch}
        turns = [
            turn for turn in self._turns.values() if turn.conversation_id == conversation_id and turn.id not in hidden
        ]
        return self._conversations[conversation_id], turns

    def rename_conversation(self, conversation_id: str, title: str) -> None:
        conversation, _ = self.conversation(conversation_id)
        self._conversations[conversation_id] = replace(conversation, title=title)

    def delete_conversation(self, conversation_id: str) -> None:
        self._hidden[conversation_id] = self.conversation(conversation_id)[0]
        del self._conversations[conversation_id]

    def restore_conversation(self, conversation_id: str) -> None:
        if conversation_id not in self._hidden:
            raise NotFoundError("deleted conversation", conversation_id)
        self._conversations[conversation_id] = self._hidden.pop(conversation_id)


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    for match in re.finditer(r"\S[^\n]*(?:\n(?!\n)[^\n]+)*", text):
        yield match.span()


def _check_question(question: str) -> None:
    if not question.strip():
        raise QuestionError("There is no question. Type one and ask again.")
    if len(question) > 8000:
        raise QuestionError(f"The question is {len(question):,} characters long; at most 8,000 can be asked.")


def _extract(found: SearchResult) -> Answer:
    """Answer with the first sentence of the best hit, or abstain when fewer than two words are shared."""
    trace: dict[str, Any] = {"search": {"timings_ms": {"total": 1.0}}, "generation": found.generation}
    trace |= {"reranker": None, "degraded": []}
    if not found.hits or found.hits[0].score < 2:
        reason = "The documents do not say."
        return Answer("", "abstained", contexts=found.hits, model="extractive", reason=reason, trace=trace)
    hit = found.hits[0]
    quote = re.match(r".*?[.!?](?=\s|$)|.+", hit.chunk.text, re.DOTALL)
    assert quote
    citation = Citation(
        marker=1,
        document_id=hit.chunk.document_id,
        version=hit.chunk.version,
        content_hash=hit.content_hash,
        chunk_id=hit.chunk.id,
        source=hit.source,
        title=hit.title,
        start=hit.chunk.start,
        end=hit.chunk.start + quote.end(),
        page=1,
        quote=quote.group(),
        locator=hit.locator,
    )
    gap = {"noun": "page", "pages": 9, "without_text": 2, "garbled": 0, "unread": 1}
    trace["incomplete"] = [{"document_id": hit.chunk.document_id, "version": hit.chunk.version, **gap}]
    text = f"{quote.group()} [1]"
    evidence = Evidence(quote.group(), 0, quote.end(), (1,), "supported", "The words are the document's own.")
    return Answer(text, "complete", (evidence,), (citation,), found.hits, "extractive", Usage(3, 4), 0.0, trace=trace)
