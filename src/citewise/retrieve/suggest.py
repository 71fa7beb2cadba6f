"""Questions to begin with: made of the documents of a collection, and known to be answered from them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import structlog

from citewise.errors import CitewiseError
from citewise.registry import collections, documents
from citewise.registry.database import Registry
from citewise.retrieve.openers import is_about_a_title, openers
from citewise.types import Document, Suggestion

log = structlog.get_logger(__name__)

AnsweredFrom = Callable[[str, str], Collection[str]]
"""Documents that answer a question about a collection, without a chat model."""

MOST = 4
"""Questions suggested."""

_READ = 24  # documents looked into, the newest
_TRIED = 16  # questions asked at most
_OF_ONE = 3  # candidates of one document
_PAUSE_S = 10.0  # while documents come in one after the other, it is not done again at each

State = tuple[tuple[str, int], ...]
"""Ids and versions of the documents that questions are made of."""


@dataclass(frozen=True, slots=True)
class _Made:
    state: State
    at: float  # time.monotonic()
    found: tuple[Suggestion, ...]


class Suggestions:
    """Keeps the suggestions of each collection until its documents change. May be used from any thread.

    Args:
        registry: Of the data directory.
        answered_from: Tells whether a question is a good one.
    """

    def __init__(self, registry: Registry, answered_from: AnsweredFrom) -> None:
        self._registry = registry
        self._answered_from = answered_from
        self._made: dict[str, _Made] = {}
        self._working: dict[str, threading.Event] = {}
        self._lock = threading.Lock()
        self._closing = False

    def get(self, collection: str, *, wait_s: float = 0.0) -> tuple[Suggestion, ...] | None:
        """Return up to ``MOST`` questions; those found before while others are looked for.

        Args:
            collection: Its name.
            wait_s: How long to wait for them, where there are none yet.

        Returns:
            ``None`` while they are looked for and none are known yet.

        Raises:
            NotFoundError: There is no such collection.
        """
        with self._registry.read() as rx:
            ready = [
                one
                for one in documents.list_documents(rx, collections.find(rx, collection))
                if one.serving_version is not None and one.enabled
            ]
        state = tuple((one.id, one.serving_version or 0) for one in ready)
        made, done = self._begin(collection, ready, state)
        if done and not made:
            done.wait(wait_s)
            made = self._made.get(collection)
        if made is None:
            return None
        there = dict(state)
        return tuple(one for one in made.found if there.get(one.document_id) == one.version)

    def close(self) -> None:
        """Stop looking; what goes on ends after its question."""
        self._closing = True
        for done in list(self._working.values()):
            done.wait(5)

    def _begin(
        self, collection: str, ready: Sequence[Document], state: State
    ) -> tuple[_Made | None, threading.Event | None]:
        """Start looking where that is needed; returns what is known, and what tells that the looking is over."""
        with self._lock:
            made = self._made.get(collection)
            if (made and made.state == state) or self._closing:
                return made, None
            if made and made.found and time.monotonic() - made.at < _PAUSE_S:
                return made, None
            if collection not in self._working:
                done = self._working[collection] = threading.Event()
                threading.Thread(
                    target=self._work, args=(collection, ready, state, done), name="suggestions", daemon=True
                ).start()
            return made, self._working[collection]

    def _work(self, collection: str, ready: Sequence[Document], state: State, done: threading.Event) -> None:
        found: tuple[Suggestion, ...] = ()
        try:
            found = tuple(self._find(collection, ready))
        except Exception:
            log.exception("no questions to begin with", collection=collection)
        finally:
            with self._lock:
                self._made[collection] = _Made(state, time.monotonic(), found)
                del self._working[collection]
            done.set()

    def _find(self, collection: str, ready: Sequence[Document]) -> Iterator[Suggestion]:
        candidates = [(document, self._openers(document)) for document in ready[:_READ]]
        in_turn: list[tuple[Document, str]] = []
        for number in range(_OF_ONE):
            each = [(document, questions[number]) for document, questions in candidates if number < len(questions)]
            in_turn += sorted(each, key=lambda one: is_about_a_title(one[1]))  # they are the dullest
        found = 0
        for document, question in in_turn[:_TRIED]:
            if self._closing or found == MOST:
                return
            if document.id in self._answered_from(question, collection):
                found += 1
                yield Suggestion(question, document.id, document.serving_version or 0, document.source)

    def _openers(self, document: Document) -> list[str]:
        with self._registry.read() as rx:
            version = document.serving_version or document.version
            try:
                text = documents.text(rx, document.id, version)
                blocks = documents.blocks(rx, document.id, version)
            except CitewiseError:  # removed meanwhile
                return []
        return openers(document.title or document.source.rpartition("/")[2], text, blocks)
