"""The dates of a text, as exact as they are written: a day, a month, a year, a decade, a century."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from citewise.language.terms import fold
from citewise.language.units import MONTHS, ORDINALS


@dataclass(frozen=True, slots=True)
class Date:
    """A date; what is not said is ``None``."""

    year: int | None = None  # the first one of a decade or a century
    month: int | None = None
    day: int | None = None
    years: int = 1  # how many, from ``year`` on

    def range(self) -> tuple[int, int]:
        """First and last day, as numbers that only order; only for one with a year."""
        year = self.year or 0
        last = year + self.years - 1
        return (
            _order(year, self.month or 1, self.day or 1),
            _order(last, self.month or 12, self.day or 31),
        )


def _order(year: int, month: int, day: int) -> int:
    return (year * 12 + month) * 31 + day


_NAMES = "|".join(sorted(MONTHS, key=len, reverse=True))
_MONTH = r"(?P<month>[^\W\d_]{3,10})\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|\.)?"
_YEAR = r"(?P<year>1\d{3}|20\d{2})(?![\d.,]*\d)"
_OF = r"(?:\s+(?:of|de|del))?"
_ORDINAL_WORDS = "|".join(sorted(ORDINALS, key=len, reverse=True))
_CENTURY = r"(?:century|centuries|jahrhunderts?|jh\.?|siecle)"
_ROMAN = {"i": 1, "v": 5, "x": 10}

_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<!\d)(?P<year>[12]\d{3})-(?P<number>\d{2})-(?P<day>\d{2})(?!\d)",
        r"(?<![\d.])(?P<first>\d{1,2})[./](?P<second>\d{1,2})[./](?P<year>[12]\d{3})(?!\d)",
        rf"\b{_DAY}{_OF}\s+{_MONTH}{_OF},?\s+{_YEAR}",
        rf"\b{_MONTH}\s+{_DAY},?\s+{_YEAR}",
        rf"\b{_MONTH}{_OF},?\s+{_YEAR}",
        rf"\b{_DAY}{_OF}\s+{_MONTH}(?![^\W_])",
        rf"\b{_MONTH}\s+{_DAY}(?![\w%]|[.,]\d)",
        r"(?<![\d.,])(?P<decade>1\d|20)(?P<tens>\d)0(?:['’]?s|er)\b",
        rf"\b(?P<century>\d{{1,2}})(?:st|nd|rd|th|\.|e|eme)?\s+{_CENTURY}\b",
        rf"\b(?P<ordinal>{_ORDINAL_WORDS})[\s-]+{_CENTURY}\b",
        r"\b(?:siglo\s+(?P<roman>[ivx]+)|(?P<roman2>[ivx]+)e\s+siecle)\b",
        r"(?<![\d.,$€£/-])(?P<year>1[0-9]\d{2}|20\d{2})(?![\d%°€$£]|[.,]\d|\s*(?:%|percent\b))",
        r"\b(?:in|im|en|since|until|by|seit|bis|early|late|mid|of|de|every|each)[\s-]+(?P<lone>[^\W\d_]{4,10})\b",
    )
)
_UNIT_AFTER = re.compile(
    r"[\s\u00a0-]*(?:k?m|cm|mm|k?g|mg|t|ml|l|mb|gb|kb|tb|m²|km²|kwh|kw|mw|w|hz|v|euros?|eur|dollars?|usd|francs?|chf|"
    r"pounds?|yen|meters?|metres?|kilomet(?:er|re)s?|miles?|feet|ft|gram(?:s|m|mes)?|kilos?|kilograms?|tons?|tonnes?|"
    r"lit(?:er|re)s?|gallons?|hectares?|acres?|hours?|minutes?|seconds?|days?|weeks?|months?|years?|stunden|minuten|"
    r"tage|jahre|meter|liter|tonnen|heures|jours|ans|horas|dias|anos|million|billion|thousand)\b",
    re.IGNORECASE,
)


def dates(text: str) -> list[tuple[int, int, tuple[Date, ...]]]:
    """Return ``(start, end, readings)`` of each date, in order; two readings for ``03/04/2024``."""
    folded = _fold_in_place(text)
    found: list[tuple[int, int, tuple[Date, ...]]] = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(folded):
            start, end = match.span()
            if match.groupdict().get("lone"):
                start = match.start("lone")
                if not text[start].isupper():
                    continue
            if any(start < taken_end and taken_start < end for taken_start, taken_end, _ in found):
                continue
            readings = tuple(_readings(match, folded, end))
            if readings:
                found.append((start, end, readings))
    return sorted(found)


def _fold_in_place(text: str) -> str:
    """Without accents and at the same length, so that positions stay."""
    return "".join(folded if len(folded := fold(one)) == 1 else one for one in text) if not text.isascii() else text


def _readings(match: re.Match[str], text: str, end: int) -> Iterator[Date]:
    parts = {name: value for name, value in match.groupdict().items() if value}
    month = MONTHS.get((parts.get("month") or parts.get("lone") or "").lower())
    year = int(parts["year"]) if "year" in parts else None
    day = int(parts["day"]) if "day" in parts else None
    if "first" in parts:
        one, other = int(parts["first"]), int(parts["second"])
        yield from (
            Date(year, number, which) for which, number in {(one, other), (other, one)} if number <= 12 and which <= 31
        )
    elif "number" in parts:
        yield Date(year, int(parts["number"]), day)
    elif "decade" in parts:
        yield Date(int(f"{parts['decade']}{parts['tens']}0"), years=10)
    elif "century" in parts or "ordinal" in parts or "roman" in parts or "roman2" in parts:
        roman = parts.get("roman") or parts.get("roman2")
        number = _roman(roman) if roman else int(parts.get("century") or ORDINALS[parts["ordinal"].lower()])
        yield Date((number - 1) * 100 + 1, years=100)
    elif "month" in parts or "lone" in parts:
        if month and (day is None or 1 <= day <= 31):
            yield Date(year, month, day)
    elif year and not _UNIT_AFTER.match(text, end):
        yield Date(year)


def _roman(text: str) -> int:
    values = [_ROMAN[letter] for letter in text.lower()]
    return sum(-value if value < max(values[index:]) else value for index, value in enumerate(values))


def within(stated: Date, quoted: Date, stated_bound: str, quoted_bound: str) -> bool:
    """Whether a quoted date makes a stated one true: no less exact, and within it."""
    if stated.year is None or quoted.year is None:
        return (
            stated.year is None
            and (stated.month is None or stated.month == quoted.month)
            and (stated.day is None or stated.day == quoted.day)
        )
    low, high = quoted.range()
    low, high = {"less": (0, low - 1), "more": (high + 1, 10**9)}.get(quoted_bound, (low, high))
    first, last = stated.range()
    first, last = {"less": (0, first - 1), "more": (last + 1, 10**9)}.get(stated_bound, (first, last))
    return first <= low and high <= last
