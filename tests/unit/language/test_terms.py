from __future__ import annotations

import pytest

from citewise.language.terms import names, negated, number, numbers, overlap, terms


def test_forms_of_a_word_meet() -> None:
    assert len(set(terms("founder founded founds founding"))) == 1
    assert terms("cities") == terms("city")
    assert terms("creation") == terms("created")
    assert terms("Café's") == terms("cafe")


def test_words_that_carry_nothing_are_left_out() -> None:
    assert terms("what is the of and a") == []


@pytest.mark.parametrize(("one", "other"), [("1,200", "1200"), ("3.50", "3.5"), ("five", "5"), ("10mg", "10 mg")])
def test_numbers_have_one_spelling(one: str, other: str) -> None:
    assert terms(one) == terms(other)


def test_neighbouring_numbers_stay_apart() -> None:
    assert numbers("in 2019 300 people") == ["2019", "300"]
    assert number("2019") != number("300")


def test_names_are_found_inside_a_sentence_and_by_their_capitals() -> None:
    assert names("The office in Bern met NASA. The end.") == ["bern", "nasa"]
    assert names("OpenAI said so.") == ["openai"]


def test_writing_without_spaces_is_compared_in_pairs() -> None:
    assert overlap(terms("保修期"), terms("产品的保修期是两年")) == 1.0


@pytest.mark.parametrize("text", ["It is not so.", "It isn't.", "It never was.", "Das ist kein Auto."])
def test_denial_is_recognised(text: str) -> None:
    assert negated(text)


def test_a_knot_denies_nothing() -> None:
    assert not negated("Nothingness and knots: notable notes.")


def test_nothing_wanted_overlaps_nothing() -> None:
    assert overlap([], ["a"]) == 0.0
