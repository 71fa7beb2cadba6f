"""Where Cohere is; its embedding and reranking models are called in the same way."""

from __future__ import annotations

from citewise.providers.endpoint import Endpoint

_OFFICIAL_URL = "https://api.cohere.com"


def cohere_endpoint(model: str, *, api_key: str, base_url: str | None, too_long: str) -> Endpoint:
    """Describe a model of Cohere's, or of a server at ``base_url`` that speaks its API."""
    return Endpoint(
        provider="cohere",
        label="Cohere",
        model=model,
        url=base_url or _OFFICIAL_URL,
        key=api_key,
        key_variable="CO_API_KEY",
        url_variable="CO_API_URL",
        too_long=too_long,
    )
