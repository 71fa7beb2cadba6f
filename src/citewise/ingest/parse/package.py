"""Office files that are zip archives of XML parts: Office Open XML and OpenDocument.

Parts are read one by one when they are wanted, so that pictures and media of a file cost
nothing. Strict Open XML, which has other names for the same things, reads like the usual one.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote

from lxml import etree

from citewise.errors import IngestError
from citewise.ingest.limits import MAX_PARTS, MAX_RATIO, MAX_UNPACKED_MB, MIN_RATIO_MB

_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/")
_USUAL = rb"http://schemas.openxmlformats.org/\1/2006/"
_RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_ENCRYPTED_FLAG = 0x1


class DamagedPartError(Exception):
    """A part of the package is missing or cannot be read; the message names it."""


@dataclass(frozen=True, slots=True)
class Relation:
    """What one part says of another."""

    kind: str  # the last word of its type: "slide", "notesSlide", "comments"
    target: str  # the other part's name; an address for an external one
    external: bool


class Package:
    """The parts of one file; made by :func:`open_package`."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        # Names differ in case between the parts of files that some programs write.
        self._parts = {part.filename.lower(): part for part in archive.infolist()}
        relations = self.read("_rels/.rels") if "_rels/.rels" in self else b""
        self.is_strict = bool(_STRICT.search(relations))

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._parts

    @property
    def names(self) -> list[str]:
        """Names of all parts."""
        return [part.filename for part in self._parts.values()]

    def read(self, name: str) -> bytes:
        """Return a part whole.

        Raises:
            DamagedPartError: It is missing or damaged.
        """
        with self.open(name) as file:
            return file.read()

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a part for reading it in pieces.

        Raises:
            DamagedPartError: It is missing, or turns out to be damaged while it is read.
        """
        part = self._parts.get(name.lower())
        if part is None:
            raise DamagedPartError(name)
        try:
            file = self._archive.open(part)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError) as error:
            raise DamagedPartError(name) from error
        with file:
            try:
                yield file
            except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
                raise DamagedPartError(name) from error

    def xml(self, name: str) -> Any:
        """Return the root element of a part; entities are left alone.

        Raises:
            DamagedPartError: It is missing or no XML.
        """
        raw = self.read(name)
        if self.is_strict:
            raw = _STRICT.sub(_USUAL, raw)
        try:
            root = etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False))
        except (etree.XMLSyntaxError, ValueError) as error:
            raise DamagedPartError(name) from error
        if root is None:
            raise DamagedPartError(name)
        return root

    def relations(self, name: str = "") -> dict[str, Relation]:
        """Return what a part refers to, by the id of the reference; of the whole file without a name."""
        folder, base = posixpath.split(name)
        place = posixpath.join(folder, "_rels", f"{base}.rels")
        if place not in self:
            return {}
        found = {}
        for element in self.xml(place).iter(_RELATION):
            external = element.get("TargetMode") == "External"
            target = element.get("Target") or ""
            if not external:
                target = posixpath.normpath(posixpath.join("/", folder, unquote(target))).lstrip("/")
            kind = (element.get("Type") or "").rsplit("/", 1)[-1]
            found[element.get("Id") or ""] = Relation(kind, target, external)
        return found

    def main_part(self) -> str:
        """Return the name of the part that everything hangs on.

        Raises:
            DamagedPartError: The file does not say.
        """
        for relation in self.relations().values():
            if relation.kind == "officeDocument":
                return relation.target
        raise DamagedPartError("_rels/.rels")

    def title(self) -> str:
        """Return the title in the file's properties; empty when it has none."""
        for relation in self.relations().values():
            if relation.kind == "core-properties" and relation.target in self:
                try:
                    element = self.xml(relation.target).find("{http://purl.org/dc/elements/1.1/}title")
                except DamagedPartError:
                    return ""
                return (element.text or "") if element is not None else ""
        return ""


@contextmanager
def open_package(path: Path, *, source: str) -> Iterator[Package]:
    """Open a file after a look at what it would unpack to.

    Raises:
        IngestError: It is damaged, needs a password, or is over a limit.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise IngestError(f"{source} is damaged or cut off. Save it again in its own program, and add that.") from error
    with archive:
        _check(archive, source)
        try:
            yield Package(archive)
        except DamagedPartError as error:
            raise IngestError(
                f"{source} is damaged: its part {error} is missing or cannot be read. "
                "Open it in its own program, save it again, and add that."
            ) from error


def _check(archive: zipfile.ZipFile, source: str) -> None:
    parts = archive.infolist()
    if any(part.flag_bits & _ENCRYPTED_FLAG for part in parts):
        raise IngestError(
            f"{source} is protected by a password. Open it in its own program, save it without the password, "
            "and add that."
        )
    unpacked = sum(part.file_size for part in parts)
    if unpacked > MAX_UNPACKED_MB * 10**6 or len(parts) > MAX_PARTS:
        raise IngestError(
            f"{source} unpacks to {unpacked // 10**6:,} MB in {len(parts):,} parts; "
            f"the limit is {MAX_UNPACKED_MB} MB in {MAX_PARTS:,}. Split it into smaller files and add those."
        )
    for part in parts:
        if part.file_size > MIN_RATIO_MB * 10**6 and part.file_size > MAX_RATIO * max(part.compress_size, 1):
            raise IngestError(
                f"{source} holds a part that unpacks to {part.file_size / max(part.compress_size, 1):,.0f} times "
                f"its size; the limit is {MAX_RATIO}. Save it again in its own program, or split it, and add that."
            )
