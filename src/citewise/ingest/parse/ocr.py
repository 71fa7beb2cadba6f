"""Recognising text in pictures with the program ``tesseract``, where it is installed.

It runs as a child of the sandbox's child, under the same limits, and reads and writes
pipes only. Whoever starts the parsing says in which languages and for how long
(:func:`recognising`); parsers ask :func:`recogniser` whether there is any OCR at all.
"""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray
    from PIL import Image

HOW_TO_INSTALL = (
    "install Tesseract (apt install tesseract-ocr, brew install tesseract, "
    "or github.com/UB-Mannheim/tesseract on Windows)"
)
"""What to do where the program is missing, for the middle of a sentence."""

DPI = 300  # what Tesseract was trained on
MAX_PIXELS = 25_000_000  # of one picture

_PAGE_SECONDS = 60  # for one picture
_WORD = "5"  # Tesseract's level of a line that holds a word
_SURE = 10.0  # per cent; below it words are mostly noise in pictures
_POOR = 60.0  # per cent, mean of a page that may stand on its head
_GRID_SIDE = 1_200  # pixels of the picture in which ruled lines are looked for
_GRID_LINES = 3  # each way
_GRID_SHARE = 0.08  # of the width or height: how long a line is
_DARK = 150  # of 255 and less
_TURN = re.compile(r"^Rotate: (90|180|270)$", re.MULTILINE)
_TURN_SURE = re.compile(r"^Orientation confidence: ([\d.]+)$", re.MULTILINE)


class OutOfTimeError(Exception):
    """The time for recognising is used up."""


@dataclass(frozen=True, slots=True)
class SeenWord:
    """A word in a picture: its box in pixels from the top left."""

    text: str
    confidence: float  # 0..100
    line: int  # words of one line share it
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Seen:
    """What stands in a picture, in reading order."""

    words: tuple[SeenWord, ...]
    turn: int = 0  # degrees clockwise by which the picture was turned before; boxes are those after it

    @property
    def confidence(self) -> float:
        """Mean over characters, 0..100; 0 for no words."""
        length = sum(len(word.text) for word in self.words)
        return sum(word.confidence * len(word.text) for word in self.words) / length if length else 0.0


class Recogniser:
    """Recognises pictures until its time is used up.

    Args:
        languages: Tesseract's names, joined by ``+``; those that are not installed are left out.
        seconds: For all pictures together.
    """

    def __init__(self, *, languages: str, seconds: float) -> None:
        self._wanted = languages.split("+")
        self.seconds = seconds
        self._deadline = time.monotonic() + seconds

    @cached_property
    def _installed(self) -> frozenset[str] | None:
        if shutil.which("tesseract") is None:
            return None
        listed = self._run(["--list-langs"], b"", timeout=10)
        return frozenset(listed.split("\n")[1:]) if listed is not None else None

    @property
    def _languages(self) -> list[str]:
        return [language for language in self._wanted if language in (self._installed or ())]

    @property
    def unavailable(self) -> str:
        """Why nothing can be recognised and what to do, for the middle of a sentence; empty if it can."""
        if self._installed is None:
            return HOW_TO_INSTALL
        if self._languages:
            return ""
        return (
            f"install Tesseract's data for {' or '.join(self._wanted)} (package tesseract-ocr-{self._wanted[0]}), "
            "or name other languages in CITEWISE_INGEST__OCR_LANGUAGES"
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about languages that are left out."""
        missing = [language for language in self._wanted if language not in (self._installed or ())]
        if not missing or self.unavailable:
            return ()
        return (
            f"OCR ran without {' and '.join(missing)}, which Tesseract has no data for here: "
            f"install the package tesseract-ocr-{missing[0]}, or change CITEWISE_INGEST__OCR_LANGUAGES.",
        )

    def see(self, picture: Image.Image) -> Seen:
        """Recognise a picture of about 300 dots per inch; one that stands on its head or side is turned.

        Raises:
            OutOfTimeError: There is no time left for it.
        """
        picture = picture.convert("L")
        seen = Seen(self._words(picture))
        if seen.confidence >= _POOR:
            return seen
        turn = self._turn(picture)
        if not turn:
            return seen
        turned = Seen(self._words(picture.rotate(-turn, expand=True)), turn)  # PIL counts against the clock
        return max(seen, turned, key=lambda each: (each.confidence >= _POOR, len(each.words) * each.confidence))

    def _words(self, picture: Image.Image) -> tuple[SeenWord, ...]:
        # Tesseract's own search for blocks drops cells between ruled lines; as one column they are all read,
        # and columns of text are told apart later.
        layout = "4" if _has_grid(picture) else "3"
        output = self._tesseract(picture, "-l", "+".join(self._languages), "--psm", layout, "tsv")
        words = []
        line = 0
        before: tuple[str, ...] = ()
        for row in csv.DictReader(io.StringIO(output), delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["level"] != _WORD or not row["text"] or not row["text"].strip() or float(row["conf"]) < _SURE:
                continue
            key = row["block_num"], row["par_num"], row["line_num"]
            line += key != before
            before = key
            left, top = float(row["left"]), float(row["top"])
            right, bottom = left + float(row["width"]), top + float(row["height"])
            text = "".join(row["text"].split())
            words.append(SeenWord(text, float(row["conf"]), line, left, top, right, bottom))
        return tuple(words)

    def _turn(self, picture: Image.Image) -> int:
        if "osd" not in (self._installed or ()):
            return 0
        output = self._tesseract(picture, "--psm", "0")
        turn, sure = _TURN.search(output), _TURN_SURE.search(output)
        return int(turn[1]) if turn and sure and float(sure[1]) >= 1 else 0

    def _tesseract(self, picture: Image.Image, *options: str) -> str:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise OutOfTimeError
        buffer = io.BytesIO()
        picture.save(buffer, "PPM")
        command = ["stdin", "stdout", "--dpi", str(DPI), *options]
        output = self._run(command, buffer.getvalue(), timeout=min(left, _PAGE_SECONDS))
        if output is None and time.monotonic() >= self._deadline:
            raise OutOfTimeError
        return output or ""  # a picture that Tesseract fails on, or that takes too long, has no words

    @staticmethod
    def _run(arguments: list[str], data: bytes, *, timeout: float) -> str | None:
        try:
            done = subprocess.run(
                ["tesseract", *arguments],
                input=data,
                capture_output=True,
                timeout=timeout,
                check=False,
                # One thread a picture: more cost more than they bring, and pages run side by side.
                env={**os.environ, "OMP_THREAD_LIMIT": "1"},
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def _has_grid(picture: Image.Image) -> bool:
    """Whether there are ruled lines across each other, as of a table."""
    import numpy  # noqa: PLC0415 - files without pictures need none of it

    small = picture.copy()
    small.thumbnail((_GRID_SIDE, _GRID_SIDE))
    dark = numpy.asarray(small) < _DARK
    return all(_long_lines(each) >= _GRID_LINES for each in (dark, dark.T))


def _long_lines(dark: NDArray[numpy.bool_]) -> int:
    """Count lines along the rows that are dark over a good part of the width without a break."""
    import numpy  # noqa: PLC0415

    edges = numpy.diff(numpy.pad(dark.astype(numpy.int8), ((0, 0), (1, 1))), axis=1)
    rows, starts = numpy.nonzero(edges == 1)
    ends = numpy.nonzero(edges == -1)[1]
    lines = numpy.unique(rows[ends - starts >= dark.shape[1] * _GRID_SHARE])
    return int((numpy.diff(lines) > 2).sum()) + 1 if lines.size else 0


_CURRENT: ContextVar[Recogniser | None] = ContextVar("recogniser", default=None)


def recogniser() -> Recogniser | None:
    """Return what recognises pictures for the document that is being read; ``None`` if nothing was set up."""
    return _CURRENT.get()


@contextmanager
def recognising(*, languages: str, seconds: float) -> Iterator[None]:
    """Let parsers recognise pictures within the block; files within files share the time.

    Args:
        languages: Tesseract's names, joined by ``+``.
        seconds: For all pictures together; 0 recognises nothing.
    """
    token = _CURRENT.set(Recogniser(languages=languages, seconds=seconds) if seconds > 0 else None)
    try:
        yield
    finally:
        _CURRENT.reset(token)
