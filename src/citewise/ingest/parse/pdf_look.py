"""How the lines of a PDF's page look: the size and weight of their fonts, and where they stand."""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pypdfium2.raw as pdfium

from citewise.ingest.parse.pdf_words import Piece

_BOLD_NAME = re.compile(r"bold|black|heavy|demi|cmb|cmssbx|sfbx|[-,](?:bd|b|medi)\b", re.IGNORECASE)
_FORCE_BOLD = 1 << 18  # font descriptor flag, ISO 32000-1 table 123


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page: where its text is, and how it looks. Lengths are points."""

    start: int  # in the page's text
    end: int
    size: float  # of its font, as shown
    bold: bool
    left: float  # as it is read, from the top left of the visible page
    right: float
    top: float
    bottom: float = 0.0


class LineLook(Protocol):
    """Tells how lines look."""

    def line(self, spans: Sequence[tuple[int, int]], pieces: Sequence[Piece], start: int, end: int) -> Line:
        """Describe a line of the text, from ``start`` to ``end``, that is made of ``spans`` of characters."""
        ...


class Look:
    """Asks PDFium how characters look; two or three a line are enough."""

    def __init__(self, text_page: pdfium.FPDF_TEXTPAGE) -> None:
        self._text_page = text_page
        self._name = ctypes.create_string_buffer(128)
        self._flags = ctypes.c_int()
        self._matrix = pdfium.FS_MATRIX()

    def line(self, spans: Sequence[tuple[int, int]], pieces: Sequence[Piece], start: int, end: int) -> Line:
        """Describe a line whose ``spans`` are PDFium's indices; see :class:`LineLook`."""
        first, last = spans[0][0], spans[-1][1] - 1
        sample = (first, (first + last + 1) // 2 if len(spans) == 1 else spans[len(spans) // 2][0], last)
        bold = all(self._bold(index) for index in sample)
        # The middle one: a bullet or a footnote's mark has a size of its own.
        size = sorted(self._size(index) for index in sample)[1]
        return Line(
            start,
            end,
            size,
            bold,
            pieces[0].left,
            max(piece.right for piece in pieces),
            pieces[0].top,
            max(piece.bottom for piece in pieces),
        )

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
