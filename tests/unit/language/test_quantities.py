from __future__ import annotations

import pytest

from citewise.language.quantities import agrees, quantities

SAME = """
2.5 million people | 2,500,000 people
half an hour | 30 minutes
an hour and a half | 90 minutes
a quarter of an hour | 15 minutes
5 km | 5,000 m
2 square kilometres | 200 hectares
1.2 kg | 1,200 grams
a dozen eggs | twelve eggs
half of the votes | 50% of the votes
a third of the votes | 33 % of the votes
two years | 24 months
two weeks | 14 days
twenty-five pages | 25 pages
one hundred and fifty pages | 150 pages
$3.4 million | 3,400,000 US dollars
EUR 4.2m | €4.2 million
5 euros a month | 60 euros a year
roughly 1.3 million | 1,287,400
more than two million | 2,150,000
at least 5 days | 7 days
three or more letters | at least three letters
1.250 kg | 1250 kg
1 500 000 habitants | 1,5 million d'habitants
eine halbe Stunde | 30 Minuten
medio año | seis meses
July 1, 2024 | 2024-07-01
3. Mai 2022 | 3 May 2022
in 1862 | on 4 March 1862
in the 19th century | in 1862
in the 1960s | in 1967
before 1700 | in 1650
on Monday | Monday morning
900 kg | Weight (kg): 900
"""

OTHER = """
12 kg | 12 tonnes
50 g | 50 mg
14 weeks | 14 days
3 billion | 3 million
70 °C | 70 °F
12 | 12 percent
400 dollars | 400 euros
18 miles | 18 km
5 euros a month | 5 euros a year
at most 200 | at least 200
200 seats | at least 200 seats
more than 200 | 200
fewer than 500 | more than 500
1.250 kg | 12.500 kg
July 1, 2024 | June 1, 2024
3 May 2022 | 13 May 2022
3 May 2022 | May 2022
in the 14th century | in the 15th century
before 1700 | after 1700
on Tuesday | on Thursday
the third quarter | the fourth quarter
"""


def rows(text: str) -> list[tuple[str, str]]:
    return [tuple(line.split(" | ")) for line in text.strip().splitlines()]  # type: ignore[misc]


@pytest.mark.parametrize(("stated", "quoted"), rows(SAME))
def test_one_value_in_two_spellings_is_one(stated: str, quoted: str) -> None:
    (figure,) = quantities(stated)
    assert any(agrees(figure, other) for other in quantities(quoted))


@pytest.mark.parametrize(("stated", "quoted"), rows(OTHER))
def test_another_value_unit_or_bound_is_another(stated: str, quoted: str) -> None:
    (figure,) = quantities(stated)
    assert quantities(quoted)
    assert not any(agrees(figure, other) for other in quantities(quoted))


def test_figures_come_in_order_with_their_place() -> None:
    text = "In 1931, two men moved the 900 kg press."
    found = quantities(text)
    assert [text[one.start : one.end] for one in found] == ["1931", "two", "900 kg"]
    assert [one.kind for one in found] == ["date", "count", "mass"]


@pytest.mark.parametrize("text", ["One may ask a man.", "A press is a machine.", "It may march on.", ""])
def test_words_that_only_look_like_figures_are_none(text: str) -> None:
    assert quantities(text) == ()
