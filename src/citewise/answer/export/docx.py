"""A conversation as a Word document with real footnotes.

Written here and not with python-docx, which has no footnotes: a handful of small XML parts in a
zip. No part refers to anything outside of the file.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape

from citewise.answer.export import docx_parts
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
from citewise.types import Verdict

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # of the files in the zip: the same paper gives the same bytes
_DEEPEST = 8  # level of a list that Word has
_COLOURS: dict[Verdict, str] = {
    "supported": "1B7A44",
    "partial": "8A5A00",
    "unsupported": "B3261E",
    "not_checked": "5C6475",
}


def write_docx(paper: Paper) -> bytes:
    """Write a paper as a Word document."""
    body = _Body(paper)
    created = datetime.fromtimestamp(paper.exported_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    document = docx_parts.document("".join(body.parts()))
    parts = {
        **docx_parts.FIXED,
        "docProps/core.xml": docx_parts.properties(_escaped(paper.title), created),
        "word/document.xml": document,
        "word/footnotes.xml": docx_parts.footnotes("".join(map(_note, paper.notes))),
        "word/numbering.xml": docx_parts.numbering(body.numbered),
    }
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return written.getvalue()


class _Body:
    def __init__(self, paper: Paper) -> None:
        self._paper = paper
        self._referred: set[int] = set()
        self.numbered: list[int] = []  # where each numbered list starts

    def parts(self) -> Iterator[str]:
        paper = self._paper
        yield _paragraph(_run(paper.title), "Title")
        yield _paragraph(_run(paper.subtitle), "Subtitle")
        signs = (f"{_sign(verdict)}{_run(f' {word}')}" for verdict, (_, word) in SIGNS.items())
        yield _paragraph(_run(f"{LEGEND} ") + _run("   ").join(signs), "Legend")
        for entry in paper.entries:
            yield from self._entry(entry)

    def _entry(self, entry: Entry) -> Iterator[str]:
        yield _paragraph(_run(f"{entry.number}.  {entry.question}"), "Heading1")
        yield from self._blocks(entry.blocks)
        if entry.ending:
            yield _paragraph(_run(entry.ending), "Ending")
        if entry.differing:
            yield _paragraph(_run(DIFFERING, "<w:b/>"), "Ending")
            yield from self._blocks(entry.differing)
        if entry.nearest:
            yield _paragraph(_run("Nearest passages"), "Heading2")
            for source, place, words in entry.nearest:
                where = f", {place}: " if place else ": "
                named = _run(source, "<w:b/>") + _run(where + words)
                yield _paragraph(named, "ListBullet", docx_parts.bullet(0))
        if entry.checks:
            counts = (f"{_sign(verdict)}{_run(f' {count} {SIGNS[verdict][1]}')}" for verdict, count in entry.checks)
            yield _paragraph(_run("Checked sentences:  ", "<w:b/>") + _run("   ").join(counts), "Checks")
        yield from map(_doubt, entry.doubts)
        for remark in entry.remarks:
            yield _paragraph(_run(remark), "Checks")
        facts = (_run(f"{name}: ", "<w:b/>") + _run(value) for name, value in entry.facts)
        yield _paragraph(_run("   ").join(facts), "Facts")

    # --- blocks -----------------------------------------------------------------------

    def _blocks(self, blocks: Sequence[Block], *, style: str = "", level: int = -1) -> Iterator[str]:
        for block in blocks:
            match block:
                case Paragraph(inlines):
                    yield _paragraph(self._line(inlines), style, docx_parts.indented(level))
                case Heading(own, inlines):
                    yield _paragraph(self._line(inlines), f"Heading{min(4, own + 1)}")
                case Items(start, items):
                    yield from self._items(start, items, min(level + 1, _DEEPEST))
                case Quote(inner):
                    yield from self._blocks(inner, style="Quote", level=level)
                case Code(text):
                    lines = "<w:br/>".join(
                        f'<w:t xml:space="preserve">{_escaped(one)}</w:t>' for one in text.split("\n")
                    )
                    yield _paragraph(f"<w:r>{lines}</w:r>", "Code")
                case Rule():
                    yield _paragraph("", "Rule")
                case Grid(rows):
                    yield self._table(rows)

    def _items(self, start: int | None, items: Sequence[Sequence[Block]], level: int) -> Iterator[str]:
        if start is not None:
            self.numbered.append(start)
        own = docx_parts.bullet(level) if start is None else docx_parts.numeral(level, len(self.numbered))
        style = "ListBullet" if start is None else "ListNumber"
        for item in items:
            match item:
                case [Paragraph(inlines), *rest]:
                    yield _paragraph(self._line(inlines), style, own)
                    yield from self._blocks(rest, level=level)
                case _:
                    yield _paragraph("", style, own)
                    yield from self._blocks(item, level=level)

    def _table(self, rows: Sequence[Sequence[Sequence[Inline]]]) -> str:
        written = []
        for index, row in enumerate(rows):
            cells = (self._line(cell, "<w:b/>" if index == 0 else "") for cell in row)
            written.append(docx_parts.row((_paragraph(cell, "Cell") for cell in cells), header=index == 0))
        return docx_parts.table("".join(written), columns=len(rows[0]))

    # --- runs -------------------------------------------------------------------------

    def _line(self, inlines: Sequence[Inline], more: str = "") -> str:
        return "".join(self._inline(inline, more) for inline in inlines)

    def _inline(self, inline: Inline, more: str) -> str:
        match inline:
            case Run():
                style = '<w:rStyle w:val="CodeChar"/>' if inline.code else ""
                bold = "<w:b/>" if inline.strong or more else ""
                italic, strike = "<w:i/>" if inline.em else "", "<w:strike/>" if inline.strike else ""
                return _run(inline.text, f"{style}{bold}{italic}{strike}")
            case Ref(number):
                first = number not in self._referred
                self._referred.add(number)
                return docx_parts.footnote_reference(number) if first else docx_parts.further_reference(number)
            case Judged(verdict):
                return _run("\u00a0") + _sign(verdict)
            case Break():
                return "<w:r><w:br/></w:r>"


def _note(note: Note) -> str:
    words = _run(" ")
    if note.source:
        words += _run(note.source, "<w:b/>") + _run(f", {note.place}. “{note.quote}” ")
        words += _run(note.ref, '<w:rStyle w:val="CodeChar"/>')
    if note.change:
        words += _run(f" {note.change}", "<w:i/>")
    return docx_parts.footnote(note.number, words)


def _doubt(doubt: Doubt) -> str:
    reason = f": {doubt.reason}" if doubt.reason else ""
    said = _run(f" “{doubt.sentence}” ") + _run(f"{SIGNS[doubt.verdict][1]}{reason}", "<w:i/>")
    return _paragraph(_sign(doubt.verdict) + said, "Checks")


def _sign(verdict: Verdict) -> str:
    font = '<w:rFonts w:ascii="Segoe UI Symbol" w:eastAsia="Segoe UI Symbol" w:hAnsi="Segoe UI Symbol"/>'
    return _run(SIGNS[verdict][0], f'{font}<w:color w:val="{_COLOURS[verdict]}"/>')


def _paragraph(runs: str, style: str = "", more: str = "") -> str:
    named = f'<w:pStyle w:val="{style}"/>' if style else ""
    properties = f"<w:pPr>{named}{more}</w:pPr>" if named or more else ""
    return f"<w:p>{properties}{runs}</w:p>"


def _run(text: str, properties: str = "") -> str:
    set_so = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f'<w:r>{set_so}<w:t xml:space="preserve">{_escaped(text)}</w:t></w:r>'


def _escaped(text: str) -> str:
    return escape(_NOT_XML.sub("", text), quote=False)
