from __future__ import annotations

import pytest

from citewise.answer.sentences import sentence_spans


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. J. Smith came. He left.", ["Dr. J. Smith came.", "He left."]),
        ("It costs 3.5 million. Cheap!", ["It costs 3.5 million.", "Cheap!"]),
        ("See Fig. 3 and No. 5. Done.", ["See Fig. 3 and No. 5.", "Done."]),
        ("He moved to the U.S. in 1999. Why?", ["He moved to the U.S. in 1999.", "Why?"]),
        ("It opens at 9 a.m. Bring a key.", ["It opens at 9 a.m.", "Bring a key."]),
        ("Use a tool, e.g. a saw. Go.", ["Use a tool, e.g. a saw.", "Go."]),
        ("He works at Acme Inc. The end.", ["He works at Acme Inc.", "The end."]),
        ('"Really?" she asked. Yes.', ['"Really?" she asked.', "Yes."]),
        ('He said "no." Then he left.', ['He said "no."', "Then he left."]),
        ("これは文です。次の文。", ["これは文です。", "次の文。"]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_prose_is_cut_where_sentences_end(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize(
    "text",
    ["It is heavy. [1] It is old. [2][3]", "It is heavy.[1] It is old.[2][3]", "It is heavy [1]. It is old [2][3]."],
)
def test_markers_belong_to_the_sentence_before_them(text: str) -> None:
    first, second = sentences(text)
    assert "[1]" in first
    assert "[2][3]" in second


def test_a_marker_on_a_line_of_its_own_belongs_to_what_stands_above() -> None:
    assert sentences("It is heavy.\n\n[1]\n\nNext.") == ["It is heavy.\n\n[1]", "Next."]


def test_a_line_broken_by_the_page_does_not_end_a_sentence() -> None:
    text = "The warranty covers every part of the press\nexcept the belt, which wears. Call us."
    assert sentences(text) == ["The warranty covers every part of the press\nexcept the belt, which wears.", "Call us."]


def test_headings_bullets_and_rows_are_sentences_of_their_own() -> None:
    text = "# Care\nOil it weekly.\n- Clean the bed\n- Check the belt. Twice.\nPart | Hours\nBelt | 2. 5"
    assert sentences(text) == [
        "# Care",
        "Oil it weekly.",
        "- Clean the bed",
        "- Check the belt.",
        "Twice.",
        "Part | Hours",
        "Belt | 2. 5",
    ]


def test_a_short_line_above_prose_is_a_heading() -> None:
    text = "Opening hours\nThe museum is open from nine to five on every day but Monday."
    assert sentences(text)[0] == "Opening hours"


def test_list_numbers_are_no_sentences() -> None:
    assert sentences("1. Open it.\n2. Close it.") == ["1. Open it.", "2. Close it."]


def test_lines_of_json_are_each_a_sentence() -> None:
    text = '[\n  {\n    "name": "Quist",\n    "note": "He sleeps. In berth 117."\n  },\n  {"name": "Hand"}\n]\n'
    found = [text[start:end] for start, end in sentence_spans(text)]
    assert '"name": "Quist",' in found
    assert not any("Quist" in one and "berth" in one for one in found)
