"""Cuts the passages that were found into what can be quoted: sentences, items, rows, lines of code.

Where the blocks of a document are known, nothing crosses them: an item of a list, a row of a
table, a line of code each stand for themselves, and headings and what repeats on every page are
left out. Where they are not, the lines of the text tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from citewise.answer.sentences import item_start, sentence_spans
from citewise.language.terms import terms
from citewise.protocols import Source
from citewise.types import Block, BlockKind, Chunk

BlocksOf = Callable[[Chunk], Sequence[Block]]
"""The blocks of a chunk's document that the chunk touches, in order; positions are the document's."""

Span = tuple[int, int]
"""Start and end, exclusive, in ``chunk.text``."""

_LONGEST = 700  # characters; what is longer is a table without breaks or a text without stops
_HEADING_WORDS = 9
_COLUMNS = 200  # characters of column names that are compared with each row
_LEADER = re.compile(r"\s*[.…·]")  # dots that lead to the page number in a table of contents
_LEADERS = re.compile(r"(?:[.…·_] ?){4,}\s*\S{0,6}$")
_ENDS = ".!?:;…。！？"
_CLOSERS = "\"')]”’"
_NUMBERED_HEADING = re.compile(
    r"(?:\d{1,2}(?:\.\d{1,2})+\.?\s[A-Z][^:]*|(?:\(?[\dA-Za-z]{1,3}[.)]\s+)?[^a-z\d]*[A-Z]{3}[^a-z\d]*)"
)
_RULE = re.compile(r"[\s|:+=-]+")  # the line below the header of a table in Markdown
_LINE = re.compile(r"[^\n]+")
_CODE_NOISE = re.compile(r"\W*(?:pass|else|try|finally|return|break|continue|end|fi|done|self)?\W*")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One sentence, item, row or line that could be quoted."""

    source: int  # index into the sources
    ordinal: int  # in its chunk
    start: int  # in chunk.text
    end: int
    text: str
    terms: frozenset[str]
    around: frozenset[str]  # terms of title, headings and the sentence before; of a row its table's columns
    whole: bool  # begins and ends as sentences do
    kind: BlockKind = "paragraph"
    meaning: str = ""  # what is compared by meaning, where the text alone says too little; "": the text
    group: int = -1  # the same for all items of one list, all rows of one table, in one chunk; -1: none
    lead: Span | None = None  # the sentence that leads into its list; the column headers of its table


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of a chunk before it is looked at as a quote."""

    start: int
    end: int
    kind: BlockKind
    headings: tuple[str, ...]
    columns: str = ""  # of a row: the headers of its table
    caption: str = ""
    group: int = -1
    lead: Span | None = None

    @property
    def label(self) -> str:
        """The nearest words above it."""
        return self.caption or (self.headings[-1] if self.headings else "")

    @property
    def frame(self) -> str:
        """All that stands above it."""
        return f"{' '.join(self.headings)} {self.caption} {self.columns}"


def candidates(sources: Sequence[Source], *, blocks_of: BlocksOf | None = None) -> list[Candidate]:
    """Return what could be quoted of all sources, in their order; what chunks repeat is there once."""
    found: list[Candidate] = []
    seen: dict[tuple[str, int], list[Span]] = {}
    for index, source in enumerate(sources):
        chunk = source.hit.chunk
        title = frozenset(terms(source.hit.title))
        before: frozenset[str] = frozenset()
        taken = seen.setdefault((chunk.document_id, chunk.version), [])
        blocks = blocks_of(chunk) if blocks_of else ()
        for ordinal, piece in enumerate(_in_blocks(chunk, blocks) if blocks else _in_lines(chunk)):
            text = chunk.text[piece.start : piece.end]
            bag = frozenset(terms(text))
            around = title | frozenset(terms(piece.frame))
            if piece.lead is not None:
                around |= frozenset(terms(chunk.text[slice(*piece.lead)]))
            if piece.kind in ("paragraph", "caption", "code"):
                around |= before
            before = bag
            at = (chunk.start + piece.start, chunk.start + piece.end)
            quotable = _is_quotable(text, piece.kind, chunk.headings) and not _LEADER.match(chunk.text, piece.end)
            if not quotable or any(start <= at[0] and at[1] <= end for start, end in taken):
                continue
            taken.append(at)
            found.append(
                Candidate(
                    source=index,
                    ordinal=ordinal,
                    start=piece.start,
                    end=piece.end,
                    text=text,
                    terms=bag,
                    around=around,
                    whole=piece.kind in ("list_item", "table") or _is_whole(text),
                    kind=piece.kind,
                    meaning=_meaning(text, piece, chunk),
                    group=piece.group,
                    lead=piece.lead,
                )
            )
    return found


def _meaning(text: str, piece: _Piece, chunk: Chunk) -> str:
    """What a piece says together with what stands above it; "" where it says enough by itself."""
    if piece.kind == "table":
        return f"{piece.label}: {_with_columns(text, piece.columns)}"
    if piece.kind == "list_item":
        above = chunk.text[slice(*piece.lead)] if piece.lead else piece.label
        return f"{above.strip(': ')}: {text[item_start(text) :]}" if above.strip(": ") else ""
    return ""


def _with_columns(row: str, columns: str) -> str:
    """Put the names of the columns before the cells of a row; before the whole row where they do not fit."""
    names, cells = _cells(columns.strip().split("\n")[-1]), _cells(row)
    if len(names) != len(cells) or len(cells) == 1:
        return f"{' '.join(columns.split())[:_COLUMNS]}: {', '.join(cell for cell in cells if cell)}"
    return ", ".join(f"{name} {cell}".strip() for name, cell in zip(names, cells, strict=True) if cell)


def _cells(row: str) -> list[str]:
    return [" ".join(cell.split()) for cell in row.strip().removeprefix("|").removesuffix("|").split("|")]


def _in_lines(chunk: Chunk) -> Iterator[_Piece]:
    """Cut a chunk of which nothing but the text is known."""
    group = 0
    lead: Span | None = None
    last: BlockKind = "paragraph"
    previous: Span | None = None
    for start, end in sentence_spans(chunk.text):
        text = chunk.text[start:end]
        kind: BlockKind = "table" if " | " in text else "list_item" if item_start(text) else "paragraph"
        if kind == "paragraph":
            yield _Piece(start, end, kind, chunk.headings)
        else:
            if kind != last:
                group += 1
                leads = kind == "list_item" and previous is not None and _leads(chunk.text[slice(*previous)])
                lead = previous if leads else None
            columns = _columns(chunk) if kind == "table" else ""
            yield _Piece(start, end, kind, chunk.headings, columns, group=group, lead=lead)
        last, previous = kind, (start, end)


def _columns(chunk: Chunk) -> str:
    """The column headers that a chunk of rows carries in its context."""
    return "\n".join(line for line in chunk.context.split("\n") if " | " in line)


def _in_blocks(chunk: Chunk, blocks: Sequence[Block]) -> Iterator[_Piece]:
    """Cut a chunk block by block."""
    group = 0
    last: BlockKind = "paragraph"
    previous: Span | None = None  # the sentence right before this block, if it leads into a list
    lead: Span | None = None
    for block in blocks:
        start, end = max(block.start - chunk.start, 0), min(block.end - chunk.start, len(chunk.text))
        if start >= end or block.kind == "furniture":
            continue
        if block.kind == "list_item":
            if last != "list_item":
                group += 1
                lead = previous
            for span in _sentences(chunk.text, start, end):
                yield _Piece(*span, "list_item", block.headings, group=group, lead=lead)
        elif block.kind == "table":
            group += 1
            yield from _rows(chunk, block, (start, end), group)
        elif block.kind == "code":
            for span in _lines(chunk.text, start, end):
                yield _Piece(*span, "code", block.headings)
        previous = None
        if block.kind in ("paragraph", "caption"):
            for span in _sentences(chunk.text, start, end):
                yield _Piece(*span, block.kind, block.headings)
                previous = span if _leads(chunk.text[slice(*span)]) else None
        last = block.kind


def _rows(chunk: Chunk, block: Block, span: Span, group: int) -> Iterator[_Piece]:
    header = {line.strip().removeprefix("| ").removesuffix(" |") for line in block.header.split("\n")}
    lead: Span | None = None
    for start, end in map(partial(_without_frame, chunk.text), _lines(chunk.text, *span)):
        line = chunk.text[start:end]
        if _RULE.fullmatch(line):
            continue
        if line in header:
            lead = (start, end) if lead is None else (lead[0], end)
            continue
        yield _Piece(start, end, "table", block.headings, _names(block.header), block.caption, group, lead)


def _without_frame(text: str, row: Span) -> Span:
    """Leave out the bars around a row of a table in Markdown."""
    start, end = row
    return (start + 2, end - 2) if text.startswith("| ", start) and text.endswith(" |", start + 2, end) else row


def _names(header: str) -> str:
    """The lines of a header that hold names, and not the rule below them."""
    return "\n".join(line for line in header.split("\n") if line.strip() and not _RULE.fullmatch(line))


def _sentences(text: str, start: int, end: int) -> Iterator[Span]:
    for first, last in sentence_spans(text[start:end]):
        yield start + first, start + last


def _lines(text: str, start: int, end: int) -> Iterator[Span]:
    for match in _LINE.finditer(text, start, end):
        line = match.group()
        left = match.start() + len(line) - len(line.lstrip())
        if line.strip():
            yield left, match.start() + len(line.rstrip())


def _leads(text: str) -> bool:
    """Whether a sentence leads into a list."""
    return text.rstrip().endswith(":")


def _is_whole(text: str) -> bool:
    return (text[0].isupper() or not text[0].isalpha()) and text.rstrip(_CLOSERS)[-1:] in _ENDS


def _is_quotable(text: str, kind: BlockKind, headings: Sequence[str]) -> bool:
    """Whether a piece says something by itself: no heading, line of a table of contents, or row of bare figures."""
    bare = text.strip()
    if len(bare) > _LONGEST or bare in headings or _LEADERS.search(bare):
        return False
    if kind not in ("table", "code") and len(bare.split()) <= _HEADING_WORDS and _NUMBERED_HEADING.fullmatch(bare):
        return False
    match kind:
        case "code":
            return not _CODE_NOISE.fullmatch(bare)
        case "table":  # a PDF has nothing between the cells of a row
            cells = sum(map(bool, _cells(bare))) if "|" in bare else len(bare.split())
            return cells > 1 and any(character.isalpha() for character in bare)
        case "list_item":
            return len(bare.split()) > 1 and any(character.isalpha() for character in bare)
        case _:
            return _is_sentence(bare)


def _is_sentence(bare: str) -> bool:
    pieces = bare.split()
    worded = sum(any(character.isalpha() for character in piece) for piece in pieces)
    if bare.startswith("#") or worded < 2 or worded * 2 < len(pieces):
        return False
    if bare[-1] in f"{_ENDS}{_CLOSERS}":
        return len(pieces) >= 3
    # Without a full stop it may be a heading, which is short and has no figures.
    return len(pieces) > _HEADING_WORDS or any(character.isdigit() for character in bare)
