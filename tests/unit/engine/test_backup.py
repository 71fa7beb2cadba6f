"""Backups over the real engine: written while it works, and served from after a restore."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from citewise.build import open_engine
from citewise.engine import Engine
from citewise.errors import NoSpaceError
from citewise.registry.restore import restore_backup
from citewise.settings import Settings
from citewise.types import Query, Upload, Vectors
from tests.fakes import HashEmbedder

FERRY = "The ferry to Brannoch leaves Oban at 07:30 on Tuesdays and takes four hours."


class Counting(HashEmbedder):
    """Knows how many texts of documents it has embedded."""

    embedded = 0

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        Counting.embedded += len(texts)
        return super().embed_documents(texts)


def opened(home: Path) -> Engine:
    return open_engine(Settings(home=home), open_embedder=lambda _: Counting())


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = opened(tmp_path / "data")
    yield engine
    engine.close()


def add(engine: Engine, source: str, text: str) -> None:
    (added,) = engine.add([Upload(source, io.BytesIO(text.encode()))])
    assert engine.wait([added.job_id] if added.job_id else [], timeout_s=60)


def test_what_was_restored_answers_without_embedding_anything_again(engine: Engine, tmp_path: Path) -> None:
    add(engine, "ferry.txt", FERRY)
    report = engine.backup(tmp_path / "b.zip")
    assert report.counts["documents"] == 1
    assert engine.check(deep=True) == []
    restore_backup(tmp_path / "b.zip", tmp_path / "elsewhere")
    embedded = Counting.embedded
    again = opened(tmp_path / "elsewhere")
    try:
        (hit,) = again.search(Query("When does the ferry leave Oban?")).hits
        assert hit.chunk.text == FERRY
        until = time.monotonic() + 60
        while again.index_status().state != "ok" and time.monotonic() < until:
            time.sleep(0.05)
        assert again.index_status().state == "ok"
        assert again.search(Query("When does the ferry leave Oban?")).degraded == ()
        assert Counting.embedded == embedded
        assert again.check(deep=True) == []
    finally:
        again.close()


def test_a_backup_for_whoever_fetches_it_is_in_a_folder_of_its_own(engine: Engine) -> None:
    add(engine, "ferry.txt", FERRY)
    report = engine.backup()
    assert [path.name for path in report.path.parent.iterdir()] == ["backup.zip"]
    shutil.rmtree(report.path.parent)


def test_a_nearly_full_disk_takes_nothing_in_and_goes_on_answering(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(engine, "ferry.txt", FERRY)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=10_000_000))
    with pytest.raises(NoSpaceError, match="Only 10 MB are free"):
        engine.add([Upload("more.txt", io.BytesIO(b"More text."))])
    assert [document.source for document in engine.documents()] == ["ferry.txt"]
    assert engine.search(Query("When does the ferry leave?")).hits
    monkeypatch.undo()
    add(engine, "more.txt", "More text.")
