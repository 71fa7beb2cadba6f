"""Pictures: one page each, whose text is recognised."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from citewise.errors import IngestError
from citewise.ingest.limits import MAX_IMAGE_PAGES, MAX_IMAGE_PIXELS
from citewise.ingest.parse.ocr import DPI, MAX_PIXELS, recogniser
from citewise.ingest.parse.paged import ReadPage, document_of, how_to_recognise, out_of_time, page_names
from citewise.ingest.parse.pdf_page import PageText
from citewise.ingest.parse.recognised import PagePicture, RecognisedPage, recognise_pages
from citewise.types import ParsedDocument

_KINDS = ("PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP")
_DPI_FROM, _DPI_TO = 50, 1_200  # what is believed of a picture's own account
_LARGE = 2_500  # pixels of a picture without one that is large enough to be read as it is
_LARGER = 4.0  # times, at most


def parse(path: Path, *, source: str) -> ParsedDocument:
    """Recognise the text of a picture, or of each page of a TIFF.

    Raises:
        IngestError: The picture cannot be opened or decoded, or there is no OCR.
    """
    by_ocr = recogniser()
    with opened(path, source=source) as picture:
        media_type = Image.MIME.get(picture.format or "", "image/jpeg")
        count = pages_of(picture)
        remedy = how_to_recognise(by_ocr)
        if by_ocr is None or remedy:
            raise IngestError(
                f"{source} is a picture, and its text can only be read by OCR; {remedy}, and add it again."
            )
        sizes: dict[int, tuple[float, float]] = {}

        def drawn(number: int) -> PagePicture | None:
            try:
                page, width, height = upright(picture, number)
            except (OSError, ValueError, SyntaxError, EOFError):
                return None
            sizes[number] = width, height
            return PagePicture(number, _for_ocr(page, 72 * page.width / width), width, height)

        numbers = range(1, min(count, MAX_IMAGE_PAGES) + 1)
        seen = dict(recognise_pages(by_ocr, numbers, drawn))
    unread = []
    if damaged := [number for number in numbers if number not in sizes and number < max(sizes, default=count + 1)]:
        unread.append(f"{page_names(damaged)} cannot be decoded: the file is damaged.")
    if late := [number for number in numbers if number not in seen and number not in damaged]:
        unread.append(out_of_time(late, by_ocr))
    if count > MAX_IMAGE_PAGES:
        unread.append(f"{page_names([MAX_IMAGE_PAGES + 1, count])} of {count:,} were not read: that is the limit.")
    found = any(page.words for page in seen.values())
    if unread and not found:
        raise IngestError(f"No text could be read from {source}. {' '.join(unread)}")
    doubt = "The text was read by OCR: words and figures may be wrong in places." if found else "OCR found no words."
    return document_of(
        [_page(seen.get(number), sizes.get(number), needs_ocr=number in late) for number in numbers],
        media_type=media_type,
        source=source,
        warnings=(doubt, *by_ocr.warnings),
        unread=unread,
    )


def _page(seen: RecognisedPage | None, size: tuple[float, float] | None, *, needs_ocr: bool) -> ReadPage:
    width, height = size or (None, None)
    if seen is None:
        return ReadPage(PageText("", (), (), ()), width, height, images=1, needs_ocr=needs_ocr)
    return ReadPage(seen.content, width, height, seen.words, images=1, recognised=True)


@contextmanager
def opened(path: Path, *, source: str) -> Iterator[Image.Image]:
    """Open a picture, or say why not; it is decoded later."""
    try:
        picture = Image.open(path, formats=_KINDS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(source) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise IngestError(
            f"{source} is damaged or cut off and cannot be opened as a picture. Export it again and add that."
        ) from error
    with picture:
        if picture.width * picture.height > MAX_IMAGE_PIXELS:
            raise _too_large(source)
        yield picture


def _too_large(source: str) -> IngestError:
    return IngestError(
        f"{source} has more than {MAX_IMAGE_PIXELS // 10**6} million pixels, which is the limit. "
        "Save it at a lower resolution and add that."
    )


def pages_of(picture: Image.Image) -> int:
    """Count the pages: those of a TIFF; the pictures of an animation are one."""
    return int(getattr(picture, "n_frames", 1)) if picture.format == "TIFF" else 1


def upright(picture: Image.Image, number: int) -> tuple[Image.Image, float, float]:
    """Decode a page and turn it as its camera says.

    Args:
        picture: As opened.
        number: 1-based.

    Returns:
        The page in RGB, and its width and height in points: by the picture's own resolution, else a pixel each.

    Raises:
        OSError: It cannot be decoded; ``ValueError``, ``SyntaxError`` and ``EOFError`` say the same.
    """
    picture.seek(number - 1)
    if picture.width * picture.height > MAX_IMAGE_PIXELS:
        raise ValueError("too many pixels")
    page = ImageOps.exif_transpose(picture)
    if page.mode.startswith(("I", "F")):  # more than 256 shades
        page = ImageOps.autocontrast(page.convert("F").point(lambda shade: shade / 256).convert("L"))
    if page.has_transparency_data:
        page = Image.alpha_composite(Image.new("RGBA", page.size, "white"), page.convert("RGBA"))
    resolution = _resolution(picture)
    return page.convert("RGB"), page.width * 72 / resolution, page.height * 72 / resolution


def _resolution(picture: Image.Image) -> float:
    known = picture.info.get("dpi", (0, 0))
    try:
        across, down = (float(each) for each in known)
    except (TypeError, ValueError, ZeroDivisionError):
        return 72.0
    return across if _DPI_FROM <= across <= _DPI_TO and abs(across - down) < 1 and across != 72 else 72.0


def _for_ocr(page: Image.Image, resolution: float) -> Image.Image:
    """Bring a page to about the size of letters that Tesseract reads best."""
    factor = DPI / resolution if resolution != 72 else _LARGE / max(page.size)
    factor = min(max(factor, 1.0), _LARGER, math.sqrt(MAX_PIXELS / (page.width * page.height)))
    size = max(1, round(page.width * factor)), max(1, round(page.height * factor))
    return page.convert("L").resize(size, Image.Resampling.LANCZOS)
