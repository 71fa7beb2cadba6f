"""Follow-up questions made to stand alone, by rules.

A question leans on the conversation when it replaces a part of the last question ("and
for the X300?"), points back with a pronoun ("how do I clean it?"), or is too short to
mean anything alone ("how much?"). Every other question stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from citewise.types import Message

_WORD = re.compile(r"[^\W_]+(?:['’\-./_][^\W_]+)*")
_STOP_WORDS = """
    a about according actually again all also am an and any anything are as at be been being best better but by can
    come comes could describe did different discuss do does doing done else example explain find for from get give go
    good had happen happened happens has have he her here hers him his how i if important in instead interested
    interesting into is it its kind kinds know learn list long made main make makes many may me mean might more most
    much must my need of often on one ones or other our out over please same say says see shall she should show so
    some something tell than that the their theirs them then there these they thing things think this those to too
    type types under up us use used using very want was we were what when where which while who whom whose why will
    with work works would yes you your
"""
_STOP = frozenset(_STOP_WORDS.split())
_LEAD_IN = re.compile(
    r"^\s*(?:(?:and|but|or|so|ok|okay|also|then)\b[\s,]*)*"
    r"(?:(?:what|how)\s+about\b|and\b|also\b|or\b|but\b)[\s,]*",
    re.I,
)
_OPENING = re.compile(r"^(?:(?:for|in|of|on|with|at|from|by|the|a|an|that|those|this|these)\s+)+", re.I)
_QUESTION = re.compile(
    r"^(?:what|who|whom|whose|when|where|why|which|how|is|are|was|were|do|does|did|can|could|will|would|should|has|have)\b",
    re.I,
)
# "How long does it take", "is it possible": points at nothing.
_EXPLETIVE = re.compile(
    r"\bit\s+(?:takes?|took|costs?|rains?|raining)\b|\b(?:is|was)\s+it\s+\w+\s+(?:to|that|if)\b", re.I
)
_PRONOUN = re.compile(
    r"\b(?:its|their|his|it|they|them|he|she|him|these|those|this|"
    r"(?:of|about|for|from|with|like|do|does|did|is|was)\s+that(?=\s*[?.!,]|\s*$)|"
    r"(?<=is\s)that|that(?=\s+(?:is|was|are|were|does|do|did|has|have|mean|means)\b)|her)\b",
    re.I,
)
_DEFINITION = re.compile(r"^what(?:'s|’s|\s+is|\s+are)\s+(?:an?\s+)?(?!the\b)\S+\s*\?*$", re.I)
_POSSESSIVE = frozenset(("its", "their", "his", "her"))
_DETERMINER = frozenset(("this", "these", "those"))


def standalone(question: str, history: Sequence[Message]) -> str:
    """Rewrite a follow-up so that it can be searched for without its conversation.

    Args:
        question: As it was asked.
        history: What was said before, oldest first; only the person's questions are used.

    Returns:
        The question with the subject of earlier ones put in, or ``question`` itself when it
        does not lean on them.
    """
    previous, subject = "", ""
    for message in history:
        if message.role == "user":
            previous, subject = _resolve(message.content, previous, subject)
    return _resolve(question, previous, subject)[0]


def _resolve(question: str, previous: str, subject: str) -> tuple[str, str]:
    """``question`` standing alone, and its subject, given those of the question before."""
    question = question.strip()
    if not previous:
        return question, _subject(question)
    if (replaced := _elliptical(question, previous)) is not None:
        return replaced, _subject(replaced) or subject
    if not subject or subject.lower() in question.lower():
        return question, _subject(question) or subject
    if pointed := _pronoun(question, subject):
        return pointed, subject
    if _says_little(question):
        return f"{question} ({subject})", subject
    return question, _subject(question) or subject


# --- "and for the X300?" --------------------------------------------------------------


def _elliptical(question: str, previous: str) -> str | None:
    """The previous question with the part replaced that a bare phrase names; ``None`` if it is no bare phrase."""
    lead_in = _LEAD_IN.match(question)
    rest = question[lead_in.end() :] if lead_in else question
    if not lead_in or _QUESTION.match(rest) or _PRONOUN.search(rest):
        return None
    rest = rest.rstrip(" ?.!")
    bare = _OPENING.sub("", rest)
    terms = _terms(bare)
    if not terms:
        return None
    wanted = _shape(terms[-1].text if terms[-1].shape != "word" else terms[0].text)
    if wanted != "word":
        runs = [run for run in _runs(previous) if any(term.shape == wanted for term in run)]
        if runs:
            same = [term for term in runs[-1] if term.shape == wanted]
            return previous[: same[0].start] + bare + previous[same[-1].end :]
    return f"{previous.rstrip(' ?.!')} {rest}?"


# --- "how do I clean it?" -------------------------------------------------------------


def _pronoun(question: str, subject: str) -> str | None:
    """``question`` with its first pronoun replaced by ``subject``; ``None`` if it has none."""
    expletive = _EXPLETIVE.search(question)
    for match in _PRONOUN.finditer(question):
        if expletive and expletive.start() <= match.start() < expletive.end():
            continue
        word = match.group().split()[-1].lower()
        before = question[: match.end() - len(word)]
        after = question[match.end() :]
        if word in _POSSESSIVE:
            return f"{before}{subject}'s{after}"
        if word in _DETERMINER and (following := _WORD.match(after.lstrip())) and _is_content(following.group()):
            return f"{question} ({subject})"  # "this pump": the noun stays
        return f"{before}{subject}{after}"
    return None


def _says_little(question: str) -> bool:
    terms = _terms(question)
    if _DEFINITION.match(question):
        return False
    return len(terms) <= 1 and all(term.shape == "word" for term in terms)


# --- what a question is about ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Term:
    """A word with content and what it looks like."""

    text: str
    start: int
    end: int
    shape: str  # year, code (has a digit), name (capital inside a sentence) or word


def _subject(question: str) -> str:
    """The words that name what a question is about: a name or code with its neighbours, else the longest phrase."""
    runs = _runs(question)
    if not runs:
        return ""
    best = max(runs, key=lambda run: (any(term.shape in ("code", "name") for term in run), len(run), run[0].start))
    return question[best[0].start : best[-1].end].removesuffix("'s").removesuffix("’s")


def _terms(text: str) -> list[_Term]:
    """The words of ``text`` that say something."""
    terms = []
    for match in _WORD.finditer(text):
        word = match.group()
        if _is_content(word):
            first = match.start() == 0
            terms.append(_Term(word, match.start(), match.end(), "word" if first and word.istitle() else _shape(word)))
    return terms


def _runs(text: str) -> list[list[_Term]]:
    """The terms of ``text``, those that only spaces part taken together."""
    runs: list[list[_Term]] = []
    for term in _terms(text):
        if runs and not text[runs[-1][-1].end : term.start].strip():
            runs[-1].append(term)
        else:
            runs.append([term])
    return runs


def _is_content(word: str) -> bool:
    return word.lower() not in _STOP


def _shape(word: str) -> str:
    if re.fullmatch(r"(?:19|20)\d\d", word):
        return "year"
    if any(character.isdigit() for character in word):
        return "code"
    return "name" if word[0].isupper() else "word"
