from __future__ import annotations

import pytest

from citewise.embed.vocabulary import familiarity


def tokens(text: str, cuts: str, unknown: str = "") -> list[tuple[str, int, int]]:
    """Tokens of ``text`` as ``cuts`` writes them, between bars."""
    found, at = [], 0
    for piece in cuts.split("|"):
        start = text.index(piece, at)
        at = start + len(piece)
        found.append(("[UNK]" if piece == unknown else piece, start, at))
    return found


@pytest.mark.parametrize(
    ("text", "cuts", "unknown", "expected"),
    [
        ("where is the pump?", "where|is|the|pump|?", "", 1.0),
        ("wo ist sie", "w|o|i|s|t|s|i|e", "", 0.0),
        ("泵在哪里", "泵|在|哪|里", "", 1.0),  # a model that knows Chinese has a token for each character too
        ("泵在 哪里", "泵在|哪|里", "泵在", 0.0),
        ("泵在哪里呢", "泵|在|哪|里|呢", "泵", 0.6),
        ("หอไอเฟล", "หอไอเฟล", "หอไอเฟล", 0.0),
        ("???", "?|?|?", "", 1.0),
    ],
)
def test_words_are_known_that_are_neither_spelt_nor_unknown(
    text: str, cuts: str, unknown: str, expected: float
) -> None:
    assert familiarity(text, tokens(text, cuts, unknown)) == pytest.approx(expected)


def test_the_more_letters_a_token_has_the_better_it_is_known() -> None:
    spelt = [
        familiarity("ab" * 6, tokens("ab" * 6, cuts))
        for cuts in ("ab|" * 5 + "ab", "aba|bab|aba|bab", "a|b|" * 5 + "a|b")
    ]
    assert spelt == [1.0, 1.0, 0.0]
    assert 0 < familiarity("abab a", tokens("abab a", "ab|a|b|a")) < 1
