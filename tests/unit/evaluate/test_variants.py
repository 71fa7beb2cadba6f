from __future__ import annotations

import pytest

from citewise.errors import QuestionError
from citewise.evaluate.variants import Variant, grid


def names(*options: str) -> list[str]:
    return [variant.name for variant in grid(options)]


def test_values_of_one_name_stand_beside_each_other_and_names_are_combined() -> None:
    assert names("size=120,200", "k=5") == ["size=120 k=5", "size=200 k=5"]
    assert names("size=120", "size=200") == ["size=120", "size=200"]
    assert len(names("size=120,200", "overlap=0,24", "mode=dense,hybrid")) == 8
    assert names() == ["as set"]


def test_several_names_in_one_option_go_together() -> None:
    given = ("mode=dense", "mode=hybrid,fusion=ranks", "mode=hybrid,fusion=scores,reranker=none")
    assert names(*given) == ["mode=dense", "fusion=ranks mode=hybrid", "fusion=scores reranker=none mode=hybrid"]
    assert names("mode=dense", "mode=hybrid,fusion=ranks", "k=5,10") == [
        "k=5 mode=dense",
        "k=10 mode=dense",
        "fusion=ranks k=5 mode=hybrid",
        "fusion=ranks k=10 mode=hybrid",
    ]
    assert names("size=120", "size=120") == ["size=120"]


def test_a_models_name_may_have_its_own_signs() -> None:
    (variant,) = grid(["embedder=local:/models/a=b"])
    assert variant.overrides(indexed=True) == {("embed", "model"): "local:/models/a=b"}


def test_settings_are_told_apart_by_what_needs_an_index_of_its_own() -> None:
    variant = Variant((("size", "120"), ("fusion", "ranks"), ("k", "5")))
    assert variant.overrides(indexed=True) == {("split", "size"): "120"}
    assert variant.overrides(indexed=False) == {("search", "fusion"): "ranks"}
    assert (variant.get("k"), variant.get("mode")) == ("5", None)


@pytest.mark.parametrize("option", ["size", "=5", "size=", "size=1,,2", "colour=red", ""])
def test_what_is_no_variant_is_a_sentence(option: str) -> None:
    with pytest.raises(QuestionError, match=r"\.$"):
        grid([option])


def test_a_grid_has_an_end() -> None:
    with pytest.raises(QuestionError, match="100 variants; at most 64"):
        grid([f"size={','.join(map(str, range(100, 110)))}", f"k={','.join(map(str, range(1, 11)))}"])
