"""PDF: text whose positions are PDFium's own character positions.

Character ``i`` of a page's text is PDFium's character ``i`` of that page, one for one, so
that the boxes of any span can be found exactly, later, from the stored file alone (see
:mod:`citewise.ingest.parse.pdf_view`). PDFium's own bulk text is 16-bit and leaves
characters out; it is used only where it provably has not.
"""

from __future__ import annotations

import ctypes
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from citewise.errors import IngestError
from citewise.ingest.parse.compose import REPLACEMENT, clean, collapse, stem
from citewise.ingest.parse.pdf_layout import blocks_of
from citewise.ingest.parse.pdf_page import SOFT_HYPHEN, PageText, read_page
from citewise.types import Block, PageReport, PageSpan, ParsedDocument, ParseReport

MAX_PAGES = 5_000
PAGE_BREAK = "\n\n"  # stands between pages and belongs to none

_FORM_DEPTH = 4  # forms within forms that are searched for images
_OBJECTS = 200  # looked at from each end of a page
_MAX_ANNOTATIONS = 10_000  # of a page
_GARBLED_SHARE = 0.2
_STRANGE = re.compile("[\ufffd\x7f-\x9f\ue000-\uf8ff\U000f0000-\U0010ffff]")  # control and private-use characters
_UNMAPPED_SAMPLE = 64
_NOTES = (pdfium.FPDF_ANNOT_TEXT, pdfium.FPDF_ANNOT_FREETEXT)
_LINE_END_HYPHENS = ("\x02", "\ufffe")  # PDFium's two marks for a hyphen that breaks a word over lines
_BROKEN_WORD = re.compile(r"(\w+)\u00ad(\w+)")
_HYPHENATED = re.compile(r"\w+-\w+")
_PROGRAM_TITLE = re.compile(
    r"untitled.*|\(?anonymous\)?|title|(word )?document\d*|powerpoint presentation"
    r"|microsoft (word|powerpoint|excel)\b.*|.*\.(docx?|pptx?|xlsx?|indd|qxd|pdf|tex|dvi|rtf|odt)|[\W\d_]*",
    re.IGNORECASE | re.DOTALL,
)


def _character_table() -> dict[int, str]:
    """Map what must not stand in text, each to exactly one character."""
    table = dict.fromkeys((*range(32), 0xFFFF), REPLACEMENT)
    table |= {ord("\t"): "\t", ord("\n"): "\n", ord("\r"): " ", 0x0B: " ", 0x0C: " "}
    return table | {ord(mark): SOFT_HYPHEN for mark in _LINE_END_HYPHENS}


_CHARACTERS = _character_table()


@dataclass(frozen=True, slots=True)
class _Page:
    """What is kept of a page once it is closed."""

    content: PageText
    width: float | None
    height: float | None
    images: int
    drawn: bool  # whether there is anything on it at all
    unmapped: float  # share of characters whose font does not say what they are
    notes: int  # annotations that may hold words
    fields: int  # of a form


def parse(path: Path, *, source: str) -> ParsedDocument:
    """Read the text layer of a PDF."""
    document = open_pdf(path, source=source)
    try:
        title = document.get_metadata_value("Title")
        attachments = pdfium.FPDFDoc_GetAttachmentCount(document.raw)
        pages = [_read(document, index, source) for index in range(len(document))]
    finally:
        document.close()
    if not any(page.content.text.strip() for page in pages):
        raise IngestError(_nothing_to_read(source, pages))
    texts = settle_hyphens([page.content.text for page in pages])
    contents = [replace(page.content, text=text) for page, text in zip(pages, texts, strict=True)]
    starts = []
    position = 0
    for page_text in texts:
        starts.append(position)
        position += len(page_text) + len(PAGE_BREAK)
    blocks = blocks_of(contents, starts)
    reports = tuple(_report(number, page) for number, page in enumerate(pages, 1))
    text = PAGE_BREAK.join(texts)
    return ParsedDocument(
        text=text,
        blocks=tuple(blocks),
        pages=tuple(
            PageSpan(number, start, start + len(page_text), page.width, page.height)
            for number, (page, page_text, start) in enumerate(zip(pages, texts, starts, strict=True), 1)
        ),
        report=ParseReport(
            characters=sum(report.characters for report in reports),
            pages=reports,
            tables=sum(report.tables for report in reports),
            images=sum(report.images for report in reports),
            warnings=_warnings(reports),
            left_out=_left_out(pages, attachments),
        ),
        media_type="application/pdf",
        title=_title(title, text, blocks, source),
    )


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
    if count < 1 or count > MAX_PAGES:
        document.close()
        raise IngestError(
            f"{source} has no pages. Export it again and add that."
            if count < 1
            else f"{source} has {count:,} pages; the limit is {MAX_PAGES:,}. Split it and add the parts."
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


def settle_hyphens(texts: Sequence[str]) -> list[str]:
    """Tell hyphens that only break a line from those that belong to the word, by the rest of the document.

    Args:
        texts: The pages, with a soft hyphen wherever a word goes on in the next line.

    Returns:
        The pages, as long as before, with ``-`` for those that belong to a word.
    """
    if not any(SOFT_HYPHEN in text for text in texts):
        return list(texts)
    joined = {word.lower() for text in texts for word in re.findall(r"\w+", text)}
    hyphenated = {word.lower() for text in texts for word in _HYPHENATED.findall(text)}

    def settle(match: re.Match[str]) -> str:
        first, second = match[1], match[2]
        if f"{first}{second}".lower() in joined:
            return match[0]
        own = f"{first}-{second}".lower() in hyphenated or not second[0].islower() or first[-1].isdigit()
        return f"{first}-{second}" if own else match[0]

    return [_BROKEN_WORD.sub(settle, text) for text in texts]


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


_NOTHING = PageText("", (), (), ())


def _read(document: pypdfium2.PdfDocument, index: int, source: str) -> _Page:
    try:
        page = open_page(document, index, source=source)
    except IngestError:
        return _Page(_NOTHING, None, None, images=0, drawn=True, unmapped=0, notes=0, fields=0)
    try:
        text_page = page.get_textpage()
        try:
            text, breaks = page_text(text_page)
            content = read_page(page, text_page, text, breaks)
            unmapped = _unmapped(text_page.raw, text)
        finally:
            text_page.close()
        left, bottom, right, top = page.get_bbox()
        images = _count_images(pdfium.FPDFPage_CountObjects, pdfium.FPDFPage_GetObject, page.raw)
        drawn = pdfium.FPDFPage_CountObjects(page.raw) > 0
        annotations = _annotations(page)
    except pypdfium2.PdfiumError:
        return _Page(_NOTHING, None, None, images=0, drawn=True, unmapped=0, notes=0, fields=0)
    finally:
        page.close()
    return _Page(
        content,
        right - left,
        top - bottom,
        images=images,
        drawn=drawn,
        unmapped=unmapped,
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


def _count_images(
    count: Callable[[Any], int], get: Callable[[Any, int], Any], container: Any, *, depth: int = 0
) -> int:
    total = count(container)
    # Some programs make an object of every word. Pictures stand before the text or after it.
    indices = range(total) if total <= 2 * _OBJECTS else (*range(_OBJECTS), *range(total - _OBJECTS, total))
    images = 0
    for index in indices:
        item = get(container, index)
        kind = pdfium.FPDFPageObj_GetType(item)
        if kind == pdfium.FPDF_PAGEOBJ_IMAGE:
            images += 1
        elif kind == pdfium.FPDF_PAGEOBJ_FORM and depth < _FORM_DEPTH:
            inner = pdfium.FPDFFormObj_CountObjects, pdfium.FPDFFormObj_GetObject, item
            images += _count_images(*inner, depth=depth + 1)
    return images


def _unmapped(raw: pdfium.FPDF_TEXTPAGE, text: str) -> float:
    step = max(1, len(text) // _UNMAPPED_SAMPLE)
    sample = [index for index in range(0, len(text), step) if not text[index].isspace()]
    if not sample:
        return 0.0
    failed: int = sum(pdfium.FPDFText_HasUnicodeMapError(raw, index) == 1 for index in sample)
    return failed / len(sample)


def _report(number: int, page: _Page) -> PageReport:
    visible = "".join(page.content.text.split())
    strange = len(_STRANGE.findall(visible))
    return PageReport(
        page=number,
        characters=len(visible),
        tables=len(page.content.tables),
        images=page.images,
        needs_ocr=not visible and page.drawn,
        garbled=bool(visible) and (strange / len(visible) > _GARBLED_SHARE or page.unmapped > 0.5),
    )


def _warnings(reports: Sequence[PageReport]) -> tuple[str, ...]:
    warnings = []
    scanned = [report.page for report in reports if report.needs_ocr]
    if scanned:
        verb, pronoun = ("has", "it looks") if len(scanned) == 1 else ("have", "they look")
        need = "needs" if len(scanned) == 1 else "need"
        warnings.append(f"{page_names(scanned)} {verb} no text: {pronoun} scanned or drawn and {need} OCR.")
    garbled = [report.page for report in reports if report.garbled]
    if garbled:
        verb = "holds" if len(garbled) == 1 else "hold"
        warnings.append(
            f"{page_names(garbled)} {verb} text that may be unreadable: "
            "the fonts do not say which characters they show."
        )
    return tuple(warnings)


def _left_out(pages: Sequence[_Page], attachments: int) -> tuple[str, ...]:
    counts = (
        (sum(page.fields for page in pages), "form field", "what is filled in"),
        (sum(page.notes for page in pages), "note", "comments beside the text"),
        (attachments, "attached file", "files within the file"),
    )
    return tuple(f"{count} {name}{'' if count == 1 else 's'}: {what}." for count, name, what in counts if count > 0)


def page_names(pages: Iterable[int]) -> str:
    """Name pages for a person: ``Page 4``, ``Pages 1–3 and 7``. ``pages`` ascend and are not empty."""
    runs: list[list[int]] = []
    for page in pages:
        if runs and page == runs[-1][1] + 1:
            runs[-1][1] = page
        else:
            runs.append([page, page])
    names = [f"{first}–{last}" if last > first else str(first) for first, last in runs]
    if len(names) > 8:
        names = [*names[:7], f"{len(names) - 7} more places"]
    joined = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    single = len(runs) == 1 and runs[0][0] == runs[0][1]
    return f"{'Page' if single else 'Pages'} {joined}"


def _nothing_to_read(source: str, pages: Sequence[_Page]) -> str:
    count = f"its {len(pages)} pages look" if len(pages) > 1 else "its only page looks"
    if any(page.drawn for page in pages):
        need = "need" if len(pages) > 1 else "needs"
        return (
            f"No text could be read from {source}: {count} scanned and {need} OCR, which Citewise cannot do yet. "
            "Run it through an OCR program and add the result."
        )
    return f"No text could be read from {source}: {count} empty. Check the file and add it again."


def _title(metadata: str, text: str, blocks: Sequence[Block], source: str) -> str:
    title = collapse(clean(metadata or ""))
    if title and len(title) <= 200 and not _PROGRAM_TITLE.fullmatch(title):
        return title
    for block in blocks:
        if block.kind == "heading" and (block.page or 1) <= 2:
            return collapse(text[block.start : block.end].replace(SOFT_HYPHEN, ""))[:200]
    return stem(source)
