"""Cutting documents into chunks.

Pure: a document and a tokenizer in, spans out. Sizes are counted in the embedding model's
own tokens, context included, so that no model cuts off unseen what it is given.

A document is read as *sections*, each a heading with what follows it. A section that is
too long is cut at the best boundary in the second half of what fits: between blocks,
then at the separators that langchain-text-splitters lists for the kind of text, then
between sentences, then between words; inside a word only where one alone is too long.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from citewise.types import Block, ParsedDocument, Span

TokenSpans = Callable[[str], list[tuple[int, int]]]

ALGORITHM = "recursive/1"
"""Part of the fingerprint: raise it whenever the same document could be cut otherwise."""

FRAGMENT_CHARACTERS = 200  # shorter sections join a neighbour where both fit
_TOKENIZE_CHARACTERS = 50_000  # at once, so that memory does not follow the length of the document
_PATH_SEPARATOR = " › "
_PLAIN_SEPARATORS = (r"\n\s*\n", r"\n")
_SENTENCE = re.compile(r"(?:(?<=[.!?…])|(?<=[.!?…][\"'”’»)\]]))\s+(?![a-z\s])|(?<=[。！？])(?=[^。！？”’」』)\s])")
_SPACE = re.compile(r"\s+")
_INK = re.compile(r"\S")
_LOOK_AHEAD = 64  # characters beyond a window in which a separator that begins within it may end
_FENCE = re.compile(r"(?:```+|~~~+)[ \t]*([\w+#-]+)")
_LANGUAGES = {
    "py": "python",
    "python3": "python",
    "javascript": "js",
    "jsx": "js",
    "typescript": "ts",
    "tsx": "ts",
    "c++": "cpp",
    "cs": "csharp",
    "c#": "csharp",
    "rb": "ruby",
    "rs": "rust",
    "kt": "kotlin",
    "golang": "go",
    "md": "markdown",
}


def fingerprint(*, size: int, overlap: int, tokenizer: str) -> str:
    """Name a way of splitting; equal names cut equal documents into equal chunks."""
    return f"{ALGORITHM}:{size}:{overlap}:{tokenizer}"


def split_recursive(document: ParsedDocument, *, size: int, overlap: int, token_spans: TokenSpans) -> list[Span]:
    """Cut a document into chunks.

    Args:
        document: Its blocks are in order, disjoint and cover all text that is not blank.
        size: Tokens that ``context``, a newline and the text of a chunk have together at most.
            Special tokens are the caller's to subtract.
        overlap: Tokens that a chunk may repeat from the end of the one before it; none across
            a heading, and never more than a quarter of ``size``.
        token_spans: Character spans of a text's tokens, in order.

    Returns:
        Spans in order, without white space at their ends, which together cover every character
        that is not white space; empty for a blank document.

    Raises:
        ValueError: ``size`` is under 8 or ``overlap`` under 0.
    """
    if size < 8 or overlap < 0:
        raise ValueError(f"A chunk of {size} tokens with {overlap} shared cannot be made.")
    return list(_Splitter(document, size, overlap, token_spans).spans())


@dataclass(frozen=True, slots=True)
class _Section:
    """Blocks ``first`` to ``last``, which no chunk mixes with others."""

    first: int
    last: int
    start: int
    end: int


class _Tokens:
    """The tokens of a whole text, counted by bisection."""

    def __init__(self, text: str, edges: Sequence[int], token_spans: TokenSpans) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        begin = 0
        for edge in (*edges, len(text)):
            # Blocks end at white space, where no tokenizer joins what is on both sides.
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


class _Splitter:
    """One document's cutting."""

    def __init__(self, document: ParsedDocument, size: int, overlap: int, token_spans: TokenSpans) -> None:
        self._text = document.text
        self._title = document.title
        self._blocks = document.blocks or (Block("paragraph", 0, len(document.text)),)
        self._block_starts = [block.start for block in self._blocks]
        self._pages = document.pages
        self._page_starts = [page.start for page in document.pages]
        self._markdown = document.media_type == "text/markdown"
        self._size = size
        self._overlap = overlap
        self._token_spans = token_spans
        self._tokens = _Tokens(document.text, [block.end for block in self._blocks], token_spans)
        self._contexts: dict[tuple[tuple[str, ...], str], tuple[str, int]] = {}

    def spans(self) -> Iterator[Span]:
        for section in self._merged(self._sections()):
            yield from self._cut(section)

    # --- sections ---------------------------------------------------------------------

    def _sections(self) -> Iterator[_Section]:
        first = 0
        for index in range(1, len(self._blocks) + 1):
            at_end = index == len(self._blocks)
            # Headings that follow each other open one section together.
            if at_end or (self._blocks[index].kind == "heading" and self._blocks[index - 1].kind != "heading"):
                start, end = self._trim(self._blocks[first].start, self._blocks[index - 1].end)
                if start < end:
                    yield _Section(first, index - 1, start, end)
                first = index

    def _merged(self, sections: Iterator[_Section]) -> Iterator[_Section]:
        """Join short sections with the next one, or else the one before, where both fit."""
        current: _Section | None = None
        for section in sections:
            if current is None:
                current = section
                continue
            joined = _Section(current.first, section.last, current.start, section.end)
            short = min(current.end - current.start, section.end - section.start) < FRAGMENT_CHARACTERS
            # A stray line without a heading, such as a cover's, says little by itself.
            stray = current.end - current.start < FRAGMENT_CHARACTERS and self._blocks[current.first].kind != "heading"
            if stray or (short and self._fits(joined)):
                current = joined
            else:
                yield current
                current = section
        if current is not None:
            yield current

    def _fits(self, section: _Section) -> bool:
        _, budget = self._context_at(section.start)
        return self._tokens.count(section.start, section.end) <= budget

    # --- cutting ----------------------------------------------------------------------

    def _cut(self, section: _Section) -> Iterator[Span]:
        start = covered = section.start
        while covered < section.end:
            _, budget = self._context_at(start)
            end = self._end_of_chunk(start, covered, budget, section.end)
            if end is None and start < covered:
                start = covered  # what comes next fits only without the overlap
                continue
            if end is None:  # one word alone is longer than a chunk: cut it between two of its tokens
                end = self._tokens.forward(start, budget) or section.end
            yield from self._within_size(start, end)
            covered = self._skip_space(end, section.end)
            start = self._overlapping_start(start, covered, min(self._overlap, budget // 4))

    def _end_of_chunk(self, start: int, covered: int, budget: int, section_end: int) -> int | None:
        """Return where a chunk from ``start`` best ends, beyond ``covered``; ``None`` if inside a word only."""
        limit = self._tokens.forward(start, budget)
        if limit is None or limit >= section_end:
            return section_end
        low = max(self._tokens.forward(start, budget // 2) or start, covered)
        cut = self._boundary(low, limit)
        if cut is not None and section_end - cut < FRAGMENT_CHARACTERS:
            # A rest of a few words is better shared out, where both parts fit.
            earlier = self._boundary(low, section_end - FRAGMENT_CHARACTERS)
            if earlier is not None and self._tokens.count(earlier, section_end) + self._overlap <= budget:
                return earlier
        if cut is not None:
            return cut
        return max(self._places(_SPACE, covered, limit), default=None)

    def _boundary(self, low: int, high: int) -> int | None:
        """Return the best place to cut in ``low < place <= high``, the last one of its kind."""
        for index in range(bisect_right(self._block_starts, high) - 1, 0, -1):
            if self._block_starts[index] <= low:
                break
            if self._blocks[index - 1].kind != "heading":  # a heading stays with what follows
                return self._block_starts[index]
        for pattern in self._separators_at(low):
            cut = max(
                (place for place in self._places(pattern, low, high) if not self._at_heading(place)), default=None
            )
            if cut is not None:
                return cut
        return None

    def _places(self, pattern: re.Pattern[str], low: int, high: int) -> Iterator[int]:
        """Yield where ``pattern`` begins in ``low < place <= high``."""
        for match in pattern.finditer(self._text, low + 1, min(high + _LOOK_AHEAD, len(self._text))):
            if match.start() <= high:
                yield match.start()

    def _at_heading(self, place: int) -> bool:
        """Whether a cut at ``place`` would end a chunk in or right after a heading."""
        index = bisect_left(self._block_starts, place) - 1
        return index >= 0 and self._blocks[index].kind == "heading"

    def _separators_at(self, position: int) -> tuple[re.Pattern[str], ...]:
        block = self._block_at(position)
        if block.kind == "code":
            fence = _FENCE.match(self._text, block.start)
            return _separators(fence[1].lower() if fence else "")
        return _separators("markdown" if self._markdown else "")

    def _overlapping_start(self, last_start: int, covered: int, overlap: int) -> int:
        """Return where the chunk that has to cover from ``covered`` on begins, at most ``overlap`` tokens before."""
        if overlap == 0 or covered >= len(self._text):
            return covered
        index = bisect_left(self._block_starts, covered)
        if index < len(self._blocks) and self._blocks[index].start == covered and self._blocks[index].kind == "heading":
            return covered
        earliest = max(self._tokens.back(covered, overlap), last_start + 1)
        starts = []
        while index > 0 and self._blocks[index - 1].end > earliest:
            index -= 1
            if self._blocks[index].kind == "heading":
                earliest = max(earliest, self._blocks[index].end)
                break
            starts.append(self._blocks[index].start)
        for pattern in (_SENTENCE, _SPACE):
            matches = pattern.finditer(self._text, max(0, earliest - 1), covered)
            starts += [match.end() for match in matches]
            inside = [start for start in starts if earliest <= start < covered]
            if inside:
                return self._skip_space(min(inside), covered)
        return covered

    # --- one chunk --------------------------------------------------------------------

    def _within_size(self, start: int, end: int) -> Iterator[Span]:
        """Yield ``start`` to ``end`` as one span, or as several where its own tokenization is too long.

        A text's tokens need not be those that it has within its document.
        """
        start, end = self._trim(start, end)
        if start >= end:
            return
        context, _ = self._context_at(start)
        full = f"{context}\n{self._text[start:end]}" if context else self._text[start:end]
        if len(self._token_spans(full)) <= self._size or end - start == 1:
            yield self._span(start, end, context)
            return
        half = self._tokens.forward(start, max(1, self._tokens.count(start, end) // 2))
        middle = half if half is not None and start < half < end else (start + end) // 2
        cut = max(self._places(_SPACE, start, middle), default=middle)
        yield from self._within_size(start, cut)
        yield from self._within_size(cut, end)

    def _span(self, start: int, end: int, context: str) -> Span:
        index = max(0, bisect_right(self._block_starts, start) - 1)
        while self._blocks[index].kind == "heading" and index + 1 < len(self._blocks):
            if self._blocks[index + 1].start >= end:
                break
            index += 1
        return Span(
            start=start,
            end=end,
            page_first=self._page_at(start),
            page_last=self._page_at(end - 1),
            headings=self._blocks[index].headings,
            context=context,
        )

    def _context_at(self, start: int) -> tuple[str, int]:
        """Return what goes before a chunk that begins at ``start``, and the tokens left for its text."""
        block = self._block_at(start)
        header = ""
        if block.kind == "table" and start > block.start:
            header = self._text[block.start : block.end].split("\n", 1)[0].strip()
            if block.start + len(header) > start:
                header = ""  # the chunk begins within the header itself
        key = (block.headings, header)
        if key not in self._contexts:
            limit = self._size // 4
            parts = [part for part in (self._path(block.headings, limit), header) if part]
            if len(parts) == 2 and len(self._token_spans(header)) > limit:
                parts = parts[:1]
            context = self._shortened("\n".join(parts), 2 * limit)
            used = len(self._token_spans(f"{context}\n")) if context else 0
            self._contexts[key] = context, self._size - used
        return self._contexts[key]

    def _path(self, headings: tuple[str, ...], limit: int) -> str:
        """Join title and headings in at most ``limit`` tokens, the innermost heading last to go."""
        parts = [self._title, *headings] if self._title and headings[:1] != (self._title,) else list(headings)
        while len(parts) > 1 and len(self._token_spans(_PATH_SEPARATOR.join(parts))) > limit:
            del parts[1 if len(parts) > 2 else 0]
        return self._shortened(_PATH_SEPARATOR.join(parts), limit)

    def _shortened(self, text: str, limit: int) -> str:
        spans = self._token_spans(text) if text else []
        if len(spans) <= limit:
            return text
        kept = text[: spans[limit - 1][1]]
        if text[len(kept)].isspace():
            return kept
        whole_words = kept.rpartition(" ")[0].rstrip(_PATH_SEPARATOR)
        return whole_words or kept

    # --- places -----------------------------------------------------------------------

    def _block_at(self, position: int) -> Block:
        return self._blocks[max(0, bisect_right(self._block_starts, position) - 1)]

    def _page_at(self, position: int) -> int | None:
        if not self._pages:
            return None
        return self._pages[max(0, bisect_right(self._page_starts, position) - 1)].number

    def _skip_space(self, position: int, end: int) -> int:
        ink = _INK.search(self._text, position, end)
        return ink.start() if ink else end

    def _trim(self, start: int, end: int) -> tuple[int, int]:
        start = self._skip_space(start, end)
        while end > start and self._text[end - 1].isspace():
            end -= 1
        return start, end


@cache
def _separators(language: str) -> tuple[re.Pattern[str], ...]:
    """Return where text of a kind may be cut, best first; sentences come last."""
    patterns: Sequence[str] = _PLAIN_SEPARATORS
    if language:
        # Here, as it takes a third of a second and only Markdown needs it.
        from langchain_text_splitters import Language, RecursiveCharacterTextSplitter  # noqa: PLC0415

        name = _LANGUAGES.get(language, language)
        if name in {each.value for each in Language}:
            listed = RecursiveCharacterTextSplitter.get_separators_for_language(Language(name))
            # Those that begin with a line break lie between two lines, so cutting there splits no word.
            patterns = [separator for separator in listed if separator.startswith("\n")]
    return (*(re.compile(pattern) for pattern in patterns), _SENTENCE)
