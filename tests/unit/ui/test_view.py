"""How a passage is shown where it stands, format by format."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from citewise.types import Block, Document, DocumentText, PageSpan, Place
from citewise.ui import view
from citewise.ui.render import marked_html


def shown(media_type: str, text: str, blocks: list[Block], **parts: Any) -> DocumentText:
    document = Document("d", "default", "a", "A", 1, "ready", None, media_type, "h", 1, 0, 1, 0.0)
    return DocumentText(document, text, parts.get("pages", ()), tuple(blocks), (), parts.get("places", ()))


def marks(html: str) -> list[str]:
    return [mark.text() for mark in LexborHTMLParser(html).css("mark")]


def rows(html: str) -> list[list[str]]:
    return [[cell.text() for cell in row.css("th, td")] for row in LexborHTMLParser(html).css("tr")]


def sheet(count: int = 40) -> tuple[DocumentText, list[str]]:
    lines = ["Item | Cost | Note"] + [f"Thing {n} | {n * 10} | " for n in range(1, count)]
    text = "Budget\n\n" + "\n".join(lines)
    places, position = [], 8
    for number, line in enumerate(lines, 3):
        places.append(Place(position, position + len(line), "Budget", f"B{number}:D{number}"))
        position += len(line) + 1
    blocks = [Block("heading", 0, 6), Block("table", 8, len(text), header=lines[0], caption="All costs")]
    return shown("application/vnd.ms-excel", text, blocks, places=tuple(places)), lines


def test_a_sheet_is_a_table_with_addresses_and_the_cited_cell_marked() -> None:
    document, lines = sheet()
    start = document.text.index("Thing 20 |")
    html = view.around_html(document, start, start + len(lines[20]))
    assert marks(html) == ["Thing 20", "200"]
    table = rows(html)
    assert table[0] == ["", "B", "C", "D"]
    assert table[1] == ["3", "Item", "Cost", "Note"]
    assert table[2] == ["13 rows above"]
    cited = next(row for row in table if "Thing 20" in row)
    assert cited == ["cited, 23", "Thing 20", "200", ""]
    assert table[-1] == ["9 rows below"]
    assert 'role="region" aria-label="All costs"' in html
    assert LexborHTMLParser(html).css_first("tr.cited td.figure").text() == "200"
    assert [row.text() for row in LexborHTMLParser(html).css("thead tr.letters")] == ["BCD"]


def test_part_of_a_cell_is_marked_alone() -> None:
    document, _ = sheet()
    start = document.text.index("20 | 200")
    assert marks(view.around_html(document, start, start + 2)) == ["20"]


def test_a_table_of_thousands_of_cited_rows_stays_short() -> None:
    document, _ = sheet(5000)
    html = view.around_html(document, 8, len(document.text))
    assert len(rows(html)) < 100


def test_a_markdown_table_is_shown_without_its_bars() -> None:
    text = "# Costs\n\n| Item | Cost |\n|------|-----:|\n| Boat | 40 \\| 50 |\n| Rope | 7 |\n"
    blocks = [Block("heading", 0, 7), Block("table", 9, len(text) - 1, header="| Item | Cost |")]
    start = text.index("Boat")
    html = view.around_html(shown("text/markdown", text, blocks), start, start + 4)
    assert rows(html) == [["3", "Item", "Cost"], ["cited, 5", "Boat", "40 \\| 50"], ["6", "Rope", "7"]]
    assert marks(html) == ["Boat"]
    assert '<p class="heading">Costs</p>' in html


def test_code_has_the_numbers_of_its_lines_and_keeps_its_shape() -> None:
    text = "import os\n\n\ndef tide(hour):\n    return hour * 2\n\n\ndef boat():\n    pass\n"
    blocks = [Block("code", 0, 9), Block("code", 12, 46), Block("code", 49, 70)]
    start = text.index("def tide")
    html = view.around_html(shown("text/x-source", text, blocks), start, text.index(" * 2"))
    tree = LexborHTMLParser(html)
    cited = tree.css(".line.cited")
    assert [(line.css_first(".number").text(), line.css_first("mark").text()) for line in cited] == [
        ("4", "def tide(hour):"),
        ("5", "return hour"),
    ]
    assert "<span>    <mark>return" in html  # indentation is not marked
    assert len(tree.css(".line")) == 10


def test_lines_far_from_the_passage_are_left_out() -> None:
    text = "\n".join(f"line {n}" for n in range(1000))
    start = text.index("line 500\n")
    html = view.around_html(shown("application/json", text, [Block("code", 0, len(text))]), start, start + 8)
    numbers = [int(node.text()) for node in LexborHTMLParser(html).css(".number")]
    assert numbers == list(range(489, 514))
    assert marks(html) == ["line 500"]


def test_a_slide_is_shown_by_shape() -> None:
    text = "Tides\n\nHigh water at six\n\nBoats\n\nAsk the warden"
    blocks = [Block("heading", 0, 5, 1), Block("list_item", 7, 24, 1), Block("heading", 26, 31, 2)]
    blocks.append(Block("paragraph", 33, 47, 2))
    places = (Place(0, 5, "Title 1"), Place(7, 24, "Content 2"), Place(26, 31, "Title 1"), Place(33, 47, "Notes"))
    pages = (PageSpan(1, 0, 26), PageSpan(2, 26, 47))
    media_type = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    document = shown(media_type, text, blocks, pages=pages, places=places)
    assert view.has_slides(document)
    tree = LexborHTMLParser(view.slide_html(document, pages[0], 7, 24))
    assert [shape.css_first("h4").text() for shape in tree.css(".shape")] == ["Title 1", "Content 2 cited"]
    assert [mark.text() for mark in tree.css("mark")] == ["High water at six"]
    assert marks(view.slide_html(document, pages[1], 7, 24)) == []


def test_parts_of_a_message_are_named() -> None:
    text = "From: a\n\nSee the offer.\n\nThe boat costs 40."
    blocks = [Block("paragraph", 0, 7), Block("paragraph", 9, 23), Block("paragraph", 25, 43)]
    places = (Place(25, 43, "Attachment offer.pdf"),)
    html = view.around_html(shown("message/rfc822", text, blocks, places=places), 25, 43)
    assert re.search(r'See the offer\.</p><p class="part">Attachment offer\.pdf</p>', html)
    assert marks(html) == ["The boat costs 40."]


def test_repeated_headers_are_told_apart_and_markup_stays_words() -> None:
    text = "ACME <b>secret</b>\n\nThe boat & the crew."
    blocks = [Block("furniture", 0, 18), Block("paragraph", 20, 40)]
    html = view.around_html(shown("application/pdf", text, blocks), 20, 40)
    assert '<p class="furniture">ACME &lt;b&gt;secret&lt;/b&gt;</p>' in html
    assert "<mark>The boat &amp; the crew.</mark>" in html


def test_bold_words_and_links_of_markdown_are_read_without_their_signs() -> None:
    html = marked_html("Pay **40 EUR** at [the desk](https://a.example/b), see `tide`.", 4, 14, markdown=True)
    assert html == "Pay <mark><strong>40 EUR</strong></mark> at the desk, see <code>tide</code>."


@given(
    text=st.text(alphabet="ab *_`[]()|<&\n\ue001\ue002", max_size=60),
    start=st.integers(-5, 65),
    length=st.integers(0, 40),
    markdown=st.booleans(),
)
def test_marks_are_always_well_formed(text: str, start: int, length: int, markdown: bool) -> None:
    html = marked_html(text, start, start + length, markdown=markdown)
    opened: list[str] = []
    for closing, tag in re.findall(r"<(/?)(\w+)>", html):
        if tag == "br":
            continue
        if closing:
            assert opened.pop() == tag, html
        else:
            opened.append(tag)
    assert not opened
