"""Fusion, for any rankings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewise.retrieve.fuse import peak, reciprocal_rank_fusion, score_fusion, weight_of_meaning

Scored = list[tuple[str, float]]

IDS = st.sampled_from("abcdefgh")
RANKINGS = st.lists(st.lists(IDS, unique=True), max_size=4)


@st.composite
def scored(draw: st.DrawFn) -> Scored:
    names = draw(st.lists(IDS, unique=True))
    scores = draw(st.lists(st.floats(-1, 30, width=32), min_size=len(names), max_size=len(names)))
    return list(zip(names, sorted(scores, reverse=True), strict=True))


@given(rankings=RANKINGS)
def test_rank_fusion_holds_every_id_once_best_first(rankings: list[list[str]]) -> None:
    fused = reciprocal_rank_fusion(rankings)
    assert sorted(name for name, _ in fused) == sorted({name for ranking in rankings for name in ranking})
    assert fused == sorted(fused, key=lambda item: (-item[1], item[0]))


@given(rankings=RANKINGS, data=st.data())
def test_rank_fusion_does_not_depend_on_the_order_of_the_rankings(
    rankings: list[list[str]], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(rankings))
    assert reciprocal_rank_fusion(rankings) == reciprocal_rank_fusion(shuffled)


@given(ranking=st.lists(IDS, unique=True), copies=st.integers(1, 4), k=st.integers(1, 100))
def test_rankings_that_agree_keep_their_order(ranking: list[str], copies: int, k: int) -> None:
    assert [name for name, _ in reciprocal_rank_fusion([ranking] * copies, k=k)] == ranking


@given(rankings=RANKINGS)
def test_one_more_vote_never_lowers_a_score(rankings: list[list[str]]) -> None:
    before = dict(reciprocal_rank_fusion(rankings))
    after = dict(reciprocal_rank_fusion([*rankings, ["a"]]))
    assert after["a"] > before.get("a", 0)


def test_rank_fusion_of_two_lists_by_hand() -> None:
    assert reciprocal_rank_fusion([["a", "b"], ["b", "c"]], k=60) == [
        ("b", pytest.approx(1 / 62 + 1 / 61)),
        ("a", pytest.approx(1 / 61)),
        ("c", pytest.approx(1 / 62)),
    ]


def test_no_rankings_give_nothing() -> None:
    assert reciprocal_rank_fusion([]) == []
    assert score_fusion([], weights=[]) == []
    assert score_fusion([[], []], weights=[0.5, 0.5]) == []


@given(first=scored(), second=scored())
def test_score_fusion_holds_every_id_once_best_first_between_nought_and_one(first: Scored, second: Scored) -> None:
    fused = score_fusion([first, second], weights=[0.5, 0.5])
    assert sorted(name for name, _ in fused) == sorted({name for name, _ in (*first, *second)})
    assert fused == sorted(fused, key=lambda item: (-item[1], item[0]))
    assert all(0 <= score <= 1 for _, score in fused)


@given(first=scored(), second=scored())
def test_score_fusion_does_not_depend_on_the_order_of_the_rankings(first: Scored, second: Scored) -> None:
    assert score_fusion([first, second], weights=[0.5, 0.5]) == score_fusion([second, first], weights=[0.5, 0.5])


@given(ranking=scored(), scale=st.sampled_from([0.5, 2, 4, 8]))
def test_the_unit_of_a_score_does_not_matter(ranking: Scored, scale: float) -> None:
    scaled = [(name, score * scale) for name, score in ranking]
    assert [name for name, _ in score_fusion([ranking], weights=[1])] == [
        name for name, _ in score_fusion([scaled], weights=[1])
    ]


def test_score_fusion_of_two_lists_by_hand() -> None:
    fused = score_fusion([[("a", 0.9), ("b", 0.8), ("c", 0.5)], [("c", 12.0), ("b", 6.0)]], weights=[0.5, 0.5])
    assert fused == [("a", 0.5), ("c", 0.5), ("b", pytest.approx(0.375))]


@given(scores=st.lists(st.floats(0, 1000), max_size=30))
def test_the_peak_of_a_list_is_a_share_and_no_search_is_left_out_for_it(scores: list[float]) -> None:
    assert 0 <= peak(scores) <= 1 + 1e-9
    assert 0.3 < weight_of_meaning(scores) < 0.7


def test_one_that_stands_out_makes_the_words_count_more_and_equals_make_them_count_less() -> None:
    assert peak([9.0, 3.0, 3.0]) == pytest.approx(2 / 3)
    assert peak([2.0] * 50) == peak([5.0]) == peak([0.0, 0.0]) == peak([]) == 0
    assert weight_of_meaning([9.0, 1.0, 1.0]) < 0.5 < weight_of_meaning([9.0, 8.0, 8.0])
