from __future__ import annotations

from pathlib import Path

import pytest

from tools import chromium


@pytest.fixture(autouse=True)
def _bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(chromium, "MAC_PROGRAM", tmp_path / "absent")
    monkeypatch.setattr(chromium, "_playwrights_own", lambda: None)
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 0)


def program(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def commands_run(monkeypatch: pytest.MonkeyPatch, *, effect: object = lambda command: True) -> list[list[str]]:
    ran: list[list[str]] = []

    def record(command: list[str]) -> object:
        ran.append(command)
        return effect(command)  # type: ignore[operator]

    monkeypatch.setattr(chromium, "_succeeds", record)
    return ran


def test_the_one_on_the_path_is_taken_and_nothing_is_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ran = commands_run(monkeypatch)
    expected = program(tmp_path, "chromium-browser")
    program(tmp_path, "apt-get")
    assert chromium.bring_chromium() == expected
    assert ran == []


def test_root_on_debian_gets_the_package_after_an_update(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def install(command: list[str]) -> bool:
        if "install" in command:
            program(tmp_path, "chromium")
        return True

    program(tmp_path, "apt-get")
    ran = commands_run(monkeypatch, effect=install)
    assert chromium.bring_chromium() == tmp_path / "chromium"
    assert [command[:2] for command in ran] == [["apt-get", "update"], ["apt-get", "install"]]


def test_others_and_failed_packages_get_playwrights_download(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def download(command: list[str]) -> bool:
        if "playwright" in command:
            monkeypatch.setattr(chromium, "_playwrights_own", lambda: tmp_path / "downloaded")
        return "apt-get" not in command

    program(tmp_path, "apt-get")
    ran = commands_run(monkeypatch, effect=download)
    assert chromium.bring_chromium() == tmp_path / "downloaded"
    assert ran[0] == ["apt-get", "update"]

    ran.clear()
    monkeypatch.setattr(chromium, "_playwrights_own", lambda: None)
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 1000)
    assert chromium.bring_chromium() == tmp_path / "downloaded"
    assert [command[1:] for command in ran] == [["-m", "playwright", "install", "chromium"]]


def test_where_none_can_be_had_one_sentence_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands_run(monkeypatch, effect=lambda _: False)
    assert chromium.main() == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"{chromium.NOTHING_FOUND}\n"
