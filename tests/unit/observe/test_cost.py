from __future__ import annotations

import pytest

from citewise.observe.cost import PRICES, PRICES_OF, cost
from citewise.types import Usage

MILLION = Usage(1_000_000, 1_000_000)


@pytest.mark.parametrize(
    ("model", "usage", "dollars"),
    [
        ("openai:gpt-4o-mini", MILLION, 0.15 + 0.6),
        ("openai:gpt-4o-mini-2024-07-18", MILLION, 0.15 + 0.6),
        ("anthropic:claude-sonnet-4-5-20250929", MILLION, 3 + 15),
        ("openai:gpt-4o-mini", Usage(1_000, 100, cached_tokens=400), (600 * 0.15 + 400 * 0.075 + 100 * 0.6) / 1e6),
        ("anthropic:claude-haiku-5-5", Usage(100_000, 1_000), (100_000 * 0.1 + 1_000 * 0.5) / 1e6),
        ("anthropic:claude-haiku-5-5", Usage(100_001, 1_000), (100_001 * 0.5 + 1_000 * 2.5) / 1e6),
        ("extractive", Usage(), 0.0),
    ],
)
def test_tokens_have_their_price(model: str, usage: Usage, dollars: float) -> None:
    found, note = cost(model, usage)
    assert found == pytest.approx(dollars)
    assert note


@pytest.mark.parametrize(
    ("model", "usage", "says"),
    [
        ("house:gpt-4o-mini", MILLION, f"not in the price table of {PRICES_OF}"),
        ("openai:gpt-4o-minim", MILLION, "not in the price table"),
        ("openai:gpt-4o-mini", Usage(), "did not say how many tokens"),
    ],
)
def test_what_is_not_known_is_said(model: str, usage: Usage, says: str) -> None:
    found, note = cost(model, usage)
    assert found is None
    assert says in note


def test_cached_input_is_never_dearer_and_every_price_is_above_nothing() -> None:
    assert all(0 < price.cached <= price.input <= price.output for price in PRICES.values())
