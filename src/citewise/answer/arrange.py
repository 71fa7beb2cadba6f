"""Arranges what was chosen as a reader wants it: the answer first, lists and rows as such."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from citewise.answer.quotable import Candidate, Span
from citewise.language.question import Question, has_answer_of_kind

MOST_ITEMS = 12
"""Items of a list that are quoted as a whole, at most; of a longer one only those that answer."""

_REFERENCE = re.compile(r"[ \t]*\[\d{1,3}(?:\s*[,–-]\s*\d{1,3})*\]")
_BULLET = re.compile(r"^\s*[-*+•‣▪●◦]\s+")
_BACKTICKS = re.compile("`+")
_MARKDOWN_ITEM = re.compile(r"[-*+]\s|\d{1,3}[.)]\s")


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of a source as they stand in the answer."""

    source: int  # index into the sources
    start: int  # in its chunk.text
    end: int
    text: str  # as it reads
    before: str  # what stands between it and the quote before


def arranged(
    question: Question, found: Sequence[Candidate], chosen: Sequence[int], texts: Sequence[str]
) -> list[Quote]:
    """Put chosen candidates into words.

    The answer itself goes first. What else was chosen follows source by source, as the documents
    have it. A list that answers as a whole is quoted with the sentence that leads into it, and the
    first row of a table below the names of its columns.

    Args:
        question: What was asked.
        found: All candidates.
        chosen: Indexes of those to quote, best first; not empty.
        texts: ``chunk.text`` of each source.
    """
    listed = _whole_list(question, found, chosen)
    if listed:
        spans = [found[index] for index in listed]
        lead = spans[0].lead
        return _written([*([(spans[0].source, lead, "lead")] if lead else []), *map(_part, spans)], texts)
    order = _order(question, found, chosen)
    parts: list[tuple[int, Span, str]] = []
    for index in order:
        candidate = found[index]
        header = (candidate.source, candidate.lead, "table") if candidate.kind == "table" and candidate.lead else None
        if header and header not in parts:
            parts.append(header)
        parts.append(_part(candidate))
    return _written(parts, texts)


def _whole_list(question: Question, found: Sequence[Candidate], chosen: Sequence[int]) -> list[int]:
    """The items of the list that answers as a whole; empty if none does."""
    best = found[chosen[0]]
    if best.kind == "list_item" and question.form in ("steps", "list"):
        same = [index for index, one in enumerate(found) if (one.source, one.group) == (best.source, best.group)]
    else:
        at = (best.start, best.end)
        same = [index for index, one in enumerate(found) if one.source == best.source and one.lead == at != (0, 0)]
        same = [index for index in same if found[index].kind == "list_item"]
    return same if 1 < len(same) <= MOST_ITEMS else []


def _order(question: Question, found: Sequence[Candidate], chosen: Sequence[int]) -> list[int]:
    holding = (index for index in chosen if has_answer_of_kind(question.kind, found[index].text, question))
    first = next(holding, chosen[0]) if question.kind != "other" else chosen[0]
    sources = list(dict.fromkeys(found[index].source for index in [first, *chosen]))
    rest = sorted(set(chosen) - {first}, key=lambda index: (sources.index(found[index].source), found[index].start))
    return [first, *rest]


def _part(candidate: Candidate) -> tuple[int, Span, str]:
    reads_on = candidate.kind in ("paragraph", "caption") and candidate.whole
    return candidate.source, (candidate.start, candidate.end), "prose" if reads_on else candidate.kind


def _written(parts: Sequence[tuple[int, Span, str]], texts: Sequence[str]) -> list[Quote]:
    several = sum(kind == "list_item" for _, _, kind in parts) > 1
    quotes: list[Quote] = []
    for number, (source, (start, end), kind) in enumerate(parts):
        words = texts[source][start:end]
        text = shown(words, bullet=several and kind == "list_item")
        gap = ""
        if number:
            before, _, kind_before = parts[number - 1]
            if before == source and kind == kind_before == "prose":
                gap = " "
            elif (
                kind == kind_before == "list_item"
                and _MARKDOWN_ITEM.match(quotes[-1].text)
                and _MARKDOWN_ITEM.match(text)
            ):
                gap = "\n"
            else:
                gap = "\n\n"
        quotes.append(Quote(source, start, end, text, gap))
    return quotes


def shown(text: str, *, bullet: bool = False) -> str:
    """Return quoted words as they read in an answer.

    A backtick that nothing closes would make code of all that follows, citations included, so it
    becomes the quotation mark that it mostly is (``like this'').
    """
    words = " ".join((text if bullet else _BULLET.sub("", text)).split())
    words = " ".join(_REFERENCE.sub("", words).split())
    runs = Counter(_BACKTICKS.findall(words))
    return words.replace("`", "\u2018") if any(count % 2 for count in runs.values()) or "``" in runs else words
