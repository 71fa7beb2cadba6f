"""PowerPoint 97 to 2003 (.ppt): slides with the text of their shapes, tables and notes.

The layout is that of [MS-PPT]: the stream ``PowerPoint Document`` is a tree of records; the
last edit says where each persistent object, such as a slide, stands now.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import olefile

from citewise.errors import IngestError
from citewise.ingest.limits import MAX_SLIDES
from citewise.ingest.parse import ole
from citewise.ingest.parse.compose import Composer, collapse
from citewise.ingest.parse.slides import ON_MASTERS, own_title
from citewise.ingest.parse.tables import count_header_rows
from citewise.types import BlockKind, ParsedDocument

MEDIA_TYPE = "application/vnd.ms-powerpoint"

_DOCUMENT, _SLIDE, _NOTES, _MASTER, _DRAWING = 0x03E8, 0x03EE, 0x03F0, 0x03F8, 0x040C
_SLIDE_PERSIST, _NOTES_ATOM, _SLIDE_SHOW_INFO, _SLIDE_LIST = 0x03F3, 0x03F1, 0x03F9, 0x0FF0
_TEXT_HEADER, _TEXT_CHARS, _TEXT_BYTES, _OUTLINE_REFERENCE = 0x0F9F, 0x0FA0, 0x0FA8, 0x0F9E
_USER_EDIT, _PERSIST_DIRECTORY, _COMMENT = 0x0FF5, 0x1772, 0x2EE0
_OBJECTS, _EMBEDDED, _TAG_DATA = 0x0409, 0x0FCC, 0x138B
_GROUP, _SHAPE, _SHAPE_PROPERTIES, _MORE_PROPERTIES = 0xF003, 0xF004, 0xF00B, 0xF122
_TEXT_BOX, _CHILD_ANCHOR = 0xF00D, 0xF00F
_PICTURE_ID, _TABLE_FLAGS = 0x0104, 0x039F  # properties of shapes

_TITLES = (0, 6)  # kinds of text: title, centred title
_BODIES = (1, 5, 7, 8)
_NOTES_TEXT, _OTHER = 2, 4
_ENCRYPTED = 0xF3D1C4DF
_DEEPEST = 100  # records in records
_BREAKS = str.maketrans({"\x0b": "\n", "\r": "\n", "\x00": ""})


class _Record(NamedTuple):
    """One record: where its content stands in the stream."""

    kind: int
    instance: int
    version: int
    start: int
    end: int

    @property
    def is_container(self) -> bool:
        return self.version == 0xF


@dataclass(slots=True)
class _Text:
    """The text of one shape, paragraph by paragraph."""

    words: str  # a carriage return ends a paragraph
    kind: int  # a kind of text; 4 outside placeholders


@dataclass(slots=True)
class _Slide:
    identity: int
    offset: int
    outline: list[_Text] = field(default_factory=list)  # texts of its placeholders


def parse(path: Path, *, source: str) -> ParsedDocument:
    """Read a presentation, a page for each slide.

    Raises:
        IngestError: It needs a password or is damaged.
    """
    with ole.open_container(path, source=source) as container:
        _refuse_protected(container, source)
        try:
            reader = _Reader(ole.stream(container, "PowerPoint Document"), container)
            reader.read()
        except (ole.DamagedError, struct.error, IndexError) as error:
            raise ole.damaged(source, str(error) if isinstance(error, ole.DamagedError) else "") from error
        return reader.composer.document(
            media_type=MEDIA_TYPE,
            source=source,
            title=own_title(ole.title_of(container)),
            warnings=reader.warnings,
            left_out=reader.left_out,
            unread=reader.unread,
        )


def _refuse_protected(container: olefile.OleFileIO, source: str) -> None:
    if not container.exists("PowerPoint Document") and container.exists("PP40"):
        raise IngestError(f"{source} was written by PowerPoint 95 or older. Save it as .pptx and add that.")
    if container.exists("EncryptedSummary"):
        raise ole.protected(source)
    try:
        user = ole.stream(container, "Current User")
    except ole.DamagedError:
        return
    if len(user) >= 16 and struct.unpack_from("<I", user, 12)[0] == _ENCRYPTED:
        raise ole.protected(source)


class _Reader:
    """Walks the records and writes blocks."""

    def __init__(self, raw: bytes, container: olefile.OleFileIO) -> None:
        self.composer = Composer()
        self.warnings: list[str] = []
        self.left_out: list[str] = []
        self.unread: list[str] = []
        self._raw = raw
        self._offsets = self._read_persist_directory(container)
        self._has_comments = False
        self._images = 0

    def read(self) -> None:
        """Read every slide and its notes."""
        document = next((self._record(at) for at in self._offsets.values() if self._kind_at(at) == _DOCUMENT), None)
        if document is None:
            document = next((each for each in self._records(0, len(self._raw)) if each.kind == _DOCUMENT), None)
        if document is None:
            raise ole.DamagedError("its list of slides is missing")
        slides, notes = self._read_lists(document)
        notes_of = dict(self._notes(notes))
        hidden = []
        for number, slide in enumerate(slides[:MAX_SLIDES], 1):
            try:
                if self._read_slide(number, slide, notes_of.get(slide.identity, [])):
                    hidden.append(str(number))
            except (ole.DamagedError, struct.error, IndexError):
                self.unread.append(f"Slide {number} is damaged.")
        if len(slides) > MAX_SLIDES:
            self.unread.append(f"The slides after number {MAX_SLIDES}.")
        if hidden:
            self.warnings.append(f"Hidden in the show, but read: slide {', '.join(hidden)}.")
        if self._has_comments:
            self.left_out.append("Comments.")
        if any(map(self._has_words, self._offsets.values())):
            self.left_out.append(ON_MASTERS)
        lists = [each for each in self._records(document.start, document.end) if each.kind == _OBJECTS]
        objects = sum(each.kind == _EMBEDDED for one in lists for each in self._records(one.start, one.end))
        if objects:
            self.left_out.append(f"{objects} embedded {'object' if objects == 1 else 'objects'} (charts, sheets).")
        if self._images:
            self.left_out.append(f"{self._images} {'image' if self._images == 1 else 'images'}.")

    def _has_words(self, offset: int) -> bool:
        """Whether a master shows words of its own: not those that only say what to put where."""
        if self._kind_at(offset) != _MASTER:
            return False
        texts = (text for text in self._shapes(self._record(offset), []) if isinstance(text, _Text))
        return any(text.kind == _OTHER and text.words.strip("*\x00\r ") for text in texts)

    def _read_persist_directory(self, container: olefile.OleFileIO) -> dict[int, int]:
        """Return where each persistent object stands, newest edit first; what is damaged is not listed."""
        offsets: dict[int, int] = {}
        try:
            edit = struct.unpack_from("<I", ole.stream(container, "Current User"), 16)[0]
        except (ole.DamagedError, struct.error):
            edit = 0
        seen = set()
        while edit and edit not in seen and self._kind_at(edit) == _USER_EDIT:
            seen.add(edit)
            previous, directory = struct.unpack_from("<II", self._raw, edit + 8 + 8)
            for identity, offset in self._directory(directory):
                offsets.setdefault(identity, offset)
            edit = previous
        if not offsets:  # the last edit is not found: take every directory, the last first
            directories = [each for each in self._records(0, len(self._raw)) if each.kind == _PERSIST_DIRECTORY]
            for each in reversed(directories):
                for identity, offset in self._directory(each.start - 8):
                    offsets.setdefault(identity, offset)
        return offsets

    def _directory(self, at: int) -> Iterator[tuple[int, int]]:
        if self._kind_at(at) != _PERSIST_DIRECTORY:
            return
        record = self._record(at)
        at = record.start
        while at + 4 <= record.end:
            entry = struct.unpack_from("<I", self._raw, at)[0]
            first, count = entry & 0xFFFFF, entry >> 20
            at += 4
            for index in range(min(count, (record.end - at) // 4)):
                yield first + index, struct.unpack_from("<I", self._raw, at + 4 * index)[0]
            at += 4 * count

    def _read_lists(self, document: _Record) -> tuple[list[_Slide], list[_Slide]]:
        """Return the slides and the notes that the document lists, with the texts of their placeholders."""
        lists: dict[int, list[_Slide]] = {}
        for record in self._records(document.start, document.end):
            if record.kind != _SLIDE_LIST:
                continue
            entries = lists.setdefault(record.instance, [])
            for child, text in self._texts(record):
                if text is not None:
                    if entries:
                        entries[-1].outline.append(text)
                elif child.kind == _SLIDE_PERSIST:
                    reference, _, _, identity = struct.unpack_from("<IIiI", self._raw, child.start)
                    entries.append(_Slide(identity, self._offsets.get(reference, -1)))
        return lists.get(0, []), lists.get(2, [])

    def _notes(self, notes: list[_Slide]) -> Iterator[tuple[int, list[_Text]]]:
        """Yield the slide that notes belong to, and their texts."""
        for each in notes:
            if self._kind_at(each.offset) != _NOTES:
                continue
            record = self._record(each.offset)
            slide = next(
                (child for child in self._records(record.start, record.end) if child.kind == _NOTES_ATOM), None
            )
            if slide is None:
                continue
            shapes = self._shapes(record, each.outline)
            texts = [text for text in shapes if isinstance(text, _Text) and text.kind == _NOTES_TEXT]
            yield struct.unpack_from("<I", self._raw, slide.start)[0], texts

    def _read_slide(self, number: int, slide: _Slide, notes: list[_Text]) -> bool:
        """Write a slide; returns whether it is hidden in the show."""
        hidden = False
        shapes: list[_Text | list[list[str]]] = list(slide.outline)
        images = 0
        if self._kind_at(slide.offset) == _SLIDE:
            record = self._record(slide.offset)
            for child in self._walk(record.start, record.end):
                if child.kind == _SLIDE_SHOW_INFO and child.end - child.start >= 12:
                    hidden = bool(struct.unpack_from("<H", self._raw, child.start + 10)[0] & 0x04)
                elif child.kind == _COMMENT:
                    self._has_comments = True
                elif child.kind == _SHAPE_PROPERTIES and _PICTURE_ID in self._properties(child):
                    images += 1
            shapes = self._shapes(record, slide.outline)
        elif slide.offset < 0 or not slide.outline:
            self.unread.append(f"Slide {number} is damaged; only its outline was read.")
        self.composer.page(number, images=images)
        self.composer.leave_headings()
        self._images += images
        texts = [shape for shape in shapes if isinstance(shape, _Text)]
        # Titles come first, whatever their order of drawing.
        for text in texts:
            if text.kind in _TITLES:
                with self.composer.place("Title"):
                    self.composer.add("heading", collapse(text.words))
        others = 0
        for shape in shapes:
            if isinstance(shape, list):
                with self.composer.place("Table"):
                    self.composer.add_table(shape, header_rows=count_header_rows(shape))
            elif shape.kind not in _TITLES:
                others += shape.kind not in _BODIES
                with self.composer.place("Body" if shape.kind in _BODIES else f"Text {others}"):
                    self._write(shape)
        with self.composer.place("Notes"):
            for text in notes:
                self._write(text)
        return hidden

    def _write(self, text: _Text) -> None:
        kind: BlockKind = "list_item" if text.kind in _BODIES else "paragraph"
        for words in text.words.split("\r"):
            self.composer.add(kind, words.translate(_BREAKS))

    def _shapes(self, container: _Record, outline: list[_Text]) -> list[_Text | list[list[str]]]:
        """Return the texts and tables of a slide in the order of drawing; placeholders' texts come from ``outline``."""
        found: list[_Text | list[list[str]]] = []
        for record in self._records(container.start, container.end):
            if record.kind == _DRAWING:
                self._collect(record, outline, found, 0)
        return found

    def _collect(self, parent: _Record, outline: list[_Text], found: list[_Text | list[list[str]]], depth: int) -> None:
        if depth > _DEEPEST:
            raise ole.DamagedError("its shapes stand too deep in each other")
        for record in self._records(parent.start, parent.end):
            if record.kind == _TEXT_BOX:
                found.extend(
                    text for _, text in self._texts(record, outline) if text is not None and text.words.strip()
                )
            elif record.kind == _GROUP and self._is_table(record):
                found.append(self._table(record, outline))
            elif record.is_container:
                self._collect(record, outline, found, depth + 1)

    def _is_table(self, group: _Record) -> bool:
        first = next(self._records(group.start, group.end), None)
        if first is None or first.kind != _SHAPE:
            return False
        return any(
            self._properties(each).get(_TABLE_FLAGS, 0) & 1
            for each in self._records(first.start, first.end)
            if each.kind in (_MORE_PROPERTIES, _SHAPE_PROPERTIES)
        )

    def _table(self, group: _Record, outline: list[_Text]) -> list[list[str]]:
        """Order the cells of a table, which are shapes, by where they stand."""
        cells: list[tuple[int, int, str]] = []
        for shape in self._records(group.start, group.end):
            if shape.kind != _SHAPE:
                continue
            top = left = None
            words: list[str] = []
            for record in self._records(shape.start, shape.end):
                if record.kind == _CHILD_ANCHOR:
                    left, top = struct.unpack_from("<ii", self._raw, record.start)
                elif record.kind == _TEXT_BOX:
                    words += [text.words for _, text in self._texts(record, outline) if text is not None]
            if top is not None and left is not None and words:
                cells.append((top, left, collapse(" ".join(words))))
        columns = sorted({left for _, left, _ in cells})
        rows: dict[int, list[str]] = {top: [""] * len(columns) for top in sorted({top for top, _, _ in cells})}
        for top, left, words_of_cell in cells:
            rows[top][columns.index(left)] = words_of_cell
        return list(rows.values())

    def _texts(self, parent: _Record, outline: list[_Text] | None = None) -> Iterator[tuple[_Record, _Text | None]]:
        """Yield the texts directly within a record, and its other records with ``None``."""
        kind = _OTHER
        for record in self._records(parent.start, parent.end):
            if record.kind == _TEXT_HEADER:
                kind = struct.unpack_from("<I", self._raw, record.start)[0]
            elif record.kind in (_TEXT_CHARS, _TEXT_BYTES):
                raw = self._raw[record.start : record.end]
                words = raw.decode("utf-16-le", "replace") if record.kind == _TEXT_CHARS else raw.decode("latin-1")
                yield record, _Text(words, kind)
            elif record.kind == _OUTLINE_REFERENCE and outline is not None:
                index = struct.unpack_from("<i", self._raw, record.start)[0]
                if 0 <= index < len(outline):
                    yield record, outline[index]
            else:
                yield record, None

    def _properties(self, record: _Record) -> dict[int, int]:
        """Return a shape's simple properties by their number."""
        count = min(record.instance, (record.end - record.start) // 6)
        entries = (struct.unpack_from("<HI", self._raw, record.start + 6 * index) for index in range(count))
        return {number & 0x3FFF: value for number, value in entries}

    def _kind_at(self, at: int) -> int:
        return struct.unpack_from("<H", self._raw, at + 2)[0] if 0 <= at <= len(self._raw) - 8 else -1

    def _record(self, at: int) -> _Record:
        head, kind, length = struct.unpack_from("<HHI", self._raw, at)
        return _Record(kind, head >> 4, head & 0xF, at + 8, min(at + 8 + length, len(self._raw)))

    def _records(self, start: int, end: int) -> Iterator[_Record]:
        while start + 8 <= end:
            record = self._record(start)
            yield record
            start = record.end

    def _walk(self, start: int, end: int, depth: int = 0) -> Iterator[_Record]:
        for record in self._records(start, end):
            yield record
            if (record.is_container or record.kind == _TAG_DATA) and depth < _DEEPEST:
                yield from self._walk(record.start, record.end, depth + 1)
