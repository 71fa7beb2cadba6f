"""A conversation as Markdown (GitHub's, Pandoc's) with footnotes.

Everything that came from a person, a model or a document is escaped. What renderers turn into
links or pictures by themselves (addresses, e-mail, ``:shortcodes:``) is set as code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from citewise.answer.export.paper import DIFFERING, LEGEND, SIGNS, Doubt, Entry, Note, Paper
from citewise.answer.export.prose import (
    Block,
    Break,
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

# What renderers make something of, wherever it stands.
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~$&#^{}])")
# What does something at the beginning of a line: lists, headings, underlines of headings.
_LEADING = re.compile(r"^(\d{1,9}(?=[.)](?:\s|$))|(?=[-+][-+\s]|[-+]$|[=:]))([-+=:.)])")
_ESCAPED = r"\\\1"
_TICKS = re.compile("`+")
_AROUND = ".,;!?()“”\"'"  # punctuation that is no part of an address
_ACTING = re.compile(
    r"://|^\W*www\.|@|:[\w+-]+:|^\W*(?:mailto|xmpp|javascript|data):"  # addresses, e-mail, shortcodes
    r"|^\W*[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b",  # names of hosts, and of files that look like one
    re.IGNORECASE,
)


def write_markdown(paper: Paper) -> str:
    """Write a paper as Markdown."""
    legend = " · ".join(f"{sign} {word}" for sign, word in SIGNS.values())
    parts = [f"# {_text(paper.title)}", _text(paper.subtitle), f"{_text(LEGEND)}\n\n**{legend}**"]
    for entry in paper.entries:
        parts += _entry(entry)
    if paper.notes:
        parts += ["---", "## Footnotes", *map(_note, paper.notes)]
    return "\n\n".join(parts) + "\n"


def _entry(entry: Entry) -> Iterator[str]:
    yield f"## {entry.number}. {_text(entry.question)}"
    yield from _blocks(entry.blocks)
    if entry.ending:
        yield f"> **{_text(entry.ending)}**"
    if entry.differing:
        yield f"**{DIFFERING}**"
        yield from _blocks(entry.differing)
    if entry.nearest:
        yield "**Nearest passages**"
        yield "\n".join(
            f"- **{_name(source)}**{f', {_text(place, at_start=False)}' if place else ''}: “{_text(words)}”"
            for source, place, words in entry.nearest
        )
    if entry.checks:
        counts = ", ".join(f"{count} {SIGNS[verdict][0]} {SIGNS[verdict][1]}" for verdict, count in entry.checks)
        yield f"**Checked sentences:** {counts}"
    if entry.doubts:
        yield "\n".join(map(_doubt, entry.doubts))
    if entry.remarks:
        yield "\n".join(f"- {_text(remark)}" for remark in entry.remarks)
    yield " · ".join(f"*{name}:* {_text(value)}" for name, value in entry.facts)


def _doubt(doubt: Doubt) -> str:
    sign, word = SIGNS[doubt.verdict]
    reason = f": {_text(doubt.reason)}" if doubt.reason else ""
    return f"- {sign} “{_text(doubt.sentence)}” ({word}{reason})"


def _note(note: Note) -> str:
    # "Source 3:" keeps readers without footnotes from taking the line for the address of a link.
    begin = f"[^{note.number}]: Source {note.number}:"
    change = f" {_text(note.change)}" if note.change else ""
    if not note.source:
        return f"{begin}{change}"
    return f"{begin} **{_name(note.source)}**, {_text(note.place)}. “{_text(note.quote)}” (`{note.ref}`){change}"


# --- blocks ---------------------------------------------------------------------------


def _blocks(blocks: Sequence[Block]) -> Iterator[str]:
    for block in blocks:
        match block:
            case Paragraph(inlines):
                yield _line(inlines)
            case Heading(level, inlines):
                yield f"{'#' * min(6, level + 2)} {_line(inlines)}"
            case Items(start, items):
                numbers = [f"{start + index}." if start is not None else "-" for index in range(len(items))]
                yield "\n".join(
                    _indented("\n\n".join(_blocks(item)), f"{number} ")
                    for number, item in zip(numbers, items, strict=True)
                )
            case Quote(inner):
                yield "\n".join(f"> {line}".rstrip() for line in "\n\n".join(_blocks(inner)).split("\n"))
            case Code(text):
                fence = "`" * max(3, _longest_ticks(text) + 1)
                yield f"{fence}\n{text}\n{fence}"
            case Rule():
                yield "---"
            case Grid(rows):
                lines = [f"| {' | '.join(_line(cell, in_cell=True) for cell in row)} |" for row in rows]
                yield "\n".join([lines[0], f"|{' --- |' * len(rows[0])}", *lines[1:]])


def _indented(text: str, first: str) -> str:
    return first + text.replace("\n", "\n" + " " * len(first)).replace("\n" + " " * len(first) + "\n", "\n\n")


def _line(inlines: Sequence[Inline], *, in_cell: bool = False) -> str:
    written = ""
    for inline in inlines:
        match inline:
            case Run():
                written += _run(inline, at_start=not written or written.endswith("\n"), in_cell=in_cell)
            case Ref(number):
                written += f"[^{number}]"
            case Judged(verdict):
                written += f" {SIGNS[verdict][0]}"
            case Break():
                written += " " if in_cell else "\\\n"
    return written.strip()


def _run(run: Run, *, at_start: bool, in_cell: bool) -> str:
    core = run.text.strip()
    if not core:
        return run.text
    before, after = run.text[: len(run.text) - len(run.text.lstrip())], run.text[len(run.text.rstrip()) :]
    written = _code(core, in_cell=in_cell) if run.code else _text(core, at_start=at_start, in_cell=in_cell)
    for sign, is_set in (("~~", run.strike), ("*", run.em), ("**", run.strong)):
        written = f"{sign}{written}{sign}" if is_set else written
    return f"{before}{written}{after}"


# --- words ----------------------------------------------------------------------------


def _text(text: str, *, at_start: bool = True, in_cell: bool = False) -> str:
    """Escape a line of text, so that nothing in it acts."""
    escaped = " ".join(_word(word, in_cell=in_cell) for word in text.split())
    # The last character of what begins a line is the one that makes it act: "-", or the dot of "1.".
    return _LEADING.sub(r"\1\\\2", escaped, count=1) if at_start else escaped


def _word(word: str, *, in_cell: bool) -> str:
    if not _ACTING.search(word):
        return _SPECIAL.sub(_ESCAPED, word)
    core = word.strip(_AROUND)
    before, _, after = word.partition(core)
    return f"{_SPECIAL.sub(_ESCAPED, before)}{_code(core, in_cell=in_cell)}{_SPECIAL.sub(_ESCAPED, after)}"


def _name(source: str) -> str:
    """A name of a file, which may be that of a host too: as code in one piece."""
    return _code(source, in_cell=False) if any(map(_ACTING.search, source.split(" "))) else _text(source)


def _code(text: str, *, in_cell: bool) -> str:
    ticks = "`" * (_longest_ticks(text) + 1)
    blank = " " if text.startswith("`") or text.endswith("`") else ""
    if in_cell:  # a table is cut at bars, within code too
        text = text.replace("|", "\\|")
    return f"{ticks}{blank}{text}{blank}{ticks}"


def _longest_ticks(text: str) -> int:
    return max((len(found[0]) for found in _TICKS.finditer(text)), default=0)
