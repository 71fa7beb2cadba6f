from __future__ import annotations

import zipfile
from importlib import import_module
from pathlib import Path

import pytest

from citewise.errors import IngestError
from citewise.ingest.parse import FORMATS, Format, detect, format_of, media_type_of, parse
from citewise.registry.serving import MEDIA_TYPES
from tests.unit.ingest.making import Put, write_pdf
from tests.unit.ingest.making_ole import write_ole

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def file(folder: Path, content: bytes) -> Path:
    path = folder / "blob"  # uploads are stored without their extension
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("source", "content", "expected"),
    [
        ("report.txt", b"%PDF-1.7\n...", PDF),
        ("report", b"junk before\n" * 20 + b"%PDF-1.4\n", PDF),
        ("notes.md", b"# Title\n", "text/markdown"),
        ("NOTES.MD", b"plain words", "text/markdown"),
        ("page.html", b"<p>a fragment</p>", "text/html"),
        ("page", b"\xef\xbb\xbf  <!DOCTYPE html><p>x", "text/html"),
        ("page", b"<html><p>x", "text/html"),
        ("about-html.txt", b"Write <html> first.", "text/plain"),
        ("LICENSE", b"Permission is granted", "text/plain"),
        ("data.csv", b"a,b\n1,2\n", "text/csv"),
        ("export", b'name;town;year\nA;Kiel;1990\n"B; C";Bonn;1991\n', "text/csv"),
        ("export", b"name\ttown\nA\tKiel\nB\tBonn\n", "text/tab-separated-values"),
        ("notes", b"One, two, three.\nAnd four.\nFive, and six.\n", "text/plain"),
        ("blob", b'{"a": [1, 2]}', "application/json"),
        ("blob", b'{"a": 1}\n{"a": 2}\n', "application/jsonl"),
        ("blob", b'{"cells": [{"cell_type": "code"}], "nbformat": 4}', "application/x-ipynb+json"),
        ("blob", b"{ not JSON at all }", "text/plain"),
        ("feed", b'<?xml version="1.0"?><rss/>', "application/xml"),
        ("page.xml", b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>', "text/html"),
        ("notes.txt", b"From: a@b\nTo: c@d\nSubject: Hello\n\nBody", "message/rfc822"),
        ("notes.txt", b"From: here\nThe letter begins.\n", "text/plain"),
        ("wide.eml", "From: a@b\nSubject: x\n\nBody".encode("utf-16-le"), "message/rfc822"),
        ("inbox", b"From a@b Mon Jun 01 10:00:00 2009\nSubject: x\n\nBody", "application/mbox"),
        ("run", b"#!/usr/bin/env python3\nprint(1)\n", "text/x-source"),
        ("tool.rs", b"fn main() {}", "text/x-source"),
        ("Makefile", b"all:\n\tcc x.c\n", "text/x-source"),
        ("CMakeLists.txt", b"project(x)\n", "text/x-source"),
        ("letter.doc", b"{\\rtf1 Hello}", "application/rtf"),
        ("letter.doc", b"<html><p>Hello</html>", "text/html"),
        ("letter.doc", b"just words", "text/plain"),
        ("photo.pdf", b"\x89PNG\r\n\x1a\n\x00\x00", "image/png"),
        ("photo", b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        ("photo", b"BM\x00\x00\x00\x00\x00\x00\x00", "image/bmp"),
        ("photo", b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        ("utf16.txt", ("Слово и дело.\n" * 9).encode("utf-16-be"), "text/plain"),
        ("utf32.txt", ("Grüße aus Kiel\n" * 9).encode("utf-32-le"), "text/plain"),
        ("utf16.txt", "Grüße".encode("utf-16"), "text/plain"),
        ("utf16.txt", ("plain words " * 9).encode("utf-16-le"), "text/plain"),
        ("sjis.txt", "これはテストです".encode("shift-jis"), "text/plain"),
        ("BMW.txt", b"BMW is a carmaker", "text/plain"),
    ],
)
def test_the_content_tells_the_kind_and_the_name_only_which_text(
    tmp_path: Path, source: str, content: bytes, expected: str
) -> None:
    assert detect(file(tmp_path, content), source) == expected


@pytest.mark.parametrize(
    ("source", "content", "message"),
    [
        ("a.pdf", b"", "is empty"),
        ("a.txt", b" \n ", "is empty"),
        ("a.gz", b"\x1f\x8b\x08\x00", "is a gzip archive, which Citewise cannot read; supported: PDF, Word"),
        ("a.one", b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", "OneNote"),
        ("a.mp4", b"\x00\x00\x00\x20ftypisom\x00\x00", "audio or video"),
        ("a.pdf", b"\x89PNX\x00\x01\x02", "is named .pdf but is not a PDF"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), "damaged or cut-off Office file"),
        ("a.pdf", bytes(range(256)) * 8, "is named .pdf but is not a PDF"),
        ("a.bin", bytes(range(256)) * 8, "is an unknown binary file"),
        ("a.pdf", b"just words", "is named .pdf but holds plain text"),
        ("a.docx", b"PK\x03\x04 and then nothing", "damaged or cut-off"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, source: str, content: bytes, message: str) -> None:
    with pytest.raises(IngestError, match=message) as caught:
        detect(file(tmp_path, content), source)
    assert str(caught.value).startswith(source)


OOXML = "application/vnd.openxmlformats-officedocument"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"[Content_Types].xml": "<Types/>", "word__document": "x"}, DOCX),
        ({"[Content_Types].xml": "<Types/>", "xl__part": "x"}, f"{OOXML}.spreadsheetml.sheet"),
        (
            {"[Content_Types].xml": f"<Types>{OOXML}.presentationml.presentation.main+xml</Types>", "p": "x"},
            f"{OOXML}.presentationml.presentation",
        ),
        ({"mimetype": "application/vnd.oasis.opendocument.text"}, "application/vnd.oasis.opendocument.text"),
        (
            {"META-INF__manifest.xml": 'media-type="application/vnd.oasis.opendocument.presentation"'},
            "application/vnd.oasis.opendocument.presentation",
        ),
        ({"mimetype": "application/epub+zip"}, "application/epub+zip"),
        ({"META-INF__container.xml": 'media-type="application/oebps-package+xml"'}, "application/epub+zip"),
        ({"a.txt": "x"}, "application/zip"),
        ({"[Content_Types].xml": "<Types/>", "other__part": "x"}, "application/zip"),
    ],
)
def test_archives_are_told_apart_by_what_they_hold(tmp_path: Path, files: dict[str, str], expected: str) -> None:
    path = tmp_path / "blob"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/"), content)
    assert detect(path, "a.docx") == expected


def test_an_iwork_file_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "blob", "w") as archive:
        archive.writestr("Index/Document.iwa", "x")
    with pytest.raises(IngestError, match="iWork"):
        detect(tmp_path / "blob", "a.pages")


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        ("WordDocument", "application/msword"),
        ("Workbook", "application/vnd.ms-excel"),
        ("PowerPoint Document", "application/vnd.ms-powerpoint"),
        ("__properties_version1.0", "application/vnd.ms-outlook"),
    ],
)
def test_old_office_files_are_told_apart_by_their_streams(tmp_path: Path, stream: str, expected: str) -> None:
    path = tmp_path / "blob"
    path.write_bytes(write_ole({stream: b"x" * 5000}))
    assert detect(path, "a.bin") == expected


def test_a_protected_office_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.write_bytes(write_ole({"EncryptedPackage": b"x" * 5000}))
    with pytest.raises(IngestError, match="protected by a password"):
        detect(path, "a.docx")


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match=r"gone\.txt cannot be opened"):
        detect(tmp_path / "gone", "gone.txt")


def test_every_format_is_found_by_its_names() -> None:
    for entry in FORMATS:
        assert media_type_of(entry.name) == entry.media_type
        assert format_of(entry.media_type) is entry
        for extension in entry.extensions:
            assert media_type_of(extension.upper()) == entry.media_type
    assert media_type_of("xyz") is None
    with pytest.raises(IngestError, match="image/heic cannot be read yet"):
        format_of("image/heic")


def test_parse_looks_at_the_content_by_itself(tmp_path: Path) -> None:
    document = parse(write_pdf(tmp_path / "blob", [[Put(40, 400, "Hello")]]), source="a.bin")
    assert document.media_type == PDF
    assert document.text.strip() == "Hello"


@pytest.mark.parametrize("entry", FORMATS, ids=lambda entry: entry.name)
def test_every_format_has_its_parser(entry: Format) -> None:
    module, _, function = entry.parser.partition(":")
    assert callable(getattr(import_module(f"citewise.ingest.parse.{module}"), function))


def test_many_comments_before_a_text_take_no_time(tmp_path: Path) -> None:
    assert detect(file(tmp_path, b"<!-- x -->\n" * 3000 + b"words"), "notes") == "text/plain"


def test_every_format_can_be_chosen_by_its_name_in_a_search() -> None:
    assert {entry.name: (entry.media_type in MEDIA_TYPES.get(entry.name, ())) for entry in FORMATS} == {
        entry.name: True for entry in FORMATS
    }
