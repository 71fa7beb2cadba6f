"""Untrusted text to safe HTML: what models and documents wrote, never markup of theirs.

Markdown is rendered with HTML, links and images off, then cut down to an allow-list;
only after that are our own elements (citation chips, verdict icons) put in, in place of
private-use characters that the input cannot contain.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape

import nh3
from markdown_it.token import Token

from citewise.answer.markup import (
    CHIP_MARK,
    MARK_END,
    MARKER,
    VERDICT_PLACE,
    markdown_parser,
    with_verdict_places,
    without_marks,
)
from citewise.language.hidden import without_turns
from citewise.types import Evidence, Verdict

_BLOCKS = ("p", "br", "hr", "ul", "ol", "li", "pre", "blockquote", "h3", "h4", "h5", "h6")
_TABLES = ("table", "thead", "tbody", "tr", "th", "td")
ALLOWED_TAGS = frozenset((*_BLOCKS, *_TABLES, "code", "strong", "em", "s"))
VERDICT_NAMES: Mapping[Verdict, str] = {
    "supported": "Supported by its source",
    "partial": "Partly supported by its source",
    "unsupported": "Not supported by its source",
    "not_checked": "Not checked",
}

_FULL_LINE = 0.8  # share of a paragraph's longest line from which a line is taken for wrapped prose
_NARROWEST = 40  # characters; what is set narrower, such as the lines of an address, was not wrapped
# Inline Markdown that a mark does not begin or end in.
_INLINE_BOLD = re.compile("(\\*\\*|__)(?=\\S)([^*_\n\ue001\ue002]+)(?<=\\S)\\1")
_INLINE_CODE = re.compile("`([^`\n\ue001\ue002]+)`")
_INLINE_LINK = re.compile("!?\\[([^\\]\\[\n\ue001\ue002]*)\\]\\([^()\\s\ue001\ue002]*\\)")
_CHIP_PLACE = re.compile(f"{CHIP_MARK}(\\d+){MARK_END}")


def answer_html(
    text: str,
    *,
    labels: Mapping[int, str],
    evidence: Sequence[Evidence] = (),
    interactive: bool = True,
) -> str:
    """Render an answer.

    Args:
        text: Markdown as the model wrote it, markers like ``[2]`` included.
        labels: Marker → what its chip is called, for example ``Open source 2: b.pdf, page 9``.
            Other numbers in brackets stay text, and so does everything in code.
        evidence: Sentences of ``text``; each gets its verdict as an icon behind it.
        interactive: Whether chips are buttons; while an answer is being written they are not.

    Returns:
        HTML of allowed elements only; no attribute of it comes from the text.
    """
    source = with_verdict_places(without_marks(text), evidence)
    markdown = markdown_parser()
    tokens = markdown.parse(source)
    for token in tokens:
        _prepare(token, labels)
    html = nh3.clean(
        markdown.renderer.render(tokens, markdown.options, {}),
        tags=set(ALLOWED_TAGS),
        attributes={},
        link_rel=None,
    )
    html = _CHIP_PLACE.sub(lambda found: _chip(int(found[1]), labels, interactive=interactive), html)
    return VERDICT_PLACE.sub(lambda found: _verdict(evidence[int(found[1])]), html)


def passage_html(text: str, start: int, end: int, *, around: int = 280) -> str:
    """Show ``text[start:end]`` marked, with about ``around`` characters of context on both sides.

    Lines that end where a page's lines end are joined, others (lists, tables) stay lines.

    Returns:
        Paragraphs of escaped text with one or more ``<mark>``; an ellipsis where text was left out.
    """
    start, end = max(0, start), min(len(text), end)
    first, last = _word_start(text, max(0, start - around)), _word_end(text, min(len(text), end + around))
    before = ("… " if first else "") + text[first:start].lstrip()
    after = text[end:last].rstrip() + (" …" if last < len(text) else "")
    return _paragraphs(before, text[start:end], after)


def marked_html(text: str, start: int, end: int, *, markdown: bool = False, lines: bool = False) -> str:
    """Escape ``text`` with ``text[start:end]`` in ``<mark>``; positions may lie outside of it.

    Args:
        text: Plain text.
        start: Where the mark begins.
        end: Where it ends, exclusive.
        markdown: Whether bold words, code and links are shown as such instead of their signs.
        lines: Whether lines stay as they are; else those that end where a page's lines end are
            joined, and paragraphs (set apart by two line ends in the result) are marked each for itself.
    """
    text = without_marks(text)
    start, end = min(max(0, start), len(text)), max(0, min(len(text), end))
    if start < end:
        quote = re.sub(r"\s*\n\s*\n\s*", f"{MARK_END}\n\n{CHIP_MARK}", text[start:end])
        text = f"{text[:start]}{CHIP_MARK}{quote}{MARK_END}{text[end:]}"
    if not lines:
        parts = [_joined(part.strip()) for part in re.split(r"\n\s*\n", text) if part.strip()]
        text = "\n\n".join(parts)
    html = escape(text, quote=False)
    if markdown:
        html = _INLINE_LINK.sub(r"\1", html)
        html = _INLINE_BOLD.sub(r"<strong>\2</strong>", _INLINE_CODE.sub(r"<code>\1</code>", html))
    if not lines:
        html = re.sub(r"(?<!\n)\n(?!\n)", "<br>", html)
    html = without_turns(html).replace(f"{CHIP_MARK}{MARK_END}", "")
    return html.replace(CHIP_MARK, "<mark>").replace(MARK_END, "</mark>")


def _paragraphs(before: str, quote: str, after: str) -> str:
    marked = re.sub(r"\s*\n\s*\n\s*", f"{MARK_END}\n\n{CHIP_MARK}", without_marks(quote))
    whole = f"{without_marks(before)}{CHIP_MARK}{marked}{MARK_END}{without_marks(after)}"
    paragraphs = [_joined(part.strip()) for part in re.split(r"\n\s*\n", whole) if part.strip()]
    html = "".join(f"<p>{escape(part)}</p>" for part in paragraphs)
    html = without_turns(html).replace(f"{CHIP_MARK}{MARK_END}", "").replace("\n", "<br>")
    return html.replace(CHIP_MARK, "<mark>").replace(MARK_END, "</mark>")


def _joined(paragraph: str) -> str:
    lines = paragraph.split("\n")
    longest = max(len(line) for line in lines)
    full = _FULL_LINE * longest if longest >= _NARROWEST else longest + 1
    ends = [" " if len(line) >= full else "\n" for line in lines]
    return "".join(line + end for line, end in zip(lines, [*ends[:-1], ""], strict=True))


def _word_start(text: str, position: int) -> int:
    if position == 0:
        return 0
    space = re.compile(r"\s").search(text, position)
    return space.end() if space and space.end() - position < 40 else position


def _word_end(text: str, position: int) -> int:
    while position < len(text) and not text[position].isspace():
        position += 1
    return position


def _prepare(token: Token, labels: Mapping[int, str]) -> None:
    if token.type in {"heading_open", "heading_close"}:
        # The page's title is level 1 and a question level 2.
        token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
    elif token.type in {"fence", "code_block", "code_inline"}:
        token.content = VERDICT_PLACE.sub("", token.content)
        token.info = ""
    elif token.type == "text":
        token.content = MARKER.sub(
            lambda found: f"{CHIP_MARK}{int(found[1])}{MARK_END}" if int(found[1]) in labels else found[0],
            token.content,
        )
    for child in token.children or ():
        _prepare(child, labels)


def _chip(marker: int, labels: Mapping[int, str], *, interactive: bool) -> str:
    if not interactive:
        return f'<span class="cite">{marker}</span>'
    label = escape(labels[marker], quote=True)
    return (
        f'<button type="button" class="cite" data-marker="{marker}" aria-label="{label}" title="{label}" '
        f'aria-pressed="false">{marker}</button>'
    )


def _verdict(evidence: Evidence) -> str:
    name = VERDICT_NAMES[evidence.verdict]
    label = escape(f"{name}: {evidence.reason}" if evidence.reason else name, quote=True)
    # The word joiner keeps the icon on the line of its sentence's last word.
    return f'\u2060<span class="verdict {evidence.verdict}" role="img" aria-label="{label}" title="{label}"></span>'
