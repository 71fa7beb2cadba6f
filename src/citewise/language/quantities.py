"""The figures of a text as values: numbers with their units, amounts of money, shares, dates.

Made for comparing what two texts state, so two spellings of one value meet: ``2.5 million`` and
``2,500,000``, ``half an hour`` and ``30 minutes``, ``July 1, 2024`` and ``2024-07-01``. English,
with the spellings of German, French and Spanish.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from citewise.language import clock, dates
from citewise.language.terms import fold
from citewise.language.units import ORDINALS, SCALES, SHARES, WEEKDAYS, WORDS, units

Bound = Literal["exact", "about", "least", "more", "most", "less"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """One figure of a text."""

    start: int  # characters of the text
    end: int
    written: str
    kind: str  # a kind of ``units``, or count, date, clock, weekday, ordinal
    values: tuple[float, ...] = ()  # in the kind's base unit; several where the spelling can be read in two ways
    factor: float = 1.0  # of the unit that it is written in
    bound: Bound = "exact"
    per: float | None = None  # seconds: of ``5 euros a month``
    days: tuple[dates.Date, ...] = ()  # of a date
    rounded: bool = False  # written as a part of one or with a scale, hence perhaps rounded


_TOKEN = re.compile(
    r"(?P<number>\d{1,3}(?:[ \u00a0\u202f'’]\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)*)"
    r"|(?P<symbol>%|°\s?[CFcf]\b|US\$|[€$£¥₹/~≈½¼¾])"
    r"|(?P<word>[^\W\d_]+[²³]?)"
)
_ARTICLES_WORDS = """
    a an one ein eine einer einem einen un une una
"""
_ARTICLES = frozenset(_ARTICLES_WORDS.split())
_OPEN = frozenset(("least", "more", "most", "less"))
_HALVES = {"½": 0.5, "¼": 0.25, "¾": 0.75}
_AND = frozenset(("and", "und", "et", "y"))
_PER_WORDS = """
    a an per pro par por al je / each every
"""
_PER = frozenset(_PER_WORDS.split())
_BEFORE_UNIT_WORDS = """
    take takes took last lasts lasted for in within after of about than nearly almost over under around half dauert
    dauerte lasts dure dura costs cost is was
"""
_BEFORE_UNIT = frozenset(
    _BEFORE_UNIT_WORDS.split()
)  # "an hour" is a figure after these, and a rate or nothing elsewhere
_BOUNDS: tuple[tuple[Bound, str], ...] = (
    (
        "most",
        r"no more than|not more than|no later than|at most|up to|a maximum of|maximum of|hochstens|maximal|bis zu",
    ),
    ("most", r"au plus|jusqu'a|a lo sumo|como maximo|hasta|maximum"),
    ("least", r"no fewer than|no less than|not less than|at least|a minimum of|minimum of|mindestens|minimum"),
    ("least", r"au moins|al menos|por lo menos|como minimo"),
    ("more", r"more than|greater than|over|above|exceeding|upwards of|mehr als|uber|plus de|mas de"),
    ("less", r"less than|fewer than|under|below|weniger als|unter|moins de|menos de"),
    ("about", r"about|around|roughly|approximately|nearly|almost|circa|ca|etwa|rund|ungefahr|environ|unos|some|~|≈"),
    ("about", r"aproximadamente|just over|just under|close to|an estimated|knapp"),
)
_BOUND_BEFORE = [(bound, re.compile(rf"(?:^|[\s(])(?:{words})[.,]?\s*(?:the|a|an)?\s*$")) for bound, words in _BOUNDS]
_BOUND_AFTER: tuple[tuple[Bound, re.Pattern[str]], ...] = (
    ("least", re.compile(r"^\W*(?:or|oder|ou|o) (?:more|over|longer|older|above|mehr|plus|mas)\b|^\W*at least\b|^\+")),
    ("most", re.compile(r"^\W*(?:or|oder|ou|o) (?:less|fewer|under|younger|weniger|moins|menos)\b|^\W*at most\b")),
)
_MULTIPLE = {"twice": 2.0, "thrice": 3.0}


@lru_cache(maxsize=4_096)
def quantities(text: str) -> tuple[Quantity, ...]:
    """Return the figures of ``text``, in order, without overlaps."""
    found = [
        Quantity(start, end, text[start:end], "date", days=days, bound=_date_bound(text, start))
        for start, end, days in dates.dates(text)
    ]
    found += [
        Quantity(start, end, text[start:end], "clock", tuple(map(float, minutes)))
        for start, end, minutes in clock.times(text)
        if not any(one.start < end and start < one.end for one in found)
    ]
    taken = [(one.start, one.end) for one in found]
    tokens = [
        _Token(match.start(), match.end(), match.group(), match.lastgroup or "", fold(match.group()))
        for match in _TOKEN.finditer(text)
        if not any(start < match.end() and match.start() < end for start, end in taken)
    ]
    at = 0
    while at < len(tokens):
        quantity, after = _read(text, tokens, at)
        if quantity:
            found.append(quantity)
        at = after
    return tuple(sorted(found, key=lambda one: one.start))


@dataclass(frozen=True, slots=True)
class _Token:
    start: int
    end: int
    text: str
    kind: str
    folded: str


def _read(text: str, tokens: Sequence[_Token], at: int) -> tuple[Quantity | None, int]:
    """The figure that begins at a token, if any, and where to go on."""
    token = tokens[at]
    if token.folded in WEEKDAYS and token.text[0].isupper():
        days = float(WEEKDAYS[token.folded])
        return Quantity(token.start, token.end, token.text, "weekday", (days,)), at + 1
    if token.folded in _MULTIPLE:
        return Quantity(token.start, token.end, token.text, "count", (_MULTIPLE[token.folded],)), at + 1
    if ordinal := _ordinal(text, tokens, at):
        return ordinal
    money = _money_before(tokens, at)
    begin = at + 1 if money else at
    values, after, rounded = _cardinal(text, tokens, begin)
    if not values:
        return None, at + 1
    values, after = _and_a_half(tokens, values, after)
    if money and after < len(tokens) and tokens[after].folded == "m":
        values, after, rounded = tuple(value * 1e6 for value in values), after + 1, True
    kind, factor, after = _unit(text, tokens, after)
    if after == begin + 1 and tokens[begin].folded in _ARTICLES:
        return None, at + 1  # an article, no figure
    values, after = _and_a_half(tokens, values, after)
    if kind == "count" and rounded and max(values) < 1:
        kind, factor = "percent", 100.0  # a part of one
    if money:
        kind, factor = money, 1.0
    end = tokens[after - 1].end
    per, after = _per(tokens, after)
    quantity = Quantity(
        token.start,
        end,
        text[token.start : end],
        kind,
        tuple(value * factor for value in values),
        factor=factor,
        bound=_bound(text, token.start, end),
        per=per,
        rounded=rounded,
    )
    return quantity, after


def _ordinal(text: str, tokens: Sequence[_Token], at: int) -> tuple[Quantity, int] | None:
    token = tokens[at]
    following = tokens[at + 1] if at + 1 < len(tokens) else None
    if token.kind == "number" and following and following.start == token.end:
        if following.folded in ("st", "nd", "rd", "th") and token.text.isdigit():
            end = following.end
            return Quantity(token.start, end, text[token.start : end], "ordinal", (float(token.text),)), at + 2
        return None
    if token.folded in ORDINALS and not (at and _is_part(tokens, at)):
        return Quantity(token.start, token.end, token.text, "ordinal", (ORDINALS[token.folded],)), at + 1
    return None


def _is_part(tokens: Sequence[_Token], at: int) -> bool:
    """Whether *third* and the like name a part (``a third of``) and no place in an order."""
    return tokens[at - 1].folded in _ARTICLES and at + 1 < len(tokens) and tokens[at + 1].folded in ("of", "der", "des")


def _money_before(tokens: Sequence[_Token], at: int) -> str | None:
    if at + 1 >= len(tokens) or tokens[at + 1].kind != "number":
        return None
    kind, _ = units().get(tokens[at].folded, ("", 1.0))
    is_code = tokens[at].kind == "symbol" or tokens[at].text.isupper()
    return kind if kind.startswith("money") and is_code else None


def _cardinal(text: str, tokens: Sequence[_Token], at: int) -> tuple[tuple[float, ...], int, bool]:
    """Value (in each reading), the token after it, and whether it may be rounded; no values for no figure."""
    token = tokens[at]
    if [one.folded for one in tokens[at : at + 4]] == ["one", "and", "a", "half"]:
        return (1.5,), at + 4, False
    if token.kind == "number":
        values, after, rounded = _digits(text, tokens, at)
    elif token.text in _HALVES:
        values, after, rounded = (_HALVES[token.text],), at + 1, True
    elif token.folded in WORDS:
        values, after, rounded = _written_out(tokens, at)
    elif _is_share(tokens, at):
        return _of_a_unit(tokens, SHARES[token.folded], at + 1)
    elif token.folded in _ARTICLES and _counts_one(tokens, at):
        values, after, rounded = (1.0,), at + 1, False
    else:
        return (), at + 1, False
    if rounded:
        return values, after, rounded
    while after < len(tokens) and _is_scale(text, tokens, after):
        values, rounded = tuple(value * SCALES[tokens[after].folded] for value in values), True
        after += 1
        rest = after + 1 if after < len(tokens) and tokens[after].folded == "and" else after
        if values[0] % 100 == 0 and rest < len(tokens) and tokens[rest].folded in WORDS and token.kind == "word":
            low, after, _ = _cardinal(text, tokens, rest)
            values, rounded = tuple(value + low[0] for value in values), False
    return values, after, rounded


def _digits(text: str, tokens: Sequence[_Token], at: int) -> tuple[tuple[float, ...], int, bool]:
    """``2``, ``2½``, and ``2/3``, which is a part."""
    token = tokens[at]
    following = [one.text for one in tokens[at + 1 : at + 3]]
    values = _readings(token.text)
    if values and following and following[0] in _HALVES:
        return tuple(value + _HALVES[following[0]] for value in values), at + 2, False
    if following[:1] == ["/"] and text[token.end] == "/" and token.text.isdigit() and following[-1].isdigit():
        one, parts = int(token.text), int(following[-1])
        if 0 < one < parts < 100:
            return (one / parts,), at + 3, True
    return values, at + 1, False


def _written_out(tokens: Sequence[_Token], at: int) -> tuple[tuple[float, ...], int, bool]:
    """``twelve``, ``twenty-five``, and ``two thirds``, which is a part."""
    value, after = WORDS[tokens[at].folded], at + 1
    following = tokens[after].folded if after < len(tokens) else ""
    if value >= 20 and WORDS.get(following, 99) < 10:
        return (value + WORDS[following],), after + 1, False
    if value < 10 and SHARES.get(following, 1) < 0.5:
        return (value * SHARES[following],), after + 1, True
    return (value,), after, False


def _is_share(tokens: Sequence[_Token], at: int) -> bool:
    share = SHARES.get(tokens[at].folded)
    return share == 0.5 or (share is not None and at > 0 and tokens[at - 1].folded in (*_ARTICLES, "the"))


def _counts_one(tokens: Sequence[_Token], at: int) -> bool:
    """Whether an article counts: in ``a million``, ``for an hour``, ``one hour``."""
    following = tokens[at + 1].folded if at + 1 < len(tokens) else ""
    if following in SCALES:
        return True
    before = tokens[at - 1].folded if at else "for"
    is_unit = following in units() and len(following) > 2 and not following.endswith("s")
    return is_unit and (before in _BEFORE_UNIT or tokens[at].folded == "one")


def _is_scale(text: str, tokens: Sequence[_Token], at: int) -> bool:
    token = tokens[at]
    if token.folded not in SCALES:
        return False
    return token.folded != "k" or text[token.start - 1].isdigit()


def _of_a_unit(tokens: Sequence[_Token], share: float, after: int) -> tuple[tuple[float, ...], int, bool]:
    """``half an hour``, ``a quarter of a million``: the article is passed over when a unit follows it."""
    at = after
    if at < len(tokens) and tokens[at].folded in ("of", "de", "d"):
        at += 1
    if at + 1 < len(tokens) and tokens[at].folded in _ARTICLES:
        following = tokens[at + 1].folded
        if following in SCALES:
            return (share * SCALES[following],), at + 2, True
        if following in units():
            return (share,), at + 1, False
    return (share,), after, after >= len(tokens) or tokens[after].folded not in units()


def _and_a_half(tokens: Sequence[_Token], values: tuple[float, ...], after: int) -> tuple[tuple[float, ...], int]:
    rest = [token.folded for token in tokens[after : after + 3]]
    if rest[:1] and rest[0] in _AND:
        if len(rest) > 1 and rest[1] in ("demie", "demi", "media", "medio"):
            return tuple(value + 0.5 * (value and 1) for value in values), after + 2
        if len(rest) > 2 and rest[1] == "a" and rest[2] == "half":
            return tuple(value + 0.5 for value in values), after + 3
    return values, after


def _unit(text: str, tokens: Sequence[_Token], after: int) -> tuple[str, float, int]:
    """Kind and factor of the unit at a token, and the token after it; ``count`` and 1 where there is none."""
    spelling, following = _spelled_unit(text, tokens, after)
    kind, factor = units().get(spelling, ("count", 1.0))
    return kind, factor, following if kind != "count" else after


def _spelled_unit(text: str, tokens: Sequence[_Token], after: int) -> tuple[str, int]:
    if after >= len(tokens):
        return "", after
    token = tokens[after]
    if token.text.endswith(("²", "³")):
        return token.text.casefold(), after + 1
    spelling = token.folded.replace(" ", "")
    if after + 1 < len(tokens):
        following = tokens[after + 1]
        between = text[token.end : following.start]
        if f"{spelling}-{following.folded}" in units() and between in (" ", "-"):
            return f"{spelling}-{following.folded}", after + 2
        if text[token.start : token.start + 4].casefold() == "km/h":
            return "km/h", min(after + 3, len(tokens))
        if spelling == "m" and following.text in ("2", "3") and not between:
            return f"m{following.text}", after + 2
    # One letter is a unit after digits only, and an article or a list's letter elsewhere.
    is_letter = len(spelling) == 1 and token.kind == "word"
    unlikely = is_letter and not text[: token.start].rstrip(" \u00a0\u202f-")[-1:].isdigit()
    return "" if unlikely else spelling, after + 1


def _per(tokens: Sequence[_Token], after: int) -> tuple[float | None, int]:
    if after + 1 < len(tokens) and tokens[after].folded in _PER:
        kind, factor = units().get(tokens[after + 1].folded, ("", 1.0))
        if kind == "time" and (len(tokens[after + 1].folded) > 1 or tokens[after].text == "/"):
            return factor, after + 2
    return None, after


def _readings(written: str) -> tuple[float, ...]:
    """``1.250`` is 1.25 in one country and 1250 in another; ``1,250.5`` is clear."""
    plain = re.sub(r"[ \u00a0\u202f'’]", "", written)
    separators = [character for character in plain if character in ".,"]
    if not separators:
        return (float(plain),)
    decimal = separators[-1] if len(set(separators)) > 1 else None
    if decimal is None and len(separators) > 1:
        parts = re.split(r"[.,]", plain)
        return (float("".join(parts)),) if all(len(part) == 3 for part in parts[1:]) else ()
    if decimal is not None:
        other = "." if decimal == "," else ","
        if plain.count(decimal) > 1:
            return ()
        return (float(plain.replace(other, "").replace(decimal, ".")),)
    whole, _, rest = plain.replace(",", ".").partition(".")
    as_decimal = float(f"{whole}.{rest}")
    if len(rest) == 3 and 1 <= len(whole) <= 3 and whole != "0":
        return (float(whole + rest), as_decimal)
    return (as_decimal,)


def _bound(text: str, start: int, end: int) -> Bound:
    before = " ".join(fold(text[max(0, start - 30) : start]).split()) + " "
    for bound, pattern in _BOUND_BEFORE:
        if pattern.search(before):
            return bound
    after = fold(text[end : end + 20])
    return next((bound for bound, pattern in _BOUND_AFTER if pattern.search(after)), "exact")


def _date_bound(text: str, start: int) -> Bound:
    before = fold(text[max(0, start - 24) : start])
    if re.search(r"\b(?:before|prior to|earlier than|vor|avant|antes de|antes del)\s+(?:the\s+|dem\s+)?$", before):
        return "less"
    if re.search(r"\b(?:after|later than|nach|apres|despues de|despues del)\s+(?:the\s+|dem\s+)?$", before):
        return "more"
    return "exact"


# --- comparing ------------------------------------------------------------------------


def agrees(stated: Quantity, quoted: Quantity) -> bool:
    """Whether what ``quoted`` gives makes ``stated`` true: the same value, or one within what is stated."""
    if stated.kind == "date" or quoted.kind == "date":
        return _dates_agree(stated, quoted)
    if stated.kind != quoted.kind:
        return _without_unit(stated, quoted)
    if stated.per and quoted.per and stated.per != quoted.per:
        stated = replace(stated, values=tuple(value / stated.per for value in stated.values))
        quoted = replace(quoted, values=tuple(value / quoted.per for value in quoted.values))
    return any(_value_agrees(stated, one, quoted, other) for one in stated.values for other in quoted.values)


def same_kind(one: Quantity, other: Quantity) -> bool:
    """Whether two figures could be rivals: both dates, both lengths …"""
    return one.kind == other.kind


def _without_unit(stated: Quantity, quoted: Quantity) -> bool:
    if "clock" in (stated.kind, quoted.kind):
        hour, time = (stated, quoted) if quoted.kind == "clock" else (quoted, stated)
        return hour.kind == "count" and any(
            60 * one % 720 == other % 720 for one in hour.values for other in time.values
        )
    # A cell of a table, or a figure whose unit stands elsewhere, has none of its own.
    strict = ("percent", "weekday", "ordinal")
    if stated.kind in strict or quoted.kind in strict or "count" not in (stated.kind, quoted.kind):
        return False
    plain = [value / stated.factor for value in stated.values]
    return any(abs(value - other / quoted.factor) < 1e-9 for value in plain for other in quoted.values)


def _value_agrees(stated: Quantity, one: float, quoted: Quantity, other: float) -> bool:
    loose = 1e-6 if stated.factor == quoted.factor else 0.02  # a month is 30, 30.4 or 31 days
    slack = abs(one) * loose + 1e-9
    if stated.bound in _OPEN:
        return _within_bound(stated.bound, one, quoted.bound, other, slack)
    if quoted.bound in _OPEN:
        return False
    if stated.bound == "about" or quoted.bound == "about":
        return abs(one - other) <= 0.05 * abs(other) + slack
    if abs(one - other) <= slack or not (stated.rounded or quoted.rounded or stated.factor != quoted.factor):
        return abs(one - other) <= slack
    if stated.rounded or stated.factor > quoted.factor:
        return _rounds_to(other, one, stated)
    return _rounds_to(one, other, quoted)


def _within_bound(bound: Bound, one: float, quoted: Bound, other: float, slack: float) -> bool:
    """Whether all that the quote allows is within the stated bound: 7 and ``over 6`` make ``at least 5`` true."""
    strict = bound != quoted  # 5 does not make "more than 5" true, "more than 5" does
    if bound in ("least", "more"):
        low = float("-inf") if quoted in ("most", "less") else other
        return low > one + slack if bound == "more" and strict else low >= one - slack
    high = float("inf") if quoted in ("least", "more") else other
    return high < one - slack if bound == "less" and strict else high <= one + slack


def _rounds_to(fine: float, coarse: float, written: Quantity) -> bool:
    """Whether the finer value, rounded to the digits that the coarser one is written with, is that one."""
    if written.kind == "percent" and not any(character.isdigit() for character in written.written):
        return abs(fine - coarse) < 1  # a third, 33 %
    digits = re.search(r"\d[\d.,]*", written.written)
    if not digits or not fine:
        return False
    significant = len(re.sub(r"\D", "", digits.group()).lstrip("0"))
    return significant > 1 and abs(float(f"{fine:.{significant}g}") - coarse) <= 1e-6 * abs(coarse)


def _dates_agree(stated: Quantity, quoted: Quantity) -> bool:
    if stated.kind == quoted.kind:
        return any(dates.within(one, other, stated.bound, quoted.bound) for one in stated.days for other in quoted.days)
    date, other = (stated, quoted) if stated.kind == "date" else (quoted, stated)
    # 1200 can be a year and a count of something.
    years = {day.year for day in date.days if day.month is None and day.day is None and day.years == 1}
    return other.kind == "count" and any(value in years for value in other.values)
