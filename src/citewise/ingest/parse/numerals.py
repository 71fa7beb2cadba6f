"""How the items of numbered lists are numbered."""

from __future__ import annotations

_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl")),
    *((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
_LARGEST_ROMAN = 3_999
_MOST_LETTERS = 10


def letters(number: int) -> str:
    """Return a, b, … z, aa, bb, … for a number from 1 on; others stay digits."""
    if number < 1:
        return str(number)
    times, letter = divmod(number - 1, 26)
    return chr(ord("a") + letter) * min(times + 1, _MOST_LETTERS)


def roman(number: int) -> str:
    """Return i, ii, iii, iv, … for a number from 1 to 3,999; others stay digits."""
    if not 0 < number <= _LARGEST_ROMAN:
        return str(number)
    written = ""
    for value, sign in _ROMAN:
        written += sign * (number // value)
        number %= value
    return written
