"""CSV and TSV: the rows of one sheet, as a spreadsheet program numbers them.

The text has one line for each row, " | " between cells, as every table has: a row is then one
line, which no line break within a quoted cell takes apart, and chunks read the same whatever
delimiter and quotes a file has. A row is found again by its cells, "A5:C5", which are those that a
spreadsheet program shows; a line number would be off by every line break within quotes above it.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal, TextIO

from citewise.errors import IngestError
from citewise.ingest.limits import MAX_CELLS, MAX_ROWS
from citewise.ingest.parse.compose import REPLACEMENT, Composer, collapse
from citewise.ingest.parse.sheet_layout import SheetRow, write_sheet
from citewise.ingest.parse.tables import looks_numeric
from citewise.ingest.parse.text import guess_encoding
from citewise.types import ParsedDocument

_DELIMITERS = "\t,;|"
_SAMPLE_LINES = 200
_SAMPLE_BYTES = 16_000_000  # of which the encoding is told
_LONGEST_CELL = 100_000  # characters; one that is longer began with a quote that nothing ends
_SEPARATOR_LINE = "sep="  # how Excel names the delimiter


def parse(path: Path, *, source: str) -> ParsedDocument:
    """Read a file of delimited values, row by row.

    Raises:
        IngestError: The file cannot be opened.
    """
    try:
        with path.open("rb") as file:
            encoding = guess_encoding(file.read(_SAMPLE_BYTES))
        # newline="": line breaks within quotes are the reader's to tell from those between rows.
        with path.open(encoding=encoding, errors="replace", newline="") as file:
            return _read(file, encoding=encoding, source=source)
    except OSError as error:
        raise IngestError(f"{source} cannot be opened: {error.strerror}. Check the file and add it again.") from error


def find_delimiter(lines: list[str], *, is_tsv: bool = False) -> str:
    """Return the delimiter that makes the best table of a file's first lines.

    The best one gives the most rows the same number of cells, and leaves cells without other
    delimiters in them, but for numbers such as "1,5" and what stands in quotes.

    Args:
        lines: With their line ends.
        is_tsv: Whether the name of the file promises tabs, which decides between equals.
    """
    order = _DELIMITERS if is_tsv else ",;\t|"
    return max(order, key=lambda delimiter: _fit(lines, delimiter))


def _fit(lines: list[str], delimiter: str) -> float:
    try:
        rows = [row for row in _records(lines, delimiter) if any(map(str.strip, row))]
    except csv.Error:
        return 0.0
    if not rows:
        return 0.0
    width, count = Counter(map(len, rows)).most_common(1)[0]
    if width == 1:
        return 0.0
    cells = [cell for row in rows for cell in row]
    others = _DELIMITERS.replace(delimiter, "")
    bare = {cell for row in _records(lines, delimiter, quotes=False) for cell in row}  # those that were not quoted
    odd = sum(cell in bare and any(sign in cell for sign in others) and not looks_numeric(cell) for cell in cells)
    return count / len(rows) - odd / len(cells)


def _read(file: TextIO, *, encoding: str, source: str) -> ParsedDocument:
    lines = list(islice(file, _SAMPLE_LINES))
    named = lines[0].strip().strip('"').lower() if lines else ""
    if named.startswith(_SEPARATOR_LINE) and len(named) == len(_SEPARATOR_LINE) + 1:
        delimiter = named[-1]
        skipped = 1
    else:
        delimiter = find_delimiter(lines, is_tsv=source.lower().endswith((".tsv", ".tab")))
        skipped = 0
    warnings = []
    for quotes in (True, False):
        file.seek(0)
        reading = _Reading()
        composer = Composer()
        records = _records(islice(file, skipped, None), delimiter, quotes=quotes)
        try:
            write_sheet(composer, "", reading.rows(records))
        except csv.Error:
            warnings.append("A quote begins a cell and no other ends it, so quotes are read as any other sign.")
            continue
        break
    if reading.lost:
        warnings.append(f"{reading.lost} characters could not be decoded as {encoding} and are shown as {REPLACEMENT}.")
    return composer.document(
        media_type="text/tab-separated-values" if delimiter == "\t" else "text/csv",
        source=source,
        warnings=warnings,
        unread=reading.unread,
    )


def _records(lines: Iterable[str], delimiter: str, *, quotes: bool = True) -> Iterator[list[str]]:
    """Yield rows, the blank ones too.

    Raises:
        csv.Error: A quote begins a cell that nothing ends.
    """
    count = 0

    def counted() -> Iterator[str]:
        nonlocal count
        for line in lines:
            count += line.count('"')
            yield line.replace("\0", "")  # some programs end files with a NUL

    csv.field_size_limit(_LONGEST_CELL)
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
    row: list[str] = []
    for row in csv.reader(counted(), delimiter=delimiter, quoting=quoting, skipinitialspace=True):
        yield row
    if quotes and count % 2 and any("\n" in cell or "\r" in cell for cell in row):
        raise csv.Error("The last cell has no end.")


class _Reading:
    """Rows with text in them, up to the limits."""

    def __init__(self) -> None:
        self.unread: list[str] = []
        self.lost = 0

    def rows(self, records: Iterable[list[str]]) -> Iterator[SheetRow]:
        cells_left, rows_left = MAX_CELLS, MAX_ROWS
        for number, record in enumerate(records, 1):
            cells = {column: text for column, cell in enumerate(record) if (text := collapse(cell))}
            if number == 1 and 0 in cells:
                cells[0] = cells[0].removeprefix("\ufeff")
            if not cells:
                continue
            if rows_left == 0 or cells_left <= 0:
                self.unread.append(
                    f"Everything from row {number:,} on: at most {MAX_ROWS:,} rows and {MAX_CELLS:,} cells are read."
                )
                return
            rows_left -= 1
            cells_left -= len(cells)
            self.lost += sum(text.count(REPLACEMENT) for text in cells.values())
            yield SheetRow(number, cells)
