"""Building the text of a document so that its spans are right by construction."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from citewise.types import Block, BlockKind, PageSpan, ParsedDocument, ParseReport

REPLACEMENT = "\ufffd"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SPACES = re.compile(r"\s+")


def clean(text: str) -> str:
    """Replace NULs and lone surrogates, which neither UTF-8 nor databases hold, one for one."""
    return _UNSTORABLE.sub(REPLACEMENT, text)


def collapse(text: str) -> str:
    """Make one line of ``text``: every run of white space becomes a space."""
    return _SPACES.sub(" ", text).strip()


def stem(source: str) -> str:
    """Return the file name of ``source`` without folder and extension, for a title."""
    name = PurePosixPath(source.replace("\\", "/"))
    return name.stem or name.name or source


class HeadingPath:
    """The headings above the current place, outermost first."""

    def __init__(self) -> None:
        self._levels: list[tuple[int, str]] = []

    def enter(self, level: int, title: str) -> tuple[str, ...]:
        """Go below a new heading; returns the path above that heading itself."""
        while self._levels and self._levels[-1][0] >= level:
            self._levels.pop()
        above = self.path
        if title:
            self._levels.append((level, title))
        return above

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(title for _, title in self._levels)


class Composer:
    """Writes a document block by block, for formats whose text has no layout of its own."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._blocks: list[Block] = []
        self._headings = HeadingPath()

    @property
    def text(self) -> str:
        """Everything written so far."""
        return "".join(self._parts)

    def add(self, kind: BlockKind, text: str, *, level: int = 1) -> None:
        """Append a block; blank text is ignored. ``level`` is the rank of a heading, 1 the highest."""
        text = clean(text).strip()
        if not text:
            return
        path = self._headings.enter(level, collapse(text)) if kind == "heading" else self._headings.path
        if self._blocks:
            # Items of one list stay together; everything else is set apart by a blank line.
            both_items = kind == "list_item" and self._blocks[-1].kind == "list_item"
            self._write("\n" if both_items else "\n\n")
        start = self._length
        self._write(text)
        self._blocks.append(Block(kind=kind, start=start, end=self._length, headings=path))

    def document(
        self,
        *,
        media_type: str,
        source: str,
        title: str = "",
        images: int = 0,
        warnings: Sequence[str] = (),
        left_out: Sequence[str] = (),
    ) -> ParsedDocument:
        """Return what was written; without a ``title`` the first heading or the file name is one."""
        return finish(
            self.text,
            self._blocks,
            media_type=media_type,
            source=source,
            title=title,
            images=images,
            warnings=warnings,
            left_out=left_out,
        )

    def _write(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)


def finish(
    text: str,
    blocks: Sequence[Block],
    *,
    media_type: str,
    source: str,
    title: str = "",
    images: int = 0,
    warnings: Sequence[str] = (),
    left_out: Sequence[str] = (),
    pages: tuple[PageSpan, ...] = (),
) -> ParsedDocument:
    """Put a document without page reports together; see :meth:`Composer.document`."""
    first_heading = next((collapse(text[b.start : b.end]) for b in blocks if b.kind == "heading"), "")
    return ParsedDocument(
        text=text,
        blocks=tuple(blocks),
        pages=pages,
        report=ParseReport(
            characters=len(text),
            tables=sum(block.kind == "table" for block in blocks),
            images=images,
            warnings=tuple(warnings),
            left_out=tuple(left_out),
        ),
        media_type=media_type,
        title=collapse(clean(title)) or first_heading[:200] or stem(source),
    )
