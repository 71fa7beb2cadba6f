"""Whatever a file holds, its text is anchored: blocks and pages cover it, boxes find it again."""

from __future__ import annotations

import random
import re
import tempfile
from pathlib import Path

import pypdfium2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citewise.ingest.parse import html, markdown, pdf, pdf_view
from citewise.ingest.parse.text import document_from_text
from tests.unit.ingest.checks import assert_anchored
from tests.unit.ingest.making import PAGE, Put, write_pdf

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=300)
LINES = "# A|## B|- x|1. y|    code|```|> q|---||text|===|[r]: /x|<div>|***|![i](x)|title: t"
MARKUP = st.lists(
    st.sampled_from([*(f"{line}\n" for line in LINES.split("|")), "| a | b |\n|---|---|\n", "  ", "\t", "\r\n"]),
    max_size=30,
).map("".join)
PARTS = (
    "<p> </p> <h1> </h1> <h2> <table> <tr> <td> </table> <li> <ul> </ul> <pre> </pre> <b> </b> <br> words &amp; &#0;"
)
MORE_PARTS = "<script> </script> <nav> </nav> <div/hidden> </div> <caption> <th> </body> <svg> <img> <!-- -->"
TAGS = st.lists(st.sampled_from([*PARTS.split(" "), *MORE_PARTS.split(" "), " ", "\n"]), max_size=40).map("".join)
# PDFium does not begin a new line for a line of one character below another one.
WORD = st.text(alphabet="abcdefghijklmnopqrstuvwxyzABCXYZ0123456789", min_size=2, max_size=9)
LINE = st.lists(WORD, min_size=1, max_size=6)


@given(text=ANY_TEXT)
def test_plain_text_is_anchored(text: str) -> None:
    document = document_from_text(text, source="a")
    assert_anchored(document)
    assert len(document.text) == len(text)


@given(content=st.one_of(MARKUP, ANY_TEXT.map(lambda text: text.encode(errors="ignore").decode())))
def test_markdown_is_anchored_and_keeps_its_text(content: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.md"
        path.write_bytes(b"\xef\xbb\xbf" + content.encode())
        document = markdown.parse(path, source="a.md")
    assert_anchored(document)
    expected = content.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd")
    assert document.text == expected


@given(content=TAGS)
def test_html_is_anchored(content: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.html"
        path.write_text(content)
        assert_anchored(html.parse(path, source="a.html"))


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    pages=st.lists(st.lists(LINE, min_size=1, max_size=8), min_size=1, max_size=3),
    rotation=st.sampled_from([0, 90, 180, 270]),
    angle=st.sampled_from([0, 90, 180, 270]),
    cropped=st.booleans(),
    pick=st.randoms(use_true_random=False),
)
def test_boxes_of_a_pdf_hold_the_words_of_their_span(
    pages: list[list[list[str]]], rotation: int, angle: int, cropped: bool, pick: random.Random
) -> None:
    across = {0: (30, 460, 0, -24), 90: (40, 30, 24, 0), 180: (370, 40, 0, 24), 270: (360, 470, -24, 0)}
    x, y, step_x, step_y = across[angle]
    content = [
        [
            Put(x + step_x * number, y + step_y * number, " ".join(words), 8, angle=angle)
            for number, words in enumerate(lines)
        ]
        for lines in pages
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = write_pdf(
            Path(folder) / "a.pdf", content, rotation=rotation, crop=(7, 11, 395, 493) if cropped else None
        )
        document = pdf.parse(path, source="a.pdf")
        assert_anchored(document)
        assert sorted(document.text.split()) == sorted(word for lines in pages for line in lines for word in line)
        spans = []
        for page in document.pages:
            # Whole words: letters reach into each other's boxes.
            words = [match.span() for match in re.finditer(r"\S+", document.text[page.start : page.end])]
            first = pick.randrange(len(words))
            last = pick.randrange(first, len(words))
            start, end = words[first][0], words[last][1]
            spans.append((page.number, start, end, document.text[page.start + start : page.start + end]))
        found = pdf_view.boxes(path, spans, source="a.pdf")
        opened = pypdfium2.PdfDocument(path)
        for (number, _, _, wanted), boxes in zip(spans, found, strict=True):
            page_span = document.pages[number - 1]
            page = opened[number - 1]
            text_page = page.get_textpage()
            for box in boxes:
                assert 0 <= box.x0 < box.x1 <= page_span.width
                assert 0 <= box.y0 < box.y1 <= page_span.height
            left, _, _, top = page.get_bbox()
            assert (page_span.width, page_span.height) == ((388, 482) if cropped else PAGE)
            read = [
                text_page.get_text_bounded(box.x0 + left, top - box.y1, box.x1 + left, top - box.y0) for box in boxes
            ]
            assert "".join("".join(read).split()) == "".join(wanted.split())
            text_page.close()
            page.close()
        opened.close()
