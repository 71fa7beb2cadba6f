"""Cohere's reranking models."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from citewise.errors import ProviderError
from citewise.language.tokens import encodable
from citewise.providers.calls import Caller, Effort
from citewise.providers.cohere import cohere_endpoint
from citewise.providers.endpoint import unreadable, without_key

DEFAULT_MODEL = "rerank-v3.5"
PROVIDER = "cohere"
_TOO_LONG = "There is more to order than {model} can read. Lower CITEWISE_SPLIT__SIZE, or choose another reranker."


class CohereReranker:
    """A ``RelevanceModel`` behind ``POST /v2/rerank``.

    Args:
        model: Its name at Cohere; empty for ``DEFAULT_MODEL``.
        api_key: For Cohere.
        base_url: Address of a server that speaks its API; ``None`` means Cohere.
        budget_ms: How long one question may take, repeated calls included.
        on_searches: Told of search units that were paid for.

    Raises:
        ProviderError: There is no key.
    """

    def __init__(
        self,
        model: str = "",
        *,
        api_key: str,
        base_url: str | None,
        budget_ms: int,
        on_searches: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._endpoint = cohere_endpoint(model or DEFAULT_MODEL, api_key=api_key, base_url=base_url, too_long=_TOO_LONG)
        if not api_key and base_url is None:
            raise without_key(self._endpoint)
        budget_s = budget_ms / 1000
        self._effort = Effort(attempts=3, call_s=budget_s, total_s=budget_s, longest_wait_s=budget_s)
        self._caller = Caller(self._endpoint)
        self._on_searches = on_searches

    @property
    def name(self) -> str:
        return f"{PROVIDER}:{self._endpoint.model}"

    def start(self, *, wait: bool = False) -> None:
        """There is nothing to load."""

    def close(self) -> None:
        self._caller.close()

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        body = {
            "model": self._endpoint.model,
            "query": encodable(question),
            "documents": [encodable(text) for text in texts],
            "top_n": len(texts),
        }
        answer = self._caller.post("/v2/rerank", body, effort=self._effort, urgent=True)
        try:
            scores = _in_order(answer["results"], count=len(texts))
            billed = (answer.get("meta") or {}).get("billed_units") or {}
            self._on_searches(int(billed.get("search_units") or 0))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise unreadable(self._endpoint) from error
        if not all(map(math.isfinite, scores)):
            raise ProviderError(
                f"{self._endpoint.label} gave a score that is no number. Ask again, or choose another reranker.",
                provider=PROVIDER,
            )
        return scores


def _in_order(results: Sequence[Any], *, count: int) -> list[float]:
    scores = {int(result["index"]): float(result["relevance_score"]) for result in results}
    if sorted(scores) != list(range(count)):
        raise ValueError("scores are missing, or too many")
    return [scores[index] for index in range(count)]
