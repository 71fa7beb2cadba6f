"""Markdown: the text stays the file's own; tokens only tell where its blocks are."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from citewise.ingest.parse.compose import HeadingPath, collapse, finish
from citewise.ingest.parse.tables import count_header_rows
from citewise.ingest.parse.text import read_text
from citewise.types import Block, BlockKind, ParsedDocument

_KINDS: dict[str, BlockKind] = {
    "heading_open": "heading",
    "paragraph_open": "paragraph",
    "html_block": "paragraph",
    "hr": "paragraph",
    "fence": "code",
    "code_block": "code",
    "table_open": "table",
    "list_item_open": "list_item",
}
_FRONT_MATTER = re.compile(r"---[ \t]*\n(?P<body>(?:.*\n)*?)(?:---|\.\.\.)[ \t]*(?:\n|\Z)")
_HTML_HEADING = re.compile(r"\s*<h(?P<level>[1-6])\b[^>]*>(?P<words>.*?)</h(?P=level)>\s*", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
_MARKUP = re.compile(r"[*_`]+")
_CAPTION = re.compile(r"(?:[*_]{0,3}(?:table|tab\.|tabelle|tableau|tabla)\s*[\d.]*\s*[:.\u2013-]|:\s)", re.IGNORECASE)
_LINE = re.compile(r"[^\n]*\S[^\n]*")
_BAR = re.compile(r"(?<!\\)\|")
_AROUND_ROW = " \t>|"  # before and after the cells of a row, quotes included
_FRONT_TITLE = re.compile(r"^title:[ \t]*(?P<title>.+?)[ \t]*$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Lines:
    """A block as lines of the file."""

    kind: BlockKind
    first: int
    stop: int  # exclusive
    title: str = ""  # of a heading, without its markup
    level: int = 0


def parse(path: Path, *, source: str) -> ParsedDocument:
    """Read a Markdown file; ``text`` is the file's text, markup included."""
    text, warnings = read_text(path, source=source)
    front = _FRONT_MATTER.match(text)
    found = _FRONT_TITLE.search(front["body"]) if front else None
    body = front.end() if front else 0
    lines, images = _lines(text[body:])
    title = found["title"].strip("\"'") if found else next((each.title for each in lines if each.title), "")
    return finish(
        text,
        _blocks(text, body, lines),
        media_type="text/markdown",
        source=source,
        title=title,
        images=images,
        warnings=warnings,
        left_out=(f"{images} {'image' if images == 1 else 'images'}: only their descriptions are read.",)
        if images
        else (),
    )


def _lines(body: str) -> tuple[list[_Lines], int]:
    """Return where the tokens say that blocks are, nested ones too, and the number of images."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - the rest of the sandbox starts without it

    tokens = MarkdownIt("commonmark").enable("table").parse(body)
    images = sum(child.type == "image" for token in tokens for child in token.children or ())
    found = []
    for index, token in enumerate(tokens):
        if token.map is None or token.type not in _KINDS:
            continue
        level, title = 0, ""
        if token.type == "heading_open":
            level = int(token.tag[1])
            title = collapse("".join(child.content for child in tokens[index + 1].children or ()))
        kind = _KINDS[token.type]
        heading = _HTML_HEADING.fullmatch(token.content) if token.type == "html_block" else None
        if heading:
            kind, level, title = "heading", int(heading["level"]), collapse(_TAG.sub("", heading["words"]))
        found.append(_Lines(kind, token.map[0], token.map[1], title, level))
    return found, images


def _blocks(text: str, body: int, found: list[_Lines]) -> list[Block]:
    """Return blocks that cover all of ``text`` that is not blank; the lines count from ``body``."""
    starts = [body, *(match.end() for match in re.compile("\n").finditer(text, body)), len(text)]
    headings = HeadingPath()
    blocks = []
    if text[:body].strip():
        blocks.append(Block(kind="paragraph", start=0, end=len(text[:body].rstrip())))
    for lines in _without_gaps(found, len(starts) - 1):
        start, end = _trim(text, starts[lines.first], starts[min(lines.stop, len(starts) - 1)])
        if start < end:
            above = headings.enter(lines.level, lines.title) if lines.kind == "heading" else headings.path
            header = _header(text, start, end) if lines.kind == "table" else ""
            blocks.append(Block(kind=lines.kind, start=start, end=end, headings=above, header=header))
    return _with_captions(text, blocks)


def _header(text: str, start: int, end: int) -> str:
    """Return the column headers of a table as they stand in the text, without the bars around them.

    Markdown knows one row of them; where it is blank or goes on in what Markdown takes for the
    first rows, those are headers too.
    """
    lines = [match.span() for match in _LINE.finditer(text, start, end)]
    rows = [(first, stop, _cells(text[first:stop])) for first, stop in (lines[0], *lines[2:])]  # the second is the rule
    while rows and not any(rows[0][2]):
        rows = rows[1:]
    count = count_header_rows([cells for _, _, cells in rows])
    if rows and rows[0][0] == lines[0][0]:
        count = max(count, 1)
    if not count:
        return ""
    return text[rows[0][0] : rows[count - 1][1]].strip(_AROUND_ROW)


def _cells(line: str) -> list[str]:
    inner = line.strip(" \t>").removeprefix("|").removesuffix("|")
    return [cell.strip() for cell in _BAR.split(inner)]


def _with_captions(text: str, blocks: list[Block]) -> list[Block]:
    """Give tables the captions that stand right above or, as Pandoc has them too, right below."""
    for index, table in enumerate(blocks):
        for beside in (index - 1, index + 1):
            if table.kind != "table" or not 0 <= beside < len(blocks) or blocks[beside].kind != "paragraph":
                continue
            words = text[blocks[beside].start : blocks[beside].end]
            # Only Pandoc's mark tells a caption below from the caption of the next table.
            if _CAPTION.match(words) and (beside < index or words.startswith((":", "Table:"))):
                caption = collapse(_MARKUP.sub("", words)).removeprefix(":").strip()
                blocks[index] = replace(blocks[index], caption=caption)
                blocks[beside] = replace(blocks[beside], kind="caption")
                break
    return blocks


def _without_gaps(found: Iterable[_Lines], total: int) -> Iterator[_Lines]:
    """Cut nested blocks at the next one's start and fill what no token covers, such as link definitions."""
    # A list item and its first paragraph begin on the same line: the outer one tells the kind, unless
    # what is inside has a kind of its own.
    by_line: dict[int, _Lines] = {}
    for lines in found:
        outer = by_line.get(lines.first)
        if outer is None or (outer.kind == "list_item" and lines.kind not in ("paragraph", "heading")):
            by_line[lines.first] = lines
    position = 0
    ordered = sorted(by_line.values(), key=lambda lines: lines.first)
    for lines, following in itertools.zip_longest(ordered, ordered[1:]):
        if position < lines.first:
            yield _Lines("paragraph", position, lines.first)
        stop = min(lines.stop, following.first) if following else lines.stop
        yield _Lines(lines.kind, lines.first, stop, lines.title, lines.level)
        position = stop
    if position < total:
        yield _Lines("paragraph", position, total)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    blank = len(piece) - len(piece.lstrip())
    return start + blank, start + len(piece.rstrip())
