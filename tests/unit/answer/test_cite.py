from __future__ import annotations

from citewise.answer.cite import Native, best_span, cite
from citewise.answer.markers import MarkerFilter, normal_markers, without_markers
from citewise.protocols import Source
from tests.unit.answer.builders import hit, no_page, sources

PRESS = "The press weighs 900 kg. It was built in Bern in 1931. Oil the bed every week."
REFUND = "Refunds are paid within 14 days. Write to the office first."


def test_a_citation_quotes_the_words_that_the_sentence_rests_on() -> None:
    cited = cite("It was built in 1931. [1]", sources(PRESS), [], page_of=no_page)
    (citation,) = cited.citations
    assert citation.quote == "It was built in Bern in 1931."
    assert (citation.start, citation.end) == (125, 154)  # the chunk begins at 100
    assert PRESS[citation.start - 100 : citation.end - 100] == citation.quote


def test_the_page_is_that_of_the_quoted_words() -> None:
    asked: list[tuple[str, int, int]] = []

    def page_of(document_id: str, version: int, position: int) -> int:
        asked.append((document_id, version, position))
        return 7

    cited = cite("Built in 1931. [1]", sources(PRESS), [], page_of=page_of)
    assert cited.citations[0].page == 7
    assert asked == [("document-1", 1, 125)]


def test_numbers_follow_the_order_of_first_use() -> None:
    text = "Refunds take 14 days. [2] The press weighs 900 kg. [1] Refunds are paid in 14 days. [2]"
    cited = cite(text, sources(PRESS, REFUND), [], page_of=no_page)
    assert cited.text == "Refunds take 14 days. [1] The press weighs 900 kg. [2] Refunds are paid in 14 days. [1]"
    assert [citation.document_id for citation in cited.citations] == ["document-2", "document-1"]


def test_other_words_of_the_same_source_get_a_number_of_their_own() -> None:
    cited = cite("It weighs 900 kg [1]. It was built in Bern [1].", sources(PRESS), [], page_of=no_page)
    assert cited.text == "It weighs 900 kg [1]. It was built in Bern [2]."
    assert [citation.quote for citation in cited.citations] == [
        "The press weighs 900 kg.",
        "It was built in Bern in 1931.",
    ]


def test_each_part_of_a_sentence_is_cited_for_itself() -> None:
    text = "The press weighs 900 kg [1] and refunds are paid within 14 days [2]."
    cited = cite(text, sources(PRESS, REFUND), [], page_of=no_page)
    assert [citation.quote for citation in cited.citations] == [
        "The press weighs 900 kg.",
        "Refunds are paid within 14 days.",
    ]
    assert cited.evidence[0].citations == (1, 2)


def test_a_claim_from_two_sentences_quotes_both() -> None:
    start, end = best_span(PRESS, "The press, 900 kg heavy, was built in Bern in 1931")
    assert PRESS[start:end] == "The press weighs 900 kg. It was built in Bern in 1931."


def test_without_a_shared_word_the_whole_passage_is_quoted() -> None:
    start, end = best_span(PRESS, "Sie ist schwer")
    assert PRESS[start:end] == PRESS


def test_native_citations_get_a_marker_where_they_stand() -> None:
    text = "The press is heavy. Write first."
    cited = cite(text, sources(PRESS, REFUND), [Native(19, 1, 0, 24), Native(32, 2, 33, 59)], page_of=no_page)
    assert cited.text == "The press is heavy. [1] Write first. [2]"
    assert [citation.quote for citation in cited.citations] == [PRESS[:24], REFUND[33:59]]
    assert [evidence.citations for evidence in cited.evidence] == [(1,), (2,)]


def test_several_native_citations_of_one_place_stand_side_by_side() -> None:
    cited = cite("Heavy.", sources(PRESS, REFUND), [Native(6, 1, 0, 24), Native(6, 2, 0, 32)], page_of=no_page)
    assert cited.text == "Heavy. [1][2]"


def test_a_marker_of_an_unknown_source_is_taken_out() -> None:
    cited = cite("Heavy [7].", sources(PRESS), [], page_of=no_page)
    assert (cited.text, cited.citations) == ("Heavy.", ())


def test_evidence_spans_hold_the_sentence_and_its_markers() -> None:
    cited = cite("It weighs 900 kg. [1] Nobody knows.", sources(PRESS), [], page_of=no_page)
    first, second = cited.evidence
    assert cited.text[first.start : first.end] == "It weighs 900 kg. [1]"
    assert (first.sentence, first.citations) == ("It weighs 900 kg.", (1,))
    assert (second.sentence, second.citations, second.verdict) == ("Nobody knows.", (), "not_checked")


def test_a_snapshot_names_where_it_was_taken() -> None:
    source = Source(1, hit(PRESS, title="Manual", document="manual", headings=("Care",)))
    (citation,) = cite("It weighs 900 kg. [1]", [source], [], page_of=no_page).citations
    assert (citation.title, citation.source, citation.content_hash) == ("Manual", "manual.md", "hash-manual")
    assert (citation.headings, citation.chunk_id, citation.version) == (("Care",), "chunk-1", 1)


def test_an_empty_answer_has_no_evidence() -> None:
    cited = cite("", sources(PRESS), [], page_of=no_page)
    assert (cited.text, cited.evidence, cited.citations) == ("", (), ())


def filtered(text: str) -> tuple[str, int]:
    markers = MarkerFilter({1, 2, 3})
    return markers.feed(text) + markers.flush(), markers.dropped


def test_every_way_of_writing_markers_becomes_one() -> None:
    for written in (
        "[1, 2]",
        "[1][2]",
        "【1】[2]",
        "［1］［2］",
        "[Source 1, 2]",
        "[1; 2]",
        "[1-2]",
        "[^1][2]",
        "[1 2]",
    ):
        assert filtered(f"A {written}.") == ("A [1][2].", 0), written


def test_unknown_numbers_are_dropped_with_their_blank_and_counted() -> None:
    assert filtered("A [9]. B [1, 12]. C [0].") == ("A. B [1]. C.", 3)


def test_code_indexes_and_years_are_left_alone() -> None:
    text = "`x [1]` and a[1], row_of[2], in [2020]\n```\nb [3]\n```\n"
    assert filtered(text) == (text, 0)
    assert normal_markers(text) == []


def test_a_word_before_a_marker_needs_no_blank() -> None:
    assert filtered("in Bern[1].") == ("in Bern[1].", 0)
    assert without_markers("in Bern[1].") == "in Bern."


def test_a_lone_backtick_does_not_hide_the_markers_of_the_next_line() -> None:
    assert filtered("a ` b\nc [9]") == ("a ` b\nc", 1)


def test_an_unfinished_marker_is_held_back() -> None:
    markers = MarkerFilter({1})
    assert markers.feed("Heavy [") == "Heavy"
    assert markers.feed("1") == ""
    assert markers.feed("]. Then") == " [1]. Then"
