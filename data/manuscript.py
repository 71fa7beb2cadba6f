"""Reads the small markup in which the sources of the PDF and DOCX files are written.

One block per paragraph. A line that begins with ``#``, ``##`` or ``###`` is a heading,
``- `` and ``1. `` are list items, ``|`` a table row (the dashes under the header are
optional), ``Table: `` the caption of the table that follows, and ``Figure: name | caption``
a drawing from :mod:`figures`. ``**bold**`` and ``*italic*`` work inside text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_RULE = re.compile(r"^\|[\s|:-]+\|$")
_RUN = re.compile(r"\*\*(?P<bold>[^*]+)\*\*|\*(?P<italic>[^*]+)\*")


@dataclass(frozen=True)
class Block:
    """One block; ``rows`` is filled for tables only, ``level`` for headings only."""

    kind: str  # heading, paragraph, bullet, step, table, figure
    text: str = ""  # for tables and figures, the caption
    level: int = 0
    name: str = ""  # of a figure
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Run:
    """A stretch of text in one style."""

    text: str
    bold: bool = False
    italic: bool = False


def read(path: Path) -> list[Block]:
    """The blocks of a manuscript, in order."""
    blocks: list[Block] = []
    caption = ""
    rows: list[tuple[str, ...]] = []
    for line in [*path.read_text(encoding="utf-8").splitlines(), ""]:
        stripped = line.strip()
        if stripped.startswith("|"):
            if not _RULE.match(stripped):
                rows.append(tuple(cell.strip() for cell in stripped.strip("|").split("|")))
            continue
        if rows:
            blocks.append(Block("table", caption, rows=tuple(rows)))
            caption, rows = "", []
        if stripped.startswith("Table: "):
            caption = stripped.removeprefix("Table: ")
        elif stripped:
            blocks.append(_text_block(stripped))
    return blocks


def _text_block(line: str) -> Block:
    if match := re.match(r"(#+) (.*)", line):
        return Block("heading", match[2], level=len(match[1]))
    if line.startswith("- "):
        return Block("bullet", line[2:])
    if match := re.match(r"\d+\. (.*)", line):
        return Block("step", match[1])
    if line.startswith("Figure: "):
        name, caption = line.removeprefix("Figure: ").split(" | ", 1)
        return Block("figure", caption, name=name)
    return Block("paragraph", line)


def runs(text: str) -> list[Run]:
    """Split text at its bold and italic marks."""
    result: list[Run] = []
    position = 0
    for match in _RUN.finditer(text):
        if match.start() > position:
            result.append(Run(text[position : match.start()]))
        bold = match["bold"]
        result.append(Run(bold or match["italic"], bold=bold is not None, italic=bold is None))
        position = match.end()
    if position < len(text):
        result.append(Run(text[position:]))
    return result
