"""Finding headings, paragraphs and lists among the lines of a PDF's pages.

A PDF says where each glyph is and nothing about structure. The rules here are few and
lean to one side: a missed heading costs a little context, a false one cuts a paragraph.
"""

from __future__ import annotations

import ctypes
import itertools
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import pypdfium2
import pypdfium2.raw as pdfium

from citewise.ingest.parse.compose import HeadingPath, collapse
from citewise.types import Block, BlockKind

_BOLD_NAME = re.compile(r"bold|black|heavy|demi|cmb|cmssbx|sfbx|[-,](?:bd|b|medi)\b", re.IGNORECASE)
_FORCE_BOLD = 1 << 18  # font descriptor flag, ISO 32000-1 table 123
_BULLET = re.compile(r"(?:[•‣▪●○◦■□➢✓·∙\uf0b7\uf0a7–]|[-*](?=\s)|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)](?=\s))\s*\S")
_CAPTION = re.compile(r"(?:table|figure|fig\.|chart|exhibit|box)\s+[\dA-Z][\d.\-]*\s*[.:–—-]", re.IGNORECASE)
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


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page: where its text is, and how it looks. Lengths are points."""

    start: int  # in the page's text
    end: int
    size: float  # of its font, as shown
    bold: bool
    left: float  # as the reader sees the page, from its top left
    right: float
    top: float


def lines_of(page: pypdfium2.PdfPage, text_page: pdfium.FPDF_TEXTPAGE, text: str, breaks: Sequence[int]) -> list[Line]:
    """Return the lines of a page that are not blank, in the text's order.

    Args:
        text: The page's text, one character per PDFium index.
        breaks: Indices of hyphens after which a line ends without a line break in the text.
    """
    ends = sorted({match.start() for match in re.finditer("\n", text)} | {index + 1 for index in breaks})
    look = _Look(page, text_page)
    lines = []
    start = 0
    for end in (*ends, len(text)):
        piece = text[start:end]
        if piece.strip():
            first = start + len(piece) - len(piece.lstrip())
            lines.append(look.line(first, start + len(piece.rstrip())))
        start = end
    return lines


class _Look:
    """Asks PDFium how characters look; two or three a line are enough."""

    def __init__(self, page: pypdfium2.PdfPage, text_page: pdfium.FPDF_TEXTPAGE) -> None:
        self._text_page = text_page
        self._bbox = page.get_bbox()
        self._rotation = page.get_rotation()
        self._name = ctypes.create_string_buffer(128)
        self._flags = ctypes.c_int()
        self._matrix = pdfium.FS_MATRIX()
        self._rect = pdfium.FS_RECTF()

    def line(self, start: int, end: int) -> Line:
        left, top = self._corner(start)
        right, _ = self._corner(end - 1)
        sample = (start, (start + end) // 2, end - 1)
        bold = all(self._bold(index) for index in sample)
        # The middle one: a bullet or a footnote's mark has a size of its own.
        size = sorted(self._size(index) for index in sample)[1]
        return Line(start, end, size, bold, left, right, top)

    def _size(self, index: int) -> float:
        size = float(pdfium.FPDFText_GetFontSize(self._text_page, index))
        if pdfium.FPDFText_GetMatrix(self._text_page, index, self._matrix):
            # Many programs write every font at size 1 and scale it.
            size *= math.hypot(self._matrix.c, self._matrix.d) or 1.0
        return float(round(size * 2) / 2)

    def _bold(self, index: int) -> bool:
        length = pdfium.FPDFText_GetFontInfo(
            self._text_page, index, self._name, len(self._name), ctypes.byref(self._flags)
        )
        if length <= 0:
            return True  # a character that PDFium added, which has no font
        name = self._name.value if length <= len(self._name) else b""
        return bool(_BOLD_NAME.search(name.decode("utf-8", "replace"))) or bool(self._flags.value & _FORCE_BOLD)

    def _corner(self, index: int) -> tuple[float, float]:
        """Return the left and top of a character's cell as the reader sees it."""
        if not pdfium.FPDFText_GetLooseCharBox(self._text_page, index, self._rect):
            return 0.0, 0.0
        x_low, y_low, x_high, y_high = self._bbox
        rect = self._rect
        match self._rotation:
            case 90:
                return rect.bottom - y_low, rect.left - x_low
            case 180:
                return x_high - rect.right, rect.bottom - y_low
            case 270:
                return y_high - rect.top, x_high - rect.right
            case _:
                return rect.left - x_low, y_high - rect.top


def blocks_of(pages: Sequence[tuple[str, list[Line]]], starts: Sequence[int]) -> list[Block]:
    """Group lines into blocks that cover all text that is not blank; no block spans two pages.

    Args:
        pages: Each page's text and lines.
        starts: Where each page begins in the document's text.
    """
    style = _Style.of(pages)
    headings = HeadingPath()
    blocks = []
    for number, ((text, lines), offset) in enumerate(zip(pages, starts, strict=True), 1):
        for kind, group in _groups(text, lines, style):
            start, end = group[0].start, group[-1].end
            path = headings.path
            if kind == "heading":
                title = collapse(text[start:end].replace("\u00ad", ""))
                path = headings.enter(style.level(group[0], title), title)
            blocks.append(Block(kind=kind, start=offset + start, end=offset + end, page=number, headings=path))
    return blocks


@dataclass(frozen=True, slots=True)
class _Style:
    """What is usual in a document."""

    body: float  # size of most of its characters
    bold_body: bool
    repeated: frozenset[str]  # running headers and footers, numbers taken out

    @staticmethod
    def of(pages: Sequence[tuple[str, list[Line]]]) -> _Style:
        sizes: Counter[float] = Counter()
        bold = total = 0
        edges: Counter[str] = Counter()
        for text, lines in pages:
            for line in lines:
                length = line.end - line.start
                sizes[line.size] += length
                total += length
                bold += length if line.bold else 0
            edge_lines = {*lines[:2], *lines[-2:]}
            edges.update({_edge_key(text[line.start : line.end]) for line in edge_lines})
        often = max(3, len(pages) // 5)
        return _Style(
            body=sizes.most_common(1)[0][0] if sizes else 0.0,
            bold_body=bold > total / 2,
            repeated=frozenset(key for key, count in edges.items() if count >= often),
        )

    def is_heading(self, line: Line, text: str) -> bool:
        large = line.size >= self.body * _LARGER
        if not large and (not line.bold or self.bold_body or line.size < self.body * 0.95):
            return False
        if len(text) > (_HEADING_CHARACTERS if large else _BOLD_HEADING_CHARACTERS) or text[-1] in ",;":
            return False
        if not (text[0].isalnum() or text[0] in _OPENING) or _edge_key(text) in self.repeated:
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


def _edge_key(text: str) -> str:
    return _DIGITS.sub("#", collapse(text)).lower()


def _groups(text: str, lines: list[Line], style: _Style) -> list[tuple[BlockKind, list[Line]]]:
    """Put each page line into a block with the lines before it, or begin a new one."""
    pitch = _pitch(lines)
    groups: list[tuple[BlockKind, list[Line]]] = []
    for line in lines:
        words = text[line.start : line.end]
        kind: BlockKind = "paragraph"
        if style.is_heading(line, words):
            kind = "heading"
        elif _CAPTION.match(words):
            kind = "caption"
        elif _BULLET.match(words):
            kind = "list_item"
        if groups and _continues(groups[-1], line, kind, text, pitch):
            groups[-1][1].append(line)
        else:
            groups.append((kind, [line]))
    return _without_heading_runs(groups)


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


def _pitch(lines: list[Line]) -> float:
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
    if kind in ("list_item", "caption"):
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
