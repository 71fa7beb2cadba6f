"""Conversations out of the library and into it, and their footnotes looked up again."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from citewise.answer.export.carried import Carried, read_carried, write_carried
from citewise.answer.export.docx import write_docx
from citewise.answer.export.footnotes import Footnote, footnotes_of, read_footnotes
from citewise.answer.export.formats import MEDIA_TYPES, ExportFormat, file_name
from citewise.answer.export.html import write_html
from citewise.answer.export.markdown import write_markdown
from citewise.answer.export.paper import lay_out
from citewise.registry import collections, conversations, turns
from citewise.registry.database import Registry
from citewise.registry.ids import new_id
from citewise.registry.quoted_spans import AT_THEIR_PLACE, SpanState, find_citation, find_span
from citewise.types import Answer, Citation, Conversation, Evidence, ScoredChunk

CHANGES: dict[SpanState, str] = {
    "found": "",
    "changed": "The document was replaced since; these are the words of the version that was quoted.",
    "removed": "The document was removed since.",
    "different": "Other words stand at this place of the document.",
    "missing": "The document is not in this library.",
    "erased": "This quote was erased with its document.",
}
NOT_THERE = "the quoted words do not stand at their place in the document"

_OWN_ID = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Exported:
    """A conversation as a file."""

    name: str  # of the file: letters, digits, hyphens and its ending
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ResolvedNote:
    """A footnote, and what became of the place that it quotes."""

    label: str  # "footnote 3"; of JSON "answer 2, [3]"
    source: str
    state: SpanState

    @property
    def sentence(self) -> str:
        """What became of it, for a person."""
        return CHANGES[self.state] or "The words stand at their place."


@dataclass(frozen=True, slots=True)
class Resolution:
    """What became of all footnotes of a file."""

    notes: tuple[ResolvedNote, ...]

    @property
    def at_place(self) -> int:
        """How many quote words that stand at their place in a document of this library."""
        return sum(note.state in AT_THEIR_PLACE for note in self.notes)

    @property
    def sentence(self) -> str:
        """The result for a person."""
        counts = Counter(note.state for note in self.notes)
        total = len(self.notes)
        if not total:
            return "There are no footnotes."
        if counts["found"] == total:
            return f"{'The footnote stands at its' if total == 1 else f'All {total:,} footnotes stand at their'} place."
        parts = [f"{self.at_place:,} of {total:,} footnotes stand at their place"]
        for state, words in _COUNTED.items():
            if counts[state]:
                parts.append(f"{counts[state]:,} {words}")
        return f"{'; '.join(parts)}."


_COUNTED: dict[SpanState, str] = {
    "changed": "of these in a version that was replaced since",
    "removed": "of these in a document that was removed",
    "different": "quote words that do not stand there",
    "missing": "quote a document that is not in this library",
    "erased": "were erased with their document",
}


@dataclass(frozen=True, slots=True)
class Imported:
    """A conversation that came in."""

    conversation: Conversation
    turns: int
    footnotes: Resolution


class Exports:
    """Writes conversations down, brings them back, and looks footnotes up. May be used from any thread.

    Args:
        registry: Of the data directory.
        more: Called when answers came in that a later question may find.
    """

    def __init__(self, registry: Registry, *, more: Callable[[], None]) -> None:
        self._registry = registry
        self._more = more

    def write(self, conversation_id: str, kind: ExportFormat) -> Exported:
        """Write a conversation: the branch that is shown, or as JSON all of them.

        Raises:
            NotFoundError: There is no such conversation.
        """
        now = time.time()
        with self._registry.read() as rx:
            conversation = conversations.get(rx, conversation_id)
            if kind == "json":
                listed = turns.all_of(rx, conversation_id)
                shown = frozenset(turn.id for turn, is_shown in listed if is_shown)
                content = write_carried(
                    Carried(conversation, tuple(turn for turn, _ in listed), shown), exported_at=now
                )
            else:
                paper = lay_out(
                    conversation,
                    turns.of_conversation(rx, conversation_id),
                    exported_at=now,
                    change=lambda citation: CHANGES[find_citation(rx, citation).state],
                )
        if kind == "docx":
            content = write_docx(paper)
        elif kind != "json":
            content = (write_markdown(paper) if kind == "md" else write_html(paper)).encode()
        return Exported(file_name(conversation.title, kind), MEDIA_TYPES[kind], content)

    def resolve(self, content: bytes) -> Resolution:
        """Look up every footnote of an exported file, of any format. Raises ``QuestionError``."""
        footnotes = read_footnotes(content)
        with self._registry.read() as rx:
            return Resolution(tuple(_resolved(rx, one) for one in footnotes))

    def read(self, content: bytes, *, collection: str | None = None) -> Imported:
        """Bring a conversation back from its JSON, with new ids where its own are taken.

        Footnotes are tied to this library's documents by the hash of their bytes. A sentence whose quote
        does not stand at its place in such a document is not supported, whatever the file says.

        Args:
            content: The file.
            collection: Which its further questions are asked of; by default that of the same name. It is
                made if need be.

        Raises:
            QuestionError: The file cannot be read; nothing is stored.
        """
        carried = read_carried(content)
        with self._registry.write() as tx:
            name = carried.conversation.collection if collection is None else collection
            collections.ensure(tx, name)
            ids = _Ids(turns.known(tx, [turn.id for turn in carried.turns]))
            taken = conversations.is_known(tx, carried.conversation.id)
            conversation = replace(
                carried.conversation,
                id=carried.conversation.id if _is_own(carried.conversation.id) and not taken else new_id(),
                collection=name,
            )
            conversations.put(tx, conversation)
            for ordinal, turn in enumerate(carried.turns):
                answer = _tied(tx, turn.answer)
                own = replace(
                    turn,
                    id=ids.of(turn.id),
                    conversation_id=conversation.id,
                    ordinal=ordinal,
                    parent_id=ids.of(turn.parent_id) if turn.parent_id else None,
                    answer=answer,
                )
                turns.put(tx, own, shown=turn.id in carried.shown)
            notes = [_resolved(tx, one) for one in footnotes_of(carried)]
        self._more()
        return Imported(conversation, len(carried.turns), Resolution(tuple(notes)))


class _Ids:
    """Ids as the file has them, or new ones in their place."""

    def __init__(self, taken: Collection[str]) -> None:
        self._taken = taken
        self._given: dict[str, str] = {}

    def of(self, turn_id: str) -> str:
        if turn_id not in self._given:
            self._given[turn_id] = turn_id if _is_own(turn_id) and turn_id not in self._taken else new_id()
        return self._given[turn_id]


def _is_own(identifier: str) -> bool:
    return _OWN_ID.fullmatch(identifier) is not None


def _tied(rx: Connection, answer: Answer) -> Answer:
    """Tie what an answer quotes and was written from to the documents here that have the same bytes."""
    wrong: set[int] = set()

    def tied(citation: Citation) -> Citation:
        found = find_citation(rx, citation)
        if found.state == "different":
            wrong.add(citation.marker)
        if found.state not in AT_THEIR_PLACE:
            return citation
        return replace(citation, document_id=found.document_id, version=found.version)

    citations = tuple(map(tied, answer.citations))
    return replace(
        answer,
        citations=citations,
        conflicts=tuple(
            replace(
                one,
                one=replace(one.one, citation=tied(one.one.citation)),
                other=replace(one.other, citation=tied(one.other.citation)),
            )
            for one in answer.conflicts
        ),
        contexts=tuple(_tied_context(rx, context) for context in answer.contexts),
        evidence=tuple(_judged(one, wrong) for one in answer.evidence),
    )


def _tied_context(rx: Connection, context: ScoredChunk) -> ScoredChunk:
    chunk = context.chunk
    found = find_span(
        rx, context.content_hash, chunk.start, chunk.end, is_quote=chunk.text.__eq__, prefer=chunk.document_id
    )
    if found.state not in AT_THEIR_PLACE:
        return context
    return replace(context, chunk=replace(chunk, document_id=found.document_id, version=found.version))


def _judged(evidence: Evidence, wrong: Collection[int]) -> Evidence:
    if any(marker in wrong for marker in evidence.citations):
        return replace(evidence, verdict="unsupported", reason=NOT_THERE)
    return evidence


def _resolved(rx: Connection, footnote: Footnote) -> ResolvedNote:
    if not footnote.content_hash:
        return ResolvedNote(footnote.label, footnote.source, "erased")
    found = find_span(
        rx,
        footnote.content_hash,
        footnote.start,
        footnote.end,
        is_quote=footnote.is_quote,
        prefer=footnote.document_id,
    )
    return ResolvedNote(footnote.label, footnote.source, found.state)
