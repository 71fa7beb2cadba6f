"""Where two sources of an answer give different values for the same thing.

Both are shown, and neither is called right. Compared are the sentences that the answer cites with
those of every other passage that was found for it, cited or not: what contradicts the answer is
often just what it left out. A pair that is not seen costs less than one that is none, so a value
counts only where the words around it are the same on both sides, and nothing narrows one of them.
``docs/checking.md`` has what is compared, and what it is worth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from citewise.answer.check.denial import denies, opposite
from citewise.answer.facts import Fact, Statement, attribute, holder, sentences_in, statement
from citewise.answer.values import values_differ
from citewise.language.quantities import Quantity, agrees
from citewise.language.terms import fold, negated, term_of, terms, words
from citewise.types import Citation, Conflict, ConflictKind, ScoredChunk, Side

MOST = 5
"""Conflicts that are told of one answer."""

_SHARED = 2  # terms that both must share
_SHARED_WITHIN = 3  # the same of two places of one document, which compares like with unlike more often
_SHARED_APART = 3  # the same where the values stand in other clauses than these
_EXTRA = 3  # terms that one side may have besides
_SHORT = 6  # terms of a sentence that may share one only: "Treasurer: Dora Quist"
_LONGEST_ABOUT = 80  # characters
_PREFIX = 5
_KINDS_OF_DOCUMENT = """
    report handbook manual guide rules rule notes note page website site card leaflet flyer policy plan minutes book
    catalogue brochure notice document paper sheet list faq terms contract letter extract edition version revised
    superseded draft final old new copy history log schedule schedules programme review annual agreement website pdf
    docx txt html md csv
"""
_GENERIC = frozenset(term for word in _KINDS_OF_DOCUMENT.split() for term in term_of(word))
_OF_PAGES = frozenset(("edit", "version", "page"))
_ONCE_WORDS = """
    opened founded born died built completed established created launched discovered invented signed close closes
    closed closing start starts started begin begins began end ends ended expire expires expired due deadline published
    automated discontinued introduced abolished ratified inaugurated incorporated demolished destroyed sank sunk
    finished renamed dissolved effect takes released release premiered premiere announced
"""
_ONCE = frozenset(term for word in _ONCE_WORDS.split() for term in term_of(word))
_DENIAL_WORDS = """
    refuse lack deny prevent fail forbid prohibit ban
"""
_DENIALS = frozenset(term for word in _DENIAL_WORDS.split() for term in term_of(word))


@dataclass(frozen=True, slots=True)
class _Said:
    """A sentence in its passage."""

    hit: ScoredChunk
    start: int  # characters of the passage
    end: int
    marker: int  # of the citation that quotes it; 0 when none does
    statement: Statement


def find_conflicts(contexts: Sequence[ScoredChunk], citations: Sequence[Citation]) -> tuple[Conflict, ...]:
    """Return where the sentences that an answer cites differ from others that were found for it.

    Args:
        contexts: The passages behind the answer, cited or not.
        citations: What it cites of them.

    Returns:
        At most ``MOST``, in order of what is cited first. The sides have no page, boxes or locator yet.
    """
    spans = [
        (hit, start, end, _marker(hit, start, end, citations))
        for hit in contexts
        for start, end in sentences_in(hit.chunk.text)
    ]
    cited = [_said(*span) for span in spans if span[-1]]
    wanted = [_keys(one.hit.chunk.text[one.start : one.end]) for one in cited]
    # Reading a sentence takes about half a millisecond, so only those that share words with a cited one are read.
    others = [
        _said(*span) for span in spans if not span[-1] and _may_matter(span[0].chunk.text[span[1] : span[2]], wanted)
    ]
    found: dict[tuple[object, ...], Conflict] = {}
    for one in sorted(cited, key=lambda one: one.marker):
        for other in (*cited, *others):
            if other is one or (other.marker and other.marker < one.marker) or not _may_differ(one, other):
                continue
            for conflict in _between(one, other):
                sides = sorted((side.citation.document_id, _plain(side.value)) for side in conflict.sides)
                found.setdefault((conflict.kind, *(part for side in sides for part in side)), conflict)
    return tuple(found.values())[:MOST]


def _said(hit: ScoredChunk, start: int, end: int, marker: int) -> _Said:
    return _Said(hit, start, end, marker, statement(hit.chunk.text[start:end]))


@lru_cache(maxsize=4_096)
def _keys(sentence: str) -> frozenset[str]:
    return frozenset(attribute(term)[:_PREFIX] for term in terms(sentence))


def _may_matter(sentence: str, wanted: Sequence[frozenset[str]]) -> bool:
    own = _keys(sentence)
    least = 1 if len(own) <= _SHORT else _SHARED
    return any(len(own & keys) >= least for keys in wanted)


def _marker(hit: ScoredChunk, start: int, end: int, citations: Sequence[Citation]) -> int:
    start, end = hit.chunk.start + start, hit.chunk.start + end
    for citation in citations:
        same = (citation.document_id, citation.version) == (hit.chunk.document_id, hit.chunk.version)
        if same and citation.start <= start and end <= citation.end:
            return citation.marker
    return 0


def _may_differ(one: _Said, other: _Said) -> bool:
    """Whether two sentences stand in different documents or sections, and could be about the same thing."""
    mine, theirs = one.hit.chunk, other.hit.chunk
    if (mine.document_id, mine.version) == (theirs.document_id, theirs.version) and mine.headings == theirs.headings:
        return False
    shared_terms = one.statement.terms & other.statement.terms
    if not shared_terms:
        return False
    parts, other_parts = _parts(one.statement.reading.text), _parts(other.statement.reading.text)
    if parts and other_parts and not parts & other_parts:
        return False
    shared_names = one.statement.names & other.statement.names
    if not shared_names and (
        _of_one_sort(one.hit.title, other.hit.title) or _of_one_sort(" ".join(mine.headings), " ".join(theirs.headings))
    ):
        return False
    return _same_time(one, other)


@lru_cache(maxsize=1_024)
def _of_one_sort(one: str, other: str) -> bool:
    """Whether two titles or headings name different things of one sort: the manuals of two models."""
    mine, theirs = (set(_own_words(text)) for text in (one, other))
    return bool(mine & theirs and mine - theirs and theirs - mine) or _other_codes(one, other)


def _own_words(title: str) -> Iterator[str]:
    for _, _, word in words(title):
        for term in term_of(word):
            if term not in _GENERIC and not term[0].isdigit() and not re.fullmatch(r"\d+(?:st|nd|rd|th)", fold(word)):
                yield term


def _other_codes(one: str, other: str) -> bool:
    mine, theirs = (set(re.findall(r"\b[A-Z]+-?\d+\w*\b", text)) for text in (one, other))
    return bool(mine and theirs and not mine & theirs)


@lru_cache(maxsize=4_096)
def _parts(sentence: str) -> frozenset[str]:
    """Numerals behind a name: ``Part II``, ``Elizabeth I``."""
    return frozenset(re.findall(r"\b[A-Z]\w+ ([IVX]+)\b", sentence))


def _same_time(one: _Said, other: _Said) -> bool:
    mine, theirs = one.statement, other.statement
    if mine.former or theirs.former or mine.planned != theirs.planned or mine.condition != theirs.condition:
        return False
    return mine.others == theirs.others and {mine.tense, theirs.tense} != {"past", "present"}


def _same_period(one: _Said, other: _Said, value_dates: Sequence[Quantity] = ()) -> bool:
    """Whether the years that both sentences name, or the titles of their documents, allow for one period."""
    mine, theirs = ([figure for figure in said.statement.years if figure not in value_dates] for said in (one, other))
    if mine and theirs:
        return any(agrees(a, b) or agrees(b, a) for a in mine for b in theirs)
    if mine or theirs:
        dated, bare = (one, other) if mine else (other, one)
        return dated.statement.since and bare.statement.tense != "past"
    if "past" not in (one.statement.tense, other.statement.tense) or value_dates:
        return True
    years = [_years(said.hit.title) for said in (one, other)]
    return not (years[0] and years[1]) or bool(years[0] & years[1])


def _years(title: str) -> set[str]:
    return set(re.findall(r"(?<!\d)(?:1[89]|20)\d\d(?!\d)", title))


def _between(one: _Said, other: _Said) -> Iterator[Conflict]:
    for mine, theirs in product(one.statement.facts, other.statement.facts):
        if _differ(mine, theirs, one, other):
            kind: ConflictKind = "date" if mine.kind == "date" else "figure"
            values = (mine.start, mine.end), (theirs.start, theirs.end)
            yield _conflict(kind, (one, other), values, mine.own)
    yield from _holders(one, other)
    yield from _denials(one, other)


# --- figures --------------------------------------------------------------------------


def _differ(mine: Fact, theirs: Fact, one: _Said, other: _Said) -> bool:
    if mine.kind != theirs.kind or {mine.form, theirs.form} == {"counted", "label"}:
        return False
    if len(mine.figures) != len(theirs.figures) and "and" in (mine.joint, theirs.joint):
        return False
    is_date = mine.kind == "date"
    value_dates = (*mine.figures, *theirs.figures) if is_date else ()
    if not _same_period(one, other, value_dates):
        return False
    if is_date and not mine.own & theirs.own & _ONCE:
        return False  # what happens again and again has many dates
    return (
        _about_the_same(mine, theirs, one, other)
        and _besides_agree(mine, theirs, one, other)
        and not _given_beside(mine, theirs, other)
        and not _given_beside(theirs, mine, one)
        and values_differ(mine, theirs, norm=one.statement.norm or other.statement.norm)
    )


def _given_beside(fact: Fact, rival: Fact, other: _Said) -> bool:
    """Whether the other sentence gives the same value too, beside the one that it is held against."""
    beside = [figure for figure in other.statement.reading.figures if figure not in rival.figures]
    return any(
        figure.kind == given.kind and figure.days == given.days and set(figure.values) == set(given.values)
        for figure in fact.figures
        for given in beside
    )


def _about_the_same(mine: Fact, theirs: Fact, one: _Said, other: _Said) -> bool:
    """Whether the words around two values are the same, and none of them narrows one of the values alone."""
    shared = _shared(mine.own | mine.near, theirs.own | theirs.near)
    if not _core(mine, theirs, one, other):
        return False
    missing = _missing(mine, theirs, other), _missing(theirs, mine, one)
    if missing[0] and missing[1]:
        return False
    chunk, other_chunk = one.hit.chunk, other.hit.chunk
    within = (chunk.document_id, chunk.version) == (other_chunk.document_id, other_chunk.version)
    if len(shared) < (_SHARED_WITHIN if within else _SHARED):
        return False
    if not missing[0] and not missing[1]:
        return True
    extra, fact = (missing[0], mine) if missing[0] else (missing[1], theirs)
    narrows = any(
        term in fact.restricted or any((term, following) in fact.followed for following in shared) for term in extra
    )
    return not narrows and len(extra) <= _EXTRA


def _core(mine: Fact, theirs: Fact, one: _Said, other: _Said) -> frozenset[str]:
    """Terms of both clauses that say what the values are: no names, nothing behind a preposition, no title."""
    passed_over = mine.restricted | theirs.restricted | one.statement.names | other.statement.names
    passed_over |= _above(one.hit.title, ()) | _above(other.hit.title, ()) | _OF_PAGES
    both = _shared(mine.own, theirs.own) - passed_over
    if both:
        return both
    # "Missed 1 hour: ring the satellite phone" has its value in another clause than what it is about.
    apart = _shared(mine.own, theirs.near) | _shared(theirs.own, mine.near)
    return apart - passed_over if len(apart - passed_over) >= _SHARED_APART else frozenset()


def _shared(mine: frozenset[str], theirs: frozenset[str]) -> frozenset[str]:
    return frozenset(term for term in mine if any(_same(term, other) for other in theirs))


def _same(one: str, other: str) -> bool:
    if one == other:
        return True
    shorter, longer = sorted((one, other), key=len)
    return len(shorter) >= _PREFIX and longer.startswith(shorter) and len(longer) - len(shorter) <= 3


def _missing(mine: Fact, theirs: Fact, other: _Said) -> frozenset[str]:
    """Terms around a value that the other side does not have, neither its sentence nor what stands above it."""
    around = theirs.own | theirs.near | _above(other.hit.title, other.hit.chunk.headings)
    missing = mine.own - _shared(mine.own, around)
    if missing:  # a name may stand earlier in the passage
        passage = _terms_of_passage(other.hit.chunk.text)
        missing -= {term for term in missing if term in passage and _is_name(term, other.hit.chunk.text)}
    return missing


@lru_cache(maxsize=1_024)
def _above(title: str, headings: tuple[str, ...]) -> frozenset[str]:
    return frozenset(terms(" ".join((title, *headings))))


@lru_cache(maxsize=512)
def _terms_of_passage(text: str) -> frozenset[str]:
    return frozenset(attribute(term) for term in terms(text))


def _is_name(term: str, text: str) -> bool:
    return any(term in statement(text[start:end]).names for start, end in sentences_in(text))


def _besides_agree(mine: Fact, theirs: Fact, one: _Said, other: _Said) -> bool:
    """Whether the other figures beside both values, which say of what or when, are the same."""

    def held(figure: Quantity, figures: Sequence[Quantity]) -> bool:
        return any(agrees(figure, given) or agrees(given, figure) for given in figures)

    if mine.kind == "date":
        return True
    return all(held(figure, other.statement.reading.figures) for figure in mine.besides) and all(
        held(figure, one.statement.reading.figures) for figure in theirs.besides
    )


# --- names and denials ----------------------------------------------------------------


def _holders(one: _Said, other: _Said) -> Iterator[Conflict]:
    mine, theirs = holder(one.statement.reading.text), holder(other.statement.reading.text)
    if mine and theirs and mine.key == theirs.key and not mine.name & theirs.name and _same_period(one, other):
        values = (mine.start, mine.end), (theirs.start, theirs.end)
        yield _conflict("name", (one, other), values, mine.key)


def _denials(one: _Said, other: _Said) -> Iterator[Conflict]:
    """Where two sentences say the same but that one denies it, or says the opposite."""
    mine, theirs = one.statement.reading, other.statement.reading
    own, given = one.statement.terms, other.statement.terms
    shared = _shared(own, given)
    if len(shared) < _SHARED or not _same_period(one, other):
        return
    only, only_given = own - shared, given - _shared(given, own)
    pair = opposite(mine, [theirs])
    if pair:
        opposed = {attribute(term) for word in pair for term in term_of(word)}
        if only - opposed or only_given - opposed or len(shared) < _SHARED:
            return
        places = [
            next(((word.start, word.start + len(word.text)) for word in reading.words if word.text == text), (0, 0))
            for reading, text in zip((mine, theirs), pair, strict=True)
        ]
        if any(_is_attribute(said, place[1]) for said, place in zip((one, other), places, strict=True)):
            return  # "the eastern reservoir" and "the western reservoir" are two
        yield _conflict("denial", (one, other), (places[0], places[1]), shared)
    elif not only - _DENIALS and not only_given - _DENIALS and denies(mine, [theirs]):
        whole = (0, len(mine.text)), (0, len(theirs.text))
        if negated(mine.text) != negated(theirs.text) or (only | only_given) & _DENIALS:
            yield _conflict("denial", (one, other), whole, shared)


def _is_attribute(said: _Said, end: int) -> bool:
    following = next((word for word in said.statement.reading.words if word.start >= end), None)
    return following is not None and bool(following.term)


# --- what is told ---------------------------------------------------------------------


_Place = tuple[int, int]
"""Where a value stands in its sentence."""


def _conflict(
    kind: ConflictKind, said: tuple[_Said, _Said], values: tuple[_Place, _Place], about: frozenset[str]
) -> Conflict:
    one, other = (_side(sentence, value) for sentence, value in zip(said, values, strict=True))
    return Conflict(_about(said[0].statement, about, values[0]), kind, one, other)


def _about(statement: Statement, about: frozenset[str], value: _Place) -> str:
    """What both speak of, in words of the first."""
    said = [
        word
        for word in statement.reading.words
        if word.term and attribute(word.term) in about and not value[0] <= word.start < value[1]
    ] or [word for word in statement.reading.words if word.term and attribute(word.term) in about]
    text = " ".join(dict.fromkeys(word.text for word in said))
    return text if len(text) <= _LONGEST_ABOUT else f"{text[: _LONGEST_ABOUT - 1].rsplit(' ', 1)[0]}…"


def _side(said: _Said, value: _Place) -> Side:
    chunk = said.hit.chunk
    quote = chunk.text[said.start : said.end]
    citation = Citation(
        marker=said.marker,
        document_id=chunk.document_id,
        version=chunk.version,
        content_hash=said.hit.content_hash,
        chunk_id=chunk.id,
        source=said.hit.source,
        title=said.hit.title,
        start=chunk.start + said.start,
        end=chunk.start + said.end,
        page=None,
        quote=quote,
        headings=chunk.headings,
    )
    written = " ".join(quote[value[0] : value[1]].split())
    return Side(citation, written if written != " ".join(quote.split()) else "")


def _plain(text: str) -> str:
    return " ".join(fold(word) for _, _, word in words(text))
