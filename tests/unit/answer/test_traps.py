"""The sentence check against pairs written to mislead it, and honest ones beside them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from citewise.answer.verify import verify
from citewise.embed.local import LocalEmbedder

TRAPS = Path(__file__).parents[2] / "traps"


@pytest.fixture(scope="module")
def embedder() -> Iterator[LocalEmbedder]:
    embedder = LocalEmbedder()
    yield embedder
    embedder.close()


def pairs(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (TRAPS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def rights(name: str, embed: Any) -> tuple[Counter[str], Counter[str]]:
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for pair in pairs(name):
        verdict, _ = verify(pair["sentence"], pair["quotes"], embed=embed)
        total[pair["kind"]] += 1
        is_right = (verdict == "supported") == (pair["expected"] == "supported") and verdict != "not_checked"
        right[pair["kind"]] += is_right
    return right, total


@pytest.mark.parametrize("name", ["dev", "held_out"])
def test_nine_of_ten_traps_of_every_set_are_seen(name: str, embedder: LocalEmbedder) -> None:
    right, total = rights(name, embedder.embed_urgently)
    assert right.total() >= 0.95 * total.total()
    assert [kind for kind in total if right[kind] < 0.85 * total[kind]] == []


@pytest.mark.parametrize("name", ["dev", "held_out"])
def test_words_alone_see_nine_of_ten_too(name: str) -> None:
    right, total = rights(name, None)
    assert right.total() >= 0.9 * total.total()


def test_the_sets_are_large_enough_and_share_nothing() -> None:
    dev, held_out = pairs("dev"), pairs("held_out")
    assert len(dev) + len(held_out) >= 120
    assert not {pair["sentence"] for pair in dev} & {pair["sentence"] for pair in held_out}
    assert {pair["expected"] for pair in (*dev, *held_out)} == {"supported", "not_supported"}
