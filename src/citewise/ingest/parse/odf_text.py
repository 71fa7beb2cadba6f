"""The text of OpenDocument files: paragraphs, headings, lists, tables, notes and frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from citewise.ingest.limits import MAX_REPEATED
from citewise.ingest.parse.compose import Composer, collapse
from citewise.ingest.parse.slides import alternative_text
from citewise.ingest.parse.tables import count_header_rows, repeated
from citewise.types import BlockKind

_NAMESPACE = "{{urn:oasis:names:tc:opendocument:xmlns:{}:1.0}}"
OFFICE, STYLE, TEXT, TABLE, DRAW, PRESENTATION = map(
    _NAMESPACE.format, ("office", "style", "text", "table", "drawing", "presentation")
)
_SVG = "{urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0}"

_DEEPEST = 100  # elements within elements that hold blocks
_MOST_SPACES = 1_000

_KINDS: dict[str, BlockKind] = {"Title": "heading", "Caption": "caption", "Preformatted_20_Text": "code"}  # by style
_PARAGRAPH, _HEADING, _LIST, _TABLE = f"{TEXT}p", f"{TEXT}h", f"{TEXT}list", f"{TABLE}table"
_NOTE, _NOTE_BODY = f"{TEXT}note", f"{TEXT}note-body"
_COMMENT, _COMMENT_END = f"{OFFICE}annotation", f"{OFFICE}annotation-end"
_IMAGE, _OBJECTS = f"{DRAW}image", (f"{DRAW}object", f"{DRAW}object-ole")
_SHAPES = frozenset(
    f"{DRAW}{name}"
    for name in (
        *("frame", "custom-shape", "rect", "ellipse", "circle", "polygon", "path", "line", "g", "a", "text-box"),
        *("connector", "caption", "regular-polygon", "polyline", "measure", "page-thumbnail"),
    )
)
_DELETED = frozenset({f"{TEXT}tracked-changes", f"{OFFICE}forms", f"{OFFICE}scripts", f"{TEXT}variable-decls"}) | {
    f"{TEXT}{name}" for name in ("sequence-decls", "user-field-decls", "note-citation", "ruby-text")
}


class TextReader:
    """Walks a body and writes blocks."""

    def __init__(self, composer: Composer, content: Any) -> None:
        self.images = 0
        self.unread: list[str] = []
        self._composer = composer
        self._comments = False
        self._objects = 0
        self._changes = next(content.iter(f"{TEXT}tracked-changes"), None) is not None
        self._notes: list[Any] = []
        self._parents: dict[str, str] = {}  # parents of paragraph styles
        for style in content.iter(f"{STYLE}style"):
            self._parents[style.get(f"{STYLE}name") or ""] = style.get(f"{STYLE}parent-style-name") or ""

    def read(self, body: Any) -> None:
        """Write everything below ``body``, and then the notes in it."""
        self._read_blocks(body, 0, 0)
        self._write_notes()

    def read_shape(self, shape: Any, *, images_counted: bool = False) -> None:
        """Write the text of one shape, also of a group."""
        before = self.images
        self._read_shape(shape, 0)
        self._write_notes()
        if images_counted:
            self.images = before

    def cell(self, cell: Any) -> str:
        """Return the words of a cell of a sheet."""
        return collapse(" ".join(self._text(each) for each in cell.iterchildren(_PARAGRAPH, _HEADING)))

    def count_images(self, element: Any) -> int:
        """Return how many pictures stand below ``element``."""
        return sum(1 for _ in element.iter(_IMAGE))

    def left_out(self) -> list[str]:
        """Say what was not read."""
        left_out = ["Comments."] if self._comments else []
        if self._changes:
            left_out.append("Text that tracked changes delete.")
        if self._objects:
            left_out.append(f"{self._objects} embedded {'object' if self._objects == 1 else 'objects'}.")
        if self.images:
            left_out.append(f"{self.images} {'image' if self.images == 1 else 'images'}.")
        return left_out

    def _read_blocks(self, parent: Any, depth: int, list_depth: int) -> None:
        if depth > _DEEPEST:
            self.unread.append("A part that stands too deep within others.")
            return
        for element in parent.iterchildren(tag="*"):
            if element.tag == _HEADING:
                self._write("heading", element, level=_level(element), depth=depth)
            elif element.tag == _PARAGRAPH:
                kind: BlockKind = "list_item" if list_depth else self._kind(element)
                self._write(kind, element, indent=max(list_depth - 1, 0), depth=depth)
            elif element.tag == _LIST:
                for item in element.iterchildren(f"{TEXT}list-item", f"{TEXT}list-header"):
                    self._read_blocks(item, depth + 1, list_depth + 1)
            elif element.tag == _TABLE:
                self._read_table(element)
            elif element.tag in _SHAPES:
                self._read_shape(element, depth + 1)
            elif element.tag not in _DELETED and element.tag != _COMMENT:
                self._read_blocks(element, depth + 1, list_depth)

    def _write(self, kind: BlockKind, element: Any, *, depth: int, level: int = 1, indent: int = 0) -> None:
        text = self._text(element)
        self._composer.add(kind, collapse(text) if kind == "heading" else text, level=level, indent=min(indent, 8))
        for shape in _shapes_in(element):
            self._read_shape(shape, depth + 1)

    def _read_shape(self, shape: Any, depth: int) -> None:
        if depth > _DEEPEST:
            self.unread.append("A shape that stands too deep within others.")
            return
        self.images += sum(1 for _ in shape.iterchildren(_IMAGE))
        self._objects += any(next(shape.iterchildren(tag), None) is not None for tag in _OBJECTS)
        self._read_blocks(shape, depth + 1, 0)
        for name in ("title", "desc"):
            for description in shape.iterchildren(f"{_SVG}{name}"):
                self._composer.add("caption", alternative_text(description.text))

    def _read_table(self, table: Any) -> None:
        headers = 0
        rows: list[list[str]] = []
        above: dict[int, tuple[str, int]] = {}  # by column: cells merged down, and how many rows more they cover
        for row in table.iter(f"{TABLE}table-row"):
            if next(row.iterancestors(_TABLE)) is not table:
                continue
            cells: list[str] = []
            for cell in row.iterchildren(f"{TABLE}table-cell", f"{TABLE}covered-table-cell"):
                column = len(cells)
                words = collapse(" ".join(self._texts(cell)))
                if (more := repetitions(cell, "rows-spanned")) > 1:
                    above[column] = (repeated(words), more - 1)
                elif column in above and above[column][1] and cell.tag.endswith("}covered-table-cell"):
                    words, more = above[column]
                    above[column] = (words, more - 1)
                times = repetitions(cell, "columns-repeated")
                # Blank cells without number only fill the table up.
                cells += [words] * (times if times <= MAX_REPEATED else 1)
            if not any(cells):
                continue
            in_header = next(row.iterancestors(f"{TABLE}table-header-rows"), None) is not None
            for _ in range(min(repetitions(row, "rows-repeated"), MAX_REPEATED)):
                headers += in_header and headers == len(rows)
                rows.append(cells)
        self._composer.add_table(rows, header_rows=headers or count_header_rows(rows))
        for cell in table.iter(f"{TABLE}table-cell"):
            self.images += self.count_images(cell) if next(cell.iterancestors(_TABLE)) is table else 0

    def _texts(self, parent: Any) -> Iterator[str]:
        """Yield the paragraphs of a cell, also those of lists, tables and frames within it."""
        for element in parent.iter(_PARAGRAPH, _HEADING):
            if next(element.iterancestors(_PARAGRAPH, _HEADING, _COMMENT), None) is None or _within_shape(element):
                yield self._text(element)

    def _write_notes(self) -> None:
        notes, self._notes = self._notes, []
        for note in notes:
            for body in note.iterchildren(_NOTE_BODY):
                words = " ".join(filter(None, (self._text(each) for each in body.iter(_PARAGRAPH))))
                self._composer.add("paragraph", words)

    def _kind(self, paragraph: Any) -> BlockKind:
        style = paragraph.get(f"{TEXT}style-name") or ""
        for _ in range(10):
            if style in _KINDS:
                return _KINDS[style]
            style = self._parents.get(style, "")
        return "paragraph"

    def _text(self, element: Any) -> str:
        """Return a paragraph's own words; notes are kept for later, shapes and comments are not among them."""
        pieces = [element.text or ""]
        for child in element.iterchildren():
            if not isinstance(child.tag, str) or child.tag in _DELETED or child.tag in _SHAPES:
                pass
            elif child.tag in (_COMMENT, _COMMENT_END):
                self._comments = True
            elif child.tag == _NOTE:
                self._notes.append(child)
            elif child.tag == f"{TEXT}s":
                count = child.get(f"{TEXT}c") or "1"
                pieces.append(" " * min(int(count) if count.isdigit() else 1, _MOST_SPACES))
            elif child.tag == f"{TEXT}tab":
                pieces.append("\t")
            elif child.tag == f"{TEXT}line-break":
                pieces.append("\n")
            else:
                pieces.append(self._text(child))
            pieces.append(child.tail or "")
        return "".join(pieces)


def words_of(element: Any) -> str:
    """Return all words below an element in one line."""
    paragraphs = ("".join(each.itertext()) for each in element.iter(_PARAGRAPH, _HEADING))
    return collapse(" ".join(paragraphs))


def _level(heading: Any) -> int:
    level = heading.get(f"{TEXT}outline-level") or "1"
    return int(level) + 1 if level.isdigit() and len(level) < 3 else 2  # below the title


def repetitions(element: Any, what: str) -> int:
    """Return a number that an attribute of a table's row or cell gives, at least 1."""
    value = element.get(f"{TABLE}number-{what}") or "1"
    return max(int(value), 1) if value.isdigit() and len(value) < 9 else 1


def _shapes_in(paragraph: Any) -> Iterator[Any]:
    """Yield the shapes that are anchored in a paragraph, not those within other shapes or notes."""
    stack = list(reversed(list(paragraph.iterchildren(tag="*"))))
    while stack:
        element = stack.pop()
        if element.tag in _SHAPES:
            yield element
        elif element.tag not in (_NOTE, _COMMENT):
            stack.extend(reversed(list(element.iterchildren(tag="*"))))


def _within_shape(element: Any) -> bool:
    """Whether the nearest element above that counts is a shape, not a paragraph."""
    for above in element.iterancestors():
        if above.tag in _SHAPES:
            return True
        if above.tag in (_PARAGRAPH, _HEADING, _COMMENT):
            return False
    return False
