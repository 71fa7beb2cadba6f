"""What the adapters of remote models share: waiting, cancelling, retrying, explaining.

A vendor's stream is read by a thread of its own, so that whoever waits for it can give
up within a moment, whatever the network does.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, Protocol, TypeVar

from citewise.errors import ProviderError
from citewise.providers.endpoint import Endpoint

Event = TypeVar("Event")
Event_co = TypeVar("Event_co", covariant=True)

TOO_LONG = (
    "The question and its sources are longer than {model} can read. "
    "Lower CITEWISE_ANSWER__CONTEXT_TOKENS, or choose a model with a larger context."
)
"""See ``Endpoint.too_long``."""

THINKING_TOKENS = 4_096
"""Kept beside the answer for models that think first: it counts as output and would else leave nothing."""

FIRST_WAIT_S = 0.5
"""Seconds before a failed call is repeated, where the provider does not say; twice that the next time."""

UNREADABLE = (ValueError, TypeError, AttributeError, KeyError)
"""What an SDK raises for a stream that is no JSON or no text, and for JSON that it stumbles over."""

_POLL_S = 0.05
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds; ``first_token_s`` and ``total_s`` for all attempts together."""

    connect_s: float = 5
    first_token_s: float = 20
    between_tokens_s: float = 15
    total_s: float = 120


class VendorStream(Protocol[Event_co]):
    """What both SDKs return for ``stream=True``."""

    @property
    def response(self) -> Any: ...

    def __iter__(self) -> Iterator[Event_co]: ...


@cache
def tls() -> ssl.SSLContext:
    """What all connections of this process trust; reading the certificates takes a tenth of a second."""
    import httpx2  # noqa: PLC0415

    return httpx2.create_ssl_context()


OpenStream = Callable[[], AbstractContextManager[VendorStream[Event_co]]]
"""Sends the request; leaving the context closes the stream and its client."""


class TooSlowError(ProviderError):
    """A time limit of ours ran out; not retried by ourselves, since it took so long already."""


def with_retries(
    attempt: Callable[[float], Iterator[Event]], *, patience: Patience, cancelled: Callable[[], bool]
) -> Iterator[Event]:
    """Yield the events of ``attempt(started)``, calling it again, at most twice, while nothing came of it.

    Waits as long as the provider asks, or half a second and then one; where that is longer than
    the first token may take, the failure is raised at once.

    Args:
        attempt: Gets the time, by ``time.monotonic``, at which the first attempt began.
        patience: Bounds all attempts together.
        cancelled: Polled while waiting.
    """
    started = time.monotonic()
    first_by = started + patience.first_token_s
    for number in range(1, _ATTEMPTS + 1):
        some = False
        try:
            for event in attempt(started):
                some = True
                yield event
            return
        except ProviderError as error:
            wait = error.retry_after if error.retry_after is not None else FIRST_WAIT_S * number
            hopeless = isinstance(error, TooSlowError) or not error.retryable
            if some or hopeless or number == _ATTEMPTS or time.monotonic() + wait >= first_by:
                raise
        until = time.monotonic() + wait
        while time.monotonic() < until:
            if cancelled():
                return
            time.sleep(_POLL_S)


def read_stream(
    open_stream: OpenStream[Event],
    *,
    endpoint: Endpoint,
    patience: Patience,
    started: float,
    is_token: Callable[[Event], bool],
    cancelled: Callable[[], bool],
) -> Iterator[Event]:
    """Yield a vendor's events until the stream ends or ``cancelled()``.

    Args:
        open_stream: Called in a thread of its own.
        endpoint: Named when it is too slow.
        patience: Counted from ``started``.
        started: When the first attempt began, by ``time.monotonic``.
        is_token: Whether an event brings something of the answer. Others, such as pings, say that the
            server lives and do not prolong the wait.
        cancelled: Polled throughout.

    Raises:
        TooSlowError: The first token, the next token or the whole stream took too long.
        Exception: Whatever the SDK raised, unchanged; the adapter explains it.
    """
    reader: _Reader[Event] = _Reader(open_stream)
    silent_by, ended_by = started + patience.first_token_s, started + patience.total_s
    first = True
    try:
        while not cancelled():
            try:
                item = reader.items.get(timeout=_POLL_S)
            except queue.Empty:
                item = None
            if isinstance(item, _Ended):
                if item.error is not None:
                    raise item.error
                return
            now = time.monotonic()
            token = item is not None and is_token(item)
            if now > ended_by or (now > silent_by and not token):
                raise _too_slow(endpoint, patience, first=first, total=now > ended_by)
            if item is not None:
                yield item
            if token:
                silent_by, first = time.monotonic() + patience.between_tokens_s, False
    finally:
        reader.abandon()


@dataclass(frozen=True, slots=True)
class _Ended:
    error: BaseException | None


class _Reader(Generic[Event]):
    """Reads one stream into a queue."""

    def __init__(self, open_stream: OpenStream[Event]) -> None:
        self.items: queue.Queue[Event | _Ended] = queue.Queue()
        self._open_stream = open_stream
        self._stream: VendorStream[Event] | None = None
        self._abandoned = False
        self._lock = threading.Lock()
        threading.Thread(target=self._run, name="model-stream", daemon=True).start()

    def abandon(self) -> None:
        """Have the stream closed, also when the thread waits for its next byte."""
        with self._lock:
            self._abandoned = True
            if self._stream is not None:
                _shut(self._stream)

    def _run(self) -> None:
        ended = _Ended(None)
        try:
            if self._abandoned:
                return  # nobody waits for what would be asked, and paid, from here on
            with self._open_stream() as stream:
                with self._lock:
                    self._stream = stream
                    abandoned = self._abandoned
                try:
                    if not abandoned:
                        for event in stream:
                            self.items.put(event)
                finally:
                    with self._lock:
                        self._stream = None  # from here on its socket may serve somebody else
        except BaseException as error:  # noqa: BLE001 - handed to the waiting thread, which raises it
            ended = _Ended(error)
        self.items.put(ended)


def _shut(stream: VendorStream[Any]) -> None:
    # Closing a socket does not wake a thread that reads from it; shutting it down does.
    network = stream.response.extensions.get("network_stream")
    connection = network.get_extra_info("socket") if network is not None else None
    if connection is None:
        return
    with suppress(OSError):  # it was over already
        connection.shutdown(socket.SHUT_RDWR)


def _too_slow(endpoint: Endpoint, patience: Patience, *, first: bool, total: bool) -> TooSlowError:
    if total:
        what, setting = f"took more than {patience.total_s:g} s for the whole answer", "TOTAL_S"
    elif first:
        what, setting = f"did not begin to answer within {patience.first_token_s:g} s", "FIRST_TOKEN_S"
    else:
        what, setting = (
            f"fell silent for {patience.between_tokens_s:g} s in the middle of the answer",
            "BETWEEN_TOKENS_S",
        )
    return TooSlowError(
        f"{endpoint.label} ({endpoint.host}) {what}. Ask again, or raise CITEWISE_ANSWER__{setting}.",
        provider=endpoint.provider,
        retryable=True,
    )


def cut(endpoint: Endpoint, *, started: bool = True) -> ProviderError:
    """The stream ended in the middle, or before it brought anything of the answer."""
    if started:
        said = "broke off before the answer was complete. What had arrived is kept; ask again for the rest."
    else:
        said = f"broke off before it began to answer. Ask again, or check {endpoint.url_variable}."
    return ProviderError(f"{endpoint.label} ({endpoint.host}) {said}", provider=endpoint.provider, retryable=True)


def empty(endpoint: Endpoint) -> ProviderError:
    """The stream ended as it should and there is no answer in it; not repeated, since it was paid for."""
    return ProviderError(
        f"{endpoint.model} at {endpoint.host} sent an empty answer. Ask again, or choose another model.",
        provider=endpoint.provider,
    )
