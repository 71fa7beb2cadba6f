"""Mail: EML files and mailboxes. Outlook's own files are read by :mod:`.outlook`.

A message reads as its subject, its headers, its text, and then its attachments, each read
by its own parser as a part of the same document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from pathlib import Path
from typing import cast

from citewise.errors import IngestError
from citewise.ingest.limits import MAX_MESSAGES
from citewise.ingest.parse.compose import Composer, clean, collapse
from citewise.ingest.parse.inner import Notes, add_inner, read_content
from citewise.ingest.parse.text import document_from_text, guess_encoding, mojibake, wide_encoding
from citewise.types import ParsedDocument

_HEADERS = ("From", "To", "Cc", "Bcc", "Reply-To", "Newsgroups", "Date")
_HEADER_LINE = re.compile(rb"[\x21-\x39\x3b-\x7e]+:")
_MAILBOX_LINE = re.compile(rb"From \S*.*\d{2}:\d{2}|From - |From [^\s@]+@\S+")
_QUOTED_MAILBOX_LINE = re.compile(rb"^>(>*From )", re.MULTILINE)
_LONGEST_HEADER = 20_000  # characters; taking addresses apart takes the square of their number
_PGP = "-----BEGIN PGP MESSAGE-----"
_SIGNATURES = frozenset({"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"})
_ENVELOPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})


def parse_mail(path: Path, *, source: str) -> ParsedDocument:
    """Read one message with its attachments.

    Raises:
        IngestError: It cannot be opened, or is nested too deep.
    """
    composer, notes = Composer(), Notes()
    try:
        message = _message(_read(path, source))
        subject = _header(message, "Subject")
        MessageReader(composer, notes).read(message, subject=subject)
    except RecursionError as error:
        raise IngestError(
            f"{source} has parts within parts, deeper than any mail program makes them, so it cannot be read."
        ) from error
    return _document(composer, notes, "message/rfc822", source, subject)


def parse_mailbox(path: Path, *, source: str) -> ParsedDocument:
    """Read a mailbox (mbox): every message under a heading of its own.

    Raises:
        IngestError: It cannot be opened.
    """
    composer, notes = Composer(), Notes()
    for number, raw in enumerate(_messages(path, source), 1):
        if number > MAX_MESSAGES:
            notes.unread.append(f"Everything after message {MAX_MESSAGES:,}: more are not read of one mailbox.")
            break
        message = _message(raw)
        with composer.place(f"Message {number}"):
            MessageReader(composer, notes, part=f"Message {number}").read(
                message, subject=_header(message, "Subject") or f"Message {number}"
            )
    return _document(composer, notes, "application/mbox", source, "")


def add_headers(composer: Composer, headers: list[tuple[str, str]], *, subject: str, level: int = 1) -> None:
    """Write how a message begins: its subject as a heading, then who wrote it to whom and when."""
    composer.add("heading", collapse(subject), level=level)
    composer.add("paragraph", "\n".join(f"{name}: {collapse(value)}" for name, value in headers if value.strip()))


def add_text(composer: Composer, notes: Notes, text: str) -> None:
    """Write the text of a message; what it quotes of others stays."""
    if _PGP in text:
        notes.unread.append("A text that is encrypted with PGP. Decrypt it in the mail program and add that.")
        text = text.partition(_PGP)[0]
    text = clean(text.replace("\r\n", "\n").replace("\r", "\n"))
    notes.warnings += mojibake(text)
    composer.add_document(document_from_text(text, source="text"))


def add_html(composer: Composer, notes: Notes, html: bytes) -> None:
    """Write the text of a message that came as HTML."""
    try:
        document = read_content(html, "text.html", media_type="text/html")
    except IngestError as error:
        notes.unread.append(f"The text of a message: {error}")
        return
    composer.add_document(document)
    notes.images += document.report.images


def _document(composer: Composer, notes: Notes, media_type: str, source: str, title: str) -> ParsedDocument:
    return composer.document(
        media_type=media_type,
        source=source,
        title=title,
        images=notes.images,
        warnings=tuple(dict.fromkeys(notes.warnings)),
        left_out=tuple(dict.fromkeys(notes.left_out)),
        unread=tuple(dict.fromkeys(notes.unread)),
    )


class MessageReader:
    """Writes messages of the Internet's form.

    Args:
        composer: Where to.
        notes: What its report will say.
        part: Which part of the file the message is, in front of the names of its attachments.
    """

    def __init__(self, composer: Composer, notes: Notes, *, part: str = "") -> None:
        self._composer = composer
        self._notes = notes
        self._part = f"{part}, " if part else ""

    def read(self, message: EmailMessage, *, subject: str) -> None:
        """Write a message, and then its attachments."""
        add_headers(self._composer, [(name, _header(message, name)) for name in _HEADERS], subject=subject)
        attachments: list[EmailMessage] = []
        self._read_part(message, attachments)
        for number, part in enumerate(attachments, 1):
            self._attach(part, number)

    def _read_part(self, part: EmailMessage, attachments: list[EmailMessage]) -> None:
        """Write what a part adds to the text, and set attachments aside."""
        kind = part.get_content_type()
        if kind == "multipart/encrypted" or (kind in _ENVELOPES and _is_sealed(part)):
            how = "PGP" if "pgp" in str(part.get("Content-Type", "")).lower() else "S/MIME"
            self._notes.unread.append(
                f"{self._part}A text that is encrypted with {how}. Decrypt it in the mail program and add that."
            )
        elif kind in _SIGNATURES:
            self._notes.left_out.append("The message's signature, which is not checked.")
        elif kind == "multipart/alternative":
            chosen = _preferred(_parts(part))
            for each in _parts(part):
                if each is chosen:
                    self._read_part(each, attachments)
                else:  # some programs put attachments beside the HTML form
                    attachments += [one for one in each.walk() if one.get_content_disposition() == "attachment"]
        elif part.is_multipart() and kind != "message/rfc822":
            for each in _parts(part):
                self._read_part(each, attachments)
        elif kind in ("text/plain", "text/html", "message/delivery-status") and not _is_attachment(part):
            self._add_body(part, kind)
        elif kind.startswith("image/") and part.get("Content-ID") and part.get_content_disposition() != "attachment":
            self._notes.images += 1
            self._notes.left_out.append("Pictures within the text.")
        else:
            attachments.append(part)

    def _add_body(self, part: EmailMessage, kind: str) -> None:
        text = _decoded(part)
        if kind == "text/html":
            add_html(self._composer, self._notes, text.encode("utf-8-sig", "replace"))
        else:
            add_text(self._composer, self._notes, text)

    def _attach(self, part: EmailMessage, number: int) -> None:
        name = collapse(clean(_file_name(part))) or f"{number}"
        if part.get_content_type() == "message/rfc822":
            inner = _parts(part)
            content = bytes(inner[0]) if inner else b""
            if name == f"{number}" and inner:
                name = _header(inner[0], "Subject") or name
            name = name if name.lower().endswith(".eml") else f"{name}.eml"
        else:
            content = _payload(part)
        if not content.strip():
            self._notes.warnings.append(f"{self._part}Attachment {name} is empty.")
            return
        label = f"Attachment {name}"
        add_inner(self._composer, self._notes, content, part=label, name=name, within=self._part)


# --- messages of the Internet's form --------------------------------------------------


def _read(path: Path, source: str) -> bytes:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise IngestError(f"{source} cannot be opened: {error.strerror}. Check the file and add it again.") from error
    wide = wide_encoding(raw[: 64 * 1024])
    return raw.decode(wide, errors="replace").removeprefix("\ufeff").encode() if wide else raw


def _message(raw: bytes) -> EmailMessage:
    raw = _without_gaps(raw.lstrip(b"\xef\xbb\xbf\r\n"))
    return message_from_bytes(raw, policy=policy.default)


def _without_gaps(raw: bytes) -> bytes:
    """Close blank lines between headers, which some programs leave: the parser takes the rest for text."""
    head, rest = raw[:8192], raw[8192:]
    lines = head.splitlines(keepends=True)
    kept: list[bytes] = []
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else b""
        if not line.strip():
            headers = b"".join(kept).lower()
            if (b"from:" in headers and b"content-type:" in headers) or not _HEADER_LINE.match(following):
                return b"".join([*kept, *lines[number:]]) + rest
            continue
        kept.append(line)
    return b"".join(kept) + rest


def _header(message: EmailMessage, name: str) -> str:
    """A header as a person reads it; damaged ones as they stand."""
    raw = next((str(value) for key, value in message.raw_items() if key.lower() == name.lower()), "")
    try:
        if len(raw) > _LONGEST_HEADER:
            raise ValueError
        return collapse(clean(", ".join(str(value) for value in message.get_all(name, []))))
    except Exception:  # noqa: BLE001 - the library raises a dozen kinds of errors on damaged headers
        try:
            return collapse(clean(str(make_header(decode_header(raw)))))
        except (ValueError, LookupError):
            return collapse(clean(raw))


def _parts(part: EmailMessage) -> list[EmailMessage]:
    payload = part.get_payload()
    return [cast(EmailMessage, each) for each in payload] if isinstance(payload, list) else []


def _preferred(parts: list[EmailMessage]) -> EmailMessage | None:
    """Of several forms of one text the plain one that says something, else HTML, else the last."""
    for kind in ("text/plain", "text/html"):
        for part in parts:
            if part.get_content_type() == kind and _decoded(part).strip():
                return part
    return next((part for part in parts if part.is_multipart()), parts[-1] if parts else None)


def _is_attachment(part: EmailMessage) -> bool:
    return part.get_content_disposition() == "attachment" or bool(_file_name(part))


def _is_sealed(part: EmailMessage) -> bool:
    return str(part.get_param("smime-type") or "enveloped-data").lower() != "signed-data"


def _file_name(part: EmailMessage) -> str:
    try:
        return part.get_filename() or ""
    except Exception:  # noqa: BLE001 - see _header
        return ""


def _payload(part: EmailMessage) -> bytes:
    try:
        content = part.get_payload(decode=True)
    except Exception:  # noqa: BLE001 - see _header
        content = None
    return content if isinstance(content, bytes) else b""


def _decoded(part: EmailMessage) -> str:
    """The text of a part, in the encoding that it names, or the likeliest where that is wrong."""
    if part.is_multipart():  # message/delivery-status
        return "\n\n".join(each.as_string() for each in _parts(part))
    raw = _payload(part)
    charset = str(part.get_content_charset() or "utf-8")
    try:
        return raw.decode(charset)
    except (LookupError, UnicodeDecodeError, ValueError):
        return raw.decode(guess_encoding(raw), errors="replace")


def _messages(path: Path, source: str) -> Iterator[bytes]:
    """Yield the messages of a mailbox as they stand in it, one at a time."""
    lines: list[bytes] = []
    blank = True
    try:
        with path.open("rb") as file:
            for line in file:
                if blank and _MAILBOX_LINE.match(line):
                    if any(each.strip() for each in lines):
                        yield _QUOTED_MAILBOX_LINE.sub(rb"\1", b"".join(lines))
                    lines.clear()
                else:
                    lines.append(line)
                blank = not line.strip()
    except OSError as error:
        raise IngestError(f"{source} cannot be opened: {error.strerror}. Check the file and add it again.") from error
    if any(each.strip() for each in lines):
        yield _QUOTED_MAILBOX_LINE.sub(rb"\1", b"".join(lines))
