"""What a question asks for, read off its words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from citewise.language.terms import fold, names, numbers, terms, words

Kind = Literal["who", "when", "where", "amount", "span_of_time", "other"]
"""What would answer it: a person, a date, a place, a number, a length of time."""

Form = Literal["fact", "definition", "steps", "list"]
"""How an answer is laid out: a sentence, what something is, one thing after the other, several things."""

_PATTERNS: dict[Kind, str] = {  # the first that matches wins
    "span_of_time": r"\bhow (?:long|old|often|soon)\b|\bwhat (?:duration|period|interval)\b|\bwie (?:lange|oft|alt)\b",
    "amount": r"\bhow (?:many|much|big|large|high|tall|far|fast|heavy|deep|wide|hot|cold)\b"
    r"|\b(?:what|which) (?:\w+ ){0,3}(?:number|amount|percentage|percent|share|price|cost|fee|rate|weight|size|"
    r"temperature|capacity|length|height|width|depth|limit|budget|total|voltage|speed|distance|population)\b"
    r"|\bwie ?viele?\b|\bcombien\b|\bcuánt[oa]s?\b",
    "when": r"\bwhen\b|\b(?:what|which) (?:\w+ )?(?:year|date|day|month|time|century|decade|deadline)\b"
    r"|\bwann\b|\bquand\b|\bcuándo\b",
    "who": r"\bwho(?:m|se)?\b|\b(?:what|which) (?:person|people|man|woman|name)\b|\bwer\b|\bqui\b|\bquién\b",
    "where": r"\bwhere\b|\b(?:what|which) (?:\w+ )?(?:place|city|country|town|location|state|building|room)\b|\bwo\b",
}
_KINDS = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _PATTERNS.items()}

_FORMS: dict[Form, re.Pattern[str]] = {  # the first that matches wins
    "steps": re.compile(
        r"^(?:please )?(?:explain |describe |tell me )?how (?:do|does|can|could|should|must|shall|may|to|is|are)\b"
        r"|\b(?:steps|procedure|instructions|process) (?:to|for|of|in)\b|\bin (?:what|which) order\b",
        re.IGNORECASE,
    ),
    "definition": re.compile(
        r"^(?:what|who) (?:is|are|was|were) (?:an? |the )?[\w'’-]+(?: [\w'’-]+){0,2} ?\??$"
        r"|\bwhat (?:does|do|did) .+ (?:mean|stand for)\b|\b(?:meaning|definition) of\b|^define\b",
        re.IGNORECASE,
    ),
    "list": re.compile(
        r"^(?:list|name|enumerate|give)\b|^(?:what|which) (?:are|were)\b"
        r"|^(?:what|which) (?:[\w'’-]+ ){0,3}[\w-]+[^s\W]s "
        r"(?:are|were|do|did|does|must|may|can|have|should|will|need)\b",
        re.IGNORECASE,
    ),
}

_TIME_UNITS = r"(?:seconds?|minutes?|hours?|days?|nights?|weeks?|months?|quarters?|years?|decades?|centur(?:y|ies))"
_MONTHS = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DATE = re.compile(
    rf"\b(?:1\d|20)\d\d\b|\b\d{{1,2}}[./-]\d{{1,2}}\b|\b{_MONTHS}\b\.? ?\d|\d ?{_MONTHS}\b"
    r"|\b\d{1,2}(?::\d\d)? ?(?:am|pm|a\.m\.|p\.m\.)|\b\d{1,2}(?:st|nd|rd|th) centur"
    r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\b(?:today|yesterday|tomorrow|annually|every year)\b",
    re.IGNORECASE,
)
_COUNT = r"(?:\d[\d.,]*|an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|\w+ty)"
_TIME_SPAN = re.compile(rf"\b{_COUNT}[ -]+(?:\w+ )?{_TIME_UNITS}\b", re.IGNORECASE)
_PLACE = re.compile(
    r"\b(?:in|at|near|from|to|on|of|outside|inside|beside|behind|under|between) (?:the )?[A-Z]"
    r"|\b(?:located|situated|stored|kept|held|found)\b"
)
# These words ask for something rather than say what about; a text seldom repeats them.
_ASKING = """
    name tell explain describe list give mean meaning called kind type sort many much long often happen happened
    happens exist get got make made take took use used number amount year date time day place person people
    thing way main purpose reason example difference stand come came go went
"""
_WEAK = frozenset(term for term in terms(_ASKING))
_WEAK_WEIGHT = 0.35
_NAME_WEIGHT = 1.6


@dataclass(frozen=True, slots=True)
class Question:
    """A question, taken apart."""

    text: str
    weights: Mapping[str, float]  # of its terms: names and numbers most, asking words least
    firm: frozenset[str]  # terms of names and numbers: an answer is about these or about something else
    kind: Kind
    form: Form = "fact"


def read_question(text: str) -> Question:
    """Take a question apart. One without content words has no weights."""
    firm = frozenset(term for name in names(text) for term in terms(name)) | frozenset(numbers(text))
    weights = {}
    for term in terms(text):
        weight = _NAME_WEIGHT if term in firm else _WEAK_WEIGHT if term in _WEAK else 1.0
        weights[term] = weight
    return Question(text, weights, firm & frozenset(weights), _kind(text), _form(text))


def has_answer_of_kind(kind: Kind, sentence: str, question: Question) -> bool:
    """Whether ``sentence`` holds something that could answer such a question, beyond the question's own words."""
    match kind:
        case "when":
            return bool(_DATE.search(sentence))
        case "span_of_time":
            return bool(_TIME_SPAN.search(sentence) or _DATE.search(sentence))
        case "amount":
            return any(number not in question.weights for number in numbers(sentence)) or "%" in sentence
        case "who":
            return any(not set(terms(name)) & set(question.weights) for name in names(sentence)) or _begins_with_name(
                sentence, question
            )
        case "where":
            return bool(_PLACE.search(sentence))
        case _:
            return True


def _kind(text: str) -> Kind:
    return next((kind for kind, pattern in _KINDS.items() if pattern.search(text)), "other")


def _form(text: str) -> Form:
    bare = text.strip()
    return next((form for form, pattern in _FORMS.items() if pattern.search(bare)), "fact")


def _begins_with_name(sentence: str, question: Question) -> bool:
    opening = [word for _, _, word in words(sentence[:80])][:2]
    return (
        len(opening) == 2
        and all(word[0].isupper() for word in opening)
        and not {fold(word) for word in opening} & set(question.weights)
    )
