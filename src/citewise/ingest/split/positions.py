"""Where the tokens of a text, the rows of its tables and the ends of its sentences are."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

from citewise.types import Block

TokenSpans = Callable[[str], list[tuple[int, int]]]
"""A text to the character spans of its tokens, in order."""

_WIDE_STOP = r"(?<=[。！？])(?=[^。！？”’」』)\s])"  # nothing lies between sentences in Chinese and Japanese
_SENTENCE_END = re.compile(rf"(?:(?<=[.!?…])|(?<=[.!?…][\"'”’»)\]]))\s+(?![a-z\s])|{_WIDE_STOP}")
_SENTENCE_END_UNCASED = re.compile(rf"(?<=[^\W_]{{3}}[.!?…])\s+(?!\s)|{_WIDE_STOP}")

LONG_TOKEN = 20  # characters that few tokens have
_ROW = re.compile(r"\S(?:[^\n]*\S)?")
_TOKENIZE_CHARACTERS = 50_000  # at once, so that memory does not follow the length of the document


def sentence_end(text: str) -> re.Pattern[str]:
    """Return what lies between two sentences of ``text``.

    A small letter after a stop is taken for an abbreviation's, unless there are no capitals to tell by.
    """
    return _SENTENCE_END_UNCASED if text == text.lower() else _SENTENCE_END


def bounded(token_spans: TokenSpans) -> TokenSpans:
    """Count a token of more than ``LONG_TOKEN`` characters as several.

    A word-piece tokenizer makes one unknown token of a word that is very long: without this, a
    hundred thousand letters without a space would be one token, and so one chunk.
    """

    def spans_of(text: str) -> list[tuple[int, int]]:
        spans = token_spans(text)
        if all(end - start <= LONG_TOKEN for start, end in spans):
            return spans
        return [
            (begin, min(begin + LONG_TOKEN, end)) for start, end in spans for begin in range(start, end, LONG_TOKEN)
        ]

    return spans_of


class Tokens:
    """The tokens of a whole text, counted by bisection."""

    def __init__(self, text: str, edges: Sequence[int], token_spans: TokenSpans) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        begin = 0
        for edge in (*edges, len(text)):
            # Blocks and rows end at white space, where no tokenizer joins what is on both sides.
            if edge == len(text) or edge - begin >= _TOKENIZE_CHARACTERS:
                spans = token_spans(text[begin:edge])
                self._starts += [begin + start for start, end in spans if end > start]
                self._ends += [begin + end for start, end in spans if end > start]
                begin = edge

    def count(self, start: int, end: int) -> int:
        return max(0, bisect_left(self._starts, end) - bisect_right(self._ends, start))

    def forward(self, start: int, tokens: int) -> int | None:
        """Return the end of ``tokens`` tokens from ``start``; ``None`` when fewer are left."""
        index = bisect_right(self._ends, start) + tokens
        return self._starts[index] if index < len(self._starts) else None

    def back(self, end: int, tokens: int) -> int:
        """Return the start of the last ``tokens`` tokens before ``end``."""
        index = max(0, bisect_left(self._starts, end) - tokens)
        return self._starts[index] if index < len(self._starts) else end


class Rows:
    """The rows of all tables."""

    def __init__(self, text: str, blocks: Sequence[Block]) -> None:
        spans = [
            match.span()
            for block in blocks
            if block.kind == "table"
            for match in _ROW.finditer(text, block.start, block.end)
        ]
        self.starts = [start for start, _ in spans]
        self.ends = [end for _, end in spans]

    def around(self, position: int) -> tuple[int, int] | None:
        """Return the row that a cut at ``position`` would go through."""
        index = bisect_left(self.starts, position) - 1
        if index < 0 or position >= self.ends[index]:
            return None
        return self.starts[index], self.ends[index]
