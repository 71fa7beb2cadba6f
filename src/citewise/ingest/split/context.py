"""What goes before a chunk: title, headings, and for rows of a table its caption and column headers."""

from __future__ import annotations

from citewise.ingest.parse.compose import CELL_SEPARATOR, collapse, row_cells
from citewise.ingest.split.positions import LONG_TOKEN, TokenSpans

RULE = " \t\n|:-"
"""What the line below a header is made of in Markdown."""

_PATH_SEPARATOR = " › "
_NAME_LENGTHS = (40, 24, 16, 12, 8, 5, 3)  # characters of a column's name, where the whole header is too long


class Contexts:
    """Makes contexts of at most half the size of a chunk.

    Args:
        title: Of the document.
        size: Tokens of a chunk, context included.
        token_spans: Character spans of a text's tokens, in order.
    """

    def __init__(self, title: str, size: int, token_spans: TokenSpans) -> None:
        self._title = title
        self._most = size // 2
        self._share = size // 4  # of the headings, and of a caption
        self._token_spans = token_spans
        self._long: dict[str, bool] = {}
        self._made: dict[tuple[tuple[str, ...], str, str], tuple[str, int]] = {}

    def make(self, headings: tuple[str, ...], *, caption: str = "", header: str = "") -> tuple[str, int]:
        """Return a context and the tokens that it and the newline after it take.

        Column headers are what the words of a row mean, so they go before a caption where not
        all fits, and a caption before the headings.
        """
        key = (headings, caption, header)
        if key not in self._made:
            columns = self._header(header)
            room = self._most - self._count(columns)
            words = self.shortened(caption, min(self._share, room))
            room -= self._count(words)
            # One or two words of a path say nothing.
            path = self._path(headings, min(self._share, room)) if room >= self._share // 2 else ""
            context = self.shortened("\n".join(part for part in (path, words, columns) if part), self._most)
            self._made[key] = context, self._count(f"{context}\n") if context else 0
        return self._made[key]

    def is_long(self, header: str) -> bool:
        """Whether column headers leave little room for anything else."""
        if header not in self._long:
            self._long[header] = len(self._spans(header, self._share)) > self._share
        return self._long[header]

    def shortened(self, text: str, limit: int) -> str:
        """Return the beginning of ``text`` that has at most ``limit`` tokens, whole words where possible."""
        if not text or limit <= 0:
            return ""
        spans = self._spans(text, limit)
        if len(spans) <= limit:
            return text
        kept = text[: spans[limit - 1][1]]
        if text[len(kept)].isspace():
            return kept
        whole_words = kept.rpartition(" ")[0].rstrip(_PATH_SEPARATOR)
        return whole_words or kept

    def _count(self, text: str) -> int:
        return len(self._token_spans(text)) if text else 0

    def _spans(self, text: str, limit: int) -> list[tuple[int, int]]:
        """Return the tokens of a text; of a long one only its first, but more than ``limit``."""
        # The header of a sheet may have thousands of columns, and be asked for with every chunk.
        spans = self._token_spans(text[: limit * LONG_TOKEN])
        return spans if len(spans) > limit + 1 or len(text) <= limit * LONG_TOKEN else self._token_spans(text)

    def _path(self, headings: tuple[str, ...], limit: int) -> str:
        """Join title and headings in at most ``limit`` tokens, the innermost heading last to go."""
        parts = [self._title, *headings] if self._title and headings[:1] != (self._title,) else list(headings)
        while len(parts) > 1 and self._count(_PATH_SEPARATOR.join(parts)) > limit:
            del parts[1 if len(parts) > 2 else 0]
        return self.shortened(_PATH_SEPARATOR.join(parts), limit)

    def _header(self, header: str) -> str:
        """Fit column headers into the context, every name shortened before any is left out."""
        lines = [line for each in header.split("\n") if (line := _without_frame(collapse(each)))]
        whole = "\n".join(lines)
        for longest in _NAME_LENGTHS:
            if len(self._spans(whole, self._most)) <= self._most:
                break
            whole = "\n".join(_with_short_names(line, longest) for line in lines)
        return self.shortened(whole, self._most)


def _without_frame(line: str) -> str:
    """Take off what only draws a table in Markdown: bars around a row, and the line below the header."""
    if not line.strip(RULE):
        return ""
    return line.strip("| ") if line.startswith("|") and line.endswith("|") else line


def _with_short_names(line: str, longest: int) -> str:
    if CELL_SEPARATOR not in line:  # nothing tells where a name ends
        return line
    return CELL_SEPARATOR.join(_short(name, longest) for name in row_cells(line)).strip()


def _short(name: str, longest: int) -> str:
    if len(name) <= longest:
        return name
    return name[: longest + 1].rpartition(" ")[0] or name[:longest]
