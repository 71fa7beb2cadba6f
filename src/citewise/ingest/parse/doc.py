"""Word 97 to 2003 (.doc), and the plain text of Word 6 and 95.

The layout is that of [MS-DOC]: the file information block at the start of the stream
``WordDocument`` says where in the table stream the pieces of the text, the style sheet and
the runs of paragraph and character properties stand.
"""

from __future__ import annotations

import re
import struct
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import olefile

from citewise.errors import IngestError
from citewise.ingest.parse import ole
from citewise.ingest.parse.compose import Composer, collapse
from citewise.ingest.parse.doc_runs import ROW_CELLS, Fields, Runs, merged_cells, properties
from citewise.ingest.parse.symbols import sign
from citewise.ingest.parse.tables import count_header_rows, repeated
from citewise.types import BlockKind, ParsedDocument

MEDIA_TYPE = "application/msword"

_WORD_97 = 0xC1  # lowest version number of the format that is read in full
_MAIN, _FOOTNOTES, _HEADERS, _MACROS, _COMMENTS, _ENDNOTES, _TEXT_BOXES = range(7)
_READ = (_MAIN, _FOOTNOTES, _ENDNOTES, _TEXT_BOXES)

_STYLE_SHEET, _CHARACTER_RUNS, _PARAGRAPH_RUNS, _FONTS, _PIECES = 1, 12, 13, 15, 33  # pairs of the information block

# Property codes ([MS-DOC] 2.6): a paragraph's, a table row's, a character's.
_IN_TABLE, _ROW_END, _INNER_ROW_END = 0x2416, 0x2417, 0x244C
_OUTLINE, _LIST, _STYLE = 0x2640, 0x460B, 0x4600
_ROW_IS_HEADER = 0x3404
_DELETED, _SYMBOL = 0x0800, 0x6A09

_HEADERS_LEFT_OUT = "Headers and footers, which repeat on every page."
_GONE = "\x00"  # stands for a character that is not to be read
_STYLE_TITLE, _STYLE_CAPTION = 62, 34  # built-in styles; 1 to 9 are the headings
_TITLE_NAMES = ("title", "titel", "titre", "título", "titolo")
_NOT_TEXT = re.compile("[\x00-\x08\x0e-\x1f]")
_BREAKS = str.maketrans({"\x0b": "\n", "\x0e": "\n", "\x1e": "\u2011", "\x1f": "\u00ad", "\x0c": "\n"})
_PARAGRAPH = re.compile("[^\r\x07\x0c]*[\r\x07\x0c]?")


def parse(path: Path, *, source: str) -> ParsedDocument:
    """Read a Word document's body, footnotes, endnotes and text boxes.

    Raises:
        IngestError: It needs a password, is damaged, or is older than Word 6.
    """
    with ole.open_container(path, source=source) as container:
        try:
            reader = _open(container, source)
            composer = Composer()
            _write(composer, reader.paragraphs())
            if not composer.text:  # letterheads: all that there is stands in the header
                _write(composer, reader.headers())
        except (ole.DamagedError, struct.error, IndexError) as error:
            raise ole.damaged(source, str(error) if isinstance(error, ole.DamagedError) else "") from error
        return composer.document(
            media_type=MEDIA_TYPE,
            source=source,
            title=ole.title_of(container),
            images=reader.images,
            warnings=reader.warnings,
            left_out=reader.left_out,
        )


@dataclass(slots=True)
class _Paragraph:
    """One paragraph, or the end of a table's row."""

    text: str
    kind: BlockKind = "paragraph"
    level: int = 1
    in_table: bool = False
    ends_cell: bool = False
    ends_row: bool = False
    is_header: bool = False  # of a row's end
    merged: tuple[bool, ...] = ()  # of a row's end: the cells that only go on with the one above


def _open(container: olefile.OleFileIO, source: str) -> _Word97 | _Word6:
    main = ole.stream(container, "WordDocument")
    if len(main) < 0x60:
        raise ole.DamagedError("the part WordDocument is too short")
    version, flags = struct.unpack_from("<H", main, 2)[0], struct.unpack_from("<H", main, 0x0A)[0]
    if flags & 0x0100:
        raise ole.protected(source)
    if version >= _WORD_97:
        return _Word97(main, ole.stream(container, "1Table" if flags & 0x0200 else "0Table"))
    if version >= 101:
        return _Word6(main, is_complex=bool(flags & 0x0004))
    raise IngestError(f"{source} was written by a Word older than version 6. Save it as .docx and add that.")


class _Word97:
    """Takes a document of Word 97 or later apart."""

    def __init__(self, main: bytes, table: bytes) -> None:
        self._main = main
        self._table = table
        self.images = 0
        self.left_out: list[str] = []
        self.warnings: list[str] = []
        self._lengths = struct.unpack_from("<8i", main, 0x4C)
        self._styles = self._read_styles()
        self._paragraph_runs = Runs(main, self._plc(_PARAGRAPH_RUNS), paragraphs=True)
        self._characters, self._piece_starts, self._pieces = self._read_pieces()

    def paragraphs(self) -> Iterator[_Paragraph]:
        """Yield what is read, part by part of the document."""
        start = 0
        for part, length in enumerate(max(length, 0) for length in self._lengths[:7]):
            if part in _READ:
                yield from self._paragraphs(start, start + length)
            elif self._characters[start : start + length].strip("\r\x00\x01\x05\x07\x13\x14\x15 "):
                if part == _COMMENTS:
                    self.left_out.append("Comments.")
                elif part == _HEADERS:
                    self.left_out.append(_HEADERS_LEFT_OUT)
            start += length
        if self.images:
            self.left_out.append(f"{self.images} {'image' if self.images == 1 else 'images'}.")

    def headers(self) -> Iterator[_Paragraph]:
        """Yield the headers and footers."""
        if _HEADERS_LEFT_OUT in self.left_out:
            self.left_out.remove(_HEADERS_LEFT_OUT)
        start = sum(max(length, 0) for length in self._lengths[:_HEADERS])
        yield from self._paragraphs(start, start + max(self._lengths[_HEADERS], 0))

    def _plc(self, index: int) -> bytes:
        offset, size = struct.unpack_from("<II", self._main, 0x9A + index * 8)
        if offset + size > len(self._table):
            raise ole.DamagedError("a table of properties lies beyond its end")
        return self._table[offset : offset + size]

    def _read_pieces(self) -> tuple[str, list[int], list[tuple[int, int]]]:
        """Put the text together from its pieces.

        Returns:
            One character per position; the positions at which pieces begin; of each piece, the
            place in the stream and the bytes per character.
        """
        table = self._plc(_PIECES)
        at = 0
        while at < len(table) and table[at] == 1:  # properties that pieces share
            at += 3 + struct.unpack_from("<H", table, at + 1)[0]
        if at >= len(table) or table[at] != 2:
            raise ole.DamagedError("its table of pieces is missing")
        size = struct.unpack_from("<I", table, at + 1)[0]
        table = table[at + 5 : at + 5 + size]
        count = (len(table) - 4) // 12
        positions = struct.unpack_from(f"<{count + 1}I", table)
        deleted, symbols = self._marked_characters()
        texts, starts, pieces = [], [], []
        whole = 0
        for index in range(count):
            length = positions[index + 1] - positions[index]
            offset = struct.unpack_from("<I", table, 4 * (count + 1) + 8 * index + 2)[0]
            width = 1 if offset & 0x40000000 else 2
            offset = (offset & 0x3FFFFFFF) // (3 - width)
            raw = self._main[offset : offset + length * width]
            if not 0 <= length <= len(self._main) or len(raw) < length * width:
                raise ole.DamagedError("a piece of its text lies beyond its end")
            units = raw.decode("cp1252", "replace") if width == 1 else "".join(map(chr, array("H", raw)))
            texts.append(_marked(units, offset, width, deleted, symbols))
            starts.append(whole)
            pieces.append((offset, width))
            whole += length
        return "".join(texts), starts, pieces

    def _marked_characters(self) -> tuple[list[tuple[int, int]], dict[int, str]]:
        """Return where in the stream deleted text stands, and symbols of fonts of their own."""
        deleted = []
        symbols = {}
        fonts = self._read_fonts()
        for start, end, raw in Runs(self._main, self._plc(_CHARACTER_RUNS), paragraphs=False):
            for code, operand in properties(raw):
                if code == _DELETED and operand != b"\x00":
                    deleted.append((start, end))
                elif code == _SYMBOL and len(operand) == 4:
                    font, code_point = struct.unpack("<HH", operand)
                    is_sign = code_point < 0x100 or 0xF000 <= code_point <= 0xF0FF
                    name = fonts[font] if font < len(fonts) else ""
                    symbols[start] = (sign(code_point, font=name) if is_sign else chr(code_point)) or _GONE
        if deleted:
            self.left_out.append("Text that tracked changes delete.")
        return deleted, symbols

    def _paragraphs(self, start: int, end: int) -> Iterator[_Paragraph]:
        fields = Fields()
        for match in _PARAGRAPH.finditer(self._characters, start, end):
            if match.start() == match.end():
                continue
            raw = match[0]
            self.images += raw.count("\x01") + raw.count("\x08")
            text = fields.without_instructions(raw.rstrip("\r\x07\x0c"))
            yield self._paragraph(match.end() - 1, text, raw[-1])

    def _paragraph(self, last: int, text: str, mark: str) -> _Paragraph:
        piece = max(bisect_right(self._piece_starts, last) - 1, 0)
        offset, width = self._pieces[piece]
        style, changes = self._paragraph_runs.at(offset + (last - self._piece_starts[piece]) * width)
        paragraph = _Paragraph(_readable(text))
        outline = None
        listed = False
        for code, operand in properties(changes):
            value = int.from_bytes(operand[:2], "little")
            if code == _STYLE:
                style = value
            elif code == _IN_TABLE:
                paragraph.in_table = bool(value)
            elif code == _ROW_END:
                paragraph.ends_row = bool(value)
            elif code == _INNER_ROW_END:
                paragraph.text = ""
            elif code == _OUTLINE:
                outline = value
            elif code == _LIST:
                listed = bool(value)
            elif code == _ROW_IS_HEADER:
                paragraph.is_header = bool(value)
            elif code == ROW_CELLS:
                paragraph.merged = merged_cells(operand)
        paragraph.ends_cell = paragraph.in_table and mark == "\x07"
        kind, level = self._styles.get(style, ("paragraph", 1))
        if outline is not None:
            kind, level = ("heading", outline + 1) if outline < 9 else ("paragraph", 1)
        paragraph.kind = "list_item" if listed and kind == "paragraph" else kind
        paragraph.level = level
        return paragraph

    def _read_fonts(self) -> list[str]:
        table = self._plc(_FONTS)
        names = []
        at = 4
        while at < len(table):
            entry = table[at + 1 : at + 1 + table[at]]
            names.append(entry[39:].decode("utf-16-le", "replace").split("\x00", 1)[0])
            at += 1 + table[at]
        return names

    def _read_styles(self) -> dict[int, tuple[BlockKind, int]]:
        """Return what the styles make of a paragraph, by their number; a style may inherit it."""
        sheet = self._plc(_STYLE_SHEET)
        if len(sheet) < 6:
            return {}
        size = struct.unpack_from("<H", sheet)[0]
        count, base_size = struct.unpack_from("<HH", sheet, 2)
        at = 2 + size
        found: dict[int, tuple[BlockKind, int]] = {}
        based_on: dict[int, int] = {}
        for number in range(count):
            if at + 2 > len(sheet):
                break
            length = struct.unpack_from("<H", sheet, at)[0]
            style = sheet[at + 2 : at + 2 + length]
            at += 2 + length + length % 2
            if len(style) < base_size + 2 or base_size < 4:
                continue
            built_in = struct.unpack_from("<H", style)[0] & 0x0FFF
            based_on[number] = struct.unpack_from("<H", style, 2)[0] >> 4
            letters = struct.unpack_from("<H", style, base_size)[0]
            name = style[base_size + 2 : base_size + 2 + 2 * letters].decode("utf-16-le", "replace").lower()
            if 1 <= built_in <= 9:
                found[number] = ("heading", built_in + 1)  # below the title
            elif built_in == _STYLE_TITLE or name in _TITLE_NAMES:
                found[number] = ("heading", 1)
            elif built_in == _STYLE_CAPTION:
                found[number] = ("caption", 1)
            elif name.startswith("list ") and not name.startswith("list continue"):
                found[number] = ("list_item", 1)
        for _ in range(10):  # styles that styles are based on
            found |= {number: found[parent] for number, parent in based_on.items() if parent in found} | found
        return found


class _Word6:
    """Reads the text of Word 6 and 95, whose tables end each row with one mark more."""

    images = 0

    def __init__(self, main: bytes, *, is_complex: bool) -> None:
        language = struct.unpack_from("<H", main, 6)[0] & 0x3FF
        first, last = struct.unpack_from("<II", main, 0x18)
        length = struct.unpack_from("<i", main, 0x34)[0]
        if is_complex:
            raise ole.DamagedError("it was saved by Word 6 or 95 in pieces (fast saving), which is not read")
        if not 0 < first <= last <= len(main):
            raise ole.DamagedError("its text lies beyond its end")
        code_page = {0x19: 1251, 0x05: 1250, 0x15: 1250, 0x0E: 1250, 0x08: 1253, 0x1F: 1254, 0x11: 932}
        self._text = ole.decode(main[first : min(last, first + max(length, 0))], code_page.get(language, 1252))
        self.left_out: list[str] = ["Footnotes, headers and footers."]
        self.warnings = ["The document was written by Word 6 or 95: headings and lists are not told apart."]

    def paragraphs(self) -> Iterator[_Paragraph]:
        """Yield the main text."""
        fields = Fields()
        cells = 0
        for match in _PARAGRAPH.finditer(self._text):
            if match.start() == match.end():
                continue
            text = _readable(fields.without_instructions(match[0].rstrip("\r\x07\x0c")))
            ends_cell = match[0].endswith("\x07")
            ends_row = ends_cell and match[0] == "\x07" and cells > 0
            cells = 0 if ends_row or not ends_cell else cells + 1
            yield _Paragraph(text, in_table=ends_cell, ends_cell=ends_cell, ends_row=ends_row)

    def headers(self) -> Iterator[_Paragraph]:
        """Yield nothing: they are not read."""
        yield from ()


def _write(composer: Composer, paragraphs: Iterator[_Paragraph]) -> None:
    """Write paragraphs as blocks, and cells and rows as tables."""
    rows: list[list[str]] = []
    cells: list[str] = []
    cell: list[str] = []
    headers = 0

    def flush() -> None:
        nonlocal headers
        if cell or cells:
            rows.append([*cells, " ".join(cell)])
        if any(any(row) for row in rows):
            composer.add_table(rows, header_rows=headers or count_header_rows(rows))
        for each in (rows, cells, cell):
            each.clear()
        headers = 0

    for paragraph in paragraphs:
        if not paragraph.in_table:
            if rows or cells or cell:
                flush()
            composer.add(
                paragraph.kind,
                collapse(paragraph.text) if paragraph.kind == "heading" else paragraph.text,
                level=paragraph.level,
            )
        elif paragraph.ends_row:
            for index, merged in enumerate(paragraph.merged[: len(cells)]):
                if merged and not cells[index] and rows and index < len(rows[-1]):
                    cells[index] = repeated(rows[-1][index])
            if any(cells):
                headers += paragraph.is_header and headers == len(rows)
                rows.append(list(cells))
            cells.clear()
        else:
            if words := collapse(paragraph.text):
                cell.append(words)
            if paragraph.ends_cell:
                cells.append(" ".join(cell))
                cell.clear()
    flush()


def _marked(units: str, offset: int, width: int, deleted: list[tuple[int, int]], symbols: dict[int, str]) -> str:
    """Replace deleted characters and symbols in a piece of text that stands at ``offset``."""
    end = offset + len(units) * width
    changes = [(start, stop, _GONE) for start, stop in deleted if start < end and stop > offset]
    changes += [(at, at + width, shown) for at, shown in symbols.items() if offset <= at < end]
    if not changes:
        return units
    characters = list(units)
    for start, stop, shown in changes:
        for index in range(max(start - offset, 0) // width, min(-(-(stop - offset) // width), len(units))):
            if characters[index] not in "\r\x07\x13\x14\x15":
                characters[index] = shown
    return "".join(characters)


def _readable(text: str) -> str:
    return ole.joined_surrogates(_NOT_TEXT.sub("", text.translate(_BREAKS)))
