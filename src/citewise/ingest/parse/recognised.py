"""Pages whose text was recognised in a picture: their lines and tables, and a box for every word."""

from __future__ import annotations

import itertools
import os
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median

from PIL import Image

from citewise.ingest.parse.compose import clean
from citewise.ingest.parse.ocr import OutOfTimeError, Recogniser, Seen, SeenWord
from citewise.ingest.parse.pdf_look import Line
from citewise.ingest.parse.pdf_page import PageText, arrange
from citewise.ingest.parse.pdf_words import Piece, cut
from citewise.types import Box, Word

_LARGE = 1.5  # of the usual line's height; smaller differences are noise
_FONT = 0.8  # a font's size by the height of its line's ink
_WORKERS = 4  # pictures side by side, at most


@dataclass(frozen=True, slots=True)
class RecognisedPage:
    """A page's text, its words with their places in this text, and how sure Tesseract was."""

    content: PageText
    words: tuple[Word, ...]
    confidence: float  # 0..100


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A picture of a page as a reader sees it, of about 300 dots per inch. Lengths are points."""

    number: int  # 1-based
    picture: Image.Image
    width: float  # of the page, unrotated
    height: float
    rotation: int = 0  # degrees clockwise by which the page is shown turned


def recognise_pages(
    recogniser: Recogniser, numbers: Sequence[int], picture_of: Callable[[int], PagePicture | None]
) -> Iterator[tuple[int, RecognisedPage]]:
    """Recognise pages, several at a time, until the time is used up.

    Args:
        recogniser: Has the languages and the time.
        numbers: Of the pages.
        picture_of: Draws a page; called in this thread, a few pages ahead. ``None`` for one that cannot be drawn.

    Yields:
        Numbers with what was recognised, in order. Pages that cannot be drawn or that there was
        no time for are missing.
    """
    workers = max(1, min(_WORKERS, os.cpu_count() or 1))
    waiting: deque[tuple[int, Future[RecognisedPage]]] = deque()
    left = iter(numbers)
    with ThreadPoolExecutor(workers) as pool:
        while True:
            for number in itertools.islice(left, workers + 1 - len(waiting)):
                if drawn := picture_of(number):
                    waiting.append((number, pool.submit(_recognise, recogniser, drawn)))
            if not waiting:
                return
            number, future = waiting.popleft()
            try:
                yield number, future.result()
            except OutOfTimeError:
                return


def _recognise(recogniser: Recogniser, page: PagePicture) -> RecognisedPage:
    shown_width = page.height if page.rotation % 180 else page.width
    scale = shown_width / page.picture.width  # points per pixel
    return page_of(recogniser.see(page.picture), page, scale)


def page_of(seen: Seen, page: PagePicture, scale: float) -> RecognisedPage:
    """Turn what was seen in a picture into text and boxes in points.

    Args:
        seen: Words in pixels.
        page: Where they were seen.
        scale: Points per pixel.
    """
    turn = (page.rotation + seen.turn) % 360
    text = ""
    lines: list[list[Piece]] = []
    heights: list[float] = []
    found: dict[int, SeenWord] = {}  # by start in ``text``
    for _, group in itertools.groupby(seen.words, key=lambda word: word.line):
        words = list(group)
        # One height for all words of a line, as if these were the cells of one font.
        top, bottom = scale * min(word.top for word in words), scale * max(word.bottom for word in words)
        heights.append(bottom - top)
        cells = []
        for number, word in enumerate(words):
            text += (" " if number else "\n") if text else ""
            start = len(text)
            found[start] = word
            text += clean(word.text)
            cells.append((start, len(text), scale * word.left, top, scale * word.right, bottom))
        lines.append(cut(cells, text))
    height = page.width if turn % 180 else page.height
    content = arrange(lines, text, _SeenLook(median(heights) if heights else 0.0), height=height)
    return RecognisedPage(content, _words(content, found, page, turn=turn, scale=scale), seen.confidence)


class _SeenLook:
    """Lines have the usual size unless they are clearly larger; nothing tells bold print."""

    def __init__(self, usual: float) -> None:
        self._usual = usual

    def line(self, spans: Sequence[tuple[int, int]], pieces: Sequence[Piece], start: int, end: int) -> Line:
        top, bottom = min(piece.top for piece in pieces), max(piece.bottom for piece in pieces)
        is_large = bottom - top > self._usual * _LARGE and len(spans) == 1
        return Line(
            start,
            end,
            size=_FONT * (bottom - top if is_large else self._usual),
            bold=False,
            left=pieces[0].left,
            right=max(piece.right for piece in pieces),
            top=top,
            bottom=bottom,
        )


def _words(
    content: PageText, found: dict[int, SeenWord], page: PagePicture, *, turn: int, scale: float
) -> tuple[Word, ...]:
    """Find each word's place in the arranged text and on the unrotated page."""
    starts = list(found)
    runs = [(run.index, run.length, run.start) for run in content.runs] or [(0, len(content.text), 0)]
    words = []
    for index, length, start in runs:
        for first in starts[bisect_left(starts, index) : bisect_left(starts, index + length)]:
            word = found[first]
            place = start + first - index
            corners = [scale * edge for edge in (word.left, word.top, word.right, word.bottom)]
            words.append(Word(place, place + len(word.text), _unturned(page, turn, corners)))
    return tuple(words)


def _unturned(page: PagePicture, turn: int, corners: Sequence[float]) -> Box:
    """Move a box from the page as it is read, turned clockwise by ``turn``, to the unrotated page."""
    x0, y0, x1, y1 = corners
    match turn:
        case 90:
            x0, y0, x1, y1 = y0, page.height - x1, y1, page.height - x0
        case 180:
            x0, y0, x1, y1 = page.width - x1, page.height - y1, page.width - x0, page.height - y0
        case 270:
            x0, y0, x1, y1 = page.width - y1, x0, page.width - y0, x1
        case _:
            pass
    return Box(
        page.number,
        round(max(x0, 0.0), 2),
        round(max(y0, 0.0), 2),
        round(min(x1, page.width), 2),
        round(min(y1, page.height), 2),
    )
