"""A document as the splitters see it: what its pieces cost, what goes before them, where they may not be cut."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from citewise.ingest.parse.compose import CELL_SEPARATOR, collapse, row_cells
from citewise.ingest.split.context import RULE, Contexts
from citewise.ingest.split.positions import Rows, Tokens, TokenSpans, bounded, sentence_end
from citewise.types import Block, ParsedDocument, Span

_INK = re.compile(r"\S")
_NO_RULE = re.compile(f"[^{re.escape(RULE)}]")
_LOOK_AHEAD = 64  # characters beyond a window in which a separator that begins within it may end


class Layout:
    """One document with its blocks, rows and tokens.

    Args:
        document: As ``split_document`` takes it.
        size: Tokens of a chunk, context included.
        token_spans: Of the embedding model.
    """

    def __init__(self, document: ParsedDocument, *, size: int, token_spans: TokenSpans) -> None:
        token_spans = bounded(token_spans)
        self.text = document.text
        self.blocks = document.blocks or (Block("paragraph", 0, len(document.text)),)
        self.block_starts = [block.start for block in self.blocks]
        self.is_markdown = document.media_type == "text/markdown"
        self.sentence_end = sentence_end(document.text)
        self.size = size
        self.rows = Rows(document.text, self.blocks)
        edges = sorted({*(block.end for block in self.blocks), *self.rows.ends})
        self.tokens = Tokens(document.text, edges, token_spans)
        self._token_spans = token_spans
        self._pages = document.pages
        self._page_starts = [page.start for page in document.pages]
        self._contexts = Contexts(document.title, size, token_spans)

    # --- what a chunk costs -----------------------------------------------------------

    def budget(self, start: int, end: int) -> int:
        """Return the tokens that the text of a chunk from ``start`` to ``end`` may have."""
        return self.size - self._context_of(start, end)[1]

    def fits(self, start: int, end: int) -> bool:
        """Whether ``start`` to ``end`` can be one chunk."""
        count = self.tokens.count(start, end)
        return count < self.size // 2 or count <= self.budget(start, end)  # a context has half of a chunk at most

    # --- one chunk --------------------------------------------------------------------

    def span(self, start: int, end: int) -> Span | None:
        """Return ``start`` to ``end`` as a chunk; ``None`` where its own tokenization is too long.

        A text's tokens need not be those that it has within its document. A single character
        is always a chunk.
        """
        context, _ = self._context_of(start, end)
        full = f"{context}\n{self.text[start:end]}" if context else self.text[start:end]
        if len(self._token_spans(full)) > self.size and end - start > 1:
            return None
        index = max(0, bisect_right(self.block_starts, start) - 1)
        while self.blocks[index].kind == "heading" and index + 1 < len(self.blocks):
            if self.blocks[index + 1].start >= end:
                break
            index += 1
        return Span(
            start=start,
            end=end,
            page_first=self._page_at(start),
            page_last=self._page_at(end - 1),
            headings=self.blocks[index].headings,
            context=context,
        )

    def _context_of(self, start: int, end: int) -> tuple[str, int]:
        """Return what goes before a chunk, and the tokens that it takes."""
        first = max(0, bisect_right(self.block_starts, start) - 1)
        last = bisect_left(self.block_starts, end)
        captions, header = [], ""
        for block in self.blocks[first:last]:
            if block.kind != "table" or end <= self._header_end(block) or block.end <= start:
                continue
            if start > block.start:  # so the header is not in the chunk, or not all of it
                header = self._columns(block, start, end)
            if block.caption and block.caption not in collapse(self.text[start:end]):
                captions.append(block.caption)
        return self._contexts.make(self.blocks[first].headings, caption="\n".join(captions), header=header)

    def _header_end(self, table: Block) -> int:
        """Return where the column headers of a table end in its text; where it begins if it has none."""
        if not table.header:
            return table.start
        found = self.text.find(table.header, table.start, table.end)
        return found + len(table.header) if found >= 0 else table.start

    def _columns(self, table: Block, start: int, end: int) -> str:
        """Return a table's column headers; for a piece of a row those of its columns, and the row's first cell."""
        row = self.rows.around(start + 1)
        if row is None or end > row[1] or (start, end) == row:
            return table.header
        lines = [row_cells(line) for line in table.header.split("\n")]
        first = self.text.count(CELL_SEPARATOR, row[0], start + 2)  # a piece may begin with its separator
        if self._contexts.is_long(table.header):
            last = self.text.count(CELL_SEPARATOR, row[0], end)
            lines = [[*names[: min(first, 1)], *names[first : last + 1]] for names in lines]
        if first > 0:
            lines.append(row_cells(self.text[row[0] : row[1]])[:1])
        return "\n".join(CELL_SEPARATOR.join(names).strip() for names in lines)

    # --- places -----------------------------------------------------------------------

    def may_cut(self, place: int) -> bool:
        """Whether a cut at ``place`` goes through no row, and parts no heading or caption from what is below it."""
        return not self.rows.around(place) and not self.ends_before_its_own(place)

    def ends_before_its_own(self, place: int) -> bool:
        """Whether a cut at ``place`` would part a heading, a caption or column headers from what they stand above."""
        index = bisect_left(self.block_starts, place) - 1
        if index < 0:
            return False
        block = self.blocks[index]
        if block.kind == "caption":
            following = self.blocks[index + 1] if index + 1 < len(self.blocks) else block
            return following.kind == "table" and bool(following.caption)
        if block.kind == "table":
            return bool(block.header) and not _NO_RULE.search(self.text, self._header_end(block), place)
        return block.kind == "heading"

    def places(self, pattern: re.Pattern[str], low: int, high: int) -> Iterator[int]:
        """Yield where ``pattern`` begins in ``low < place <= high``."""
        for match in pattern.finditer(self.text, low + 1, min(high + _LOOK_AHEAD, len(self.text))):
            if match.start() <= high:
                yield match.start()

    def block_index(self, position: int) -> int:
        """The block that ``position`` is in, or else the last one before it."""
        return max(0, bisect_right(self.block_starts, position) - 1)

    def skip_space(self, position: int, end: int) -> int:
        """Return the first place from ``position`` on that is not blank; ``end`` if there is none."""
        ink = _INK.search(self.text, position, end)
        return ink.start() if ink else end

    def trim(self, start: int, end: int) -> tuple[int, int]:
        """Leave out white space at both ends."""
        start = self.skip_space(start, end)
        while end > start and self.text[end - 1].isspace():
            end -= 1
        return start, end

    def _page_at(self, position: int) -> int | None:
        if not self._pages:
            return None
        return self._pages[max(0, bisect_right(self._page_starts, position) - 1)].number
