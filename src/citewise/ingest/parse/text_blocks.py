"""The structure that people give plain text: headings, lists, and columns set with blanks.

Precision comes before recall: what is not surely one of these stays a paragraph, which is what
blank lines set apart. A line is a heading by how it is set (underlined, in capitals, numbered and
alone), an item by its neighbours, which are items too, and lines are rows where their columns
begin below each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from citewise.ingest.parse.compose import HeadingPath, collapse
from citewise.types import Block

_LINE = re.compile(r"^.*$", re.MULTILINE)
_UNDERLINE = re.compile(r"([=\-~])\1{2,}")
_UNDERLINED_SHARE = 0.6  # of a heading, at least
_HEADING_CHARACTERS = 80
_HEADING_WORDS = 10
_SENTENCE_ENDS = ".,;:!?…"
_NUMBER = re.compile(r"(\d{1,2}(?:\.\d{1,2}){0,3})\.?\s+(?=\S)")
_MARKER = re.compile(r"(?:(?P<bullet>[-*+•‣▪●◦–—])|\(?(?P<number>\d{1,3})[.)]|\(?(?P<letter>[a-zA-Z])[.)])\s+(?=\S)")
_WRAPPED = 50  # characters: the line below so long a one may go on with it without being set in
_GAP = re.compile(r"(?<=\S) {2,}(?=\S)")
_WIDE_GAP = 3  # blanks; justified prose has gaps of two
_ROWS = 3  # at least
_RULE = re.compile(r"[\s|:+=-]*[=-]{2}[\s|:+=-]*")

_UNDERLINED_LEVELS = {"=": 1, "-": 2, "~": 3}
_CAPITALS_LEVEL = 2


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    end: int  # without blanks at its end
    words: str
    indent: int  # columns
    gaps: dict[int, int]  # column where words begin after a gap: the gap's width

    @property
    def cells(self) -> set[int]:
        """The columns in which something begins, the first word apart unless it is set in."""
        return {*self.gaps, self.indent} if self.indent else set(self.gaps)


def text_blocks(text: str) -> list[Block]:
    """Return the blocks of plain text, in order; blank lines between them belong to none."""
    path = HeadingPath()
    blocks: list[Block] = []
    items = _items(text)
    upcoming = _paragraphs(text)
    paragraph = next(upcoming, None)
    while paragraph:
        following = next(upcoming, None)
        level = _heading_level(paragraph, first=not blocks, last=following is None)
        if level and paragraph[0].start not in items:
            heading = paragraph[:2] if _is_underlined(paragraph) else paragraph[:1]
            above = path.enter(level, collapse(heading[0].words))
            blocks.append(Block("heading", heading[0].start, heading[-1].end, headings=above))
            paragraph = paragraph[len(heading) :]
        blocks += _below(paragraph, path.path, items)
        paragraph = following
    return blocks


def _paragraphs(text: str) -> Iterator[list[_Line]]:
    """The lines between blank lines; one paragraph at a time, for a text may have millions of lines."""
    lines: list[_Line] = []
    for match in _LINE.finditer(text):
        raw = match.group()
        if words := raw.strip():
            start = match.start() + len(raw) - len(raw.lstrip())
            shown = raw.expandtabs()
            may_have_gaps = "  " in words or "\t" in words
            gaps = {gap.end(): gap.end() - gap.start() for gap in _GAP.finditer(shown)} if may_have_gaps else {}
            lines.append(_Line(start, start + len(words), words, len(shown) - len(shown.lstrip()), gaps))
        elif lines:
            yield lines
            lines = []
    if lines:
        yield lines


# --- headings ---------------------------------------------------------------------------


def _heading_level(lines: Sequence[_Line], *, first: bool, last: bool) -> int:
    """The level of the heading that a paragraph begins with; 0 where it begins with none.

    Args:
        lines: Of the paragraph.
        first: Whether it is the text's first paragraph.
        last: Whether it is the last.
    """
    line = lines[0]
    if len(line.words) > _HEADING_CHARACTERS or line.gaps:
        return 0
    if _is_underlined(lines):
        return _UNDERLINED_LEVELS[lines[1].words[0]]
    alone = len(lines) == 1
    if alone and last:
        return 0  # of nothing
    if _is_capitals(line.words) and (first or alone or lines[1].indent > line.indent):
        return 1 if first else _CAPITALS_LEVEL
    number = _NUMBER.match(line.words)
    if number and alone and len(line.words.split()) <= _HEADING_WORDS:
        title = line.words[number.end() :]
        if title[0].isupper() and title[-1] not in _SENTENCE_ENDS and not title[-1].isdigit():
            return _CAPITALS_LEVEL + number.group(1).count(".")
    return 0


def _is_underlined(lines: Sequence[_Line]) -> bool:
    if len(lines) < 2 or not _UNDERLINE.fullmatch(lines[1].words) or lines[0].indent != lines[1].indent:
        return False
    first = lines[0].words
    wide = len(lines[1].words) >= _UNDERLINED_SHARE * len(first)
    return wide and first[-1] not in ".,;:" and any(letter.isalpha() for letter in first)


def _is_capitals(words: str) -> bool:
    letters = [letter for letter in words if letter.isalpha()]
    few = len(words.split()) <= _HEADING_WORDS and words[-1] not in _SENTENCE_ENDS
    return few and len(letters) >= 3 and all(letter.isupper() for letter in letters)


# --- lists ------------------------------------------------------------------------------


def _items(text: str) -> set[int]:
    """Where items begin: lines with a marker, next to another of the same kind in this paragraph or the next."""
    found: set[int] = set()
    before: _Marker | None = None
    for paragraph, lines in enumerate(_paragraphs(text)):
        for line in lines:
            if match := _MARKER.match(line.words):
                marker = _Marker(paragraph, line.start, match)
                if before and marker.follows(before):
                    found |= {before.start, marker.start}
                before = marker
    return found


@dataclass(frozen=True, slots=True)
class _Marker:
    paragraph: int
    start: int
    match: re.Match[str]

    def follows(self, before: _Marker) -> bool:
        """Whether it may be that of the item after ``before``: the same bullet, or the next number or letter."""
        if self.paragraph > before.paragraph + 1:
            return False
        if number := self.match["number"]:
            return bool(before.match["number"]) and int(number) == int(before.match["number"]) + 1
        if letter := self.match["letter"]:
            return bool(before.match["letter"]) and ord(letter.lower()) == ord(before.match["letter"].lower()) + 1
        return self.match["bullet"] == before.match["bullet"]


# --- what stands below a heading --------------------------------------------------------


def _below(lines: Sequence[_Line], path: tuple[str, ...], items: set[int]) -> Iterator[Block]:
    """Cut the lines of a paragraph into items, rows, and what is left."""
    prose: list[_Line] = []
    at = 0
    while at < len(lines):
        found: list[Block] = []
        if lines[at].start in items:
            taken = _item_lines(lines, at, items)
            found = [Block("list_item", lines[at].start, lines[at + taken - 1].end, headings=path)]
        else:
            rows = _rows(lines, at, items)
            taken = max(sum(map(len, rows)), 1)
            if _are_rows(rows):
                found = list(_of_rows(rows, prose[-1] if prose else None, path))
            elif len(rows) < _ROWS:
                taken = 1
        if found:
            yield from _prose([line for line in prose if line.start < found[0].start], path)
            yield from found
            prose = []
        else:
            prose += lines[at : at + taken]
        at += taken
    yield from _prose(prose, path)


def _prose(lines: Sequence[_Line], path: tuple[str, ...]) -> Iterator[Block]:
    if lines:
        yield Block("paragraph", lines[0].start, lines[-1].end, headings=path)


def _item_lines(lines: Sequence[_Line], at: int, items: set[int]) -> int:
    """How many lines the item has that begins with line ``at``."""
    last = at
    while last + 1 < len(lines) and lines[last + 1].start not in items:
        if lines[last + 1].indent <= lines[at].indent and len(lines[last].words) < _WRAPPED:
            break
        last += 1
    return last + 1 - at


def _rows(lines: Sequence[_Line], at: int, items: set[int]) -> list[list[_Line]]:
    """The lines from ``at`` on that may be rows, each with those that go on with it.

    All have something begin in the same columns, behind a gap; a line that is set in as far as such a column goes on
    with the row above it.
    """
    rows: list[list[_Line]] = []
    common = set(lines[at].gaps)
    for number in range(at, len(lines)):
        line = lines[number]
        shared = common & line.cells
        if not shared or line.start in items:
            break
        common = shared
        if line.indent in shared and rows:
            rows[-1].append(line)
        else:
            rows.append([line])
    return rows


def _are_rows(rows: Sequence[Sequence[_Line]]) -> bool:
    """Whether they are enough, and their gaps wide, which those of justified prose are not."""
    if len(rows) < _ROWS:
        return False
    columns = _columns(rows)
    wide = sum(max((row[0].gaps[column] for column in columns), default=0) >= _WIDE_GAP for row in rows)
    return wide * 2 >= len(rows)


def _columns(rows: Sequence[Sequence[_Line]]) -> set[int]:
    return set.intersection(*(set(row[0].gaps) for row in rows))


def _of_rows(rows: Sequence[Sequence[_Line]], above: _Line | None, path: tuple[str, ...]) -> Iterator[Block]:
    """A table where there are more than two columns and each row is a line; else rows are items of a list.

    Args:
        rows: See ``_rows``.
        above: The line above them, which may name the columns without standing straight above each.
        path: Of headings.
    """
    columns = _columns(rows)
    ruled = _RULE.fullmatch(rows[1][0].words) is not None
    if ruled or (len(columns) > 1 and all(len(row) == 1 for row in rows)):
        named = above if above and len(above.gaps) == len(columns) else None
        if ruled or (not _has_figure(rows[0][0]) and all(_has_figure(row[0]) for row in rows[1:])):
            named = rows[0][0]
        start = (named or rows[0][0]).start
        yield Block("table", start, rows[-1][-1].end, headings=path, header=named.words if named else "")
    else:
        for row in rows:
            yield Block("list_item", row[0].start, row[-1].end, headings=path)


def _has_figure(line: _Line) -> bool:
    return any(character.isdigit() for character in line.words)
