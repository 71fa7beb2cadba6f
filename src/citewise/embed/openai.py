"""Embedding models behind OpenAI's embeddings API: OpenAI itself and every compatible server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from citewise.embed.remote import TOO_LONG, Kind, RemoteEmbedder, RemoteModel
from citewise.errors import SettingsError
from citewise.language.tokens import counter_for
from citewise.providers.calls import Caller, Throttle
from citewise.providers.endpoint import Endpoint

_OFFICIAL_URL = "https://api.openai.com/v1"
_OFFICIAL_HOST = "api.openai.com"
_DIMENSIONS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}
_FIXED = frozenset({"text-embedding-ada-002"})  # gives no shorter vectors
_MAX_TOKENS = 8_191
_BATCH_TEXTS = 2_048
_BATCH_TOKENS = 250_000  # 300,000 are allowed, and the count may be an estimate
_COMPATIBLE_BATCH_TOKENS = 16_000  # these may run on a processor like ours


def openai_embedder(
    name: str,
    *,
    dimensions: int | None,
    api_key: str,
    base_url: str | None,
    batch: int,
    throttle: Throttle,
    on_tokens: Callable[[int], None] = lambda _: None,
) -> RemoteEmbedder:
    """Return an ``Embedder``; nothing is asked of the server yet.

    Args:
        name: The model's name there.
        dimensions: Numbers in a vector; ``None`` takes as many as the model gives by itself, which
            is known for OpenAI's own models only. These shorten their vectors when asked to.
        api_key: May be empty for compatible servers.
        base_url: Address of a compatible server; ``None`` means OpenAI.
        batch: Texts in one call to a compatible server, at most.
        throttle: Limits a minute.
        on_tokens: Told of tokens that were paid for.

    Raises:
        SettingsError: The length of its vectors is not known, or not to be had.
    """
    url = base_url or _OFFICIAL_URL
    official = urlsplit(url).hostname == _OFFICIAL_HOST
    own = _DIMENSIONS.get(name)
    if own is None and dimensions is None:
        raise SettingsError(
            f"It is not known how many numbers a vector of openai:{name} has. "
            "Set CITEWISE_EMBED__DIMENSIONS to what its description says, for example 768."
        )
    if own is not None and dimensions is not None and (dimensions > own or (name in _FIXED and dimensions != own)):
        raise SettingsError(f"openai:{name} gives vectors of {own} numbers, not {dimensions}. Correct the dimensions.")
    dimension = dimensions or own or 0
    shortened = own is not None and dimension != own
    endpoint = Endpoint(
        provider="openai",
        label="OpenAI" if official else "The model server",
        model=name,
        url=url,
        key=api_key,
        key_variable="OPENAI_API_KEY",
        url_variable="OPENAI_BASE_URL",
        too_long=TOO_LONG,
    )
    # Servers give the same name to different models, so the host counts unless it is OpenAI.
    where = "openai" if official else f"openai/{endpoint.host}"
    model = RemoteModel(
        name=f"openai:{name}@{dimension}" if shortened or own is None else f"openai:{name}",
        fingerprint=f"{where}/{name}/{dimension}/float32/unit",
        dimension=dimension,
        max_tokens=_MAX_TOKENS,
        batch_texts=_BATCH_TEXTS if official else batch,
        batch_tokens=_BATCH_TOKENS if official else _COMPATIBLE_BATCH_TOKENS,
        needs_key=official,
        counter=counter_for(f"openai:{name}"),
    )
    wire = _OpenAIWire(name, dimension if shortened else None)
    return RemoteEmbedder(model, endpoint=endpoint, wire=wire, caller=Caller(endpoint, throttle), on_tokens=on_tokens)


class _OpenAIWire:
    """``POST /embeddings``."""

    path = "/embeddings"

    def __init__(self, model: str, dimensions: int | None) -> None:
        # "float", because not every server knows the base64 that is shorter.
        self._fixed: dict[str, Any] = {"model": model, "encoding_format": "float"}
        if dimensions is not None:  # many servers refuse what they do not know
            self._fixed["dimensions"] = dimensions

    def body(self, texts: Sequence[str], kind: Kind) -> dict[str, Any]:
        return {**self._fixed, "input": list(texts)}

    def read(self, answer: Any) -> tuple[list[Any], int]:
        items = list(answer["data"])
        places = [item.get("index") for item in items]
        if any(place is not None for place in places):
            if len(set(places)) < len(places):
                raise ValueError("two vectors are of the same text")
            items.sort(key=lambda item: int(item["index"]))
        usage = answer.get("usage") or {}
        return [item["embedding"] for item in items], int(usage.get("total_tokens") or usage.get("prompt_tokens") or 0)
