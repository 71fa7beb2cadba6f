from __future__ import annotations

import pytest

from citewise.answer.verify import verify

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
