from __future__ import annotations

from pathlib import Path

import pytest

from citewise.errors import IngestError
from citewise.ingest.parse import FORMATS, detect, format_of, media_type_of, parse
from tests.unit.ingest.making import Put, write_pdf, write_zip

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
        ("data.csv", b"a,b\n1,2\n", "text/plain"),
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
        ("a.pdf", b"\x89PNG\r\n\x1a\n\x00\x00", "is a PNG image, which Citewise cannot read yet; supported: PDF, DOCX"),
        ("a.pdf", bytes(range(256)) * 8, "is named .pdf but is not a PDF"),
        ("a.bin", bytes(range(256)) * 8, "is an unknown binary file"),
        ("a.pdf", b"just words", "is named .pdf but holds plain text"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "old Office file"),
        ("a.docx", b"PK\x03\x04 and then nothing", "damaged or cut-off"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, source: str, content: bytes, message: str) -> None:
    with pytest.raises(IngestError, match=message) as caught:
        detect(file(tmp_path, content), source)
    assert str(caught.value).startswith(source)


def test_archives_are_told_apart_by_what_they_hold(tmp_path: Path) -> None:
    types = {"[Content_Types].xml": b"<Types/>"}
    assert detect(write_zip(tmp_path / "w", **types, word__document="x"), "a.zip") == DOCX
    for folder, name in (("xl", "Excel"), ("ppt", "PowerPoint"), ("other", "zip archive")):
        archive = write_zip(tmp_path / folder, **types, **{f"{folder}__part": "x"})
        with pytest.raises(IngestError, match=name):
            detect(archive, "a.docx")


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
    with pytest.raises(IngestError, match="image/png cannot be read yet"):
        format_of("image/png")


def test_parse_looks_at_the_content_by_itself(tmp_path: Path) -> None:
    document = parse(write_pdf(tmp_path / "blob", [[Put(40, 400, "Hello")]]), source="a.bin")
    assert document.media_type == PDF
    assert document.text.strip() == "Hello"
