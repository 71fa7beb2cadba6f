"""Telling a file's format by its content.

Binary formats are told by their first bytes, and containers (zip, OLE) by what is in
them. Text is told by its first lines where these leave no doubt (mail, HTML, XML); else
the name's extension chooses, for many kinds of text look alike.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from citewise.errors import IngestError
from citewise.ingest.parse.detect_text import decoded, extension_of, is_mail, looks_like_text, name_of_text
from citewise.ingest.parse.formats import BY_EXTENSION, BY_NAME, SUPPORTED

_HEAD_BYTES = 64 * 1024  # what detection looks at
_PDF_MARK = re.compile(rb"%PDF-\d")
_PDF_MARK_WITHIN = 1024  # bytes; readers accept junk before the mark, and so does PDFium
_PART_BYTES = 1 << 20  # what is read of a part of a container

_IMAGES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
)
_OTHER_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"%!PS", "a PostScript file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x1f\x9d", "a compressed file (.Z)"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"MSCF\x00", "a cabinet archive"),
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", "a OneNote file"),
    (b"ITSF", "a compiled help file (CHM)"),
    (b"\x00\x01\x00\x00Standard Jet DB", "an Access database"),
    (b"\x00\x01\x00\x00Standard ACE DB", "an Access database"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"!BDN", "an Outlook data file (PST)"),
    (b"\xffWPC", "a WordPerfect file"),
    (b"\xdb\xa5\x2d\x00", "a Word file from before 1995"),
    (b"\x31\xbe\x00\x00", "a Word for DOS file"),
    (b"\x09\x00\x04\x00", "an Excel file from before 1993"),
    (b"\x09\x02\x06\x00", "an Excel file from before 1993"),
    (b"\x09\x04\x06\x00", "an Excel file from before 1993"),
    (b"AT&TFORM", "a DjVu file"),
    (b"8BPS", "a Photoshop image"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"AC10", "an AutoCAD drawing"),
    (b"\x7fELF", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"MZ", "a program"),
    (b"\x00asm", "a program"),
    (b"OTTO", "a font"),
    (b"\x00\x01\x00\x00\x00", "a font"),
    (b"wOF", "a font"),
    (b"ID3", "an audio file"),
    (b"fLaC", "an audio file"),
    (b"\xff\xfb", "an audio file"),
    (b"OggS", "an audio or video file"),
    (b"FLV\x01", "a video"),
    (b"\x1a\x45\xdf\xa3", "a video"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "an audio or video file"),
    (b"\x00\x00\x01\xba", "a video"),
)
_RIFF = {b"WAVE": "an audio file", b"AVI ": "a video"}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_STREAMS: tuple[tuple[str, str], ...] = (  # the first that is there tells
    ("__properties_version1.0", "msg"),
    ("worddocument", "doc"),
    ("powerpoint document", "ppt"),
    ("workbook", "xls"),
    ("book", "xls"),
)
_OTHER_OLE: tuple[tuple[str, str], ...] = (
    ("visiodocument", "a Visio drawing"),
    ("pp40", "a PowerPoint file from before 1997"),
    ("quill", "a Publisher file"),
    ("matost", "a Works file"),
    ("contents", "a Works or Publisher file"),
)
_TELLING_PARTS = frozenset({"[Content_Types].xml", "mimetype", "META-INF/manifest.xml", "META-INF/container.xml"})
_MAIN_PART = re.compile(
    rb"(wordprocessingml\.(?:document|template)|ms-word\.(?:document|template)\.macroenabled(?:template)?"
    rb"|spreadsheetml\.(?:sheet|template)|ms-excel\.(?:sheet|template)\.(?:binary\.)?macroenabled"
    rb"|presentationml\.(?:presentation|slideshow|template)|ms-powerpoint\.\w+\.macroenabled)[\w.]*\.main",
    re.IGNORECASE,
)
_ODF_KINDS = {"text": "odt", "spreadsheet": "ods", "presentation": "odp"}
_ODF_TYPE = re.compile(rb"application/vnd\.(?:oasis\.opendocument|sun\.xml)\.(\w+)")

_NAMES_OF_DAMAGED = {"pdf": "a PDF", "docx": "a Word file", "pptx": "a PowerPoint file", "xlsx": "an Excel file"}


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
    name = _binary(path, source, head) or name_of_text(source, head, whole=len(head) < _HEAD_BYTES)
    return BY_NAME[name].media_type


def _head(path: Path, source: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError as error:
        raise IngestError(f"{source} cannot be opened: {error.strerror}. Check the file and add it again.") from error


def _unreadable(source: str, kind: str) -> IngestError:
    return IngestError(f"{source} is {kind}, which Citewise cannot read; supported: {SUPPORTED}.")


# --- binary ---------------------------------------------------------------------------


def _binary(path: Path, source: str, head: bytes) -> str | None:
    """Name the format of a file that is no text; ``None`` for text."""
    if _PDF_MARK.search(head[:_PDF_MARK_WITHIN]) and not is_mail(decoded(head)):
        return "pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _of_zip(path, source)
    if head.startswith(_OLE):
        return _of_ole(path, source)
    text = looks_like_text(head)
    if name := _by_magic(head, text=text):
        return name
    if other := _other_kind(head, text=text):
        raise _unreadable(source, other)
    if not text and not is_mail(decoded(head)):
        raise _unknown(source)
    return None


def _by_magic(head: bytes, *, text: bool) -> str | None:
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{\\rtf"):
        return "rtf"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    if head.startswith(b"BM") and not text:
        return "bmp"
    return next((name for magic, name in _IMAGES if head.startswith(magic)), None)


def _unknown(source: str) -> IngestError:
    if kind := _NAMES_OF_DAMAGED.get(_named(source)):
        return IngestError(
            f"{source} is named {extension_of(source)} but is not {kind}: the file is damaged or of another kind. "
            "Open it in its own program, export it again, and add that."
        )
    return _unreadable(source, "an unknown binary file")


def _named(source: str) -> str:
    """The format that the name claims; empty for none."""
    entry = BY_EXTENSION.get(extension_of(source))
    return entry.name if entry else ""


def _other_kind(head: bytes, *, text: bool) -> str | None:
    """Say what a file is that nothing here reads; marks of letters alone mean nothing in a text."""
    for magic, kind in _OTHER_KINDS:
        if head.startswith(magic) and not (text and magic.isalnum()):
            return kind
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        return "a HEIC image" if head[8:11] in (b"hei", b"mif") else "an audio or video file"
    if head.lstrip().startswith(b"-----BEGIN PGP MESSAGE"):
        return "an encrypted (PGP) message"
    if head[257:262] == b"ustar":
        return "a tar archive"
    return None


def _of_ole(path: Path, source: str) -> str:
    import olefile  # noqa: PLC0415 - few files pay for it

    damaged = IngestError(
        f"{source} is a damaged or cut-off Office file. Open it in its own program, save it again, and add that."
    )
    try:
        with olefile.OleFileIO(path) as container:
            names = {entry[0].lower() for entry in container.listdir(streams=True, storages=True)}
    except Exception as error:
        raise damaged from error
    if names & {"encryptedpackage", "\tdrmcontent"}:
        raise IngestError(
            f"{source} is protected by a password, so it cannot be read. "
            "Save it without the password in its own program and add that."
        )
    for stream, name in _OLE_STREAMS:
        if stream in names:
            return name
    for stream, kind in _OTHER_OLE:
        if stream in names:
            raise _unreadable(source, kind)
    raise _unreadable(source, "a file of an old Office kind that is not known")


def _of_zip(path: Path, source: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            parts = {name: _part(archive, name) for name in _TELLING_PARTS & names}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError) as error:
        raise IngestError(
            f"{source} is a damaged or cut-off Office file, book or archive. "
            "Open it in its own program, save it again, and add that."
        ) from error
    if "[Content_Types].xml" in names:
        return _of_ooxml(parts["[Content_Types].xml"], names, source)
    mimetype = parts.get("mimetype", b"").strip()
    if mimetype.startswith(b"application/epub") or (
        not mimetype and b"oebps-package" in parts.get("META-INF/container.xml", b"")
    ):
        return "epub"
    declared = _ODF_TYPE.match(mimetype) or _ODF_TYPE.search(parts.get("META-INF/manifest.xml", b""))
    if declared:
        kind = declared[1].decode()
        kind = {"writer": "text", "calc": "spreadsheet", "impress": "presentation"}.get(kind, kind)
        if kind in _ODF_KINDS:
            return _ODF_KINDS[kind]
        raise _unreadable(source, f"an OpenDocument file of the kind {kind}")
    if any(name.endswith(".iwa") or name.startswith(("index.apxl", "Index.zip")) for name in names) or (
        "buildVersionHistory.plist" in names and names & {"index.xml", "index.xml.gz"}
    ):
        raise _unreadable(source, "an iWork file (Pages, Numbers or Keynote)")
    if "AndroidManifest.xml" in names or extension_of(source) == ".jar":
        raise _unreadable(source, "a program")
    return "zip"


def _part(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        with archive.open(name) as part:
            return part.read(_PART_BYTES)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError):
        return b""  # protected or damaged: the names have to tell
    except Exception as error:  # zlib has an error of its own
        if type(error).__module__ == "zlib":
            return b""
        raise


def _of_ooxml(content_types: bytes, names: set[str], source: str) -> str:
    """Tell Office formats apart by the type of the main part, or by their folder where that is missing."""
    found = _MAIN_PART.search(content_types)
    declared = found[0].lower() if found else b""
    if b"word" in declared:
        return "docx"
    if b"spreadsheet" in declared or b"ms-excel" in declared:
        return "xlsx"
    if b"presentation" in declared or b"powerpoint" in declared:
        return "pptx"
    folders = {name.split("/", 1)[0].lower() for name in names if "/" in name}
    for folder, name in (("word", "docx"), ("xl", "xlsx"), ("ppt", "pptx")):
        if folder in folders:
            return name
    if "visio" in folders:
        raise _unreadable(source, "a Visio drawing")
    if "documents" in folders and any(name.lower().endswith(".fpage") for name in names):
        raise _unreadable(source, "an XPS file")
    return "zip"
