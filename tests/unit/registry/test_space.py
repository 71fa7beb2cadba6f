from __future__ import annotations

import io
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from citewise.errors import NoSpaceError
from citewise.registry.blobs import PIECE, PIECES_BETWEEN_LOOKS, Blobs
from citewise.registry.database import Registry
from citewise.registry.space import free_bytes, require_free

Usage = namedtuple("Usage", "total used free")


def say(monkeypatch: pytest.MonkeyPatch, *free: int) -> list[Path]:
    """Make the disk say how much is free, one figure after the other; the last one stays."""
    figures, asked = list(free), []

    def disk_usage(path: Path) -> Usage:
        asked.append(path)
        return Usage(10**12, 0, figures.pop(0) if len(figures) > 1 else figures[0])

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    return asked


def test_the_free_space_of_a_path_that_is_not_there_yet_is_that_of_its_disk(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "not" / "there") > 0


@pytest.mark.parametrize(("free", "needed"), [(500, 250), (500, 0), (2_000, 1_000)])
def test_room_for_twice_the_job_and_for_what_is_kept_passes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, needed: int
) -> None:
    say(monkeypatch, free)
    require_free(tmp_path, needed, keep=500)


@pytest.mark.parametrize(("free", "needed"), [(499, 0), (499, 100), (1_999, 1_000)])
def test_less_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, needed: int) -> None:
    say(monkeypatch, free)
    with pytest.raises(NoSpaceError, match=r"nothing was stored\. Free some space"):
        require_free(tmp_path, needed, keep=500)


def test_the_refusal_says_how_much_is_free_and_how_much_is_needed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    say(monkeypatch, 120_000_000)
    with pytest.raises(NoSpaceError, match=r"Only 120 MB are free .* and 500 MB have to be"):
        require_free(tmp_path, 0, keep=500_000_000)


def test_a_disk_that_does_not_say_is_let_through(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def disk_usage(_path: Path) -> Usage:
        raise OSError("no such call")

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    require_free(tmp_path, 10**15, keep=0)


def test_an_upload_that_would_fill_the_disk_is_refused_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    blobs = Blobs(tmp_path, keep_free=1_000)
    say(monkeypatch, 1_999)
    blobs.put(io.BytesIO(b"x" * 999), limit_bytes=10**6)
    with pytest.raises(NoSpaceError):
        blobs.put(io.BytesIO(b"x" * 1_000), limit_bytes=10**6)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_an_upload_stops_when_the_disk_fills_up_while_it_is_copied(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    blobs = Blobs(tmp_path, keep_free=10**9)
    say(monkeypatch, 2 * 10**9, 10**9 - 1)
    with pytest.raises(NoSpaceError):
        blobs.put(io.BytesIO(bytes(PIECE * PIECES_BETWEEN_LOOKS)), limit_bytes=10**9)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_stream_that_cannot_say_its_size_is_taken(tmp_path: Path) -> None:
    class OneWay(io.RawIOBase):
        def __init__(self) -> None:
            self._left = [b"some ", b"bytes"]

        def read(self, _size: int = -1) -> bytes:
            return self._left.pop(0) if self._left else b""

    assert Blobs(tmp_path).put(OneWay(), limit_bytes=100)[1] == 10  # type: ignore[arg-type]


def test_a_full_disk_is_the_same_error_from_the_registry(registry: Registry) -> None:
    with pytest.raises(NoSpaceError, match="full; nothing was stored"), registry.write() as tx:
        pages = tx.exec_driver_sql("PRAGMA page_count").scalar()
        tx.exec_driver_sql(f"PRAGMA max_page_count={pages}")  # SQLite then answers as on a full disk
        for number in range(2_000):
            tx.exec_driver_sql("INSERT INTO collections VALUES (?, ?, 0)", (str(number), str(number)))
