"""The life of the index over real parts: built anew, embedded anew, exchanged, repaired, compacted."""

from __future__ import annotations

import io
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from citewise.build import open_engine
from citewise.engine import Engine
from citewise.errors import NotAllowedError
from citewise.index.tantivy import TantivyIndex
from citewise.settings import Settings
from citewise.types import IndexJob, Query, Upload
from tests.fakes import HashEmbedder

TEXTS = {
    "lighthouse.txt": "The lighthouse stands on the northern cliff. Its keeper climbs ninety steps each evening.",
    "ferry.txt": "The ferry leaves the harbour at half past seven. Bicycles travel free of charge.",
    "garden.txt": "Roses bloom in the walled garden from June. The gardener waters them at dawn.",
}
BLANK = "<!doctype html><html><body><img src='a.png'></body></html>"


def opened(home: Path, model: str = "fake:64", **settings: Any) -> Engine:
    return open_engine(
        Settings(home=home, embed={"model": model}, **settings),  # type: ignore[arg-type]
        open_embedder=lambda name: HashEmbedder(int(name.partition(":")[2])),
    )


def fill(engine: Engine, texts: dict[str, str] = TEXTS) -> dict[str, str]:
    """Add documents, wait for them, and return their ids by name."""
    added = engine.add([Upload(name, stream=io.BytesIO(text.encode())) for name, text in texts.items()])
    assert engine.wait([one.job_id for one in added if one.job_id], timeout_s=60)
    return {document.source: document.id for document in engine.documents() if document.status == "ready"}


def found(engine: Engine, question: str) -> list[str]:
    return [hit.source for hit in engine.search(Query(question, k=3)).hits]


def done(engine: Engine, kind: Any, **options: Any) -> IndexJob:
    job = engine.index_job(kind, options=options)
    job = engine.index_job_now(job.id, wait_s=60)
    assert (job.state, job.error) == ("done", None)
    return job


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


def is_whole(engine: Engine) -> None:
    until(lambda: engine.index_status().state == "ok")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def engine(home: Path) -> Iterator[Engine]:
    engine = opened(home)
    yield engine
    engine.close()


def test_a_rebuild_gives_a_new_generation_with_the_same_answers(engine: Engine) -> None:
    fill(engine)
    before = engine.search(Query("When does the ferry leave?"))
    job = done(engine, "rebuild")
    after = engine.search(Query("When does the ferry leave?"))
    assert after.generation == job.generation != before.generation
    assert [hit.chunk for hit in after.hits] == [hit.chunk for hit in before.hits]
    assert after.degraded == ()
    status = engine.index_status()
    assert (status.documents, status.chunks, status.stale_chunks, status.waiting_documents) == (3, 3, 0, 0)
    assert [one.state for one in status.generations] == ["active", "retired"]
    assert status.generation is not None
    assert status.generation.verified_at is not None


def test_another_model_is_built_beside_compared_switched_to_and_rolled_back(engine: Engine) -> None:
    fill(engine)
    first = engine.search(Query("ferry")).generation
    job = done(engine, "reembed", model="fake:128")
    assert engine.search(Query("ferry")).generation == first
    assert engine.index_status().generations[0].state == "ready"
    fill(engine, {"late.txt": "A late guest arrived with the last ferry of the day."})
    done(engine, "switch")
    result = engine.search(Query("late guest"))
    assert (result.generation, result.hits[0].source) == (job.generation, "late.txt")
    fill(engine, {"later.txt": "The museum opens its doors at ten."})
    assert found(engine, "museum doors")[0] == "later.txt"
    done(engine, "rollback")
    result = engine.search(Query("museum doors"))
    assert (result.generation, result.hits[0].source) == (first, "later.txt")


def test_a_changed_setting_makes_everything_stale_and_answers_go_on(home: Path) -> None:
    engine = opened(home)
    fill(engine)
    engine.close()
    engine = opened(home, "fake:128")
    try:
        is_whole(engine)
        assert found(engine, "ferry harbour")[0] == "ferry.txt"
        fill(engine, {"new.txt": "The baker sells rolls with poppy seeds."})
        assert found(engine, "poppy seeds")[0] == "new.txt"
        status = engine.index_status()
        assert (status.stale_chunks, status.stale_share, status.needs_full_rebuild) == (4, 1.0, True)
        with pytest.raises(NotAllowedError, match="No generation waits"):
            engine.index_job("switch")
        done(engine, "reembed", switch=True)
        status = engine.index_status()
        assert (status.stale_chunks, status.needs_full_rebuild) == (0, False)
        assert status.generation is not None
        assert (status.generation.model, status.generation.dimension) == ("fake:128", 128)
        assert found(engine, "poppy seeds")[0] == "new.txt"
    finally:
        engine.close()


def test_stale_cuts_are_brought_up_to_date_in_place(home: Path) -> None:
    long = " ".join(f"Paragraph {n} tells of the harbour and its boats." for n in range(60))
    engine = opened(home, split={"size": 200, "overlap": 0})
    fill(engine, {"long.txt": long, **TEXTS})
    engine.close()
    engine = opened(home, split={"size": 40, "overlap": 0})
    try:
        is_whole(engine)
        status = engine.index_status()
        assert status.needs_full_rebuild
        chunks = status.chunks
        done(engine, "compact")  # which keeps the cuts, though the settings name another one by now
        status = engine.index_status()
        assert list(status.cuts.values()) == [chunks] == [status.stale_chunks]
        done(engine, "update")
        status = engine.index_status()
        assert sum(status.cuts.values()) == status.chunks
        assert len(status.cuts) == 1
        assert (status.stale_chunks, status.waiting_documents) == (0, 0)
        assert status.chunks > chunks
        (document,) = [one for one in engine.documents() if one.source == "long.txt"]
        assert document.chunks == len(engine.show(document.id).chunks)
        result = engine.search(Query("Paragraph 31", k=1))
        assert "Paragraph 31" in result.hits[0].chunk.text
    finally:
        engine.close()


def test_a_start_after_a_crash_verifies_the_index_and_answers_meanwhile(engine: Engine, home: Path) -> None:
    fill(engine)
    crashed = home.with_name("crashed")
    shutil.copytree(home, crashed)  # as a kill leaves it: nothing is sealed
    again = opened(crashed)
    try:
        assert found(again, "roses garden")[0] == "garden.txt"
        is_whole(again)
        assert again.search(Query("roses garden")).degraded == ()
        assert again.index_status().generation == engine.index_status().generation or True
    finally:
        again.close()


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("damage", ["removed", "emptied", "flipped", "folder"])
@pytest.mark.parametrize("part", ["chroma", "keyword"])
def test_a_damaged_index_is_found_and_built_anew(home: Path, damage: str, part: str, clean: bool) -> None:
    engine = opened(home)
    fill(engine)
    generation = engine.search(Query("ferry")).generation
    if clean:
        engine.close()
        data = home
    else:
        data = home.with_name("crashed")
        shutil.copytree(home, data)
        engine.close()
    folder = data / "index" / generation / part
    largest = max((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    match damage:
        case "removed":
            largest.unlink()
        case "emptied":
            largest.write_bytes(b"")
        case "flipped":
            content = bytearray(largest.read_bytes())
            middle = len(content) // 3
            content[middle : middle + 64] = bytes(byte ^ 0xFF for byte in content[middle : middle + 64])
            largest.write_bytes(content)
        case "folder":
            shutil.rmtree(folder)
    again = opened(data)
    try:
        result = again.search(Query("When does the ferry leave?", k=3))
        assert result.hits[0].source == "ferry.txt"
        is_whole(again)
        result = again.search(Query("When does the ferry leave?", k=3))
        assert (result.hits[0].source, result.degraded) == ("ferry.txt", ())
        until(lambda: len(again.index_status().generations) == 1)
        assert [path.name for path in (data / "index").iterdir()] == [result.generation]
    finally:
        again.close()


def test_an_index_of_an_earlier_edition_is_built_anew_without_embedding_anything(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = opened(home)
    fill(engine)
    before = engine.search(Query("When does the ferry leave?"))
    engine.close()
    manifest = home / "index" / before.generation / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "keywords": 1}))
    embedded: list[str] = []
    embed = HashEmbedder.embed_documents
    monkeypatch.setattr(
        HashEmbedder, "embed_documents", lambda self, texts: (embedded.extend(texts), embed(self, texts))[1]
    )
    engine = opened(home)
    until(lambda: engine.index_status().state != "opening")
    assert found(engine, "When does the ferry leave?")[0] == "ferry.txt"
    is_whole(engine)
    after = engine.search(Query("When does the ferry leave?"))
    engine.close()
    assert after.generation != before.generation
    assert [hit.chunk for hit in after.hits] == [hit.chunk for hit in before.hits]
    assert embedded == []
    rebuilt = json.loads((home / "index" / after.generation / "manifest.json").read_text())
    assert rebuilt["keywords"] == TantivyIndex.FORMAT


def test_index_files_that_vanish_while_the_app_runs_are_noticed(
    engine: Engine, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(engine)
    generation = engine.search(Query("ferry")).generation
    shutil.rmtree(home / "index" / generation)
    job = engine.index_job("verify")
    engine.index_job_now(job.id, wait_s=60)
    fill(engine, {"new.txt": "The baker sells rolls with poppy seeds."})
    until(lambda: engine.index_status().state == "ok" and engine.search(Query("rolls")).generation != generation)
    assert found(engine, "poppy seeds")[0] == "new.txt"
    assert found(engine, "ferry harbour")[0] == "ferry.txt"


def test_compact_leaves_only_the_serving_generation(engine: Engine, home: Path) -> None:
    ids = fill(engine)
    engine.remove([ids["garden.txt"]])
    done(engine, "compact")
    status = engine.index_status()
    assert (status.documents, len(status.generations)) == (2, 1)
    assert len(list((home / "index").iterdir())) == 1
    assert found(engine, "ferry harbour")[0] == "ferry.txt"


def test_a_job_can_be_cancelled_and_what_serves_goes_on(home: Path) -> None:
    class Slow(HashEmbedder):
        def embed_documents(self, texts: Any) -> Any:
            if self.dimension == 128:
                time.sleep(0.2)
            return super().embed_documents(texts)

    engine = open_engine(
        Settings(home=home, embed={"model": "fake:64"}),  # type: ignore[arg-type]
        open_embedder=lambda name: Slow(int(name.partition(":")[2])),
    )
    try:
        fill(engine, {f"{n}.txt": f"Document number {n} speaks of boats." for n in range(40)})
        job = engine.index_job("reembed", options={"model": "fake:128"})
        with pytest.raises(NotAllowedError, match="runs already"):
            engine.index_job("reembed")
        engine.cancel_index_job(job.id)
        assert engine.index_job_now(job.id, wait_s=30).state == "cancelled"
        until(lambda: len(engine.index_status().generations) == 1)
        assert found(engine, "Document number 7")
    finally:
        engine.close()


def test_of_generations_that_wait_only_the_newest_is_kept(engine: Engine) -> None:
    fill(engine)
    done(engine, "reembed", model="fake:128")
    newest = done(engine, "reembed", model="fake:32").generation
    until(lambda: len(engine.index_status().generations) == 2)
    assert [(one.id, one.state) for one in engine.index_status().generations if one.state != "active"] == [
        (newest, "ready")
    ]


def test_an_index_that_failed_a_question_is_not_trusted_after_the_end(home: Path) -> None:
    engine = opened(home)
    fill(engine)
    is_whole(engine)
    engine._index._stop.set()  # the program ends before it is checked
    engine._index._suspect_of("It failed a question.")
    engine.close()
    assert not list((home / "index").glob("*/sealed.json"))


def test_a_document_without_words_is_ready_in_no_index_and_holds_nothing_up(engine: Engine, home: Path) -> None:
    fill(engine)
    ids = fill(engine, {"blank.html": BLANK})
    blank = engine.document(ids["blank.html"])
    assert (blank.status, blank.chunks) == ("ready", 0)
    assert blank.report
    assert blank.report.warnings == ("It holds no words, so nothing in it can be found or cited.",)
    engine.add([Upload("ferry.txt", stream=io.BytesIO(BLANK.encode()))], on_duplicate="replace")
    until(lambda: engine.document(ids["ferry.txt"]).serving_version == 2)
    assert "ferry.txt" not in found(engine, "When does the ferry leave the harbour?")
    done(engine, "reembed", model="fake:96", switch=True)
    done(engine, "verify")
    status = engine.index_status()
    assert (status.state, status.waiting_documents) == ("ok", 0)
    assert engine.check(deep=True) == []
    fill(engine, {"blank.html": "<p>Now it speaks of puffins."})  # a changed file is a new version
    engine.close()
    again = opened(home)
    try:
        is_whole(again)
        assert again.index_status().waiting_documents == 0
    finally:
        again.close()
