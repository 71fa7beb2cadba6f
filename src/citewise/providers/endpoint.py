"""Whom a call goes to, and what went wrong with it in a sentence that holds no key."""

from __future__ import annotations

import re
import ssl
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from citewise.errors import ProviderError

_STATUS_CLIENT_CLOSED = 499
_RETRYABLE = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
_KEY_LIKE = re.compile(r"\b(?:sk|pk|key|Bearer)[-_ ][\w*.…-]{6,}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Whom a call goes to, for messages."""

    provider: str  # openai, anthropic, cohere
    label: str  # OpenAI, Anthropic, Cohere
    model: str
    url: str
    key: str
    key_variable: str  # OPENAI_API_KEY
    url_variable: str  # OPENAI_BASE_URL
    too_long: str  # two sentences for input that ``{model}`` cannot read whole: what happened, and what to do

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc.rpartition("@")[2] or self.url


class TooLongError(ProviderError):
    """There is more in one call than the model or its server takes."""


def unreachable(endpoint: Endpoint, error: BaseException | None = None) -> ProviderError:
    """The server could not be reached, or hung up before it answered.

    Args:
        endpoint: Who.
        error: What was raised; an unsafe connection is told apart by what caused it.
    """
    if _is_unsafe(error):
        return ProviderError(
            f"No safe connection to {endpoint.label} could be made at {endpoint.host}: its certificate or its TLS "
            f"cannot be used. Check {endpoint.url_variable} and the certificates of this machine.",
            provider=endpoint.provider,
        )
    return ProviderError(
        f"{endpoint.label} could not be reached at {endpoint.host}. "
        f"Check the network, that the server runs, and {endpoint.url_variable}.",
        provider=endpoint.provider,
        retryable=True,
    )


def unreadable(endpoint: Endpoint) -> ProviderError:
    """What came back is not what this API answers."""
    return ProviderError(
        f"{endpoint.host} sent an answer that cannot be read. "
        f"Check that {endpoint.url_variable} is the address of a server that speaks this API.",
        provider=endpoint.provider,
    )


def without_key(endpoint: Endpoint) -> ProviderError:
    """There is no key for a provider that wants one."""
    return ProviderError(
        f"There is no key for {endpoint.label}. Set {endpoint.key_variable} and start again.",
        provider=endpoint.provider,
    )


def refused_request(
    endpoint: Endpoint, *, status: int, message: str, retry_after: float | None = None
) -> ProviderError:
    """Explain an HTTP status.

    Args:
        endpoint: Who gave it.
        status: As the server gave it.
        message: The server's own words; shown shortened and without anything like a key.
        retry_after: Seconds that the server asked to wait.

    Returns:
        A ``TooLongError`` where the input was too long.
    """
    retryable = status in _RETRYABLE or status > _STATUS_CLIENT_CLOSED
    label, host, model = endpoint.label, endpoint.host, endpoint.model
    kind: type[ProviderError] = ProviderError
    match status:
        case 401:
            what, way_out = f"{label} refused the API key.", f"Check {endpoint.key_variable} and start again."
        case 402:
            what, way_out = f"The account at {label} has no credit left.", "Add credit, or choose another model."
        case 403:
            what = f"{label} does not allow this key to use {model}."
            way_out = "Check the key's permissions, or choose another model."
        case 404:
            what = f"There is no model {model!r} at {host}."
            way_out = f"Choose another one, or check {endpoint.url_variable}."
        case 400 | 413 | 422 if _is_overflow(message) or status == 413:
            kind = TooLongError
            what, _, way_out = endpoint.too_long.format(model=model).partition(". ")
            what += "."
        case 400 | 422:
            what = f"{label} did not accept the request for {model}."
            way_out = "Choose another model, or report this."
        case 429:
            what = f"{label} limits how much may be asked, and the limit is reached."
            when = f"in {retry_after:g} s" if retry_after is not None else "in a minute"
            way_out = f"Ask again {when}, or check the account's quota."
        case _ if retryable:
            what = f"{label} ({host}) failed with status {status}."
            way_out = "Ask again in a minute."
        case _:
            what = f"{label} ({host}) refused the request with status {status}."
            way_out = f"Check {endpoint.url_variable} and the model's name."
    # A provider repeats parts of a wrong key, so its words on that are not passed on.
    said = "" if status == 401 else _quotable(message, endpoint.key)
    return kind(f"{what}{said} {way_out}", provider=endpoint.provider, retryable=retryable, retry_after=retry_after)


def retry_after_of(headers: Any) -> float | None:
    """Read ``retry-after-ms`` or ``retry-after``, in seconds from now; ``None`` without them."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            value = float(headers.get(name))
        except (TypeError, ValueError):
            continue
        if value >= 0:
            return value * unit
    try:
        return max(0.0, parsedate_to_datetime(headers.get("retry-after")).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def _is_unsafe(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _is_overflow(message: str) -> bool:
    lowered = message.lower()
    return any(
        words in lowered
        for words in (
            "context_length",
            "context length",
            "context window",
            "context size",
            "prompt is too long",
            "too many tokens",
            "batch size",
            "maximum input length",
            "max_tokens_per_request",
        )
    )


def _quotable(message: str, key: str) -> str:
    text = " ".join(message.split())
    if key:
        text = text.replace(key, "…")
    text = _KEY_LIKE.sub("…", text)
    if not text:
        return ""
    return f" It says: {text[:200].rstrip('. ')}."
