from __future__ import annotations

import importlib.metadata
from email.message import Message
from pathlib import Path

import pytest

from tools.lock import LockError, closure, render


class Installed(importlib.metadata.Distribution):
    def __init__(self, name: str, version: str, *requires: str) -> None:
        self._metadata = Message()
        self._metadata["Name"] = name
        self._metadata["Version"] = version
        self._requires = list(requires)

    @property
    def metadata(self) -> Message:  # type: ignore[override]
        return self._metadata

    @property
    def requires(self) -> list[str]:  # type: ignore[override]
        return self._requires

    def read_text(self, filename: str) -> None:
        return None

    def locate_file(self, path: object) -> Path:
        raise NotImplementedError


WORLD = {
    "app": Installed(
        "app", "1.0", "library>=2", 'extra-thing; extra == "fast"', 'windows-only; sys_platform == "win32"'
    ),
    "library": Installed("library", "2.1+cpu", "app"),
    "extra-thing": Installed("Extra_Thing", "3"),
    "bystander": Installed("bystander", "9"),
}


def lookup(name: str) -> Installed:
    try:
        return WORLD[name]
    except KeyError:
        raise importlib.metadata.PackageNotFoundError(name) from None


def names(*requirements: str) -> list[str]:
    return list(closure(requirements, lookup=lookup))


def test_requirements_are_followed_round_circles_and_bystanders_stay_out() -> None:
    assert names("app") == ["app", "library"]


def test_extras_bring_theirs_also_when_the_plain_package_came_first() -> None:
    assert names("App[fast]") == ["app", "extra-thing", "library"]
    assert names("app", "app[fast]") == names("app[fast]", "app") == ["app", "extra-thing", "library"]


def test_what_is_not_installed_is_named() -> None:
    with pytest.raises(LockError, match="absent>=1 is not installed"):
        names("app", "absent>=1")


def test_what_is_installed_in_a_wrong_version_is_named() -> None:
    with pytest.raises(LockError, match=r"library 2\.1\+cpu is installed, but library>=3"):
        names("library>=3")


def test_pins_leave_out_the_build_of_this_machine() -> None:
    text = render(closure(["app"], lookup=lookup), purpose="For a test.")
    assert text.startswith("# For a test.\n")
    assert text.endswith("\napp==1.0\nlibrary==2.1\n")
