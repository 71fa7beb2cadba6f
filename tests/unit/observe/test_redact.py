from __future__ import annotations

import pytest

from citewise.observe.redact import HIDDEN, redact


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("key sk-proj-abcdefghijklmnop1234.", "abcdefghijklmnop1234"),
        ("key sk-ant-api03-abcdefghijklmnop.", "api03-abcdefghijklmnop"),
        ("Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc", "eyJhbGciOiJIUzI1NiJ9"),
        ("proxy wants Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
        ("{'x-api-key': '0123456789abcdef'}", "0123456789abcdef"),
        ("api_key='0123456789abcdef'", "0123456789abcdef"),
    ],
)
def test_whatever_looks_like_a_key_is_hidden(text: str, secret: str) -> None:
    cleaned = redact(text)
    assert HIDDEN in cleaned
    assert secret not in cleaned


def test_configured_secrets_are_hidden_whatever_they_look_like() -> None:
    assert redact("opened with plum-tree-42", secrets=["plum-tree-42"]) == f"opened with {HIDDEN}"


def test_a_secret_that_contains_another_is_hidden_whole() -> None:
    assert redact("abcdefghij", secrets=["abcdef", "abcdefghij"]) == HIDDEN


def test_short_secrets_do_not_blacken_ordinary_text() -> None:
    assert redact("an apple a day", secrets=["a", ""]) == "an apple a day"


@pytest.mark.parametrize("text", ["sk-learn is fine", "The bearer of this letter", "co-operation", "hf_hub", ""])
def test_ordinary_words_stay_readable(text: str) -> None:
    assert redact(text) == text
