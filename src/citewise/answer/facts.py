"""What the sentences of a passage state: a value, and what it is the value of.

Read off words, figures and clauses, as the check reads them; no grammar is parsed. Made for
comparing what two documents state, where a fact that is not seen costs less than a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from citewise.answer.check.reading import ARTICLES, Reading, Word, read
from citewise.answer.sentences import sentence_spans
from citewise.language.quantities import Quantity
from citewise.language.terms import STOP_WORDS, fold, term_of, terms


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _terms(text: str) -> frozenset[str]:
    return frozenset(term for word in text.split() for term in term_of(word))


_COLUMNS = re.compile(r"\S {2,}\S")
_NUMBERED = re.compile(r"^\s*\d+ {2,}\D")
_JOINT = re.compile(r"^\s*(?P<joint>to|-|–|—|and|until|bis|und)\s*$")
_MOST_FIGURES = 4  # of a sentence; more of them are a table
_COUNTED_AS = frozenset(("count", "percent"))
_PREPOSITIONS = _words("""
    for of in on at from near with without during per under over above below within via as like among after before
    fur von bei mit ohne pour dans avec sans para con sin
""")
_CONDITIONS = _words("""
    if when whenever unless except otherwise provided instead wenn falls quand lorsque si
""")
_OTHERS = _words("another other others else further additional extra same")
_PAST = _words("was were had did stood rose fell grew came took got became made lost won met war waren hatte")
_PRESENT = _words("is are has have must may shall can should will does do ist sind muss darf hat")
_FORMER = re.compile(
    r"\b(?:former(?:ly)?|previous(?:ly)?|used to|originally|initially|at first|no longer|earlier|in the past|the old)\b"
    r"|\b(?:until|before|till)\b(?=[^.;]*\b[12]\d{3}\b)",
    re.IGNORECASE,
)
_SINCE = re.compile(r"\b(?:since|from|as of|effective|ab|seit|depuis)\s+(?:the\s+)?$", re.IGNORECASE)
_PLANNED = _terms("""
    expected planned planning target targeted budget budgeted forecast proposed proposal aim aims goal intended hoped
    would could might projected estimated draft possible
""")
_ADJECTIVAL = frozenset(("more", "such", "of", "other"))  # between a number and what is counted
_NORMS = _words("""
    must may shall can cannot allowed permitted required limit limited maximum minimum need needs least most
""")
# Verbs that only carry a value, units of time, and remarks on a value.
_LIGHT = _terms("""
    take takes cost costs amount amounts total make makes give gives get gets set come comes go goes say says include
    includes stand stands lie lies times number figure value currently now today exactly approximately officially just
    there here last lasts regularly usually normally roughly nearly almost paid added also day days week weeks month
    months year years hour hours minute minutes per cent pound pounds
""")
_ATTRIBUTES = {
    term: words.split()[0]
    for words in (
        "high height tall elevation",
        "long length",
        "wide width broad breadth",
        "deep depth",
        "weigh weighs weight heavy",
        "old age aged",
        "fast speed",
        "allow allowed permit permitted",
    )
    for word in words.split()
    for term in term_of(word)
}


@dataclass(frozen=True, slots=True)
class Fact:
    """A value that a sentence gives."""

    kind: str  # a kind of ``quantities``
    figures: tuple[Quantity, ...]  # two for a range, and for values that are given together
    joint: str  # between them: "", "to" or "and"
    form: str  # of a count: "counted" (12 boats), "label" (channel 8), or "bare"
    own: frozenset[str]  # terms of its clause
    near: frozenset[str]  # those of the rest of the sentence
    restricted: frozenset[str]  # of its own terms those behind a preposition
    followed: frozenset[tuple[str, str]]  # terms that stand side by side in its clause
    besides: tuple[Quantity, ...]  # other figures of its clause, which say of what or when this one is
    start: int  # characters of the sentence
    end: int


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence, and what can be said of it as a whole."""

    reading: Reading
    terms: frozenset[str]  # see ``plain_terms``
    facts: tuple[Fact, ...]
    names: frozenset[str]  # terms of words written as names
    tense: str  # "past", "present" or "" where it does not tell
    years: tuple[Quantity, ...]  # dates with a year
    since: bool  # its date is the beginning of what is said
    former: bool
    planned: bool
    condition: bool
    others: bool
    norm: bool


@lru_cache(maxsize=512)
def sentences_in(passage: str) -> tuple[tuple[int, int], ...]:
    """Return ``(start, end)`` of each sentence; lines that are laid out in columns count as one each."""
    return tuple(_spans(passage))


def _spans(passage: str) -> Iterator[tuple[int, int]]:
    for start, end in sentence_spans(passage):
        lines = passage[start:end].split("\n")
        if len(lines) == 1 or not any(_COLUMNS.search(line.strip()) for line in lines):
            yield start, end
            continue
        at = start
        for line in lines:
            bare = line.strip()
            if bare:
                begin = at + line.index(bare)
                yield begin, begin + len(bare)
            at += len(line) + 1


@lru_cache(maxsize=4_096)
def statement(sentence: str) -> Statement:
    """Read one sentence."""
    # Lines end where a page does, not a clause.
    reading = read(sentence.replace("\n", " "))
    folded = {word.folded for word in reading.words}
    years = tuple(one for one in reading.figures if one.kind == "date" and any(day.year for day in one.days))
    return Statement(
        reading=reading,
        terms=plain_terms(reading.terms),
        facts=tuple(_facts(reading)),
        names=frozenset(_names(reading)),
        tense=_tense(reading),
        years=years,
        since=any(_SINCE.search(reading.text[max(0, one.start - 12) : one.start]) for one in years),
        former=bool(_FORMER.search(reading.text)),
        planned=bool(reading.terms & _PLANNED or folded & _PLANNED),
        condition=bool(folded & _CONDITIONS),
        others=bool(folded & _OTHERS),
        norm=bool(folded & _NORMS),
    )


def plain_terms(found: set[str]) -> frozenset[str]:
    """Terms that tell what is spoken of: without verbs that only carry a value, one word for each attribute."""
    return frozenset(_ATTRIBUTES.get(term, term) for term in found if term not in _LIGHT)


def attribute(term: str) -> str:
    """The one word for an attribute: ``high`` for height."""
    return _ATTRIBUTES.get(term, term)


def _tense(reading: Reading) -> str:
    folded = [word.folded for word in reading.words]
    if any(word in _PRESENT for word in folded):
        return "present"
    if any(word in _PAST for word in folded):
        return "past"
    return ""


def _names(reading: Reading) -> Iterator[str]:
    """Words with a capital inside the sentence; the first one if another follows it, or it has a figure."""
    for index, word in enumerate(reading.words):
        if not word.term or not word.capital or word.folded in STOP_WORDS:
            continue
        following = reading.words[index + 1] if index + 1 < len(reading.words) else None
        together = following is not None and following.capital and following.clause == word.clause
        inside = index > 0 and not _starts(reading, word)
        if inside or together or sum(map(str.isupper, word.text)) > 1:
            yield attribute(word.term)


def _starts(reading: Reading, word: Word) -> bool:
    before = reading.text[: word.start].rstrip(" \t\n\"'“”‘’«»([*_-•–—#>|")
    return not before or before[-1] in ".!?:;"


# --- figures --------------------------------------------------------------------------


def _facts(reading: Reading) -> Iterator[Fact]:
    groups = [pair for pair in _groups(reading) if not _in_a_word(reading, pair[0][0])]
    if len(groups) > (1 if " | " in reading.text else _MOST_FIGURES):
        return  # which column a cell belongs to, a row does not say, nor does a table without lines
    for group, joint in groups:
        if group[-1].kind in ("weekday", "ordinal"):
            continue
        clauses = {word.clause for word in reading.words if word.figure >= 0 and reading.figures[word.figure] in group}
        own_words = [word for word in reading.words if word.clause in clauses]
        rivals = [
            one
            for other, _ in groups
            for one in other
            if other is not group and one.kind == group[-1].kind and _stands_in(one, own_words, reading)
        ]
        if rivals:
            continue  # whose value it is, the clause does not say
        besides = tuple(
            one for other, _ in groups for one in other if other is not group and _stands_in(one, own_words, reading)
        )
        if group[-1].kind == "date" and _is_attribute(reading, group[-1]):
            continue
        form = _form(reading, group[0], own_words) if group[-1].kind in _COUNTED_AS else "bare"
        if form == "subject":
            continue
        if not any(word.term for word in own_words):
            own_words = _clause_before(reading, min(clauses, default=0))
        own = plain_terms({word.term for word in own_words if word.term})
        yield Fact(
            kind=group[-1].kind,
            figures=group,
            joint=joint,
            form=form,
            own=own,
            near=plain_terms(reading.terms) - own,
            restricted=frozenset(_restricted(own_words)),
            followed=frozenset(_side_by_side(own_words)),
            besides=besides,
            start=group[0].start,
            end=_end(reading, group[-1], form),
        )


def _groups(reading: Reading) -> Iterator[tuple[tuple[Quantity, ...], str]]:
    """Figures, those together that are joined: ``09:00 and 18:00``, ``10 to 12 years``."""
    at = 0
    figures = reading.figures
    while at < len(figures):
        one = figures[at]
        if at + 1 < len(figures):
            other = figures[at + 1]
            joint = _JOINT.match(fold(reading.text[one.end : other.start]))
            alike = one.kind in (other.kind, "count") and not {one.kind, other.kind} & {"weekday", "ordinal"}
            if joint and alike:
                if one.kind != other.kind:
                    one = _with_unit(one, other)
                before = fold(reading.text[max(0, one.start - 9) : one.start])
                both = joint["joint"] in ("and", "und") and not before.rstrip().endswith(("between", "zwischen"))
                yield (one, other), "and" if both else "to"
                at += 2
                continue
        yield (one,), ""
        at += 1


def _with_unit(one: Quantity, other: Quantity) -> Quantity:
    """``10`` of ``10 to 12 years`` is years too."""
    values = tuple(value * other.factor for value in one.values)
    return Quantity(one.start, one.end, one.written, other.kind, values, other.factor, one.bound)


def _is_attribute(reading: Reading, date: Quantity) -> bool:
    """Whether a date belongs to a name: ``the 2021 US Open``."""
    after = next((word for word in reading.words if word.start >= date.end), None)
    return (
        after is not None
        and bool(after.term or after.text[0].isupper())
        and reading.text[date.end : after.start].isspace()
    )


def _in_a_word(reading: Reading, figure: Quantity) -> bool:
    """Whether it is part of a name: ``G4``."""
    return reading.text[max(0, figure.start - 1) : figure.start].isalpha()


def _stands_in(figure: Quantity, words: Sequence[Word], reading: Reading) -> bool:
    return any(word.figure >= 0 and reading.figures[word.figure] is figure for word in words)


def _form(reading: Reading, figure: Quantity, words: Sequence[Word]) -> str:
    if _NUMBERED.match(reading.text) and not reading.text[: figure.start].strip():
        return "bare"
    after = [word for word in words if word.start >= figure.end]
    before = [word for word in words if word.start < figure.start]
    if after and (after[0].term or (len(after) > 1 and after[0].folded in _ADJECTIVAL and after[1].term)):
        return "counted"
    if (
        figure.written[0].isdigit()
        and before
        and before[-1].term
        and reading.text[before[-1].start + len(before[-1].text) : figure.start].isspace()
    ):
        is_verb = before[-1].term in _LIGHT
        if not is_verb:
            return "label" if not after else "subject"
    return "bare"


def _end(reading: Reading, figure: Quantity, form: str) -> int:
    """Where the value ends: behind what is counted."""
    if form == "counted":
        noun = next((word for word in reading.words if word.start >= figure.end and word.term), None)
        if noun and noun.start - figure.end <= 2:
            return noun.start + len(noun.text)
    return figure.end


def _clause_before(reading: Reading, clause: int) -> list[Word]:
    before = [word for word in reading.words if word.clause < clause and word.term]
    return [word for word in reading.words if before and word.clause == before[-1].clause]


def _restricted(words: Sequence[Word]) -> Iterator[str]:
    behind = counted = False
    for word in words:
        if word.term and word.folded not in _PREPOSITIONS:
            if behind:
                yield attribute(word.term)
            counted = word.term in _LIGHT
        elif word.figure >= 0:
            behind = False
        elif word.folded in _PREPOSITIONS:
            behind = not (word.folded == "of" and counted)  # "the number of": what is counted, and no part of it
        elif word.folded not in ARTICLES and word.folded not in ("its", "their", "our", "this", "these", "all", "each"):
            behind = False


def _side_by_side(words: Sequence[Word]) -> Iterator[tuple[str, str]]:
    for one, other in pairwise(words):
        if one.term and other.term:
            yield attribute(one.term), attribute(other.term)


# --- names ----------------------------------------------------------------------------

_KEY = 2  # terms of what is no role: "the capital of Peru", not "the problem"
_NAME = r"(?P<name>[^\W\d_a-z][\w'’.-]*(?:\s+(?:(?:de|von|van|der|di|da|la|le|al|bin)\s+)*[^\W\d_a-z][\w'’.-]*){0,4})"
_LABELLED = re.compile(rf"^\W*(?P<key>[^:|.,;]{{3,60}}?)\s*(?::|\s\|\s)\s*{_NAME}\s*(?:[.,;(]|$)")
_IS_NAME = re.compile(
    rf"^(?:The|Our|Its|Their|His|Her)\s+(?P<key>[^,;:.]{{3,80}}?)\s+(?:is|was)\s+(?:now\s+|currently\s+)?{_NAME}\s*"
    r"(?=[.,;(]|$|\s(?:and|who|since)\b)"
)
_NAME_IS = re.compile(
    rf"^{_NAME}\s+(?:is|was)\s+(?:now\s+|currently\s+)?(?:the|our|its|their)\s+"
    r"(?P<key>[^,;:.]{3,80}?)(?=[.,;:(]|$|\s(?:and|who|since|at the)\b)"
)
_BY_NAME = re.compile(
    rf"(?P<key>[^,;:.]{{5,120}}?)\s+(?:is|was|were|are)\s+(?P<verb>\w+)\s+by\s+{_NAME}\s*(?=[.,;(]|$|\s(?:and|in)\b)"
)
_ONE_HOLDER = _words("""
    warden officer director manager chair chairman chairwoman chairperson treasurer secretary president superintendent
    editor minister mayor head chief captain skipper coach owner ceo cfo cto leader engineer librarian curator architect
    founder boatmaster principal rector dean headteacher landlord governor bishop king queen conductor
""")
_MADE_ONCE = _terms("""
    designed built founded composed written painted invented discovered commissioned directed chaired established led
    opened created developed
""")


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a role, or made a thing."""

    key: frozenset[str]  # terms of the role, or of thing and verb
    name: frozenset[str]  # terms
    start: int  # of the name, characters of the sentence
    end: int


@lru_cache(maxsize=2_048)
def holder(sentence: str) -> Holder | None:
    """Who a sentence says holds a role or made a thing, if it says so of one alone."""
    for pattern in (_LABELLED, _IS_NAME, _NAME_IS, _BY_NAME):
        match = pattern.search(sentence)
        if match is None:
            continue
        found = _holder(pattern, match)
        if found:
            return found
    return None


def _holder(pattern: re.Pattern[str], match: re.Match[str]) -> Holder | None:
    key = terms(match["key"])
    words = [fold(word) for word in match["key"].split()]
    if not key or words[0] in ("a", "an", "one", "deputy", "acting"):
        return None
    if pattern is _BY_NAME:
        verb = term_of(match["verb"])
        if not set(verb) & _MADE_ONCE:
            return None
        key = [*key, *verb]
    elif pattern is _LABELLED:
        if words[-1] not in _ONE_HOLDER:
            return None
    elif not set(words) & _ONE_HOLDER and len(set(key)) < _KEY:
        return None
    start, end = match.span("name")
    written = match["name"].rstrip(".")
    return Holder(plain_terms(set(key)), frozenset(terms(written)), start, end - (len(match["name"]) - len(written)))
