from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest

from citewise.errors import RegistryError
from citewise.registry import records
from citewise.types import Box, Citation, PageSpan
from tests.unit.registry.making import citation


@dataclass(frozen=True)
class Inner:
    name: str


@dataclass(frozen=True)
class Outer:
    inner: Inner
    many: tuple[Inner, ...]
    by_name: Mapping[str, Inner]
    perhaps: Inner | None
    numbers: tuple[int, ...] = ()
    extra: Mapping[str, float] = field(default_factory=dict)


def through_json(value: object) -> object:
    return json.loads(json.dumps(records.dump(value)))


@pytest.mark.parametrize(
    "value",
    [
        Outer(Inner("a"), (Inner("b"), Inner("c")), {"d": Inner("e")}, None, (1, 2), {"x": 0.1}),
        Outer(Inner(""), (), {}, Inner("f")),
    ],
)
def test_what_was_stored_comes_back_equal(value: Outer) -> None:
    assert records.load(Outer, through_json(value)) == value


def test_a_citation_comes_back_with_its_boxes_and_tuples() -> None:
    loaded = records.load(Citation, through_json(citation()))
    assert loaded == citation()
    assert isinstance(loaded.boxes, tuple)
    assert isinstance(loaded.boxes[0], Box)


def test_numbers_of_numpy_become_plain_ones() -> None:
    assert through_json({"score": np.float32(0.5), "wide": np.float64(0.25), "rank": np.int64(3)}) == {
        "score": 0.5,
        "wide": 0.25,
        "rank": 3,
    }


def test_a_field_that_older_data_lacks_takes_its_default_and_an_unknown_one_is_ignored() -> None:
    assert records.load(PageSpan, {"number": 1, "start": 0, "end": 5, "colour": "red"}) == PageSpan(1, 0, 5)


def test_data_that_lacks_what_is_required_is_told_as_a_sentence() -> None:
    with pytest.raises(RegistryError, match=r"stored PageSpan cannot be read.*upgrade Citewise"):
        records.load(PageSpan, {"number": 1})


def test_packed_lists_come_back() -> None:
    spans = (PageSpan(1, 0, 5, 10.5, None), PageSpan(2, 5, 9))
    assert records.unpack(PageSpan, records.pack(spans)) == spans
    assert records.unpack(PageSpan, records.pack(())) == ()


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        records.dump({1, 2})
