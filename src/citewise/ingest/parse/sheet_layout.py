"""Finding the tables of a sheet, with their titles and column headers, and writing them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from string import ascii_uppercase

from citewise.ingest.limits import MAX_CELLS, MAX_MERGED, MAX_ROWS
from citewise.ingest.parse.compose import Composer
from citewise.ingest.parse.tables import count_header_rows, looks_numeric, repeated

LAST_COLUMN = 16_383  # 0-based: XFD

_SHORT_LIST = 3  # rows of one column that are written as paragraphs
_LONG_CELL = 100  # characters on average, from which a column holds prose
_NEAR = 4  # rows: a table goes on, and a line above is a title, within so many
_LONGEST_CAPTION = 200  # characters
_LOOKED_AT = 100  # rows, to tell a header


@dataclass(slots=True)
class SheetRow:
    """A row with text in it."""

    number: int  # 1-based
    cells: dict[int, str]  # by column, 0-based; none is blank
    across: dict[int, str] = field(default_factory=dict)  # columns that a merged cell to their left covers


class MergedCells:
    """The merged cells of one sheet: one value, shown over several rows or columns."""

    def __init__(self) -> None:
        self._across: dict[int, list[tuple[int, int]]] = {}  # by row: first and last column
        self._down: dict[int, list[tuple[int, int]]] = {}  # by first row: column and last row
        self._open: dict[int, tuple[str, int]] = {}  # by column: what goes on below, and to which row
        self._left = MAX_MERGED

    def add(self, *, top: int, bottom: int, left: int, right: int) -> None:
        """Note one: 1-based rows, 0-based columns, ends inclusive."""
        if self._left <= 0 or (right <= left and bottom <= top):
            return
        self._left -= 1
        if right > left:
            self._across.setdefault(top, []).append((left, min(right, LAST_COLUMN)))
        if bottom > top:
            self._down.setdefault(top, []).append((left, bottom))

    def row(self, number: int, cells: dict[int, str]) -> SheetRow:
        """Return a row in which merged cells from above say what they say; rows come in order."""
        for column, (words, last) in list(self._open.items()):
            if number > last:
                del self._open[column]
            elif words:
                cells.setdefault(column, words)
        for column, last in self._down.get(number, ()):
            if column in cells:
                self._open[column] = (repeated(cells[column]), last)
        row = SheetRow(number, cells)
        for first, last in self._across.get(number, ()):
            if first in cells:
                row.across.update(dict.fromkeys(range(first + 1, last + 1), cells[first]))
        return row


class Budget:
    """How much is still read of a workbook."""

    def __init__(self, *, cells: int = MAX_CELLS, rows: int = MAX_ROWS) -> None:
        self._cells = cells
        self._rows = rows
        self.unread: list[str] = []

    @property
    def is_spent(self) -> bool:
        """Whether nothing more is read."""
        return self._cells <= 0 or self._rows <= 0

    def limited(self, sheet: str, rows: Iterable[SheetRow]) -> Iterator[SheetRow]:
        """Pass rows on until the budget is spent, and note what is cut."""
        for row in rows:
            if self.is_spent:
                self.unread.append(
                    f"Sheet {sheet} from row {row.number:,}: "
                    f"at most {MAX_ROWS:,} rows and {MAX_CELLS:,} cells are read of a workbook."
                )
                return
            self._cells -= len(row.cells)
            self._rows -= 1
            yield row


@dataclass(slots=True)
class _Table:
    """Rows below each other over the same columns."""

    columns: list[int]
    rows: list[SheetRow]
    header_rows: int = 0
    titles: list[SheetRow] = field(default_factory=list)

    @property
    def last(self) -> int:
        return (self.rows or self.titles)[-1].number


def column_name(index: int) -> str:
    """Return the letters of a column, 0-based: A, …, Z, AA, …"""
    name = ""
    index += 1
    while index:
        index, letter = divmod(index - 1, 26)
        name = ascii_uppercase[letter] + name
    return name


@lru_cache(maxsize=20_000)
def column_index(name: str) -> int:
    """Return the number of a column, 0-based, by its letters."""
    index = 0
    for letter in name.upper():
        index = index * 26 + ord(letter) - 64
    return index - 1


def write_sheet(composer: Composer, name: str, rows: Iterable[SheetRow]) -> None:
    """Write a sheet as a heading and its tables; nothing for one without text.

    Blank rows part tables, and blank columns where both sides read as tables of their own. A
    table without a header that stands right below another goes on with that one's header.
    """
    writer = _Writer(composer, name)
    for band in _bands(rows):
        writer.add(band)
    writer.finish()


class _Writer:
    """Writes one sheet, a band of rows at a time; the last table is held back, for it may go on."""

    def __init__(self, composer: Composer, name: str) -> None:
        self._composer = composer
        self._name = name
        self._begun = False
        self._table: _Table | None = None
        self._loose: list[SheetRow] = []  # single cells since that table

    def add(self, band: list[SheetRow]) -> None:
        """Take in rows that no blank row parts."""
        tables = _tables(band)
        if len(tables) > 1:
            self.finish()
            for table in tables:
                self._write(table)
            return
        table = tables[0]
        if not table.rows:
            self._loose += table.titles
            return
        before = self._table
        if (
            before is not None
            and before.header_rows
            and not table.header_rows
            and set(table.columns) <= set(before.columns)
            and (table.titles or table.rows)[0].number - max(before.last, *(row.number for row in self._loose), 0)
            < _NEAR
            and sum(len(row.cells) for row in self._loose) <= _NEAR
        ):
            before.rows += [*self._loose, *table.titles, *table.rows]
            self._loose.clear()
            return
        self._flush_table()
        while len(self._loose) > 1 or (self._loose and table.titles):
            self._paragraph(self._loose.pop(0))
        if self._loose:
            title = self._loose.pop()
            if table.rows[0].number - title.number < _NEAR:
                table.titles = [title]
            else:
                self._paragraph(title)
        self._table = table

    def finish(self) -> None:
        """Write what was held back."""
        self._flush_table()
        for row in self._loose:
            self._paragraph(row)
        self._loose.clear()

    def _flush_table(self) -> None:
        if self._table is not None:
            self._write(self._table)
        self._table = None

    def _write(self, table: _Table) -> None:
        for title in table.titles:
            self._paragraph(title)
        if not table.rows:
            return
        caption = " ".join(table.titles[-1].cells.values()) if table.titles else ""
        first, last = column_name(table.columns[0]), column_name(table.columns[-1])
        self._begin()
        with self._composer.place(self._name):
            self._composer.add_table(
                _matrix(table.rows, table.columns, table.header_rows),
                header_rows=table.header_rows,
                caption=caption if len(caption) <= _LONGEST_CAPTION else "",
                cells=[
                    f"{first}{row.number}" if first == last else f"{first}{row.number}:{last}{row.number}"
                    for row in table.rows
                ],
            )

    def _paragraph(self, row: SheetRow) -> None:
        self._begin()
        for column, words in sorted(row.cells.items()):
            with self._composer.place(self._name, f"{column_name(column)}{row.number}"):
                self._composer.add("paragraph", words)

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            with self._composer.place(self._name):
                self._composer.add("heading", self._name)


def _bands(rows: Iterable[SheetRow]) -> Iterator[list[SheetRow]]:
    """Yield runs of rows without a blank row between them."""
    band: list[SheetRow] = []
    for row in rows:
        if band and row.number != band[-1].number + 1:
            yield band
            band = []
        band.append(row)
    if band:
        yield band


def _tables(band: list[SheetRow]) -> list[_Table]:
    """Part a band at blank columns, and find titles and headers."""
    used = sorted({column for row in band for column in row.cells})
    groups: list[list[int]] = [[used[0]]]
    for column in used[1:]:
        if column == groups[-1][-1] + 1:
            groups[-1].append(column)
        else:
            groups.append([column])
    parts = [groups[0]]
    for group in groups[1:]:
        if _are_two(band, parts[-1], group):
            parts.append(group)
        else:  # a blank column within a table is there for looks
            parts[-1] = parts[-1] + group
    if len(parts) == 1:
        return [_table(band, parts[0])]
    tables = []
    for columns in parts:
        wanted = set(columns)
        rows = (
            SheetRow(
                row.number,
                {column: words for column, words in row.cells.items() if column in wanted},
                {column: words for column, words in row.across.items() if column in wanted},
            )
            for row in band
        )
        tables.append(_table([row for row in rows if row.cells], columns))
    return tables


def _are_two(band: list[SheetRow], left: list[int], right: list[int]) -> bool:
    """Whether columns on both sides of a blank one are tables of their own.

    Both have a header; and the right one has labels of its own, or begins in another row. Figures
    that belong to labels on the left have neither.
    """
    headers = []
    for columns in (left, right):
        rows = [row for row in band if any(column in row.cells for column in columns)]
        while len(rows) > 1 and sum(column in rows[0].cells for column in columns) == 1:
            rows = rows[1:]  # a title
        if len(columns) < 2 or not count_header_rows(_matrix(rows[:_LOOKED_AT], columns, 1)):
            return False
        headers.append(rows[0])
    labels = [row.cells[right[0]] for row in band if right[0] in row.cells]
    if sum(map(looks_numeric, labels)) * 2 <= len(labels):
        return True
    words = [headers[1].cells[column] for column in right if column in headers[1].cells]
    return headers[0] is not headers[1] and not any(map(looks_numeric, words))


def _table(rows: list[SheetRow], columns: list[int]) -> _Table:
    """Tell titles, headers and body of one table apart; single cells alone are all titles."""
    if len(columns) == 1:
        words = [row.cells[columns[0]] for row in rows]
        if len(rows) <= _SHORT_LIST or sum(map(len, words)) > _LONG_CELL * len(rows):
            return _Table(columns, [], titles=rows)
        return _Table(columns, rows, count_header_rows([[each, each] for each in words[:_LOOKED_AT]]))
    start = 0
    while start < len(rows) and len(rows[start].cells) == 1:
        start += 1
    titles, body = rows[:start], rows[start:]
    used = [column for column in columns if any(column in row.cells for row in body)]
    return _Table(used or columns, body, count_header_rows(_matrix(body[:_LOOKED_AT], used, _LOOKED_AT)), titles)


def _matrix(rows: Sequence[SheetRow], columns: Sequence[int], header_rows: int) -> list[list[str]]:
    """Return cells by row and column; merged cells are repeated over their columns in headers only."""
    return [
        [row.cells.get(column) or (row.across.get(column, "") if index < header_rows else "") for column in columns]
        for index, row in enumerate(rows)
    ]
