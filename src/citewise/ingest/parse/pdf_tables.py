"""Finding tables by how their cells stand below each other.

Precision comes before recall: a missed table is still there as lines of text, a false one
tears a paragraph apart. So a table needs rows whose cells share columns, with empty
gutters between these, and cells that are short or figures.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from citewise.ingest.parse.pdf_words import Piece

_FIGURE = re.compile(
    r"[(\[]?[-–—+~<>±]?(?:[$€£¥]|US\$|EUR|USD)?[-–—(]?[.,']?\d[\d.,'/:]*[)\]]?(?:%|‰|x|bps?|pts?)?[)\]]?[*†‡a-d]?",
    re.IGNORECASE,
)
_BLANK_FIGURE = re.compile(r"[-–—$€£%)(.]+|n/?a\.?|nm", re.IGNORECASE)
_YEAR = re.compile(r"(?:fy\s?)?(?:19|20)\d\d[a-z*]?", re.IGNORECASE)

_ROWS = 3  # with several cells, at least
_SINGLES = 5  # rows of one cell in a row within a table
_LABEL_WORDS = 14  # of such a row; a longer one is a line of a paragraph
_BESIDE = 0.6  # of the lower of two pieces: how far those of one row overlap
_ROW_GAP = 1.6  # of a row's height: free space within a table
_HEADING = 1.2  # of the usual height of a row with several cells: so high is a heading and no label
_WRAPPED = 0.5  # of the usual space between rows: so close is a cell's next line
_SPACED = 0.25  # of a row's height: space between rows that tells lines of a cell from rows
_HEADER_ROWS = 6
_SHORT = 6  # words of a cell that may be part of a table of words
_LONG = 4  # words of a cell; only one column of a table has such, its labels
_FIGURES = 0.5  # share of a column, or of a table's rows
_NOTES = 0.4  # share of a row: so many figures may stand among the names of columns


@dataclass(frozen=True, slots=True)
class Row:
    """Pieces beside each other, from left to right."""

    pieces: tuple[Piece, ...]
    top: float
    bottom: float

    @property
    def left(self) -> float:
        return self.pieces[0].left

    @property
    def right(self) -> float:
        return self.pieces[-1].right


@dataclass(frozen=True, slots=True)
class Table:
    """Rows from the top, the first ``header_rows`` of which name the columns."""

    rows: tuple[Row, ...]
    header_rows: int | None  # None: there are only words, and the first row's look tells


def rows_of(pieces: Sequence[Piece]) -> list[Row]:
    """Put pieces that stand beside each other into rows, from the top."""
    rows: list[list[Piece]] = []
    top = bottom = 0.0
    for piece in sorted(pieces, key=lambda piece: (piece.top + piece.bottom, piece.left)):
        # By how much they overlap: a sign from another font may make a cell twice as high.
        if rows and min(piece.bottom, bottom) - max(piece.top, top) > _BESIDE * min(piece.height, bottom - top):
            rows[-1].append(piece)
        else:
            rows.append([piece])
            top, bottom = piece.top, piece.bottom
    return [
        Row(tuple(sorted(row, key=lambda piece: piece.left)), min(p.top for p in row), max(p.bottom for p in row))
        for row in rows
    ]


def tables_of(pieces: Sequence[Piece], text: str) -> list[Table]:
    """Find the tables among the pieces of one column of a page.

    Args:
        pieces: In any order.
        text: The page's text, which pieces point into.
    """
    return [table for run in _runs(rows_of(pieces)) for table in _tables_in(run, text)]


def _runs(rows: Sequence[Row]) -> list[list[Row]]:
    """Cut rows at wide spaces and where too many of one cell follow each other."""
    runs: list[list[Row]] = []
    for row in rows:
        last = runs[-1][-1] if runs else None
        gap = _ROW_GAP * max(row.bottom - row.top, last.bottom - last.top) if last else 0.0
        if last is None or row.top - last.bottom > gap:
            runs.append([])
        runs[-1].append(row)
    cut: list[list[Row]] = []
    for run in runs:
        current: list[Row] = []
        for single, group in itertools.groupby(run, key=lambda row: len(row.pieces) == 1):
            members = list(group)
            if single and (len(members) > _SINGLES or any(row.pieces[0].words > _LABEL_WORDS for row in members)):
                cut.append(current)
                current = members[-1:]  # may name a group of columns
            else:
                current += members
        cut.append(current)
    return cut


def _tables_in(run: list[Row], text: str) -> list[Table]:
    run = _below_headings(run)
    several = [index for index, row in enumerate(run) if len(row.pieces) > 1]
    if len(several) < _ROWS:
        return []
    first, last = several[0], several[-1]
    body = run[first : last + 1]
    columns = _column_spans([run[index] for index in several])
    if len(columns) < 2 or not _is_table([run[index] for index in several], columns, text):
        return []
    # Names of groups of columns stand above them and not above the first column.
    while first > 0 and len(run[first - 1].pieces) == 1 and run[first - 1].left > columns[0][1]:
        first -= 1
        body.insert(0, run[first])
    body = _unwrapped([*body, *run[last + 1 :]], len(body), columns, text)
    return [Table(tuple(body), _header_rows(body, columns, text))]


def _below_headings(run: list[Row]) -> list[Row]:
    """Leave out headings above the table, and above them what is no table: a page's header in two pieces."""
    heights = [row.bottom - row.top for row in run if len(row.pieces) > 1]
    usual = median(heights) if heights else 0.0
    start = several = 0
    for number, row in enumerate(run, 1):
        if len(row.pieces) > 1:
            several += 1
        elif several < _ROWS and row.bottom - row.top > _HEADING * usual:
            start, several = number, 0
    return run[start:]


def _unwrapped(rows: Sequence[Row], count: int, columns: list[tuple[float, float]], text: str) -> list[Row]:
    """Join rows to those above them whose cells they go on with: closer than rows are, without a label or figures.

    Args:
        rows: Of the table, and what follows it.
        count: How many of them are the table's.
    """
    gaps = [max(below.top - above.bottom, 0.0) for above, below in itertools.pairwise(rows[:count])]
    usual = median(gaps)
    joined = [rows[0]]
    for number, row in enumerate(rows[1:], 1):
        above = joined[-1]
        close = row.top - above.bottom < _WRAPPED * usual and usual > _SPACED * (row.bottom - row.top)
        words = not any(is_figure(text[piece.start : piece.end]) for piece in row.pieces)
        if close and words and row.left > columns[0][1] and len(above.pieces) > 1:
            pieces = sorted(
                (*above.pieces, *row.pieces),
                key=lambda piece: (sum(left <= piece.left + 1 for left, _ in columns), piece.top, piece.left),
            )
            joined[-1] = Row(tuple(pieces), above.top, row.bottom)
        elif number < count:
            joined.append(row)
        else:
            break
    return joined


def _column_spans(rows: Sequence[Row]) -> list[tuple[float, float]]:
    """Find columns: stretches of x between gutters that nearly no row covers."""
    edges = sorted(
        [(piece.left, 1) for row in rows for piece in row.pieces]
        + [(piece.right, -1) for row in rows for piece in row.pieces]
    )
    allowed = max(len(rows) // 8, len(rows) > _ROWS)  # names of columns and of groups of them cross gutters
    spans: list[tuple[float, float]] = []
    covered = 0
    start: float | None = None
    for x, step in edges:
        covered += step
        if covered > allowed and start is None:
            start = x
        elif covered <= allowed and start is not None:
            spans.append((start, x))
            start = None
    merged: list[tuple[float, float]] = []
    for span in spans:
        if merged and span[0] - merged[-1][1] < 3:
            merged[-1] = merged[-1][0], span[1]
        else:
            merged.append(span)
    return merged


def _is_table(rows: Sequence[Row], columns: list[tuple[float, float]], text: str) -> bool:
    cells: list[list[str]] = [[] for _ in columns]
    for row in rows:
        for number, (left, right) in enumerate(columns):
            inside = [text[p.start : p.end] for p in row.pieces if p.left < right and p.right > left]
            if inside:
                cells[number].append(" ".join(inside))
    filled = [column for column in cells if len(column) >= max(2, 0.3 * len(rows))]
    if len(filled) < 2:
        return False
    figures = [sum(is_figure(cell) for cell in column) / len(column) for column in filled]
    words = [median(len(cell.split()) for cell in column) for column in filled]
    if sum(share < _FIGURES and count >= _LONG for share, count in zip(figures, words, strict=True)) > 1:
        return False  # columns of text beside each other
    if any(share >= _FIGURES for share in figures[1:]) or (figures[0] >= _FIGURES and len(filled) > 2):
        return True
    aligned = all(len(column) >= 0.6 * len(rows) for column in filled)
    if len(filled) >= 3:
        return aligned and max(words) <= _SHORT
    return False


def is_figure(text: str) -> bool:
    """Whether a cell's text is an amount, a share, a dash for none, or the sign of one."""
    text = "".join(text.split())
    return _FIGURE.fullmatch(text) is not None or _BLANK_FIGURE.fullmatch(text) is not None


def _header_rows(rows: Sequence[Row], columns: list[tuple[float, float]], text: str) -> int | None:
    """Count the rows before the first of figures or the first heading within the table.

    ``None`` where rows of figures are too few to tell: a form, a table of words.
    """
    label_end = columns[0][1]
    kinds = [_kind(row, label_end, text) for row in rows]
    if kinds.count("figures") < _FIGURES * (len(kinds) - kinds.count("label")):
        return None
    for number, kind in enumerate(kinds[: _HEADER_ROWS + 1]):
        if kind == "figures" or (kind == "label" and "words" in kinds[:number]):
            return number
    return 0


def _kind(row: Row, label_end: float, text: str) -> str:
    """Tell a row of figures from one of words, and from a label that stands alone."""
    if len(row.pieces) == 1 and row.left <= label_end:
        return "label"
    cells = [text[piece.start : piece.end].strip() for piece in row.pieces if piece.left > label_end]
    figures = sum(is_figure(cell) and not _YEAR.fullmatch(cell) for cell in cells)
    return "figures" if figures > _NOTES * len(cells) else "words"
