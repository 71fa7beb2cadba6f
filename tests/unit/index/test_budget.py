from __future__ import annotations

from pathlib import Path

import pytest

from citewise.errors import StoreError
from citewise.index import budget
from citewise.index.budget import available_memory, index_bytes, require_memory

MEASURED = {
    (10_000, 384): 69_267_456,
    (30_000, 384): 125_071_360,
    (5_000, 1024): 102_146_048,
    (20_000, 1024): 169_783_296,
}


@pytest.mark.parametrize(("rows", "dimension"), list(MEASURED))
def test_the_estimate_covers_what_was_measured_without_doubling_it(rows: int, dimension: int) -> None:
    assert MEASURED[rows, dimension] <= index_bytes(rows, dimension) <= 2 * MEASURED[rows, dimension]


def test_an_index_that_fits_passes_and_one_that_does_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = index_bytes(100_000, 384)
    monkeypatch.setattr(budget, "available_memory", lambda: int(needed / 0.6) + 10)
    require_memory(100_000, 384)
    monkeypatch.setattr(budget, "available_memory", lambda: int(needed / 0.6) - 10)
    with pytest.raises(StoreError, match=r"100,000 chunks takes about 374 MB.*60%.*Close other programs"):
        require_memory(100_000, 384)


def test_where_memory_is_not_known_everything_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "available_memory", lambda: None)
    require_memory(10**9, 4096)


def test_this_machine_says_what_it_has() -> None:
    assert 10**7 < (available_memory() or 10**9) < 10**14


def test_the_limit_of_a_container_counts(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 500\ninactive_file 150\nactive_file 50\n")
    assert budget._of_container(tmp_path) == 450
    (tmp_path / "memory.max").write_text("max\n")
    assert budget._of_container(tmp_path) is None
    assert budget._of_container(tmp_path / "none") is None
