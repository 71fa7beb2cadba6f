"""Building the text of a document so that its spans are right by construction."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import PurePosixPath

from citewise.types import Block, BlockKind, PageReport, PageSpan, ParsedDocument, ParseReport, Place

CELL_SEPARATOR = " | "

REPLACEMENT = "\ufffd"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SPACES = re.compile(r"\s+")
_BLANK_LINES = re.compile(r"\A(?:[^\S\n]*\n)+")
_SEPARATOR_IN_CELL = re.compile(r"\s*\|\s*")


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


def table_row(cells: Iterable[str]) -> str:
    """Write one row of a table as one line; "" when all its cells are blank.

    A separator within a cell loses its spaces, so that :func:`row_cells` finds the same cells again.
    """
    values = [collapse(_SEPARATOR_IN_CELL.sub("|", clean(cell))) for cell in cells]
    return CELL_SEPARATOR.join(values).strip() if any(values) else ""


def row_cells(line: str) -> list[str]:
    """Return the cells of a line that :func:`table_row` wrote."""
    return [cell.strip() for cell in f" {line} ".split(CELL_SEPARATOR)]


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
        self._pages: list[PageSpan] = []
        self._images: list[int] = []  # one for each page
        self._places: list[Place] = []
        self._part: tuple[str, str] | None = None  # what is being read: its name and its cells
        self._extends = False  # whether the last place is of that part, and grows

    @property
    def text(self) -> str:
        """Everything written so far."""
        return "".join(self._parts)

    def add(self, kind: BlockKind, text: str, *, level: int = 1, indent: int = 0) -> None:
        """Append a block; blank text is ignored.

        Args:
            level: The rank of a heading, 1 the highest.
            indent: How deep an item of a list stands; shown by spaces in front of the block.
        """
        text = clean(text)
        # The first line of code keeps its indentation, in front of the block.
        text = _BLANK_LINES.sub("", text).rstrip() if kind == "code" else text.strip()
        if not text:
            return
        path = self._headings.enter(level, collapse(text)) if kind == "heading" else self._headings.path
        block = self._write_block(kind, "  " * indent + text, path)
        self._place(block.start, block.end)

    def add_table(
        self,
        rows: Iterable[Sequence[str]],
        *,
        header_rows: int = 0,
        caption: str = "",
        caption_below: bool = False,
        cells: Sequence[str] = (),
    ) -> None:
        """Append a table, one line for each row; rows without any text are ignored, and so is a table of such.

        Args:
            rows: Its cells; a cell's own line breaks become spaces.
            header_rows: How many of the first rows are column headers.
            caption: Its words, which go before the table as a block of their own, unless the block
                right before it says the same already.
            caption_below: Whether the caption's block comes after the table, and is the caller's to add.
            cells: Where each row stands, "A5:C5"; every row is then a place within the current part.
        """
        caption = collapse(clean(caption))
        lines = [(index, line) for index, row in enumerate(rows) if (line := table_row(row))]
        if not lines:
            return
        # A block is the last piece that was written.
        if caption and not caption_below and not (self._parts and collapse(self._parts[-1]) == caption):
            self.add("caption", caption)
        header = "\n".join(line for index, line in lines if index < header_rows)
        block = self._write_block("table", "\n".join(line for _, line in lines), self._headings.path)
        self._blocks[-1] = replace(block, caption=caption, header=header)
        if not cells:
            self._place(block.start, block.end)
            return
        self._extends = False
        part, _ = self._part or ("", "")
        start = block.start
        for index, line in lines:
            self._places.append(Place(start, start + len(line), part, cells[index]))
            start += len(line) + 1

    @contextmanager
    def place(self, part: str, cells: str = "") -> Iterator[None]:
        """Say where what is written meanwhile comes from; within another place, as a part of that one."""
        outer = self._part
        self._part = (_joined(outer[0] if outer else "", part), cells)
        self._extends = False
        try:
            yield
        finally:
            self._part, self._extends = outer, False

    def page(self, number: int, *, images: int = 0) -> None:
        """Begin a page or slide, with so many images on it; numbers count from 1."""
        if self._pages:
            self._pages[-1] = replace(self._pages[-1], end=self._length)
        self._pages.append(PageSpan(number, self._length, self._length))
        self._images.append(images)
        self._extends = False

    def leave_headings(self) -> None:
        """Say that what follows stands below none of the headings so far: a slide or a sheet of its own."""
        self._headings = HeadingPath()

    def add_document(self, document: ParsedDocument) -> None:
        """Append another document, below the current heading and as part of the current place.

        Its pages become places; what its report says is the caller's to pass on.
        """
        if not document.text.strip():
            return
        self._separate(together=False)
        shift = self._length
        self._parts.append(document.text)
        self._length += len(document.text)
        page, above = self._page_number(), self._headings.path
        self._blocks += [
            replace(
                block,
                start=block.start + shift,
                end=block.end + shift,
                page=page,
                headings=(*above, *block.headings),
            )
            for block in document.blocks
        ]
        inner = list(document.places) or [
            Place(page.start, page.end, f"page {page.number}") for page in document.pages if page.start < page.end
        ]
        if not inner:
            self._place(self._blocks[-len(document.blocks)].start, self._blocks[-1].end)
            return
        outer, cells = self._part or ("", "")
        self._places += [
            Place(place.start + shift, place.end + shift, _joined(outer, place.part), place.cells or cells)
            for place in inner
        ]
        self._extends = False

    def document(
        self,
        *,
        media_type: str,
        source: str,
        title: str = "",
        images: int = 0,
        warnings: Sequence[str] = (),
        left_out: Sequence[str] = (),
        unread: Sequence[str] = (),
    ) -> ParsedDocument:
        """Return what was written; without a ``title`` the first heading or the file name is one.

        ``images`` counts those on no page.
        """
        if self._pages:
            self._pages[-1] = replace(self._pages[-1], end=self._length)
        text = self.text
        tables = Counter(block.page for block in self._blocks if block.kind == "table")
        return finish(
            text,
            self._blocks,
            media_type=media_type,
            source=source,
            title=title,
            images=images + sum(self._images),
            warnings=warnings,
            left_out=left_out,
            unread=unread,
            pages=tuple(self._pages),
            page_reports=tuple(
                PageReport(
                    page=page.number,
                    characters=len("".join(text[page.start : page.end].split())),
                    tables=tables[page.number],
                    images=count,
                )
                for page, count in zip(self._pages, self._images, strict=True)
            ),
            places=tuple(self._places),
        )

    def _write_block(self, kind: BlockKind, text: str, path: tuple[str, ...]) -> Block:
        # Items of one list stay together; everything else is set apart by a blank line.
        self._separate(together=kind == "list_item" and bool(self._blocks) and self._blocks[-1].kind == "list_item")
        start = self._length + len(text) - len(text.lstrip())
        self._parts.append(text)
        self._length += len(text)
        block = Block(kind=kind, start=start, end=self._length, page=self._page_number(), headings=path)
        self._blocks.append(block)
        return block

    def _separate(self, *, together: bool) -> None:
        if not self._blocks:
            return
        begins_page = bool(self._pages) and self._pages[-1].start == self._length
        self._parts.append("\n" if together and not begins_page else "\n\n")
        self._length += len(self._parts[-1])
        if begins_page:  # what sets pages apart belongs to none of them
            self._pages[-1] = replace(self._pages[-1], start=self._length)

    def _place(self, start: int, end: int) -> None:
        if self._part is None:
            return
        if self._extends:
            self._places[-1] = replace(self._places[-1], end=end)
        else:
            self._places.append(Place(start, end, *self._part))
            self._extends = True

    def _page_number(self) -> int | None:
        return self._pages[-1].number if self._pages else None


def _joined(outer: str, inner: str) -> str:
    return ", ".join(part for part in (outer, inner) if part)


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
    unread: Sequence[str] = (),
    pages: tuple[PageSpan, ...] = (),
    page_reports: tuple[PageReport, ...] = (),
    places: tuple[Place, ...] = (),
) -> ParsedDocument:
    """Put a document together; see :meth:`Composer.document`."""
    first_heading = next((collapse(text[b.start : b.end]) for b in blocks if b.kind == "heading"), "")
    return ParsedDocument(
        text=text,
        blocks=tuple(blocks),
        pages=pages,
        report=ParseReport(
            characters=len(text),
            pages=page_reports,
            tables=sum(block.kind == "table" for block in blocks),
            images=images,
            warnings=tuple(warnings),
            left_out=tuple(left_out),
            unread=tuple(unread),
        ),
        media_type=media_type,
        title=collapse(clean(title)) or first_heading[:200] or stem(source),
        places=places,
    )
