"""Answers that wait at a named moment until they are let go: a gate in the engine, or in the model that writes.

A gate is two files, so that it works from one process to another: ``reached`` is there once the
answer is at it, and it goes on when ``open`` is there.
"""

from __future__ import annotations

import json
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.loopback import LoopbackServer

IN_ENGINE = {  # moment: what is held, and whether before or after it
    "begun": ("citewise.asking.Asking._answer", "before"),
    "searching": ("citewise.asking.Asking.search", "before"),
    "found": ("citewise.asking.Asking.search", "after"),
    "checking": ("citewise.answer.generate.check_evidence", "before"),
    "checked": ("citewise.answer.generate.check_evidence", "after"),
    "locating": ("citewise.asking.locate", "before"),
    "storing": ("citewise.registry.turns.finish", "before"),
    "stored": ("citewise.answer.jobs.Progress.finish", "after"),
}
IN_MODEL = (
    "asked",  # the call came in, and nothing was said
    "answering",  # the answer began, without a word
    "after-1",  # pieces of text
    "after-2",
    "after-10",
    "after-50",
    "after-100",
    "half-marker",
    "marker",
    "sentence",
    "all-text",  # and the end is not said
    "ended",  # and the connection stays open
)
MOMENTS = ("begun", "searching", "found", *IN_MODEL, "checking", "checked", "locating", "storing", "stored")
WRITTEN = MOMENTS[MOMENTS.index("ended") :]
"""From here on the model has said everything, so that the answer may be complete in spite of a stop."""

_WAIT_S = 60.0
_MODEL = re.compile(r"paced-(?P<moment>[a-z0-9-]+?)-at-(?P<gate>\w+)")


@dataclass(frozen=True)
class Gate:
    """Where an answer waits."""

    folder: Path

    def pass_(self) -> None:
        """Say that it is reached, and wait until it is open."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "reached").touch()
        _until((self.folder / "open").exists)

    def wait(self) -> bool:
        """Wait until it is reached; whether it was."""
        return _until((self.folder / "reached").exists)

    def open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "open").touch()


def _until(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + _WAIT_S
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.002)
    return True


@contextmanager
def held_at(moment: str, gate: Gate) -> Iterator[None]:
    """Hold an answer of this process at a moment, if it is one of the engine's; once."""
    with ExitStack() as stack:
        if moment in IN_ENGINE:
            target, when = IN_ENGINE[moment]
            stack.enter_context(_gated(target, when, gate))
        yield


def _gated(target: str, when: str, gate: Gate) -> Any:
    original = pkgutil.resolve_name(target)
    passed: list[bool] = []

    def gated(*arguments: Any, **keywords: Any) -> Any:
        if when == "after":
            result = original(*arguments, **keywords)
        if not passed:
            passed.append(True)
            gate.pass_()
        return result if when == "after" else original(*arguments, **keywords)

    return patch(target, gated)


# --- the model ------------------------------------------------------------------------


@dataclass
class PacedModels(LoopbackServer):
    """A server with OpenAI's protocol whose model ``paced-MOMENT-at-GATE`` stops at a moment until its gate is open.

    Attributes:
        gates: Folder of the gates.
        text: What every model says.
        calls: How often each model was asked.
    """

    gates: Path
    text: str
    calls: dict[str, int] = field(default_factory=dict)

    def handler(self) -> type[BaseHTTPRequestHandler]:
        return _Handler


def model_for(moment: str, gate: str) -> str:
    """The name of the model that stops at a moment."""
    return f"openai:paced-{moment}-at-{gate}"


def pieces_of(text: str) -> list[str]:
    """The text as the model says it: a few characters at a time, markers in three pieces."""
    return re.findall(r"\[|\d\]|[^\[]{1,4}?(?=\[)|[^\[]{1,4}", text)


class _Handler(BaseHTTPRequestHandler):
    fake: PacedModels
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        found = _MODEL.fullmatch(body["model"])
        moment, gate = (found["moment"], Gate(self.fake.gates / found["gate"])) if found else ("", None)
        self.fake.calls[body["model"]] = self.fake.calls.get(body["model"], 0) + 1
        with suppress(BrokenPipeError, ConnectionResetError):
            for name, event in _events(self.fake.text):
                if name == "begin":
                    _at("asked", moment, gate)
                    self._begin()
                    _at("answering", moment, gate)
                self._send(event)
                _at(name, moment, gate)
            self.wfile.write(b"0\r\n\r\n")

    def _begin(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def _send(self, event: bytes) -> None:
        self.wfile.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
        self.wfile.flush()


def _at(here: str, moment: str, gate: Gate | None) -> None:
    if gate is not None and here == moment:
        gate.pass_()


def _events(text: str) -> Iterator[tuple[str, bytes]]:
    """The events of an answer, each with the moment that comes after it."""
    yield "begin", _event({"role": "assistant", "content": ""})
    pieces = pieces_of(text)
    seen: set[str] = set()
    for number, piece in enumerate(pieces, start=1):
        name = f"after-{number}"
        if number == len(pieces):
            name = "all-text"
        elif number > 10:
            for kind, is_it in (("half-marker", piece == "["), ("marker", "]" in piece), ("sentence", "." in piece)):
                if is_it and kind not in seen:
                    name = kind
                    seen.add(kind)
                    break
        yield name, _event({"content": piece})
    yield "", _event({}, "stop")
    yield "ended", b"data: [DONE]\n\n"


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    whole = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "paced", "choices": [choice]}
    return f"data: {json.dumps(whole)}\n\n".encode()
