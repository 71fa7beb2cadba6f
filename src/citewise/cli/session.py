"""Where commands run: in the data directory of this process, or on a server.

Both ways give the documents of ``citewise.api.wire``, so a command does not know which
one it has.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from citewise.api import wire, wire_exports, wire_index
from citewise.cli.asked import Asked, Json
from citewise.types import UNFINISHED, IndexJobKind, OnDuplicate, Query, Turn, Upload
from citewise.upkeep import Health

if TYPE_CHECKING:
    from citewise.answer.export.formats import ExportFormat
    from citewise.engine import Engine
    from citewise.evaluate.run import Subject
    from citewise.settings import Settings

LOG_NAME = "citewise.log"
"""In the data directory."""

SUGGESTIONS_S = 60.0
"""How long questions to begin with may take to be found."""

OPENING_S = 20.0
"""How long the index of a data directory that was just opened may take to say how it is."""


class Session(Protocol):
    """What a command may do. Raises ``CitewiseError``s."""

    def add(self, uploads: Sequence[Upload], *, collection: str, on_duplicate: OnDuplicate) -> list[Json]:
        """Take documents in; all have streams, or all have texts. Returns their receipts."""
        ...

    def settled(self, receipt: Json, *, timeout_s: float) -> Json:
        """Wait for a document's ingest and return the document, as far as it got in time."""
        ...

    def documents(self, *, collection: str | None) -> list[Json]: ...

    def show(self, document_id: str) -> Json: ...

    def remove(self, document_ids: Sequence[str], *, purge: bool) -> list[str]:
        """Returns the ids of those that were there."""
        ...

    def quotes(self, document_ids: Sequence[str]) -> list[Json]:
        """The quotes that old answers keep of documents."""
        ...

    def change(self, document_id: str, change: Json) -> Json:
        """Change what ``change`` names of a document: ``enabled``, ``tags``, ``collection``; returns the document."""
        ...

    def folders(self) -> list[Json]:
        """The watched folders."""
        ...

    def watch(self, path: str, *, collection: str) -> Json: ...

    def unwatch(self, folder_id: str, *, remove_documents: bool) -> int:
        """Returns how many documents were removed."""
        ...

    def collections(self) -> list[Json]: ...

    def index(self) -> Json:
        """How the index is, once it is open."""
        ...

    def index_job(self, kind: IndexJobKind, options: Json) -> Json:
        """Start work on the index."""
        ...

    def index_job_now(self, job_id: str, *, wait_s: float) -> Json:
        """Work on the index as it is, waited for up to ``wait_s`` seconds."""
        ...

    def cancel_index_job(self, job_id: str) -> None: ...

    def check_model(self, name: str | None) -> Json:
        """Ask a chat model for one word."""
        ...

    def search(self, asked: Asked) -> Json: ...

    def replay(self, turn_id: str, *, explain: bool) -> Json:
        """Search again for what a stored turn was answered from."""
        ...

    def ask(self, asked: Asked, *, on_text: Callable[[str], None]) -> Json:
        """Wait for an answer; ``on_text`` gets the whole text so far, whenever it changed."""
        ...

    def again(self, turn_id: str, *, model: str | None, explain: bool, on_text: Callable[[str], None]) -> Json:
        """Wait for another answer to the question of a turn; ``on_text`` as for ``ask``."""
        ...

    def versions(self, turn_id: str) -> list[Json]:
        """The answers at the place of a turn, oldest first; ``shown`` is true of one."""
        ...

    def show_branch(self, turn_id: str) -> None: ...

    def rate(self, turn_id: str, rating: Json | None) -> Json:
        """Keep ``good``, ``reason`` and ``note`` of an answer; ``None`` forgets them."""
        ...

    def suggestions(self, collection: str) -> Json:
        """Questions to begin with, waited for."""
        ...

    def verify(self, sentence: str, quotes: Sequence[str]) -> Json:
        """Check a sentence against its quotes."""
        ...

    def conversations(self) -> list[Json]: ...

    def export(self, conversation_id: str, export_format: ExportFormat) -> bytes:
        """Write a conversation down."""
        ...

    def import_conversation(self, content: bytes, *, collection: str | None) -> Json:
        """Bring a conversation back from its JSON."""
        ...

    def resolve(self, content: bytes) -> Json:
        """Look up the footnotes of an exported conversation."""
        ...

    def subject(self) -> Subject:
        """What an evaluation measures."""
        ...


class LocalSession:
    """Runs commands on an engine of this process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, uploads: Sequence[Upload], *, collection: str, on_duplicate: OnDuplicate) -> list[Json]:
        added = self._engine.add(uploads, collection=collection, on_duplicate=on_duplicate)
        return [wire.added_json(one) for one in added]

    def settled(self, receipt: Json, *, timeout_s: float) -> Json:
        document = self._engine.document(receipt["document_id"])
        if document.status in UNFINISHED:
            if receipt["job_id"]:
                self._engine.wait([receipt["job_id"]], timeout_s=timeout_s)
            else:  # an earlier command took it in
                time.sleep(timeout_s)
            document = self._engine.document(receipt["document_id"])
        return wire.document_detail_json(document)

    def documents(self, *, collection: str | None) -> list[Json]:
        return [wire.document_json(document) for document in self._engine.documents(collection=collection)]

    def show(self, document_id: str) -> Json:
        return wire.show_json(self._engine.show(document_id))

    def remove(self, document_ids: Sequence[str], *, purge: bool) -> list[str]:
        return [one for one in document_ids if self._engine.remove([one], purge=purge)]

    def quotes(self, document_ids: Sequence[str]) -> list[Json]:
        return [wire.quote_json(quote) for quote in self._engine.quotes_of(document_ids)]

    def change(self, document_id: str, change: Json) -> Json:
        if "collection" in change:
            self._engine.move([document_id], change["collection"])
        if "tags" in change:
            self._engine.set_tags(document_id, change["tags"])
        if "enabled" in change:
            self._engine.set_enabled([document_id], change["enabled"])
        return wire.document_json(self._engine.document(document_id))

    def folders(self) -> list[Json]:
        return [wire.folder_json(folder) for folder in self._engine.watched_folders()]

    def watch(self, path: str, *, collection: str) -> Json:
        return wire.folder_json(self._engine.watch_folder(path, collection))

    def unwatch(self, folder_id: str, *, remove_documents: bool) -> int:
        return self._engine.unwatch_folder(folder_id, remove_documents=remove_documents)

    def collections(self) -> list[Json]:
        return [wire.collection_json(collection) for collection in self._engine.collections()]

    def index(self) -> Json:
        until = time.monotonic() + OPENING_S
        while (status := self._engine.index_status()).state == "opening" and time.monotonic() < until:
            time.sleep(0.02)
        return wire_index.index_json(status)

    def index_job(self, kind: IndexJobKind, options: Json) -> Json:
        generation = options.get("generation")
        others = {name: value for name, value in options.items() if name != "generation"}
        return wire_index.index_job_json(self._engine.index_job(kind, generation_id=generation, options=others))

    def index_job_now(self, job_id: str, *, wait_s: float) -> Json:
        return wire_index.index_job_json(self._engine.index_job_now(job_id, wait_s=wait_s))

    def cancel_index_job(self, job_id: str) -> None:
        self._engine.cancel_index_job(job_id)

    def check_model(self, name: str | None) -> Json:
        return wire.model_check_json(self._engine.check_model(name))

    def search(self, asked: Asked) -> Json:
        count: dict[str, Any] = {} if asked.k is None else {"k": asked.k}
        query = Query(
            asked.text,
            asked.collection,
            where=asked.where,
            history=asked.history,
            mode=asked.mode,
            rerank=asked.rerank,
            rewrite=asked.rewrite,
            variants=asked.variants,
            **count,
        )
        return wire.search_json(self._engine.search(query), explain=asked.explain)

    def replay(self, turn_id: str, *, explain: bool) -> Json:
        return wire.replay_json(self._engine.replay(turn_id), explain=explain)

    def ask(self, asked: Asked, *, on_text: Callable[[str], None]) -> Json:
        turn = self._engine.ask(
            asked.text,
            conversation_id=asked.conversation_id,
            instead_of=asked.instead_of,
            collection=asked.collection,
            model=asked.model,
            k=asked.k,
            where=asked.where or None,
            history=asked.history or None,
            rewrite=asked.rewrite,
            variants=asked.variants,
        )
        return self._watched(turn, explain=asked.explain, on_text=on_text)

    def again(self, turn_id: str, *, model: str | None, explain: bool, on_text: Callable[[str], None]) -> Json:
        return self._watched(self._engine.again(turn_id, model=model), explain=explain, on_text=on_text)

    def _watched(self, begun: Turn, *, explain: bool, on_text: Callable[[str], None]) -> Json:
        turn = begun
        try:
            for turn in self._engine.watch(begun.id):
                on_text(turn.answer.text)
        except KeyboardInterrupt:
            self._engine.stop(begun.id)
            raise
        return wire.ask_json(turn, explain=explain)

    def versions(self, turn_id: str) -> list[Json]:
        turn = self._engine.turn(turn_id)
        shown = {one.id for one in self._engine.conversation(turn.conversation_id)[1]}
        return [wire.turn_version_json(self._engine.turn(one), shown=one in shown) for one in turn.versions]

    def show_branch(self, turn_id: str) -> None:
        self._engine.show_branch(turn_id)

    def rate(self, turn_id: str, rating: Json | None) -> Json:
        if rating is None:
            self._engine.unrate(turn_id)
            return {"turn_id": turn_id, "feedback": None}
        return {"turn_id": turn_id, "feedback": wire.feedback_json(self._engine.rate(turn_id, **rating))}

    def suggestions(self, collection: str) -> Json:
        found = self._engine.suggestions(collection, wait_s=SUGGESTIONS_S)
        return wire.suggestions_json(found)

    def verify(self, sentence: str, quotes: Sequence[str]) -> Json:
        return wire.verdict_json(*self._engine.verify(sentence, quotes))

    def conversations(self) -> list[Json]:
        return [wire.conversation_json(conversation) for conversation in self._engine.conversations()]

    def export(self, conversation_id: str, export_format: ExportFormat) -> bytes:
        return self._engine.exports.write(conversation_id, export_format).content

    def import_conversation(self, content: bytes, *, collection: str | None) -> Json:
        return wire_exports.imported_json(self._engine.exports.read(content, collection=collection))

    def resolve(self, content: bytes) -> Json:
        return wire_exports.resolution_json(self._engine.exports.resolve(content))

    def subject(self) -> Subject:
        return self._engine


@contextmanager
def connect(server: str | None) -> Iterator[Session]:
    """Give a session: on ``server`` where one is named, else in this process.

    Raises:
        CitewiseError: The server cannot be reached, or the data directory not be opened.
    """
    settings = prepare()
    if server:
        from citewise.cli.remote import RemoteSession  # noqa: PLC0415

        with RemoteSession(server) as session:
            yield session
        return
    from citewise.build import open_engine  # noqa: PLC0415

    engine = open_engine(settings, patient=True)
    try:
        yield LocalSession(engine)
    finally:
        engine.close()


def prepare() -> Settings:
    """Read the settings, and keep log lines out of a person's sight.

    A command's own words say what it did; warnings and worse go to ``citewise.log`` in the
    data directory. With CITEWISE_LOG_LEVEL set, everything from that level on is shown on
    standard error instead.
    """
    from citewise.observe.logs import configure_logging  # noqa: PLC0415
    from citewise.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    secrets = settings.secrets()
    if "log_level" in settings.model_fields_set:
        configure_logging(level=settings.log_level, secrets=secrets)
    else:
        configure_logging(level="warning", secrets=secrets, path=settings.home / LOG_NAME)
    return settings


def health_of(server: str) -> Health:
    """Ask a served Citewise how it is."""
    from citewise.cli.remote import RemoteSession  # noqa: PLC0415

    with RemoteSession(server) as session:
        return session.health()
