"""Cohere's embedding models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from citewise.embed.remote import TOO_LONG, Kind, RemoteEmbedder, RemoteModel
from citewise.errors import SettingsError
from citewise.language.tokens import TokenCounter, estimate
from citewise.providers.calls import Caller, Throttle
from citewise.providers.cohere import cohere_endpoint

_DIMENSIONS = {
    "embed-v4.0": 1536,
    "embed-multilingual-v3.0": 1024,
    "embed-english-v3.0": 1024,
    "embed-multilingual-light-v3.0": 384,
    "embed-english-light-v3.0": 384,
}
_SHORTER = {"embed-v4.0": (256, 512, 1024, 1536)}
_MAX_TOKENS = {"embed-v4.0": 128_000}
_MAX_TOKENS_BEFORE_4 = 512
_BATCH_TEXTS = 96
_BATCH_TOKENS = 100_000
_INPUT_TYPES: dict[Kind, str] = {"document": "search_document", "query": "search_query"}


def cohere_embedder(
    name: str,
    *,
    dimensions: int | None,
    api_key: str,
    base_url: str | None,
    throttle: Throttle,
    on_tokens: Callable[[int], None] = lambda _: None,
) -> RemoteEmbedder:
    """Return an ``Embedder``; nothing is asked of Cohere yet.

    Tokens are estimated: there is no tokenizer of Cohere's that works without the network.
    The estimate is rather high, so chunks come out somewhat shorter than asked for.

    Args:
        name: The model's name.
        dimensions: Numbers in a vector; ``None`` takes as many as the model gives by itself.
        api_key: For Cohere.
        base_url: Address of a server that speaks its API; ``None`` means Cohere.
        throttle: Limits a minute.
        on_tokens: Told of tokens that were paid for.

    Raises:
        SettingsError: There is no such model, or it gives no such vectors.
    """
    own = _DIMENSIONS.get(name)
    if own is None:
        raise SettingsError(
            f"There is no embedding model cohere:{name} that is known here. Choose one of {', '.join(_DIMENSIONS)}."
        )
    choices = _SHORTER.get(name, (own,))
    dimension = dimensions or own
    if dimension not in choices:
        raise SettingsError(
            f"cohere:{name} gives vectors of {' or '.join(map(str, choices))} numbers, not {dimension}. "
            "Correct the dimensions."
        )
    endpoint = cohere_endpoint(name, api_key=api_key, base_url=base_url, too_long=TOO_LONG)
    where = "cohere" if base_url is None else f"cohere/{endpoint.host}"
    model = RemoteModel(
        name=f"cohere:{name}" if dimension == own else f"cohere:{name}@{dimension}",
        fingerprint=f"{where}/{name}/{dimension}/{_INPUT_TYPES['document']}/float32/unit",
        dimension=dimension,
        max_tokens=_MAX_TOKENS.get(name, _MAX_TOKENS_BEFORE_4),
        batch_texts=_BATCH_TEXTS,
        batch_tokens=_BATCH_TOKENS,
        needs_key=base_url is None,
        counter=TokenCounter("estimate", estimate),
    )
    wire = _CohereWire(name, dimension if len(choices) > 1 else None)
    return RemoteEmbedder(model, endpoint=endpoint, wire=wire, caller=Caller(endpoint, throttle), on_tokens=on_tokens)


class _CohereWire:
    """``POST /v2/embed``."""

    path = "/v2/embed"

    def __init__(self, model: str, dimensions: int | None) -> None:
        # Texts are cut to an estimate of what the model reads, so the last word is the server's.
        self._fixed: dict[str, Any] = {"model": model, "embedding_types": ["float"], "truncate": "END"}
        if dimensions is not None:
            self._fixed["output_dimension"] = dimensions

    def body(self, texts: Sequence[str], kind: Kind) -> dict[str, Any]:
        return {**self._fixed, "input_type": _INPUT_TYPES[kind], "texts": list(texts)}

    def read(self, answer: Any) -> tuple[list[Any], int]:
        billed = (answer.get("meta") or {}).get("billed_units") or {}
        return list(answer["embeddings"]["float"]), int(billed.get("input_tokens") or 0)
