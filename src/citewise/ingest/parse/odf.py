"""OpenDocument: texts (.odt), presentations (.odp) and sheets (.ods), zipped or flat."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from citewise.errors import IngestError
from citewise.ingest.limits import MAX_REPEATED, MAX_SLIDES
from citewise.ingest.parse.compose import Composer, collapse, stem
from citewise.ingest.parse.odf_text import (
    DRAW,
    OFFICE,
    PRESENTATION,
    STYLE,
    TABLE,
    TextReader,
    repetitions,
    words_of,
)
from citewise.ingest.parse.package import DamagedPartError, Package, open_package
from citewise.ingest.parse.sheet_layout import LAST_COLUMN, Budget, MergedCells, SheetRow, write_sheet
from citewise.ingest.parse.slides import ON_MASTERS, own_title, with_footers_as_text
from citewise.types import ParsedDocument

TEXT_TYPE = "application/vnd.oasis.opendocument.text"
SLIDES_TYPE = "application/vnd.oasis.opendocument.presentation"

_ENCRYPTION = "{urn:oasis:names:tc:opendocument:xmlns:manifest:1.0}encryption-data"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_ALL_SLIDES_ALIKE = ("date-time", "page-number", "header")  # placeholders


def parse_text(path: Path, *, source: str) -> ParsedDocument:
    """Read a text: headings, lists, tables, notes and frames in the order of the document.

    Raises:
        IngestError: It is damaged, needs a password, or is over a limit.
    """
    with open_package(path, source=source) as package:
        content = _content(package, source)
        body = _body(content, "text", source)
        composer = Composer()
        reader = TextReader(composer, content)
        reader.read(body)
        return composer.document(
            media_type=TEXT_TYPE,
            source=source,
            title=_title(package),
            images=reader.images,
            left_out=[*reader.left_out(), *_repeated_parts(package)],
            unread=reader.unread,
        )


def parse_slides(path: Path, *, source: str) -> ParsedDocument:
    """Read a presentation, a page for each slide, a place for each shape.

    Raises:
        IngestError: It is damaged, needs a password, or is over a limit.
    """
    with open_package(path, source=source) as package:
        content = _content(package, source)
        body = _body(content, "presentation", source)
        composer = Composer()
        reader = TextReader(composer, content)
        hidden_styles = {
            style.get(f"{STYLE}name")
            for style in content.iter(f"{STYLE}style")
            if any(
                each.get(f"{PRESENTATION}visibility") == "hidden"
                for each in style.iter(f"{STYLE}drawing-page-properties")
            )
        }
        hidden = []
        slides = list(body.iter(f"{DRAW}page"))
        for number, slide in enumerate(slides[:MAX_SLIDES], 1):
            if slide.get(f"{DRAW}style-name") in hidden_styles:
                hidden.append(str(number))
            _read_slide(number, slide, composer, reader)
        unread = [*reader.unread]
        if len(slides) > MAX_SLIDES:
            unread.append(f"The slides after number {MAX_SLIDES:,}.")
        which = "slide" if len(hidden) == 1 else "slides"
        document = composer.document(
            media_type=SLIDES_TYPE,
            source=source,
            title=own_title(_title(package)),
            warnings=[f"Hidden in the show, but read: {which} {', '.join(hidden)}."] if hidden else [],
            left_out=[*reader.left_out(), *_words_on_masters(package)],
            unread=unread,
        )
    return with_footers_as_text(document)


def read_sheets(package: Package, *, source: str, media_type: str) -> ParsedDocument:
    """Read the visible sheets of a workbook: a place for each row, cells as they are shown."""
    content = _content(package, source)
    body = _body(content, "spreadsheet", source)
    composer = Composer()
    reader = TextReader(composer, content)
    budget = Budget()
    hidden_styles = {
        style.get(f"{STYLE}name")
        for style in content.iter(f"{STYLE}style")
        if any(each.get(f"{TABLE}display") == "false" for each in style.iter(f"{STYLE}table-properties"))
    }
    hidden = []
    for number, sheet in enumerate(body.iterchildren(f"{TABLE}table"), 1):
        name = sheet.get(f"{TABLE}name") or f"Sheet {number}"
        if sheet.get(f"{TABLE}style-name") in hidden_styles:
            hidden.append(name)
            continue
        write_sheet(composer, name, budget.limited(name, _sheet_rows(sheet, reader)))
        for shapes in sheet.iterchildren(f"{TABLE}shapes"):
            with composer.place(name):
                reader.read(shapes)
    left_out = [f"Hidden {'sheet' if len(hidden) == 1 else 'sheets'}: {', '.join(hidden)}."] if hidden else []
    return composer.document(
        media_type=media_type,
        source=source,
        title=_title(package) or stem(source),
        images=reader.images,
        left_out=[*left_out, *reader.left_out()],
        unread=[*reader.unread, *budget.unread],
    )


def _content(package: Package, source: str) -> Any:
    if "META-INF/manifest.xml" in package:
        try:
            manifest = package.xml("META-INF/manifest.xml")
        except DamagedPartError:
            manifest = None  # what it says is in the other parts
        if manifest is not None and next(manifest.iter(_ENCRYPTION), None) is not None:
            raise IngestError(
                f"{source} is protected by a password. Open it in its own program, save it without the password, "
                "and add that."
            )
    return package.xml("content.xml")


def _body(content: Any, kind: str, source: str) -> Any:
    body = content.find(f"{OFFICE}body/{OFFICE}{kind}")
    if body is None:
        # A drawing or a master document: the same elements below another name.
        body = content.find(f"{OFFICE}body")
    if body is None:
        raise IngestError(
            f"{source} is damaged: it has no body. Open it in its own program, save it again, and add that."
        )
    return body


def _title(package: Package) -> str:
    if "meta.xml" not in package:
        return ""
    try:
        title = next(package.xml("meta.xml").iter(_TITLE), None)
    except DamagedPartError:
        return ""
    return "" if title is None else title.text or ""


def _repeated_parts(package: Package) -> Iterator[str]:
    """Say whether pages have headers or footers, which stand with the styles."""
    if "styles.xml" not in package:
        return
    try:
        styles = package.xml("styles.xml")
    except DamagedPartError:
        return
    if any(words_of(each) for each in styles.iter(f"{STYLE}header", f"{STYLE}footer")):
        yield "Headers and footers, which repeat on every page."


def _words_on_masters(package: Package) -> Iterator[str]:
    """Say whether the masters of slides show words of their own."""
    if "styles.xml" not in package:
        return
    try:
        styles = package.xml("styles.xml")
    except DamagedPartError:
        return
    for master in styles.iter(f"{STYLE}master-page"):
        shapes = (shape for shape in master.iterchildren(tag="*") if shape.tag != f"{PRESENTATION}notes")
        # Placeholders only say what to put where, but for a footer that is written on the master itself.
        # Fields stand there as "<number>".
        if any(shape.get(f"{PRESENTATION}class") in (None, "footer") and _has_words(shape) for shape in shapes):
            yield ON_MASTERS
            return


def _has_words(shape: Any) -> bool:
    words = words_of(shape)
    return bool(words) and not words.startswith("<")


def _read_slide(number: int, slide: Any, composer: Composer, reader: TextReader) -> None:
    notes = slide.find(f"{PRESENTATION}notes")
    images = reader.count_images(slide) - (reader.count_images(notes) if notes is not None else 0)
    composer.page(number, images=images)
    composer.leave_headings()
    shapes = [each for each in slide.iterchildren(tag="*") if each is not notes]
    shapes.sort(key=lambda shape: shape.get(f"{PRESENTATION}class") != "title")
    others = 0
    for shape in shapes:
        kind = shape.get(f"{PRESENTATION}class") or ""
        if kind in _ALL_SLIDES_ALIKE or shape.tag == f"{OFFICE}forms":
            continue
        name = collapse(shape.get(f"{DRAW}name") or "")[:100]
        if not name:
            others += kind == ""
            name = {"title": "Title", "subtitle": "Subtitle", "outline": "Body"}.get(kind, f"Shape {others}")
        with composer.place(name):
            if kind == "title":
                composer.add("heading", words_of(shape))
            elif kind == "footer":
                composer.add("furniture", words_of(shape))
            else:
                reader.read_shape(shape, images_counted=True)
    if notes is not None:
        with composer.place("Notes"):
            for shape in notes.iterchildren(tag="*"):
                if shape.get(f"{PRESENTATION}class") == "notes":
                    reader.read_shape(shape, images_counted=True)


def _sheet_rows(sheet: Any, reader: TextReader) -> Iterator[SheetRow]:
    """Yield rows with text; what is repeated is so up to a limit, and blank rows only count."""
    number = 1
    merged = MergedCells()
    for row in sheet.iter(f"{TABLE}table-row"):
        if next(row.iterancestors(f"{TABLE}table")) is not sheet:
            continue
        repeated = repetitions(row, "rows-repeated")
        cells = _sheet_cells(row, reader, number, merged)
        if cells:
            for offset in range(min(repeated, MAX_REPEATED)):
                yield merged.row(number + offset, dict(cells))
        number += repeated


def _sheet_cells(row: Any, reader: TextReader, number: int, merged: MergedCells) -> dict[int, str]:
    """Return a row's cells by column, and note those that are merged."""
    cells: dict[int, str] = {}
    column = 0
    for cell in row.iterchildren(f"{TABLE}table-cell", f"{TABLE}covered-table-cell"):
        repeated = repetitions(cell, "columns-repeated")
        words = reader.cell(cell) or _value(cell)
        if words and column <= LAST_COLUMN:
            for offset in range(min(repeated, MAX_REPEATED)):
                cells[column + offset] = words
            right = column + repetitions(cell, "columns-spanned") - 1
            merged.add(top=number, bottom=number + repetitions(cell, "rows-spanned") - 1, left=column, right=right)
        column += repeated
    return cells


def _value(cell: Any) -> str:
    """Return the stored value of a cell that does not say how it is shown."""
    for name in ("string-value", "date-value", "time-value", "boolean-value", "value"):
        if value := cell.get(f"{OFFICE}{name}"):
            return collapse(value)
    return ""
