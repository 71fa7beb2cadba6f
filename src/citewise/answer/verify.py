"""The sentence check: does a sentence say no more than the words quoted for it?

No chat model is asked. A sentence is held against its quotes by what can be read off both: its
figures, dates and names stand there, for the same things; nothing is denied, turned round or made
more of; and enough of its words, or of its meaning, is there. ``docs/checking.md`` has what this
is worth, and what it cannot do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from citewise.answer.check.coverage import Embed, new_words, share_of_one, share_of_words, similarity
from citewise.answer.check.denial import denies, opposite
from citewise.answer.check.figures import misplaced_figure, missing_figures
from citewise.answer.check.names import elsewhere, missing_names
from citewise.answer.check.quantifiers import overstated
from citewise.answer.check.reading import Reading, read, sentences
from citewise.answer.check.roles import swapped
from citewise.language.detect import detect
from citewise.language.terms import NEGATIONS, negated, terms
from citewise.types import Verdict

SUPPORTED_SHARE = 0.6
"""Share of a sentence's words that its quotes must have where meaning is not compared."""
PARTIAL_SHARE = 0.34

# Where it is compared; fitted on half of ExpertQA's judgements, see docs/checking.md.
CLOSE = 0.55
"""Cosine of a sentence and what is closest to it in its quotes."""
SHARE = 0.35
SHARE_OF_ONE = 0.25
"""The same share, of the one quoted sentence that has most."""
SAME = 0.88
"""Cosine from which a short quote says the same, whatever its words."""
PARTLY_CLOSE = 0.5
SHORT_QUOTE = 80
"""Words of a quote in which each word of the sentence must find its counterpart."""

_STATES = 2  # content words from which a sentence states something
_REFERENCE = re.compile(r"[ \t]*\[\d{1,3}\]")
VERDICT_WORDS: Mapping[Verdict, str] = {
    "supported": "supported",
    "partial": "partly supported",
    "unsupported": "not supported",
    "not_checked": "not checked",
}
"""How a verdict is said to a reader."""

WITHOUT_CITATION = "states something without a citation"
_STANDS = "its words, figures and names stand in the quoted words"
_IN_PART = "only a part of it stands in the quoted words"
_ELSE = "the quoted words say something else"
_LIST_NUMBER = re.compile(r"^\s*\(?\d{1,2}[.)]\s+(?=\S)|\n\s*\d{1,2}(?:[.)]|\[\d+\]|\s)*\.?\s*$")
_ABOUT_THE_ANSWER = re.compile(
    r"^\W*(?:i\b|i['’]m\b|here (?:is|are)\b|sure\b|please\b|let me\b|let us\b|hope\b)"
    r"|\b(?:documents|sources|passages|context|excerpts|text) (?:you )?(?:do|does|did) not\b"
    r"|\b(?:provided|given|available) (?:documents|sources|passages|context|excerpts|text)\b",
    re.IGNORECASE,
)
_CONDITION_WORDS = """
    if unless whether claim claims claimed alleged allegedly false untrue wrong myth rumour
"""
_CONDITION = frozenset(_CONDITION_WORDS.split())


class Ruling(NamedTuple):
    """What the rules say of a sentence."""

    verdict: Verdict
    reason: str
    is_open: bool = False  # they cannot tell: only words and meaning decided, or sentence and source cannot be compared
    contradicts: bool = False  # the quotes say otherwise


def verify(sentence: str, quotes: Sequence[str], *, embed: Embed | None = None) -> tuple[Verdict, str]:
    """Judge one sentence of an answer, markers taken out, by the words that it cites.

    Args:
        sentence: What is claimed.
        quotes: The cited words, verbatim; empty for a sentence without a citation.
        embed: Compares by meaning too; without it by words alone.

    Returns:
        The verdict and its reason, a phrase for a person that names the rule which decided.
        ``not_checked`` for a sentence that says nothing, and where sentence and quotes are in different
        scripts; a sentence that states something and cites nothing is ``unsupported``.
    """
    ruling = rule(sentence, quotes, embed=embed)
    return ruling.verdict, ruling.reason


def rule(sentence: str, quotes: Sequence[str], *, embed: Embed | None = None) -> Ruling:
    """Judge as ``verify`` does, and say too whether the rules leave it open."""
    if not any(quote.strip() for quote in quotes):
        if states_something(sentence):
            return Ruling("unsupported", WITHOUT_CITATION)
        return Ruling("not_checked", "no citation, and nothing that needs one")
    if _is_quoted(sentence, quotes):
        return Ruling("supported", "quoted word for word")
    claim = read(_LIST_NUMBER.sub("", sentence).strip())
    if not claim.terms and not claim.figures:
        return Ruling("not_checked", "nothing to check")
    if _latin(sentence) != _latin("\n".join(quotes)):
        return Ruling("not_checked", "written in another script than its source", is_open=True)
    quoted = [one for quote in quotes for one in sentences(quote)]
    return _compared(claim, quoted, embed)


def states_something(sentence: str) -> bool:
    """Whether a sentence states a fact: no heading, question, lead-in or remark about the answer itself."""
    plain = _REFERENCE.sub("", sentence).strip().strip("*_# ")
    if not plain or plain[-1] in "?:" or _ABOUT_THE_ANSWER.search(plain):
        return False
    if sentence.lstrip().startswith("#") or (plain[-1] not in '.!。！"”)' and len(plain.split()) < 6):
        return False
    return len(set(terms(plain))) >= _STATES


def _compared(claim: Reading, quoted: Sequence[Reading], embed: Embed | None) -> Ruling:
    share = share_of_words(claim, quoted)
    if missing := missing_figures(claim, quoted):
        in_part = share >= PARTIAL_SHARE and len(missing) < len(claim.figures)
        which = ", ".join(figure.written.strip() for figure in missing)
        return Ruling("partial" if in_part else "unsupported", f"{which} does not stand in the quoted words")
    if share < PARTIAL_SHARE and _other_language(claim, quoted):
        return Ruling("not_checked", "written in another language than its source", is_open=True)
    if contradiction := _contradiction(claim, quoted):
        return Ruling("unsupported", contradiction, contradicts=True)
    verdict, reason = _covered(claim, quoted, share, embed)
    if names := missing_names(claim, quoted):
        in_part = verdict == "supported"
        return Ruling("partial" if in_part else "unsupported", f"{', '.join(names)} is not named in the quoted words")
    return Ruling(verdict, reason, is_open=verdict == "partial")


def _contradiction(claim: Reading, quoted: Sequence[Reading]) -> str | None:
    """What the quotes say otherwise, as a phrase."""
    if pair := misplaced_figure(claim, quoted):
        figure, rival = (one.written.strip() for one in pair)
        return f"{figure} stands for something else in the quoted words, which say {rival} here"
    if denies(claim, quoted):
        return "one of sentence and quoted words denies what the other says"
    if pair_of_words := opposite(claim, quoted) or overstated(claim, quoted):
        said, given = pair_of_words
        where = f"where the quoted words say “{given}”" if given else "where the quoted words do not"
        return f"says “{said}” {where}"
    if others := elsewhere(claim, quoted):
        return f"the quoted words say this of “{others[1]}”, not of “{others[0]}”"
    if exchanged := swapped(claim, quoted):
        return f"“{exchanged[0]}” and “{exchanged[1]}” play other parts in the quoted words"
    return None


def _covered(claim: Reading, quoted: Sequence[Reading], share: float, embed: Embed | None) -> tuple[Verdict, str]:
    """Judge by how much of the claim the quotes hold."""
    if embed is None or not _is_english(claim, quoted):
        if share >= SUPPORTED_SHARE:
            return "supported", _STANDS
        return ("partial", _IN_PART) if share >= PARTIAL_SHARE else ("unsupported", _ELSE)
    close = similarity(claim, quoted, embed)
    if share < PARTIAL_SHARE and close < PARTLY_CLOSE:
        return "unsupported", _ELSE
    if sum(len(one.words) for one in quoted) > SHORT_QUOTE:
        enough = close >= CLOSE and share >= SHARE and share_of_one(claim, quoted) >= SHARE_OF_ONE
    else:
        enough = close >= CLOSE or share == 1
        if enough and close < SAME and (new := new_words(claim, quoted, embed)):
            return "partial", f"nothing in the quoted words says “{'”, “'.join(new)}”"
    if not enough:
        return "partial", _IN_PART
    return "supported", _STANDS if share >= SUPPORTED_SHARE else "the quoted words say the same in other words"


def _other_language(claim: Reading, quoted: Sequence[Reading]) -> bool:
    one, other = detect(claim.text), detect(" ".join(sentence.text for sentence in quoted))
    return one is not None and other is not None and one != other


def _is_english(claim: Reading, quoted: Sequence[Reading]) -> bool:
    # The embedding model that is installed knows no other language well.
    languages = {detect(claim.text), detect(" ".join(one.text for one in quoted))}
    return languages <= {"en", None}


def _is_quoted(sentence: str, quotes: Sequence[str]) -> bool:
    """Whether the sentence stands in a quote as it is, and nothing around it takes it back."""
    wanted = _plain(sentence)
    if not wanted:
        return False
    for quote in ("\n".join(quotes), *quotes):
        before, found, after = _plain(quote).partition(wanted)
        if found and (before[-1:].isalnum() or after[:1].isalnum()):
            continue  # a part of a longer word
        if found and after and wanted[-1].isdigit() and not re.match(r"[.!?;](?:\s|$)", after):
            continue  # "12" of "12 percent"
        if found and not _takes_back(before, after):
            return True
    return False


def _takes_back(before: str, after: str) -> bool:
    around = f"{re.split(r'[.!?;]', before)[-1]} … {re.split(r'[.!?;]', after)[0]}"
    return negated(around) or any(word in NEGATIONS | _CONDITION for word in re.findall(r"\w+", around))


def _plain(text: str) -> str:
    # Quoted sentences are shown without the reference numbers that the document itself carries.
    # Nor with backticks, where nothing closes them.
    return " ".join(_REFERENCE.sub("", text).split()).replace("`", "\u2018").strip(" .").casefold()


def _latin(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    return sum(character < "\u0250" for character in letters) * 2 >= len(letters)
