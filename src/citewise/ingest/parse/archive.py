"""ZIP archives: what is in one, and what becomes of each file.

What can be read is unpacked into files whose names are numbers, so that no name of the
archive ever is a path here. Archives in an archive are unpacked as if they were folders.
The text of an archive is the list of what is in it.
"""

from __future__ import annotations

import stat
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from citewise.errors import IngestError
from citewise.ingest.limits import (
    MAX_ARCHIVE_DEPTH,
    MAX_ARCHIVE_FILES,
    MAX_ARCHIVE_MB,
    MAX_MEMBER_MB,
    MAX_MEMBER_NAME,
    MAX_RATIO,
    MIN_RATIO_MB,
)
from citewise.ingest.parse.compose import Composer, clean
from citewise.ingest.parse.detect import detect
from citewise.ingest.parse.formats import format_of
from citewise.ingest.parse.inner import Notes, add_inner, is_inner
from citewise.ingest.parse.text import guess_encoding
from citewise.types import ARCHIVE, ParsedDocument

_PIECE = 1 << 20  # bytes
_ENCRYPTED, _UTF8 = 0x1, 0x800
_OF_SYSTEMS = frozenset({"thumbs.db", "desktop.ini"})
_READ = "Read as a document of its own"
_READ_HERE = "Read below"


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive, or of an archive in it."""

    name: str  # its path, with slashes; what is in an inner archive stands below that one's name
    size: int  # bytes, unpacked
    kind: str = ""  # for people; empty where it is not read
    file: str = ""  # the name under which it was unpacked; empty where it is not read
    unread: str = ""  # why it is not read although it should be
    left_out: str = ""  # why it is never read


def parse(path: Path, *, source: str) -> ParsedDocument:
    """Read an archive as the list of what is in it; as part of another file, with the texts.

    Raises:
        IngestError: It is damaged or empty.
    """
    composer, notes = Composer(), Notes()
    within = is_inner()
    with tempfile.TemporaryDirectory(prefix="citewise-") as folder:
        members = unpack(path, Path(folder), source=source, keep=within)
        if not members:
            raise IngestError(f"{source} is an archive without files. Check it and add it again.")
        rows = [("File", "Kind", "Size", "What became of it")]
        rows += [(one.name, one.kind, _size(one.size), _outcome(one, within)) for one in members]
        composer.add_table(rows, header_rows=1)
        for one in members if within else ():
            if one.file:
                content = Path(folder, one.file).read_bytes()
                name = PurePosixPath(one.name).name
                add_inner(composer, notes, content, part=one.name, name=name)
    return composer.document(
        media_type=ARCHIVE,
        source=source,
        title=PurePosixPath(source.replace("\\", "/")).name,
        images=notes.images,
        warnings=notes.warnings,
        left_out=[*(f"{one.name}: {one.left_out}" for one in members if one.left_out), *notes.left_out],
        unread=[*(f"{one.name}: {one.unread}" for one in members if one.unread), *notes.unread],
    )


def unpack(path: Path, into: Path, *, source: str, keep: bool = True) -> list[Member]:
    """Unpack what can be read of an archive.

    Args:
        path: The archive.
        into: An empty folder; files get numbers for names.
        source: The archive's name, for messages.
        keep: Whether the files are to stay; else each is only looked at.

    Returns:
        Everything that is in it, in the order of the archive, also what is not unpacked.

    Raises:
        IngestError: It is damaged.
    """
    return _Unpacker(into, keep=keep).unpack(path, source)


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB" if size >= 1e3 else f"{size} bytes"


def _outcome(member: Member, within: bool) -> str:
    if member.file:
        return _READ_HERE if within else _READ
    return f"Not read: {member.unread or member.left_out}"


class _LimitError(Exception):
    """A member is over a limit; the message says over which."""


class _Unpacker:
    def __init__(self, into: Path, *, keep: bool) -> None:
        self._into = into
        self._keep = keep
        self._members: list[Member] = []
        self._names: set[str] = set()
        self._files = 0
        self._left = MAX_ARCHIVE_MB * 10**6

    def unpack(self, path: Path, source: str) -> list[Member]:
        try:
            with zipfile.ZipFile(path) as archive:
                self._read(archive, prefix="", depth=1)
        except (zipfile.BadZipFile, OSError, ValueError, EOFError) as error:
            raise IngestError(
                f"{source} is a damaged or cut-off archive. Make it again from its files, or add these."
            ) from error
        return self._members

    def _read(self, archive: zipfile.ZipFile, *, prefix: str, depth: int) -> None:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        names = _names_of(entries)
        for number, (entry, name) in enumerate(zip(entries, names, strict=True)):
            if len(self._members) >= MAX_ARCHIVE_FILES:
                more = len(entries) - number
                rest = f"{prefix}…"
                self._members.append(
                    Member(rest, 0, unread=f"{more:,} more files; of one archive {MAX_ARCHIVE_FILES:,} are read.")
                )
                return
            self._take(archive, entry, f"{prefix}{name}", depth)

    def _take(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, depth: int) -> None:
        name = clean(name.replace("\\", "/"))
        parts = PurePosixPath(name).parts
        if "__MACOSX" in parts or parts[-1].startswith((".", "~$")) or parts[-1].lower() in _OF_SYSTEMS:
            self._members.append(Member(name, entry.file_size, left_out="a hidden file of a system or a program."))
            return
        if not entry.file_size:
            self._members.append(Member(name, 0, left_out="it is empty."))
            return
        if objection := self._objection(entry, name, parts):
            self._members.append(Member(name, entry.file_size, unread=objection))
            return
        self._names.add(name)
        target = self._into / str(self._files)
        self._files += 1
        try:
            size = self._write(archive, entry, target)
            media_type = detect(target, name)
        except (_LimitError, IngestError) as error:
            self._members.append(Member(name, entry.file_size, unread=str(error).removeprefix(f"{name} ")))
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
            reason = "compressed in a way that is not known." if isinstance(error, NotImplementedError) else "damaged."
            self._members.append(Member(name, entry.file_size, unread=f"it is {reason}"))
        else:
            if media_type == ARCHIVE:
                self._read_inner(target, name, size, depth)
            else:
                self._members.append(Member(name, size, kind=format_of(media_type).label, file=target.name))
            if self._keep and media_type != ARCHIVE:
                return
        target.unlink(missing_ok=True)

    def _objection(self, entry: zipfile.ZipInfo, name: str, parts: tuple[str, ...]) -> str:
        if name.startswith("/") or ".." in parts or ":" in parts[0]:
            return "its name leads out of the archive."
        if stat.S_ISLNK(entry.external_attr >> 16):
            return "it is a link to another place."
        if entry.flag_bits & _ENCRYPTED:
            return "it is protected by a password."
        if name in self._names:
            return "another file of the archive has the same name."
        if len(name) > MAX_MEMBER_NAME or not name.isprintable():
            return "its name cannot be stored."
        return ""

    def _write(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> int:
        """Unpack a member piece by piece: what the archive says of its size need not be true.

        Raises:
            _LimitError: It is over a limit.
        """
        if entry.file_size > MIN_RATIO_MB * 10**6 and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
            raise _LimitError(f"it unpacks to more than {MAX_RATIO} times its size, which is the limit.")
        size = 0
        with archive.open(entry) as packed, target.open("wb") as unpacked:
            while piece := packed.read(_PIECE):
                size += len(piece)
                self._left -= len(piece)
                if size > MAX_MEMBER_MB * 10**6:
                    raise _LimitError(f"it is larger than {MAX_MEMBER_MB} MB, which is the limit.")
                if self._left < 0:
                    raise _LimitError(f"the archive unpacks to more than {MAX_ARCHIVE_MB:,} MB, which is the limit.")
                unpacked.write(piece)
        return size

    def _read_inner(self, path: Path, name: str, size: int, depth: int) -> None:
        if depth == MAX_ARCHIVE_DEPTH:
            reason = f"archives in archives are unpacked to a depth of {MAX_ARCHIVE_DEPTH}."
            self._members.append(Member(name, size, unread=reason))
            return
        try:
            with zipfile.ZipFile(path) as archive:
                self._read(archive, prefix=f"{name}/", depth=depth + 1)
        except (zipfile.BadZipFile, ValueError, EOFError):
            self._members.append(Member(name, size, unread="it is a damaged or cut-off archive."))


def _names_of(entries: list[zipfile.ZipInfo]) -> list[str]:
    """Return the names of entries; those in an old code page are decoded together, which tells it better."""
    old = [entry.filename.encode("cp437", "replace") for entry in entries if not entry.flag_bits & _UTF8]
    encoding = guess_encoding(b"\n".join(old)) if old else "utf-8"
    return [
        entry.filename
        if entry.flag_bits & _UTF8
        else entry.filename.encode("cp437", "replace").decode(encoding, errors="replace")
        for entry in entries
    ]
