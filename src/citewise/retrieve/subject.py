"""What a question is about, read off its words: a name or code with its neighbours, else a phrase.

Rules for English. Sentences are not parsed: of a run of words with content, those are taken
off that the words before them show to be verbs ("How was Netflix started", "to treat asthma").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

WORD = re.compile(r"[^\W_]+(?:['’\-./_][^\W_]+)*")

_STOP_WORDS = """
    a about according actually after again against all also am an and any anything are as at be because been before
    being best better between both but by can come comes could describe did different discuss do does doing done
    during each else ever every example explain few find first for from get give go good great had happen happened
    happens has have having he her here hers him himself his how i idea if important in instead interested interesting
    into is it its just kind kinds know last learn like list long lot made main make makes many may me mean might
    mine more most much must my need new next no not of off often ok okay on once one ones only or other others our
    out over own per please possible really same say says see shall she should show since so some someone something
    still such tell than thanks that the their theirs them then there these they thing things think this those
    through to too toward type types under until up upon us use used using very want was way ways we well were what
    whatever when where whether which while who whom whose why will with within without work works would yes yet
    you your yours
"""
_STOP = frozenset(_STOP_WORDS.split())

# What one asks of a thing, and not a thing itself.
_ASPECT_WORDS = """
    achievement advantage age amount appearance application argument aspect author award background basics beginning
    behavior benefit cause challenge change characteristic class component composition concern consequence cost
    definition detail development difference disadvantage drawback duration effect end evidence example fact factor
    feature finding form function future goal growth history idea impact implication importance impression influence
    information invention issue key kind level limit limitation location meaning member method modern name number
    objective opinion option origin outcome overview part plot popular population price principle problem process
    project purpose quality question reason relation relationship requirement response result risk role root rule
    score section setting side sign significance similarity size solution source stage step story strategy strength
    structure success summary symptom system term theme time tip topic treatment trend use usage value variety version
    view weakness
    year month week day hour minute moment world country city area person man woman end rest
"""
_ASPECTS = frozenset(_ASPECT_WORDS.split())
_JOINS = frozenset(("of", "and", "the", "de", "la", "von", "van", "&"))  # between two parts of one name
_BE = frozenset(("is", "are", "was", "were"))
_DO = "am do does did can could will would should has have had may might must"
_AUXILIARIES = _BE | frozenset(_DO.split())
_ASKS_WHAT = frozenset(("what", "who", "which", "where", "whose"))
_BEFORE_VERBS = frozenset(("to", "i", "you", "we", "they", "people", "one", "someone", "please", "what", "who", "that"))
_BEFORE_GERUNDS = frozenset(("of", "for", "by", "from", "in", "about", "with", "without", "after", "before", "when"))
_ARTICLES = frozenset(("the", "a", "an", "this", "that", "these", "those", "my", "your", "our", "its", "their"))
_IMPERATIVE = re.compile(r"(?:compare|contrast|summari[sz]e|outline|define|clarify|elaborate|view|check)$", re.I)


@dataclass(frozen=True, slots=True)
class Term:
    """A word with content and what it looks like."""

    text: str
    start: int
    end: int
    shape: str  # year, code (has a digit), name (capital inside a sentence) or word


def subject_of(question: str) -> str:
    """What a question is about; empty if it has no words with content, or asks only about an aspect of something."""
    perhaps = _perhaps(question)
    if not perhaps:
        return ""
    best = max(perhaps, key=lambda run: (_is_named(run), len(run), run[0].start))
    return question[best[0].start : best[-1].end].removesuffix("'s").removesuffix("’s")


def own_subject(question: str) -> str:
    """What a question is about, if it says so by itself; "the sauce" is of something said before."""
    perhaps = [run for run in _perhaps(question) if len(run) > 1 or _is_named(run) or not _is_definite(question, run)]
    return subject_of(question) if perhaps else ""


def _perhaps(question: str) -> list[list[Term]]:
    runs = (_without_verbs(question, run) for run in runs_of(question))
    return [run for run in runs if run and not is_aspect(run)]


def is_aspect(run: Sequence[Term]) -> bool:
    """Whether words name what is asked of a thing ("side effects") and not the thing."""
    return not _is_named(run) and _singular(run[-1].text.lower()) in _ASPECTS


def terms_of(text: str) -> list[Term]:
    """The words of ``text`` that say something, in order."""
    terms = []
    for match in WORD.finditer(text):
        word = match.group()
        if is_content(word):
            before = text[: match.start()].rstrip(" \t\n\"'(“‘")
            opens = not before or before[-1] in ".?!:"
            shape = "word" if opens and word.istitle() else shape_of(word)
            terms.append(Term(word, match.start(), match.end(), shape))
    return terms


def runs_of(text: str) -> list[list[Term]]:
    """The terms of ``text``, those that only spaces part taken together, and the parts of one name."""
    runs: list[list[Term]] = []
    for term in terms_of(text):
        between = text[runs[-1][-1].end : term.start] if runs else ""
        joins = between.split()
        is_name = bool(runs) and runs[-1][-1].shape == "name" == term.shape and len(joins) <= 2
        if runs and (not joins or (is_name and all(word.lower() in _JOINS for word in joins))):
            runs[-1].append(term)
        else:
            runs.append([term])
    return runs


def is_content(word: str) -> bool:
    """Whether a word says something by itself."""
    return re.sub(r"['’](?:s|re|ve|ll|d|m|t)$", "", word.lower()) not in _STOP and len(word) > 1


def _without_verbs(question: str, run: list[Term]) -> list[Term]:
    """Take verbs off both ends of a run."""
    words = _before(question, run)
    last = words[-1] if words else ""
    first = run[0].text
    if run[0].shape == "word":
        gerund = first.endswith("ing") and last in _BEFORE_GERUNDS and len(run) > 1
        if gerund or last in _BEFORE_VERBS or (not words and _IMPERATIVE.match(first)):
            run = run[1:]
    if last in _ARTICLES:
        words.pop()
    if len(run) > 1 and run[-1].shape == "word" and words and words[-1] in _AUXILIARIES:
        asks_what = words[-2:-1] and words[-2] in _ASKS_WHAT and words[-1] in _BE
        if not asks_what or run[-1].text.endswith("ed"):
            run = run[:-1]
            if len(run) > 1 and run[-1].shape == "word" and run[-1].text.endswith(("ed", "ly")):
                run = run[:-1]
    return run


def _is_definite(question: str, run: Sequence[Term]) -> bool:
    return _before(question, run)[-1:] in (["the"], ["this"], ["that"], ["these"], ["those"])


def _before(question: str, run: Sequence[Term]) -> list[str]:
    return [word.lower() for word in WORD.findall(question[: run[0].start])[-3:]]


def _is_named(run: Sequence[Term]) -> bool:
    return any(term.shape in ("code", "name") for term in run)


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def shape_of(word: str) -> str:
    """What a word looks like, see ``Term``."""
    if re.fullmatch(r"(?:19|20)\d\d", word):
        return "year"
    if any(character.isdigit() for character in word):
        return "code"
    return "name" if word[0].isupper() else "word"
