"""What plain text is taken for: headings, items, rows, and paragraphs where nothing is sure."""

from __future__ import annotations

from collections import Counter

import pytest

from citewise.ingest.parse.text import document_from_text
from citewise.types import Block
from tests.unit.ingest.checks import assert_anchored


def blocks(text: str) -> list[tuple[str, str]]:
    return [(block.kind, text[block.start : block.end]) for block in found(text)]


def found(text: str) -> tuple[Block, ...]:
    document = document_from_text(text, source="notes.txt")
    assert_anchored(document)
    assert document.text == text
    return document.blocks


def test_lines_in_capitals_above_what_is_set_in_are_headings() -> None:
    text = "CARD\n\nTIDES\n  High water is told at noon.\n\nFOG\n  Nobody lands.\n\nLast words."
    assert [(one.kind, one.headings) for one in found(text)] == [
        ("heading", ()),
        ("heading", ("CARD",)),
        ("paragraph", ("CARD", "TIDES")),
        ("heading", ("CARD",)),
        ("paragraph", ("CARD", "FOG")),
        ("paragraph", ("CARD", "FOG")),
    ]


def test_underlined_and_numbered_lines_are_headings_by_level() -> None:
    text = "Manual\n======\n\nRope\n----\nCoil it.\n\n2.1 Knots\n\nThe bowline holds.\n\n2.2 Boats\n\nThey float."
    (knots,) = [one for one in found(text) if text[one.start : one.end] == "The bowline holds."]
    assert knots.headings == ("Manual", "Rope", "2.1 Knots")
    assert [kind for kind, _ in blocks(text)].count("heading") == 4


@pytest.mark.parametrize(
    "text",
    [
        "He cried:\nSTOP\nand nobody did.",
        "It was built in\n1911. It burned in\n1950. It was built again.",
        "- and with that he left, which was not\nlike him at all.",
        "The sum was this:\n-----\nnot much.",
        "2.1 Seal pups. Two volunteers had counted 143 pups.\n\n2.2 Lintel. It had not moved.",
        "THE POOL IS CLOSED",
        "This  line  was  justified  by\na  program   that  puts  blanks\nbetween  its  words  to  fill  it.",
    ],
    ids=["a cry", "years", "a dash", "a rule", "numbered paragraphs", "nothing below", "justified"],
)
def test_what_is_not_sure_stays_a_paragraph(text: str) -> None:
    assert {kind for kind, _ in blocks(text)} == {"paragraph"}


def test_items_have_the_lines_that_go_on_with_them() -> None:
    text = (
        "Bring:\n- a rope of twenty metres, which must be dry and whole and\nlonger than the quay is high\n"
        "- a lamp\n  with oil\nThat is all."
    )
    assert blocks(text) == [
        ("paragraph", "Bring:"),
        ("list_item", "- a rope of twenty metres, which must be dry and whole and\nlonger than the quay is high"),
        ("list_item", "- a lamp\n  with oil"),
        ("paragraph", "That is all."),
    ]


def test_items_with_blank_lines_between_them_are_items_and_no_headings() -> None:
    assert Counter(kind for kind, _ in blocks("1. Milk\n\n2. Eggs\n\n3. Flour")) == {"list_item": 3}


def test_two_columns_are_a_list_whose_rows_may_go_on_below() -> None:
    text = "CHANNELS\n  16   distress and calling\n  10   working channel, through\n       the repeater\n  12   harbour"
    assert blocks(text) == [
        ("heading", "CHANNELS"),
        ("list_item", "16   distress and calling"),
        ("list_item", "10   working channel, through\n       the repeater"),
        ("list_item", "12   harbour"),
    ]


@pytest.mark.parametrize("rule", ["", "-----  ----  ------\n"])
def test_more_columns_are_a_table_and_the_line_above_names_them(rule: str) -> None:
    text = f"Fees are these:\n\nPlan   Boat  Bothy\n{rule}A      10    26\nB      11    28\nC      13    30"
    table = found(text)[-1]
    assert (table.kind, table.header) == ("table", "Plan   Boat  Bothy")
    assert text[table.start : table.end].startswith("Plan")


def test_tabs_are_columns() -> None:
    text = "Name\tPlace\tWarden\nSula\tNorth\tNuala\nKirk\tSouth\tMarta\nQuay\tOffice\tAnselm"
    assert [kind for kind, _ in blocks(text)] == ["table"]
