"""EPUB books: the files of the spine in reading order, each read as HTML.

https://www.w3.org/TR/epub-33/ and, for the table of contents of older books, the NCX of
EPUB 2.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

from citewise.errors import IngestError
from citewise.ingest.parse.compose import Composer, collapse
from citewise.ingest.parse.inner import Notes, read_content
from citewise.ingest.parse.package import DamagedPartError, Package, open_package
from citewise.types import ParsedDocument

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
# Fonts may be scrambled in books that are free to read.
_OF_FONTS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_TEXT = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml", "text/x-oeb1-document"})


def parse(path: Path, *, source: str) -> ParsedDocument:
    """Read a book; places name the file of the spine that a part comes from.

    Raises:
        IngestError: It is damaged, protected, or its package names no texts.
    """
    with open_package(path, source=source) as package:
        _refuse_protected(package, source)
        folder, book = _package_document(package)
        items = {str(each.get("id")): each for each in _named(book, "item")}
        spine = [items[str(ref.get("idref"))] for ref in _named(book, "itemref") if str(ref.get("idref")) in items]
        if not spine:
            raise DamagedPartError("the spine, which says in which order it is read,")
        contents = dict(_contents(package, folder, items.values()))
        reader = _Reader(package, contents)
        for item in spine:
            name = _resolve(folder, str(item.get("href", "")))
            if str(item.get("media-type")) in _TEXT or name.lower().endswith(("html", ".htm", ".xml")):
                reader.read(name)
            else:
                reader.notes.left_out.append(f"{posixpath.basename(name)}, which is no text.")
        title = next((collapse(each.text or "") for each in _named(book, "title")), "")
        pictures = sum(str(item.get("media-type", "")).startswith("image/") for item in items.values())
    return reader.composer.document(
        media_type="application/epub+zip",
        source=source,
        title=title,
        images=pictures,
        warnings=tuple(dict.fromkeys(reader.notes.warnings)),
        left_out=tuple(dict.fromkeys(reader.notes.left_out)),
        unread=tuple(dict.fromkeys(reader.notes.unread)),
    )


class _Reader:
    def __init__(self, package: Package, contents: dict[str, str]) -> None:
        self.composer = Composer()
        self.notes = Notes()
        self._package = package
        self._contents = contents

    def read(self, name: str) -> None:
        """Write one file of the spine; one that cannot be read is noted."""
        short = posixpath.basename(name)
        try:
            document = read_content(self._package.read(name), short, media_type="text/html")
        except DamagedPartError:
            self.notes.unread.append(f"{short}: it is missing or damaged.")
            return
        except IngestError as error:
            self.notes.unread.append(f"{short}: {error}")
            return
        if not document.text.strip():
            self.notes.left_out.append(f"{short}: it holds no text, only pictures or a list of contents.")
            return
        self.composer.leave_headings()
        with self.composer.place(short):
            # A file without a heading of its own has its title in the table of contents.
            if not any(block.kind == "heading" for block in document.blocks):
                self.composer.add("heading", self._contents.get(name, ""))
            self.composer.add_document(document)
        self.notes.warnings += [f"{short}: {each}" for each in document.report.warnings]


def _refuse_protected(package: Package, source: str) -> None:
    if "META-INF/sinf.xml" not in package:
        if _ENCRYPTION not in package:
            return
        methods = [str(each.get("Algorithm")) for each in _named(package.xml(_ENCRYPTION), "EncryptionMethod")]
        if all(method in _OF_FONTS for method in methods):
            return
    raise IngestError(
        f"{source} is protected against copying (DRM), so it cannot be read. Only a copy without protection can."
    )


def _package_document(package: Package) -> tuple[str, Any]:
    """Return the folder and the root of the document that lists what the book holds."""
    names: list[str] = []
    if _CONTAINER in package:
        names = [unquote(str(each.get("full-path"))) for each in _named(package.xml(_CONTAINER), "rootfile")]
    names += [name for name in package.names if name.lower().endswith(".opf")]
    for name in names:
        if name in package:
            return posixpath.dirname(name), package.xml(name)
    raise DamagedPartError(".opf")


def _contents(package: Package, folder: str, items: Any) -> Iterator[tuple[str, str]]:
    """Yield the files that the table of contents names, and their titles; the first title of a file comes last."""
    found: list[tuple[str, str]] = []
    for item in items:
        is_ncx = item.get("media-type") == "application/x-dtbncx+xml"
        if not is_ncx and "nav" not in str(item.get("properties", "")).split():
            continue
        name = _resolve(folder, str(item.get("href", "")))
        try:
            root = package.xml(name)
        except DamagedPartError:
            continue  # it costs titles only
        for each in _named(root, "navPoint" if is_ncx else "a"):
            href = next((node.get("src") for node in _named(each, "content")), "") if is_ncx else each.get("href")
            label = next(_named(each, "text"), None) if is_ncx else each
            title = collapse("".join(label.itertext())) if label is not None else ""
            if href and title:
                found.append((_resolve(posixpath.dirname(name), href), title))
    yield from reversed(found)


def _resolve(folder: str, href: str) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(urldefrag(href)[0]))).lstrip("/")


def _named(root: Any, name: str) -> Iterator[Any]:
    """Yield elements of that name, whatever their namespace."""
    yield from root.iter(f"{{*}}{name}")
