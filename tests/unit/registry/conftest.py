from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def read_only_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory that this user may look into and not change, also when the tests run as root."""
    directory = tmp_path / "read-only"
    directory.mkdir()
    directory.chmod(0o555)
    monkeypatch.chdir(directory)  # by a relative path, as another user cannot pass through tmp_path
    as_root = os.geteuid() == 0
    if as_root:
        os.seteuid(65534)
    yield Path()
    if as_root:
        os.seteuid(0)
    directory.chmod(0o755)
