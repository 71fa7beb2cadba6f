from __future__ import annotations

import pytest

from citewise.retrieve.asked import same_question


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How do I reset my password?", "How can I reset my password?"),
        ("What are the symptoms of throat cancer?", "Which symptoms does throat cancer have?"),
        ("How much did Acme earn in 2022?", "What were the earnings of Acme in 2022?"),
        ("When was the treaty signed?", "On which date was the treaty signed?"),
    ],
)
def test_paraphrases_are_the_same_question(one: str, other: str) -> None:
    assert same_question(one, other)
    assert same_question(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What was the revenue in 2022?", "What was the revenue in 2023?"),
        ("What is the warranty period of the X200 pump?", "How long is the warranty of the X300 pump?"),
        ("How many employees work in Berlin?", "How many employees does Munich have?"),
        ("Is smoking allowed here?", "Is smoking not allowed here?"),
        ("What is the maximum load of the crane?", "How much is the minimum load of the crane?"),
        ("Who signed the contract?", "When was the contract signed?"),
        ("What is the price of a single room?", "What is the price of a double room?"),
        ("What is the notice period?", "What is the notice period for tenants?"),
    ],
)
def test_what_vectors_blur_makes_another_question(one: str, other: str) -> None:
    assert not same_question(one, other)
    assert not same_question(other, one)
