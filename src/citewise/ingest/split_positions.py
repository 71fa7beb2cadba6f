"""Where the tokens of a text and the rows of its tables are."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

from citewise.types import Block

TokenSpans = Callable[[str], list[tuple[int, int]]]

_ROW = re.compile(r"\S(?:[^\n]*\S)?")
_TOKENIZE_CHARACTERS = 50_000  # at once, so that memory does not follow the length of the document


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
