"""What an answer's Markdown may be: read without HTML, links and images, with places for what is ours.

Shared by the page and by exports, so that both take the same text for the same thing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt

from citewise.types import Evidence

VERDICT_MARK, CHIP_MARK, MARK_END = "\ue000", "\ue001", "\ue002"
"""Private-use characters that stand for our own elements; no text keeps its own, see ``without_marks``."""

VERDICT_PLACE = re.compile(f"{VERDICT_MARK}(\\d+){MARK_END}")
"""Where the verdict on a sentence goes; the number is the sentence's among the evidence."""

MARKER = re.compile(r"\[(\d{1,3})\]")
"""A marker as answers have them."""

_OURS = re.compile("[\ue000-\ue002]")
_TRAILING_MARKERS = re.compile(r"(?: ?\[\d{1,3}\])*")
_BELOW = re.compile(r"[\s>]*(?:`{3,}|~{3,}|=+|[-:| ]+)\s*")  # code, a heading, the header of a table
_ROW = re.compile(r"[\s>]*\|.*(?<!\\)\|\s*")


def markdown_parser() -> MarkdownIt:
    """Return a parser that knows no HTML, links and images: they stay text."""
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "typographer": False})
    parser.enable(["table", "strikethrough"])
    return parser.disable(["link", "image", "autolink", "reference", "html_inline", "html_block"])


def without_marks(text: str) -> str:
    """Return a text without the characters that stand for our own elements, each replaced."""
    return _OURS.sub("\ufffd", text)


def with_verdict_places(text: str, evidence: Sequence[Evidence]) -> str:
    """Return the text of an answer with a ``VERDICT_PLACE`` behind every sentence and its markers."""
    places = []
    for index, sentence in enumerate(evidence):
        # A marker may follow its sentence's full stop; the verdict goes behind both.
        trailing = _TRAILING_MARKERS.match(text, min(sentence.end, len(text)))
        places.append((_place(text, trailing.end() if trailing else len(text)), index))
    for position, index in sorted(places, reverse=True):
        text = f"{text[:position]}{VERDICT_MARK}{index}{MARK_END}{text[position:]}"
    return text


def _place(text: str, end: int) -> int:
    """Where a verdict can stand without breaking the block that its sentence ends: a table, code, a heading."""
    begin = text.rfind("\n", 0, end) + 1
    last_line = text[begin:end]
    if begin and _BELOW.fullmatch(last_line):
        return _place(text, begin - 1)
    if _ROW.fullmatch(last_line):
        return len(text[: text.rindex("|", begin, end)].rstrip())
    return end
