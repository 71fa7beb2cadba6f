"""An answer's text as blocks and runs that any format can be written from.

Nothing in it acts: what looked like a link, an image or HTML is plain text here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from markdown_it.tree import SyntaxTreeNode

from citewise.answer.markup import MARKER, VERDICT_PLACE, markdown_parser, with_verdict_places, without_marks
from citewise.language.hidden import without_turns
from citewise.types import Evidence, Verdict

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")
_HYPHENATION = re.compile("\u00ad\\s*")


@dataclass(frozen=True, slots=True)
class Run:
    """Words set in one way."""

    text: str
    strong: bool = False
    em: bool = False
    strike: bool = False
    code: bool = False


@dataclass(frozen=True, slots=True)
class Ref:
    """Refers to a footnote."""

    number: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What the check said of the sentence before."""

    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Break:
    """A line ends here."""


Inline: TypeAlias = Run | Ref | Judged | Break


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph."""

    inlines: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading within an answer; level 1 to 6."""

    level: int
    inlines: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    start: int | None  # of a numbered one
    items: tuple[tuple[Block, ...], ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """A block quotation."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Lines set as they are."""

    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; its first row is its header."""

    rows: tuple[tuple[tuple[Inline, ...], ...], ...]


Block: TypeAlias = Paragraph | Heading | Items | Quote | Code | Rule | Grid


def clean(text: str) -> str:
    """Return a text without characters that nobody sees or that no format holds; line ends stay."""
    return _CONTROLS.sub("", without_turns(_HYPHENATION.sub("", text)))


def line(text: str) -> str:
    """Return a text cleaned, on one line."""
    return " ".join(clean(text).split())


def read_prose(text: str, evidence: Sequence[Evidence], *, number_of: Callable[[int], int | None]) -> tuple[Block, ...]:
    """Read the text of an answer.

    Args:
        text: Markdown as the model wrote it, with markers.
        evidence: Sentences of ``text``.
        number_of: Marker → the number of its footnote, ``None`` for what is no citation and stays text.
            Asked in order.
    """
    source = with_verdict_places(without_marks(text), evidence)
    reader = _Reader(evidence, number_of)
    return reader.blocks(SyntaxTreeNode(markdown_parser().parse(source)))


def plain(text: str) -> str:
    """Return the words of Markdown on one line, without its signs."""
    return line(" ".join(_plain(read_prose(text, (), number_of=lambda _: None))))


def _plain(blocks: Sequence[Block]) -> Iterator[str]:
    for block in blocks:
        match block:
            case Paragraph(inlines) | Heading(_, inlines):
                yield "".join(one.text for one in inlines if isinstance(one, Run))
            case Items(_, items):
                for item in items:
                    yield from _plain(item)
            case Quote(inner):
                yield from _plain(inner)
            case Code(text):
                yield text


class _Reader:
    def __init__(self, evidence: Sequence[Evidence], number_of: Callable[[int], int | None]) -> None:
        self._evidence = evidence
        self._number_of = number_of

    def blocks(self, parent: SyntaxTreeNode) -> tuple[Block, ...]:
        return tuple(block for node in parent.children for block in self._block(node))

    def _block(self, node: SyntaxTreeNode) -> Iterator[Block]:
        match node.type:
            case "paragraph":
                yield Paragraph(self._line(node))
            case "heading":
                yield Heading(int(node.tag[1]), self._line(node))
            case "bullet_list" | "ordered_list":
                start = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
                yield Items(start, tuple(self.blocks(item) for item in node.children))
            case "blockquote":
                yield Quote(self.blocks(node))
            case "fence" | "code_block":
                yield Code(clean(VERDICT_PLACE.sub("", node.content)).rstrip("\n"))
                yield from self._after(node.content)
            case "hr":
                yield Rule()
            case "table":
                rows = [row for part in node.children for row in part.children]
                yield Grid(tuple(tuple(self._line(cell) for cell in row.children) for row in rows))

    def _after(self, code: str) -> Iterator[Block]:
        """The verdicts on sentences that end within code: they cannot stand in it."""
        judged = tuple(self._judged(found) for found in VERDICT_PLACE.finditer(code))
        if judged:
            yield Paragraph(judged)

    def _line(self, node: SyntaxTreeNode) -> tuple[Inline, ...]:
        return tuple(inline for child in node.children for inline in self._inlines(child, Run("")))

    def _inlines(self, node: SyntaxTreeNode, style: Run) -> Iterator[Inline]:
        match node.type:
            case "inline":
                for child in node.children:
                    yield from self._inlines(child, style)
            case "strong" | "em" | "s":
                inner = _set(style, node.type)
                for child in node.children:
                    yield from self._inlines(child, inner)
            case "text":
                yield from self._text(node.content, style)
            case "code_inline":
                yield replace(style, text=clean(VERDICT_PLACE.sub("", node.content)), code=True)
                yield from (self._judged(found) for found in VERDICT_PLACE.finditer(node.content))
            case "softbreak":
                yield replace(style, text=" ")
            case "hardbreak":
                yield Break()

    def _text(self, text: str, style: Run) -> Iterator[Inline]:
        at = 0
        for found in _PLACES.finditer(text):
            inline = self._place(found)
            if inline is not None:
                yield from _words(text[at : found.start()].rstrip(" "), style)
                yield inline
                at = found.end()
        yield from _words(text[at:], style)

    def _place(self, found: re.Match[str]) -> Inline | None:
        if verdict := VERDICT_PLACE.fullmatch(found[0]):
            return self._judged(verdict)
        marker = MARKER.fullmatch(found[0])
        number = self._number_of(int(marker[1])) if marker else None
        return None if number is None else Ref(number)

    def _judged(self, found: re.Match[str]) -> Judged:
        return Judged(self._evidence[int(found[1])].verdict)


_PLACES = re.compile(f"{VERDICT_PLACE.pattern}|{MARKER.pattern}")


def _words(text: str, style: Run) -> Iterator[Run]:
    words = re.sub(r"\s+", " ", clean(text))
    if words:
        yield replace(style, text=words)


def _set(style: Run, how: str) -> Run:
    match how:
        case "strong":
            return replace(style, strong=True)
        case "em":
            return replace(style, em=True)
    return replace(style, strike=True)
