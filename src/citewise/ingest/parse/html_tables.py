"""HTML: the cells of a table by rows and columns, whatever they span."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from selectolax.lexbor import LexborHTMLParser, LexborNode

from citewise.ingest.parse.tables import count_header_rows

_WIDEST = 100  # columns that one cell may span
_TALLEST = 1_000  # rows likewise
_MOST_COLUMNS = 1_000  # after which a cell spans no more than its own
_LONGEST_REPEATED = 200  # characters of a cell that spans rows; a longer one stands in its first row only


def tables_around_tables(tree: LexborHTMLParser) -> set[int]:
    """Return the ids of the tables of a page that hold other tables."""
    around = set()
    for table in tree.css("table"):
        parent = table.parent
        while parent is not None and parent.tag != "table":
            parent = parent.parent
        if parent is not None:
            around.add(parent.mem_id)
    return around


def is_data(table: LexborNode) -> bool:
    """Whether a table that holds no other holds data, rather than laying out a page."""
    if table.attributes.get("role") in ("presentation", "none"):
        return False
    if table.css_first("th, caption, thead") is not None:
        return True
    return table.css_first("h1, h2, h3, h4, h5, h6, pre") is None


def lay_out(
    rows: Sequence[LexborNode], text_of: Callable[[LexborNode], str], is_hidden: Callable[[LexborNode], bool]
) -> list[list[str]]:
    """Return the texts of a table's cells, one for each column.

    A cell that spans columns stands in the first of them, one that spans rows in each of those:
    so a row says by itself what it is about. Columns without any text, which only keep others
    apart, are left out.

    Args:
        rows: Its ``tr`` elements.
        text_of: Reads a cell.
        is_hidden: Whether a cell is not shown.
    """
    grid = []
    spanning: dict[int, tuple[int, str, int]] = {}  # by column: rows to come, text, columns
    for row in rows:
        line: list[str] = []
        below: dict[int, tuple[int, str, int]] = {}
        cells = [cell for cell in row.iter() if cell.tag in ("td", "th") and not is_hidden(cell)]
        for cell in (*cells, None):
            while len(line) in spanning or (cell is None and any(column > len(line) for column in spanning)):
                column = len(line)
                left, text, width = spanning.pop(column, (0, "", 1))
                if left > 1:
                    below[column] = (left - 1, text, width)
                line += [text, *[""] * (width - 1)]
            if cell is None:
                break
            width = _span(cell, "colspan", _WIDEST if len(line) < _MOST_COLUMNS else 1)
            height = _span(cell, "rowspan", _TALLEST)
            text = text_of(cell)
            if height > 1:
                repeated = text if len(text) <= _LONGEST_REPEATED else ""
                below[len(line)] = (height - 1, repeated, width)
            line += [text, *[""] * (width - 1)]
        spanning = below
        grid.append(line)
    filled = {column for line in grid for column, text in enumerate(line) if text}
    return [_filled(line, filled) for line in grid]


def header_rows(rows: Sequence[LexborNode], grid: Sequence[Sequence[str]]) -> int:
    """Return how many of the first rows are column headers: by their elements, else by how they look."""
    count = 0
    for row in rows:
        cells = [cell for cell in row.iter() if cell.tag in ("td", "th")]
        in_head = row.parent is not None and row.parent.tag == "thead"
        # An empty corner is often a plain cell.
        named = [cell for cell in cells if cell.tag == "th" or cell.text().strip()]
        if not in_head and not (named and all(cell.tag == "th" for cell in named)):
            break
        count += 1
    return count if 0 < count < len(rows) else count_header_rows(grid)


def _filled(line: Sequence[str], columns: set[int]) -> list[str]:
    """Return the cells of some columns, without empty ones at the end."""
    kept = [text for column, text in enumerate(line) if column in columns]
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _span(cell: LexborNode, name: str, most: int) -> int:
    value = (cell.attributes.get(name) or "").strip()
    return min(max(int(value), 1), most) if value.isascii() and value.isdigit() else 1
