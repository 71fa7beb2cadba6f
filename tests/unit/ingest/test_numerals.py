from __future__ import annotations

import pytest

from citewise.ingest.parse.numerals import letters, roman


@pytest.mark.parametrize(("number", "written"), [(1, "a"), (26, "z"), (27, "aa"), (53, "aaa"), (0, "0")])
def test_letters_double_after_the_last_one(number: int, written: str) -> None:
    assert letters(number) == written


@pytest.mark.parametrize(("number", "written"), [(1, "i"), (4, "iv"), (1994, "mcmxciv"), (4000, "4000"), (0, "0")])
def test_roman_numerals_go_as_far_as_the_romans_went(number: int, written: str) -> None:
    assert roman(number) == written
