from __future__ import annotations

import struct
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from citewise.errors import IngestError
from citewise.ingest.parse import SUPPORTED, inner, message, outlook, parse
from citewise.types import ParsedDocument
from tests.unit.ingest.checks import assert_anchored
from tests.unit.ingest.making import Put, write_pdf
from tests.unit.ingest.making_ole import write_ole


def read(folder: Path, content: bytes | EmailMessage, name: str = "a.eml") -> ParsedDocument:
    path = folder / "blob"
    path.write_bytes(content if isinstance(content, bytes) else content.as_bytes())
    document = parse(path, source=name)
    assert_anchored(document)
    return document


def letter(text: str = "Dear Ada,\n\nsee you.\n\n> an older line\n", subject: str = "Grüße") -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Änne <a@example.org>"
    mail["To"] = "b@example.org"
    mail["Subject"] = subject
    mail["Date"] = "Tue, 01 Oct 2024 12:34:56 -0500"
    mail.set_content(text)
    return mail


def parts(document: ParsedDocument) -> list[str]:
    return [document.text[block.start : block.end] for block in document.blocks]


def places(document: ParsedDocument) -> list[tuple[str, str]]:
    return [(place.part, document.text[place.start : place.end]) for place in document.places]


def test_a_message_is_its_subject_its_headers_and_its_text(tmp_path: Path) -> None:
    document = read(tmp_path, letter())
    assert parts(document) == [
        "Grüße",
        "From: Änne <a@example.org>\nTo: b@example.org\nDate: Tue, 01 Oct 2024 12:34:56 -0500",
        "Dear Ada,",
        "see you.",
        "> an older line",
    ]
    assert document.title == "Grüße"
    assert document.blocks[0].kind == "heading"
    assert document.media_type == "message/rfc822"


def test_a_list_in_the_text_is_one(tmp_path: Path) -> None:
    document = read(tmp_path, letter("Please bring\n\n- a rope\n- a lamp\n\nYours, B."))
    kinds = {document.text[block.start : block.end]: block.kind for block in document.blocks}
    assert kinds["- a rope"] == kinds["- a lamp"] == "list_item"
    assert kinds["Please bring"] == kinds["Yours, B."] == "paragraph"


def test_plain_text_is_preferred_and_html_read_where_there_is_none(tmp_path: Path) -> None:
    both = letter("The plain text.")
    both.add_alternative("<p>The page.</p>", subtype="html")
    assert parts(read(tmp_path, both))[-1] == "The plain text."
    only = letter()
    only.set_content("<h1>Offer</h1><p>Ä <b>bold</b> price</p>", subtype="html", charset="latin-1")
    assert parts(read(tmp_path, only))[-2:] == ["Offer", "Ä bold price"]


def test_attachments_are_read_by_their_own_parsers_as_parts(tmp_path: Path) -> None:
    mail = letter()
    pdf = write_pdf(tmp_path / "x.pdf", [[Put(40, 400, "Price 300")], [Put(40, 400, "Terms")]]).read_bytes()
    mail.add_attachment(pdf, maintype="application", subtype="octet-stream", filename="offer.pdf")
    mail.add_attachment(b"\x7fELF\x00\x01", maintype="application", subtype="octet-stream", filename="tool")
    forwarded = letter("Inner text", subject="Inner")
    forwarded.add_attachment("a note", filename="note.txt")
    mail.add_attachment(forwarded)
    document = read(tmp_path, mail)
    found = {part: text.strip() for part, text in places(document)}
    assert found["Attachment offer.pdf, page 1"] == "Price 300"
    assert found["Attachment offer.pdf, page 2"] == "Terms"
    assert found["Attachment Inner.eml, Attachment note.txt"].endswith("a note")
    assert document.report.unread == (
        "Attachment tool: tool is a program, which Citewise cannot read; supported: " + SUPPORTED + ".",
    )
    headings = {block.headings for block in document.blocks}
    assert ("Grüße", "offer.pdf") in headings
    assert ("Grüße", "Inner.eml", "Inner", "note.txt") in headings


def test_attachments_in_attachments_end_at_a_depth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inner, "MAX_INNER_DEPTH", 2)
    mail = letter("0", subject="m0")
    for number in range(1, 4):
        outer = letter(f"{number}", subject=f"m{number}")
        outer.add_attachment(mail)
        mail = outer
    document = read(tmp_path, mail)
    assert "m1" in document.text
    assert "read to a depth of 2" in document.report.unread[0]
    assert document.report.incomplete


def test_no_more_than_so_many_attachments_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inner, "MAX_INNER_FILES", 2)
    mail = letter()
    for number in range(3):
        mail.add_attachment(f"text {number}", filename=f"{number}.txt")
    document = read(tmp_path, mail)
    assert "text 1" in document.text
    assert "text 2" not in document.text
    assert len(document.report.unread) == 1


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ('multipart/encrypted; protocol="application/pgp-encrypted"; boundary=x', "PGP"),
        ("application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", "S/MIME"),
    ],
)
def test_an_encrypted_message_says_so(tmp_path: Path, kind: str, how: str) -> None:
    head = b"From: a@b\nTo: c@d\nSubject: Secret\nMIME-Version: 1.0\n"
    document = read(tmp_path, head + f"Content-Type: {kind}\n\n--x\n\nVersion: 1\n--x--\n".encode())
    assert document.text.startswith("Secret")
    assert how in document.report.unread[0]


def test_an_armoured_text_says_so(tmp_path: Path) -> None:
    document = read(tmp_path, letter("Hello\n\n-----BEGIN PGP MESSAGE-----\nabc\n-----END PGP MESSAGE-----\n"))
    assert parts(document)[-1] == "Hello"
    assert "PGP" in document.report.unread[0]


@pytest.mark.parametrize(
    "content",
    [
        b"From: \xff\xfe <a@b\nTo: =?utf-8?b?broken\nSubject: x\nDate: never\n"
        b"Content-Type: text/plain; charset=klingon\n\nHi",
        b"MIME-Version: 1.0\n\nDate: Fri, 16 Dec 2022 17:04:16 -0500\n\nFrom: a@b\n\nContent-Type: text/plain\n\nHi",
        b"From: a@b\nSubject: x\nTo: c\nContent-Type: multipart/mixed; boundary=z\n\n"
        b"--z\nContent-Type: text/plain\n\nHi",
        "From: a@b\nTo: c\nSubject: x\n\nHi".encode("utf-16"),
    ],
)
def test_odd_messages_are_read_all_the_same(tmp_path: Path, content: bytes) -> None:
    assert parts(read(tmp_path, content))[-1] == "Hi"


def test_a_message_of_a_hundred_thousand_recipients_takes_no_time(tmp_path: Path) -> None:
    document = read(tmp_path, b"From: a@b\nTo: " + b"x@y, " * 100_000 + b"\nSubject: s\n\nHi")
    assert parts(document)[-1] == "Hi"
    assert "x@y, x@y" in document.text


def test_parts_within_parts_have_an_end(tmp_path: Path) -> None:
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000))
    with pytest.raises(IngestError, match="parts within parts"):
        read(tmp_path, b"From: a@b\nTo: c\nSubject: s\n" + nested + b"\n\nHi")


def test_every_message_of_a_mailbox_has_a_heading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"From a@b Mon Jun 01 10:00:00 2009\nSubject: First\n\n>From here on\n\nFrom the start.\n\n"
    content += b"From a@b Mon Jun 01 10:00:00 2009\n\nTwo\n"
    document = read(tmp_path, content, "box")
    assert parts(document) == ["First", ">From here on".removeprefix(">"), "From the start.", "Message 2", "Two"]
    assert [part for part, _ in places(document)] == ["Message 1", "Message 2"]
    assert document.media_type == "application/mbox"
    monkeypatch.setattr(message, "MAX_MESSAGES", 1)
    assert read(tmp_path, content, "box").report.unread == (
        "Everything after message 1: more are not read of one mailbox.",
    )


# --- Outlook --------------------------------------------------------------------------


def properties(skipped: int, **fixed: int) -> bytes:
    entries = b"".join(
        struct.pack("<HHIQ", int(name[6:], 16), int(name[1:5], 16), 6, value) for name, value in fixed.items()
    )
    return bytes(skipped) + entries


def text(tag: str, value: str) -> dict[str, bytes]:
    return {f"__substg1.0_{tag}001F": value.encode("utf-16-le")}


def outlook_message(**more: Any) -> dict[str, Any]:
    recipient = {"__properties_version1.0": properties(8, p0C15_0003=1)} | text("3001", "Bo") | text("39FE", "b@c.org")
    tree = {
        "__properties_version1.0": properties(32, p0039_0040=133_000_000_000_000_000),
        "__recip_version1.0_#00000000": recipient,
    }
    return tree | text("0037", "Grüße") | text("0C1A", "Änne") | text("0C1F", "a@b.org") | more


def test_an_outlook_message_reads_as_any_other(tmp_path: Path) -> None:
    attachment = {"__properties_version1.0": properties(8), "__substg1.0_37010102": b"The note."} | text(
        "3707", "n.txt"
    )
    embedded = {"__properties_version1.0": properties(24)} | text("0037", "Inner") | text("1000", "Inner text")
    carrier = {"__properties_version1.0": properties(8), "__substg1.0_3701000D": embedded} | text("3001", "Inner")
    tree = outlook_message() | text("1000", "Hello.\r\n\r\nBye.")
    tree |= {"__attach_version1.0_#00000000": attachment, "__attach_version1.0_#00000001": carrier}
    document = read(tmp_path, write_ole(tree), "a.msg")
    assert parts(document) == [
        "Grüße",
        "From: Änne <a@b.org>\nTo: Bo <b@c.org>\nDate: 2022-06-18 04:26 UTC",
        "Hello.",
        "Bye.",
        "n.txt",
        "The note.",
        "Inner",
        "Inner text",
    ]
    assert [part for part, _ in places(document)] == ["Attachment n.txt", "Attachment Inner"]
    assert document.title == "Grüße"


def test_an_outlook_message_of_eight_bits_or_html_is_decoded(tmp_path: Path) -> None:
    fixed = properties(32, p3FFD_0003=1251, p3FDE_0003=1251)
    tree = {"__properties_version1.0": fixed, "__substg1.0_0037001E": "Привет".encode("cp1251")}
    html = "<meta charset=windows-1251><p>Слово</p>".encode("cp1251")
    document = read(tmp_path, write_ole(tree | {"__substg1.0_10130102": html}), "a.msg")
    assert parts(document) == ["Привет", "Слово"]


def test_the_rtf_of_a_message_is_unpacked() -> None:
    # The examples of [MS-OXRTFCP], 3.2.
    plain = b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    assert outlook.unpack_rtf(packed) == plain
    assert outlook.unpack_rtf(struct.pack("<IIII", 12 + len(plain), len(plain), 0x414C454D, 0) + plain) == plain


def test_a_damaged_outlook_message_is_a_sentence(tmp_path: Path) -> None:
    whole = write_ole(outlook_message())
    path = tmp_path / "blob"
    path.write_bytes(whole[:600])
    with pytest.raises(IngestError, match=r"^a\.msg"):
        outlook.parse(path, source="a.msg")
