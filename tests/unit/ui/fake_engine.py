"""An engine in memory, with scripted answers: every state of a page on demand, wrong ones included."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from citewise.errors import IngestError, NotAllowedError, NotFoundError, QuestionError
from citewise.types import (
    Added,
    Answer,
    Block,
    Box,
    Chunk,
    Citation,
    Collection,
    Conflict,
    Conversation,
    Document,
    DocumentText,
    DocumentVersion,
    Evidence,
    Feedback,
    FeedbackReason,
    ModelCheck,
    ModelInfo,
    OnDuplicate,
    Original,
    PageReport,
    PageSpan,
    ParseReport,
    ScoredChunk,
    Side,
    Suggestion,
    Turn,
    Upload,
    Usage,
    WatchedFolder,
)
from citewise.upkeep import Health, KeptQuote
from tests.fake_index import FakeIndex

HANDBOOK = (
    "2 Travel and expenses\n\n"
    "Trips within the country are booked by rail wherever the journey takes less than five hours. "
    "Flights need the approval of a station lead.\n\n"
    "2.1 Meals on trips\n\n"
    "Meals on trips are paid up to 40 EUR a day, and up to 60 EUR abroad. "
    "Receipts are handed in within four weeks; later ones are not paid.\n\n"
    "2.2 Overnight stays\n\n"
    "A room may cost up to 120 EUR a night. Breakfast counts as part of the room."
)
ANSWER = (
    "Meals on trips are paid up to **40 EUR a day** [1]. Abroad the limit is 60 EUR [1]. "
    "Receipts are handed in within four weeks, and later ones are not paid [2].\n\n"
    "A room may cost up to 120 EUR a night [3]. Breakfast is always free."
)
QUOTES = {
    1: "Meals on trips are paid up to 40 EUR a day, and up to 60 EUR abroad.",
    2: "Receipts are handed in within four weeks; later ones are not paid.",
    3: "A room may cost up to 120 EUR a night.",
}


class FakeEngine(FakeIndex):
    """Answers every question with ``ANSWER``, at once, unless ``script`` says otherwise."""

    def __init__(self, *, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.script: dict[str, Any] = {
            "status": "complete",
            "text": ANSWER,
            "standalone": None,
            "error": None,
            "reason": None,
        }
        self.embedder: Any = "ready"
        self.suggested: tuple[Suggestion, ...] | None = (
            Suggestion("How much is paid for meals on trips?", "d1", 1, "handbook.pdf"),
        )
        self.removed: dict[str, Document] = {}
        self.store: dict[str, Document] = {}
        self.bytes: dict[str, bytes] = {}
        self.chats: dict[str, Conversation] = {}
        self.hidden: dict[str, Conversation] = {}
        self.asked_with: list[dict[str, Any]] = []  # options of every question
        self.turns: dict[str, Turn] = {}
        self.unseen: set[str] = set()  # turns of which another version is shown
        self.stopped: set[str] = set()
        self.stage: Any = None  # the state that added documents stay in, if not ready
        self.page_reports: tuple[PageReport, ...] = ()
        self.unread: tuple[str, ...] = ()
        self.pages = 12
        self.collection_names = ["default"]
        self.folders: dict[str, WatchedFolder] = {}

    def close(self) -> None: ...

    def announce(self, url: str) -> None: ...

    def health(self) -> Health:
        if self.index.state == "ok":
            return Health(ready=True, checks={}, embedder=self.embedder)
        instead = "Questions are answered by exact search over the stored text."
        degraded = () if self.index.state == "opening" else (instead,)
        return Health(ready=True, checks={"index": self.index.detail}, embedder=self.embedder, degraded=degraded)

    # --- documents

    def add(
        self, uploads: Sequence[Upload], *, collection: str = "default", on_duplicate: OnDuplicate = "skip"
    ) -> list[Added]:
        added = []
        for upload in uploads:
            content = upload.stream.read() if upload.stream else b""
            if not content:
                added.append(Added(upload.source, None, None, None, "failed", "The file is empty. Choose another."))
                continue
            named = next((each for each in self.store.values() if each.source == upload.source), None)
            twin = next((each for each in self.store.values() if self.bytes[each.id] == content), None)
            same = named if named and self.bytes[named.id] == content else None if named else twin
            if same and (named or on_duplicate == "skip"):
                added.append(Added(upload.source, same.id, same.version, None, "skipped"))
                continue
            if named and on_duplicate == "keep":
                upload = replace(upload, source=f"another {upload.source}")  # noqa: PLW2901 - under another name
            identity = f"d{len(self.store) + len(self.removed) + 1}"
            self.bytes[identity] = content
            broken = "broken" in upload.source
            document = Document(
                identity, collection, upload.source, "", 1, "received", None, "application/pdf", identity, len(content),
                0, 0, time.time(),
            )  # fmt: skip
            self.store[identity] = document
            self._ingest(identity, broken)
            added.append(Added(upload.source, identity, 1, f"j{identity}", "received"))
        return added

    def _ingest(self, identity: str, broken: bool) -> None:
        if broken:
            reason = "The PDF is protected by a password. Save it without one and add it again."
            self.store[identity] = replace(self.store[identity], status="failed", error=reason)
            return
        if self.stage:
            self.store[identity] = replace(self.store[identity], status=self.stage, done=4, total=10)
            return
        report = ParseReport(
            len(HANDBOOK), pages=self.page_reports, tables=1, images=2, left_out=("2 comments.",),
            warnings=("Page 3 is a scan and was not read.",), unread=self.unread,
        )  # fmt: skip
        self.store[identity] = replace(
            self.store[identity], status="ready", title="Field handbook", pages=12, chunks=48, serving_version=1,
            done=0, total=0, report=report,
        )  # fmt: skip

    def documents(self, *, collection: str | None = None) -> list[Document]:
        if collection not in {each.name for each in self.collections()}:
            raise NotFoundError("collection", str(collection))
        here = [each for each in self.store.values() if each.collection == collection]
        return sorted(here, key=lambda each: -each.added_at)

    def document(self, document_id: str) -> Document:
        if document_id not in self.store:
            raise NotFoundError("document", document_id)
        return self.store[document_id]

    def show(self, document_id: str, *, version: int | None = None) -> DocumentText:
        if document_id not in self.bytes:
            raise NotFoundError("document", document_id)
        document = self.store.get(document_id) or self.removed[document_id]
        blocks = []
        position = 0
        for part in HANDBOOK.split("\n\n"):
            kind: Any = "heading" if part[0].isdigit() else "paragraph"
            blocks.append(Block(kind, position, position + len(part), 9))
            position += len(part) + 2
        return DocumentText(
            document,
            HANDBOOK,
            tuple(
                PageSpan(n, 0 if n <= 9 else len(HANDBOOK), 0 if n < 9 else len(HANDBOOK))
                for n in range(1, self.pages + 1)
            ),
            tuple(blocks),
            (),
        )

    def original(self, document_id: str, *, version: int | None = None) -> Original:
        path = self.folder / f"{document_id}.bin"
        path.write_bytes(self.bytes[document_id])
        return Original(path, self.store.get(document_id, self.removed.get(document_id)).source, "application/pdf")  # type: ignore[union-attr]

    def page_image(
        self,
        document_id: str,
        page: int,
        *,
        version: int | None = None,
        width: int = 1000,
        boxes: Sequence[Box] = (),
    ) -> bytes:
        return _page(boxes=bool(boxes))

    def citation_image(self, turn_id: str, marker: int, *, page: int | None = None, width: int = 1000) -> bytes:
        return _page(boxes=True)

    def cancel(self, document_id: str) -> None:
        self.store[document_id] = replace(self.store[document_id], status="cancelled")

    def retry(self, document_id: str) -> str:
        self._ingest(document_id, broken=False)
        return "j"

    def remove(self, document_ids: Sequence[str], *, purge: bool = False) -> int:
        for identity in document_ids:
            self.removed[identity] = self.store.pop(identity)
        return len(document_ids)

    def quotes_of(self, document_ids: Sequence[str]) -> list[KeptQuote]:
        return [
            KeptQuote(
                turn.conversation_id,
                (self.chats | self.hidden)[turn.conversation_id].title,
                turn.id,
                one.marker,
                one.document_id,
                one.source,
                one.quote[:60],
            )
            for turn in self.turns.values()
            for one in turn.answer.citations
            if one.document_id in document_ids and not one.erased
        ]

    def restore(self, document_ids: Sequence[str]) -> int:
        for identity in document_ids:
            self.store[identity] = self.removed.pop(identity)
        return len(document_ids)

    def set_enabled(self, document_ids: Sequence[str], enabled: bool) -> int:
        for identity in document_ids:
            self.store[identity] = replace(self.store[identity], enabled=enabled)
        return len(document_ids)

    def set_tags(self, document_id: str, tags: Sequence[str]) -> None:
        if any(len(tag) > 50 for tag in tags):
            raise QuestionError("That cannot be a tag. Use 1 to 50 printable characters.")
        self.store[document_id] = replace(self.store[document_id], tags=tuple(sorted(tags)))

    def move(self, document_ids: Sequence[str], collection: str) -> int:
        if collection == "full":
            raise NotAllowedError("It cannot be moved: there is a document of that name in full already.")
        for identity in document_ids:
            self.store[identity] = replace(self.store[identity], collection=collection)
        self.collection_names = sorted({*self.collection_names, collection})
        return len(document_ids)

    def versions(self, document_id: str) -> list[DocumentVersion]:
        document = self.store[document_id]
        failed = DocumentVersion(3, "failed", "It is broken.", "h3", 10, 0, document.added_at, serves=False)
        serving = DocumentVersion(2, "ready", None, "h2", 8, 12, document.added_at, serves=True)
        return [failed, serving, DocumentVersion(1, "ready", None, "h1", 5, 1, 1_000_000.0, serves=False)]

    def watch_folder(self, path: str, collection: str = "default") -> WatchedFolder:
        if not path.startswith("/"):
            raise IngestError(f"{path!r} is not the whole path of a folder, such as /home/me/notes.")
        folder = WatchedFolder(f"f{len(self.folders) + 1}", path, collection, time.time(), None, 0, None)
        self.folders[folder.id] = folder
        return folder

    def unwatch_folder(self, folder_id: str, *, remove_documents: bool = False) -> int:
        del self.folders[folder_id]
        return 0

    def watched_folders(self) -> list[WatchedFolder]:
        return list(self.folders.values())

    def collections(self) -> list[Collection]:
        names = self.collection_names if self.store or self.removed else []
        return [Collection(name, name, len(self.store), 0) for name in names]

    # --- questions

    def ask(
        self, question: str, *, conversation_id: str | None = None, instead_of: str | None = None, **options: Any
    ) -> Turn:
        self.asked_with.append(options)
        if instead_of:
            conversation_id = self.turns[instead_of].conversation_id
        if len(question) > 8_000:
            raise QuestionError("The question has over 8,000 characters. Shorten it.")
        if conversation_id is None:
            conversation_id = f"c{len(self.chats) + len(self.hidden) + 1}"
            self.chats[conversation_id] = Conversation(
                conversation_id, question[:60], "default", time.time(), time.time()
            )
        identity = f"t{len(self.turns) + 1}"
        versions = (*self.turns[instead_of].versions, identity) if instead_of else (identity,)
        for other in versions[:-1]:
            self.turns[other] = replace(self.turns[other], versions=versions)
        self.unseen.update(versions[:-1])
        turn = Turn(
            identity, conversation_id, len(self.turns), question,
            self.script.get("standalone", question), time.time(), Answer("", "running"),
            step="searching", asked_before=self.script.get("asked_before"), versions=versions,
        )  # fmt: skip
        self.turns[identity] = turn
        self._write(identity)
        return turn

    def _write(self, identity: str) -> None:
        contexts = tuple(self._context(number) for number in range(1, 6))
        self.turns[identity] = replace(self.turns[identity], answer=self._answer(self.script["text"], contexts))

    def _answer(self, text: str, contexts: tuple[ScoredChunk, ...]) -> Answer:
        status = self.script["status"]
        citations = tuple(self._citation(marker) for marker in QUOTES if f"[{marker}]" in text)
        evidence = []
        for sentence, cited, verdict, reason in (
            (
                "Meals on trips are paid up to **40 EUR a day** [1].",
                (1,),
                "supported",
                "All its words are in the source.",
            ),
            ("Abroad the limit is 60 EUR [1].", (1,), "partial", "“limit” is not in the source."),
            ("Receipts are handed in within four weeks, and later ones are not paid [2].", (2,), "supported", ""),
            ("A room may cost up to 120 EUR a night [3].", (3,), "not_checked", "The check was off."),
            ("Breakfast is always free.", (), "unsupported", "It cites nothing."),
        ):
            start = text.find(sentence)
            if start >= 0 and status != "abstained":
                evidence.append(Evidence(sentence, start, start + len(sentence), cited, verdict, reason))  # type: ignore[arg-type]
        return Answer(
            text, status, tuple(evidence), () if status == "abstained" else citations, contexts, "extractive",
            Usage(812, 64), None, self.script.get("error"), self.script.get("reason"),
            {"search": {"timings_ms": {"total": 41.0, "dense": 9.0, "keyword": 3.0}}, "generation": "g1",
             "degraded": self.script.get("degraded", []), "incomplete": self.script.get("incomplete", [])},
            conflicts=self._conflicts(),
        )  # fmt: skip

    def _conflicts(self) -> tuple[Conflict, ...]:
        """What ``script`` says that sources differ in: subjects, each of the second quote and of the third."""
        one, other = self._citation(2), replace(self._citation(3), marker=0)
        return tuple(
            Conflict(
                about,
                "figure",
                Side(one, "four weeks", "2021", "in its name"),
                Side(other, "120 EUR", "2024-05-01", "in its first lines"),
                "other",
            )
            for about in self.script.get("conflicts", ())
        )

    def _context(self, number: int) -> ScoredChunk:
        quote = QUOTES.get(number, HANDBOOK.split("\n\n")[1])
        start = HANDBOOK.index(quote)
        document = next(iter(self.store.values()), None)
        chunk = Chunk(
            f"k{number}", document.id if document else "d0", 1, number, start, start + len(quote), 9, 9,
            ("Travel and expenses", "Meals on trips"), quote, "Field handbook",
        )  # fmt: skip
        scores = {"dense": 0.81 - number / 20, "keyword": 7.2 - number, "fused": 0.033 - number / 1000}
        return ScoredChunk(
            chunk, 1 / number, number, scores, document.source if document else "gone.pdf", "Field handbook", "h"
        )

    def _citation(self, marker: int) -> Citation:
        context = self._context(marker)
        quote = QUOTES[marker]
        start = HANDBOOK.index(quote)
        return Citation(
            marker, context.chunk.document_id, 1, "h", f"k{marker}", context.source, "Field handbook", start,
            start + len(quote), 9, quote, (Box(9, 72, 200, 420, 214),), ("Travel and expenses", "Meals on trips"),
        )  # fmt: skip

    def again(self, turn_id: str, *, model: str | None = None) -> Turn:
        turn = self.ask(self.turns[turn_id].question, instead_of=turn_id)
        answer = replace(self.turns[turn.id].answer, model=model or "extractive")
        self.turns[turn.id] = replace(self.turns[turn.id], answer=answer)
        return self.turns[turn.id]

    def show_branch(self, turn_id: str) -> None:
        self.unseen.update(self.turns[turn_id].versions)
        self.unseen.remove(turn_id)

    def rate(self, turn_id: str, *, good: bool, reason: FeedbackReason | None = None, note: str = "") -> Feedback:
        given = Feedback(good, reason, note, time.time())
        self.turns[turn_id] = replace(self.turns[turn_id], feedback=given)
        return given

    def unrate(self, turn_id: str) -> None:
        self.turns[turn_id] = replace(self.turns[turn_id], feedback=None)

    def turn(self, turn_id: str) -> Turn:
        return self.turns[turn_id]

    def stop(self, turn_id: str) -> None:
        self.stopped.add(turn_id)
        self.turns[turn_id] = replace(
            self.turns[turn_id], answer=replace(self.turns[turn_id].answer, status="cancelled")
        )

    def suggestions(self, collection: str = "default", *, wait_s: float = 0.0) -> tuple[Suggestion, ...] | None:
        return self.suggested

    def models(self) -> list[ModelInfo]:
        return [
            ModelInfo("extractive", "Quotes only", available=True, note="Word-for-word sentences, no model needed."),
            ModelInfo("openai:gpt-5-mini", "GPT-5 mini", available=False, note="Set OPENAI_API_KEY to use it."),
        ]

    def check_model(self, name: str | None = None) -> ModelCheck:
        return ModelCheck(name or "extractive", ok=name is None, detail="It runs here.", seconds=0.1)

    # --- conversations

    def conversations(self) -> list[Conversation]:
        return sorted(self.chats.values(), key=lambda each: -each.updated_at)

    def conversation(self, conversation_id: str) -> tuple[Conversation, list[Turn]]:
        if conversation_id not in self.chats:
            raise NotFoundError("conversation", conversation_id, hint="It may have been deleted.")
        return self.chats[conversation_id], [
            turn
            for turn in self.turns.values()
            if turn.conversation_id == conversation_id and turn.id not in self.unseen
        ]

    def rename_conversation(self, conversation_id: str, title: str) -> None:
        self.chats[conversation_id] = replace(self.chats[conversation_id], title=title)

    def delete_conversation(self, conversation_id: str) -> None:
        self.hidden[conversation_id] = self.chats.pop(conversation_id)

    def restore_conversation(self, conversation_id: str) -> None:
        self.chats[conversation_id] = self.hidden.pop(conversation_id)


def _page(*, boxes: bool) -> bytes:
    """A plain page as PNG, with a box where ``boxes`` asks for one."""
    image = Image.new("RGB", (600, 848), "white")
    draw = ImageDraw.Draw(image)
    for line in range(24):
        draw.line((72, 90 + 28 * line, 528 - (line * 37) % 90, 90 + 28 * line), fill="#b9b9b9", width=5)
    if boxes:
        draw.rectangle((66, 192, 470, 214), outline="#a36a00", width=2, fill="#ffe9a8")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
