"""PowerPoint (.pptx): slides with the text of their shapes, tables, charts, diagrams and notes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from citewise.errors import IngestError
from citewise.ingest.limits import MAX_SLIDES
from citewise.ingest.parse.charts import chart_tables, diagram_items
from citewise.ingest.parse.compose import Composer, collapse
from citewise.ingest.parse.package import DamagedPartError, Package, Relation, open_package
from citewise.ingest.parse.slides import ON_MASTERS, alternative_text, own_title, with_footers_as_text
from citewise.ingest.parse.tables import count_header_rows, repeated
from citewise.types import BlockKind, ParsedDocument

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.presentationml.presentation"

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_MATH_TEXT = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart"
_NEW_CHART = "{http://schemas.microsoft.com/office/drawing/2014/chartex}chart"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds"
_DIAGRAM_ID = f"{_R}dm"

_TITLES = ("title", "ctrTitle")
_LISTS = ("body", "obj", "")  # placeholders whose paragraphs have bullets unless they say otherwise
_SAME_ON_ALL = ("dt", "sldNum", "hdr")  # dates and numbers; footers are kept as such
_DEEPEST = 50  # groups in groups


def parse(path: Path, *, source: str) -> ParsedDocument:
    """Read a presentation, a page for each slide; macros, media and remote parts are left alone.

    Raises:
        IngestError: It is damaged, needs a password, or is over a limit.
    """
    with open_package(path, source=source) as package:
        reader = _Reader(package)
        reader.read()
        if not reader.slides:
            raise IngestError(f"{source} has no slides. Check the file and add it again.")
        document = reader.composer.document(
            media_type=MEDIA_TYPE,
            source=source,
            title=own_title(package.title()),
            warnings=reader.warnings(),
            left_out=reader.left_out(),
            unread=reader.unread,
        )
    return with_footers_as_text(document)


class _Reader:
    """Walks slide after slide and writes blocks."""

    def __init__(self, package: Package) -> None:
        self.composer = Composer()
        self.unread: list[str] = []
        self.slides = 0
        self._package = package
        self._relations: dict[str, Relation] = {}  # of the slide that is read
        self._hidden: list[str] = []
        self._has_comments = False
        self._images = 0
        self._objects = 0
        self._layouts: set[str] = set()  # of the slides

    def read(self) -> None:
        """Read every slide in the order of the show."""
        main = self._package.main_part()
        relations = self._package.relations(main)
        entries = [
            relations[identity]
            for entry in self._package.xml(main).iter(f"{_P}sldId")
            if (identity := entry.get(f"{_R}id")) in relations
        ]
        self.slides = len(entries)
        for number, relation in enumerate(entries[:MAX_SLIDES], 1):
            try:
                slide = self._package.xml(relation.target)
                self._relations = self._package.relations(relation.target)
            except DamagedPartError:
                self.composer.page(number)
                self.unread.append(f"Slide {number}, which is damaged.")
                continue
            self._read_slide(number, slide)
        if len(entries) > MAX_SLIDES:
            self.unread.append(f"The slides after number {MAX_SLIDES:,}.")

    def warnings(self) -> list[str]:
        """Say what a reader should know."""
        if not self._hidden:
            return []
        which = "slide" if len(self._hidden) == 1 else "slides"
        return [f"Hidden in the show, but read: {which} {', '.join(self._hidden)}."]

    def left_out(self) -> list[str]:
        """Say what was not read."""
        left_out = ["Comments."] if self._has_comments else []
        if any(map(self._has_words, self._layouts | self._masters())):
            left_out.append(ON_MASTERS)
        if self._objects:
            left_out.append(f"{self._objects} embedded {'object' if self._objects == 1 else 'objects'}.")
        if self._images:
            left_out.append(f"{self._images} {'image' if self._images == 1 else 'images'}.")
        return left_out

    def _masters(self) -> set[str]:
        masters = set()
        for layout in self._layouts:
            with suppress(DamagedPartError):
                relations = self._package.relations(layout).values()
                masters |= {relation.target for relation in relations if relation.kind == "slideMaster"}
        return masters

    def _has_words(self, master: str) -> bool:
        """Whether a master or layout shows words of its own: not those that only say what to put where."""
        try:
            shapes = self._package.xml(master).iter(f"{_P}sp")
        except DamagedPartError:
            return False
        return any(_placeholder(shape) is None and any(map(_text, shape.iter(f"{_A}p"))) for shape in shapes)

    def _read_slide(self, number: int, slide: Any) -> None:
        images = sum(1 for _ in slide.iter(f"{_P}pic", f"{_A}blip") if _.tag == f"{_P}pic")
        self._images += images
        self.composer.page(number, images=images)
        self.composer.leave_headings()
        if slide.get("show") in ("0", "false"):
            self._hidden.append(str(number))
        self._has_comments |= any("comment" in relation.kind.lower() for relation in self._relations.values())
        shapes = [shape for tree in slide.iter(f"{_P}spTree") for shape in _shapes(tree)]
        # The title is a heading of all that is on the slide, wherever it was drawn.
        for shape in sorted(shapes, key=lambda shape: _placeholder(shape) not in _TITLES):
            self._read_shape(number, shape)
        for relation in self._relations.values():
            if relation.kind == "notesSlide":
                self._read_notes(number, relation)
            elif relation.kind == "slideLayout":
                self._layouts.add(relation.target)

    def _read_shape(self, number: int, shape: Any) -> None:
        name = _name(shape)
        with self.composer.place(name):
            if shape.tag == f"{_P}sp":
                self._read_text(shape)
            elif shape.tag == f"{_P}pic":
                self.composer.add("caption", alternative_text(_own(shape).get("descr")))
            elif shape.tag == f"{_P}graphicFrame":
                try:
                    self._read_frame(number, shape)
                except DamagedPartError:
                    self.unread.append(f"Slide {number}: {name}, which is damaged.")

    def _read_text(self, shape: Any) -> None:
        placeholder = _placeholder(shape)
        if placeholder in _SAME_ON_ALL:
            return
        body = shape.find(f"{_P}txBody")
        if body is None:
            return
        if placeholder in _TITLES:
            self.composer.add("heading", collapse(" ".join(map(_text, body.iter(f"{_A}p")))))
            return
        for paragraph in body.iter(f"{_A}p"):
            properties = paragraph.find(f"{_A}pPr")
            listed = placeholder in _LISTS
            level = 0
            if properties is not None:
                level = int(properties.get("lvl") or 0) if (properties.get("lvl") or "0").isdigit() else 0
                if properties.find(f"{_A}buNone") is not None:
                    listed = False
                elif properties.find(f"{_A}buChar") is not None or properties.find(f"{_A}buAutoNum") is not None:
                    listed = True
            kind: BlockKind = "furniture" if placeholder == "ftr" else "list_item" if listed else "paragraph"
            self.composer.add(kind, _text(paragraph), indent=min(level, 8) if listed else 0)

    def _read_frame(self, number: int, frame: Any) -> None:
        """Read what is no text box: a table, a chart, a diagram, an embedded object."""
        for table in frame.iter(f"{_A}tbl"):
            rows = _rows(table)
            properties = table.find(f"{_A}tblPr")
            marked = properties is not None and properties.get("firstRow") in ("1", "true")
            self.composer.add_table(rows, header_rows=max(int(marked), count_header_rows(rows)))
        for chart in frame.iter(_CHART):
            relation = self._relations.get(chart.get(f"{_R}id"))
            if relation is not None and not relation.external:
                for caption, rows in chart_tables(self._package.xml(relation.target)):
                    self.composer.add_table(rows, header_rows=1, caption=caption)
        for diagram in frame.iter(_DIAGRAM):
            relation = self._relations.get(diagram.get(_DIAGRAM_ID))
            if relation is not None and not relation.external:
                for level, words in diagram_items(self._package.xml(relation.target)):
                    self.composer.add("list_item", words, indent=min(level, 8))
        if next(frame.iter(_NEW_CHART), None) is not None:
            self.unread.append(f"Slide {number}: the chart {_name(frame)}, which is of a kind that is not read.")
        self._objects += next(frame.iter(f"{_P}oleObj"), None) is not None
        self.composer.add("caption", alternative_text(_own(frame).get("descr")))

    def _read_notes(self, number: int, relation: Relation) -> None:
        try:
            notes = self._package.xml(relation.target)
        except DamagedPartError:
            self.unread.append(f"The notes of slide {number}, which are damaged.")
            return
        with self.composer.place("Notes"):
            for shape in notes.iter(f"{_P}sp"):
                if _placeholder(shape) == "body":
                    for paragraph in shape.iter(f"{_A}p"):
                        self.composer.add("paragraph", _text(paragraph))


def _shapes(tree: Any, depth: int = 0) -> Iterator[Any]:
    """Yield the shapes below ``tree`` in the order of drawing, those in groups too."""
    for element in tree.iterchildren(tag="*"):
        if element.tag in (f"{_P}grpSp", f"{_MC}Choice", f"{_MC}Fallback"):
            if depth < _DEEPEST:
                yield from _shapes(element, depth + 1)
        elif element.tag == f"{_MC}AlternateContent":
            # The first choice says what the fallback, a picture of it mostly, says again.
            for alternative in element.iterchildren(tag="*"):
                found = list(_shapes(alternative, depth + 1)) if depth < _DEEPEST else []
                if found:
                    yield from found
                    break
        elif element.tag in (f"{_P}sp", f"{_P}pic", f"{_P}graphicFrame"):
            yield element


def _own(shape: Any) -> Any:
    """Return the element that holds a shape's name and description."""
    own = next(shape.iter(f"{_P}cNvPr"), None)
    return own if own is not None else {}


def _name(shape: Any) -> str:
    return collapse(_own(shape).get("name") or "")[:100] or "Shape"


def _placeholder(shape: Any) -> str | None:
    """Return the kind of placeholder that a shape fills; ``None`` for one of its own."""
    found = next(shape.iter(f"{_P}ph"), None)
    return None if found is None else found.get("type") or ""


def _text(paragraph: Any) -> str:
    """Return a paragraph's words; what alternatives for old programs say again is left out."""
    pieces = []
    for element in paragraph.iter(f"{_A}t", f"{_A}br", _MATH_TEXT):
        if any(above.tag == f"{_MC}Fallback" for above in element.iterancestors(f"{_MC}Fallback")):
            continue
        pieces.append("\n" if element.tag == f"{_A}br" else element.text or "")
    return "".join(pieces).replace("\x0b", "\n").replace("_x000D_", "")


def _rows(table: Any) -> list[list[str]]:
    """Return a table's cells; one that spans columns appears once, one that spans rows in each of them."""
    rows: list[list[str]] = []
    for row in table.iterchildren(f"{_A}tr"):
        cells: list[str] = []
        for index, cell in enumerate(row.iterchildren(f"{_A}tc")):
            words = collapse(" ".join(map(_text, cell.iter(f"{_A}p"))))
            if cell.get("vMerge") in ("1", "true") and rows and index < len(rows[-1]):
                words = repeated(rows[-1][index])
            cells.append(words)
        rows.append(cells)
    return rows
