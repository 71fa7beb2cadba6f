"""Numbers of sheets and charts as they are shown: by their number format, dates as ISO 8601."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

BUILT_IN = (
    {0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 5: "$#,##0", 6: "$#,##0", 7: "$#,##0.00"}
    | {8: "$#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 14: "yyyy-mm-dd", 15: "d-mmm-yy", 16: "d-mmm"}
    | {17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "yyyy-mm-dd h:mm"}
    | {37: "#,##0;(#,##0)", 38: "#,##0;(#,##0)", 39: "#,##0.00;(#,##0.00)", 40: "#,##0.00;(#,##0.00)"}
    | {41: "#,##0;(#,##0)", 42: "$#,##0;($#,##0)", 43: "#,##0.00;(#,##0.00)", 44: "$#,##0.00;($#,##0.00)"}
    | {45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss", 48: "0.0E+0", 49: "@"}
    | dict.fromkeys((*range(27, 37), *range(50, 59)), "yyyy-mm-dd")
)
"""Number formats that files name by a number only (ECMA-376 part 1, 18.8.30)."""

_LAST_DAY = 2_958_465  # 9999-12-31
_LARGEST_PLAIN = 1e15  # beyond, a double holds no more digits
_LARGEST_SHOWN = 1e20
_LONGEST_CODE = 255
_MOST_DECIMALS = 6  # with 20 digits before the point, what decimal arithmetic holds at once

_TOKENS = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|_(?P<space>.)|\*.|\[(?P<bracket>[^\]]*)\]?'
    r"|(?P<half>AM/PM|A/P)|(?P<exponent>E[+\-])|(?P<general>General)|(?P<sign>.)",
    re.IGNORECASE | re.DOTALL,
)
_CURRENCY = re.compile(r"\$([^\-]*)(?:-.*)?")
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?[\d.]+)")
_ELAPSED = re.compile(r"h+|m+|s+", re.IGNORECASE)
_COMPARE = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
}


@dataclass(frozen=True, slots=True)
class _Section:
    """One of up to four parts of a format."""

    before: str = ""
    pattern: str = ""  # placeholders for digits, with their points and commas
    after: str = ""
    percents: int = 0
    letters: frozenset[str] = frozenset()  # of dates and times
    elapsed: bool = False
    exponent: bool = False
    plain: bool = False  # the number as it is
    condition: tuple[str, float] | None = None


def shown_number(value: str | float, code: str = "", *, since_1904: bool = False) -> str:
    """Show a number as its format says, dates and times in ISO 8601.

    Args:
        value: The stored number; anything else comes back as it is.
        code: Number format, such as ``#,##0.00 "EUR"``; empty for none.
        since_1904: Whether days are counted from 1904 instead of 1900.
    """
    try:
        number = float(value)
    except ValueError:
        return str(value)
    if not math.isfinite(number):
        return str(value)
    if not code or code == "General":
        return plain_number(number)
    sections = _sections(code[:_LONGEST_CODE])
    section, signed = _choose(sections, number)
    if section.letters:
        shown = _date(number, section, since_1904=since_1904)
        return shown if shown else plain_number(number)
    if section.plain or not section.pattern or abs(number) >= _LARGEST_SHOWN:
        shown = plain_number(number if signed else abs(number))
        return f"{section.before}{shown}{section.after}".strip() if section.plain else plain_number(number)
    return _figures(number, section, signed=signed)


def plain_number(number: float) -> str:
    """Show a number without a format: no digits that come from binary fractions only."""
    if number == int(number) and abs(number) < _LARGEST_PLAIN:
        return str(int(number))
    shown = f"{number:.15g}"
    return format(Decimal(shown), "f") if "e" in shown and 1e-9 < abs(number) < _LARGEST_SHOWN else shown


@lru_cache(maxsize=4096)
def _sections(code: str) -> tuple[_Section, ...]:
    """Take a format apart into at most three parts for numbers."""
    parts: list[list[re.Match[str]]] = [[]]
    for token in _TOKENS.finditer(code):
        if token["sign"] == ";":
            parts.append([])
        else:
            parts[-1].append(token)
    return tuple(_section(tokens) for tokens in parts[:3])


def _section(tokens: list[re.Match[str]]) -> _Section:  # noqa: PLR0912 - a branch for each kind of token
    before, pattern, after = "", "", ""
    letters = set()
    percents = 0
    elapsed = exponent = False
    plain = not tokens
    condition = None
    for token in tokens:
        literal = None
        if (bracket := token["bracket"]) is not None:
            if _ELAPSED.fullmatch(bracket):
                letters.add(bracket[0].lower())
                elapsed = True
            elif found := _CONDITION.fullmatch(bracket):
                condition = (found[1], float(found[2])) if found[2].count(".") < 2 else None
            elif found := _CURRENCY.fullmatch(bracket):
                literal = found[1]
        elif token["general"]:
            plain = True
        elif token["exponent"]:
            exponent = True
        elif token["quoted"] is not None or token["escaped"] is not None:
            literal = token["quoted"] or token["escaped"] or ""
        elif sign := token["sign"]:
            if exponent and sign in "0#?":
                continue
            if sign in "0#?" or (sign in ".," and pattern):
                if after.strip():  # words between digits: a format for telephone numbers and such
                    return _Section(plain=True, condition=condition)
                pattern += sign
            elif sign == "." and not letters:
                pattern += sign
            elif sign.lower() in "ymdhs":
                letters.add(sign.lower())
            elif sign == "@":
                plain = True
            elif sign == "/" and pattern:  # a fraction
                return _Section(plain=True, condition=condition)
            else:
                percents += sign == "%"
                literal = sign
        if literal:
            if pattern or plain:
                after += literal
            else:
                before += literal
    return _Section(
        before, pattern, after, percents, frozenset(letters), elapsed, exponent, plain and not pattern, condition
    )


def _choose(sections: tuple[_Section, ...], number: float) -> tuple[_Section, bool]:
    """Return the part for ``number``, and whether its sign is still to be shown."""
    if any(section.condition for section in sections):
        for section in sections:
            if section.condition is None or _COMPARE[section.condition[0]](number, section.condition[1]):
                return section, True
        return _Section(plain=True), True
    if number < 0 and len(sections) > 1:
        return sections[1], False
    if number == 0 and len(sections) > 2:
        return sections[2], False
    return sections[0], True


def _figures(number: float, section: _Section, *, signed: bool) -> str:
    whole, _, fraction = section.pattern.partition(".")
    scale = len(whole) - len(whole.rstrip(",")) if not fraction else len(fraction) - len(fraction.rstrip(","))
    fraction = re.sub(r"[^0#?]", "", fraction)[:_MOST_DECIMALS]
    value = Decimal(repr(abs(number))) * 100**section.percents / 1000**scale
    if section.exponent:
        shown = f"{value:.{max(len(fraction), 0)}E}"
    else:
        # Half away from zero, as spreadsheets round.
        rounded = value.quantize(Decimal(1).scaleb(-len(fraction)), ROUND_HALF_UP)
        shown = f"{rounded:,f}" if "," in whole.rstrip(",") else f"{rounded:f}"
        optional = len(fraction) - len(fraction.rstrip("#?"))
        kept, point, decimals = shown.partition(".")
        if kept == "0" and "0" not in whole and not decimals:
            kept = ""  # optional digits: a zero shows as nothing, or as the dash beside it
        while optional and decimals.endswith("0"):
            decimals, optional = decimals[:-1], optional - 1
        shown = f"{kept.zfill(whole.count('0'))}{point if decimals else ''}{decimals}"
    minus = "-" if signed and number < 0 and any(digit in "123456789" for digit in shown) else ""
    return f"{minus}{section.before}{shown}{section.after}".strip()


def _date(number: float, section: _Section, *, since_1904: bool) -> str:
    """Show days since the epoch; empty for what is no date."""
    letters = section.letters
    has_time = bool(letters & {"h", "s"})
    has_day = bool(letters & {"y", "d"}) or ("m" in letters and not has_time)
    seconds = round(number * 86_400)
    if section.elapsed or (has_time and not has_day):
        if number < 0:
            return ""
        minutes, second = divmod(seconds, 60)
        hours, minute = divmod(minutes, 60)
        hours = hours if section.elapsed else hours % 24
        return f"{hours:02}:{minute:02}:{second:02}" if "s" in letters else f"{hours:02}:{minute:02}"
    if not (0 if since_1904 else 1) <= number <= _LAST_DAY:
        return ""
    # Day 60 is a 29 February 1900 that never was.
    epoch = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 30 if number >= 60 else 31)
    moment = epoch + timedelta(seconds=min(seconds, _LAST_DAY * 86_400))
    shown = moment.isoformat(" ", "seconds" if "s" in letters else "minutes")
    if has_time:
        return shown
    return shown[: 10 if "d" in letters else 7 if "m" in letters else 4]
