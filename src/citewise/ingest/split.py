"""Cutting documents into chunks.

Pure: a document and a tokenizer in, spans out. Sizes are counted in the embedding model's
own tokens, context included, so that no model cuts off unseen what it is given.

A document is read as *sections*, each a heading with what follows it, or what stands between
furniture. A section that is too long is cut at the best boundary in the second half of what
fits: between blocks, then at the separators that langchain-text-splitters lists for the kind
of text, then between sentences, then between words; inside a word only where one alone is too
long, and inside a row of a table likewise. Rows that are not together with their column
headers and their caption have them in their context.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from citewise.ingest.parse.compose import CELL_SEPARATOR, collapse, row_cells
from citewise.ingest.split_context import RULE, Contexts
from citewise.ingest.split_positions import Rows, Tokens, TokenSpans
from citewise.types import Block, ParsedDocument, Span

ALGORITHM = "recursive/2"
"""Part of the fingerprint: raise it whenever the same document could be cut otherwise."""

FRAGMENT_CHARACTERS = 200  # shorter sections join a neighbour where both fit
_PLAIN_SEPARATORS = (r"\n\s*\n", r"\n")
_SENTENCE = re.compile(r"(?:(?<=[.!?…])|(?<=[.!?…][\"'”’»)\]]))\s+(?![a-z\s])|(?<=[。！？])(?=[^。！？”’」』)\s])")
_SPACE = re.compile(r"\s+")
_INK = re.compile(r"\S")
_NO_RULE = re.compile(f"[^{re.escape(RULE)}]")
_BETWEEN_CELLS = re.compile(r"\s\|\s")
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
        document: Its blocks are in order, disjoint and cover all text that is not blank. A table
            has one row in each line.
        size: Tokens that ``context``, a newline and the text of a chunk have together at most.
            Special tokens are the caller's to subtract.
        overlap: Tokens that a chunk may repeat from the end of the one before it; none across
            a heading, and never more than a quarter of ``size``.
        token_spans: Character spans of a text's tokens, in order.

    Returns:
        Spans in order, without white space at their ends, which together cover every character
        that is neither white space nor furniture; empty where there is nothing else. A row of a
        table is cut only where it alone is too long for a chunk.

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


class _Splitter:
    """One document's cutting."""

    def __init__(self, document: ParsedDocument, size: int, overlap: int, token_spans: TokenSpans) -> None:
        self._text = document.text
        self._blocks = document.blocks or (Block("paragraph", 0, len(document.text)),)
        self._block_starts = [block.start for block in self._blocks]
        self._pages = document.pages
        self._page_starts = [page.start for page in document.pages]
        self._markdown = document.media_type == "text/markdown"
        self._size = size
        self._overlap = overlap
        self._token_spans = token_spans
        self._rows = Rows(document.text, self._blocks)
        edges = sorted({*(block.end for block in self._blocks), *self._rows.ends})
        self._tokens = Tokens(document.text, edges, token_spans)
        self._contexts = Contexts(document.title, size, token_spans)

    def spans(self) -> Iterator[Span]:
        for section in self._merged(self._sections()):
            yield from self._cut(section)

    # --- sections ---------------------------------------------------------------------

    def _sections(self) -> Iterator[_Section]:
        first = None
        for index, block in enumerate(self._blocks):
            # Headings that follow each other open one section together.
            opens = block.kind == "heading" and index > 0 and self._blocks[index - 1].kind != "heading"
            if first is not None and (opens or block.kind == "furniture"):
                yield from self._section(first, index - 1)
                first = None
            if first is None and block.kind != "furniture":
                first = index
        if first is not None:
            yield from self._section(first, len(self._blocks) - 1)

    def _section(self, first: int, last: int) -> Iterator[_Section]:
        start, end = self._trim(self._blocks[first].start, self._blocks[last].end)
        if start < end:
            yield _Section(first, last, start, end)

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
            apart = section.first > current.last + 1  # furniture stands between them
            if not apart and (stray or (short and self._fits(joined))):
                current = joined
            else:
                yield current
                current = section
        if current is not None:
            yield current

    def _fits(self, section: _Section) -> bool:
        return self._tokens.count(section.start, section.end) <= self._budget(section.start, section.end)

    # --- cutting ----------------------------------------------------------------------

    def _cut(self, section: _Section) -> Iterator[Span]:
        start = covered = section.start
        while covered < section.end:
            budget = self._budget(start, start + 1)
            end = self._end_of_chunk(start, covered, budget, section.end)
            while end is not None and (less := self._budget(start, end)) < budget:
                budget = less  # the chunk reaches rows whose caption or headers it does not hold
                end = self._end_of_chunk(start, covered, budget, section.end)
            if end is None:
                start = covered  # what comes next fits only without the overlap
                continue
            yield from self._within_size(start, end)
            covered = self._skip_space(end, section.end)
            start = self._overlapping_start(start, covered, min(self._overlap, budget // 4))

    def _end_of_chunk(self, start: int, covered: int, budget: int, section_end: int) -> int | None:
        """Return where a chunk from ``start`` best ends, beyond ``covered``; ``None`` if it fits only from there on."""
        limit = self._tokens.forward(start, budget)
        if limit is None or limit >= section_end:
            return section_end
        low = max(self._tokens.forward(start, budget // 2) or start, covered)
        cut = self._boundary(low, limit)
        if cut is not None and section_end - cut < FRAGMENT_CHARACTERS:
            # A rest of a few words is better shared out, where both parts fit.
            earlier = self._boundary(low, section_end - FRAGMENT_CHARACTERS)
            if earlier is not None and self._tokens.count(earlier, section_end) + self._overlap <= self._budget(
                earlier, section_end
            ):
                return earlier
        if cut is None:
            cut = self._last_space(covered, limit)
        return self._end_within(start, limit) if cut is None and start == covered else cut

    def _end_within(self, start: int, limit: int) -> int:
        """Return where to cut a word or a row that alone is too long, in ``start < place <= limit``."""
        if self._rows.around(limit):
            # A cell is better whole, but not at the price of a chunk that says next to nothing.
            cut = max(self._places(_BETWEEN_CELLS, (start + limit) // 2, limit), default=None)
            cut = cut or max(self._places(_SPACE, start, limit), default=None)
            if cut is not None:
                return cut
        return limit

    def _last_space(self, low: int, high: int) -> int | None:
        """Return the last place between words in ``low < place <= high`` that is not inside a row."""
        row = self._rows.around(high)
        if row is not None:
            high = row[0]
        found = [place for place in self._places(_SPACE, low, high) if not self._rows.around(place)]
        if row is not None and high > low:
            found.append(high)
        return max((place for place in found if not self._ends_before_its_own(place)), default=max(found, default=None))

    def _boundary(self, low: int, high: int) -> int | None:
        """Return the best place to cut in ``low < place <= high``, the last one of its kind."""
        for index in range(bisect_right(self._block_starts, high) - 1, 0, -1):
            if self._block_starts[index] <= low:
                break
            if not self._ends_before_its_own(self._block_starts[index]):
                return self._block_starts[index]
        for pattern in self._separators_at(low):
            cuts = (
                place
                for place in self._places(pattern, low, high)
                if not self._rows.around(place) and not self._ends_before_its_own(place)
            )
            cut = max(cuts, default=None)
            if cut is not None:
                return cut
        return None

    def _places(self, pattern: re.Pattern[str], low: int, high: int) -> Iterator[int]:
        """Yield where ``pattern`` begins in ``low < place <= high``."""
        for match in pattern.finditer(self._text, low + 1, min(high + _LOOK_AHEAD, len(self._text))):
            if match.start() <= high:
                yield match.start()

    def _ends_before_its_own(self, place: int) -> bool:
        """Whether a cut at ``place`` would part a heading, a caption or column headers from what they stand above."""
        index = bisect_left(self._block_starts, place) - 1
        if index < 0:
            return False
        block = self._blocks[index]
        if block.kind == "caption":
            following = self._blocks[index + 1] if index + 1 < len(self._blocks) else block
            return following.kind == "table" and bool(following.caption)
        if block.kind == "table":
            return bool(block.header) and not _NO_RULE.search(self._text, self._header_end(block), place)
        return block.kind == "heading"

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
            inside = [start for start in starts if earliest <= start < covered and not self._rows.around(start)]
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
        context, _ = self._context_of(start, end)
        full = f"{context}\n{self._text[start:end]}" if context else self._text[start:end]
        if len(self._token_spans(full)) <= self._size or end - start == 1:
            yield self._span(start, end, context)
            return
        half = self._tokens.forward(start, max(1, self._tokens.count(start, end) // 2))
        middle = half if half is not None and start < half < end else (start + end) // 2
        cut = self._last_space(start, middle) or self._end_within(start, middle)
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

    # --- context ----------------------------------------------------------------------

    def _budget(self, start: int, end: int) -> int:
        """Return the tokens that the text of a chunk from ``start`` to ``end`` may have."""
        return self._size - self._context_of(start, end)[1]

    def _context_of(self, start: int, end: int) -> tuple[str, int]:
        """Return what goes before a chunk, and the tokens that it takes."""
        first = max(0, bisect_right(self._block_starts, start) - 1)
        last = bisect_left(self._block_starts, end)
        captions, header = [], ""
        for block in self._blocks[first:last]:
            if block.kind != "table" or end <= self._header_end(block) or block.end <= start:
                continue
            if start > block.start:  # so the header is not in the chunk, or not all of it
                header = self._columns(block, start, end)
            if block.caption and block.caption not in collapse(self._text[start:end]):
                captions.append(block.caption)
        return self._contexts.make(self._blocks[first].headings, caption="\n".join(captions), header=header)

    def _header_end(self, table: Block) -> int:
        """Return where the column headers of a table end in its text; where it begins if it has none."""
        if not table.header:
            return table.start
        found = self._text.find(table.header, table.start, table.end)
        return found + len(table.header) if found >= 0 else table.start

    def _columns(self, table: Block, start: int, end: int) -> str:
        """Return a table's column headers; for a piece of a row those of its columns, and the row's first cell."""
        row = self._rows.around(start + 1)
        if row is None or end > row[1] or (start, end) == row:
            return table.header
        lines = [row_cells(line) for line in table.header.split("\n")]
        first = self._text.count(CELL_SEPARATOR, row[0], start + 2)  # a piece may begin with its separator
        if self._contexts.is_long(table.header):
            last = self._text.count(CELL_SEPARATOR, row[0], end)
            lines = [[*names[: min(first, 1)], *names[first : last + 1]] for names in lines]
        if first > 0:
            lines.append(row_cells(self._text[row[0] : row[1]])[:1])
        return "\n".join(CELL_SEPARATOR.join(names).strip() for names in lines)

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
