"""Reading files: which format a file has, and who reads it.

A format is one entry of :data:`FORMATS` and one parser; the parser's module is imported
when the first file of its kind is read, so that a sandbox loads nothing it does not need.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, cast

from citewise.errors import IngestError
from citewise.ingest.parse.text import utf16_without_mark
from citewise.types import ParsedDocument

if TYPE_CHECKING:
    from citewise.protocols import Parser


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file that can be read."""

    name: str  # short, for filters and lists
    label: str  # for people
    media_type: str
    extensions: tuple[str, ...]  # lower case, the usual one first
    parser: str  # module below this package, and its function


FORMATS: tuple[Format, ...] = (
    Format("pdf", "PDF", "application/pdf", (".pdf",), "pdf:parse"),
    Format(
        "docx",
        "DOCX",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        (".docx", ".docm", ".dotx"),
        "docx:parse",
    ),
    Format("markdown", "Markdown", "text/markdown", (".md", ".markdown", ".mdown", ".mkd"), "markdown:parse"),
    Format("text", "plain text", "text/plain", (".txt", ".text", ".log"), "text:parse"),
    Format("html", "HTML", "text/html", (".html", ".htm", ".xhtml"), "html:parse"),
)
"""Every format, in the order in which messages list them."""

SUPPORTED = ", ".join(entry.label for entry in FORMATS)
"""The formats' names, for messages."""

_BY_NAME = {entry.name: entry for entry in FORMATS}
_BY_MEDIA_TYPE = {entry.media_type: entry for entry in FORMATS}
_BY_EXTENSION = {extension: entry for entry in FORMATS for extension in entry.extensions}

_HEAD_BYTES = 64 * 1024  # what detection looks at
_PDF_MARK_WITHIN = 1024  # bytes; readers accept junk before the mark, and so does PDFium

_OTHER_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"BM", "a BMP image"),
    (b"{\\rtf", "a rich text (RTF) file"),
    (b"%!PS", "a PostScript file"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file (.doc, .xls, .ppt) or a protected one"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"ID3", "an audio file"),
    (b"OggS", "an audio or video file"),
)
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_HTML_MARKS = (b"<!doctype html", b"<html", b"<head", b"<body")


def format_of(media_type: str) -> Format:
    """Return the format that ``media_type`` names.

    Raises:
        IngestError: No parser reads it.
    """
    entry = _BY_MEDIA_TYPE.get(media_type)
    if entry is None:
        raise IngestError(f"Files of type {media_type} cannot be read yet; supported: {SUPPORTED}.")
    return entry


def media_type_of(name: str) -> str | None:
    """Return the media type for a short name (``pdf``), an extension (``.pdf``) or a media type."""
    name = name.lower()
    entry = _BY_NAME.get(name) or _BY_EXTENSION.get(name) or _BY_MEDIA_TYPE.get(name)
    return entry.media_type if entry else None


def detect(path: Path, source: str) -> str:
    """Tell the media type of a file by its content.

    The name's extension only chooses between kinds of text, which look alike.

    Args:
        path: The file.
        source: Its name as the person knows it.

    Raises:
        IngestError: The file is empty, cannot be opened, or is of no supported kind.
    """
    head = _head(path, source)
    if not head.strip():
        raise IngestError(f"{source} is empty. Add it again once it has content.")
    extension = PurePosixPath(source.replace("\\", "/")).suffix.lower()
    if b"%PDF-" in head[:_PDF_MARK_WITHIN]:
        return _BY_NAME["pdf"].media_type
    if head.startswith(b"PK"):
        return _media_type_of_zip(path, source)
    for magic, kind in _OTHER_KINDS:
        if head.startswith(magic) and not (magic in (b"BM", b"MZ", b"ID3", b"GIF8") and _looks_like_text(head)):
            raise _unreadable(source, kind)
    if not _looks_like_text(head):
        if extension == ".pdf":
            raise IngestError(
                f"{source} is named .pdf but is not a PDF: the file is damaged or of another kind. "
                "Open it in its own program, export it again, and add that."
            )
        raise _unreadable(source, "an unknown binary file")
    by_name = _BY_EXTENSION.get(extension)
    if by_name is not None and by_name.media_type.startswith("text/"):
        return by_name.media_type
    start = head[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if any(mark in start for mark in _HTML_MARKS) and start.startswith(b"<"):
        return _BY_NAME["html"].media_type
    if by_name is not None:  # text in a file that claims to be PDF or DOCX
        raise IngestError(
            f"{source} is named {extension} but holds plain text. "
            "Rename it to .txt to read it as text, or add the original file."
        )
    return _BY_NAME["text"].media_type


def parse(path: Path, *, source: str, media_type: str | None = None) -> ParsedDocument:
    """Read a file in this process; :mod:`citewise.ingest.sandbox` does it at arm's length.

    Args:
        path: The file.
        source: Its name as the person knows it, for titles and messages.
        media_type: Its kind; ``None`` looks at the content.

    Raises:
        IngestError: The file cannot be read, or holds no text.
    """
    chosen = media_type or detect(path, source)
    module, _, function = format_of(chosen).parser.partition(":")
    parser = cast("Parser", getattr(import_module(f"{__name__}.{module}"), function))
    document = parser(path, source=source)
    if not document.text.strip():
        raise IngestError(f"{source} holds no text that could be read. Check the file and add it again.")
    return document


def _head(path: Path, source: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError as error:
        raise IngestError(f"{source} cannot be opened: {error.strerror}. Check the file and add it again.") from error


def _unreadable(source: str, kind: str) -> IngestError:
    return IngestError(f"{source} is {kind}, which Citewise cannot read yet; supported: {SUPPORTED}.")


def _media_type_of_zip(path: Path, source: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            mimetype = archive.read("mimetype")[:100] if "mimetype" in names else b""
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise IngestError(
            f"{source} is a damaged or cut-off Office file or archive. "
            "Open it in its own program, save it again, and add that."
        ) from error
    folders = {name.split("/", 1)[0] for name in names if "/" in name}
    if "[Content_Types].xml" in names:
        if "word" in folders:
            return _BY_NAME["docx"].media_type
        if "xl" in folders:
            raise _unreadable(source, "an Excel workbook")
        if "ppt" in folders:
            raise _unreadable(source, "a PowerPoint presentation")
    if mimetype.startswith(b"application/epub"):
        raise _unreadable(source, "an EPUB book")
    if mimetype.startswith(b"application/vnd.oasis.opendocument"):
        raise _unreadable(source, "an OpenDocument file")
    raise _unreadable(source, "a zip archive")


def _looks_like_text(head: bytes) -> bool:
    if head.startswith(_BOMS):
        return True
    if utf16_without_mark(head):
        return True
    control = sum(head.count(bytes([code])) for code in range(32) if code not in (8, 9, 10, 12, 13, 27))
    return control <= len(head) * 0.01
