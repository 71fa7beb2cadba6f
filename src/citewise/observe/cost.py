"""What an answer cost: tokens as the provider counted them, at the prices of a dated table.

Source: the providers' price lists, https://developers.openai.com/api/docs/pricing and
https://platform.claude.com/docs/en/about-claude/pricing, as they and dated notes that quote them
stood on the day of the table. Standard rates of the providers' own APIs: no batch, priority or
regional rates, no taxes. Servers that pass on a provider's models may charge otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from citewise.types import Usage

PRICES_OF = "2026-11-05"
"""The day for which the prices below were collected."""

_FREE = "extractive"
_MILLION = 1_000_000
_DATED = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8}|latest)$")


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens."""

    input: float
    cached: float  # input that the provider still knew
    output: float
    long_above: int | None = None  # tokens of a prompt above which all of the call is dearer
    long_input: float = 1.0  # how many times, input and cached input
    long_output: float = 1.0


_OPENAI_LONG = 272_000

PRICES: dict[str, Price] = {
    "openai:gpt-6-astra": Price(10, 1, 50, _OPENAI_LONG, 2, 1.5),
    "openai:gpt-6.1-sol": Price(2, 0.1, 10, _OPENAI_LONG, 2, 1.5),
    "openai:gpt-6-sol": Price(2, 0.2, 10, _OPENAI_LONG, 2, 1.5),
    "openai:gpt-6-luna": Price(0.1, 0.01, 0.5, _OPENAI_LONG, 2, 1.5),
    "openai:gpt-5.6-sol": Price(4, 0.4, 20, _OPENAI_LONG, 2, 1.5),
    "openai:gpt-5.6-terra": Price(2, 0.2, 12, _OPENAI_LONG, 2, 1.5),
    "openai:gpt-5.6-luna": Price(0.2, 0.02, 1.2, _OPENAI_LONG, 2, 1.5),
    "openai:gpt-5.1": Price(1.25, 0.125, 10),
    "openai:gpt-5": Price(1.25, 0.125, 10),
    "openai:gpt-5-mini": Price(0.25, 0.025, 2),
    "openai:gpt-5-nano": Price(0.05, 0.005, 0.4),
    "openai:gpt-4.1": Price(2, 0.5, 8),
    "openai:gpt-4.1-mini": Price(0.4, 0.1, 1.6),
    "openai:gpt-4.1-nano": Price(0.1, 0.025, 0.4),
    "openai:gpt-4o": Price(2.5, 1.25, 10),
    "openai:gpt-4o-mini": Price(0.15, 0.075, 0.6),
    "openai:o3": Price(2, 0.5, 8),
    "openai:o4-mini": Price(1.1, 0.275, 4.4),
    "anthropic:claude-opus-5-5": Price(4, 0.2, 20),
    "anthropic:claude-sonnet-5-5": Price(2, 0.1, 10),
    "anthropic:claude-haiku-5-5": Price(0.1, 0.01, 0.5, 100_000, 5, 5),
    "anthropic:claude-opus-5": Price(5, 0.5, 25),
    "anthropic:claude-sonnet-5": Price(2, 0.2, 10),
    "anthropic:claude-opus-4-8": Price(5, 0.5, 25),
    "anthropic:claude-opus-4-7": Price(5, 0.5, 25),
    "anthropic:claude-opus-4-6": Price(5, 0.5, 25),
    "anthropic:claude-opus-4-5": Price(5, 0.5, 25),
    "anthropic:claude-sonnet-4-6": Price(3, 0.3, 15),
    "anthropic:claude-sonnet-4-5": Price(3, 0.3, 15),
    "anthropic:claude-haiku-4-5": Price(1, 0.1, 5),
}
"""By PROVIDER:NAME, without a date at the end of the name."""


def cost(model: str, usage: Usage) -> tuple[float | None, str]:
    """Return what one answer cost in US dollars, and a sentence that says how that is known, or why it is not.

    Args:
        model: PROVIDER:NAME.
        usage: Of all calls for the answer; none of them counts as the provider saying nothing.
    """
    if model == _FREE:
        return 0.0, "No model was asked."
    price = PRICES.get(model) or PRICES.get(_DATED.sub("", model))
    if price is None:
        return None, f"The cost is not known: {model} is not in the price table of {PRICES_OF}."
    if not usage.input_tokens and not usage.output_tokens:
        return None, "The cost is not known: the provider did not say how many tokens it used."
    long = price.long_above is not None and usage.input_tokens > price.long_above
    read = (usage.input_tokens - usage.cached_tokens) * price.input + usage.cached_tokens * price.cached
    written = usage.output_tokens * price.output
    total = read * (price.long_input if long else 1) + written * (price.long_output if long else 1)
    return total / _MILLION, f"At the prices of {PRICES_OF}."
