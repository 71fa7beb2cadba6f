from __future__ import annotations

import pytest

from citewise.ingest.parse.numbers import shown_number

ACCOUNTING = '_($* #,##0.00_);_($* (#,##0.00);_($* "-"??_);_(@_)'


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (0.1 + 0.2, "", "0.3"),
        (1234567890123450.0, "", "1234567890123450"),
        (0.00001, "General", "0.00001"),
        (0.256, "0%", "26%"),
        (0.2565, "0.0%", "25.7%"),  # half away from zero, as spreadsheets round
        (2.5, "0", "3"),
        (1234567.891, "#,##0.00", "1,234,567.89"),
        (-5, "#,##0;(#,##0)", "(5)"),
        (-5.5, "0.0", "-5.5"),
        (-0.001, "0.00", "0.00"),
        (7, "000", "007"),
        (1, "0.##", "1"),
        (12_400_000, '0.0,,"M"', "12.4M"),
        (3.1, "[$€-407] #,##0.00", "€ 3.10"),
        (3.1, ACCOUNTING, "$3.10"),
        (0, ACCOUNTING, "$-"),
        (5, '0.0 "km"; [Red]-0.0', "5.0 km"),
        (150, "[<100]0.0;[>=100]0", "150"),
        (12345.678, "0.00E+00", "1.23E+4"),
        (5551234, "000-0000", "5551234"),
        (0.5, "# ?/?", "0.5"),
        (1e300, "#,##0", "1e+300"),
        ("nan", "0", "nan"),
        ("words", "0", "words"),
    ],
)
def test_numbers_show_as_their_format_says(value: float | str, code: str, shown: str) -> None:
    assert shown_number(value, code) == shown


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (43831, "m/d/yyyy", "2020-01-01"),
        (43831.5, "yyyy-mm-dd h:mm", "2020-01-01 12:00"),
        (43831.500011574, "d.m.yy hh:mm:ss", "2020-01-01 12:00:01"),
        (43831, "mmm-yy", "2020-01"),
        (43831, "yyyy", "2020"),
        (43831, '[$-409]d" of "mmmm\\, yyyy;@', "2020-01-01"),
        (59, "d.m.yyyy", "1900-02-28"),
        (61, "d.m.yyyy", "1900-03-01"),  # Excel's day 60 never was
        (0.75, "h:mm AM/PM", "18:00"),
        (1.5, "[h]:mm:ss", "36:00:00"),
        (-1, "yyyy-mm-dd", "-1"),
        (9e9, "yyyy-mm-dd", "9000000000"),
    ],
)
def test_dates_and_times_show_in_iso_8601(value: float, code: str, shown: str) -> None:
    assert shown_number(value, code) == shown


def test_days_may_be_counted_from_1904() -> None:
    assert shown_number(0, "yyyy-mm-dd", since_1904=True) == "1904-01-01"
