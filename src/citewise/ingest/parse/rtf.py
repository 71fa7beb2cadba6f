"""Rich text (.rtf): paragraphs, headings, lists, tables and notes.

An own reader, because the libraries that there are give plain text without tables and headings.
The language is that of the Rich Text Format Specification 1.9.1: groups in braces, control
words behind a backslash, bytes of code pages between them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from pathlib import Path

from citewise.errors import IngestError
from citewise.ingest.limits import MAX_RTF_DEPTH
from citewise.ingest.parse.compose import Composer, collapse
from citewise.ingest.parse.ole import decode, joined_surrogates
from citewise.ingest.parse.rtf_words import (
    CHARACTERS,
    CODE_PAGES,
    COLLECTED,
    HEADERS,
    LEFT_OUT,
    READ,
    SKIPPED,
)
from citewise.ingest.parse.symbols import sign
from citewise.ingest.parse.tables import count_header_rows, repeated
from citewise.types import BlockKind, ParsedDocument

MEDIA_TYPE = "application/rtf"

_TOKEN = re.compile(
    rb"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,10})? ?|\\'(?P<hex>[0-9a-fA-F]{2})|\\(?P<symbol>[^a-zA-Z])"
    rb"|(?P<brace>[{}])|(?P<text>[^\\{}]+)",
    re.DOTALL,
)
_LINE_ENDS = re.compile(rb"[\r\n\x00]+")
_HEADING = re.compile(r"(?:heading|überschrift|titre|título|titolo)\s*(\d)", re.IGNORECASE)
_LABEL = re.compile(r"\w")  # a number or letter; bullets say nothing


@dataclass(slots=True)
class _State:
    """What holds within a group until its end."""

    skipped: bool = False
    collects: str = ""  # name of a table of the file's head, whose text is not the document's
    font: int = -1
    fallback: int = 1  # bytes that stand for one \u in programs without Unicode
    deleted: bool = False
    style: int = 0
    outline: int = -1
    listed: bool = False
    in_table: bool = False
    starred: bool = False  # the group began with \*: skip it if its word is unknown


def parse(path: Path, *, source: str) -> ParsedDocument:
    """Read a rich text file; pictures, objects' data, headers and footers are left out.

    Raises:
        IngestError: It cannot be opened, is no rich text, or its groups are nested too deep.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise IngestError(f"{source} cannot be opened: {error.strerror}. Check the file and add it again.") from error
    if not raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{\\rtf"):
        raise IngestError(f"{source} is no rich text file. Open it in its own program, save it again, and add that.")
    reader = Reader()
    reader.read(raw, source)
    if not reader.composer.text:  # letterheads: all that there is stands in the header
        reader = Reader(with_headers=True)
        reader.read(raw, source)
    return reader.composer.document(
        media_type=MEDIA_TYPE,
        source=source,
        title=reader.title,
        images=reader.images,
        warnings=reader.warnings,
        left_out=reader.left_out(),
        unread=reader.unread,
    )


class Reader:
    """Goes through the tokens and writes blocks."""

    def __init__(self, *, with_headers: bool = False) -> None:
        self.composer = Composer()
        self._skipped = SKIPPED - HEADERS if with_headers else SKIPPED
        self.images = 0
        self.title = ""
        self.warnings: list[str] = []
        self.unread: list[str] = []
        self._state = _State()
        self._stack: list[_State] = []
        self._code_page = 1252
        self._fonts: dict[int, tuple[int, str]] = {}  # code page, or -1 for the file's own; name
        self._font_name: list[str] = []
        self._styles: dict[int, tuple[BlockKind, int]] = {}
        self._bytes = bytearray()  # text that is still to be decoded
        self._to_skip = 0  # bytes that only repeat a \u
        self._pieces: list[str] = []  # the paragraph so far
        self._outside: list[list[str]] = []  # paragraphs around the note that is read
        self._notes: list[str] = []
        self._label = ""  # number or bullet of the list item that is read
        self._cell: list[str] = []  # paragraphs of the cell so far
        self._cells: list[str] = []
        self._rows: list[list[str]] = []
        self._header_rows = 0
        self._row_is_header = False
        self._merged: list[bool] = []  # by cell of the row: whether it goes on with the one above
        self._cell_is_merged = False
        self._seen: set[str] = set()  # what was left out

    def read(self, raw: bytes, source: str) -> None:  # noqa: PLR0912 - a branch for each kind of token
        """Read a whole file."""
        at = 0
        while found := _TOKEN.match(raw, at):
            at = found.end()
            kind = found.lastgroup
            if kind in ("word", "number"):
                word = found["word"].decode("ascii")
                number = int(found["number"]) if found["number"] else None
                if word == "bin":
                    at += max(number or 0, 0)
                else:
                    self._word(word, number)
            elif kind == "text":
                self._text(_LINE_ENDS.sub(b"", found["text"]))
            elif kind == "hex":
                self._text(bytes([int(found["hex"], 16)]))
            elif kind == "symbol":
                self._symbol(found["symbol"])
            elif found["brace"] == b"{":
                self._flush()
                if len(self._stack) >= MAX_RTF_DEPTH:
                    raise IngestError(f"The groups of {source} are nested too deep. Save it again in its own program.")
                self._stack.append(copy(self._state))
            elif self._stack:
                self._close()
            else:
                break
        if at < len(raw) and raw[at:].strip(b"\x00 \r\n\t}"):
            self.warnings.append("There is something behind the end of the document, which was not read.")
        elif self._stack:
            self.unread.append("The end of the document: the file seems to be cut off.")
        self._flush()
        self._end_paragraph()
        self._end_table()
        for note in self._notes:
            self.composer.add("paragraph", note)

    def left_out(self) -> list[str]:
        """Say what was not read."""
        left_out = [LEFT_OUT[word] for word in LEFT_OUT if word in self._seen]
        if self._seen & HEADERS:
            left_out.append("Headers and footers, which repeat on every page.")
        if self.images:
            left_out.append(f"{self.images} {'image' if self.images == 1 else 'images'}.")
        return left_out

    # --- tokens -----------------------------------------------------------------------

    def _close(self) -> None:
        self._flush()
        ended, self._state = self._state, self._stack.pop()
        self._to_skip = 0
        if ended.collects == self._state.collects:
            return
        if ended.collects == "footnote":
            words = collapse("".join(self._pieces))
            self._pieces = self._outside.pop()
            if words:
                self._notes.append(words)
        elif ended.collects in ("title", "label"):
            words = collapse("".join(self._pieces))
            self._pieces = self._outside.pop()
            if ended.collects == "title":
                self.title = words
            else:
                self._label = words
                self._state.listed = True

    def _symbol(self, symbol: bytes) -> None:
        if symbol == b"*":
            self._state.starred = True
        elif symbol in b"\\{}":
            self._text(symbol)
        elif symbol in b"\r\n":
            self._word("par", None)
        elif symbol in b"~-_":
            self._character({b"~": "\u00a0", b"-": "\u00ad", b"_": "\u2011"}[symbol])

    def _text(self, raw: bytes) -> None:
        if self._state.skipped:
            return
        if self._to_skip:
            skipped = min(self._to_skip, len(raw))
            self._to_skip -= skipped
            raw = raw[skipped:]
        self._bytes += raw

    def _word(self, word: str, number: int | None) -> None:
        starred, self._state.starred = self._state.starred, False
        if word in CHARACTERS:
            self._character(CHARACTERS[word])
        elif word == "u":
            self._unicode(number or 0)
        elif self._state.skipped:
            if word == "ud" and "upr" in self._seen:
                self._state.skipped = False
        elif word in self._skipped or (starred and word not in READ):
            self._skip(word)
        elif word in COLLECTED:
            self._collect(word)
        else:
            self._flush()
            handler = _HANDLERS.get(word)
            if handler is not None:
                handler(self, number)

    def _skip(self, word: str) -> None:
        self._flush()
        self._seen.add(word)
        self.images += word == "pict"
        self._state.skipped = True

    def _collect(self, word: str) -> None:
        """Begin a group whose text does not belong to the paragraph around it."""
        self._flush()
        self._state.collects = COLLECTED[word]
        if self._state.collects in ("footnote", "title", "label"):
            self._outside.append(self._pieces)
            self._pieces = []

    def _character(self, character: str) -> None:
        if self._to_skip:
            self._to_skip -= 1
        elif not self._state.skipped:
            self._flush()
            self._write(character)

    def _unicode(self, number: int) -> None:
        self._to_skip = 0
        if self._state.skipped:
            return
        self._flush()
        code = number % 0x10000
        if 0xF000 <= code <= 0xF0FF:
            self._write(sign(code, font=self._fonts.get(self._state.font, (0, ""))[1]))
        else:
            self._write(chr(code))
        self._to_skip = self._state.fallback

    def _flush(self) -> None:
        """Decode the bytes so far by the font's code page."""
        if not self._bytes:
            return
        raw = bytes(self._bytes)
        self._bytes.clear()
        code_page, name = self._fonts.get(self._state.font, (-1, ""))
        if code_page == CODE_PAGES[2] and self._state.collects != "fonttbl":
            self._write("".join(sign(code, font=name) for code in raw))
        else:
            self._write(decode(raw, self._code_page if code_page in (-1, CODE_PAGES[2]) else code_page))

    def _write(self, text: str) -> None:
        collects = self._state.collects
        if collects == "fonttbl":
            self._name_font(text)
        elif collects == "stylesheet":
            self._name_style(text)
        elif self._state.deleted:
            self._seen.add("deleted")
        elif collects != "info":
            self._pieces.append(text)

    # --- the head of the file ---------------------------------------------------------

    def _name_font(self, text: str) -> None:
        code_page, name = self._fonts.get(self._state.font, (-1, ""))
        self._fonts[self._state.font] = (code_page, (name + text).split(";")[0].strip())

    def _name_style(self, text: str) -> None:
        name = text.split(";", maxsplit=1)[0].strip()
        heading = _HEADING.fullmatch(name)
        if heading:
            self._styles[self._state.style] = ("heading", int(heading[1]) + 1)  # below the title
        elif name.lower() in ("title", "titel", "titre"):
            self._styles[self._state.style] = ("heading", 1)
        elif 0 <= self._state.outline < 9:
            self._styles[self._state.style] = ("heading", self._state.outline + 2)
        elif name.lower() in ("caption", "beschriftung"):
            self._styles[self._state.style] = ("caption", 1)
        elif name.lower().startswith("list "):
            self._styles[self._state.style] = ("list_item", 1)

    def _set_charset(self, number: int | None) -> None:
        if self._state.collects == "fonttbl":
            name = self._fonts.get(self._state.font, (-1, ""))[1]
            self._fonts[self._state.font] = (CODE_PAGES.get(number or 0, -1), name)

    def _set_font_code_page(self, number: int | None) -> None:
        if self._state.collects == "fonttbl" and number:
            self._fonts[self._state.font] = (number, self._fonts.get(self._state.font, (-1, ""))[1])

    def _set_code_page(self, number: int | None) -> None:
        self._code_page = number or 1252

    # --- paragraphs and tables ----------------------------------------------------------

    def _set_font(self, number: int | None) -> None:
        self._state.font = number or 0

    def _reset_paragraph(self, _: int | None) -> None:
        self._state.style, self._state.outline = 0, -1
        self._state.listed = self._state.in_table = False

    def _end_paragraph(self, _: int | None = None) -> None:
        if self._state.collects:
            self._pieces.append("\n")
            return
        text = joined_surrogates("".join(self._pieces))
        self._pieces = []
        label, self._label = self._label, ""
        if self._state.in_table:
            if words := collapse(f"{label} {text}" if _LABEL.search(label) else text):
                self._cell.append(words)
            return
        if not text.strip():
            return
        self._end_table()
        kind, level = self._styles.get(self._state.style, ("paragraph", 1))
        if 0 <= self._state.outline < 9:
            kind, level = "heading", self._state.outline + 2
        if kind == "paragraph" and (label or self._state.listed):
            kind = "list_item"
        if _LABEL.search(label):
            text = f"{label} {text.strip()}"
        self.composer.add(kind, collapse(text) if kind == "heading" else text, level=level)

    def _end_cell(self, _: int | None) -> None:
        if self._state.collects:
            return
        words = collapse(joined_surrogates("".join(self._pieces)))
        self._pieces = []
        label, self._label = self._label, ""
        if words:
            self._cell.append(f"{label} {words}" if _LABEL.search(label) else words)
        self._cells.append(" ".join(self._cell))
        self._cell = []

    def _end_inner_cell(self, _: int | None) -> None:
        self._pieces.append(" ")

    def _begin_row(self, _: int | None) -> None:
        self._merged = []
        self._cell_is_merged = self._row_is_header = False

    def _mark_header(self, _: int | None) -> None:
        self._row_is_header = True

    def _mark_merged(self, _: int | None) -> None:
        self._cell_is_merged = True

    def _define_cell(self, _: int | None) -> None:
        self._merged.append(self._cell_is_merged)
        self._cell_is_merged = False

    def _end_row(self, _: int | None) -> None:
        if self._state.collects:
            return
        for index, merged in enumerate(self._merged[: len(self._cells)]):
            if merged and not self._cells[index] and self._rows and index < len(self._rows[-1]):
                self._cells[index] = repeated(self._rows[-1][index])
        if any(self._cells):
            self._header_rows += self._row_is_header and self._header_rows == len(self._rows)
            self._rows.append(self._cells)
        self._cells = []

    def _end_table(self) -> None:
        if self._cell or self._cells:
            self._rows.append([*self._cells, " ".join(self._cell)])
            self._cell, self._cells = [], []
        if self._rows:
            self.composer.add_table(self._rows, header_rows=self._header_rows or count_header_rows(self._rows))
        self._rows, self._header_rows = [], 0


def _flag(name: str) -> Callable[[Reader, int | None], None]:
    """Return a handler that sets a property of the group; a zero takes it back."""
    return lambda reader, number: setattr(reader._state, name, number != 0)


def _number(name: str, default: int) -> Callable[[Reader, int | None], None]:
    """Return a handler that stores the word's number."""
    return lambda reader, number: setattr(reader._state, name, default if number is None else number)


_HANDLERS: dict[str, Callable[[Reader, int | None], None]] = {
    "ansicpg": Reader._set_code_page,
    "mac": lambda reader, _: reader._set_code_page(10000),
    "pc": lambda reader, _: reader._set_code_page(437),
    "pca": lambda reader, _: reader._set_code_page(850),
    "f": Reader._set_font,
    "fcharset": Reader._set_charset,
    "cpg": Reader._set_font_code_page,
    "uc": _number("fallback", 1),
    "deleted": _flag("deleted"),
    "pard": Reader._reset_paragraph,
    "s": _number("style", 0),
    "outlinelevel": _number("outline", -1),
    "ls": _flag("listed"),
    "intbl": _flag("in_table"),
    "par": Reader._end_paragraph,
    "sect": Reader._end_paragraph,
    "page": Reader._end_paragraph,
    "cell": Reader._end_cell,
    "nestcell": Reader._end_inner_cell,
    "nestrow": Reader._end_inner_cell,
    "trowd": Reader._begin_row,
    "trhdr": Reader._mark_header,
    "clvmrg": Reader._mark_merged,
    "cellx": Reader._define_cell,
    "row": Reader._end_row,
}
