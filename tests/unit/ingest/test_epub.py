from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from citewise.errors import IngestError
from citewise.ingest.parse import parse
from citewise.types import ParsedDocument
from tests.unit.ingest.checks import assert_anchored

CONTAINER = '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="{}" media-type="application/oebps-package+xml"/></rootfiles></container>'  # noqa: E501
OPF = """<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title>Of  Birds</dc:title></metadata><manifest>
<item id="b" href="text/two%20b.xhtml" media-type="application/xhtml+xml"/>
<item id="a" href="text/one.xhtml" media-type="application/xhtml+xml"/>
<item id="c" href="cover.xhtml" media-type="application/xhtml+xml"/>
<item id="gone" href="gone.xhtml" media-type="application/xhtml+xml"/>
<item id="p" href="p.png" media-type="image/png"/>
<item id="n" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
</manifest><spine><itemref idref="c"/><itemref idref="a"/><itemref idref="b"/><itemref idref="gone"/></spine>
</package>"""
NAV = '<html xmlns="http://www.w3.org/1999/xhtml"><nav><a href="text/one.xhtml#x">Part one</a><a href="text/two%20b.xhtml">Of terns</a><a href="text/two%20b.xhtml#2">Later</a></nav></html>'  # noqa: E501


def book(**changed: str | None) -> dict[str, str]:
    files: dict[str, str | None] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER.format("OEBPS/book.opf"),
        "OEBPS/book.opf": OPF,
        "OEBPS/nav.xhtml": NAV,
        "OEBPS/cover.xhtml": '<html><body><img src="p.png"/></body></html>',
        "OEBPS/text/one.xhtml": "<html><body><h1>Of skuas</h1><p>They attack.</p></body></html>",
        "OEBPS/text/two b.xhtml": "<html><body><p>They dive.</p></body></html>",
    }
    return {name: content for name, content in (files | changed).items() if content is not None}


def read(folder: Path, files: dict[str, str]) -> ParsedDocument:
    path = folder / "blob"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    document = parse(path, source="a.epub")
    assert_anchored(document)
    return document


def test_a_book_is_read_along_its_spine(tmp_path: Path) -> None:
    document = read(tmp_path, book())
    assert [(block.kind, document.text[block.start : block.end], block.headings) for block in document.blocks] == [
        ("heading", "Of skuas", ()),
        ("paragraph", "They attack.", ("Of skuas",)),
        ("heading", "Of terns", ()),
        ("paragraph", "They dive.", ("Of terns",)),
    ]
    assert {place.part for place in document.places} == {"one.xhtml", "two b.xhtml"}
    assert document.title == "Of Birds"
    assert document.report.images == 1
    assert document.report.left_out == ("cover.xhtml: it holds no text, only pictures or a list of contents.",)
    assert document.report.unread == ("gone.xhtml: it is missing or damaged.",)


def test_an_old_book_has_its_titles_in_an_ncx(tmp_path: Path) -> None:
    ncx = '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint><navLabel><text>Terns</text></navLabel>'
    ncx += '<content src="text/two%20b.xhtml"/></navPoint></navMap></ncx>'
    opf = OPF.replace('media-type="application/xhtml+xml" properties="nav"', 'media-type="application/x-dtbncx+xml"')
    document = read(tmp_path, book(**{"OEBPS/book.opf": opf, "OEBPS/nav.xhtml": ncx}))
    assert "Terns\n\nThey dive." in document.text


def test_a_book_without_a_container_is_found_by_its_package(tmp_path: Path) -> None:
    assert "They dive." in read(tmp_path, book(**{"META-INF/container.xml": None})).text


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"META-INF/encryption.xml": '<e><EncryptionMethod Algorithm="http://x/aes128"/></e>'}, "DRM"),
        ({"META-INF/sinf.xml": "<sinf/>"}, "DRM"),
        ({"OEBPS/book.opf": "<package"}, "damaged"),
        ({"OEBPS/book.opf": OPF.replace("itemref", "other")}, "spine"),
    ],
)
def test_a_book_that_cannot_be_read_says_why(tmp_path: Path, changed: dict[str, str], message: str) -> None:
    with pytest.raises(IngestError, match=message):
        read(tmp_path, book(**changed))


def test_scrambled_fonts_protect_nothing(tmp_path: Path) -> None:
    fonts = '<e><EncryptionMethod Algorithm="http://www.idpf.org/2008/embedding"/></e>'
    assert "They dive." in read(tmp_path, book(**{"META-INF/encryption.xml": fonts})).text
