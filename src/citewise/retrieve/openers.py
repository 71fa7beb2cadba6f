"""Questions that a document answers, made of its own words: for someone who does not know what to ask.

Best are the questions that the document asks itself, as an FAQ does. English headings, definitions
and captions are put into questions; of other languages, headings stand as they are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from citewise.language.detect import detect
from citewise.language.terms import STOP_WORDS, terms
from citewise.types import Block

_NUMBERED = re.compile(
    r"^(?:(?:table|figure|fig\.|chapter|section|part|annex|appendix) \w+[.:)]?\s+|§?\s*\d+(?:\.\d+)*[.):]?\s+"
    r"|[A-Z]{1,3}[.)]\s+)",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"[^.?!:;？]{8,110}[?？]")
_AUXILIARY = (
    r"(?:is|are|was|were|do|does|did|can|could|may|must|should|shall|will|would|has|have|had|need|isn[’']t|don[’']t)"
)
_FULL_QUESTION = re.compile(
    rf"(?:{_AUXILIARY} \w+ \w+|(?:who|what) \w+s\b"
    rf"|(?:who|whom|whose|what|when|where|why|how|which)\b.*\b{_AUXILIARY}\b)",
    re.IGNORECASE,
)
_UNMARKED_QUESTION = re.compile(
    rf"(?:(?:who|when|where|why|how|which)(?: \w+)? {_AUXILIARY}(?: [\w’'-]+)+|what {_AUXILIARY}(?: [\w’'-]+){{2,}})",
    re.IGNORECASE,
)
_POINTS_ELSEWHERE = re.compile(
    r"\b(?:it|this|that|these|those|they|them|their|he|him|his|she|her|above|below|following|so|then|else|another)\b"
    r"|(?<!^Is )(?<!^Are )\bthere\b",
    re.IGNORECASE,
)
_HALF_QUESTION = re.compile(r"(?:who|whom|whose|what|when|where|why|how|which)\b", re.IGNORECASE)
_TO_DO = re.compile(r"(how|what) to (\w.*)", re.IGNORECASE)
_CLAUSE = re.compile(
    r"\b(?:is|are|was|were|am|be|been|has|have|had|do|does|did|can|cannot|could|may|might|must|should|shall|will|would"
    r"|i|we|you|he|she|they|please|your|our|my|go|goes|went|takes|took|comes|came|gets|got|makes|happens|happened"
    r"|begins|began|ends|ended|says|said|rises|falls|returns|opens|closes|starts|wins|faces|knows|ago)\b"
    r"|n[’']t\b|[.!?:;]|[–—]",
    re.IGNORECASE,
)
_IMPERATIVES = """
    add adjust ask avoid be begin book bring build buy call cancel change check choose clean click close collect come
    complete configure connect consider contact copy create cut decide define delete deploy describe do download drive
    edit enable enter fill find follow get give go help hold import insert install join keep know learn leave let look
    make manage move never note open pay place prepare press print put read register remove repeat report return run
    save see select send set share show sign start stay stop store submit switch take tell test think try turn
    understand update upgrade upload use verify view wait watch wear welcome work write
"""
_ORDERS = frozenset(_IMPERATIVES.split())
_PREPOSITIONS = """
    about after and as at before between but by during for from if in into not of off on or out over since to under
    until up upon when while with within without
"""
_LINKS = frozenset(_PREPOSITIONS.split())
_FRONT_MATTER = """
    introduction contents summary overview appendix references notes preface foreword conclusion conclusions abstract
    background discussion results index glossary acknowledgements bibliography miscellaneous general purpose scope
    chapter section part page slide table figure
"""
_GENERAL = frozenset(_FRONT_MATTER.split())
_DEFINED = re.compile(
    r"[“\"]([^”\"\n]{2,40})[”\"] means\b|\b(An?) ([a-z][a-z-]+(?: [a-z][a-z-]+){1,2}) is (?:an?|the|any) [a-z]"
)
_WITHIN = re.compile(r"(?<=[a-z,] )[^\W\d_]+(?:[-’'][^\W\d_]+)*")  # words that begin no sentence, cell or line

_OF_A_TITLE = "What does “"
_TOPIC_WORDS = range(2, 9)
_TOPIC_CHARACTERS = 60
_TITLE_CHARACTERS = 50
_READ = 400_000  # characters of a document that are looked at
_DEFINITIONS = 4


def openers(title: str, text: str, blocks: Sequence[Block]) -> list[str]:
    """Return questions that a document may answer, the likeliest to be good first; without repeats.

    Args:
        title: Of the document, as it is named to a person.
        text: Of the document.
        blocks: Of the text.
    """
    text = text[:_READ]
    blocks = [block for block in blocks if block.end <= len(text)]
    language = detect(text)
    english = language == "en"
    own = _middle_first(list(_own_questions(text, blocks, english=english)))
    topics = _middle_first(list(_topics(title, text, blocks)))
    if english:
        name = _short(title)
        voice = _Voice(text)
        asked = [question for topic in topics if (question := _asking_about(topic, name, voice))]
        defined = list(_definitions(text))[:_DEFINITIONS]
    else:
        # A text of a few English words is in no language that can be told.
        asked, defined = ([] if language is None and text[:1_000].isascii() else topics), []
    mixed = [one for pair in _zipped(defined, asked) for one in pair]
    return list(dict.fromkeys([*own, *mixed]))


def is_about_a_title(question: str) -> bool:
    """Whether a question of ``openers`` is one that could be asked of any document."""
    return question.startswith(_OF_A_TITLE)


def _own_questions(text: str, blocks: Sequence[Block], *, english: bool) -> Iterator[str]:
    """Questions that fill a heading, an entry or a line: those within prose are seldom meant to be answered."""
    for block in blocks:
        if block.kind not in ("heading", "list_item", "paragraph"):
            continue
        for line in text[block.start : block.end].splitlines()[:2]:
            asked = _NUMBERED.sub("", " ".join(line.lstrip("#>*-•–· ").rstrip("*_ ").split()))
            asked = re.sub(r"^(?:Q|Question)[.:] ?", "", asked)
            if english and block.kind == "heading" and _UNMARKED_QUESTION.fullmatch(asked):
                asked += "?"
            if not _QUESTION.fullmatch(asked) or not (asked[0].isupper() or asked[0] == "¿"):
                continue
            if english and (not _FULL_QUESTION.match(asked) or _POINTS_ELSEWHERE.search(asked)):
                continue
            if terms(asked):
                yield asked


def _topics(title: str, text: str, blocks: Sequence[Block]) -> Iterator[str]:
    """What headings and captions of tables are about."""
    for block in blocks:
        if block.kind == "heading":
            written = text[block.start : block.end].lstrip("# ")
        elif block.kind == "table" and block.caption:
            written = block.caption
        else:
            continue
        topic = _NUMBERED.sub("", " ".join(written.split())).strip(" :.*_")
        if len(topic.split()) not in _TOPIC_WORDS or len(topic) > _TOPIC_CHARACTERS:
            continue
        if set(terms(topic)) <= set(terms(title)) or topic.lower().split(maxsplit=1)[0] in _GENERAL:
            continue
        yield topic


def _asking_about(topic: str, title: str, voice: _Voice) -> str | None:
    to_do = _TO_DO.fullmatch(topic.rstrip("?"))
    if to_do and not _POINTS_ELSEWHERE.search(topic):
        how = to_do.group(1).lower() == "how"
        return f"{'How do you' if how else 'What should you'} {voice.plain(to_do.group(2))}?"
    if _HALF_QUESTION.match(topic) or topic.endswith("?"):
        return None  # one of its own, or "How many, where and when"
    first = topic.split(maxsplit=1)[0].lower()
    if _CLAUSE.search(topic) or first in _ORDERS or first in _LINKS or not first.isalpha():
        return None  # "Keep the door shut" and "On the cliffs" are nothing that one can ask about
    if topic.isupper():
        if not voice.knows(topic):
            return None
        topic = topic.lower()
    return f"{_OF_A_TITLE}{title}” say about {voice.plain(topic)}?"


def _definitions(text: str) -> Iterator[str]:
    for match in _DEFINED.finditer(text):
        meant, article, term = match.groups()
        if meant:
            yield f"What is meant by “{meant}”?"
        elif _starts_sentence(text, match.start()) and not set(term.split()) & {"of", "and", "or", "in", "that"}:
            yield f"What is {article.lower()} {term}?"


def _starts_sentence(text: str, position: int) -> bool:
    before = text[:position].rstrip(" ")[-1:]
    return before in ("", "\n", ".", "!", "?")


class _Voice:
    """Writes words as they stand within a sentence of the document."""

    def __init__(self, text: str) -> None:
        self._seen = Counter(match.group() for match in _WITHIN.finditer(text))

    def plain(self, topic: str) -> str:
        """Return a heading without the capitals that it has for being one; as it is where that cannot be told."""
        words = topic.split(" ")
        plain = [self._plain(word) for word in words]
        if any(word[:1].isupper() and not word.isupper() for word in plain[1:]):  # there is a name in it, perhaps
            begins = words[0].lower()
            plain = [begins if begins in STOP_WORDS or begins.endswith("ing") else words[0], *words[1:]]
        return " ".join(plain)

    def _plain(self, word: str) -> str:
        small = word[:1].lower() + word[1:]
        if word[1:] != word[1:].lower():
            return word  # an abbreviation
        known = self._seen[small] or small in STOP_WORDS or small.endswith("ing")
        return small if known and self._seen[small] >= self._seen[word] else word

    def knows(self, topic: str) -> bool:
        """Whether a heading in capitals is of words that the text uses, and not of letters that were misread."""
        return all(self._seen[word.lower()] or word.lower() in STOP_WORDS for word in topic.split(" "))


def _middle_first(items: list[str]) -> list[str]:
    """The first headings of a document are often its front matter."""
    start = len(items) // 3
    return items[start:] + items[:start]


def _zipped(first: Sequence[str], second: Sequence[str]) -> Iterator[Sequence[str]]:
    for number in range(max(len(first), len(second))):
        yield (*second[number : number + 1], *first[number : number + 1])


def _short(title: str) -> str:
    name = re.split(r" [|–—-] ", title)[0]
    if len(name) <= _TITLE_CHARACTERS:
        return name
    return f"{name[: _TITLE_CHARACTERS - 1].rsplit(' ', 1)[0]}…"
