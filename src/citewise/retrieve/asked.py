"""Questions that were asked before, found again by meaning."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

import structlog

from citewise.errors import CitewiseError, NotFoundError
from citewise.language.question import read_question
from citewise.language.terms import fold, negated, numbers, terms, words
from citewise.protocols import Embedder
from citewise.registry import asked, conversations, turns
from citewise.registry.database import Registry
from citewise.retrieve.replay import change_of
from citewise.types import AskedBefore, Query, SearchResult, Turn, Vectors, Where

log = structlog.get_logger(__name__)

SIMILAR = 0.85
"""Cosine from which two questions may be the same; chosen with ``benchmarks/asked.py``."""

_OLDER = 500  # earlier questions that get their vectors at the first question, the newest
_LOOKED_AT = 5  # nearest ones that are compared word by word
_OPPOSITES = """
    max min|maximum minimum|most least|more less|highest lowest|high low|largest smallest|biggest smallest|best worst
    first last|earliest latest|before after|start end|begin end|open close|opens closes|buy sell|import export
    input output|increase decrease|rise fall|raise lower|add remove|enable disable|install uninstall|create delete
    advantage disadvantage|advantages disadvantages|benefit drawback|pros cons|strengths weaknesses|left right|up down
    inside outside|internal external|arrive leave|arrival departure|win lose|won lost|gain loss|profit loss|hot cold
    above below|old new|oldest newest|north south|east west|upload download|send receive|lend borrow|plus minus
    cheapest expensive|accept reject|allow forbid|allowed forbidden|include exclude|included excluded|day night
    summer winter|male female|men women|parent child|employer employee|buyer seller|landlord tenant|public private
"""
_PAIRS = [tuple(pair.split()) for line in _OPPOSITES.strip().splitlines() for pair in line.split("|")]
_ASKING = set(terms("find step possible allowed able need required exactly please"))
_WORD = re.compile(r"[\w./-]*\w")


def same_question(one: str, other: str) -> bool:
    """Whether two questions that are near each other by meaning also agree in what vectors blur.

    Numbers, names and codes, denials, opposites and the kind of what is asked for must be the
    same: "revenue in 2022" is near "revenue in 2023", and has another answer.
    """
    if sorted(set(numbers(one))) != sorted(set(numbers(other))) or negated(one) != negated(other):
        return False
    if _codes(one) != _codes(other) or not _share_names(one, other):
        return False
    first, second = _words(one), _words(other)
    if any((a in first and b in second) or (b in first and a in second) for a, b in _PAIRS if not {a, b} <= first):
        return False
    if _differ_in_one_place(one, other):
        return False
    kinds = read_question(one).kind, read_question(other).kind
    return kinds[0] == kinds[1] or "other" in kinds


def _codes(text: str) -> set[str]:
    found = (match.group().casefold() for match in _WORD.finditer(text))
    return {word for word in found if any(c.isdigit() for c in word) and not word.replace(".", "").isdigit()}


def _share_names(one: str, other: str) -> bool:
    ours, theirs = read_question(one).firm, read_question(other).firm
    return ours <= set(terms(other)) and theirs <= set(terms(one))


def _differ_in_one_place(one: str, other: str) -> bool:
    """Whether one part with content was put in, left out or exchanged, and all around it is the same.

    People who ask the same again seldom keep every other word: "the price of a single room" and
    "the price of a double room" are two questions.
    """
    first, second = ([fold(word) for _, _, word in words(text)] for text in (one, other))
    steps = [step for step in SequenceMatcher(None, first, second, autojunk=False).get_opcodes() if step[0] != "equal"]
    if len(steps) != 1:
        return False
    _, start, end, other_start, other_end = steps[0]
    return _subjects(first[start:end]) != _subjects(second[other_start:other_end])


def _subjects(part: Sequence[str]) -> set[str]:
    """The terms of a few words that say what about; those that only ask do not count."""
    return {term for term, weight in read_question(" ".join(part)).weights.items() if weight >= 1} - _ASKING


def _words(text: str) -> set[str]:
    return {fold(word) for _, _, word in words(text)}


class AskedQuestions:
    """Finds earlier answers to nearly the same question. May be used from any thread.

    Args:
        registry: Of the data directory.
        embedder: The model that questions are embedded with now.
    """

    def __init__(self, registry: Registry, embedder: Callable[[], Embedder]) -> None:
        self._registry = registry
        self._embedder = embedder
        self._lock = threading.Lock()
        self._filled: set[tuple[str, str]] = set()
        self._known: dict[str, tuple[tuple[object, ...], list[str], Vectors]] = {}

    def find(
        self, standalone: str, *, collection: str, where: Where, conversation_id: str | None = None
    ) -> AskedBefore | None:
        """Return the newest earlier answer to nearly the same question, asked with the same filters.

        Failures are logged and find nothing: an answer never waits for this.

        Args:
            standalone: The question as it is searched for.
            collection: Its name.
            where: Filters of the question.
            conversation_id: Answers of this conversation are left out: they are in sight.
        """
        try:
            return self._find(standalone, collection, where, conversation_id)
        except CitewiseError:
            log.exception("earlier questions not searched")
            return None

    def beside(self, result: SearchResult, query: Query, *, conversation_id: str | None = None) -> SearchResult:
        """Return what a search found, with an earlier answer to nearly the same question; see ``find``."""
        before = self.find(
            result.standalone_question,
            collection=query.collection,
            where=query.where,
            conversation_id=conversation_id,
        )
        if before is None:
            return result
        kept = {"turn_id": before.turn_id, "similarity": before.similarity}
        return replace(result, asked_before=before, trace={**result.trace, "asked_before": kept})

    def more(self) -> None:
        """Look for questions without vectors when one is asked next: one was answered, or a conversation came back."""
        with self._lock:
            self._filled.clear()

    def resolved(self, turn: Turn) -> Turn:
        """Return a turn with the earlier answer that its trace names, if that is still there."""
        kept = turn.answer.trace.get("search", {}).get("asked_before")
        if not kept or turn.asked_before is not None:
            return turn
        return replace(turn, asked_before=self._answer(kept["turn_id"], kept["similarity"]))

    def _find(self, standalone: str, collection: str, where: Where, conversation_id: str | None) -> AskedBefore | None:
        embedder = self._embedder()
        self._fill(embedder, collection)
        ids, vectors = self._vectors(collection, embedder.fingerprint)
        if not ids:
            return None
        near = vectors @ embedder.embed_query(standalone)
        best = [int(index) for index in near.argsort()[::-1][:_LOOKED_AT] if near[index] >= SIMILAR]
        fitting: list[tuple[Turn, float]] = []
        with self._registry.read() as rx:
            for index in best:
                turn = turns.get(rx, ids[index])
                searched = turn.answer.trace.get("search", {}).get("query", {})
                same_place = _plain(searched.get("where", {})) == _plain(where)
                if (
                    turn.conversation_id != conversation_id
                    and same_place
                    and same_question(standalone, turn.standalone_question)
                ):
                    fitting.append((turn, float(near[index])))
        if not fitting:
            return None
        turn, similarity = max(fitting, key=lambda one: one[0].created_at)
        return self._answer(turn.id, round(min(similarity, 1.0), 4))

    def _fill(self, embedder: Embedder, collection: str) -> None:
        key = (collection, embedder.fingerprint)
        with self._lock:
            if key in self._filled:
                return
            with self._registry.read() as rx:
                missing = asked.without_vector(rx, collection, embedder.fingerprint, most=_OLDER)
            vectors = {turn_id: embedder.embed_query(question) for turn_id, question in missing.items()}
            if vectors:
                with self._registry.write() as tx:
                    asked.put(tx, collection, embedder.fingerprint, vectors)
            self._filled.add(key)

    def _vectors(self, collection: str, fingerprint: str) -> tuple[list[str], Vectors]:
        with self._lock, self._registry.read() as rx:
            stamp = (fingerprint, *asked.stamp(rx, collection))
            known = self._known.get(collection)
            if known is None or known[0] != stamp:
                known = (stamp, *asked.all_of(rx, collection, fingerprint))
                self._known[collection] = known
            return known[1], known[2]

    def _answer(self, turn_id: str, similarity: float) -> AskedBefore | None:
        with self._registry.read() as rx:
            try:
                turn = turns.get(rx, turn_id)
                conversations.get(rx, turn.conversation_id)
            except NotFoundError:
                return None
            used = {(one.document_id, one.version, one.source) for one in turn.answer.citations}
            changed = sorted({sentence for one in used if (sentence := change_of(rx, *one))})
        return AskedBefore(
            turn_id=turn.id,
            conversation_id=turn.conversation_id,
            question=turn.question,
            asked_at=turn.created_at,
            similarity=similarity,
            answer=turn.answer.text,
            citations=len(turn.answer.citations),
            changed=tuple(changed),
        )


def _plain(where: Where) -> dict[str, tuple[str, ...]]:
    return {key: (value,) if isinstance(value, str) else tuple(sorted(value)) for key, value in where.items()}
