"""Outlook's messages (MSG): an OLE container with a stream for each property.

The layout is Microsoft's [MS-OXMSG]; names of properties are those of [MS-OXPROPS], and the
compression of RTF is that of [MS-OXRTFCP].
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_string, policy
from itertools import islice
from pathlib import Path

import olefile

from citewise.errors import IngestError
from citewise.ingest.limits import MAX_INNER_DEPTH, MAX_INNER_FILES
from citewise.ingest.parse.compose import Composer, clean, collapse
from citewise.ingest.parse.inner import Notes, add_inner, read_content
from citewise.ingest.parse.message import add_headers, add_html, add_text
from citewise.ingest.parse.ole import DamagedError, decode, open_container, stream
from citewise.types import ParsedDocument

_CLASS, _SUBJECT, _HEADERS, _BODY, _HTML, _RTF = 0x001A, 0x0037, 0x007D, 0x1000, 0x1013, 0x1009
_SENDER, _SENDER_MAIL, _SENDER_SMTP = 0x0C1A, 0x0C1F, 0x5D01
_TO, _CC, _BCC, _SENT, _DELIVERED = 0x0E04, 0x0E03, 0x0E02, 0x0039, 0x0E06
_CODE_PAGE, _HTML_CODE_PAGE = 0x3FFD, 0x3FDE
_DATA, _LONG_NAME, _NAME, _DISPLAY_NAME, _CONTENT_ID = 0x3701, 0x3707, 0x3704, 0x3001, 0x3712
_RECIPIENT, _MAIL, _SMTP = 0x0C15, 0x3003, 0x39FE
_RECIPIENTS = (("To", 1, _TO), ("Cc", 2, _CC), ("Bcc", 3, _BCC))
_CONTACT = {  # of address cards, which have no text
    0x3001: "Name",
    0x3A16: "Company",
    0x3A17: "Title",
    0x3A18: "Department",
    0x3A08: "Business phone",
    0x3A09: "Home phone",
    0x3A1C: "Mobile phone",
    0x3A29: "Street",
    0x3A2A: "Postal code",
    0x3A27: "City",
    0x3A26: "Country",
}
_UNICODE, _STRING8, _BINARY, _TIME, _NUMBER = 0x001F, 0x001E, 0x0102, 0x0040, 0x0003
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
# What the compressor's window holds before the first byte, by [MS-OXRTFCP] 2.1.3.1.
_RTF_START = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans Serif"
    rb"SymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    + b"\r\n"
    + rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)


def parse(path: Path, *, source: str) -> ParsedDocument:
    """Read a message with its attachments, messages within it too.

    Raises:
        IngestError: It is damaged.
    """
    composer, notes = Composer(), Notes()
    with open_container(path, source=source) as container:
        message = _Properties(container, ())
        _read(composer, notes, message, part="", depth=0)
        subject = message.text(_SUBJECT)
    return composer.document(
        media_type="application/vnd.ms-outlook",
        source=source,
        title=subject,
        images=notes.images,
        warnings=tuple(dict.fromkeys(notes.warnings)),
        left_out=tuple(dict.fromkeys(notes.left_out)),
        unread=tuple(dict.fromkeys(notes.unread)),
    )


class _Properties:
    """The properties of a message, an attachment or a recipient."""

    def __init__(self, container: olefile.OleFileIO, storage: tuple[str, ...], code_page: int = 0) -> None:
        self.container = container
        self.storage = storage
        # The header of fixed properties is longest for the outermost message.
        inner = "attach" in storage[-1] or "recip" in storage[-1] if storage else False
        skipped = 8 if inner else 24 if storage else 32
        self._fixed = self._fixed_properties(skipped)
        self.code_page = self.number(_CODE_PAGE) or code_page or 1252

    def text(self, tag: int) -> str:
        """A property that is text; empty where there is none."""
        raw = self.raw(tag, _UNICODE)
        if raw:
            return clean(raw.decode("utf-16-le", errors="replace").strip("\0"))
        return clean(decode(self.raw(tag, _STRING8), self.code_page).strip("\0"))

    def raw(self, tag: int, kind: int) -> bytes:
        """The bytes of a property; empty where there is none, or it is damaged."""
        name = "/".join((*self.storage, f"__substg1.0_{tag:04X}{kind:04X}"))
        if not self.container.exists(name):
            return b""
        try:
            return stream(self.container, name)
        except DamagedError:
            return b""

    def number(self, tag: int) -> int:
        """A whole number; 0 where there is none."""
        value = self._fixed.get((tag, _NUMBER))
        return int.from_bytes(value[:4], "little") if value else 0

    def time(self, tag: int) -> str:
        """A time, to the minute; empty where there is none."""
        value = self._fixed.get((tag, _TIME))
        try:
            ticks = int.from_bytes(value or b"", "little")
            return (_EPOCH + timedelta(microseconds=ticks // 10)).strftime("%Y-%m-%d %H:%M UTC") if ticks else ""
        except (OverflowError, ValueError):
            return ""

    def children(self, kind: str) -> Iterator[tuple[str, ...]]:
        """The storages of attachments or recipients, in order."""
        depth = len(self.storage)
        found = {
            tuple(entry[: depth + 1])
            for entry in self.container.listdir()
            if len(entry) > depth + 1 and tuple(entry[:depth]) == self.storage and entry[depth].startswith(kind)
        }
        yield from sorted(found)

    def _fixed_properties(self, skipped: int) -> dict[tuple[int, int], bytes]:
        name = "/".join((*self.storage, "__properties_version1.0"))
        try:
            raw = stream(self.container, name)[skipped:] if self.container.exists(name) else b""
        except DamagedError:
            return {}
        found = {}
        for at in range(0, len(raw) - 15, 16):
            kind, tag = struct.unpack_from("<HH", raw, at)
            found[tag, kind] = raw[at + 8 : at + 16]
        return found


def _read(composer: Composer, notes: Notes, message: _Properties, *, part: str, depth: int) -> None:
    """Write a message: subject, headers, text, attachments."""
    headers = [
        ("From", _sender(message)),
        *((name, _recipients(message, kind, tag)) for name, kind, tag in _RECIPIENTS),
        ("Date", message.time(_SENT) or _header(message, "Date") or message.time(_DELIVERED)),
    ]
    add_headers(composer, headers, subject=message.text(_SUBJECT), level=1 + depth)
    _add_body(composer, notes, message)
    if message.text(_CLASS).startswith("IPM.Contact"):
        fields = ((label, message.text(tag)) for tag, label in _CONTACT.items())
        composer.add("paragraph", "\n".join(f"{label}: {value}" for label, value in fields if value))
    for number, storage in enumerate(message.children("__attach_version1.0_"), 1):
        if number > MAX_INNER_FILES:
            notes.unread.append(f"{part}All attachments after the first {MAX_INNER_FILES:,}.")
            break
        attachment = _Properties(message.container, storage, message.code_page)
        _attach(composer, notes, attachment, part=part, number=number, depth=depth)


def _sender(message: _Properties) -> str:
    name = message.text(_SENDER)
    mail = message.text(_SENDER_SMTP) or message.text(_SENDER_MAIL)
    if not name and not mail:
        return _header(message, "From")
    return f"{name} <{mail}>" if "@" in mail and mail != name else name or mail


def _recipients(message: _Properties, kind: int, tag: int) -> str:
    """Who a message went to, with addresses where the file has them."""
    found = []
    for storage in islice(message.children("__recip_version1.0_"), MAX_INNER_FILES):
        recipient = _Properties(message.container, storage, message.code_page)
        if recipient.number(_RECIPIENT) == kind:
            name, mail = recipient.text(_DISPLAY_NAME), recipient.text(_SMTP) or recipient.text(_MAIL)
            found.append(
                f"{name} <{mail}>" if name and "@" in mail and mail.strip("'") != name.strip("'") else name or mail
            )
    return "; ".join(found) or message.text(tag)


def _header(message: _Properties, name: str) -> str:
    """A header of the message as it came over the Internet."""
    try:
        return str(message_from_string(message.text(_HEADERS), policy=policy.default).get(name, ""))
    except Exception:  # noqa: BLE001 - the library raises a dozen kinds of errors on damaged headers
        return ""


def _add_body(composer: Composer, notes: Notes, message: _Properties) -> None:
    if message.text(_CLASS).upper().startswith("IPM.NOTE.SMIME") and not message.text(_CLASS).endswith(
        "MultipartSigned"
    ):
        notes.unread.append("A text that is encrypted with S/MIME. Decrypt it in Outlook and add that.")
        return
    body = message.text(_BODY)
    if body.strip():
        add_text(composer, notes, body)
        return
    html = message.raw(_HTML, _BINARY)
    if html.strip():
        page = message.number(_HTML_CODE_PAGE) or message.code_page
        add_html(composer, notes, decode(html, page).encode("utf-8-sig", "replace"))
        return
    if html_text := message.text(_HTML):
        add_html(composer, notes, html_text.encode("utf-8-sig", "replace"))
        return
    packed = message.raw(_RTF, _BINARY)
    if not packed:
        return
    try:
        composer.add_document(read_content(unpack_rtf(packed), "text.rtf", media_type="application/rtf"))
    except (IngestError, DamagedError) as error:
        notes.unread.append(f"The text of a message: {error}")


def _attach(composer: Composer, notes: Notes, attachment: _Properties, *, part: str, number: int, depth: int) -> None:
    named = (attachment.text(tag) for tag in (_LONG_NAME, _NAME, _DISPLAY_NAME))
    name = collapse(next((each for each in named if each), "")) or f"{number}"
    place = f"Attachment {name}"
    label = f"{part}{place}"
    embedded = (*attachment.storage, f"__substg1.0_{_DATA:04X}000D")
    if attachment.container.exists("/".join((*embedded, "__properties_version1.0"))):
        if depth == MAX_INNER_DEPTH:
            notes.unread.append(f"{label}: messages in messages are read to a depth of {MAX_INNER_DEPTH}.")
            return
        with composer.place(place):
            inner = _Properties(attachment.container, embedded, attachment.code_page)
            _read(composer, notes, inner, part=f"{label}, ", depth=depth + 1)
        return
    content = attachment.raw(_DATA, _BINARY)
    if not content:
        notes.unread.append(f"{label}: it is not in the file, or an object of another program.")
    elif attachment.text(_CONTENT_ID) and content.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM")):
        notes.images += 1
        notes.left_out.append("Pictures within the text.")
    else:
        add_inner(composer, notes, content, part=place, name=name, within=part, level=2 + depth)


def unpack_rtf(packed: bytes) -> bytes:
    """Unpack the RTF text of a message.

    Raises:
        DamagedError: It is no such text.
    """
    if len(packed) < 16:
        raise DamagedError("it is cut off")
    size, raw_size, kind = struct.unpack_from("<III", packed)
    content = packed[16 : size + 4]
    if kind == 0x414C454D:  # "MELA": not compressed
        return content[:raw_size]
    if kind != 0x75465A4C:  # "LZFu"
        raise DamagedError("it is packed in an unknown way")
    window = bytearray(4096)
    window[: len(_RTF_START)] = _RTF_START
    write, position = len(_RTF_START), 0
    found = bytearray()
    while position < len(content) and len(found) < raw_size:
        control = content[position]
        position += 1
        for bit in range(8):
            if position >= len(content):
                break
            if control >> bit & 1:
                if position + 1 >= len(content):
                    return bytes(found)
                reference = content[position] << 8 | content[position + 1]
                position += 2
                offset, length = reference >> 4, (reference & 15) + 2
                if offset == write:
                    return bytes(found)
                for step in range(length):
                    byte = window[(offset + step) % 4096]
                    found.append(byte)
                    window[write] = byte
                    write = (write + 1) % 4096
            else:
                found.append(content[position])
                window[write] = content[position]
                write = (write + 1) % 4096
                position += 1
    return bytes(found)
