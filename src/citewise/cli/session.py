"""Where commands run: in the data directory of this process, or on a server.

Both ways give the documents of ``citewise.api.wire``, so a command does not know which
one it has.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from citewise.api import wire
from citewise.types import UNFINISHED, Health, Message, OnDuplicate, Query, SearchMode, Upload

if TYPE_CHECKING:
    from citewise.engine import Engine
    from citewise.evaluate.run import Subject
    from citewise.settings import Settings

Json = dict[str, Any]

LOG_NAME = "citewise.log"
"""In the data directory."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the command line got it."""

    text: str
    collection: str = "default"
    k: int | None = None
    where: dict[str, str] = field(default_factory=dict)
    history: tuple[Message, ...] = ()
    mode: SearchMode = "hybrid"
    rerank: bool = True
    model: str | None = None
    explain: bool = False


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

    def collections(self) -> list[Json]: ...

    def search(self, asked: Asked) -> Json: ...

    def ask(self, asked: Asked, *, on_text: Callable[[str], None]) -> Json:
        """Wait for an answer; ``on_text`` gets the whole text so far, whenever it changed."""
        ...

    def subject(self) -> Subject:
        """What an evaluation measures."""
        ...


def is_finished(document: Json) -> bool:
    """Whether no work goes on for a document."""
    return document["status"] not in UNFINISHED


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

    def collections(self) -> list[Json]:
        return [wire.collection_json(collection) for collection in self._engine.collections()]

    def search(self, asked: Asked) -> Json:
        count = {} if asked.k is None else {"k": asked.k}
        query = Query(
            asked.text,
            asked.collection,
            where=asked.where,
            history=asked.history,
            mode=asked.mode,
            rerank=asked.rerank,
            **count,
        )
        return wire.search_json(self._engine.search(query), explain=asked.explain)

    def ask(self, asked: Asked, *, on_text: Callable[[str], None]) -> Json:
        turn = self._engine.ask(
            asked.text,
            collection=asked.collection,
            model=asked.model,
            k=asked.k,
            where=asked.where or None,
            history=asked.history or None,
        )
        try:
            for turn in self._engine.watch(turn.id):  # noqa: B020 - the same turn, later
                on_text(turn.answer.text)
        except KeyboardInterrupt:
            self._engine.stop(turn.id)
            raise
        return wire.ask_json(turn, explain=asked.explain)

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

    engine = open_engine(settings)
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
