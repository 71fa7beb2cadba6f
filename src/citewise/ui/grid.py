"""A table of a document as an HTML table: the cited rows marked, their neighbours around them."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from html import escape

from citewise.answer.locators import has_lines
from citewise.types import Block, DocumentText
from citewise.ui.render import marked_html
from citewise.ui.text import counted

_ROWS_BEFORE, _ROWS_AFTER = 6, 10  # rows around the cited ones
_ROWS_BESIDE = 4  # of a table that stands beside the passage
_MOST_ROWS = 60  # cited rows that are shown
_BETWEEN = re.compile(r"(?:(?<=\s)|^)\|(?=\s|$)")  # as Composer.add_table writes it
_PIPE = re.compile(r"(?<!\\)\|")  # as Markdown has it
_RULE = re.compile(r"[\s|:\-+]*-[\s|:\-+]*")
_CELL = re.compile(r"([A-Z]+)(\d+)(?::.*)?")
_FIGURE = re.compile(r"[(+\-−–]*\s*[$€£¥]?\s*[(+\-−]*\d[\d.,'\s\u00a0\u202f]*[%)€$£¥]*")
_LETTERS = 26


@dataclass(frozen=True, slots=True)
class _Row:
    start: int  # characters of the document's text
    end: int
    number: int | None  # of the sheet's row or the file's line
    column: int | None  # of the first cell, from 0; None where columns have no letters


def table_html(shown: DocumentText, block: Block, start: int, end: int) -> str:
    """Show a block of kind ``table``; rows that ``start`` to ``end`` touches are marked, cell by cell.

    Column headers stay in view. Sheets show the letters of their columns and the numbers of
    their rows, files of lines the numbers of lines.
    """
    rows = _rows(shown, block)
    is_markdown = shown.document.media_type == "text/markdown"
    heads = _count_heads(shown.text, block, rows, is_markdown=is_markdown)
    body = [index for index in range(heads, len(rows)) if not (is_markdown and _is_rule(shown.text, rows[index]))]
    cited = [place for place, index in enumerate(body) if rows[index].start < end and start < rows[index].end]
    first = max(0, cited[0] - _ROWS_BEFORE) if cited else 0
    last = min(len(body), min(cited[-1], cited[0] + _MOST_ROWS) + _ROWS_AFTER + 1 if cited else _ROWS_BESIDE)
    cells = {index: _cells(shown.text, rows[index], is_markdown) for index in [*range(heads), *body[first:last]]}
    width = max((len(found) for found in cells.values()), default=1)
    numbered = any(rows[index].number is not None for index in cells)

    def line(index: int, tag: str) -> str:
        return _line(shown.text, rows[index], cells[index], (start, end), tag=tag, width=width, numbered=numbered)

    head = _letters(rows, width, numbered) + "".join(line(index, "th") for index in range(heads))
    span = width + numbered
    middle = "".join(line(index, "td") for index in body[first:last])
    above = _gap(first, "above", span)
    below = _gap(len(body) - last, "below", span)
    name = escape(block.caption or "Table", quote=True)
    caption = f"<caption>{escape(block.caption)}</caption>" if block.caption else ""
    return (
        f'<div class="scroller" tabindex="0" role="region" aria-label="{name}"><table>{caption}'
        f"{f'<thead>{head}</thead>' if head else ''}<tbody>{above}{middle}{below}</tbody></table></div>"
    )


def _rows(shown: DocumentText, block: Block) -> list[_Row]:
    lines = has_lines(shown.document.media_type) and not shown.places and not shown.pages
    number = shown.text.count("\n", 0, block.start) + 1 if lines else None
    at = bisect_left(shown.places, block.start, key=lambda place: place.start)
    rows = []
    position = block.start
    for text in shown.text[block.start : block.end].split("\n"):
        own, column = number, None
        while at < len(shown.places) and shown.places[at].start < position:
            at += 1
        if at < len(shown.places) and shown.places[at].start < position + max(1, len(text)):
            found = _CELL.fullmatch(shown.places[at].cells)
            if found:
                own, column = int(found[2]), _column(found[1])
        if text.strip():
            rows.append(_Row(position, position + len(text), own, column))
        position += len(text) + 1
        number = None if number is None else number + 1
    return rows


def _count_heads(text: str, block: Block, rows: list[_Row], *, is_markdown: bool) -> int:
    if is_markdown:
        return next((index for index, row in enumerate(rows[:3]) if _is_rule(text, row)), 0)
    if not block.header:
        return 0
    return min(len(rows), len([line for line in block.header.split("\n") if line.strip()]))


def _is_rule(text: str, row: _Row) -> bool:
    return _RULE.fullmatch(text, row.start, row.end) is not None


def _cells(text: str, row: _Row, is_markdown: bool) -> list[tuple[int, int]]:
    """Where the cells of a row stand, without the blanks around their words."""
    line = text[row.start : row.end]
    pattern = _PIPE if is_markdown else _BETWEEN
    cuts = [found.start() for found in pattern.finditer(line)]
    bounds = [(left + 1, right) for left, right in zip([-1, *cuts], [*cuts, len(line)], strict=True)]
    if is_markdown and cuts:  # the outer bars are no cells
        bounds = bounds[not line[: cuts[0]].strip() : len(bounds) - (not line[cuts[-1] + 1 :].strip())]
    cells = []
    for left, right in bounds:
        inner = line[left:right]
        begin = row.start + left + len(inner) - len(inner.lstrip())
        cells.append((begin, begin + len(inner.strip())))
    return cells


def _line(
    text: str,
    row: _Row,
    cells: list[tuple[int, int]],
    span: tuple[int, int],
    *,
    tag: str,
    width: int,
    numbered: bool,
) -> str:
    start, end = span
    cited = row.start < end and start < row.end
    parts = []
    if numbered:
        said = '<span class="hidden">cited, </span>' if cited else ""
        label = "" if row.number is None else f"{row.number}"
        parts.append(f'<th scope="row" class="number">{said}{label}</th>')
    for left, right in cells:
        words = text[left:right]
        css = ' class="figure"' if tag == "td" and _FIGURE.fullmatch(words) else ""
        scope = ' scope="col"' if tag == "th" else ""
        parts.append(f"<{tag}{scope}{css}>{marked_html(words, start - left, end - left, lines=True)}</{tag}>")
    parts += [f"<{tag}></{tag}>"] * (width - len(cells))
    return f"<tr{' class=' + chr(34) + 'cited' + chr(34) if cited else ''}>{''.join(parts)}</tr>"


def _letters(rows: list[_Row], width: int, numbered: bool) -> str:
    """The row of column letters, for sheets."""
    column = next((row.column for row in rows if row.column is not None), None)
    if column is None:
        return ""
    names = "".join(f"<th>{_name(column + index)}</th>" for index in range(width))
    return f'<tr class="letters" aria-hidden="true">{"<th></th>" if numbered else ""}{names}</tr>'


def _gap(count: int, where: str, span: int) -> str:
    return f'<tr class="gap"><td colspan="{span}">{counted(count, "row")} {where}</td></tr>' if count > 0 else ""


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * _LETTERS + ord(letter) - ord("A") + 1
    return number - 1


def _name(column: int) -> str:
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, _LETTERS)
        name = chr(ord("A") + rest) + name
    return name
