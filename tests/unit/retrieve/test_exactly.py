from __future__ import annotations

import pytest

from citewise.retrieve.exactly import MANY, Names, find_holders, keep_names, names_of
from citewise.types import Chunk, ScoredChunk


def hit(chunk_id: str, text: str, score: float = 0.0, rank: int = 1) -> ScoredChunk:
    chunk = Chunk(chunk_id, "d", 1, 0, 0, len(text), None, None, (), text, "")
    return ScoredChunk(chunk, score, rank, {"fused": score}, "s", "t", "h")


def ids(hits: list[ScoredChunk]) -> list[str]:
    return [one.chunk.id for one in hits]


@pytest.mark.parametrize(
    ("question", "firm", "loose"),
    [
        ("POST /api/v2/users/reset-password", ("/api/v2/users/reset-password",), ()),
        ("What is ERR-4711 in v2.3.1?", ("err-4711", "2.3.1"), ()),
        ("invoice 20240017 or INV-2024-0017", ("inv-2024-0017", "20240017"), ()),
        ("the WH1000XM4 and getUserName()", ("wh1000xm4",), ()),
        ("350 euros in 1998", (), ("350", "1998")),
        ("a 7-day-old mouse of 10mg, D.P. Varma, well-known, 5 days", (), ()),
        ("型号TS-999的泵", ("ts-999",), ()),
        ("", (), ()),
    ],
)
def test_names_are_what_a_question_wants_exactly(question: str, firm: tuple[str, ...], loose: tuple[str, ...]) -> None:
    assert names_of(question) == Names(firm, loose)


def test_a_name_that_many_chunks_hold_tells_nothing_apart() -> None:
    found = {"rare": [("a", 1.0)], "common": [(str(number), 1.0) for number in range(MANY + 1)], "absent": []}
    names = Names(("rare", "common", "absent"), ())
    assert find_holders(names, lambda name, most: found[name][:most]) == {"rare": ["a"]}


def test_hits_with_identifiers_come_first_and_scores_fit_their_places() -> None:
    hits = [
        hit("x", "alike", 0.9),
        hit("one", "see ERR-47", 0.5),
        hit("both", "ERR-47 and TS-9", 0.2),
        hit("y", "", 0.1),
    ]
    names = Names(("err-47", "ts-9"), ())
    kept = keep_names(hits, names, {"err-47": ["one", "both"], "ts-9": ["both"]})
    assert ids(kept) == ["both", "one", "x", "y"]
    assert [one.rank for one in kept] == [1, 2, 3, 4]
    assert [one.score for one in kept] == [0.9, 0.9, 0.9, 0.1]
    assert [one.scores.get("exact") for one in kept] == [1.0, 0.5, None, None]


def test_a_longer_identifier_is_another_one() -> None:
    hits = [hit("x", "alike", 0.9), hit("longer", "ERR-47-11 and ERR-471", 0.5), hit("path", "/api/v2/users", 0.4)]
    names = Names(("err-47", "/api/v2"), ())
    kept = keep_names(hits, names, {"err-47": ["longer"], "/api/v2": ["path"]})
    assert ids(kept) == ["path", "x", "longer"]


def test_the_best_hit_with_a_number_comes_near_the_top() -> None:
    hits = [hit(name, "alike", 0.9 - place / 10) for place, name in enumerate("abcd")]
    hits += [hit("number", "in 1998", 0.3), hit("another", "of 1998", 0.2)]
    kept = keep_names(hits, Names((), ("1998",)), {"1998": ["another", "number"]})
    assert ids(kept) == ["a", "b", "number", "c", "d", "another"]
    assert [one.score for one in kept] == sorted((one.score for one in kept), reverse=True)
    again = keep_names(kept, Names((), ("1998",)), {"1998": ["another", "number"]})
    assert ids(again) == ids(kept)


def test_without_names_nothing_changes() -> None:
    hits = [hit("x", "alike", 0.9), hit("y", "", 0.1)]
    assert keep_names(hits, Names((), ()), {}) == hits
