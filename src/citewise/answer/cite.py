"""Ties every sentence of an answer to verbatim words of its sources.

A marker in a finished answer stands for one citation: one quoted span of one source.
Two sentences that rest on different words of the same source get different numbers, and
two that rest on the same words share one, so a number always opens exactly the words
that it vouches for. Numbers count from 1 in order of first use. What the model called a
source is forgotten on the way; ``Citation.chunk_id`` still names it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from citewise.answer.markers import normal_markers, without_markers
from citewise.answer.sentences import sentence_spans
from citewise.language.terms import terms
from citewise.protocols import Source
from citewise.types import Citation, Evidence

PageOf = Callable[[str, int, int], int | None]
"""``(document id, version, position)`` → 1-based page, ``None`` for formats without pages."""

_PAIR_GAIN = 0.15  # of the claim's terms that a second sentence must add to be quoted too
_CLAIM_TERMS = 3  # the words since the marker before are a claim of their own from here on


@dataclass(frozen=True, slots=True)
class Native:
    """Words of a source that the model itself tied to the text before ``position``."""

    position: int  # in the text that is cited
    marker: int  # of the source
    start: int  # in the source's chunk.text
    end: int


@dataclass(frozen=True, slots=True)
class Cited:
    """An answer with its citations, before the check."""

    text: str
    evidence: tuple[Evidence, ...]  # one per sentence, all ``not_checked``
    citations: tuple[Citation, ...]  # by marker, 1..n


def cite(text: str, sources: Sequence[Source], quoted: Sequence[Native], *, page_of: PageOf) -> Cited:
    """Number the citations of an answer and find the words behind each.

    Args:
        text: The answer with ``[n]`` markers of sources, as ``MarkerFilter`` writes them.
        sources: What was sent to the model.
        quoted: Native citations in order of position; each gets a marker at its place.
        page_of: Finds the page of a position in a document.

    Returns:
        The renumbered text; ``Evidence.sentence`` is without markers, while its span in the
        text includes them. A marker whose source is unknown is taken out.
    """
    by_marker = {source.marker: source for source in sources}
    claims = _claims(text, quoted)
    numbers: dict[tuple[int, int, int], int] = {}
    pieces: list[str] = []
    at = 0
    for claim in claims:
        source = by_marker.get(claim.marker)
        before = text[at : claim.start]
        at = claim.end
        if source is None:
            pieces.append(before.rstrip(" \t"))
            continue
        start, end = claim.span or best_span(source.hit.chunk.text, claim.text)
        number = numbers.setdefault((claim.marker, start, end), len(numbers) + 1)
        written = f"[{number}]"
        if claim.span is not None:
            before = before.rstrip(" \t") if before.strip() else before
            joined = "" if pieces and not before and pieces[-1].endswith("]") else " "
            written = joined + written
        if pieces and not before.strip(" \t") and pieces[-1].endswith(f"[{number}]"):
            continue  # two source markers in a row that rest on the same words
        pieces.append(before + written)
    pieces.append(text[at:])
    final = "".join(pieces)
    citations = tuple(
        _citation(number, by_marker[marker], start, end, page_of) for (marker, start, end), number in numbers.items()
    )
    return Cited(final, _evidence(final), citations)


@lru_cache(maxsize=2_048)
def best_span(passage: str, claim: str) -> tuple[int, int]:
    """Return the one or two neighbouring sentences of ``passage`` that share most with ``claim``.

    Rare terms of the passage count more than frequent ones. Where nothing is shared, as
    between two languages, it is the whole passage: any single sentence would be a guess.
    """
    spans = sentence_spans(passage)
    wanted = set(terms(claim))
    bags = [set(terms(passage[start:end])) for start, end in spans]
    weight = {term: 1.0 / (1 + sum(term in bag for bag in bags)) for term in wanted}
    total = sum(weight.values())
    scores = [sum(weight[term] for term in bag & wanted) for bag in bags]
    if not spans or not total or max(scores) <= 0:
        stripped = passage.strip()
        start = passage.find(stripped)
        return (start, start + len(stripped))
    best = max(range(len(spans)), key=lambda index: (scores[index], -index))
    start, end = spans[best]
    neighbours = [index for index in (best - 1, best + 1) if 0 <= index < len(spans)]
    gains = {index: sum(weight[term] for term in (bags[index] - bags[best]) & wanted) for index in neighbours}
    other = max(neighbours, key=lambda index: gains[index], default=best)
    if other != best and gains[other] / total >= _PAIR_GAIN:
        start, end = min(start, spans[other][0]), max(end, spans[other][1])
    return start, end


@dataclass(frozen=True, slots=True)
class _Claim:
    start: int  # of the marker in the text, blanks before it not included
    end: int
    marker: int
    text: str  # the words that the marker vouches for
    span: tuple[int, int] | None  # native


def _claims(text: str, quoted: Sequence[Native]) -> list[_Claim]:
    markers = normal_markers(text)
    native = [_Claim(quote.position, quote.position, quote.marker, "", (quote.start, quote.end)) for quote in quoted]
    found = []
    for sentence_start, sentence_end in sentence_spans(text):
        since = sentence_start
        clause = ""
        for start, end, number in markers:
            if not sentence_start <= start < sentence_end:
                continue
            words = without_markers(text[since:start]).strip()
            # Markers in a row vouch for the same words.
            clause = words or clause
            if len(terms(clause)) < _CLAIM_TERMS:
                clause = without_markers(text[sentence_start:sentence_end]).strip()
            found.append(_Claim(start, end, number, clause, None))
            since = end
    return sorted([*found, *native], key=lambda claim: (claim.start, claim.end))


def _citation(number: int, source: Source, start: int, end: int, page_of: PageOf) -> Citation:
    hit, chunk = source.hit, source.hit.chunk
    position = chunk.start + start
    return Citation(
        marker=number,
        document_id=chunk.document_id,
        version=chunk.version,
        content_hash=hit.content_hash,
        chunk_id=chunk.id,
        source=hit.source,
        title=hit.title,
        start=position,
        end=chunk.start + end,
        page=page_of(chunk.document_id, chunk.version, position),
        quote=chunk.text[start:end],
        headings=chunk.headings,
    )


def _evidence(text: str) -> tuple[Evidence, ...]:
    markers = normal_markers(text)
    found = []
    for start, end in sentence_spans(text):
        sentence = without_markers(text[start:end]).strip()
        if any(character.isalnum() for character in sentence):
            own = dict.fromkeys(number for at, _, number in markers if start <= at < end)
            found.append(Evidence(sentence, start, end, tuple(own), "not_checked", ""))
    return tuple(found)
