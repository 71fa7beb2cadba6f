"""One page's text in reading order, with the way back to PDFium's character positions.

Most pages keep PDFium's order and characters, one for one. Where columns or the cells of a
table have to be brought together, runs of PDFium's characters are put into another order,
with spaces and line breaks between them. What is done depends on the page alone, so that
it can be done again from the stored file when the boxes of a span are looked up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pypdfium2

from citewise.ingest.parse.pdf_file import SOFT_HYPHEN
from citewise.ingest.parse.pdf_look import Line, LineLook, Look
from citewise.ingest.parse.pdf_order import regions_of
from citewise.ingest.parse.pdf_tables import Table, tables_of
from citewise.ingest.parse.pdf_words import Frame, Piece, line_spans, pieces_of

_MAX_LINES = 3_000  # of a page that is looked at for columns and tables
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")


@dataclass(frozen=True, slots=True)
class Run:
    """Characters of the text, from ``start`` on, that follow each other in PDFium's order too."""

    start: int  # in the text
    length: int
    index: int  # PDFium's, of the first


@dataclass(frozen=True, slots=True)
class TableSpan:
    """A table in a page's text; its header is ``text[start:header_end]``."""

    start: int
    end: int
    header_end: int


@dataclass(frozen=True, slots=True)
class PageText:
    """What a page says and where its lines are."""

    text: str
    lines: tuple[Line, ...]
    tables: tuple[TableSpan, ...]
    runs: tuple[Run, ...]  # in order; none where the text is PDFium's own, character for character
    height: float = 0.0  # points, of the page as it is read
    hidden_words: int = 0  # outside the page's visible area, and not in the text

    def indices(self, start: int, end: int) -> list[int]:
        """Return PDFium's indices of ``text[start:end]``, those of characters that were put between left out."""
        if not self.runs:
            return list(range(start, end))
        found: list[int] = []
        for run in self.runs:
            low, high = max(start, run.start), min(end, run.start + run.length)
            if low < high:
                found += range(run.index + low - run.start, run.index + high - run.start)
        return found


@dataclass(frozen=True, slots=True)
class _Unit:
    """What becomes a line of the text: runs of PDFium's characters, ``(start, end)``."""

    spans: Sequence[tuple[int, int]]
    pieces: Sequence[Piece]
    table: Table | None = None
    row: int = 0  # of the table


def read_page(page: pypdfium2.PdfPage, text_page: pypdfium2.PdfTextPage, text: str, breaks: Sequence[int]) -> PageText:
    """Find lines, columns and tables.

    Args:
        text: The page's text, one character per PDFium index.
        breaks: Indices of hyphens after which a line ends without a line break in the text.
    """
    spans = line_spans(text, breaks)
    if not spans:
        return PageText(text, (), (), ())
    frame = Frame.of(page, text_page.raw, text)
    pieces = [pieces_of(text_page.raw, text, span, frame) for span in spans]
    lines = [shown for line in pieces if (shown := [piece for piece in line if frame.shows(piece)])]
    content = arrange(lines, text, Look(text_page.raw), height=frame.height)
    hidden = sum(piece.words for line in pieces for piece in line) - sum(
        piece.words for line in lines for piece in line
    )
    return replace(content, hidden_words=hidden)


def arrange(lines: list[list[Piece]], text: str, look: LineLook, *, height: float) -> PageText:
    """Put lines into reading order and find the tables among them.

    Args:
        lines: Of the page, as pieces, in the order of ``text``.
        text: What the pieces point into.
        look: Tells how lines look.
        height: Of the page as it is read, in points.
    """
    if len(lines) > _MAX_LINES or len(_RIGHT_TO_LEFT.findall(text)) > len(text) * 0.1:
        units = [_Unit([_span(line)], line) for line in lines]
    else:
        units = [unit for region in regions_of(lines) for unit in _units(region, text)]
    return _assemble(units, text, look, height)


def _span(pieces: Sequence[Piece]) -> tuple[int, int]:
    return pieces[0].start, pieces[-1].end


def _units(lines: Sequence[Sequence[Piece]], text: str) -> list[_Unit]:
    """Turn lines of one region into units, those of tables into one for each row."""
    tables = tables_of([piece for line in lines for piece in line], text)
    table_of = {id(piece): table for table in tables for row in table.rows for piece in row.pieces}
    units: list[_Unit] = []
    done: set[int] = set()
    for line in lines:
        rest: list[Piece] = []
        for piece in line:
            table = table_of.get(id(piece))
            if table is None:
                rest.append(piece)
                continue
            if rest:
                units.append(_Unit([_span(rest)], rest))
                rest = []
            if id(table) not in done:
                done.add(id(table))
                units += [
                    _Unit(_joined(row.pieces, text), row.pieces, table, number) for number, row in enumerate(table.rows)
                ]
        if rest:
            units.append(_Unit([_span(rest)], rest))
    return units


def _joined(pieces: Sequence[Piece], text: str) -> list[tuple[int, int]]:
    """Return runs of characters, pieces that follow each other in one line made one."""
    spans: list[tuple[int, int]] = []
    for piece in pieces:
        if spans and spans[-1][1] <= piece.start:
            between = text[spans[-1][1] : piece.start]
            if not between.strip() and "\n" not in between:
                spans[-1] = spans[-1][0], piece.end
                continue
        spans.append((piece.start, piece.end))
    return spans


class _Writer:
    """Writes units one after the other; between neighbours in PDFium's order stands what stood there."""

    def __init__(self, text: str) -> None:
        self._source = text
        self._parts: list[str] = []
        self._position = 0
        self._runs: list[Run] = []
        self._last = 0  # PDFium's index after the last character written

    def write(self, unit: _Unit) -> tuple[int, int]:
        """Append a line; returns where it stands in the text."""
        first = 0
        for part, (start, end) in enumerate(unit.spans):
            between = self._source[self._last : start] if start >= self._last else "-"
            follows = not between.strip()
            if part:
                keeps = follows and "\n" not in between
            else:
                broken_word = not between and self._source[start - 1 : start] == SOFT_HYPHEN
                keeps = follows and (not self._parts or "\n" in between or broken_word)
            if keeps:
                self._put(self._last, start)
            elif self._parts:
                self._parts.append(" " if part else "\n")
                self._position += 1
            if part == 0:
                first = self._position
            self._put(start, end)
            self._last = end
        return first, self._position

    def finish(self) -> tuple[str, tuple[Run, ...]]:
        """Return the text and its runs."""
        if self._parts and not self._source[self._last :].strip():
            self._put(self._last, len(self._source))
        unchanged = self._runs == [Run(0, len(self._source), 0)]
        return "".join(self._parts), () if unchanged else tuple(self._runs)

    def _put(self, start: int, end: int) -> None:
        if end <= start:
            return
        last = self._runs[-1] if self._runs else None
        if last and last.index + last.length == start and last.start + last.length == self._position:
            self._runs[-1] = Run(last.start, last.length + end - start, last.index)
        else:
            self._runs.append(Run(self._position, end - start, start))
        self._parts.append(self._source[start:end])
        self._position += end - start


def _assemble(units: Sequence[_Unit], text: str, look: LineLook, height: float) -> PageText:
    writer = _Writer(text)
    lines: list[Line] = []
    tables: list[TableSpan] = []
    for unit in units:
        start, end = writer.write(unit)
        lines.append(look.line(unit.spans, unit.pieces, start, end))
        if unit.table is None:
            continue
        named = unit.table.header_rows
        if unit.row == 0:
            tables.append(TableSpan(start, end, end if named else start))
            continue
        table = replace(tables[-1], end=end)
        if named is not None and unit.row < named:
            table = replace(table, header_end=end)
        elif named is None and unit.row == 1 and lines[-2].bold and not lines[-1].bold:
            table = replace(table, header_end=lines[-2].end)
        tables[-1] = table
    final, runs = writer.finish()
    return PageText(final, tuple(lines), tuple(tables), runs, height)
