from __future__ import annotations

import pytest

from citewise.answer.extractive import ExtractiveModel
from tests.fakes import HashEmbedder
from tests.unit.answer.builders import sources

TEXT = (
    "The ferry to Sula leaves Port Ennis at 09:30 on weekdays. Dogs are allowed on the open deck. "
    "Bicycles must be booked two days ahead. The fare rose to 19 pounds in 2023."
)


def likely(question: str) -> float:
    return ExtractiveModel(HashEmbedder()).choose(question, sources(TEXT)).probability


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("When does the ferry to Sula leave Port Ennis?", "When does the ferry to Sula leave Port Trewlin?"),
        ("Are dogs allowed on the open deck?", "Are dogs allowed on the closed deck?"),
        ("Where are dogs allowed on deck?", "Where are dogs not allowed on deck?"),
        ("Did the fare rise in 2023?", "Did the fare rise in 1987?"),
    ],
)
def test_a_question_that_turns_one_word_round_is_less_likely_answered(right: str, wrong: str) -> None:
    assert likely(wrong) < likely(right)


def test_nothing_to_quote_is_no_answer() -> None:
    choice = ExtractiveModel(HashEmbedder()).choose("Who built it?", sources("# Heading"))
    assert not choice.answers
    assert choice.reason
