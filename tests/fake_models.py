"""A real HTTP server that speaks the streaming formats of OpenAI and Anthropic, faults included.

What it does is chosen by the model's name, so that a browser test can choose it too:

=================  ====================================================================
ok                 quotes the first sentence of the first two sources, with markers
nearest            quotes the one line of all sources that shares most words with the question
slow               the same as ok, a word at a time with ``delay_s`` between
unknown-marker     the same as ok, then a sentence that cites source 99
abstain            says the sentence that stands for "the documents do not answer"
no-usage           a server that does not know ``stream_options`` (400 that names it)
limited            429 with ``retry-after: 0`` the first time, then ok
limited-for-long   429 with ``retry-after: 3600``
wrong-key          401; its message repeats the key
missing            404
overflow           400: the prompt is too long
broken             500 always
overloaded         an error event in the middle of the stream
cut                the connection closes in the middle of the answer
hang               accepts the request and says nothing
hang-midway        a few words, then nothing (Anthropic: pings)
refusal            a few words, then the provider refuses
length             a few words, then the limit
garbage            a stream that is not JSON
=================  ====================================================================

With Anthropic's format, sampling parameters are answered with 400, as the real one does.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_SOURCE = re.compile(r"<<<source (\d+) (\w+)>>>\n.*?\n\n(.*?)\n<<<end of source \1 \2>>>", re.DOTALL)
_SENTENCE = re.compile(r"\S.*?[.!?](?=\s|$)", re.DOTALL)
_LONG_WORD = re.compile(r"\w{4,}")
_ABSTENTION = "The documents do not answer this question."
_ERRORS = {
    "wrong-key": (401, "authentication_error", "Incorrect API key provided: {key}."),
    "missing": (404, "not_found_error", "The model does not exist."),
    "overflow": (400, "invalid_request_error", "prompt is too long: 205351 tokens > 200000 maximum"),
    "broken": (500, "api_error", "The server had an error."),
}


@dataclass
class FakeModels:
    """The server, as a context manager.

    Attributes:
        delay_s: Pause between two pieces of a ``slow`` answer.
        requests: Bodies of the calls that came in, in order.
        hung_up: How many callers closed the connection before the answer was over.
    """

    delay_s: float = 0.05
    requests: list[dict[str, Any]] = field(default_factory=list)
    hung_up: int = 0

    def __enter__(self) -> FakeModels:
        self.stopping = threading.Event()
        self._limited: set[str] = set()
        fake = self

        class Handler(_Handler):
            models = fake

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def openai_url(self) -> str:
        """For ``OPENAI_BASE_URL``."""
        return f"{self.url}/v1"

    @property
    def anthropic_url(self) -> str:
        """For ``ANTHROPIC_BASE_URL``."""
        return self.url

    def first_time(self, name: str) -> bool:
        """Whether ``name`` was not asked for before."""
        new = name not in self._limited
        self._limited.add(name)
        return new


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A caller that hangs up is a part of the tests; anything else is a bug of this file.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    models: FakeModels
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.models.requests.append(body)
        speaks: dict[str, Callable[[dict[str, Any]], Iterator[bytes | None]]] = {
            "/v1/chat/completions": _openai_events,
            "/v1/messages": _anthropic_events,
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
            key = self.headers.get("authorization", "").removeprefix("Bearer ") or self.headers.get("x-api-key", "")
            self._fail(status, kind, words.format(key=key))
        elif model == "limited" and self.models.first_time(model):
            self._fail(429, "rate_limit_error", "Slow down.", {"retry-after": "0"})
        elif model == "limited-for-long":
            self._fail(429, "rate_limit_error", "Slow down.", {"retry-after": "3600"})
        elif model == "no-usage" and "stream_options" in body:
            self._fail(400, "invalid_request_error", "Unrecognized request argument supplied: stream_options")
        elif self.path == "/v1/messages" and {"temperature", "top_p", "top_k"} & body.keys():
            self._fail(400, "invalid_request_error", "sampling parameters are not supported")
        elif model == "hang":
            self._wait_for_hang_up()
        else:
            return False
        return True

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
                if event is None:  # the model falls silent, or the connection breaks
                    if model == "hang-midway":
                        self._wait_for_hang_up()
                    self.close_connection = True
                    return
                self._send(event)
                if model == "slow" and number:
                    time.sleep(self.models.delay_s)
            self.wfile.write(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            self.models.hung_up += 1
            self.close_connection = True

    def _send(self, event: bytes) -> None:
        self.wfile.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
        self.wfile.flush()

    def _wait_for_hang_up(self) -> None:
        self.connection.settimeout(0.05)
        self.close_connection = True
        while not self.models.stopping.is_set():
            try:
                if self.connection.recv(1) == b"":
                    self.models.hung_up += 1
                    return
            except TimeoutError:
                continue
            except OSError:
                return


def _openai_events(body: dict[str, Any]) -> Iterator[bytes | None]:
    model = body["model"]

    def event(delta: dict[str, str], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return _data({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]})

    prompt = body["messages"][-1]["content"]
    quotes = [(int(number), _first_sentence(text)) for number, _, text in _SOURCE.findall(prompt)[:2]]
    if model == "nearest":
        quotes = [_nearest_line(prompt)]
    yield event({"role": "assistant", "content": ""})
    text = " ".join(f"{sentence} [{number}]" for number, sentence in quotes)
    if model == "unknown-marker":
        text += " Nobody said this. [99]"
    if model == "abstain":
        text = _ABSTENTION
    for piece in _pieces(text, model):
        if piece is None:
            yield _fault_of_openai(model)
            return
        yield event({"content": piece})
    yield event({}, {"length": "length", "refusal": "content_filter"}.get(model, "stop"))
    if "stream_options" in body:
        usage = {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150}
        yield _data(
            {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [], "usage": usage}
        )
    yield b"data: [DONE]\n\n"


def _fault_of_openai(model: str) -> bytes | None:
    match model:
        case "garbage":
            return b"data: <html>\n\n"
        case "overloaded":
            return _data({"error": {"message": "The server is overloaded.", "type": "server_error"}})
        case _:
            return None


def _anthropic_events(body: dict[str, Any]) -> Iterator[bytes | None]:
    model = body["model"]
    blocks = [block for block in body["messages"][-1]["content"] if block["type"] == "search_result"]
    usage = {"input_tokens": 120, "output_tokens": 1}
    message = {"id": "m", "type": "message", "role": "assistant", "model": model, "content": [], "usage": usage}
    yield _named("message_start", message={**message, "stop_reason": None, "stop_sequence": None})
    yield _named("ping")
    quotes = [] if model == "abstain" else list(enumerate(blocks[:2]))
    for index, block in quotes:
        opening = {"type": "text", "text": "", "citations": []}
        yield _named("content_block_start", index=index, content_block=opening)
        sentence = block["content"][0]["text"]
        citation = {
            "type": "search_result_location",
            "cited_text": sentence,
            "search_result_index": index,
            "start_block_index": 0,
            "end_block_index": 1,
            "source": block["source"],
            "title": block["title"],
        }
        yield _named("content_block_delta", index=index, delta={"type": "citations_delta", "citation": citation})
        for piece in _pieces(("" if index == 0 else " ") + sentence, model):
            if piece is None:
                yield from _fault_of_anthropic(model)
                return
            yield _named("content_block_delta", index=index, delta={"type": "text_delta", "text": piece})
        yield _named("content_block_stop", index=index)
    if not quotes:
        yield _named("content_block_start", index=0, content_block={"type": "text", "text": ""})
        yield _named("content_block_delta", index=0, delta={"type": "text_delta", "text": _ABSTENTION})
        yield _named("content_block_stop", index=0)
    stop = {"length": "max_tokens", "refusal": "refusal"}.get(model, "end_turn")
    yield _named("message_delta", delta={"stop_reason": stop, "stop_sequence": None}, usage={"output_tokens": 30})
    yield _named("message_stop")


def _fault_of_anthropic(model: str) -> Iterator[bytes | None]:
    match model:
        case "garbage":
            yield b"event: content_block_delta\ndata: <html>\n\n"
        case "overloaded":
            yield _named("error", error={"type": "overloaded_error", "message": "Overloaded"})
        case "hang-midway":
            yield _named("ping")
            yield None
        case _:
            yield None


def _pieces(text: str, model: str) -> Iterator[str | None]:
    """Cut a text as models do, in the middle of words and markers; ``None`` where a fault strikes."""
    faulty = model in {"cut", "hang-midway", "overloaded", "garbage"}
    size = 6 if faulty or model == "slow" else 12
    for at in range(0, len(text), size):
        if faulty and at >= 2 * size:
            yield None
            return
        yield text[at : at + size]


def _first_sentence(text: str) -> str:
    match = _SENTENCE.search(text)
    return " ".join((match.group() if match else text[:200]).split())


def _nearest_line(prompt: str) -> tuple[int, str]:
    asked = set(_LONG_WORD.findall(prompt.rpartition("<<<end of source")[2].lower()))
    lines = [(int(number), line.strip()) for number, _, text in _SOURCE.findall(prompt) for line in text.splitlines()]
    return max(lines, key=lambda line: len(asked & set(_LONG_WORD.findall(line[1].lower()))))


def _data(payload: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(payload)}\n\n".encode()


def _named(kind: str, **payload: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **payload})}\n\n".encode()
