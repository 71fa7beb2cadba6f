from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from citewise.answer.verify import verify
from citewise.types import Vectors

QUOTE = "The Bern press weighs 900 kg and was built by Otto Keller in 1931."


@pytest.mark.parametrize(
    ("sentence", "verdict"),
    [
        ("The Bern press weighs 900 kg and was built by Otto Keller in 1931.", "supported"),
        ("The press weighs 900 kg.", "supported"),
        ("Built in 1931, the press weighs 900 kg.", "supported"),
        ("Otto Keller built the press.", "supported"),
        ("The press weighs 950 kg.", "unsupported"),
        ("The press was built in 1932.", "unsupported"),
        ("The press weighs 900 kg and was built in 1932.", "partial"),
        ("The press does not weigh 900 kg.", "unsupported"),
        ("The press was built by Anna Weber.", "unsupported"),
        ("Museums in many countries collect such machines.", "unsupported"),
        ("The press, a marvel for visitors and children, weighs 900 kg.", "partial"),
    ],
)
def test_a_sentence_may_say_no_more_than_its_quote(sentence: str, verdict: str) -> None:
    assert verify(sentence, [QUOTE])[0] == verdict


@pytest.mark.parametrize(
    ("sentence", "verdict"),
    [
        ("The press is heavy.", "unsupported"),
        ("Built in 1931, the press weighs 900 kg.", "unsupported"),
        ("Here is what the handbook says.", "not_checked"),
        ("What does the press weigh?", "not_checked"),
        ("The press weighs:", "not_checked"),
        ("## The history of the Bern press", "not_checked"),
        ("The documents do not say who built the press.", "not_checked"),
    ],
)
def test_a_statement_without_a_citation_is_flagged_and_other_talk_is_not(sentence: str, verdict: str) -> None:
    assert verify(sentence, [])[0] == verdict


def test_what_says_nothing_is_not_checked() -> None:
    assert verify("It is what it is.", [QUOTE])[0] == "not_checked"


def test_another_script_is_not_checked() -> None:
    assert verify("印刷机很重", [QUOTE])[0] == "not_checked"


def test_a_denial_that_is_quoted_is_supported() -> None:
    assert verify("The press is not for sale.", ["The press is not for sale."])[0] == "supported"
    assert verify("Sale of the press is not possible.", ["The sale of the press isn't possible now."])[0] == "supported"
    assert verify("The press is for sale.", ["The press is not for sale."])[0] == "unsupported"


def test_several_quotes_are_read_together() -> None:
    sentence = "The press weighs 900 kg and refunds take 14 days."
    assert verify(sentence, [QUOTE])[0] == "partial"
    assert verify(sentence, [QUOTE, "Refunds take 14 days."])[0] == "supported"


def test_the_reason_names_what_is_missing() -> None:
    assert "950" in verify("The press weighs 950 kg.", [QUOTE])[1]
    assert "Anna Weber" in verify("It was built by Anna Weber in 1931.", [QUOTE])[1]


def test_line_breaks_and_reference_numbers_do_not_stand_between_a_quote_and_its_sentence() -> None:
    assert verify("Anvils are heavy things.", ["Anvils are\nheavy [12] things."]) == (
        "supported",
        "quoted word for word",
    )


@pytest.mark.parametrize(
    ("sentence", "quote", "words"),
    [
        ("The firm was founded in 1950.", "The firm was founded in 1931 and moved to Bern in 1950.", "1931"),
        ("The shop is open.", "The shop is closed.", "closed"),
        ("All wells were dry.", "Some wells were dry.", "Some"),
        ("Only members may swim.", "Members may swim, and so may guests.", "Only"),
        ("The supplier paid the customer.", "The customer paid the supplier.", "“supplier” and “customer” play"),
        ("The press is for sale.", "It is not true that the press is for sale.", "denies"),
        ("Rust runs the scheduler.", "Go runs the scheduler, and Rust runs the parser.", "Go"),
    ],
)
def test_the_reason_names_the_rule_that_decided(sentence: str, quote: str, words: str) -> None:
    verdict, reason = verify(sentence, [quote])
    assert (verdict, words in reason) == ("unsupported", True), reason


def test_a_figure_at_the_end_of_a_quoted_sentence_is_whole() -> None:
    quote = "The press was built in 1931. Sales rose by 12 percent."
    assert verify("The press was built in 1931.", [quote]) == ("supported", "quoted word for word")
    assert verify("Sales rose by 12.", [quote])[0] == "unsupported"


def test_a_list_number_is_no_figure() -> None:
    assert verify("3. The press weighs 900 kg.", [QUOTE])[0] == "supported"


def test_another_language_is_not_checked_but_its_figures_are() -> None:
    german = "Die Presse von Bern ist sehr schwer und wurde im Jahr 1931 von einer Firma gebaut."
    assert verify("It is one of the heaviest machines that was ever made in the town.", [german])[0] == "not_checked"
    assert verify("It is the machine that was made there in 1932.", [german])[0] == "unsupported"


def test_meaning_counts_where_it_can_be_compared() -> None:
    def near(texts: Sequence[str]) -> Vectors:
        return np.ones((len(texts), 1), dtype=np.float32)

    def far(texts: Sequence[str]) -> Vectors:
        return np.eye(len(texts), dtype=np.float32)

    quote = ["The firm bought the old mill."]
    assert verify("The company purchased the mill.", quote)[0] == "unsupported"
    assert verify("The company purchased the mill.", quote, embed=near)[0] == "supported"
    assert verify("The company purchased an engine.", quote, embed=far)[0] == "unsupported"


LONG = (
    "Corrosion Technology | Guide | silica fume in the cement does not set in cold water, as builders know who wait "
    "for spring, while the mixture of sand, gravel, ash and slag that is sold in every second town along the coast, "
    "and that a stranger may take for mortar, is ready at once, keeps for a year in a dry shed, and is what a guide "
    "of this kind recommends to whoever builds a wall, a path or a quay with little money and much time"
)


@pytest.mark.parametrize(
    ("sentence", "quote"),
    [
        ("Silica fume is added to the cement in cold water.", LONG),
        (
            "Visitors pay in every country that signed, even if their own country did not sign the treaty.",
            "Visitors pay in every country that signed the treaty. Their own country signs or does not.",
        ),
    ],
)
def test_a_denial_of_something_else_is_no_contradiction(sentence: str, quote: str) -> None:
    assert "denies" not in verify(sentence, [quote])[1]


def test_a_denial_at_the_end_of_a_line_reaches_the_next_one() -> None:
    quote = "Whatever they offer, the press of Bern is\nnot for\nsale."
    verdict, reason = verify("The press of Bern is for sale.", [quote])
    assert (verdict, "denies" in reason) == ("unsupported", True)
