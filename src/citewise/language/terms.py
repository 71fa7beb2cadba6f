"""The words of a text as searching and answering compare them: terms, numbers, names.

Built for English and tolerant of other languages: words that no rule knows are compared
as they are, and writing without spaces is compared by pairs of characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_STOP_WORDS = """
    a about above after again against all also am an and any are aren as at be because been before being below
    between both but by can cannot could couldn did didn do does doesn doing don down during each either else
    every few for from further had hadn has hasn have haven having he hence her here hers herself him himself his
    how however i if in into is isn it its itself just let like ll may me might mine more most much must mustn my
    myself neither no nor not now of off on once one only or other others ought our ours out over own per please
    rather re same shall she should shouldn so some such than that the their theirs them themselves then there
    therefore these they this those through thus to too under until up upon us ve very was wasn we were weren what
    whatever when whenever where wherever whether which whichever while who whoever whom whose why will with
    within without won would wouldn yes yet you your yours
    der die das den dem des ein eine einer eines einem einen und oder ist sind war waren wird werden wurde wie was
    wer wo wann warum welche welcher welches nicht mit von zu zum zur im am auf für bei nach aus
    le la les un une des du de et ou est sont était dans que qui quoi quand comment pourquoi quel quelle où pour
    el los las una unos unas y o es son fue en que quien cuando como cual donde por para del al
"""
STOP_WORDS: frozenset[str] = frozenset(_STOP_WORDS.split())
"""Words that carry no subject; the question words of a few more languages among them."""

_NEGATIONS = """
    not no never none neither nor nobody nothing nowhere cannot without nicht kein keine keinen nie jamais aucun
    aucune ninguno ninguna nunca
"""
NEGATIONS: frozenset[str] = frozenset(_NEGATIONS.split())

_UNITS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen twenty
"""
_TENS = "thirty forty fifty sixty seventy eighty ninety"
_NUMBER_WORDS = {word: str(value) for value, word in enumerate(_UNITS.split())}
_NUMBER_WORDS |= {word: str(value) for value, word in zip(range(30, 100, 10), _TENS.split(), strict=True)}

_WORD = re.compile(r"\d+(?:[.,\u00a0\u202f]\d{3})*(?:[.,]\d+)?(?!\d)|[^\W\d_][^\W_]*(?:['’][^\W_]+)*")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f]+")
_CONTRACTED_NEGATION = re.compile(r"\b\w+n['’]t\b", re.IGNORECASE)
_THOUSANDS = re.compile(r"(?<=\d)[,\u00a0\u202f](?=\d{3}(?!\d))")


def words(text: str) -> list[tuple[int, int, str]]:
    """Return ``(start, end, word)`` of every word and number of ``text``, in order, as written.

    A unit that touches its number is a word of its own: ``10mg`` gives ``10`` and ``mg``.
    """
    return [(match.start(), match.end(), match.group()) for match in _WORD.finditer(text)]


def terms(text: str) -> list[str]:
    """Return the stemmed content words and normalised numbers of ``text``, in order, repeats kept."""
    found: list[str] = []
    for _, _, word in words(text):
        found.extend(term_of(word))
    return found


@lru_cache(maxsize=50_000)
def term_of(word: str) -> tuple[str, ...]:
    """Return the terms that one word stands for: none for a stop word, several for unspaced writing."""
    folded = fold(word)
    if folded in STOP_WORDS:
        return ()
    if folded[0].isdigit():
        return (number(folded),)
    if folded in _NUMBER_WORDS:
        return (_NUMBER_WORDS[folded],)
    if _UNSPACED.search(folded):
        pairs = [folded[at : at + 2] for at in range(len(folded) - 1)]
        return tuple(pairs) or (folded,)
    return (stem(folded),)


def fold(word: str) -> str:
    """Lower-case, without accents and a possessive ending."""
    lowered = word.casefold().replace("’", "'")
    if lowered.endswith("'s"):
        lowered = lowered[:-2]
    decomposed = unicodedata.normalize("NFKD", lowered)
    return "".join(character for character in decomposed if not unicodedata.combining(character)) or lowered


def number(written: str) -> str:
    """Return a number in one spelling: ``1,200`` and ``1 200`` give ``1200``, ``3.50`` gives ``3.5``."""
    plain = _THOUSANDS.sub("", written)
    plain = plain.replace(",", ".") if plain.count(",") == 1 and "." not in plain else plain.replace(",", "")
    if plain.count(".") == 1:
        plain = plain.rstrip("0").rstrip(".")
    return plain


def stem(word: str) -> str:
    """Cut the common English endings, so that *founder*, *founded* and *founds* meet.

    Deliberately light: a stem need not be a word, and two unrelated words rarely meet.
    """
    if len(word) <= 3 or not word.isascii() or not word.isalpha():
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "i"
    if word.endswith("es") and word[-4:-2] in {"ss", "sh", "ch"}:
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    if word.endswith("ied") and len(word) > 4:
        return word[:-3] + "i"
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and re.search("[aeiouy]", word[: -len(ending)]):
            return _bare(_single(word[: -len(ending)]))
    for ending in ("ment", "ion", "er", "or", "ly"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return _bare(word[: -len(ending)])
    return _bare(word)


def _bare(word: str) -> str:
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    return word[:-1] + "i" if word.endswith("y") and len(word) > 3 else word


def _single(word: str) -> str:
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls" else word


def numbers(text: str) -> list[str]:
    """Return the numbers of ``text`` in one spelling each, those written out in words included."""
    found: list[str] = []
    for _, _, word in words(text):
        folded = fold(word)
        if folded[0].isdigit():
            found.append(number(folded))
        elif folded in _NUMBER_WORDS and folded not in {"one", "zero"}:  # mostly a pronoun, a figure of speech
            found.append(_NUMBER_WORDS[folded])
    return found


def names(text: str) -> list[str]:
    """Return words that look like names, folded: capitalised inside a sentence, or written in capitals.

    The first word of a sentence is left out unless it has a second capital (``OpenAI``,
    ``NASA``), since its capital says nothing.
    """
    found: list[str] = []
    for start, _, word in words(text):
        capitals = sum(character.isupper() for character in word)
        if not capitals or not word[0].isalpha() or fold(word) in STOP_WORDS:
            continue
        if capitals > 1 or not _starts_sentence(text, start):
            found.append(fold(word))
    return found


def _starts_sentence(text: str, start: int) -> bool:
    before = text[:start].rstrip(" \t\n\r\"'“”‘’«»([*_-•–—#>|")
    return not before or before[-1] in ".!?:;。！？]" or text[len(before) : start].count("\n") > 1


def negated(text: str) -> bool:
    """Whether ``text`` denies something."""
    return bool(_CONTRACTED_NEGATION.search(text)) or any(fold(word) in NEGATIONS for _, _, word in words(text))


def overlap(wanted: Iterable[str], present: Iterable[str]) -> float:
    """Return the share of distinct ``wanted`` terms that are ``present``; 0.0 when none is wanted."""
    wanted_set, present_set = set(wanted), set(present)
    return len(wanted_set & present_set) / len(wanted_set) if wanted_set else 0.0
