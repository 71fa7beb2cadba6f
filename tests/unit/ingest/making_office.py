"""Old Office files for the tests: the streams of Word, Excel and PowerPoint, as small as they can be."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from tests.unit.ingest.making_ole import write_ole

# --- Word -----------------------------------------------------------------------------

NORMAL, HEADING, TITLE = 0, 1, 2  # styles
IN_TABLE, ROW_END = b"\x16\x24\x01", b"\x17\x24\x01"
IN_LIST = b"\x0b\x46\x01\x00"
HEADER_ROW = b"\x04\x34\x01"


@dataclass(frozen=True)
class Paragraph:
    """Words with their mark at the end, a style, and property changes."""

    text: str
    style: int = NORMAL
    changes: bytes = b""


def write_doc(
    paragraphs: Sequence[Paragraph],
    *,
    notes: str = "",
    header: str = "",
    deleted: tuple[int, int] | None = None,
    encrypted: bool = False,
) -> bytes:
    """Write a Word 97 file; ``deleted`` are characters of the body that a tracked change deletes."""
    body = "".join(paragraph.text for paragraph in paragraphs)
    text = body + notes + header
    start = 0x600
    main = bytearray(start)
    main += text.encode("utf-16-le")
    main += bytes(-len(main) % 512)
    bounds, at = [start], start
    for paragraph in paragraphs:
        at += 2 * _units(paragraph.text)
        bounds.append(at)
    paragraph_page = len(main) // 512
    main += _page(bounds, [struct.pack("<H", each.style) + each.changes for each in paragraphs])
    character_page = len(main) // 512
    first, last = deleted or (0, 0)
    end = start + 2 * _units(text)
    cuts = [start, start + 2 * first, start + 2 * last, end]
    main += _character_page(cuts, [b"", b"\x00\x08\x01", b""])
    table = bytearray()
    pairs = {}
    for number, content in (
        (1, _styles()),
        (12, struct.pack("<III", start, end, character_page)),
        (13, struct.pack("<III", start, end, paragraph_page)),
        (33, b"\x02" + struct.pack("<IIIHIH", 16, 0, _units(text), 0, start, 0)),
    ):
        pairs[number] = (len(table), len(content))
        table += content
    struct.pack_into("<HHHHHH", main, 0, 0xA5EC, 0xC1, 0, 0x409, 0, 0x0200 | (0x0100 if encrypted else 0))
    struct.pack_into("<8i", main, 0x4C, _units(body), _units(notes), _units(header), 0, 0, 0, 0, 0)
    for number, pair in pairs.items():
        struct.pack_into("<II", main, 0x9A + 8 * number, *pair)
    return write_ole({"WordDocument": bytes(main), "1Table": bytes(table)})


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _styles() -> bytes:
    sheet = struct.pack("<HHH14x", 18, 3, 10)
    for name, built_in in (("Normal", 0), ("heading 1", 1), ("Title", 62)):
        style = struct.pack("<HH6x", built_in, 1 | 0xFFF << 4) + struct.pack("<H", len(name))
        style += name.encode("utf-16-le") + b"\0\0"
        sheet += struct.pack("<H", len(style)) + style + bytes(len(style) % 2)
    return sheet


def _page(bounds: Sequence[int], entries: Sequence[bytes]) -> bytes:
    page = bytearray(512)
    struct.pack_into(f"<{len(bounds)}I", page, 0, *bounds)
    at = 510
    for index, entry in enumerate(entries):
        size = -(-(len(entry) + 1) // 2)
        at -= 2 * size
        page[at] = size
        page[at + 1 : at + 1 + len(entry)] = entry
        page[4 * len(bounds) + 13 * index] = at // 2
    page[511] = len(entries)
    return bytes(page)


def _character_page(bounds: Sequence[int], entries: Sequence[bytes]) -> bytes:
    page = bytearray(512)
    struct.pack_into(f"<{len(bounds)}I", page, 0, *bounds)
    at = 510
    for index, entry in enumerate(entries):
        if entry:
            at -= len(entry) + 1 + (len(entry) + 1) % 2
            page[at] = len(entry)
            page[at + 1 : at + 1 + len(entry)] = entry
            page[4 * len(bounds) + index] = at // 2
    page[511] = len(entries)
    return bytes(page)


def write_old_doc(text: str) -> bytes:
    """Write a file of Word 6: text of one byte a character, and nothing else that is read."""
    raw = text.encode("cp1252")
    main = bytearray(0x300) + raw
    struct.pack_into("<HHHHHH", main, 0, 0xA5DC, 101, 0, 0x409, 0, 0)
    struct.pack_into("<II", main, 0x18, 0x300, 0x300 + len(raw))
    struct.pack_into("<i", main, 0x34, len(raw))
    return write_ole({"WordDocument": bytes(main)})


# --- PowerPoint -----------------------------------------------------------------------


def record(kind: int, content: bytes, *, container: bool = False, instance: int = 0) -> bytes:
    """Return a record of a presentation."""
    return struct.pack("<HHI", instance << 4 | (0xF if container else 0), kind, len(content)) + content


def text_box(words: str, kind: int = 4) -> bytes:
    """Return a shape with words in it; kind 0 is a title, 1 a body, 2 notes, 4 anything else."""
    content = record(0x0F9F, struct.pack("<I", kind)) + record(0x0FA0, words.encode("utf-16-le"))
    return record(0xF004, record(0xF00D, content), container=True)


def cell(words: str, left: int, top: int) -> bytes:
    """Return a cell of a table."""
    content = record(0x0F9F, struct.pack("<I", 4)) + record(0x0FA8, words.encode("latin-1"))
    anchor = record(0xF00F, struct.pack("<iiii", left, top, left + 1, top + 1))
    return record(0xF004, anchor + record(0xF00D, content), container=True)


def table(cells: Sequence[bytes]) -> bytes:
    """Return a group of shapes that is a table."""
    flags = record(0xF122, struct.pack("<HI", 0x039F, 1), instance=1)
    return record(0xF003, record(0xF004, flags, container=True) + b"".join(cells), container=True)


def write_ppt(
    slides: Sequence[Sequence[bytes]],
    *,
    outlines: Sequence[str] = (),
    notes: Sequence[str] = (),
    hidden: Sequence[int] = (),
    encrypted: bool = False,
) -> bytes:
    """Write a presentation; ``outlines`` are the slides' titles, ``hidden`` their numbers from 0."""
    stream = b""
    offsets = []

    def drawing(shapes: Sequence[bytes]) -> bytes:
        group = record(0xF003, b"".join(shapes), container=True)
        return record(0x040C, record(0xF002, group, container=True), container=True)

    for number, shapes in enumerate(slides):
        offsets.append(len(stream))
        title = record(0xF00D, record(0x0F9E, struct.pack("<i", 0)))
        own = [record(0xF004, title, container=True)] if number < len(outlines) else []
        show = record(0x03F9, struct.pack("<IIHHI", 0, 0, 0, 4 if number in hidden else 0, 0)[:16])
        stream += record(0x03EE, show + drawing([*own, *shapes]), container=True)
    for number, words in enumerate(notes):
        offsets.append(len(stream))
        content = record(0x03F1, struct.pack("<I4x", 256 + number)) + drawing([text_box(words, 2)])
        stream += record(0x03F0, content, container=True)
    listed = b""
    for number in range(len(slides)):
        listed += record(0x03F3, struct.pack("<IIiII", number + 1, 0, 0, 256 + number, 0))
        if number < len(outlines):
            listed += record(0x0F9F, struct.pack("<I", 0)) + record(0x0FA0, outlines[number].encode("utf-16-le"))
    content = record(0x0FF0, listed, container=True)
    listed = b"".join(
        record(0x03F3, struct.pack("<IIiII", len(slides) + number + 1, 0, 0, 512 + number, 0))
        for number in range(len(notes))
    )
    content += record(0x0FF0, listed, container=True, instance=2)
    offsets.append(len(stream))
    stream += record(0x03E8, content, container=True)
    directory = len(stream)
    stream += record(0x1772, struct.pack(f"<I{len(offsets)}I", 1 | len(offsets) << 20, *offsets))
    edit = len(stream)
    stream += record(0x0FF5, struct.pack("<IIIIIII", 0, 0, 0, directory, len(offsets), 0, 0))
    token = 0xF3D1C4DF if encrypted else 0xE391C05F
    user = struct.pack("<HHIIII", 0, 0x0FF6, 20, 20, token, edit)
    return write_ole({"PowerPoint Document": stream, "Current User": user})


# --- Excel ----------------------------------------------------------------------------


def entry(kind: int, content: bytes) -> bytes:
    """Return a record of a workbook."""
    return struct.pack("<HH", kind, len(content)) + content


def write_xls(sheets: dict[str, bytes], *, strings: bytes = b"", hidden: Sequence[str] = ()) -> bytes:
    """Write a workbook of Excel 97; sheets are the records of their cells, style 1 is a percentage."""
    begin, end = entry(0x0809, struct.pack("<HHHH", 0x0600, 5, 0, 0)), entry(0x000A, b"")
    styles = b"".join(entry(0x00E0, struct.pack("<HH16x", 0, number)) for number in (0, 9, 14, 164))
    own = '0.0 "km"'
    formats = entry(0x041E, struct.pack("<HHB", 164, len(own), 0) + own.encode())
    parts = [begin + content + end for content in sheets.values()]
    names = list(sheets)
    length = len(begin + formats + styles + strings + end) + sum(4 + 8 + len(name) for name in names)
    listed = b""
    for name, part in zip(names, parts, strict=True):
        state = struct.pack("<IBBBB", length, int(name in hidden), 0, len(name), 0)
        listed += entry(0x0085, state + name.encode("latin-1"))
        length += len(part)
    return write_ole({"Workbook": begin + formats + styles + listed + strings + end + b"".join(parts)})


def number(row: int, column: int, value: float, style: int = 0) -> bytes:
    """Return a cell with a number."""
    return entry(0x0203, struct.pack("<HHHd", row, column, style, value))


def label(row: int, column: int, words: str) -> bytes:
    """Return a cell with words of its own."""
    return entry(0x0204, struct.pack("<HHHHB", row, column, 0, len(words), 1) + words.encode("utf-16-le"))
