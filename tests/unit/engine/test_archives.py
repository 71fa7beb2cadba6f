"""Archives and the documents that come out of them, over real parts."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from citewise.engine import Engine
from citewise.types import Document, Query, Upload
from tests.unit.engine.test_engine import FERRY, LIGHTHOUSE, opened
from tests.unit.ingest.test_archive import zipped

WHEN = "When does the ferry leave Oban?"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = opened(tmp_path / "data")
    yield engine
    engine.close()


def put(engine: Engine, files: dict[str, bytes | str], source: str = "a.zip") -> dict[str, Document]:
    """Add an archive and wait for all that comes out of it."""
    engine.add([Upload(source, io.BytesIO(zipped(files)))])
    deadline = time.monotonic() + 60
    while any(one.status in ("received", "parsing", "chunking", "embedding", "indexing") for one in engine.documents()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return library(engine)


def library(engine: Engine) -> dict[str, Document]:
    return {one.source: one for one in engine.documents()}


def test_every_file_of_an_archive_is_a_document_of_its_own(engine: Engine) -> None:
    found = put(engine, {"in/ferry.txt": FERRY, "light.md": LIGHTHOUSE, "tool": b"\x7fELF\x00"})
    assert set(found) == {"a.zip", "a.zip/in/ferry.txt", "a.zip/light.md"}
    assert {one.status for one in found.values()} == {"ready"}
    ferry = found["a.zip/in/ferry.txt"]
    assert engine.search(Query(WHEN)).hits[0].source == "a.zip/in/ferry.txt"
    assert engine.original(ferry.id).path.read_text() == FERRY
    report = engine.document(found["a.zip"].id).report
    assert report is not None
    assert report.unread[0].startswith("tool: is a program")


def test_the_same_archive_again_adds_nothing_and_a_changed_one_versions_its_files(engine: Engine) -> None:
    first = put(engine, {"ferry.txt": FERRY, "light.md": LIGHTHOUSE})
    assert put(engine, {"ferry.txt": FERRY, "light.md": LIGHTHOUSE}) == first
    changed = put(engine, {"ferry.txt": f"{FERRY} Or so.", "new.txt": LIGHTHOUSE})
    assert {source: one.version for source, one in changed.items()} == {
        "a.zip": 2,
        "a.zip/ferry.txt": 2,
        "a.zip/new.txt": 1,
    }
    assert changed["a.zip/ferry.txt"].id == first["a.zip/ferry.txt"].id


def test_what_came_out_of_an_archive_goes_and_comes_back_with_it(engine: Engine) -> None:
    found = put(engine, {"ferry.txt": FERRY, "light.md": LIGHTHOUSE})
    engine.remove([found["a.zip/light.md"].id])
    assert engine.remove([found["a.zip"].id]) == 2
    assert library(engine) == {}
    assert engine.search(Query(WHEN)).hits == ()
    assert engine.restore([found["a.zip"].id]) == 2
    assert set(library(engine)) == {"a.zip", "a.zip/ferry.txt"}
    engine.remove([found["a.zip"].id])
    assert engine.remove([found["a.zip"].id], purge=True) == 2
    assert not engine.restore([found["a.zip/ferry.txt"].id])


def test_a_file_whose_name_was_taken_meanwhile_stays_away(engine: Engine) -> None:
    found = put(engine, {"ferry.txt": FERRY, "light.md": LIGHTHOUSE})
    engine.remove([found["a.zip"].id])
    engine.add([Upload("a.zip/ferry.txt", text=f"{FERRY} New.")])
    assert engine.restore([found["a.zip"].id]) == 2
    assert library(engine)["a.zip/ferry.txt"].id != found["a.zip/ferry.txt"].id
