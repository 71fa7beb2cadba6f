"""Running headers, footers and page numbers: lines that pages repeat in their margins."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from citewise.ingest.parse.compose import collapse
from citewise.ingest.parse.pdf_look import Line
from citewise.ingest.parse.pdf_page import PageText

_MARGIN = 0.11  # of the page's height
_LINES = 4  # in either margin
_REPEATS = 3  # pages
_SAME_PLACE = 8.0  # points
_SPACE = 0.5  # of a line's height, between furniture and the text
_LENGTH = 160  # characters
_NUMBER = re.compile(r"\d+")
_ONLY_NUMBER = re.compile(
    r"[-–—|\[( ]*(?:(?:page|seite|p\.|s\.)\s*)?([A-Z]{1,2}-)?(?P<number>\d{1,4}|[ivxlc]{1,7})"
    r"(?:\s*(?:of|/|von)\s*\d{1,4})?[-–—|\]) .]*",
    re.IGNORECASE,
)
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}


@dataclass(frozen=True, slots=True)
class _Edge:
    """A line in a page's margin."""

    page: int
    line: Line
    text: str
    at_top: bool
    in_margin: bool


def furniture_of(pages: Sequence[PageText]) -> list[frozenset[int]]:
    """Find the lines that pages repeat in their margins.

    A line is furniture where it stands at the same height of at least three pages in the same
    letters and size, its numbers apart, or where it is a page number that counts with the pages.

    Returns:
        For each page, where such lines start in its text.
    """
    edges = [edge for number, page in enumerate(pages) for edge in _edges(number, page)]
    found: list[set[int]] = [set() for _ in pages]
    alike: dict[tuple[str, float, bool], list[_Edge]] = defaultdict(list)
    for edge in edges:
        if not edge.in_margin:
            continue
        alike[_NUMBER.sub("#", edge.text).lower(), edge.line.size, edge.at_top].append(edge)
    for (key, _, _), group in alike.items():
        if sum(character.isalpha() for character in key) < 2:
            continue  # figures alone say nothing
        for edge in group:
            near = {each.page for each in group if abs(each.line.bottom - edge.line.bottom) < _SAME_PLACE}
            if len(near) >= _REPEATS and _numbers_fit(edge, group):
                found[edge.page].add(edge.line.start)
    for edge in _page_numbers(edges):
        found[edge.page].add(edge.line.start)
    return [_set_apart(page, starts) for page, starts in zip(pages, found, strict=True)]


def _set_apart(page: PageText, starts: set[int]) -> frozenset[int]:
    """Keep the lines that end a page and have some space between them and its text.

    What stands close to the text belongs to it, however often it is repeated: a title's second
    line, the names of a table's columns.
    """
    kept: set[int] = set()
    by_height = sorted(page.lines, key=lambda line: line.top)
    for downwards in (True, False):
        edge: list[Line] = []
        following: Line | None = None
        for line in by_height if downwards else reversed(by_height):
            if line.start not in starts:
                following = line
                break
            edge.append(line)
        while edge and following is not None:
            last = edge[-1]
            space = following.top - last.bottom if downwards else last.top - following.bottom
            if space >= _SPACE * (last.bottom - last.top):
                break
            following = edge.pop()
        kept.update(line.start for line in edge)
    return frozenset(kept)


def _edges(number: int, page: PageText) -> Iterator[_Edge]:
    """Yield the lines in a page's margins, and its last one wherever it is, that are no part of a table."""
    if not page.lines or not page.height:
        return
    by_height = sorted(page.lines, key=lambda line: line.top)
    top = [line for line in by_height[:_LINES] if line.bottom < page.height * _MARGIN]
    bottom = [line for line in by_height[-_LINES:] if line.top > page.height * (1 - _MARGIN)]
    for line in dict.fromkeys((*top, *bottom, by_height[-1])):
        text = collapse(page.text[line.start : line.end])
        in_table = any(table.start <= line.start < table.end for table in page.tables)
        if len(text) <= _LENGTH and not in_table:
            yield _Edge(number, line, text, line in top, line in top or line in bottom)


def _numbers_fit(edge: _Edge, group: Sequence[_Edge]) -> bool:
    """Whether the numbers in a repeated line stay the same from page to page or count the pages."""
    numbers = [int(number) for number in _NUMBER.findall(edge.text)[:4] if len(number) < 10]
    for other in group:
        if other.page == edge.page:
            continue
        others = [int(number) for number in _NUMBER.findall(other.text)[:4] if len(number) < 10]
        step = other.page - edge.page
        if len(others) == len(numbers) and all(b - a in (0, step) for a, b in zip(numbers, others, strict=True)):
            return True
    return not numbers


def _page_numbers(edges: Sequence[_Edge]) -> list[_Edge]:
    """Return lines of a number alone that is as far from its page's as that of another page nearby."""
    numbered: dict[tuple[int, bool, bool], list[_Edge]] = defaultdict(list)
    for edge in edges:
        match = _ONLY_NUMBER.fullmatch(edge.text)
        if match:
            word = match["number"].lower()
            value = int(word) if word.isdigit() else _roman(word)
            numbered[value - edge.page, edge.at_top, word.isdigit()].append(edge)
    # A short page ends with its number well above the margin.
    in_sequence = [
        group
        for group in numbered.values()
        if len({each.page for each in group}) >= (2 if any(each.in_margin for each in group) else _REPEATS)
    ]
    return [edge for group in in_sequence for edge in group]


def _roman(word: str) -> int:
    values = [_ROMAN[letter] for letter in word]
    return sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))
