from __future__ import annotations

import numpy as np
import pytest

from citewise.index import subsets
from citewise.index.subsets import Subset, Subsets


def subset(*ids: str) -> Subset:
    return Subset(ids, np.eye(3, dtype=np.float32)[: len(ids)])


def test_all_are_compared_and_equal_scores_come_in_order_of_id() -> None:
    matrix = np.array([[1, 0], [0, 1], [1, 0], [-1, 0]], dtype=np.float32)
    found = Subset(("c", "b", "a", "d"), matrix).search(np.array([1, 0], dtype=np.float32), k=2)
    assert found == [("a", 1.0), ("c", 1.0)]
    assert len(Subset(("c", "b", "a", "d"), matrix).search(np.array([0, 1], dtype=np.float32), k=9)) == 4
    assert Subset((), np.empty((0, 2), dtype=np.float32)).search(np.array([1, 0], dtype=np.float32), k=2) == []


def test_what_was_asked_for_is_kept_until_something_is_written() -> None:
    kept, loads = Subsets(), []

    def load() -> Subset:
        loads.append(1)
        return subset("a")

    assert not kept.has("c")
    first = kept.get("c", None, load)
    assert kept.has("c")
    assert kept.get("c", None, load) is first
    kept.get("c", ["x", "y"], load)
    kept.get("c", {"y", "x"}, load)
    assert len(loads) == 2
    with kept.changing():
        kept.get("c", None, load)
    kept.get("c", None, load)
    assert len(loads) == 4


def test_what_is_written_while_it_was_loaded_makes_it_stale() -> None:
    kept = Subsets()

    def load() -> Subset:
        with kept.changing():
            return subset("a")

    kept.get("c", None, load)
    assert not kept.has("c")


def test_more_than_there_is_room_for_pushes_out_what_was_asked_for_longest_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subsets, "ROWS", 4)
    kept = Subsets()
    for collection in ("one", "two"):
        kept.get(collection, None, lambda: subset("a", "b"))
    kept.get("one", None, lambda: subset("never"))
    kept.get("three", None, lambda: subset("a", "b"))
    assert [kept.has(collection) for collection in ("one", "two", "three")] == [True, False, True]
