from __future__ import annotations

from pathlib import Path

import pytest

from tools import tesseract


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that would have been run, by root on a machine without Tesseract."""
    called: list[list[str]] = []
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tesseract.os, "geteuid", lambda: 0)
    monkeypatch.setattr(tesseract, "_succeeds", lambda command: not called.append(command))
    return called


def program(folder: Path) -> Path:
    path = folder / "tesseract"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_an_installed_tesseract_is_taken(tmp_path: Path, commands: list[list[str]]) -> None:
    expected = program(tmp_path)
    assert tesseract.bring_tesseract() == expected
    assert commands == []


def test_root_gets_debians_package(commands: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    assert tesseract.main() == 0
    assert [command[:2] for command in commands] == [["apt-get", "update"], ["apt-get", "install"]]
    assert "tests of OCR by it are skipped" in capsys.readouterr().err


def test_nobody_else_is_asked_to_install(commands: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tesseract.os, "geteuid", lambda: 1000)
    assert tesseract.bring_tesseract() is None
    assert commands == []
