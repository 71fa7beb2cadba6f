"""Two passages that give different values for the same thing, and many that only seem to.

The pairs are in ``tests/conflicts``: ``dev`` is what the rules were made with, ``held_out`` was written
before them and first tried when they were done (22 of 25 found, 3 false alarms of 31 then).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citewise.answer.conflicts import find_conflicts
from citewise.types import Citation, Conflict, ScoredChunk
from tests.unit.answer.builders import hit

PAIRS = Path(__file__).parents[2] / "conflicts"


def pairs(half: str) -> list[dict[str, Any]]:
    with (PAIRS / f"{half}.jsonl").open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def cited(found: ScoredChunk, *, marker: int = 1, quote: str | None = None) -> Citation:
    chunk = found.chunk
    start = chunk.text.index(quote) if quote else 0
    end = start + len(quote) if quote else len(chunk.text)
    return Citation(
        marker=marker,
        document_id=chunk.document_id,
        version=chunk.version,
        content_hash=found.content_hash,
        chunk_id=chunk.id,
        source=found.source,
        title=found.title,
        start=chunk.start + start,
        end=chunk.start + end,
        page=None,
        quote=chunk.text[start:end],
    )


def conflicts_of(pair: dict[str, Any]) -> Sequence[Conflict]:
    one, other = (
        hit(side["text"], rank=rank, title=side["title"], headings=tuple(side["headings"]))
        for rank, side in ((1, pair["one"]), (2, pair["other"]))
    )
    return find_conflicts([one, other], [cited(one)])


def differ(one: str, other: str, **titles: str) -> Sequence[Conflict]:
    sides = {
        name: {"text": text, "title": titles.get(name, name), "headings": ()}
        for name, text in (("one", one), ("other", other))
    }
    return conflicts_of(sides)


@pytest.mark.parametrize("pair", pairs("dev"), ids=lambda pair: pair["_id"])
def test_a_pair_differs_or_not(pair: dict[str, Any]) -> None:
    found = conflicts_of(pair)
    assert bool(found) == (pair["expected"] == "conflict")
    if found and "values" in pair:
        assert [side.value for side in found[0].sides] == pair["values"]


def test_pairs_that_no_rule_was_made_with_are_rarely_taken_for_conflicts() -> None:
    told = [(pair["expected"] == "conflict", bool(conflicts_of(pair))) for pair in pairs("held_out")]
    assert sum(not expected and found for expected, found in told) == 0
    assert sum(expected and found for expected, found in told) >= 22


def test_both_sentences_come_verbatim_with_their_places() -> None:
    one = hit("It stands in Bern. The Bern press weighs 900 kg. Nobody moves it.", rank=1, start=50, page=3)
    other = hit("Old things. Visitors like the Bern press, which weighs 950 kg.", rank=2, start=7)
    (found,) = find_conflicts([one, other], [cited(one, marker=2, quote="The Bern press weighs 900 kg.")])
    assert found.about == "Bern press weighs"
    assert [side.value for side in found.sides] == ["900 kg", "950 kg"]
    for side, passage in zip(found.sides, (one, other), strict=True):
        quote = side.citation
        chunk = passage.chunk
        assert chunk.text[quote.start - chunk.start : quote.end - chunk.start] == quote.quote
        assert (quote.document_id, quote.version, quote.chunk_id) == (chunk.document_id, chunk.version, chunk.id)
    assert [side.citation.marker for side in found.sides] == [2, 0]
    assert found.newer is None


def test_only_what_the_answer_cites_is_compared() -> None:
    one, other = hit("The Bern press weighs 900 kg.", rank=1), hit("The Bern press weighs 950 kg.", rank=2)
    third = hit("The cellar is dry.", rank=3)
    assert find_conflicts([one, other, third], [cited(third)]) == ()
    assert find_conflicts([one, other, third], []) == ()


def test_a_pair_of_cited_sentences_is_told_once() -> None:
    one, other = hit("The Bern press weighs 900 kg.", rank=1), hit("The Bern press weighs 950 kg.", rank=2)
    (found,) = find_conflicts([one, other], [cited(one), cited(other, marker=2)])
    assert [side.citation.marker for side in found.sides] == [1, 2]


def test_a_document_does_not_differ_from_itself_in_one_section() -> None:
    text = "The Bern press weighs 900 kg."
    one = hit(text, rank=1, document="a", headings=("Machines",))
    again = hit("The Bern press weighs 950 kg.", rank=2, document="a", headings=("Machines",))
    elsewhere = hit("The Bern press weighs 950 kg.", rank=3, document="a", headings=("Transport",))
    assert find_conflicts([one, again], [cited(one)]) == ()
    assert len(find_conflicts([one, elsewhere], [cited(one)])) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "The reservoir holds 40,000 cubic metres when the upper gate is shut.",
            "The reservoir holds 65,000 cubic metres.",
        ),
        ("Room 12 seats 30 people.", "Room 14 seats 20 people."),
        ("Rooms: 12 | 14 | 16", "Rooms: 13 | 15 | 17"),
        ("The bolt G4 is 5 mm long.", "The bolt G6 is 7 mm long."),
        ("The committee met on 9 September 2023.", "The committee met on 17 February 2024."),
        ("It takes 30 minutes.", "It takes 2 hours."),
        ("Anna Weber won the 2021 Bern Open in May.", "Paul Oberon won the 2022 Bern Open in May."),
        ("The game Halden Part II was released on 9 May 2019.", "The game Halden Part I was released on 2 June 2013."),
        ("The fund paid £400 for repairs.", "The fund paid £90 for repairs, of £400 that it had."),
    ],
)
def test_what_only_seems_to_differ_is_not_told(one: str, other: str) -> None:
    assert differ(one, other) == ()


def test_columns_of_a_plain_text_are_read_line_by_line() -> None:
    card = "10   Trust working channel, through the repeater\n12   Port Ennis harbour"
    (found,) = differ("The Trust's own working channel is channel 8.", card)
    assert [side.value for side in found.sides] == ["8", "10"]
    assert found.other.citation.quote == "10   Trust working channel, through the repeater"


WORDS = ["the", "press", "weighs", "900", "kg", "is", "not", "open", "at", "09:00", "to", "and", "1931"]
SIGNS = [".", "|", ":", "\n"]
PASSAGE = st.lists(st.sampled_from(WORDS + SIGNS) | st.text(max_size=6), max_size=25)


@given(texts=st.lists(PASSAGE, min_size=2, max_size=3))
@settings(max_examples=60, deadline=None)
def test_any_passages_can_be_compared_and_every_side_is_verbatim(texts: list[list[str]]) -> None:
    hits = [hit(" ".join(words) or "x", rank=rank, start=7) for rank, words in enumerate(texts, 1)]
    for conflict in find_conflicts(hits, [cited(hits[0])]):
        for side in conflict.sides:
            (chunk,) = [one.chunk for one in hits if one.chunk.id == side.citation.chunk_id]
            start = side.citation.start - chunk.start
            assert chunk.text[start : side.citation.end - chunk.start] == side.citation.quote
