from __future__ import annotations

from dataclasses import replace

import pytest

from citewise.answer.arrange import shown
from citewise.answer.choose import choose
from citewise.answer.extractive import ExtractiveModel
from citewise.answer.quotable import candidates
from citewise.language.question import Kind, has_answer_of_kind, read_question
from citewise.protocols import Finished, Quoted, Source, TextDelta
from tests.fakes import HashEmbedder
from tests.unit.answer.builders import hit, sources

PRESS = (
    "The Bern press was built by Otto Keller in 1931. It weighs 900 kg and stands\nin the cellar [12]. "
    "Oil the bed of the press every week with thin oil."
)
REFUND = "Refunds are paid within 14 days of the return. Write to the office in Bern before you send anything back."


def test_it_quotes_the_sentence_that_answers_word_for_word() -> None:
    sent = sources(PRESS, REFUND)
    events = list(ExtractiveModel(HashEmbedder()).stream("Who built the Bern press?", sent))
    texts = [event.text.strip() for event in events if isinstance(event, TextDelta)]
    quotes = [event for event in events if isinstance(event, Quoted)]
    assert "The Bern press was built by Otto Keller in 1931." in texts
    assert len(texts) == len(quotes)
    for text, quote in zip(texts, quotes, strict=True):
        verbatim = sent[quote.marker - 1].hit.chunk.text[quote.start : quote.end]
        assert shown(verbatim) == text
    assert isinstance(events[-1], Finished)
    assert events[-1].stop == "complete"


def test_each_quote_follows_its_words_at_once() -> None:
    events = list(ExtractiveModel(HashEmbedder()).stream("Who built the Bern press?", sources(PRESS, REFUND)))
    kinds = [type(event) for event in events[:-1]]
    assert kinds == [TextDelta, Quoted] * (len(kinds) // 2)


@pytest.mark.parametrize(
    "question", ["What is the capital of Peru?", "When did Napoleon marry Josephine?", "???", "the"]
)
def test_it_says_nothing_when_nothing_fits(question: str) -> None:
    (event,) = ExtractiveModel(HashEmbedder()).stream(question, sources(PRESS, REFUND))
    assert isinstance(event, Finished)
    assert (event.stop, bool(event.reason)) == ("abstained", True)


def test_a_search_by_words_alone_can_be_answered_too() -> None:
    sent = [Source(1, hit(PRESS))]
    plain = [Source(1, replace(hit(PRESS), scores={"keyword": 4.2}))]
    question = "Who built the Bern press?"
    model = ExtractiveModel(HashEmbedder())
    assert [type(event) for event in model.stream(question, plain)] == [
        type(event) for event in model.stream(question, sent)
    ]


def test_a_stop_ends_it() -> None:
    stream = ExtractiveModel(HashEmbedder()).stream("Who built the press?", sources(PRESS), cancelled=lambda: True)
    assert list(stream) == []


def test_line_breaks_reference_numbers_and_bullets_are_not_shown() -> None:
    assert shown("- It weighs 900 kg and stands\nin the cellar [12].") == "It weighs 900 kg and stands in the cellar."


def test_backticks_that_nothing_closes_are_shown_as_quotation_marks() -> None:
    assert shown("The `` season '' is a factor.") == "The \u2018\u2018 season '' is a factor."
    assert shown("Run `make` twice.") == "Run `make` twice."


def test_overlapping_chunks_offer_each_sentence_once() -> None:
    first = hit("Alpha beta gamma delta. The press weighs 900 kg today.", rank=1, document="d", start=0)
    second = hit("The press weighs 900 kg today. Oil it every single week.", rank=2, document="d", start=24)
    found = candidates([Source(1, first), Source(2, second)])
    assert [candidate.text for candidate in found].count("The press weighs 900 kg today.") == 1


def test_headings_are_not_quoted() -> None:
    found = candidates(sources("# Care of the old press\n\nOil the bed every week."))
    assert [candidate.text for candidate in found] == ["Oil the bed every week."]


@pytest.mark.parametrize(
    "text",
    [
        "Volunteer Agreement 2024",
        "The wreck of the old barque",
        "What the Trust is for . . . . . . 4",
        "1000 2000 3000 4000 chicks 2018 2019 2020 2021 2022",
    ],
)
def test_what_says_nothing_by_itself_is_not_quoted(text: str) -> None:
    sent = [Source(1, hit(text, headings=("Volunteer Agreement 2024",)))]
    assert candidates(sent) == []


@pytest.mark.parametrize("text", ["Belt | 2 hours | yearly", "- Oil: 2 litres", "Yes, they may."])
def test_rows_items_and_short_sentences_are_quoted(text: str) -> None:
    assert [candidate.text for candidate in candidates(sources(text))] == [text]


def test_a_year_that_stands_nowhere_is_not_answered_with_another() -> None:
    text = "In 2023 the isles had 4,377 day visitors, the most since day visitors were counted."
    model = ExtractiveModel(HashEmbedder())
    ends = [
        list(model.stream(f"How many day visitors had the isles in {year}?", sources(text)))[-1]
        for year in (2023, 1995)
    ]
    assert [end.stop for end in ends if isinstance(end, Finished)] == ["complete", "abstained"]


def test_near_repeats_are_quoted_once() -> None:
    repeated = "Refunds are paid within 14 days of the return."
    found = candidates(sources(repeated, repeated + " ", "The office is closed on every Monday."))
    assert len(choose(read_question("When?"), found, [1.0] * len(found))) == 2


def test_far_worse_sentences_are_not_added() -> None:
    found = candidates(sources("One thing is here now.", "Another matter stands there.", "A third fact lies below."))
    assert choose(read_question("What is here?"), found, [5.0, 4.9, 1.0]) == [0, 1]


def test_each_of_two_things_that_are_asked_about_gets_a_sentence() -> None:
    texts = ("The Bern press weighs 900 kg.", "Paper for the Bern press is kept dry.", "In Lund a press weighs 700 kg.")
    found = candidates(sources(*texts))
    assert choose(read_question("What do the presses in Bern and Lund weigh?"), found, [5.0, 4.0, 1.0]) == [0, 1, 2]


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Who built it?", "who"),
        ("When was it built?", "when"),
        ("In which year did it open?", "when"),
        ("Where is it kept?", "where"),
        ("How many days do refunds take?", "amount"),
        ("How long does it last?", "span_of_time"),
        ("What is the maximum weight?", "amount"),
        ("Why is it oiled?", "other"),
    ],
)
def test_the_kind_of_a_question_is_read_off_its_words(question: str, kind: str) -> None:
    assert read_question(question).kind == kind


@pytest.mark.parametrize(
    ("kind", "fits", "does_not"),
    [
        ("when", "It opened in 1931.", "It opened early."),
        ("span_of_time", "It takes 14 days.", "It takes patience."),
        ("amount", "It weighs 900 kg.", "It is heavy."),
        ("who", "The press was built by Otto Keller.", "The press was built by hand."),
        ("where", "It stands in Bern.", "It stands upright."),
    ],
)
def test_sentences_are_known_by_what_they_hold(kind: Kind, fits: str, does_not: str) -> None:
    question = read_question("irrelevant words")
    assert has_answer_of_kind(kind, fits, question)
    assert not has_answer_of_kind(kind, does_not, question)


def test_a_number_of_the_question_is_no_answer_to_it() -> None:
    question = read_question("How many presses were built in 1931?")
    assert not has_answer_of_kind("amount", "Presses were built in 1931.", question)
