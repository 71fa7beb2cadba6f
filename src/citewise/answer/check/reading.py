"""A sentence as the rules of the check read it: words with their clause, and figures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from citewise.answer.sentences import sentence_spans
from citewise.language.quantities import Quantity, quantities
from citewise.language.terms import fold, term_of, words

_BREAK = re.compile(r"[,;:()\[\]|–—]|\s-\s|\n")
_JOINS_WORDS = """
    and but while whereas although though because unless except which who whose yet und aber sondern wahrend weil
    obwohl et mais car y e pero sino aunque porque
"""
_JOINS = frozenset(_JOINS_WORDS.split())
_ABOUT = frozenset(("roughly", "approximately", "nearly", "circa", "etwa", "rund", "environ", "aproximadamente"))
_REFERENCE = re.compile(r"[ \t]*\[\d{1,3}\]")
_ARTICLES_WORDS = """
    the a an der die das den dem des ein eine einer le la les l un une el los las una
"""
ARTICLES = frozenset(_ARTICLES_WORDS.split())


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a sentence."""

    start: int
    text: str
    folded: str
    term: str  # empty for a stop word, and for what is a part of a figure
    clause: int
    figure: int = -1  # index into Reading.figures; -1 for none
    capital: bool = False  # written as a name inside a sentence would be


@dataclass(frozen=True, slots=True)
class Reading:
    """One sentence."""

    text: str
    words: tuple[Word, ...]
    figures: tuple[Quantity, ...]

    @property
    def terms(self) -> set[str]:
        """Content words, stemmed; figures not included."""
        return {word.term for word in self.words if word.term}

    @property
    def clauses(self) -> list[list[Word]]:
        """The words by clause, in order."""
        found: dict[int, list[Word]] = {}
        for word in self.words:
            found.setdefault(word.clause, []).append(word)
        return list(found.values())

    def figures_of(self, clause: Sequence[Word]) -> list[Quantity]:
        """The figures that stand in a clause, in order."""
        return [self.figures[index] for index in dict.fromkeys(word.figure for word in clause) if index >= 0]


@lru_cache(maxsize=4_096)
def read(text: str) -> Reading:
    """Read one sentence."""
    text = _REFERENCE.sub(lambda match: " " * len(match.group()), text)
    figures = quantities(text)
    found: list[Word] = []
    clause = 0
    before = 0
    for start, end, word in words(text):
        folded = fold(word)
        figure = next((i for i, one in enumerate(figures) if one.start <= start < one.end), -1)
        joins = folded in _JOINS and not (figure >= 0)
        broken = bool(_BREAK.search(text[before:start])) and not _within(figures, before, start)
        if (joins or broken) and found:
            clause += 1
        before = end
        stems = term_of(word) if figure < 0 and folded not in _ABOUT else ()
        for stem in stems or ("",):
            capital = word[0].isupper()
            found.append(Word(start, word, folded, stem, clause, figure, capital))
    return Reading(text, tuple(found), figures)


def _within(figures: Sequence[Quantity], start: int, end: int) -> bool:
    return any(one.start <= start and end <= one.end for one in figures)


@lru_cache(maxsize=1_024)
def sentences(text: str) -> tuple[Reading, ...]:
    """Read each sentence of a quote."""
    # Lines end where a page does, not a clause.
    return tuple(read(text[start:end].replace("\n", " ")) for start, end in sentence_spans(text))


def closest(claim: Reading, quoted: Sequence[Reading], *, within: float = 0.75) -> list[Reading]:
    """The sentences that share most with a claim, best first: those near the best, at most four."""
    wanted = claim.terms
    scored = sorted(
        (
            (len(wanted & one.terms) + 0.5 * len(_spelled(claim) & _spelled(one)), -index)
            for index, one in enumerate(quoted)
        ),
        reverse=True,
    )
    if not scored or scored[0][0] <= 0:
        return []
    return [quoted[-index] for score, index in scored[:4] if score >= within * scored[0][0]]


def _spelled(reading: Reading) -> set[tuple[str, tuple[float, ...]]]:
    return {(one.kind, one.values) for one in reading.figures}
