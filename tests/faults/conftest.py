"""What the fault tests share: the short and the long form, the lives, and the figures at the end."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from tests.faults import shim
from tests.faults.lives import Lives

FIGURES = pytest.StashKey[list[str]]()
LONG = bool(os.environ.get("SOAK"))
AT_ONCE = 4  # places that something happens in at the same time: much of it waits for the disk or a child

Case = TypeVar("Case")


@pytest.fixture(scope="session")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Lives:
    return Lives(shim.built(tmp_path_factory.mktemp("shim")))


@pytest.fixture
def shimmed(lives: Lives) -> Lives:
    """Lives whose file operations can be made to fail."""
    if not lives.shimmed:
        pytest.skip("file operations can only be made to fail on Linux, where there is a C compiler (`cc`)")
    return lives


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes lines that are printed at the end of the run."""
    return request.config.stash.setdefault(FIGURES, []).append


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    lines = config.stash.get(FIGURES, [])
    if lines:
        terminalreporter.section(f"faults, {'long' if LONG else 'short'} form")
        for line in lines:
            terminalreporter.write_line(line)


def how_many(short: int, long: int) -> int:
    """How often something is done: few times in CI, many in ``make soak``."""
    return long if LONG else short


def side_by_side(run: Callable[[Case], list[str]], cases: Sequence[Case]) -> list[str]:
    """Run cases that have nothing to do with each other, some at a time; what all of them found wrong."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return [sentence for found in threads.map(run, cases) for sentence in found]
