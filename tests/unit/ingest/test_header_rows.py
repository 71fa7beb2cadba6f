from __future__ import annotations

import pytest

from citewise.ingest.parse.tables import count_header_rows


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in text.strip().split("\n")]


@pytest.mark.parametrize(
    ("table", "headers"),
    [
        ("Name | Age\nAnn | 31\nBob | 45", 1),
        ("City | Country\nParis | France", 1),  # words below words: short and different
        (" | 2019 | 2018\nRevenue | 5,120 | 4,800\nCosts | (3,900) | (3,700)", 1),  # years are headers
        (" | First half | First half\n | 2019 | 2018\nRevenue | 1 | 2", 2),  # a cell over two columns
        ("Item | Price | Price\nItem | net | gross\nBolt | 1.20 | 1.43", 2),  # a cell over two rows
        (" | 2019 | 2018\n | €m | €m\nProfit for the year | |\nRevenue | 1 | 2", 2),  # units; a label of rows
        (" | Revised | Period\n(In millions) | As of May | Adjusted\nCash | $ 16.0 | (0.2)", 2),
        ("Emissions, all in tonnes | |\n | Reported |\nFrom: | FY19* | FY18*\nFuel | 59,495 | 66,336", 3),
        ("Name | City | Score\nAnn | Rome |\nBob | Oslo | 3\nEve | Bern | 4", 1),
        (" | Colour | Size\nAnn | red | tall\nBob | blue | small", 1),
        ("A title | \n1 | 2", 0),
        ("1 | 2\n3 | 4", 0),
        ("Ann | Ann\nBob | Bob", 0),  # the same words are no headers
        ("Only | one row", 0),
        ("2020-01-01 | 5\n2020-01-02 | 6", 0),
        ("one column\nof words", 0),
    ],
)
def test_column_headers_are_told_from_the_body(table: str, headers: int) -> None:
    assert count_header_rows(rows(table)) == headers


def test_a_table_without_rows_has_no_header() -> None:
    assert count_header_rows([]) == 0
