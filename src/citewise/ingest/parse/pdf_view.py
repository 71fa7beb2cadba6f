"""Where a PDF's words stand on the page, and the page as a picture."""

from __future__ import annotations

import ctypes
import io
import math
from collections.abc import Sequence
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image, ImageChops, ImageDraw

from citewise.errors import IngestError
from citewise.ingest.parse.pdf_file import SOFT_HYPHEN, open_page, open_pdf, page_text
from citewise.ingest.parse.pdf_page import PageText, read_page
from citewise.types import Box

MAX_WIDTH = 4_000  # pixels
_MAX_PIXELS = 40_000_000
_FILL = (255, 236, 158)
_OUTLINE = (191, 54, 12)  # the colour is not the only cue
_SAME_LINE = 0.25  # of the smaller cell
_LINE_BREAKS = (0x0A, 0x0D)
_CODES = 0x110000


def boxes(path: Path, spans: Sequence[tuple[int, int, int, str]], *, source: str) -> list[tuple[Box, ...]]:
    """Find where pieces of text stand.

    Args:
        path: The PDF.
        spans: ``(page, start, end, words)``: a 1-based page, characters counted from the page's
            start, and what stands there in the text that was stored.
        source: The file's name, for messages.

    Returns:
        For each span one box per line, in reading order; none for a span without visible characters,
        and none where the file's page does not say these words there.

    Raises:
        IngestError: The file or a page cannot be opened, or a span is outside its page.
    """
    document = open_pdf(path, source=source)
    try:
        found: dict[tuple[int, int, int, str], tuple[Box, ...]] = {}
        for number in sorted({span[0] for span in spans}):
            page = open_page(document, number - 1, source=source)
            text_page = page.get_textpage()
            try:
                raw_text, breaks = page_text(text_page)
                content = read_page(page, text_page, raw_text, breaks)
                for span in {span for span in spans if span[0] == number}:
                    indices = _indices(content, raw_text, span, source=source)
                    found[span] = _boxes_on(page, text_page, number, indices)
            finally:
                text_page.close()
                page.close()
        return [found[span] for span in spans]
    finally:
        document.close()


def _indices(content: PageText, raw_text: str, span: tuple[int, int, int, str], *, source: str) -> list[int]:
    """Return PDFium's indices of a span's characters."""
    number, start, end, words = span
    if not 0 <= start <= end <= max(len(content.text), len(raw_text)):
        raise IngestError(
            f"Page {number} of {source} has {len(content.text)} characters, so {start}–{end} cannot be shown on it. "
            "The file has changed since it was read; add it again."
        )
    if _same(content.text[start:end], words):
        return content.indices(start, end)
    # Documents that were read before pages were put into reading order have PDFium's own.
    return list(range(start, end)) if _same(raw_text[start:end], words) else []


def _same(found: str, words: str) -> bool:
    """Compare but for hyphens at line ends, which the rest of the document has settled."""
    return found.replace(SOFT_HYPHEN, "-") == words.replace(SOFT_HYPHEN, "-")


def _boxes_on(
    page: pypdfium2.PdfPage, text_page: pypdfium2.PdfTextPage, number: int, indices: Sequence[int]
) -> tuple[Box, ...]:
    left, bottom, right, top = page.get_bbox()
    inside = (
        Box(
            number,
            round(max(x0, left) - left, 2),
            round(top - min(y1, top), 2),
            round(min(x1, right) - left, 2),
            round(top - max(y0, bottom), 2),
        )
        for x0, y0, x1, y1 in _lines(text_page.raw, indices)
    )
    return tuple(box for box in inside if box.x1 > box.x0 and box.y1 > box.y0)


def _lines(raw: pdfium.FPDF_TEXTPAGE, indices: Sequence[int]) -> list[list[float]]:
    """Return the ink of each line as left, bottom, right, top in page space.

    The ink is what gets boxed; a character's cell, which is as high as its font, tells the line: a
    character whose cell is neither beside nor above the last one's begins another line. That holds
    for text in any direction. What does not follow in PDFium's order begins another box, too: the
    cell of a table, a line of another column.
    """
    x0, x1, y0, y1 = (ctypes.c_double() for _ in range(4))
    cell = pdfium.FS_RECTF()
    lines: list[list[float]] = []
    last: tuple[float, float, float, float] | None = None
    before = -1
    for index in indices:
        code = pdfium.FPDFText_GetUnicode(raw, index)
        if code in _LINE_BREAKS or index != before + 1:
            last = None
        before = index
        if (code < _CODES and chr(code).isspace()) or not pdfium.FPDFText_GetCharBox(raw, index, x0, x1, y0, y1):
            continue
        if x1.value <= x0.value or y1.value <= y0.value:
            continue
        ink = [x0.value, y0.value, x1.value, y1.value]
        has_cell = pdfium.FPDFText_GetLooseCharBox(raw, index, cell)
        here = (cell.left, cell.bottom, cell.right, cell.top) if has_cell else (ink[0], ink[1], ink[2], ink[3])
        if last is None or not (
            _overlap(last[1], last[3], here[1], here[3]) or _overlap(last[0], last[2], here[0], here[2])
        ):
            lines.append(ink)
        else:
            line = lines[-1]
            line[:] = [min(line[0], ink[0]), min(line[1], ink[1]), max(line[2], ink[2]), max(line[3], ink[3])]
        last = here
    return lines


def _overlap(low: float, high: float, start: float, end: float) -> bool:
    return min(high, end) - max(low, start) > _SAME_LINE * min(high - low, end - start)


def render(path: Path, page: int, *, width: int, boxes: Sequence[Box] = (), source: str) -> bytes:
    """Draw a page as a reader sees it, turned the right way, with ``boxes`` filled and outlined.

    Args:
        path: The PDF.
        page: 1-based.
        width: Of the picture, in pixels, 1 to 4,000; the height follows from the page.
        boxes: Those of other pages are ignored.
        source: The file's name, for messages.

    Returns:
        A PNG.

    Raises:
        IngestError: The file or the page cannot be opened or drawn.
    """
    document = open_pdf(path, source=source)
    try:
        opened = open_page(document, page - 1, source=source)
        shown_width, shown_height = opened.get_size()
        if shown_width < 1 or shown_height < 1:
            raise IngestError(f"Page {page} of {source} has no size and cannot be shown.")
        scale = min(max(width, 1), MAX_WIDTH) / shown_width
        scale = min(scale, math.sqrt(_MAX_PIXELS / (shown_width * shown_height)))
        picture = opened.render(scale=scale, may_draw_forms=False).to_pil().convert("RGB")
        left, bottom, right, top = opened.get_bbox()
        turned = [_turn(box, opened.get_rotation(), right - left, top - bottom) for box in boxes if box.page == page]
        opened.close()
    except pypdfium2.PdfiumError as error:
        raise IngestError(f"Page {page} of {source} is damaged and cannot be shown.") from error
    finally:
        document.close()
    factor = picture.width / shown_width, picture.height / shown_height
    if turned:
        scaled = [(x0 * factor[0], y0 * factor[1], x1 * factor[0], y1 * factor[1]) for x0, y0, x1, y1 in turned]
        picture = mark(picture, scaled)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def _turn(box: Box, rotation: int, width: float, height: float) -> tuple[float, float, float, float]:
    """Move a box from the unrotated page to the page as shown, turned clockwise by ``rotation``."""
    match rotation:
        case 90:
            return height - box.y1, box.x0, height - box.y0, box.x1
        case 180:
            return width - box.x1, height - box.y1, width - box.x0, height - box.y0
        case 270:
            return box.y0, width - box.x1, box.y1, width - box.x0
        case _:
            return box.x0, box.y0, box.x1, box.y1


def mark(picture: Image.Image, rectangles: Sequence[tuple[float, float, float, float]]) -> Image.Image:
    """Return ``picture`` as if gone over with a highlighter, whose ink leaves black words black."""
    ink = Image.new("RGB", picture.size, "white")
    draw = ImageDraw.Draw(ink)
    line = max(2, picture.width // 500)
    margin = line + 1  # the outline stands around the words, not on them
    around = [(x0 - margin, y0 - margin, x1 + margin, y1 + margin) for x0, y0, x1, y1 in rectangles]
    for corners in around:
        draw.rectangle(corners, fill=_FILL)
    marked = ImageChops.multiply(picture, ink)
    draw = ImageDraw.Draw(marked)
    for corners in around:
        draw.rectangle(corners, outline=_OUTLINE, width=line)
    return marked
