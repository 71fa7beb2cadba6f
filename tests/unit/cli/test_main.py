from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import structlog

from citewise.cli import output
from citewise.cli.progress import progress
from citewise.errors import DirectoryInUseError, ProviderError
from citewise.upkeep import Health
from tests.unit.api.fake_engine import FakeEngine
from tests.unit.cli.conftest import Run

HEAVY = ("torch", "chromadb", "streamlit", "fastapi", "sqlalchemy", "rich", "httpx2", "structlog")


def fail_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def open_engine(_settings: Any, **_options: Any) -> FakeEngine:
        raise error

    build = ModuleType("citewise.build")
    build.open_engine = open_engine  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "citewise.build", build)


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys\nfrom citewise.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print('loaded:', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "loaded: []" in ran.stdout
    commands = "serve add list show remove collections search ask eval backup restore doctor"
    for command in commands.split():
        assert f"\n  {command} " in ran.stdout


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("command", [[], ["add"], ["search"], ["doctor"]])
def test_every_command_explains_itself(run: Run, command: list[str], option: str) -> None:
    ran = run(*command, option)
    assert ran.code == 0
    assert "Usage: citewise" in ran.out


def test_the_version_is_told(run: Run) -> None:
    assert run("--version").out.startswith("citewise ")


def test_a_directory_in_use_ends_with_75_and_the_way_out(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, DirectoryInUseError(directory="/d", pid=42, url="http://127.0.0.1:8501"))
    ran = run("list")
    assert ran.code == 75
    ran.assert_one_sentence("process 42, which serves http://127.0.0.1:8501")
    assert "--server http://127.0.0.1:8501" in ran.err


def test_an_unforeseen_error_is_a_sentence_and_its_details_are_kept(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CITEWISE_HOME", str(tmp_path / "home"))
    fail_with(monkeypatch, ZeroDivisionError("with sk-abcdefghijklmnopqrst"))
    without_home = run("list")
    assert without_home.code == 1
    without_home.assert_one_sentence("CITEWISE_LOG_LEVEL=debug")
    (tmp_path / "home").mkdir()
    ran = run("list")
    assert ran.code == 1
    ran.assert_one_sentence(str(tmp_path / "home" / "citewise.log"))
    details = (tmp_path / "home" / "citewise.log").read_text()
    assert "ZeroDivisionError" in details
    assert "sk-abcdefghijklmnopqrst" not in details


def test_what_is_logged_on_the_way_is_kept_out_of_sight(
    run: Run, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CITEWISE_HOME", str(tmp_path))
    health = engine.health

    def talkative() -> Health:
        structlog.get_logger("citewise.engine").error("index is slow", exc_info=ValueError("why"))
        return health()

    engine.health = talkative  # type: ignore[method-assign]
    ran = run("doctor")
    assert (ran.code, ran.err) == (0, "")
    assert "ValueError: why" in (tmp_path / "citewise.log").read_text()
    monkeypatch.setenv("CITEWISE_LOG_LEVEL", "error")
    assert "index is slow" in run("doctor").err


def test_debugging_shows_where_it_happened(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITEWISE_LOG_LEVEL", "debug")
    fail_with(monkeypatch, ZeroDivisionError("here"))
    assert "Traceback" in run("list").err


def test_a_read_only_place_is_a_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, PermissionError(13, "Permission denied", "/data/registry.sqlite3"))
    ran = run("list")
    assert ran.code == 1
    ran.assert_one_sentence("/data/registry.sqlite3: Permission denied.")


def test_a_wrong_setting_is_a_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITEWISE_SEARCH__KK", "3")
    ran = run("list")
    assert ran.code == 1
    ran.assert_one_sentence("There is no setting CITEWISE_SEARCH__KK")


def test_the_engine_is_closed_whatever_happens(run: Run, engine: FakeEngine) -> None:
    engine.failure = ZeroDivisionError()
    assert run("list").code == 1
    assert engine.closed


def test_a_server_that_is_not_there_is_a_sentence(run: Run) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for command in (["list"], ["ask", "x"], ["doctor"]):
        ran = run(*command, "--server", f"http://127.0.0.1:{port}")
        assert ran.code == 1
        ran.assert_one_sentence("cannot be reached")


@pytest.mark.parametrize(("url", "words"), [("127.0.0.1:8501", "is not the address of a server")])
def test_a_server_that_is_no_address_is_a_sentence(run: Run, url: str, words: str) -> None:
    ran = run("list", "--server", url)
    assert ran.code == 1
    ran.assert_one_sentence(words)


def test_a_server_that_is_something_else_is_a_sentence(run: Run, server: str) -> None:
    for command in (["list"], ["ask", "x"], ["search", "x"]):
        ran = run(*command, "--server", f"{server}/elsewhere")
        assert ran.code == 1
        ran.assert_one_sentence("is not Citewise")


def test_an_unforeseen_error_on_the_server_is_a_sentence_here(run: Run, engine: FakeEngine, server: str) -> None:
    engine.failure = ZeroDivisionError()
    ran = run("list", "--server", server)
    assert ran.code == 1
    assert "The log of the server says what." in ran.err


def test_serve_hands_over_what_was_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[tuple[str, int]] = []
    module = ModuleType("citewise.serve")
    module.run = lambda *, host, port: served.append((host, port))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "citewise.serve", module)
    assert run("serve").code == 0
    assert run("serve", "--host", "::1", "--port", "9000").code == 0
    assert served == [("127.0.0.1", 8501), ("::1", 9000)]
    assert run("serve", "--port", "99999").code == 2


# --- doctor ---------------------------------------------------------------------------


def test_a_healthy_machine_passes_every_check(run: Run, tmp_path: Path) -> None:
    ran = run("doctor", "--json")
    assert (ran.code, ran.json["ok"]) == (0, True)
    names = [check["name"] for check in ran.json["checks"]]
    place = ["data directory", "file system", "disk"]
    assert names == ["Python", "SQLite", *place, "lock", "registry", "index", "answers by"]
    assert "ok" in run("doctor").out


def test_a_problem_says_what_to_do_and_ends_with_1(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, ProviderError("The model is not here. Run `citewise models pull`.", provider="local"))
    ran = run("doctor", "--json")
    assert ran.code == 1
    (problem,) = [check for check in ran.json["checks"] if not check["ok"]]
    assert problem["name"] == "engine"
    assert "citewise models pull" in problem["detail"]


def test_an_index_that_does_not_open_is_a_problem(run: Run, engine: FakeEngine) -> None:
    engine.ready = False
    ran = run("doctor", "--patience", "0")
    assert ran.code == 1
    assert "The index is being opened." in ran.out


def test_a_directory_that_cannot_be_written_is_a_problem(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("CITEWISE_HOME", str(tmp_path / "file"))
    ran = run("doctor", "--json")
    problems = {check["name"]: check["detail"] for check in ran.json["checks"] if not check["ok"]}
    assert "choose another directory with CITEWISE_HOME" in problems["data directory"]


def test_a_server_tells_how_it_is(run: Run, engine: FakeEngine, server: str) -> None:
    assert run("doctor", "--server", server, "--json").json["ok"] is True
    engine.ready = False
    assert run("doctor", "--server", server).code == 1


# --- output ---------------------------------------------------------------------------


def test_what_steers_a_terminal_is_removed() -> None:
    assert output.plain("a\x1b[31mb\u202ec\x9bd\n\te\u200f") == "a[31mbcd\n\te"


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (250_000, "250 kB"), (4_200_000_000, "4.2 GB")]
)
def test_sizes_read_well(count: int, said: str) -> None:
    assert output.size(count) == said


def test_progress_is_silent_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as show:
        show("Indexing", 1, 2)
    assert capsys.readouterr() == ("", "")


def test_progress_is_shown_to_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress() as show:
        show("Indexing [odd] name", 1, 2)
    captured = capsys.readouterr()
    assert "Indexing [odd] name" in captured.err
    assert captured.out == ""
