"""Quotes of documents in old answers: listed, and blanked where they must not stay.

An answer is a snapshot, so it keeps the words that it cites when their document goes.
What was only sent to the model along with them never outlives the document.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, delete, select, update

from citewise.registry import records
from citewise.registry.sql import batches
from citewise.registry.tables import asked, conversations, documents, texts, turns
from citewise.types import Answer, Citation, Conflict, Evidence, ScoredChunk, Side
from citewise.upkeep import KeptQuote

ERASED = "[erased]"
"""Stands in an answer where a sentence stood."""

REASON = "The document behind this sentence was erased."

_FIRST_WORDS = 60  # characters of a quote that a list shows
_RUN = 6  # words in a row by which a sentence without citation is known to be a document's
_LEAST_RUN = 3  # fewer words say nothing about where they come from
_JUDGED = re.compile(r"^(judged by \S+): .*", re.DOTALL)
_WORD = re.compile(r"\w+")
_HYPHENATION = re.compile("\u00ad\\s*")


def of_documents(rx: Connection, document_ids: Collection[str]) -> list[KeptQuote]:
    """Return the quotes that answers keep of these documents, erased ones included; newest conversation first."""
    wanted = set(document_ids)
    return _listed(rx, lambda document_id: document_id in wanted) if wanted else []


def of_erased(rx: Connection) -> list[KeptQuote]:
    """Return the quotes that answers keep of documents that were erased."""
    known = set(rx.scalars(select(documents.c.id)))
    return _listed(rx, lambda document_id: document_id not in known)


def blank(tx: Connection, document_ids: Collection[str], *, quotes: bool) -> Counter[str]:
    """Blank what old answers hold of documents; call it before their text is deleted.

    Passages that were sent to the model are blanked in any case, cited or not: of the cited
    ones the quote stays, which is all that the answer shows.

    Args:
        tx: A write transaction.
        document_ids: Documents, erased before or not.
        quotes: Whether to blank the quotes too, with the sentences that rest on them.

    Returns:
        How many quotes were blanked, by document id; empty without ``quotes``.
    """
    gone = set(document_ids)
    blanked: Counter[str] = Counter()
    for conversation_id in _conversations_with(tx, gone):
        rows = tx.execute(
            select(
                turns.c.id, turns.c.text, turns.c.evidence, turns.c.citations, turns.c.contexts, turns.c.conflicts
            ).where(turns.c.conversation_id == conversation_id, turns.c.status != "running")
        ).all()
        answers = {row.id: _answer(row) for row in rows}
        # A follow-up may repeat what an earlier answer took from the document.
        words = _words_of(answers.values(), gone)
        for turn_id, answer in answers.items():
            after = without(answer, gone, quotes=quotes, words=words)
            if after != answer:
                blanked.update(_quoted(answer, gone) - _quoted(after, gone))
                _store(tx, turn_id, after)
        if quotes:
            _forget_wordings(tx, conversation_id)
    if quotes:
        _blank_broken_off(tx, gone)
    return blanked


def without_erased(rx: Connection, answer: Answer) -> Answer:
    """Return an answer without what it took from documents that were erased while it was written."""
    used = {one.document_id for one in answer.citations} | {one.chunk.document_id for one in answer.contexts}
    known: set[str] = set()
    for batch in batches(sorted(used)):
        known.update(rx.scalars(select(documents.c.id).where(documents.c.id.in_(batch))))
    gone = used - known
    return without(answer, gone, quotes=True, words=_words_of([answer], gone)) if gone else answer


def without(answer: Answer, gone: Collection[str], *, quotes: bool, words: str = "") -> Answer:
    """Return an answer without what it holds of documents; pure.

    Args:
        answer: Finished.
        gone: Ids of the documents.
        quotes: Whether quotes go too, and the sentences that rest on them. Their markers
            stay in the text, so that a reader sees where something was.
        words: Of the documents, as ``_plain`` makes them: sentences without citation that
            repeat them go as well.

    Returns:
        The same answer when there is nothing of these documents in it. The spans of all
        sentences fit the new text.
    """
    contexts = tuple(_blanked_context(one) if one.chunk.document_id in gone else one for one in answer.contexts)
    conflicts = tuple(_blanked_conflict(one, gone, quotes=quotes) for one in answer.conflicts)
    if not quotes:
        return replace(answer, contexts=contexts, conflicts=conflicts)
    markers = {one.marker for one in answer.citations if one.document_id in gone}
    doomed = [
        bool(markers.intersection(one.citations)) if one.citations else _repeats(one.sentence, words)
        for one in answer.evidence
    ]
    text, evidence = _rewritten(answer.text, answer.evidence, doomed)
    if markers and not answer.evidence and answer.text:
        text = _note(sorted(markers))
    citations = tuple(_blanked_citation(one) if one.document_id in gone else one for one in answer.citations)
    if markers:  # a model that judged read all quotes at once, and may have repeated any
        evidence = tuple(replace(one, reason=_JUDGED.sub(r"\1", one.reason)) for one in evidence)
    return replace(answer, text=text, evidence=evidence, citations=citations, contexts=contexts, conflicts=conflicts)


def _rewritten(text: str, evidence: Sequence[Evidence], doomed: Sequence[bool]) -> tuple[str, tuple[Evidence, ...]]:
    """Replace the doomed sentences in the text and move the others to where they stand now."""
    pieces: list[str] = []
    moved: list[Evidence] = []
    at = length = 0
    for one, erase in zip(evidence, doomed, strict=True):
        start, end = max(at, one.start), max(at, one.end)
        between, own = text[at:start], _note(one.citations) if erase else text[start:end]
        begin = length + len(between)
        length = begin + len(own)
        at = end
        pieces += [between, own]
        if erase:
            one = Evidence(ERASED, begin, length, one.citations, "not_checked", REASON)  # noqa: PLW2901
        moved.append(replace(one, start=begin, end=length))
    return "".join([*pieces, text[at:]]), tuple(moved)


def _note(markers: Iterable[int]) -> str:
    return " ".join([ERASED, "".join(f"[{marker}]" for marker in markers)]).strip()


def _blanked_citation(citation: Citation) -> Citation:
    return replace(
        citation,
        content_hash="",
        source="",
        title="",
        start=0,
        end=0,
        page=None,
        quote="",
        boxes=(),
        headings=(),
        locator="",
    )


def _blanked_conflict(conflict: Conflict, gone: Collection[str], *, quotes: bool) -> Conflict:
    """Blank the sides that go: without ``quotes`` those that the answer does not cite."""
    sides = [
        _blanked_side(side) if side.citation.document_id in gone and (quotes or not side.citation.marker) else side
        for side in conflict.sides
    ]
    if sides == list(conflict.sides):
        return conflict
    # What both speak of may be in the words of either, and their dates are of no use one by one.
    return replace(conflict, about="", one=sides[0], other=sides[1], newer=None)


def _blanked_side(side: Side) -> Side:
    return Side(_blanked_citation(side.citation), "")


def _blanked_context(context: ScoredChunk) -> ScoredChunk:
    chunk = replace(context.chunk, start=0, end=0, page_first=None, page_last=None, headings=(), text="", context="")
    return replace(context, chunk=chunk, source="", title="", content_hash="", locator="")


# --- whose words they are -------------------------------------------------------------


def _plain(text: str) -> str:
    """Words alone, in lower case, a blank between and around them."""
    return f" {' '.join(_WORD.findall(_HYPHENATION.sub('', text).casefold()))} "


def _words_of(answers: Iterable[Answer], gone: Collection[str]) -> str:
    passages = [
        text
        for answer in answers
        for text in (
            *(one.quote for one in answer.citations if one.document_id in gone),
            *(one.chunk.text for one in answer.contexts if one.chunk.document_id in gone),
        )
    ]
    return _plain("\n".join(passages))


def _repeats(sentence: str, words: str) -> bool:
    return any(f" {run} " in words for run in _runs(sentence))


def _runs(text: str) -> Iterable[str]:
    words = _plain(text).split()
    length = min(_RUN, len(words))
    if length < _LEAST_RUN:
        return ()
    return (" ".join(words[start : start + length]) for start in range(len(words) - length + 1))


def _blank_broken_off(tx: Connection, gone: Collection[str]) -> None:
    """Blank answers that a crash broke off before they had citations, if they repeat a document's words."""
    rows = tx.execute(
        select(turns.c.id, turns.c.text, turns.c.evidence, turns.c.citations).where(
            turns.c.status.not_in(("running", "abstained")), turns.c.text.not_in(("", ERASED))
        )
    )
    runs = {row.id: set(_runs(row.text)) for row in rows if not row.evidence and not row.citations}
    if not any(runs.values()):
        return
    for batch in batches(sorted(gone)):
        for text in tx.scalars(select(texts.c.text).where(texts.c.document_id.in_(batch))):
            words = _plain(text)
            for turn_id in [turn_id for turn_id, own in runs.items() if any(f" {run} " in words for run in own)]:
                tx.execute(update(turns).where(turns.c.id == turn_id).values(text=ERASED))
                del runs[turn_id]


def _forget_wordings(tx: Connection, conversation_id: str) -> None:
    """Put the question itself in the place of a standalone one that has words the person never used.

    A chat model takes them from earlier answers, which quote documents.
    """
    said: set[str] = set()
    rows = tx.execute(
        select(turns.c.id, turns.c.question, turns.c.standalone_question, turns.c.trace)
        .where(turns.c.conversation_id == conversation_id, turns.c.status != "running")
        .order_by(turns.c.ordinal)
    ).all()
    for row in rows:
        said.update(_plain(row.question).split())
        if said.issuperset(_plain(row.standalone_question).split()):
            continue
        trace = {**row.trace, **({"asked": row.question} if "asked" in row.trace else {})}
        search = trace.get("search", {})
        if "query" in search:
            query = {**search["query"], "standalone": row.question, "variants": "none", "texts": []}
            trace["search"] = {**search, "query": query}
        tx.execute(update(turns).where(turns.c.id == row.id).values(standalone_question=row.question, trace=trace))
        tx.execute(delete(asked).where(asked.c.turn_id == row.id))


# --- rows -----------------------------------------------------------------------------


def _listed(rx: Connection, is_wanted: Callable[[str], bool]) -> list[KeptQuote]:
    rows = rx.execute(
        select(turns.c.id, turns.c.conversation_id, turns.c.citations, conversations.c.title)
        .join(conversations, conversations.c.id == turns.c.conversation_id)
        .order_by(conversations.c.updated_at.desc(), conversations.c.id, turns.c.ordinal)
    )
    return [
        KeptQuote(
            conversation_id=row.conversation_id,
            conversation=row.title,
            turn_id=row.id,
            marker=citation.marker,
            document_id=citation.document_id,
            source=citation.source,
            words=_first_words(citation.quote),
        )
        for row in rows
        for citation in records.load_all(Citation, row.citations)
        if not citation.erased and is_wanted(citation.document_id)
    ]


def _first_words(quote: str) -> str:
    line = " ".join(quote.split())
    return line if len(line) <= _FIRST_WORDS else f"{line[: _FIRST_WORDS - 1].rsplit(' ', 1)[0]}…"


def _conversations_with(rx: Connection, document_ids: Collection[str]) -> list[str]:
    found: set[str] = set()
    rows = rx.execute(select(turns.c.conversation_id, turns.c.citations, turns.c.contexts))
    for conversation_id, citations, contexts in rows:
        used = {one.get("document_id") for one in citations}
        used |= {one.get("chunk", {}).get("document_id") for one in contexts}
        if not used.isdisjoint(document_ids):
            found.add(conversation_id)
    return sorted(found)


def _quoted(answer: Answer, gone: Collection[str]) -> Counter[str]:
    return Counter(one.document_id for one in answer.citations if one.document_id in gone and not one.erased)


def _answer(row: Any) -> Answer:
    return Answer(
        text=row.text,
        status="complete",
        evidence=records.load_all(Evidence, row.evidence),
        citations=records.load_all(Citation, row.citations),
        contexts=records.load_all(ScoredChunk, row.contexts),
        conflicts=records.load_all(Conflict, row.conflicts),
    )


def _store(tx: Connection, turn_id: str, answer: Answer) -> None:
    tx.execute(
        update(turns)
        .where(turns.c.id == turn_id)
        .values(
            text=answer.text,
            evidence=records.dump(answer.evidence),
            citations=records.dump(answer.citations),
            contexts=records.dump(answer.contexts),
            conflicts=records.dump(answer.conflicts),
        )
    )
