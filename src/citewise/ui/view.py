"""A passage where it stands, as safe HTML: paragraphs, tables, lines of code, slides.

Pure: from what is stored of a document and a span of its text to escaped text in a fixed
set of elements. The cited words are in ``<mark>``.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from citewise.answer.locators import has_lines, is_slides
from citewise.types import Block, DocumentText, PageSpan
from citewise.ui.grid import table_html
from citewise.ui.render import marked_html, passage_html

_AROUND = 700  # characters shown before and after the passage
_LINES_AROUND = 12  # of code
_MOST_LINES = 200  # of code in one passage
_NUMERAL = re.compile(r"\s*(?:[-*+•‣▪●◦–—]|\(?\w{1,4}[.):])\s")
_MARKDOWN = "text/markdown"
_NUMBERED = frozenset({"text/x-source", "application/json", "application/jsonl"})


@dataclass(frozen=True, slots=True)
class Window:
    """What is shown of a text, and what of that is marked. Positions are characters of the whole text."""

    first: int
    last: int
    start: int
    end: int


def around_html(shown: DocumentText, start: int, end: int) -> str:
    """Show ``text[start:end]`` marked, among the blocks around it, each as what it is."""
    text = shown.text
    start, end = max(0, start), min(len(text), end)
    blocks = _blocks(shown.blocks, start, end)
    if not blocks:
        return passage_html(text, start, end)
    if shown.document.media_type in _NUMBERED:
        return _code(shown, Block("code", 0, len(text)), Window(0, len(text), start, end))
    window = Window(_line_start(text, start - _AROUND), _line_end(text, end + _AROUND), start, end)
    near = _blocks(shown.blocks, window.first, window.last)
    pieces = "".join(_with_parts(shown, near, window))
    # Tables and code say themselves what they leave out.
    first, last = near[0], near[-1]
    before = _CUT if first.kind not in _BOXED and text[: max(first.start, window.first)].strip() else ""
    after = _CUT if last.kind not in _BOXED and text[min(last.end, window.last) :].strip() else ""
    return f"{before}{pieces}{after}"


def slide_html(shown: DocumentText, page: PageSpan, start: int, end: int) -> str:
    """Show one slide shape by shape, those that ``start`` to ``end`` touches marked."""
    window = Window(page.start, page.end, start, end)
    groups: list[tuple[str, list[Block]]] = []
    for block in _blocks(shown.blocks, page.start, page.end):
        part = _part(shown, block)
        if groups and groups[-1][0] == part:
            groups[-1][1].append(block)
        else:
            groups.append((part, [block]))
    shapes = []
    for part, blocks in groups:
        cited = any(block.start < end and start < block.end for block in blocks)
        name = f"<h4>{escape(part)}{_CITED if cited else ''}</h4>" if part else ""
        body = "".join(_block(shown, block, window) for block in blocks)
        shapes.append(f'<section class="shape{" cited" if cited else ""}">{name}{body}</section>')
    return "".join(shapes) or '<p class="cut">This slide has no text.</p>'


def is_picture(media_type: str) -> bool:
    """Whether pages of such a document can be shown as pictures."""
    return media_type == "application/pdf" or media_type.startswith("image/")


def has_slides(shown: DocumentText) -> bool:
    """Whether the document is shown slide by slide."""
    return is_slides(shown.document.media_type) and bool(shown.pages)


_BOXED = frozenset({"table", "code"})
_CUT = '<p class="cut" role="img" aria-label="More text is left out here">…</p>'
_CITED = ' <span class="tag">cited</span>'


def _blocks(blocks: Sequence[Block], start: int, end: int) -> list[Block]:
    found = []
    for index in range(bisect_right(blocks, start, key=lambda block: block.end), len(blocks)):
        if blocks[index].start >= end:
            break
        found.append(blocks[index])
    return found


def _with_parts(shown: DocumentText, blocks: Sequence[Block], window: Window) -> Iterator[str]:
    """Blocks, with the name of the part of the original where another one begins."""
    last = ""
    for block in blocks:
        part = _part(shown, block)
        if part and part != last:
            last = part
            if shown.text[block.start : block.end].strip() != part:  # the heading of a sheet says it already
                yield f'<p class="part">{escape(part)}</p>'
        yield _block(shown, block, window)


def _part(shown: DocumentText, block: Block) -> str:
    index = bisect_right(shown.places, block.start, key=lambda place: place.end)
    if index < len(shown.places) and shown.places[index].start < block.end:
        return shown.places[index].part
    return ""


def _block(shown: DocumentText, block: Block, window: Window) -> str:
    media_type = shown.document.media_type
    if block.kind == "table":
        return table_html(shown, block, window.start, window.end)
    if block.kind == "code":
        return _code(shown, block, window)
    first, last = max(block.start, window.first), min(block.end, window.last)
    text = shown.text[first:last]
    if not text.strip():
        return ""
    if block.kind == "heading" and media_type == _MARKDOWN:
        bare = text.lstrip("#").lstrip() if first == block.start else text
        first, text = first + len(text) - len(bare), bare
    html = marked_html(text, window.start - first, window.end - first, markdown=media_type == _MARKDOWN)
    if block.kind == "heading":
        return f'<p class="heading">{html}</p>'
    css = {"list_item": "item", "caption": "caption", "furniture": "furniture"}.get(block.kind)
    if css == "item" and not _NUMERAL.match(text):
        css = "item bare"  # the file's program draws its bullet
    opening = f' class="{css}"' if css else ""
    return "".join(f"<p{opening}>{part}</p>" for part in html.split("\n\n"))


def _code(shown: DocumentText, block: Block, window: Window) -> str:
    """Lines in a fixed width, with their numbers where they are the file's own."""
    text = shown.text
    first, last = _reach(text, block, window)
    numbered = has_lines(shown.document.media_type) and not shown.places and not shown.pages
    number = text.count("\n", 0, first) + 1
    lines = []
    position = first
    for line in text[first:last].split("\n"):
        ends = position + len(line)
        cited = position < window.end and window.start < ends
        indent = len(line) - len(line.lstrip())
        html = marked_html(line, max(window.start - position, indent), window.end - position, lines=True) or " "
        shown_number = f'<span class="number">{number}</span>' if numbered else ""
        lines.append(f'<span class="line{" cited" if cited else ""}">{shown_number}<span>{html}</span></span>')
        position, number = ends + 1, number + 1
    # The scrolling box is in the order of focus, so that the keyboard can scroll it.
    return (
        '<div class="scroller" tabindex="0" role="region" aria-label="Lines of the source">'
        f'<pre class="lines"><code>{"".join(lines)}</code></pre></div>'
    )


def _reach(text: str, block: Block, window: Window) -> tuple[int, int]:
    """The lines of a block to show: those that are marked and some around them."""
    start, end = max(block.start, window.start), min(block.end, window.end)
    if start >= end:  # not cited itself
        return max(block.start, window.first), min(block.end, window.last)
    first = start
    for _ in range(_LINES_AROUND + 1):
        first = text.rfind("\n", block.start, first)
        if first < 0:
            return block.start, _below(text, block, start, end)
    return first + 1, _below(text, block, start, end)


def _below(text: str, block: Block, start: int, end: int) -> int:
    most = start
    for _ in range(_MOST_LINES):
        most = text.find("\n", most, end) + 1
        if not most:
            break
    last = most or end
    for _ in range(_LINES_AROUND + 1):
        found = text.find("\n", last, block.end)
        if found < 0:
            return block.end
        last = found + 1
    return last - 1


def _line_start(text: str, position: int) -> int:
    """The start of the line or word at ``position``: a short line begins whole, a long one at a word."""
    if position <= 0:
        return 0
    line = text.rfind("\n", max(0, position - 200), position) + 1
    if line:
        return line
    space = text.find(" ", position, position + 60)
    return space + 1 if space >= 0 else position


def _line_end(text: str, position: int) -> int:
    if position >= len(text):
        return len(text)
    line = text.find("\n", position, position + 200)
    if line >= 0:
        return line
    space = text.rfind(" ", position - 60, position)
    return space if space >= 0 else position
