from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from citewise.types import Evidence
from citewise.ui.render import ALLOWED_TAGS, answer_html, passage_html

LABELS = {1: "Open source 1: a.pdf, page 2", 2: 'Open source 2: "<b>".pdf'}


def test_a_marker_becomes_a_button_that_says_what_it_opens() -> None:
    html = answer_html("Tea is free [1].", labels=LABELS)
    assert '<button type="button" class="cite" data-marker="1" aria-label="Open source 1: a.pdf, page 2"' in html
    assert html.count("<button") == 1


def test_names_of_sources_cannot_end_their_attribute() -> None:
    assert 'aria-label="Open source 2: &quot;&lt;b&gt;&quot;.pdf"' in answer_html("[2]", labels=LABELS)


def test_numbers_that_cite_nothing_and_markers_in_code_stay_text() -> None:
    html = answer_html("See [7] and `[1]`.\n\n```\nx[1]\n```", labels=LABELS)
    assert "<button" not in html
    assert "[7]" in html
    assert "<code>[1]</code>" in html
    assert "x[1]" in html


def test_the_note_in_place_of_an_erased_sentence_keeps_its_chip() -> None:
    html = answer_html("[erased] [1]", labels=LABELS)
    assert html.startswith('<p>[erased] <button type="button" class="cite" data-marker="1"')


def test_while_an_answer_is_written_its_markers_are_no_buttons() -> None:
    html = answer_html("Tea [1]", labels=LABELS, interactive=False)
    assert "<button" not in html
    assert '<span class="cite">1</span>' in html


def test_images_links_and_html_of_a_model_stay_text() -> None:
    hostile = (
        '![x](http://evil.test/x.png) [y](http://evil.test) <img src="http://evil.test/z"> <http://evil.test>\n\n'
        "[1]: http://evil.test\n\n<script>alert(1)</script>\n\n<div onclick=alert(1)>d</div>"
    )
    html = answer_html(hostile, labels={})
    assert set(re.findall(r"</?([a-z0-9]+)", html)) == {"p"}
    assert re.search(r"<[^>]*(href|src|on\w+)=", html) is None


@given(st.text(max_size=300))
def test_only_allowed_elements_without_attributes_leave_whatever_comes_in(text: str) -> None:
    html = answer_html(text, labels={})
    assert {tag.lower() for tag in re.findall(r"<\s*/?\s*([a-zA-Z][a-zA-Z0-9]*)", html)} <= ALLOWED_TAGS
    assert re.search(r"<[a-zA-Z][^>]*\s[^>]*=", html) is None


def test_headings_of_an_answer_stand_below_those_of_the_page() -> None:
    assert "<h3>Rooms</h3>" in answer_html("# Rooms", labels={})


def test_tables_are_tables() -> None:
    html = answer_html("| a | b |\n|---|---|\n| 1 [1] | 2 |", labels=LABELS)
    assert "<table>" in html
    assert "<td>1 <button" in html


def test_a_verdict_stands_behind_its_sentence_and_its_markers() -> None:
    text = "Tea is free. [1] Cake costs 2 EUR."
    evidence = [
        Evidence("Tea is free.", 0, 12, (1,), "supported", 'All words, "even" <these>'),
        Evidence("Cake costs 2 EUR.", 17, len(text), (), "unsupported", ""),
    ]
    html = answer_html(text, labels=LABELS, evidence=evidence)
    order = [html.index(part) for part in ("Tea", "<button", "verdict supported", "Cake", "verdict unsupported")]
    assert order == sorted(order)
    assert 'aria-label="Supported by its source: All words, &quot;even&quot; &lt;these&gt;"' in html
    assert 'aria-label="Not supported by its source"' in html


def test_a_verdict_that_would_fall_into_code_is_left_out_and_the_code_is_whole() -> None:
    text = "`tea [1]`"
    html = answer_html(text, labels=LABELS, evidence=[Evidence(text, 0, 4, (), "supported", "")])
    assert "<code>tea [1]</code>" in html


def test_characters_that_mark_our_own_elements_cannot_come_from_outside() -> None:
    html = answer_html("\ue0001\ue002 \ue0010\ue002", labels=LABELS)
    assert "<button" not in html
    assert "�" in html


def test_a_passage_is_marked_in_its_surroundings_and_nothing_of_it_is_markup() -> None:
    text = "Before <b>it</b>. The <i>quoted</i> words. After."
    start = text.index("The")
    html = passage_html(text, start, start + len("The <i>quoted</i> words."))
    assert "Before &lt;b&gt;it&lt;/b&gt;. <mark>The &lt;i&gt;quoted&lt;/i&gt; words.</mark> After." in html


def test_a_quote_over_two_paragraphs_is_marked_in_both() -> None:
    text = "One two.\n\nThree four."
    html = passage_html(text, 4, len(text) - 6)
    assert html == "<p>One <mark>two.</mark></p><p><mark>Three</mark> four.</p>"


def test_wrapped_lines_are_joined_and_short_ones_stay_lines() -> None:
    text = "The landing fee is eleven pounds for an adult\nand four pounds for a child, no members.\nIsle 60\nCalf 0"
    html = passage_html(text, text.index("Isle"), len(text))
    assert "an adult and four pounds" in html
    assert "<mark>Isle 60<br>Calf 0</mark>" in html


def test_long_surroundings_are_cut_at_words_and_say_so() -> None:
    text = "alpha " * 200 + "QUOTE" + " omega" * 200
    start = text.index("QUOTE")
    html = passage_html(text, start, start + 5, around=20)
    assert html.startswith("<p>… alpha")
    assert html.endswith("omega …</p>")


@given(st.text(max_size=200), st.integers(0, 200), st.integers(0, 200))
def test_a_passage_never_holds_other_elements(text: str, start: int, length: int) -> None:
    html = passage_html(text, start, start + length, around=30)
    assert set(re.findall(r"</?([a-zA-Z]\w*)", html)) <= {"p", "mark", "br"}
    assert html.count("<mark>") == html.count("</mark>")
