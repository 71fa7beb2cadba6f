"""A PDF file, its pages and their characters as PDFium gives them.

PDFium's own bulk text is 16-bit and leaves characters out; it is used only where it
provably has not.
"""

from __future__ import annotations

import ctypes
import re
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium

from citewise.errors import IngestError
from citewise.ingest.limits import MAX_PDF_PAGES
from citewise.ingest.parse.compose import REPLACEMENT, clean

SOFT_HYPHEN = "\u00ad"

_LINE_END_HYPHENS = ("\x02", "\ufffe")  # PDFium's two marks for a hyphen that breaks a word over lines


def _character_table() -> dict[int, str]:
    """Map what must not stand in text, each to exactly one character."""
    table = dict.fromkeys((*range(32), 0xFFFF), REPLACEMENT)
    table |= {ord("\t"): "\t", ord("\n"): "\n", ord("\r"): " ", 0x0B: " ", 0x0C: " "}
    return table | {ord(mark): SOFT_HYPHEN for mark in _LINE_END_HYPHENS}


_CHARACTERS = _character_table()


def open_pdf(path: Path, *, source: str) -> pypdfium2.PdfDocument:
    """Open a PDF, or say why not."""
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            raise IngestError(
                f"{source} is protected by a password; remove the protection and add it again."
            ) from error
        if error.err_code == pdfium.FPDF_ERR_SECURITY:
            raise IngestError(
                f"{source} is protected in a way that cannot be opened here; remove the protection and add it again."
            ) from error
        raise IngestError(
            f"{source} is damaged or cut off and cannot be opened as a PDF. "
            "Open it in another program, export it again, and add that."
        ) from error
    except OSError as error:
        raise IngestError(f"{source} cannot be opened: {error.strerror}. Check the file and add it again.") from error
    count = len(document)
    if count < 1 or count > MAX_PDF_PAGES:
        document.close()
        raise IngestError(
            f"{source} has no pages. Export it again and add that."
            if count < 1
            else f"{source} has {count:,} pages; the limit is {MAX_PDF_PAGES:,}. Split it and add the parts."
        )
    return document


def open_page(document: pypdfium2.PdfDocument, index: int, *, source: str) -> pypdfium2.PdfPage:
    """Open one page, with a visible area that is not empty.

    Raises:
        IngestError: There is no such page, or it is damaged.
    """
    if not 0 <= index < len(document):
        raise IngestError(f"{source} has no page {index + 1}; it has {len(document)}.")
    try:
        page = document[index]
    except pypdfium2.PdfiumError as error:
        raise IngestError(f"Page {index + 1} of {source} is damaged and cannot be opened.") from error
    left, bottom, right, top = page.get_bbox()
    if right - left < 1 or top - bottom < 1:  # an empty CropBox; readers fall back to the whole page too
        page.set_cropbox(*page.get_mediabox())
    return page


def page_text(text_page: pypdfium2.PdfTextPage) -> tuple[str, list[int]]:
    """Return a page's text, one Python character per PDFium index, and where words break over lines.

    Line breaks are a space and a newline. Hyphens that break a word at the end of a line become soft
    hyphens; their indices are the second value.
    """
    raw, count = text_page.raw, pdfium.FPDFText_CountChars(text_page.raw)
    if count <= 0:
        return "", []
    text = _bulk_text(raw, count) or _text_by_index(raw, count)
    text = text.replace(SOFT_HYPHEN, "-")  # within a line it is how many fonts name their plain hyphen
    breaks = [match.start() for match in re.finditer("[\x02\ufffe]", text)]
    return clean(text.translate(_CHARACTERS)), breaks


def _bulk_text(raw: pdfium.FPDF_TEXTPAGE, count: int) -> str | None:
    """Return the page's text in one call, or ``None`` where its positions might differ."""
    buffer = (ctypes.c_ushort * (count + 1))()
    got = pdfium.FPDFText_GetText(raw, 0, count, buffer)
    if got != count + 1:
        return None
    text = bytes(buffer)[: 2 * count].decode("utf-16-le", "surrogatepass")
    # Characters that were left out would be missing here, whatever the pairs of surrogates make up for.
    return text if len(text) == count else None


def _text_by_index(raw: pdfium.FPDF_TEXTPAGE, count: int) -> str:
    codes = [pdfium.FPDFText_GetUnicode(raw, index) for index in range(count)]
    for index, (code, following) in enumerate(zip(codes, [*codes[1:], 0], strict=True)):
        if 0xD800 <= code < 0xDC00 <= following < 0xE000:
            codes[index] = 0x10000 + ((code - 0xD800) << 10) + (following - 0xDC00)
            codes[index + 1] = 0x2060  # WORD JOINER keeps the place of the second half
    return "".join(chr(code) if code < 0x110000 else REPLACEMENT for code in codes)
