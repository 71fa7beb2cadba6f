from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from citewise.api import create_app, health_routes
from citewise.cli import main
from tests.unit.api.fake_engine import FakeEngine


@dataclass(frozen=True)
class Ran:
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        (line,) = self.out.splitlines()
        return json.loads(line)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]

    def assert_one_sentence(self, words: str) -> None:
        assert words in self.err
        assert len(self.err.strip().splitlines()) == 1, self.err
        assert "Traceback" not in self.err


Run = Callable[..., Ran]


@contextmanager
def logging_restored() -> Iterator[None]:
    """Put logging back as it was: commands configure it for the whole process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def command_runner(capsys: pytest.CaptureFixture[str]) -> Run:
    """Give a function that runs a command in this process."""

    def run_command(*arguments: object) -> Ran:
        capsys.readouterr()
        code: Any = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code or 0
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run_command


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    """The engine that commands of this process open."""
    folder = tmp_path / "engine"
    folder.mkdir()
    engine = FakeEngine(folder)
    build = ModuleType("citewise.build")
    build.open_engine = lambda _settings, **_options: engine  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "citewise.build", build)
    with logging_restored():
        yield engine


@pytest.fixture
def run(engine: FakeEngine, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command over the engine in memory."""
    return command_runner(capsys)


@pytest.fixture
def server(engine: FakeEngine) -> Iterator[str]:
    """The address of a server over the same engine."""
    app = Starlette(routes=[Mount("/api", app=create_app(lambda: engine)), *health_routes(lambda: engine)])
    served = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=served.run, daemon=True)
    thread.start()
    while not served.started:
        time.sleep(0.005)
    port = served.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    served.should_exit = True
    thread.join(60)


@pytest.fixture(params=["here", "over the API"])
def anywhere(request: pytest.FixtureRequest, run: Run) -> Run:
    """Runs a command in this process, and then the same command over the API."""
    if request.param == "here":
        return run
    server = request.getfixturevalue("server")
    return lambda *arguments: run(*arguments, "--server", server)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A folder of two notes, one of them in a folder of its own, and things to pass over."""
    folder = tmp_path / "notes"
    (folder / "boats").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "tides.txt").write_text(
        "The spring tide reaches 4.2 metres at the old harbour.\n\nThe moon does it.\n", encoding="utf-8"
    )
    (folder / "boats" / "ferry.md").write_text("The ferry leaves the north pier at noon.\n", encoding="utf-8")
    (folder / "tune.ogg").write_bytes(b"OggS\x00")
    (folder / ".hidden.txt").write_text("hidden")
    (folder / ".git" / "config.txt").write_text("hidden")
    (folder / "link.txt").symlink_to(folder / "tides.txt")
    return folder
