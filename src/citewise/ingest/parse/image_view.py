"""A picture's page as a picture, with boxes marked on it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from citewise.errors import IngestError
from citewise.ingest.parse.image import opened, pages_of, upright
from citewise.ingest.parse.pdf_view import MAX_WIDTH, mark
from citewise.types import Box


def render(path: Path, page: int, *, width: int, boxes: Sequence[Box] = (), source: str) -> bytes:
    """Draw a page of a picture, turned the right way, with ``boxes`` filled and outlined.

    Args:
        path: The picture.
        page: 1-based.
        width: Of the result, in pixels, 1 to 4,000; the height follows from the page.
        boxes: Those of other pages are ignored.
        source: The file's name, for messages.

    Returns:
        A PNG.

    Raises:
        IngestError: The file or the page cannot be opened.
    """
    with opened(path, source=source) as picture:
        if not 1 <= page <= pages_of(picture):
            raise IngestError(f"{source} has no page {page}; it has {pages_of(picture)}.")
        try:
            drawn, points_wide, points_high = upright(picture, page)
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            raise IngestError(f"Page {page} of {source} is damaged and cannot be shown.") from error
    width = min(max(width, 1), MAX_WIDTH)
    height = min(max(1, round(drawn.height * width / drawn.width)), 4 * MAX_WIDTH)
    drawn = drawn.resize((width, height), Image.Resampling.LANCZOS)
    across, down = width / points_wide, height / points_high
    marked = [(box.x0 * across, box.y0 * down, box.x1 * across, box.y1 * down) for box in boxes if box.page == page]
    buffer = io.BytesIO()
    (mark(drawn, marked) if marked else drawn).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()
