"""Follow-up questions made to stand alone, by rules.

A question leans on the conversation when it replaces a part of the last question ("and
for the X300?"), points back with a pronoun ("how do I clean it?"), or is too short to
mean anything alone ("how much?"). Every other question stays as it is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from citewise.language.terms import stem, terms
from citewise.retrieve.subject import WORD, is_aspect, is_content, own_subject, runs_of, shape_of, subject_of, terms_of
from citewise.types import Message

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
_LITTLE = 2  # words with content; a question with more stands alone, unless it points back
_FIRST, _LAST, _ALIKE = 0.5, 0.25, 0.5
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


def with_topic(question: str, history: Sequence[Message]) -> str | None:
    """Return ``question`` with what the conversation is about behind it; ``None`` where it says so itself.

    A question that stands alone for the rules is often one about the same thing all the same
    ("What are popular hiking trails?", after three questions about Boise), and nothing in it
    tells. So both wordings are searched for.

    Args:
        question: Standing alone, as far as the rules can tell.
        history: What was said before, oldest first; only the person's questions are used.
    """
    topic = _topic([message.content for message in history if message.role == "user"])
    if not topic or _mentions(question, topic):
        return None
    return f"{question} ({topic})"


def _topic(questions: Sequence[str]) -> str:
    """The subject that most questions share; what was asked first and what was asked last counts more."""
    shares: defaultdict[frozenset[str], float] = defaultdict(float)
    written: dict[frozenset[str], str] = {}
    for place, question in enumerate(questions):
        subject = subject_of(question)
        if not (key := frozenset(terms(subject))):
            continue
        written.setdefault(key, subject)
        for other in shares:
            if other != key and other & key:
                shares[other] += _ALIKE
        shares[key] += 1 + _FIRST * (place == 0) + _LAST * (place == len(questions) - 1)
    return written[max(shares, key=shares.__getitem__)] if shares else ""


def _resolve(question: str, previous: str, subject: str) -> tuple[str, str]:
    """``question`` standing alone, and what is talked about after it, given those of the question before."""
    question = question.strip()
    if not previous:
        return question, subject_of(question)
    if (replaced := _elliptical(question, previous)) is not None:
        return replaced, subject_of(replaced) or subject
    own = own_subject(question)
    if not subject or _mentions(question, subject):
        return question, own or subject
    if pointed := _pronoun(question, subject) or _head_alone(question, subject):
        return pointed, subject
    # "How do I book the bothy?" names a thing, of this conversation or another: the search with the topic finds both.
    if not subject_of(question) and _says_little(question):
        return f"{question} ({subject})", subject
    return question, own or subject


# --- "and for the X300?" --------------------------------------------------------------


def _elliptical(question: str, previous: str) -> str | None:
    """The previous question with the part replaced that a bare phrase names; ``None`` if it is no bare phrase."""
    lead_in = _LEAD_IN.match(question)
    rest = question[lead_in.end() :] if lead_in else question
    if not lead_in or _QUESTION.match(rest) or _PRONOUN.search(rest):
        return None
    rest = rest.rstrip(" ?.!")
    bare = _OPENING.sub("", rest)
    terms = terms_of(bare)
    if not terms:
        return None
    wanted = shape_of(terms[-1].text if terms[-1].shape != "word" else terms[0].text)
    if wanted != "word":
        runs = [run for run in runs_of(previous) if any(term.shape == wanted for term in run)]
        if runs:
            same = [term for term in runs[-1] if term.shape == wanted]
            return previous[: same[0].start] + bare + previous[same[-1].end :]
    return f"{previous.rstrip(' ?.!')} {rest}?"


# --- "how do I clean it?" -------------------------------------------------------------


def _pronoun(question: str, subject: str) -> str | None:
    """``question`` with its first pronoun replaced by ``subject``; ``None`` if it has none."""
    expletive = _EXPLETIVE.search(question)
    named = [run[-1].end for run in runs_of(question) if len(run) > 1 and not is_aspect(run)]
    for match in _PRONOUN.finditer(question):
        if named and named[0] <= match.start():
            return None  # "Is the X300 louder when it starts?": the question itself says what is meant
        if expletive and expletive.start() <= match.start() < expletive.end():
            continue
        word = match.group().split()[-1].lower()
        before = question[: match.end() - len(word)]
        after = question[match.end() :]
        if word in _POSSESSIVE:
            return f"{before}{subject}'s{after}"
        if word in _DETERMINER and (following := WORD.match(after.lstrip())) and is_content(following.group()):
            return f"{question} ({subject})"  # "this pump": the noun stays
        return f"{before}{subject}{after}"
    return None


# --- "and the period?", after "warranty period" ------------------------------------------


def _head_alone(question: str, subject: str) -> str | None:
    """``question`` with the last word of ``subject`` made whole where it stands alone; ``None`` if it does not."""
    words = WORD.findall(subject)
    runs = runs_of(question)
    if len(words) < 2 or sum(map(len, runs)) > _LITTLE + 1:
        return None
    for run in runs:
        if len(run) == 1 and stem(run[0].text.lower()) == stem(words[-1].lower()):
            return question[: run[0].start] + subject + question[run[0].end :]
    return None


def _says_little(question: str) -> bool:
    terms = terms_of(question)
    if _DEFINITION.match(question):
        return False
    return len(terms) <= _LITTLE and all(term.shape == "word" for term in terms)


def _mentions(question: str, subject: str) -> bool:
    """Whether every word of ``subject`` stands in ``question``, whatever its ending."""
    said = {stem(word.lower()) for word in WORD.findall(question)}
    return all(stem(word.lower()) in said for word in WORD.findall(subject))
