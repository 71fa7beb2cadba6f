"""Old Office files: the container of streams that they share.

A container is told by its streams: ``WordDocument`` is Word, ``Workbook`` or ``Book`` Excel,
``PowerPoint Document`` PowerPoint, ``EncryptedPackage`` a newer Office file under a password,
``__properties_version1.0`` an Outlook message.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import olefile

from citewise.errors import IngestError
from citewise.ingest.limits import MAX_STREAM_MB

_TITLE, _CODE_PAGE = 2, 1  # properties of the summary
_STRING, _WIDE_STRING = 30, 31  # their types
_MOST_PROPERTIES = 1_000


class DamagedError(Exception):
    """A structure within a stream does not hold together; readers turn it into their sentence."""


@contextmanager
def open_container(path: Path, *, source: str) -> Iterator[olefile.OleFileIO]:
    """Open a container.

    Raises:
        IngestError: The file is none, or is too damaged to list its streams.
    """
    try:
        container = olefile.OleFileIO(str(path))
    except (OSError, ValueError, IndexError, TypeError, RecursionError) as error:
        raise damaged(source) from error
    try:
        if container.exists("EncryptedPackage"):
            raise protected(source)
        yield container
    finally:
        container.close()


def stream(container: olefile.OleFileIO, name: str) -> bytes:
    """Read a stream whole.

    Raises:
        DamagedError: It is not there, is damaged, or is over the limit.
    """
    try:
        if container.get_size(name) > MAX_STREAM_MB * 10**6:
            raise DamagedError(f"the part {name} is larger than {MAX_STREAM_MB} MB")
        with container.openstream(name) as file:
            return bytes(file.read())
    except (OSError, ValueError, IndexError, TypeError) as error:
        raise DamagedError(f"the part {name} cannot be read") from error


def title_of(container: olefile.OleFileIO) -> str:
    """Return the title in the container's summary; empty when it has none.

    Read here, because olefile goes through as many properties as a damaged summary claims to have.
    """
    try:
        raw = stream(container, "\x05SummaryInformation")
        start = struct.unpack_from("<I", raw, 44)[0]
        claimed = struct.unpack_from("<I", raw, start + 4)[0]
        count = min(claimed, _MOST_PROPERTIES, (len(raw) - start - 8) // 8)
        pairs = list(struct.iter_unpack("<II", raw[start + 8 : start + 8 + 8 * count]))
        places = {number: start + offset for number, offset in reversed(pairs)}  # the first of each counts
        if _TITLE not in places:
            return ""
        kind, length = struct.unpack_from("<II", raw, places[_TITLE])
        code_page = struct.unpack_from("<4xH", raw, places[_CODE_PAGE])[0] if _CODE_PAGE in places else 1252
    except (DamagedError, struct.error):
        return ""  # a damaged summary costs the title only
    text = raw[places[_TITLE] + 8 :]
    if kind == _WIDE_STRING:
        return text[: 2 * length].decode("utf-16-le", "replace").split("\x00", 1)[0]
    return decode(text[:length], code_page).split("\x00", 1)[0] if kind == _STRING else ""


def decode(raw: bytes, code_page: int) -> str:
    """Decode text of a Windows code page; one that nobody knows reads as Western."""
    names = {10000: "mac_roman", 1200: "utf-16-le", 65001: "utf-8", 65000: "utf-7", 1361: "johab", 0: "cp1252"}
    try:
        return raw.decode(names.get(code_page % 65536, f"cp{code_page % 65536}"), errors="replace")
    except LookupError:
        return raw.decode("cp1252", errors="replace")


def joined_surrogates(units: str) -> str:
    """Join the halves of characters that UTF-16 splits in two; a lone half becomes a replacement character."""
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def protected(source: str) -> IngestError:
    """Say that a password is needed."""
    return IngestError(
        f"{source} is protected by a password. Open it in its own program, save it without the password, and add that."
    )


def damaged(source: str, what: str = "") -> IngestError:
    """Say that the file cannot be read as what it is."""
    return IngestError(
        f"{source} is damaged{': ' + what if what else ''}. "
        "Open it in its own program, save it again (best in a new format), and add that."
    )
