"""Calls that send JSON and get JSON: in time, within limits, repeated where that may help.

A call runs in a thread of its own, so that whoever waits for it can give up at once,
whatever the network does.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from citewise.errors import ProviderError
from citewise.providers.endpoint import Endpoint, refused_request, retry_after_of, unreachable, unreadable

if TYPE_CHECKING:
    import httpx2

FIRST_WAIT_S = 0.5
"""Seconds before a failed call is repeated, where the provider does not say; twice that every further time."""

_LONGEST_OWN_WAIT_S = 30.0
_POLL_S = 0.05
_CONNECT_S = 5.0
_MINUTE_S = 60.0
_OK = 200


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard to try."""

    attempts: int
    call_s: float  # for one attempt
    total_s: float  # for all of them and the pauses between
    longest_wait_s: float  # a provider that asks for more is named an error at once


class Throttle:
    """Keeps calls within what an account may ask a minute. May be used from any thread.

    Args:
        requests_per_minute: ``None`` for no limit.
        tokens_per_minute: ``None`` for no limit.
        clock: Seconds, for tests.
    """

    def __init__(
        self,
        *,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._requests = requests_per_minute
        self._tokens = tokens_per_minute
        self._clock = clock
        self._lock = threading.Lock()
        self._sent: deque[tuple[float, int]] = deque()  # of the last minute: when, and how many tokens

    def take(self, tokens: int, *, force: bool = False) -> float:
        """Note a call if it may be sent now, or with ``force``.

        Returns:
            0.0 when it was noted, else the seconds after which to ask again.
        """
        with self._lock:
            now = self._clock()
            while self._sent and self._sent[0][0] <= now - _MINUTE_S:
                self._sent.popleft()
            if not force and self._sent and self._is_full(tokens):
                return self._sent[0][0] + _MINUTE_S - now
            if self._requests is not None or self._tokens is not None:
                self._sent.append((now, tokens))
            return 0.0

    def _is_full(self, tokens: int) -> bool:
        if self._requests is not None and len(self._sent) >= self._requests:
            return True
        return self._tokens is not None and sum(sent for _, sent in self._sent) + tokens > self._tokens


class Caller:
    """Sends calls to one provider. May be used from any thread.

    Args:
        endpoint: Whom to call.
        throttle: Shared by all that use one account.
    """

    def __init__(self, endpoint: Endpoint, throttle: Throttle | None = None) -> None:
        self._endpoint = endpoint
        self._throttle = throttle or Throttle()
        self._lock = threading.Lock()
        self._client: httpx2.Client | None = None
        self._closed = threading.Event()

    def post(self, path: str, body: Mapping[str, Any], *, effort: Effort, tokens: int = 0, urgent: bool = False) -> Any:
        """Send ``body`` and return what came back as JSON.

        Args:
            path: Follows the endpoint's address.
            body: Sent as JSON.
            effort: How long to wait, and how often to try.
            tokens: About how many are sent, for the limit.
            urgent: Do not wait for the limits a minute, only count.

        Raises:
            ProviderError: It failed as often as it was tried, will never succeed, or the caller was closed.
        """
        deadline: float | None = None
        for number in range(1, effort.attempts + 1):
            while wait := self._throttle.take(tokens, force=urgent):
                self._pause(wait)
            # Waiting for our own limits costs none of the time in which the provider must answer.
            deadline = deadline or time.monotonic() + effort.total_s
            try:
                return self._attempt(path, body, limit_s=min(effort.call_s, deadline - time.monotonic()))
            except ProviderError as error:
                own = min(FIRST_WAIT_S * 2 ** (number - 1), _LONGEST_OWN_WAIT_S)
                wait = own if error.retry_after is None else error.retry_after
                late = wait > effort.longest_wait_s or time.monotonic() + wait >= deadline
                if not error.retryable or late or number == effort.attempts:
                    raise
            self._pause(wait)
        raise AssertionError("unreachable")  # the last attempt returned or raised

    def close(self) -> None:
        """End all calls that run or wait; they fail."""
        self._closed.set()
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _pause(self, seconds: float) -> None:
        if self._closed.wait(seconds):
            raise self._closing()

    def _attempt(self, path: str, body: Mapping[str, Any], *, limit_s: float) -> Any:
        outcomes: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def run() -> None:
            try:
                outcomes.put(self._send(path, body, limit_s))
            except BaseException as error:  # noqa: BLE001 - handed to the waiting thread, which raises it
                outcomes.put(error)

        threading.Thread(target=run, name="provider-call", daemon=True).start()
        until = time.monotonic() + limit_s
        while True:
            try:
                outcome = outcomes.get(timeout=_POLL_S)
            except queue.Empty:
                if self._closed.is_set():
                    raise self._closing() from None
                if time.monotonic() > until:
                    raise self._too_slow(limit_s) from None
                continue
            if isinstance(outcome, BaseException):
                if self._closed.is_set():
                    raise self._closing() from outcome
                raise outcome
            return outcome

    def _send(self, path: str, body: Mapping[str, Any], limit_s: float) -> Any:
        import httpx2  # noqa: PLC0415 - a tenth of a second, and often not needed

        url = self._endpoint.url.rstrip("/") + path
        timeout = httpx2.Timeout(limit_s, connect=min(_CONNECT_S, limit_s))
        try:
            response = self._opened(httpx2.Client).post(url, json=dict(body), timeout=timeout)
        except httpx2.InvalidURL as error:
            raise unreadable(self._endpoint) from error
        except (httpx2.ReadTimeout, httpx2.WriteTimeout) as error:
            raise self._too_slow(limit_s) from error
        except httpx2.HTTPError as error:
            raise unreachable(self._endpoint) from error
        if response.status_code != _OK:
            raise self._refused(response)
        try:
            return response.json()
        except ValueError as error:
            raise unreadable(self._endpoint) from error

    def _opened(self, client: type[httpx2.Client]) -> httpx2.Client:
        key = self._endpoint.key
        with self._lock:
            if self._closed.is_set():
                raise self._closing()
            if self._client is None:
                self._client = client(headers={"authorization": f"Bearer {key}"} if key else {})
            return self._client

    def _refused(self, response: httpx2.Response) -> ProviderError:
        words, code = _words(response.text)
        # OpenAI says "too many requests" also when the account is empty, which no waiting mends.
        status = 402 if code == "insufficient_quota" else response.status_code
        return refused_request(
            self._endpoint,
            status=status,
            message=f"{words} ({code})" if code == "context_length_exceeded" else words,
            retry_after=retry_after_of(response.headers),
        )

    def _too_slow(self, limit_s: float) -> ProviderError:
        return ProviderError(
            f"{self._endpoint.label} ({self._endpoint.host}) did not answer within {limit_s:.3g} s. "
            "Try again, or check that the server is well.",
            provider=self._endpoint.provider,
            retryable=True,
        )

    def _closing(self) -> ProviderError:
        return ProviderError(
            f"The call to {self._endpoint.label} was ended because Citewise is stopping.",
            provider=self._endpoint.provider,
        )


def _words(text: str) -> tuple[str, str]:
    """What a server says of an error, and its code, wherever it puts them."""
    try:
        body = json.loads(text)
    except ValueError:
        return "", ""  # a page of HTML says nothing to a person
    found = body if isinstance(body, dict) else {}
    inner = found.get("error")
    if isinstance(inner, dict):
        found = inner
    message = next((found[name] for name in ("message", "detail", "error") if isinstance(found.get(name), str)), "")
    return message, str(found.get("code") or "")
