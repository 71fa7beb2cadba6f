"""Where the words of a PDF's page stand, seen the way in which they are upright."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pypdfium2
import pypdfium2.raw as pdfium

_WORD = re.compile(r"\S+")
_MARK = re.compile(r"[•‣▪●○◦■□➢✓·∙\uf0b7\uf0a7–*-]|\(?(?:\d{1,2}|[A-Za-z]|[ivxIVX]{1,4})[.)]|\(\d{1,2}\)")
_WIDE = 0.85  # of a character's cell, which is about 1.15 of its font: wider than a justified line's spaces
_MARK_GAP = 4.0  # the same after the mark of a list item
_SHIFTED = 0.7  # of a cell, up or down: no longer the same line
_ANGLES = 12  # samples of a page

Cell = tuple[int, int, float, float, float, float]
"""A word: where it starts and ends in the text, then left, top, right and bottom of its cell."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of one line without a wide gap between them. Lengths are points from the top left of the frame."""

    start: int  # PDFium's index of its first character
    end: int
    left: float
    top: float
    right: float
    bottom: float
    words: int

    @property
    def height(self) -> float:
        return self.bottom - self.top


@dataclass(frozen=True, slots=True)
class Frame:
    """A page's visible area, turned so that most of its text is upright."""

    left: float  # of the visible area, in page space
    bottom: float
    right: float
    top: float
    turn: int  # degrees clockwise: 0, 90, 180 or 270

    @staticmethod
    def of(page: pypdfium2.PdfPage, text_page: pdfium.FPDF_TEXTPAGE, text: str) -> Frame:
        """Find how the text of ``page`` runs from a sample of its characters."""
        step = max(1, len(text) // _ANGLES)
        turns: Counter[int] = Counter()
        for index in range(step // 2, len(text), step):
            angle = -1.0 if text[index].isspace() else pdfium.FPDFText_GetCharAngle(text_page, index)
            if angle >= 0:  # in radians, clockwise; negative for characters that PDFium added
                turns[-round(angle / (math.pi / 2)) * 90 % 360] += 1
        turn = turns.most_common(1)[0][0] if turns else page.get_rotation()
        left, bottom, right, top = page.get_bbox()
        return Frame(left, bottom, right, top, turn)

    @property
    def width(self) -> float:
        return self.top - self.bottom if self.turn % 180 else self.right - self.left

    @property
    def height(self) -> float:
        return self.right - self.left if self.turn % 180 else self.top - self.bottom

    def shows(self, piece: Piece) -> bool:
        """Whether a piece stands in the visible area, at least in part; one without a place counts as shown."""
        across = piece.right > 0 and piece.left < self.width
        down = piece.bottom > 0 and piece.top < self.height
        return (across and down) or piece.right <= piece.left or piece.bottom <= piece.top

    def place(self, x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        """Turn left, bottom, right, top in page space to left, top, right, bottom in this frame."""
        match self.turn:
            case 90:
                return y0 - self.bottom, x0 - self.left, y1 - self.bottom, x1 - self.left
            case 180:
                return self.right - x1, y0 - self.bottom, self.right - x0, y1 - self.bottom
            case 270:
                return self.top - y1, self.right - x1, self.top - y0, self.right - x0
            case _:
                return x0 - self.left, self.top - y1, x1 - self.left, self.top - y0


def line_spans(text: str, breaks: Sequence[int]) -> list[tuple[int, int]]:
    """Return where PDFium's lines that are not blank begin and end, white space around them left out.

    Args:
        text: The page's text, one character per PDFium index.
        breaks: Indices of hyphens after which a line ends without a line break in the text.
    """
    ends = sorted({match.start() for match in re.finditer("\n", text)} | {index + 1 for index in breaks})
    spans = []
    start = 0
    for end in (*ends, len(text)):
        piece = text[start:end]
        if piece.strip():
            spans.append((start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())))
        start = end
    return spans


def pieces_of(text_page: pdfium.FPDF_TEXTPAGE, text: str, span: tuple[int, int], frame: Frame) -> list[Piece]:
    """Cut one of PDFium's lines at wide gaps and where it leaves its height; in the text's order."""
    return cut(_cells(text_page, text, span, frame), text)


def _cells(text_page: pdfium.FPDF_TEXTPAGE, text: str, span: tuple[int, int], frame: Frame) -> Iterator[Cell]:
    rect = pdfium.FS_RECTF()
    get, place = pdfium.FPDFText_GetLooseCharBox, frame.place
    for match in _WORD.finditer(text, *span):
        first, last = match.start(), match.end() - 1
        left = top = right = bottom = 0.0
        if get(text_page, first, rect):
            left, top, right, bottom = place(rect.left, rect.bottom, rect.right, rect.top)
            if last > first and get(text_page, last, rect):
                _, _, right, _ = place(rect.left, rect.bottom, rect.right, rect.top)
        yield first, last + 1, left, top, right, bottom


def cut(cells: Iterable[Cell], text: str) -> list[Piece]:
    """Join the words of a line to pieces.

    Args:
        cells: Of the words, in order.
        text: What they point into.
    """
    pieces: list[Piece] = []
    start, end, words = -1, -1, 0
    x0 = y0 = x1 = y1 = 0.0  # of the piece so far
    for first, after, left, top, right, bottom in cells:
        if start >= 0:
            height = max(bottom - top, 1.0)
            gap = left - x1
            wide = _WIDE
            if words == 1 and gap > height * _WIDE and _MARK.fullmatch(text, start, end):
                wide = _MARK_GAP
            shifted = abs((top + bottom) - (y0 + y1)) / 2 > height * _SHIFTED
            if not shifted and -height <= gap <= height * wide:
                x1, y0, y1 = max(x1, right), min(y0, top), max(y1, bottom)
                end = after
                words += 1
                continue
            pieces.append(Piece(start, end, x0, y0, x1, y1, words))
        start, end, words = first, after, 1
        x0, y0, x1, y1 = left, top, right, bottom
    if start >= 0:
        pieces.append(Piece(start, end, x0, y0, x1, y1, words))
    return pieces
