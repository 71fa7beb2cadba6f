from __future__ import annotations

import pytest

from citewise.language.quantities import agrees, quantities


@pytest.mark.parametrize(
    ("written", "minutes"),
    [
        ("09:00", {540}),
        ("at 6.30 pm", {1110}),
        ("5 p.m.", {1020}),
        ("12 am", {0}),
        ("12:15 pm", {735}),
        ("noon", {720}),
        ("um 9 Uhr", {540}),
        ("um 9.30 Uhr", {570}),
        ("6 o'clock", {360, 1080}),
        ("6:30", {390, 1110}),
        ("10:20:30", {620, 1340}),
    ],
)
def test_times_of_day_are_minutes_after_midnight(written: str, minutes: set[int]) -> None:
    (time,) = quantities(written)
    assert (time.kind, set(time.values)) == ("clock", minutes)


@pytest.mark.parametrize("written", ["the vote was 12:3", "16.30", "version 1.2.3", "5 pages", "1:5"])
def test_other_figures_are_no_times(written: str) -> None:
    assert all(figure.kind != "clock" for figure in quantities(written))


@pytest.mark.parametrize(
    ("stated", "quoted", "same"),
    [
        ("9 am", "09:00", True),
        ("6.30 pm", "18:30", True),
        ("at 6", "at 18:00", True),
        ("at 9:15", "at 9:30", False),
        ("9 am", "9 boats", True),
        ("8 am", "9 boats", False),
    ],
)
def test_spellings_of_a_time_meet(stated: str, quoted: str, same: bool) -> None:
    assert agrees(quantities(stated)[0], quantities(quoted)[0]) is same
