"""PDF: the text layer of each page, or what OCR reads where there is none.

A page's text is made of PDFium's characters, so that the boxes of any span can be found
exactly, later, from the stored file alone (see :mod:`citewise.ingest.parse.pdf_page` and
:mod:`citewise.ingest.parse.pdf_view`). Recognised words keep their boxes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium

from citewise.errors import IngestError
from citewise.ingest.parse.compose import clean, collapse
from citewise.ingest.parse.garbled import is_garbled
from citewise.ingest.parse.ocr import DPI, MAX_PIXELS, Recogniser, recogniser
from citewise.ingest.parse.paged import ReadPage, document_of, how_to_recognise, out_of_time, page_names
from citewise.ingest.parse.pdf_content import PageContent, read
from citewise.ingest.parse.pdf_file import open_page, open_pdf
from citewise.ingest.parse.recognised import PagePicture, RecognisedPage, recognise_pages
from citewise.types import ParsedDocument

_STAMP = 100  # characters over a picture of the whole page: a stamp or a number on a scan
_WHOLE = 0.6  # of a page, that a scan covers
_SURE = 60.0  # per cent: OCR that may stand in for a text layer
_PROGRAM_TITLE = re.compile(
    r"untitled.*|\(?anonymous\)?|title|(word )?document\d*|powerpoint presentation"
    r"|microsoft (word|powerpoint|excel)\b.*|.*\.(docx?|pptx?|xlsx?|indd|qxd|pdf|tex|dvi|rtf|odt)|[\W\d_]*",
    re.IGNORECASE | re.DOTALL,
)


def parse(path: Path, *, source: str) -> ParsedDocument:
    """Read a PDF page by page."""
    document = open_pdf(path, source=source)
    by_ocr = recogniser()
    try:
        title = collapse(clean(document.get_metadata_value("Title") or ""))
        attachments = pdfium.FPDFDoc_GetAttachmentCount(document.raw)
        contents = [read(document, index, source=source) for index in range(len(document))]
        wanted = [number for number, page in enumerate(contents, 1) if _may_need_ocr(page)]
        seen: dict[int, RecognisedPage] = {}
        if by_ocr and wanted and not by_ocr.unavailable:
            seen = dict(recognise_pages(by_ocr, wanted, lambda number: _picture(document, number, source)))
    finally:
        document.close()
    pages = [_settled(page, seen.get(number)) for number, page in enumerate(contents, 1)]
    wordless = not any(page.content.text.strip() for page in pages)
    if wordless and (reason := _why_unread(source, contents, pages, by_ocr)):
        raise IngestError(reason)
    return document_of(
        pages,
        media_type="application/pdf",
        source=source,
        title="" if len(title) > 200 or _PROGRAM_TITLE.fullmatch(title) else title,
        warnings=_warnings(pages, by_ocr, used=bool(seen)),
        left_out=_left_out(contents, attachments),
        unread=_unread(contents, pages, by_ocr),
    )


def _may_need_ocr(page: PageContent) -> bool:
    if page.damaged:
        return False
    if not page.visible:
        return page.drawn
    return page.garbled or (page.visible < _STAMP and page.covered > _WHOLE)


def _picture(document: pypdfium2.PdfDocument, number: int, source: str) -> PagePicture | None:
    """Draw a page for OCR; ``None`` if that fails."""
    try:
        page = open_page(document, number - 1, source=source)
        width, height = page.get_size()
        left, bottom, right, top = page.get_bbox()
        scale = min(DPI / 72, math.sqrt(MAX_PIXELS / (width * height)))
        drawn = page.render(scale=scale, grayscale=True, may_draw_forms=False).to_pil()
        rotation = page.get_rotation()
        page.close()
    except (IngestError, pypdfium2.PdfiumError):
        return None
    return PagePicture(number, drawn, right - left, top - bottom, rotation)


def _settled(page: PageContent, seen: RecognisedPage | None) -> ReadPage:
    """Choose between a page's text layer and what was recognised on it."""
    if seen is not None and _reads_better(page, seen):
        return ReadPage(seen.content, page.width, page.height, seen.words, page.images, recognised=True)
    needs_ocr = not page.visible and page.drawn
    return ReadPage(page.content, page.width, page.height, (), page.images, needs_ocr, page.garbled)


def _reads_better(page: PageContent, seen: RecognisedPage) -> bool:
    if not page.visible:
        return True  # also where there turned out to be no words: a picture
    length = len("".join(seen.content.text.split()))
    if seen.confidence < _SURE or is_garbled(seen.content.text):
        return False
    return length > page.visible / 2 if page.garbled else length > page.visible * 2


def _warnings(pages: Sequence[ReadPage], by_ocr: Recogniser | None, *, used: bool) -> tuple[str, ...]:
    warnings = []
    scanned = [number for number, page in enumerate(pages, 1) if page.needs_ocr]
    remedy = how_to_recognise(by_ocr)
    if scanned and remedy:
        verb, pronoun, need = ("has", "it looks", "needs") if len(scanned) == 1 else ("have", "they look", "need")
        warnings.append(
            f"{page_names(scanned)} {verb} no text: {pronoun} scanned or drawn and {need} OCR; {remedy}, "
            "and add the file again."
        )
    garbled = [number for number, page in enumerate(pages, 1) if page.garbled]
    if garbled:
        verb = "holds" if len(garbled) == 1 else "hold"
        cure = f"; {remedy}, so that the page's picture is read instead" if remedy else ""
        warnings.append(
            f"{page_names(garbled)} {verb} text that may be unreadable: "
            f"the fonts do not say which characters they show{cure}."
        )
    recognised = [number for number, page in enumerate(pages, 1) if page.recognised and page.words]
    if recognised:
        verb = "was" if len(recognised) == 1 else "were"
        warnings.append(f"{page_names(recognised)} {verb} read by OCR: words and figures may be wrong in places.")
    return (*warnings, *(by_ocr.warnings if by_ocr and used else ()))


def _unread(contents: Sequence[PageContent], pages: Sequence[ReadPage], by_ocr: Recogniser | None) -> tuple[str, ...]:
    sentences = []
    damaged = [number for number, page in enumerate(contents, 1) if page.damaged]
    if damaged:
        verb = "is" if len(damaged) == 1 else "are"
        sentences.append(f"{page_names(damaged)} {verb} damaged and could not be opened.")
    late = [number for number, page in enumerate(pages, 1) if page.needs_ocr]
    if late and by_ocr and not by_ocr.unavailable:
        sentences.append(out_of_time(late, by_ocr))
    return tuple(sentences)


def _left_out(pages: Sequence[PageContent], attachments: int) -> tuple[str, ...]:
    counts: Mapping[tuple[str, str], int] = {
        ("form field", "what is filled in"): sum(page.fields for page in pages),
        ("note", "comments beside the text"): sum(page.notes for page in pages),
        ("attached file", "files within the file"): attachments,
        ("word", "outside the visible part of the page"): sum(page.content.hidden_words for page in pages),
    }
    return tuple(
        f"{count} {name}{'' if count == 1 else 's'}: {what}." for (name, what), count in counts.items() if count > 0
    )


def _why_unread(
    source: str, contents: Sequence[PageContent], pages: Sequence[ReadPage], by_ocr: Recogniser | None
) -> str:
    """Say why no page has words; empty if none of them shows any."""
    several = len(pages) > 1
    remedy = how_to_recognise(by_ocr)
    if all(page.damaged for page in contents):
        which = "all its pages are" if several else "its only page is"
        return f"No text could be read from {source}: {which} damaged. Export it again and add that."
    if remedy and any(page.drawn for page in contents):
        looks = f"its {len(pages)} pages look scanned and need" if several else "its only page looks scanned and needs"
        return f"No text could be read from {source}: {looks} OCR; {remedy}, and add it again."
    late = [number for number, page in enumerate(pages, 1) if page.needs_ocr]
    if late and by_ocr:
        return f"No text could be read from {source}. {out_of_time(late, by_ocr)}"
    return ""
