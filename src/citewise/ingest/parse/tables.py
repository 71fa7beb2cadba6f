"""Telling the column headers of a table whose file does not mark them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

_MOST_HEADER_ROWS = 4
_LONGEST_HEADER = 80  # characters of one cell; longer ones are sentences
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


def count_header_rows(rows: Sequence[Sequence[str]]) -> int:
    """Tell how many of a table's first rows are column headers.

    A header has no figures (years may head columns) and stands above something: figures, or
    rows of text below short and different words. A second row belongs to it where the first
    spans columns or the second begins with an empty corner.

    Returns:
        0 where there is no sign of a header.
    """
    if len(rows) < 2 or not _may_be_header(rows[0]):
        return 0
    count = 1
    while count < min(_MOST_HEADER_ROWS, len(rows) - 1) and _goes_on(rows[count - 1], rows[count]):
        count += 1
    first = [cell.strip() for cell in rows[count - 1]]
    filled = [cell for cell in first if cell]
    body = rows[count : count + _BODY_ROWS]
    if not filled or max(map(len, (first, *body))) < 2:
        return 0
    if _heads_figures(first, body):
        return count
    distinct = len(set(filled)) == len(filled)
    gaps = sum(not cell for cell in first[1:])
    return count if distinct and not gaps and max(map(len, filled)) <= _LONGEST_HEADER else 0


def _may_be_header(row: Sequence[str]) -> bool:
    cells = [cell.strip() for cell in row]
    if not any(cells):
        return False
    return all(not looks_numeric(cell) or _YEAR.fullmatch(cell) for cell in cells if cell)


def _goes_on(above: Sequence[str], row: Sequence[str]) -> bool:
    """Whether ``row`` is a further row of the header that ``above`` belongs to."""
    if not _may_be_header(row) or sum(bool(cell.strip()) for cell in row) < 2:
        return False
    upper = [cell.strip() for cell in above]
    spans = any(not right or left == right for left, right in pairwise(upper[1:])) or sum(map(bool, upper)) == 1
    corner = row[0].strip() in ("", upper[0])  # a cell that is merged down, or blank
    return spans and (corner or not upper[0] or sum(map(bool, upper)) == 1)


def _heads_figures(header: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether some column has words at its top and mostly figures below."""
    for index, cell in enumerate(header):
        below = [row[index].strip() for row in body if index < len(row) and row[index].strip()]
        if cell and below and sum(map(looks_numeric, below)) * 2 > len(below):
            return True
    return False
