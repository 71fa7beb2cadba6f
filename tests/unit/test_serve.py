from __future__ import annotations

import os
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from streamlit.runtime.scriptrunner.exec_code import modified_sys_path

from citewise import serve
from citewise.settings import IngestSettings

ROOT = Path(__file__).parents[2]


def test_a_port_that_is_taken_is_told_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SystemExit) as leaving:
            serve.run(host="127.0.0.1", port=taken.getsockname()[1])
    assert leaving.value.code == 1
    said = capsys.readouterr().err
    assert "cannot listen on 127.0.0.1" in said
    assert said.count("\n") == 1


def test_an_address_that_is_not_this_machine_s_is_told_in_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(SystemExit) as leaving:
        serve.run(host="nowhere", port=8501)
    assert leaving.value.code == 1
    assert "cannot listen on nowhere:8501: name or service not known." in capsys.readouterr().err


def test_a_directory_in_use_ends_the_start_with_75_and_a_sentence(tmp_path: Path) -> None:
    from citewise.registry.owner import OwnerLock  # noqa: PLC0415 - what holds the directory, and nothing else

    lock = OwnerLock(tmp_path)
    lock.announce("http://127.0.0.1:1234")
    try:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-c", f"from citewise import serve; serve.run(port={port})"],
            env={**os.environ, "CITEWISE_HOME": str(tmp_path)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        lock.release()
    assert ended.returncode == 75, ended.stderr
    assert "is in use by process" in ended.stderr
    assert "http://127.0.0.1:1234" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_both_ways_to_start_read_the_same_configuration() -> None:
    assert (ROOT / ".streamlit" / "config.toml").read_bytes() == serve.CONFIG.read_bytes()


def test_the_configuration_keeps_to_this_machine() -> None:
    options = tomllib.loads(serve.CONFIG.read_text(encoding="utf-8"))
    assert options["browser"]["gatherUsageStats"] is False
    assert options["server"]["address"] == "127.0.0.1"
    assert options["client"]["showErrorDetails"] == "none"
    assert "http" not in "".join(str(value) for value in options["theme"].values())


def test_the_browser_takes_files_as_large_as_the_engine() -> None:
    options = tomllib.loads(serve.CONFIG.read_text(encoding="utf-8"))
    assert options["server"]["maxUploadSize"] == IngestSettings().max_file_mb


def test_runs_of_a_page_leave_the_import_path_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    serve._keep_import_path_still()
    before = list(sys.path)
    with modified_sys_path(str(serve.SCRIPT)):
        assert sys.path == before
