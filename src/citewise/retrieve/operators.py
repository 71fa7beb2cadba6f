"""What in a question is an instruction rather than a subject: ``"exact phrase"`` and ``-word``.

The rules, which the page and the documentation repeat in short:

* Words in double quotation marks of any style must stand in a hit: in this order, whatever the case and the
  white space. A mark opens only at the beginning of a word and closes only at the end of one, so that
  ``a 5" pipe`` quotes nothing.
* In a question that ends with a question mark they need not: there they are mostly titles ("Who wrote "Hello
  Goodbye"?"), and what answers may stand where the title does not. Hits with them come first.
* ``-word`` leaves out hits in which the word stands, in this form. It needs white space (or nothing) before the
  dash and a word of at least two letters right after it: ``e-mail``, ``-5 °C``, ``10 -20`` and ``ls -a`` stay what
  they are. ``-"two words"`` leaves out a phrase.
* A question of nothing but words to leave out has no operators: there would be nothing to look for.
* Nor has a text of more than 40 words: whoever pastes a paragraph searches for what is like it, and the marks in
  it are its author's. Required, they left nothing for 3 of the 76 questions of cisi.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from citewise.language.identifiers import normal
from citewise.language.unspaced import is_unspaced, without_gaps

_QUOTE = re.compile(
    r"(?<![^\s(\[{,;:—–-])"  # nothing but a beginning before it
    r'(?:"([^"“”„«»\n]+)"|[“„]([^"“”„«»\n]+)[”“]|«([^"“”„«»\n]+)»)'
    r"(?![^\W_])"
)
_EXCLUDED_PHRASE = re.compile(r'(?<!\S)-(?=["“„«])')
_EXCLUDED_WORD = re.compile(r"(?<!\S)-([^\W\d_][\w'’.-]*)")
_ASKS = re.compile(r"[?？؟][\s)\]\"“”„«»]*$")
_LEAST_LETTERS = 2
_MOST_WORDS = 40  # of what is read for operators
_HYPHENATION = re.compile("\u00ad\\s*")
_SAME = str.maketrans("‘’ʼ‐‑“”„«»", '\'\'\'--"""""')


@dataclass(frozen=True, slots=True)
class Operators:
    """A question and what it asks for besides its subject."""

    asked: str  # the question as it came
    question: str  # without what is left out; with its quotation marks
    text: str  # to search for: without quotation marks too
    phrases: tuple[str, ...] = ()  # each must stand in a hit
    preferred: tuple[str, ...] = ()  # hits with them come first
    without: tuple[str, ...] = ()  # none may

    def __bool__(self) -> bool:
        return bool(self.phrases or self.without)

    def allow(self, text: str) -> bool:
        """Whether a hit with this text may be shown."""
        if not self:
            return True
        folded = fold(text)
        return all(_stands(folded, phrase) for phrase in self.phrases) and not self._excludes(folded)

    def excludes(self, text: str) -> bool:
        """Whether something stands in ``text`` that is to be left out."""
        return bool(self.without) and self._excludes(fold(text))

    def _excludes(self, folded: str) -> bool:
        return any(_stands(folded, word) for word in self.without)

    def as_json(self) -> Mapping[str, list[str]]:
        """For the trace."""
        return {"phrases": list(self.phrases), "preferred": list(self.preferred), "without": list(self.without)}


def parse(question: str) -> Operators:
    """Read the operators of a question; one without any comes back as it is."""
    if len(question.split()) > _MOST_WORDS:
        return Operators(question, question, question)
    phrases: list[str] = []
    without: list[str] = []
    kept: list[str] = []  # the question in pieces, without what is left out
    at = 0
    for match in _QUOTE.finditer(question):
        phrase = next(group for group in match.groups() if group is not None).strip()
        before = question[at : match.start()]
        if not any(character.isalnum() for character in phrase):
            continue
        excluded = before.endswith("-") and _EXCLUDED_PHRASE.search(question, match.start() - 1, match.start() + 1)
        kept.append(_without_words(before[:-1] if excluded else before, without))
        if excluded:
            without.append(phrase)
        else:
            phrases.append(phrase)
            kept.append(match.group())
        at = match.end()
    kept.append(_without_words(question[at:], without))
    remaining = " ".join("".join(kept).split())
    if not (phrases or without) or not any(character.isalnum() for character in remaining):
        return Operators(question, question, question)
    text = _QUOTE.sub(lambda match: f" {next(group for group in match.groups() if group is not None)} ", remaining)
    distinct = tuple(dict.fromkeys(phrases))
    asks = bool(_ASKS.search(remaining))
    return Operators(
        asked=question,
        question=remaining,
        text=" ".join(text.split()),
        phrases=() if asks else distinct,
        preferred=distinct if asks else (),
        without=tuple(dict.fromkeys(without)),
    )


def fold(text: str) -> str:
    """One form for what reads the same: case, white space, hyphenation, kinds of quotation marks and hyphens."""
    plain = _HYPHENATION.sub("", normal(text).translate(_SAME)).casefold()
    collapsed = " ".join(plain.split())
    return without_gaps(collapsed) if is_unspaced(collapsed) else collapsed


def _stands(folded: str, phrase: str) -> bool:
    return bool(_whole(fold(phrase)).search(folded))


@lru_cache(maxsize=256)
def _whole(phrase: str) -> re.Pattern[str]:
    """A pattern for a folded phrase that begins and ends no word in its middle, where words have spaces."""
    begins = r"(?<!\w)" if phrase[:1].isalnum() and not is_unspaced(phrase[:1]) else ""
    ends = r"(?!\w)" if phrase[-1:].isalnum() and not is_unspaced(phrase[-1:]) else ""
    return re.compile(begins + re.escape(phrase) + ends)


def _without_words(text: str, without: list[str]) -> str:
    """Take ``-word`` out of ``text``, adding the words to ``without``."""

    def take(match: re.Match[str]) -> str:
        word = match.group(1).rstrip(".-'’")
        letters = sum(character.isalpha() for character in word)
        if letters < _LEAST_LETTERS and not is_unspaced(word):
            return match.group()
        without.append(word)
        return match.group(1)[len(word) :]

    return _EXCLUDED_WORD.sub(take, text)
