"""Telling the column headers of a table whose file does not mark them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

_MOST_HEADER_ROWS = 4
_LONGEST_HEADER = 80  # characters of one cell; longer ones are sentences
_LONGEST_REPEATED = 200  # characters
_BODY_ROWS = 50  # looked at below the first row

_NUMBER = re.compile(
    r"""[(+\-\u2212\u2013]* \s* [$€£¥]? \s* [(+\-\u2212]* \s*   # signs and currency before
        (?: \d[\d.,'\u00a0\u202f\ ]* (?: [eE][+\-]?\d+ )? | [.,]\d+ )
        \s* [%‰)]* \s* (?: [$€£¥%] | bn | m | k )? \s* \)*
      | \d{4}-\d\d-\d\d (?: [T ] \d\d:\d\d (?: :\d\d (?: \.\d+ )? )? )?   # dates and times
      | \d{1,2}[./-]\d{1,2}[./-]\d{2,4}
      | \d{1,2}:\d\d (?: :\d\d )?
      | true | false | n/a | - | \u2013 | \u2014""",
    re.VERBOSE | re.IGNORECASE,
)
_YEAR = re.compile(r"(?:FY\s?)?(?:19|20)\d\d(?:[/\-\u2013]\d\d(?:\d\d)?)?")


def looks_numeric(cell: str) -> bool:
    """Whether a cell holds a figure, a date or a sign for none, rather than words."""
    return bool(_NUMBER.fullmatch(cell.strip()))


def repeated(words: str) -> str:
    """Return what the further rows of a cell say that spans rows: its words, unless they are long."""
    return words if len(words) <= _LONGEST_REPEATED else ""


def count_header_rows(rows: Sequence[Sequence[str]]) -> int:
    """Tell how many of a table's first rows are column headers.

    A header has no figures (years may head columns) and stands above something: figures, or
    rows of text below short and different words. Above figures it may have further rows, until
    one has labelled the first column, and below cells that span columns or rows.

    Returns:
        0 where there is no sign of a header.
    """
    titles = count = 0
    labelled = False
    above: list[str] = []
    for row in rows[: min(_MOST_HEADER_ROWS, len(rows) - 1)]:
        cells = [cell.strip() for cell in row]
        if not _may_be_header(cells):
            break
        if not any(cells[1:]):  # a title above the headers; a label of the rows below them
            if titles < count:
                break
            titles += 1
        else:
            spanned = any(not right or left == right for left, right in pairwise(above[1:]))
            if labelled and not (spanned and cells[0] in ("", above[0])):
                break
            labelled |= bool(cells[0])
            above = cells
        count += 1
    if count == titles:
        return 0
    if _head_figures(rows[:count], rows[count : count + _BODY_ROWS]):
        return count
    header = [cell.strip() for cell in rows[titles]]
    filled = [cell for cell in header if cell]
    clear = len(set(filled)) == len(filled) and all(header[1:]) and max(map(len, filled)) <= _LONGEST_HEADER
    return titles + 1 if clear else 0


def _may_be_header(cells: Sequence[str]) -> bool:
    return any(cells) and all(not looks_numeric(cell) or _YEAR.fullmatch(cell) for cell in cells if cell)


def _head_figures(header: Sequence[Sequence[str]], body: Sequence[Sequence[str]]) -> bool:
    """Whether some column has words at its top and mostly figures below."""
    for index in range(max(map(len, header))):
        below = [row[index].strip() for row in body if index < len(row) and row[index].strip()]
        named = any(index < len(row) and row[index].strip() for row in header)
        if named and below and sum(map(looks_numeric, below)) * 2 > len(below):
            return True
    return False
