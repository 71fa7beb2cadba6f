"""The times of day of a text, in minutes after midnight."""

from __future__ import annotations

import re
from collections.abc import Iterator

_HALF = r"(?P<half{n}>[ap]m\b|[ap]\.\s?m\b\.?)"
_TIMES = re.compile(
    r"(?<![\d:.,])(?P<hour1>[01]?\d|2[0-4]):(?P<minute1>[0-5]\d)(?::[0-5]\d)?(?![\d:])"
    rf"(?:\s?{_HALF.format(n=1)}|\s?(?:Uhr|h)\b)?"
    rf"|(?<![\d:.,])(?P<hour2>1[0-2]|0?\d)\.(?P<minute2>[0-5]\d)\s?{_HALF.format(n=2)}"
    rf"|(?<![\d:.,])(?P<hour3>1[0-2]|0?[1-9])\s?(?:{_HALF.format(n=3)}|(?P<clock>o['’]clock\b))"
    r"|(?<![\d:.,])(?P<hour4>[01]?\d|2[0-4])(?:[.:](?P<minute4>[0-5]\d))?\s?Uhr\b"
    r"|\b(?P<word>noon|midday|midnight)\b",
    re.IGNORECASE,
)
_WORDS = {"noon": 720, "midday": 720, "midnight": 0}
_DAY = 24 * 60


def times(text: str) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Yield ``(start, end, readings)`` of each time of day, in order; two readings for ``6:30`` and ``6 o'clock``."""
    for match in _TIMES.finditer(text):
        yield match.start(), match.end(), _readings(match.groupdict())


def _readings(parts: dict[str, str | None]) -> tuple[int, ...]:
    if word := parts["word"]:
        return (_WORDS[word.lower()],)
    written = next(value for name, value in parts.items() if name.startswith("hour") and value)
    hour = int(written)
    minute = int(next((value for name, value in parts.items() if name.startswith("minute") and value), 0))
    half = next((value for name, value in parts.items() if name.startswith("half") and value), "")
    if half:
        return ((hour % 12 + (12 if half[0] in "pP" else 0)) * 60 + minute,)
    early = hour * 60 + minute
    # Written without a zero before it, it may be a time of the afternoon.
    is_open = 1 <= hour <= 12 and not written.startswith("0") and not parts["hour4"]
    return (early % _DAY, (early + _DAY // 2) % _DAY) if is_open else (early % _DAY,)
