"""Does a sentence claim more of a thing than its quote: *all* for *some*, *only* for any?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from citewise.answer.check.reading import Reading, Word, closest

_LEVELS = {
    1: "few seldom rarely wenige selten rarement",
    2: "some several various certain handful sometimes occasionally partly einige manche mehrere manchmal teilweise "
    "certains certaines quelques plusieurs parfois algunos algunas varios varias",
    3: "many often numerous frequently viele oft zahlreiche beaucoup souvent muchos muchas numerosos",
    4: "most majority mostly usually generally meisten mehrheit meist meistens plupart majorite mayoria",
    5: "all every each always entire everyone everybody both alle allen aller jeder jede jedes jeden samtliche immer "
    "tous toutes chaque toujours todos todas cada siempre",
}
_LEVEL = {word: level for level, words in _LEVELS.items() for word in words.split()}
_FREQUENCY_WORDS = """
    seldom rarely sometimes occasionally often frequently usually generally always selten manchmal oft meist
    meistens immer rarement parfois souvent toujours siempre
"""
_FREQUENCY = frozenset(_FREQUENCY_WORDS.split())
_PASSED_OVER_WORDS = """
    of the a an its their our these those der die das den des de les le la los las el
"""
_PASSED_OVER = frozenset(_PASSED_OVER_WORDS.split())
_ONLY_WORDS = """
    only solely exclusively just alone merely nur ausschliesslich lediglich seulement uniquement exclusivement solo
    solamente unicamente except sole
"""
_ONLY = frozenset(_ONLY_WORDS.split())
_ONLY_ELSE = re.compile(
    r"\b(?:no ?one|nobody|none|nothing|no) (?:else|other|but)\b|\bne\b.*\bque\b|\brestricted to\b|"
    r"\blimited to\b|\breserved for\b",
    re.IGNORECASE,
)
_SPANS = 4  # words between a quantifier and what it counts, at most


@dataclass(frozen=True, slots=True)
class _Amount:
    level: int
    head: str  # the term that is counted; empty for how often
    written: str


def overstated(claim: Reading, quoted: Sequence[Reading]) -> tuple[str, str] | None:
    """The claim's quantifier and the weaker one of the quotes; the second is empty where there is none."""
    near = closest(claim, quoted)
    theirs = [amount for sentence in near for amount in _amounts(sentence)]
    for amount in _amounts(claim):
        rivals = [one for one in theirs if one.head == amount.head]
        if not rivals:
            continue
        if amount.level >= 4 and all(one.level < amount.level for one in rivals):
            return amount.written, rivals[0].written
        if amount.level == 1 and all(one.level > 2 for one in rivals):
            return amount.written, rivals[0].written
    only = _only(claim)
    if only and not any(_only(one, loose=True) or _ONLY_ELSE.search(one.text) for one in near or quoted):
        return only, ""
    return None


def _amounts(reading: Reading) -> list[_Amount]:
    found = []
    for index, word in enumerate(reading.words):
        level = _LEVEL.get(word.folded)
        before = reading.words[index - 1].folded if index else ""
        if level is None:
            continue
        if before == "not" and level == 5:
            level = 2
        elif before in ("nearly", "almost", "fast", "presque", "casi") and level == 5:
            level = 4
        elif word.folded == "few" and before == "a":
            level = 2
        head = "" if word.folded in _FREQUENCY else _head(reading.words, index)
        if head is not None:
            found.append(_Amount(level, head, word.text))
    for quantity in reading.figures:
        if quantity.kind == "percent" and quantity.values:
            last = max((i for i, word in enumerate(reading.words) if word.start < quantity.end), default=-1)
            of = reading.words[last + 1 : last + 2]
            head = _head(reading.words, last) if of and of[0].folded in ("of", "der", "des", "de", "d") else None
            if head:
                share = quantity.values[0]
                found.append(_Amount(5 if share >= 100 else 4 if share > 50 else 2, head, quantity.written))
    return found


def _head(words: Sequence[Word], index: int) -> str | None:
    """The noun that a quantifier counts: the first content word after it, or after ``of the``."""
    for word in words[index + 1 : index + 1 + _SPANS]:
        if word.term:
            return word.term
        if word.folded not in _PASSED_OVER and word.figure < 0:
            return None
    return None


def _only(reading: Reading, *, loose: bool = False) -> str | None:
    for index, word in enumerate(reading.words):
        if word.folded not in _ONLY or (word.folded in ("just", "alone", "merely", "except", "sole") and not loose):
            continue
        before = reading.words[index - 1].folded if index else ""
        following = reading.words[index + 1 : index + 2]
        if before in ("not", "nicht", "non", "no") or (following and following[0].figure >= 0 and not loose):
            continue  # "not only"; "only 40" is a remark on the figure
        return word.text
    return None
