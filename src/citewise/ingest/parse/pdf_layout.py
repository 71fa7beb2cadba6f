"""Finding headings, paragraphs and lists among the lines of a PDF's pages.

A PDF says where each glyph is and nothing about structure. The rules here are few and
lean to one side: a missed heading costs a little context, a false one cuts a paragraph.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from citewise.ingest.parse.compose import HeadingPath, collapse
from citewise.ingest.parse.pdf_furniture import furniture_of
from citewise.ingest.parse.pdf_look import Line
from citewise.ingest.parse.pdf_page import PageText
from citewise.types import Block, BlockKind

_BULLET = re.compile(r"(?:[•‣▪●○◦■□➢✓·∙\uf0b7\uf0a7–]|[-*](?=\s)|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)](?=\s))\s*\S")
_CAPTION = re.compile(r"(?:table|figure|fig\.|chart|exhibit|box)\s+[\dA-Z][\d.\-]*\s*(?:[.:–—-]|$)", re.IGNORECASE)
_OF_TABLE = ("table", "exhibit", "box")
_NUMBERED = re.compile(r"(\d{1,2}(?:\.\d{1,2})*)\.?\s+\S")
_NO_HEADING = re.compile(r"[.·…_]{4,}|(?:\. ){4,}|^page \d+\b", re.IGNORECASE)  # contents, page numbers
_OPENING = "“‘«\"'([§¿¡"
_DIGITS = re.compile(r"\d+")
_SENTENCE_END = re.compile(r"[.!?:;][\"'”’)\]]*$")

_LARGER = 1.15  # of the body's size: a heading
_HEADING_CHARACTERS = 160
_BOLD_HEADING_CHARACTERS = 100
_HEADING_LINES = 3
_ROW_NUMBERS = 3  # a bold line with so many is a row of a table
_HEADING_RUN = 3  # headings of one look in a row, at most


def blocks_of(pages: Sequence[PageText], starts: Sequence[int]) -> list[Block]:
    """Group lines into blocks that cover all text that is not blank; no block spans two pages.

    Args:
        pages: Each page's text and lines.
        starts: Where each page begins in the document's text.
    """
    repeated = furniture_of(pages)
    style = _Style.of(pages, repeated)
    headings = HeadingPath()
    blocks = []
    for number, (page, offset, furniture) in enumerate(zip(pages, starts, repeated, strict=True), 1):
        groups = [_extent(group) for group in _groups(page, style, furniture)]
        for place, (kind, start, end, first) in enumerate(groups):
            path = headings.path
            caption = header = ""
            if kind == "heading":
                title = collapse(page.text[start:end].replace("\u00ad", ""))
                path = headings.enter(style.level(first, title), title)
            elif kind == "table":
                beside = [groups[near] for near in (place - 1, place + 1) if 0 <= near < len(groups)]
                captions = [collapse(page.text[a:b]) for near, a, b, _ in beside if near == "caption"]
                caption = next((words for words in captions if words.lower().startswith(_OF_TABLE)), "")
                header = next((page.text[t.start : t.header_end] for t in page.tables if t.start == start), "")
            blocks.append(Block(kind, offset + start, offset + end, number, path, caption, header))
    return blocks


def _extent(group: tuple[BlockKind, list[Line]]) -> tuple[BlockKind, int, int, Line]:
    kind, lines = group
    return kind, lines[0].start, lines[-1].end, lines[0]


@dataclass(frozen=True, slots=True)
class _Style:
    """What is usual in a document."""

    body: float  # size of most of its characters
    bold_body: bool

    @staticmethod
    def of(pages: Sequence[PageText], furniture: Sequence[frozenset[int]]) -> _Style:
        sizes: Counter[float] = Counter()
        bold = total = 0
        for page, repeated in zip(pages, furniture, strict=True):
            for line in page.lines:
                if line.start in repeated:
                    continue
                length = line.end - line.start
                sizes[line.size] += length
                total += length
                bold += length if line.bold else 0
        return _Style(body=sizes.most_common(1)[0][0] if sizes else 0.0, bold_body=bold > total / 2)

    def is_heading(self, line: Line, text: str) -> bool:
        large = line.size >= self.body * _LARGER
        if not large and (not line.bold or self.bold_body or line.size < self.body * 0.95):
            return False
        if len(text) > (_HEADING_CHARACTERS if large else _BOLD_HEADING_CHARACTERS) or text[-1] in ",;":
            return False
        if not (text[0].isalnum() or text[0] in _OPENING):
            return False
        letters = sum(character.isalpha() for character in text)
        if letters < max(2, len(text) // 3) or _NO_HEADING.search(text) or _CAPTION.match(text):
            return False
        is_label = text[-1] in ".:" or text[0].islower() or len(_DIGITS.findall(text)) >= _ROW_NUMBERS
        return large or not is_label

    def level(self, line: Line, title: str) -> int:
        """Rank a heading: by size, then by the depth of its number; smaller is higher."""
        numbered = _NUMBERED.match(title)
        depth = numbered[1].count(".") if numbered else 0
        return -int(line.size * 2) * 10 + min(depth, 9)


def _groups(page: PageText, style: _Style, furniture: frozenset[int]) -> list[tuple[BlockKind, list[Line]]]:
    """Put each page line into a block with the lines before it, or begin a new one."""
    text = page.text
    pitch = _pitch(page.lines)
    table_starts = {table.start for table in page.tables}
    groups: list[tuple[BlockKind, list[Line]]] = []
    table_end = 0
    for line in page.lines:
        if line.start in table_starts:
            table_end = next(table.end for table in page.tables if table.start == line.start)
            groups.append(("table", [line]))
            continue
        if line.start < table_end:
            groups[-1][1].append(line)
            continue
        kind = "furniture" if line.start in furniture else _kind(line, text[line.start : line.end], style)
        if groups and _continues(groups[-1], line, kind, text, pitch):
            groups[-1][1].append(line)
        else:
            groups.append((kind, [line]))
    return _without_heading_runs(groups)


def _kind(line: Line, words: str, style: _Style) -> BlockKind:
    if style.is_heading(line, words):
        return "heading"
    if _CAPTION.match(words):
        return "caption"
    return "list_item" if _BULLET.match(words) else "paragraph"


def _without_heading_runs(groups: list[tuple[BlockKind, list[Line]]]) -> list[tuple[BlockKind, list[Line]]]:
    """Make paragraphs of headings that only follow each other: bold addresses, forms, rows of tables."""
    settled: list[tuple[BlockKind, list[Line]]] = []
    for is_heading, run in itertools.groupby(groups, key=lambda group: group[0] == "heading"):
        members = list(run)
        alike = {(group[1][0].size, group[1][0].bold) for group in members}
        if is_heading and len(members) > _HEADING_RUN and len(alike) == 1:
            members = [("paragraph", lines) for _, lines in members]
        settled += members
    return settled


def _pitch(lines: Sequence[Line]) -> float:
    """Return the usual distance of lines on a page."""
    steps = [
        below.top - above.top
        for above, below in itertools.pairwise(lines)
        if above.size * 0.8 <= below.top - above.top <= above.size * 3
    ]
    return median(steps) if steps else 0.0


def _continues(group: tuple[BlockKind, list[Line]], line: Line, kind: BlockKind, text: str, pitch: float) -> bool:
    """Tell whether a line belongs to the block before it."""
    group_kind, before = group
    last = before[-1]
    step = line.top - last.top
    same_row = abs(step) < last.size * 0.3
    if text[last.end - 1] == "\u00ad" and line.start == last.end:
        return True  # the second half of a word
    if "heading" in (kind, group_kind):
        alike = kind == group_kind and line.size == last.size and line.bold == last.bold
        return alike and len(before) < _HEADING_LINES and (same_row or 0 < step <= last.size * 1.8)
    if "furniture" in (kind, group_kind):
        return kind == group_kind and same_row
    if kind in ("list_item", "caption") or group_kind == "table":
        return False
    return same_row or _reads_on(before, line, text, pitch, may_indent=group_kind == "paragraph")


def _reads_on(before: list[Line], line: Line, text: str, pitch: float, *, may_indent: bool) -> bool:
    """Tell whether a lower line, or the first of the next column, goes on with a paragraph."""
    last = before[-1]
    step = line.top - last.top
    sentence_ended = _SENTENCE_END.search(text[last.start : last.end]) is not None
    starts_small = text[line.start].islower()
    if step < 0:  # up to the next column: the sentence may go on
        return starts_small and not sentence_ended
    if step > max(pitch * 1.35, last.size * 1.3) or abs(line.size - last.size) > last.size * 0.2:
        return False
    if not sentence_ended:
        return True
    margin = min(each.left for each in before)
    width = max(each.right for each in before) - margin
    indented = may_indent and line.left > margin + last.size * 0.8
    last_is_short = last.right < margin + width * 0.8
    return not indented and (starts_small or not last_is_short)
