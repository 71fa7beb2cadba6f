"""The sentence check: does a sentence say no more than the words quoted for it?

No model is asked. A sentence is held against its quotes by what can be read off both:
numbers and dates, names, denial, and the share of its words that the quotes have.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from citewise.language.terms import names, negated, numbers, overlap, terms
from citewise.types import Verdict

SUPPORTED_SHARE = 0.6
"""Share of a sentence's content words that its quotes must have."""

PARTIAL_SHARE = 0.34

_REFERENCE = re.compile(r"[ \t]*\[\d{1,3}\]")


def verify(sentence: str, quotes: Sequence[str]) -> tuple[Verdict, str]:
    """Judge one sentence of an answer, markers taken out, by the words that it cites.

    Returns:
        The verdict and its reason, a phrase for a person. ``not_checked`` without quotes, for a
        sentence that says nothing, and where sentence and quotes are in different scripts.
    """
    if not quotes:
        return "not_checked", "no citation"
    together = "\n".join(quotes)
    if _plain(sentence) and _plain(sentence) in _plain(together):
        return "supported", "quoted word for word"
    wanted = terms(sentence)
    if not wanted:
        return "not_checked", "nothing to check"
    if _latin(sentence) != _latin(together):
        return "not_checked", "written in another script than its source"
    return _compared(sentence, wanted, quotes)


def _compared(sentence: str, wanted: Sequence[str], quotes: Sequence[str]) -> tuple[Verdict, str]:
    together = "\n".join(quotes)
    present = set(terms(together))
    share = overlap(wanted, present)
    stated, quoted = dict.fromkeys(numbers(sentence)), set(numbers(together))
    missing_numbers = [number for number in stated if number not in quoted]
    missing_names = [name for name in dict.fromkeys(names(sentence)) if not set(terms(name)) <= present]
    if missing_numbers:
        in_part = share >= PARTIAL_SHARE and len(missing_numbers) < len(stated)
        return (
            "partial" if in_part else "unsupported",
            f"{', '.join(missing_numbers)} does not stand in the quoted words",
        )
    if negated(sentence) != _closest_is_negated(wanted, quotes):
        return "unsupported", "one of sentence and quoted words denies what the other says"
    if missing_names:
        in_part = share >= SUPPORTED_SHARE
        return "partial" if in_part else "unsupported", f"{', '.join(missing_names)} is not named in the quoted words"
    if share >= SUPPORTED_SHARE:
        return "supported", "its words, numbers and names stand in the quoted words"
    if share >= PARTIAL_SHARE:
        return "partial", "only a part of it stands in the quoted words"
    return "unsupported", "the quoted words say something else"


def _closest_is_negated(wanted: Sequence[str], quotes: Sequence[str]) -> bool:
    closest = max(quotes, key=lambda quote: overlap(wanted, terms(quote)))
    return negated(closest)


def _plain(text: str) -> str:
    # Quoted sentences are shown without the reference numbers that the document itself carries.
    return " ".join(_REFERENCE.sub("", text).split()).strip(" .").casefold()


def _latin(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    return sum(character < "\u0250" for character in letters) * 2 >= len(letters)


def _listed(items: Sequence[str]) -> str:
    return ", ".join(items)
