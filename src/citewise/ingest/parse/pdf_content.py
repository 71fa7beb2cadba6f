"""What a page of a PDF holds: its text layer, pictures and annotations."""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from citewise.errors import IngestError
from citewise.ingest.parse.garbled import is_garbled
from citewise.ingest.parse.pdf_file import open_page, page_text
from citewise.ingest.parse.pdf_page import PageText, read_page

_FORM_DEPTH = 4  # forms within forms that are searched for images
_OBJECTS = 200  # looked at from each end of a page
_MAX_ANNOTATIONS = 10_000  # of a page
_UNMAPPED_SAMPLE = 64
_UNMAPPED_SHARE = 0.5
_NOTES = (pdfium.FPDF_ANNOT_TEXT, pdfium.FPDF_ANNOT_FREETEXT)


@dataclass(frozen=True, slots=True)
class PageContent:
    """What is kept of a page once it is closed."""

    content: PageText
    width: float | None = None  # points, unrotated
    height: float | None = None
    images: int = 0
    covered: float = 0.0  # share of the page that its largest picture covers
    drawn: bool = False  # whether there is anything on it at all
    garbled: bool = False  # whether its characters are not those that it shows
    notes: int = 0  # annotations that may hold words
    fields: int = 0  # of a form
    damaged: bool = False  # it could not be opened

    @property
    def visible(self) -> int:
        """How many characters it has that are not blank."""
        return len("".join(self.content.text.split()))


_DAMAGED = PageContent(PageText("", (), (), ()), damaged=True)


def read(document: pypdfium2.PdfDocument, index: int, *, source: str) -> PageContent:
    """Read one page, ``index`` from 0."""
    try:
        page = open_page(document, index, source=source)
    except IngestError:
        return _DAMAGED
    try:
        text_page = page.get_textpage()
        try:
            text, breaks = page_text(text_page)
            content = read_page(page, text_page, text, breaks)
            garbled = _unmapped(text_page.raw, text) > _UNMAPPED_SHARE or is_garbled(text)
        finally:
            text_page.close()
        left, bottom, right, top = page.get_bbox()
        pictures = list(_pictures(pdfium.FPDFPage_CountObjects, pdfium.FPDFPage_GetObject, page.raw))
        drawn = pdfium.FPDFPage_CountObjects(page.raw) > 0
        annotations = _annotations(page)
    except pypdfium2.PdfiumError:
        return _DAMAGED
    finally:
        page.close()
    return PageContent(
        content,
        right - left,
        top - bottom,
        images=len(pictures),
        covered=max(pictures, default=0.0) / ((right - left) * (top - bottom)),
        drawn=drawn,
        garbled=garbled,
        notes=sum(annotations[kind] for kind in _NOTES),
        fields=annotations[pdfium.FPDF_ANNOT_WIDGET],
    )


def _annotations(page: pypdfium2.PdfPage) -> Counter[int]:
    """Count a page's annotations by kind."""
    kinds: Counter[int] = Counter()
    for index in range(min(pdfium.FPDFPage_GetAnnotCount(page.raw), _MAX_ANNOTATIONS)):
        annotation = pdfium.FPDFPage_GetAnnot(page.raw, index)
        if annotation:
            kinds[pdfium.FPDFAnnot_GetSubtype(annotation)] += 1
            pdfium.FPDFPage_CloseAnnot(annotation)
    return kinds


def _pictures(
    count: Callable[[Any], int], get: Callable[[Any, int], Any], container: Any, *, depth: int = 0
) -> Iterator[float]:
    """Yield the area of each picture; one within a form may be shown at another size."""
    total = count(container)
    # Some programs make an object of every word. Pictures stand before the text or after it.
    indices = range(total) if total <= 2 * _OBJECTS else (*range(_OBJECTS), *range(total - _OBJECTS, total))
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    for index in indices:
        item = get(container, index)
        kind = pdfium.FPDFPageObj_GetType(item)
        if kind == pdfium.FPDF_PAGEOBJ_IMAGE:
            bounded = pdfium.FPDFPageObj_GetBounds(item, left, bottom, right, top)
            yield (right.value - left.value) * (top.value - bottom.value) if bounded else 0.0
        elif kind == pdfium.FPDF_PAGEOBJ_FORM and depth < _FORM_DEPTH:
            inner = pdfium.FPDFFormObj_CountObjects, pdfium.FPDFFormObj_GetObject, item
            yield from _pictures(*inner, depth=depth + 1)


def _unmapped(raw: pdfium.FPDF_TEXTPAGE, text: str) -> float:
    step = max(1, len(text) // _UNMAPPED_SAMPLE)
    sample = [index for index in range(0, len(text), step) if not text[index].isspace()]
    if not sample:
        return 0.0
    failed: int = sum(pdfium.FPDFText_HasUnicodeMapError(raw, index) == 1 for index in sample)
    return failed / len(sample)
