from __future__ import annotations

import errno
import hashlib
import io
import os
import threading
from pathlib import Path

import pytest

from citewise.errors import IngestError, NoSpaceError
from citewise.registry.blobs import Blobs

LIMIT = 5_000_000


def files(directory: Path) -> list[Path]:
    return [path for path in (directory / "blobs").rglob("*") if path.is_file()]


def test_bytes_come_back_under_their_hash(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    content = os.urandom(2_500_000)
    content_hash, size = blobs.put(io.BytesIO(content), limit_bytes=LIMIT)
    assert content_hash == hashlib.sha256(content).hexdigest()
    assert size == len(content)
    assert blobs.path(content_hash) == tmp_path / "blobs" / content_hash[:2] / content_hash
    assert blobs.path(content_hash).read_bytes() == content
    assert blobs.path(content_hash).stat().st_mode & 0o777 == 0o600


def test_the_same_bytes_are_kept_once(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    assert blobs.put(io.BytesIO(b"same"), limit_bytes=LIMIT) == blobs.put(io.BytesIO(b"same"), limit_bytes=LIMIT)
    assert len(files(tmp_path)) == 1


def test_uploads_of_the_same_bytes_at_once_do_no_harm(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    stored: list[tuple[str, int]] = []
    threads = [
        threading.Thread(target=lambda: stored.append(blobs.put(io.BytesIO(b"same" * 9), limit_bytes=LIMIT)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stored) == 8
    assert blobs.path(stored[0][0]).read_bytes() == b"same" * 9
    assert len(files(tmp_path)) == 1


def test_a_file_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    blobs.put(io.BytesIO(b"x" * 2_000_000), limit_bytes=2_000_000)
    with pytest.raises(IngestError, match=r"larger than 2 MB.*CITEWISE_INGEST__MAX_FILE_MB"):
        blobs.put(io.BytesIO(b"y" * 2_000_001), limit_bytes=2_000_000)
    assert len(files(tmp_path)) == 1


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match="empty"):
        Blobs(tmp_path).put(io.BytesIO(b""), limit_bytes=LIMIT)
    assert files(tmp_path) == []


def test_a_full_disk_is_told_as_a_sentence_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = Blobs(tmp_path)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(NoSpaceError, match=r"full; nothing was stored. Free some space"):
            blobs.put(io.BytesIO(b"bytes"), limit_bytes=LIMIT)
    assert files(tmp_path) == []


def test_the_bytes_are_synced_before_they_get_their_name_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = Blobs(tmp_path)
    home = blobs.path(hashlib.sha256(b"bytes").hexdigest())
    named: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda _descriptor: named.append(home.exists()))
    blobs.put(io.BytesIO(b"bytes"), limit_bytes=LIMIT)
    assert named == [False, True, True]


def test_what_a_crash_left_half_written_is_cleared_at_the_next_start(tmp_path: Path) -> None:
    Blobs(tmp_path)
    (tmp_path / "blobs" / "incoming" / "half").write_bytes(b"half")
    Blobs(tmp_path)
    assert files(tmp_path) == []


def test_deleting_twice_is_fine(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    content_hash, _ = blobs.put(io.BytesIO(b"bytes"), limit_bytes=LIMIT)
    blobs.delete(content_hash)
    blobs.delete(content_hash)
    assert not blobs.path(content_hash).exists()
