from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from citewise.engine import Engine
from tests.unit.engine.test_engine import FERRY, LIGHTHOUSE, add, opened


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine over a library of two documents."""
    engine = opened(tmp_path / "data")
    add(engine, "ferry.txt", FERRY)
    add(engine, "lighthouse.md", LIGHTHOUSE)
    yield engine
    engine.close()
