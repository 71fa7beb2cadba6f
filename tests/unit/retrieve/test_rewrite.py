from __future__ import annotations

import pytest

from citewise.retrieve.rewrite import standalone
from citewise.types import Message

PUMP = "What is the warranty period of the X200 pump?"


def history(*questions: str) -> list[Message]:
    return [
        message
        for question in questions
        for message in (Message("user", question), Message("assistant", "The Z900 valve is blue [1]."))
    ]


@pytest.mark.parametrize(
    ("before", "question", "expected"),
    [
        ([PUMP], "and for the X300?", "What is the warranty period of the X300 pump?"),
        ([PUMP], "How do I clean it?", "How do I clean X200 pump?"),
        ([PUMP], "What about its filter?", "What about X200 pump's filter?"),
        ([PUMP], "Does this pump leak?", "Does this pump leak? (X200 pump)"),
        ([PUMP], "How much?", "How much? (X200 pump)"),
        ([PUMP], "And in winter?", "What is the warranty period of the X200 pump in winter?"),
        (["What was the revenue of Acme in 2022?"], "and in 2023?", "What was the revenue of Acme in 2023?"),
        (["How many shops are there in France?"], "What about Germany?", "How many shops are there in Germany?"),
        (["What is throat cancer?"], "Is it treatable?", "Is throat cancer treatable?"),
        (
            ["What is throat cancer?", "Is it treatable?"],
            "What are its symptoms?",
            "What are throat cancer's symptoms?",
        ),
        (["What is throat cancer?", "Tell me about lung cancer."], "Can it spread?", "Can lung cancer spread?"),
    ],
)
def test_a_follow_up_takes_over_what_it_leaves_out(before: list[str], question: str, expected: str) -> None:
    assert standalone(question, history(*before)) == expected


@pytest.mark.parametrize(
    "question",
    [
        "Who founded the Acme company?",
        "How long does it take to replace the filter bag?",
        "Is it possible to mount the Y100 valve upside down?",
        "What is ketosis?",
        "How do I book the bothy?",
        "What is the warranty period of the X200 pump?",
    ],
)
def test_a_question_that_stands_alone_stays_as_it_is(question: str) -> None:
    assert standalone(question, history(PUMP)) == question


@pytest.mark.parametrize("question", ["How do I clean it?", "and in 2023?", "", "???"])
def test_without_history_nothing_changes(question: str) -> None:
    assert standalone(question, []) == question


def test_answers_of_the_assistant_are_not_taken_over() -> None:
    assert "Z900" not in standalone("How do I clean it?", history(PUMP))


@pytest.mark.parametrize("question", ["", "???", "it", "and", "what about", "that", "x" * 8_000, "it " * 2_000])
def test_odd_questions_are_survived(question: str) -> None:
    assert isinstance(standalone(question, history(PUMP, "???", "")), str)
