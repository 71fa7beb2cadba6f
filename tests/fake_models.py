"""A real HTTP server that speaks the streaming formats of OpenAI and Anthropic, faults included.

What it does is chosen by the model's name, so that a browser test can choose it too:

=================  ====================================================================
ok                 quotes the first sentence of the first two sources, with markers
nearest            quotes the one line of all sources that shares most words with the question
slow               the same as ok, a word at a time with ``delay_s`` between
unknown-marker     the same as ok, then a sentence that cites source 99
abstain            says the sentence that stands for "the documents do not answer"
obedient           repeats its sources, and turns every address in them into links and images
judge-VERDICT      that verdict, as JSON, on every sentence it is asked about; judge-prose: no JSON
no-usage           a server that does not know ``stream_options`` (400 that names it)
strict             the same, but the 400 names nothing
narrow             400, too long, for more than one source; else ok
limited            429 with ``retry-after: 0`` the first time, then ok
limited-by-date    the same with a date that has passed
limited-briefly    429 without ``retry-after`` the first time, then ok
limited-always     429 without ``retry-after``
limited-for-long   429 with ``retry-after: 3600``
wrong-key          401; its message repeats the key
missing            404
overflow           400: the prompt is too long
broken             500 always
status-N           that status always; its message repeats the key
reset              the connection is reset instead of an answer
overloaded         an error event in the middle of the stream
cut                the connection closes in the middle of the answer
cut-N              the same after N pieces of text
reset-midway       the connection is reset in the middle of the answer
hang               accepts the request and says nothing
hang-midway        a few words, then nothing (Anthropic: pings)
pings              events without a word, for ever
trickle            the same as ok, a byte at a time with ``trickle_s`` between
refusal            a few words, then the provider refuses
length             a few words, then the limit
garbage            a few words, then what is not JSON
garbage-first      what is not JSON
odd                JSON that is no event
empty              a stream without text that ends as it should
no-body            status 200 and nothing
page               status 200 and a web page
duplicate          the same as ok, every event without text twice
=================  ====================================================================

With Anthropic's format, sampling parameters are answered with 400, as the real one does.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.fake_wire import anthropic_events, has_text, openai_events, sources_of
from tests.loopback import LoopbackServer

_ERRORS = {
    "wrong-key": (401, "authentication_error", "Incorrect API key provided: {key}."),
    "missing": (404, "not_found_error", "The model does not exist."),
    "overflow": (400, "invalid_request_error", "prompt is too long: 205351 tokens > 200000 maximum"),
    "broken": (500, "api_error", "The server had an error."),
}

_PING_S = 0.1


@dataclass
class FakeModels(LoopbackServer):
    """The server, as a context manager.

    Attributes:
        delay_s: Pause between two pieces of a ``slow`` answer.
        trickle_s: Pause between two bytes of a ``trickle``.
        requests: Bodies of the calls that came in, in order.
        hung_up: How many callers closed the connection before the answer was over.
    """

    delay_s: float = 0.05
    trickle_s: float = 1.0
    requests: list[dict[str, Any]] = field(default_factory=list)
    hung_up: int = 0
    _limited: set[str] = field(default_factory=set, init=False, repr=False)

    def handler(self) -> type[BaseHTTPRequestHandler]:
        return _Handler

    @property
    def anthropic_url(self) -> str:
        """For ``ANTHROPIC_BASE_URL``."""
        return self.url

    @property
    def asked(self) -> list[str]:
        """The models of the calls that came in, in order."""
        return [request["model"] for request in self.requests]

    def first_time(self, name: str) -> bool:
        """Whether ``name`` was not asked for before."""
        new = name not in self._limited
        self._limited.add(name)
        return new


class _Handler(BaseHTTPRequestHandler):
    fake: FakeModels
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.fake.requests.append(body)
        speaks: dict[str, Callable[[dict[str, Any]], Iterator[bytes | None]]] = {
            "/v1/chat/completions": openai_events,
            "/v1/messages": anthropic_events,
        }
        events = speaks.get(self.path)
        if events is None:
            self._fail(404, "not_found_error", f"There is no {self.path} here.")
        elif not self._refuse(body):
            with suppress(BrokenPipeError, ConnectionResetError):
                self._stream(body["model"], events(body))

    def _refuse(self, body: dict[str, Any]) -> bool:
        model = body["model"]
        if model in _ERRORS:
            status, kind, words = _ERRORS[model]
            self._fail(status, kind, words.format(key=self._key))
        elif model.startswith("status-"):
            self._fail(int(model.removeprefix("status-")), "api_error", f"No. You are {self._key}.")
        elif model.startswith("limited"):
            return self._limit(model)
        elif model == "no-usage" and "stream_options" in body:
            self._fail(400, "invalid_request_error", "Unrecognized request argument supplied: stream_options")
        elif model == "strict" and "stream_options" in body:
            self._fail(400, "invalid_request_error", "Extra inputs are not permitted")
        elif model == "narrow" and len(sources_of(body)) > 1:
            self._fail(*_ERRORS["overflow"])
        elif model == "reset":
            self._reset()
        elif model in {"no-body", "page"}:
            self._page(b"" if model == "no-body" else b"<!doctype html><title>Welcome</title>")
        elif self.path == "/v1/messages" and {"temperature", "top_p", "top_k"} & body.keys():
            self._fail(400, "invalid_request_error", "sampling parameters are not supported")
        elif model == "hang":
            self._wait_for_hang_up()
        else:
            return False
        return True

    def _limit(self, model: str) -> bool:
        always = model in {"limited-always", "limited-for-long"}
        if not always and not self.fake.first_time(model + self.path):
            return False
        after = {"limited": "0", "limited-by-date": "Wed, 21 Oct 2015 07:28:00 GMT", "limited-for-long": "3600"}
        self._fail(429, "rate_limit_error", "Slow down.", {"retry-after": after[model]} if model in after else {})
        return True

    @property
    def _key(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ") or self.headers.get("x-api-key", "")

    def _page(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _reset(self) -> None:
        # Closing with a linger of no seconds sends a reset instead of an end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _fail(self, status: int, kind: str, message: str, headers: dict[str, str] | None = None) -> None:
        content = json.dumps({"type": "error", "error": {"type": kind, "message": message, "code": kind}}).encode()
        self.send_response(status)
        for name, value in {
            "content-type": "application/json",
            "content-length": str(len(content)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, model: str, events: Iterator[bytes | None]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        try:
            for number, event in enumerate(events):
                if model == "pings" and self.fake.stopping.wait(_PING_S):
                    return
                if event is None:  # the model falls silent, or the connection breaks
                    if model == "hang-midway":
                        self._wait_for_hang_up()
                    elif model == "reset-midway":
                        self._reset()
                    self.close_connection = True
                    return
                if model == "trickle":
                    self._trickle(event)
                    continue
                self._send(event)
                if model == "duplicate" and not has_text(event):
                    self._send(event)
                if model == "slow" and number:
                    time.sleep(self.fake.delay_s)
            self.wfile.write(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            self.fake.hung_up += 1
            self.close_connection = True

    def _send(self, event: bytes) -> None:
        self.wfile.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
        self.wfile.flush()

    def _trickle(self, event: bytes) -> None:
        for byte in event:
            self._send(bytes([byte]))
            if self.fake.stopping.wait(self.fake.trickle_s):
                raise BrokenPipeError

    def _wait_for_hang_up(self) -> None:
        self.connection.settimeout(0.05)
        self.close_connection = True
        while not self.fake.stopping.is_set():
            try:
                if self.connection.recv(1) == b"":
                    self.fake.hung_up += 1
                    return
            except TimeoutError:
                continue
            except OSError:
                return
