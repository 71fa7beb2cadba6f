"""A conversation as one HTML page: no scripts, nothing fetched from anywhere, fit to be printed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files

from citewise.answer.export.paper import DIFFERING, LEGEND, SIGNS, Doubt, Entry, Note, Paper
from citewise.answer.export.prose import (
    Block,
    Code,
    Grid,
    Heading,
    Inline,
    Items,
    Judged,
    Paragraph,
    Quote,
    Ref,
    Rule,
    Run,
)
from citewise.types import Verdict

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def write_html(paper: Paper) -> str:
    """Write a paper as a page; the only links are those between its footnotes and their places."""
    style = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return _PAGE.format(policy=policy, title=escape(paper.title), style=style, body="\n".join(_body(paper)))


def _body(paper: Paper) -> Iterator[str]:
    signs = "".join(f"<li>{_sign(verdict, hidden=True)} {word}</li>" for verdict, (_, word) in SIGNS.items())
    yield f"<header><h1>{escape(paper.title)}</h1><p>{escape(paper.subtitle)}</p></header>"
    yield f'<aside class="legend"><p>{escape(LEGEND)}</p><ul>{signs}</ul></aside>'
    referred: set[int] = set()
    for entry in paper.entries:
        yield from _entry(entry, referred)
    if paper.notes:
        yield f'<section class="notes"><h2>Footnotes</h2><ol>{"".join(map(_note, paper.notes))}</ol></section>'


def _entry(entry: Entry, referred: set[int]) -> Iterator[str]:
    yield f'<article><h2><span class="number">{entry.number}</span>{escape(entry.question)}</h2>'
    writer = _Writer(referred)
    yield f'<div class="answer">{"".join(writer.blocks(entry.blocks))}</div>'
    if entry.ending:
        yield f'<p class="ending">{escape(entry.ending)}</p>'
    if entry.differing:
        blocks = "".join(writer.blocks(entry.differing))
        yield f'<div class="differing"><h3>{escape(DIFFERING)}</h3>{blocks}</div>'
    if entry.nearest:
        passages = "".join(
            f"<li><b>{escape(source)}</b>{f', {escape(place)}' if place else ''}<br>{escape(words)}</li>"
            for source, place, words in entry.nearest
        )
        yield f'<h3>Nearest passages</h3><ul class="nearest">{passages}</ul>'
    if entry.checks:
        counts = "".join(f"<li>{_sign(verdict)} {count} {SIGNS[verdict][1]}</li>" for verdict, count in entry.checks)
        yield f'<div class="checks"><h3>Checked sentences</h3><ul class="counts">{counts}</ul>'
        if entry.doubts:
            yield f'<ul class="doubts">{"".join(map(_doubt, entry.doubts))}</ul>'
        yield "</div>"
    if entry.remarks:
        yield f'<ul class="remarks">{"".join(f"<li>{escape(remark)}</li>" for remark in entry.remarks)}</ul>'
    facts = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in entry.facts)
    yield f"<dl>{facts}</dl></article>"


def _sign(verdict: Verdict, *, hidden: bool = False) -> str:
    sign, word = SIGNS[verdict]
    spoken = 'aria-hidden="true"' if hidden else f'role="img" aria-label="{word}" title="{word}"'
    return f'<span class="sign {verdict}" {spoken}>{sign}</span>'


def _doubt(doubt: Doubt) -> str:
    word = SIGNS[doubt.verdict][1]
    reason = f": {escape(doubt.reason)}" if doubt.reason else ""
    return f"<li>{_sign(doubt.verdict, hidden=True)} <q>{escape(doubt.sentence)}</q> <small>{word}{reason}</small></li>"


def _note(note: Note) -> str:
    back = f'<a class="back" href="#ref-{note.number}" aria-label="Back to the text">↩</a>'
    change = f"<em>{escape(note.change)}</em> " if note.change else ""
    if note.source:
        source = f"<p><b>{escape(note.source)}</b>, {escape(note.place)}</p>"
        said = f"{source}<blockquote>{escape(note.quote)}</blockquote><p>{change}<code>{note.ref}</code> {back}</p>"
    else:
        said = f"<p>{change}{back}</p>"
    return f'<li id="note-{note.number}">{said}</li>'


class _Writer:
    """Writes the blocks of answers; of several references to a footnote the first is where it leads back to."""

    def __init__(self, referred: set[int]) -> None:
        self._referred = referred

    def blocks(self, blocks: Sequence[Block]) -> Iterator[str]:
        for block in blocks:
            match block:
                case Paragraph(inlines):
                    yield f"<p>{self._line(inlines)}</p>"
                case Heading(level, inlines):
                    tag = f"h{min(6, level + 2)}"
                    yield f"<{tag}>{self._line(inlines)}</{tag}>"
                case Items(start, items):
                    inner = "".join(f"<li>{''.join(self._item(item))}</li>" for item in items)
                    yield f"<ul>{inner}</ul>" if start is None else f'<ol start="{start}">{inner}</ol>'
                case Quote(inner_blocks):
                    yield f"<blockquote>{''.join(self.blocks(inner_blocks))}</blockquote>"
                case Code(text):
                    yield f"<pre><code>{escape(text)}</code></pre>"
                case Rule():
                    yield "<hr>"
                case Grid(rows):
                    body = "".join(self._row(row, "td") for row in rows[1:])
                    yield f"<table>{self._row(rows[0], 'th')}{body}</table>"

    def _item(self, item: Sequence[Block]) -> Iterator[str]:
        """An item of one paragraph is set without the space around a paragraph."""
        match item:
            case [Paragraph(inlines), *rest]:
                yield self._line(inlines)
                yield from self.blocks(rest)
            case _:
                yield from self.blocks(item)

    def _row(self, row: Sequence[Sequence[Inline]], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{self._line(cell)}</{tag}>' for cell in row)}</tr>"

    def _line(self, inlines: Sequence[Inline]) -> str:
        return "".join(map(self._inline, inlines)).strip()

    def _inline(self, inline: Inline) -> str:
        match inline:
            case Run():
                return _run(inline)
            case Ref(number):
                place = "" if number in self._referred else f' id="ref-{number}"'
                self._referred.add(number)
                return f'<sup{place}><a href="#note-{number}">{number}</a></sup>'
            case Judged(verdict):
                # The word joiner keeps the sign on the line of its sentence's last word.
                return f"\u2060{_sign(verdict)}"
        return "<br>"


def _run(run: Run) -> str:
    written = escape(run.text)
    for tag, is_set in (("code", run.code), ("s", run.strike), ("em", run.em), ("strong", run.strong)):
        written = f"<{tag}>{written}</{tag}>" if is_set else written
    return written
