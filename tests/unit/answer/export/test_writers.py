"""Markdown, HTML and Word: complete, readable without colour, and harmless whatever stands in them."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from html.parser import HTMLParser

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from markdown_it import MarkdownIt

from citewise.answer.export.docx import write_docx
from citewise.answer.export.html import write_html
from citewise.answer.export.markdown import write_markdown
from citewise.answer.export.paper import SIGNS, Paper, lay_out
from citewise.types import AnswerStatus, Conflict, Side, Turn
from tests.unit.answer.export.making import CONVERSATION, HASH, HOSTILE, QUOTE, answer, citation, context, turn

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
# Names of elements and attributes that a page may have, and no others.
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "main", "header", "aside", "article", "section", "div", "span"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "dl", "dt", "dd", "blockquote", "q", "pre", "code"),
    *("b", "i", "em", "strong", "s", "small", "sup", "a", "br", "hr", "table", "tbody", "tr", "th", "td"),
}


def paper(*turns: Turn, **options: object) -> Paper:
    return lay_out(CONVERSATION, turns or (turn(),), exported_at=1_790_000_100.0, **options)  # type: ignore[arg-type]


def word_text(content: bytes, part: str) -> str:
    root = etree.fromstring(zipfile.ZipFile(io.BytesIO(content)).read(part))
    return "".join(one.text or "" for one in root.iter(f"{W}t"))


def texts(written: Paper) -> list[str]:
    word = write_docx(written)
    page = re.sub(r"<style>.*?</style>|<[^>]*>", "", write_html(written), flags=re.DOTALL)
    return [write_markdown(written), page, word_text(word, "word/document.xml") + word_text(word, "word/footnotes.xml")]


def squeezed(text: str) -> str:
    return "".join(character for character in text if character.isalnum())


@pytest.mark.parametrize("form", [0, 1, 2])
def test_every_format_has_the_words_the_verdicts_and_the_footnotes(form: int) -> None:
    text = texts(paper())[form]
    for said in ("How high is the tower?", "31 metres", "The keyword index is being built", "reason 1"):
        assert squeezed(said) in squeezed(text)
    for sign, word in SIGNS.values():
        assert sign in text
        assert word in text
    for fact in ("complete", "openai:gpt-5-mini", "1,200 read, 30 written", "0.0123", "of the lighthouse"):
        assert fact in text
    assert squeezed(QUOTE) in squeezed(text)
    assert f"{HASH[:12]}:100-{100 + len(QUOTE)}" in text
    assert "version 2, page 3" in text


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("abstained", "The documents do not say."),
        ("truncated", "reached the length limit"),
        ("refused", "declined to answer"),
        ("cut", "broke off"),
        ("cancelled", "was stopped"),
        ("error", "could not be written. It is down."),
        ("running", "still being written"),
    ],
)
def test_it_is_said_how_an_answer_ended(status: AnswerStatus, sentence: str) -> None:
    error = "It is down." if status == "error" else None
    for text in texts(paper(turn(given=answer(status=status, error=error)))):
        assert sentence in text


def test_an_abstention_shows_the_nearest_passages() -> None:
    given = answer("", status="abstained", reason="No passage answers it.", citations=(), contexts=(context(),))
    for text in texts(paper(turn(given=given))):
        assert "No passage answers it." in text
        assert squeezed("Before. The tower is 31 metres") in squeezed(text)


def test_footnotes_are_numbered_through_the_paper_and_said_once() -> None:
    written = paper(turn(0), turn(1))
    assert [note.number for note in written.notes] == [1, 2, 3, 4]
    word = write_docx(written)
    root = etree.fromstring(zipfile.ZipFile(io.BytesIO(word)).read("word/document.xml"))
    assert [one.get(f"{W}id") for one in root.iter(f"{W}footnoteReference")] == ["1", "2", "3", "4"]
    fields = [one.get(f"{W}instr") for one in root.iter(f"{W}fldSimple")]
    assert fields == [f" NOTEREF _RefNote{n} \\f \\h " for n in (1, 2, 1, 3, 4, 3)]
    page = write_html(written)
    assert page.count('id="ref-1"') == page.count('id="note-1"') == 1
    assert write_markdown(written).count("\n[^3]: ") == 1


def test_a_citation_without_a_visible_marker_is_listed_all_the_same() -> None:
    written = paper(turn(given=answer("Only `code [1]` here.", citation(1))))
    assert len(written.notes) == 1
    assert "Also cited:[^1]" in write_markdown(written)


def test_an_erased_quote_is_said_to_be_erased() -> None:
    gone = citation(1, source="", quote="", content_hash="")
    written = paper(turn(given=answer("It is high. [1]", gone)), change=lambda _: "This quote was erased.")
    for text in texts(written):
        assert "erased with its document" in text


def test_what_became_of_a_document_is_said() -> None:
    for text in texts(paper(change=lambda _: "The document was replaced since.")):
        assert "The document was replaced since." in text


# --- harmless -------------------------------------------------------------------------


class Elements(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def assert_harmless(written: Paper) -> None:
    for tag, attributes in Elements(write_html(written)).found:
        assert tag in ELEMENTS
        assert not {name for name in attributes if name.startswith("on")} | {"src", "style"} & attributes.keys()
        assert str(attributes.get("href", "#")).startswith("#")
    # Read by a renderer that knows all there is, no word of it is a link, a picture or HTML.
    everything = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    for token in everything.parse(write_markdown(written)):
        for one in [token, *(token.children or ())]:
            assert one.type not in {"link_open", "image", "html_inline", "html_block"}, one
            if one.type == "text":
                assert not re.search(r"://|\bwww\.|\w@\w|:octocat:", one.content), one.content
    with zipfile.ZipFile(io.BytesIO(write_docx(written))) as archive:
        for name in archive.namelist():
            root = etree.fromstring(archive.read(name))
            assert "External" not in [one.get("TargetMode") for one in root.iter()]
            assert not list(root.iter(f"{W}hyperlink"))


def test_nothing_in_an_export_acts() -> None:
    hostile = citation(1, quote=HOSTILE, source=HOSTILE[:200], locator=HOSTILE, headings=(HOSTILE,))
    given = answer(HOSTILE, hostile, error=HOSTILE, reason=HOSTILE, model=HOSTILE, trace={"remarks": [HOSTILE]})
    one = turn(given=given, question=HOSTILE, standalone_question=HOSTILE + "!")
    written = lay_out(
        replace(CONVERSATION, title=HOSTILE, collection=HOSTILE), [one], exported_at=0.0, change=lambda _: HOSTILE
    )
    assert_harmless(written)
    assert "\u202e" not in write_html(written) + write_markdown(written)


@given(
    st.text(
        alphabet=st.sampled_from("ab <>&[]()!`*_~|\\#+-.:/@$^\n\t0123=\"'www.http://\x00\ud800\u202e\ue000"),
        max_size=120,
    )
)
@settings(max_examples=150)
def test_no_text_breaks_out(text: str) -> None:
    assert_harmless(paper(turn(given=answer(text, citation(1, quote=text or "x")), question=text)))


def test_a_page_allows_itself_nothing_but_its_style() -> None:
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', write_html(paper()))
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert not re.search(r"url\(|@import|https?:", write_html(paper()))


# --- Word -----------------------------------------------------------------------------


def test_a_word_file_opens_with_styles_lists_and_tables() -> None:
    document = docx.Document(io.BytesIO(write_docx(paper())))
    assert document.core_properties.title == "The lighthouse | its *tower*"
    styles = [paragraph.style.name for paragraph in document.paragraphs if paragraph.style is not None]
    assert styles[:3] == ["Title", "Subtitle", "Legend"]
    assert {"Heading 1", "Heading 3", "List Number", "List Bullet", "Quote", "Code"} <= set(styles)
    (table,) = document.tables
    assert [cell.text.partition("\u00a0")[0] for cell in table.rows[0].cells] == ["Part", "Height"]


def test_the_same_paper_gives_the_same_word_file() -> None:
    assert write_docx(paper()) == write_docx(paper())


def test_sources_that_differ_are_shown_with_a_footnote_each() -> None:
    other = citation(0, quote="It is 35 metres high.", source="old.pdf", content_hash="ab" * 32)
    differing = Conflict(
        "height of the tower", "figure", Side(citation(1), "31 metres"), Side(other, "35 metres", "2019"), "one"
    )
    written = paper(turn(given=answer(conflicts=(differing,))))
    assert [note.source for note in written.notes] == ["lighthouse.pdf", "notes/<b>tides</b>.md", "old.pdf"]
    for text in texts(written):
        assert "Sources differ" in text
        assert squeezed("height of the tower: “31 metres” in lighthouse.pdf") in squeezed(text)
        assert "35 metres" in text
        assert "dated 2019" in text
