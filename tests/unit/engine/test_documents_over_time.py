"""Documents that are turned off, tagged, moved, changed and followed, over real parts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from citewise.engine import Engine
from citewise.errors import IngestError, NotAllowedError, NotFoundError, QuestionError
from citewise.ingest import watch
from citewise.types import Query
from tests.unit.engine.test_engine import FERRY, LIGHTHOUSE, add, answered, opened

WHEN = "When does the ferry leave Oban?"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = opened(tmp_path / "data")
    yield engine
    engine.close()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def sources(engine: Engine, *, collection: str = "default", **where: str) -> set[str]:
    return {hit.source for hit in engine.search(Query(WHEN, collection, where=where)).hits}


def test_a_disabled_document_is_in_no_answer_until_it_is_enabled(engine: Engine) -> None:
    ferry = add(engine, "ferry.txt", FERRY).document_id or ""
    assert engine.set_enabled([ferry], False) == 1
    assert sources(engine) == set()
    assert answered(engine, WHEN).answer.status == "abstained"
    assert engine.document(ferry).enabled is False
    assert engine.set_enabled([ferry], True) == 1
    assert sources(engine) == {"ferry.txt"}


def test_an_answer_keeps_its_words_after_its_document_was_disabled(engine: Engine) -> None:
    ferry = add(engine, "ferry.txt", FERRY).document_id or ""
    turn = answered(engine, WHEN)
    assert turn.answer.citations
    engine.set_enabled([ferry], False)
    assert engine.turn(turn.id) == turn


def test_a_question_can_be_asked_of_tagged_documents_only(engine: Engine) -> None:
    ferry = add(engine, "ferry.txt", FERRY).document_id or ""
    add(engine, "other.txt", f"{FERRY} Or so.")
    engine.set_tags(ferry, ["timetable"])
    assert sources(engine, tag="timetable") == {"ferry.txt"}
    assert sources(engine, tag="draft") == set()
    with pytest.raises(QuestionError, match="cannot be a tag"):
        engine.set_tags(ferry, ["x" * 51])
    assert engine.document(ferry).tags == ("timetable",)


def test_a_moved_document_answers_in_its_new_collection_only(engine: Engine) -> None:
    ferry = add(engine, "ferry.txt", FERRY).document_id or ""
    add(engine, "lighthouse.md", LIGHTHOUSE)
    assert engine.move([ferry], "travel") == 1
    assert "ferry.txt" not in sources(engine)
    until(lambda: sources(engine, collection="travel") == {"ferry.txt"})
    assert {one.name: one.documents for one in engine.collections()} == {"default": 1, "travel": 1}
    add(engine, "ferry.txt", "Another ferry.")
    with pytest.raises(NotAllowedError, match="in default already"):
        engine.move([ferry], "default")
    with pytest.raises(QuestionError, match="cannot be named"):
        engine.move([ferry], " ")


def test_every_version_is_listed_and_old_answers_quote_theirs(engine: Engine) -> None:
    ferry = add(engine, "ferry.txt", FERRY).document_id or ""
    before = answered(engine, WHEN).answer.citations[0]
    add(engine, "ferry.txt", FERRY.replace("07:30", "09:45"))
    newer, older = engine.versions(ferry)
    assert [(one.version, one.status, one.serves) for one in (newer, older)] == [
        (2, "ready", True),
        (1, "ready", False),
    ]
    assert before.content_hash == older.content_hash
    assert engine.show(ferry, version=1).text[before.start : before.end] == before.quote
    with pytest.raises(NotFoundError):
        engine.versions("none")


def test_a_watched_folder_is_followed_from_file_to_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LOOK_S", 0.05)
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "ferry.txt").write_text(FERRY)
    engine = opened(tmp_path / "data")
    try:
        watched = engine.watch_folder(folder)
        assert engine.watch_folder(str(folder)).id == watched.id
        until(lambda: sources(engine) == {"ferry.txt"} if engine.collections()[0].documents else False)
        (folder / "ferry.txt").write_text(FERRY.replace("07:30", "09:45"))
        until(lambda: any("09:45" in hit.chunk.text for hit in engine.search(Query(WHEN)).hits))
        (folder / "ferry.txt").unlink()
        until(lambda: sources(engine) == set())
        (folder / "ferry.txt").write_text(FERRY)
        until(lambda: any("07:30" in hit.chunk.text for hit in engine.search(Query(WHEN)).hits))
        (document,) = engine.documents()
        assert document.version == 3
        assert [one.documents for one in engine.watched_folders()] == [1]
    finally:
        engine.close()
    second = opened(tmp_path / "data")
    try:
        assert [one.path for one in second.watched_folders()] == [str(folder)]
        (folder / "more.txt").write_text(LIGHTHOUSE)
        until(lambda: {one.source for one in second.documents()} == {"ferry.txt", "more.txt"})
        assert second.document(document.id) == document, "nothing was taken in twice"
        assert second.unwatch_folder(watched.id) == 0
        assert second.watched_folders() == []
        assert len(second.documents()) == 2
    finally:
        second.close()


def test_documents_go_with_their_folder_where_that_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LOOK_S", 0.05)
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "ferry.txt").write_text(FERRY)
    engine = opened(tmp_path / "data")
    try:
        add(engine, "kept.txt", LIGHTHOUSE)
        watched = engine.watch_folder(folder)
        until(lambda: len(engine.documents()) == 2)
        assert engine.unwatch_folder(watched.id, remove_documents=True) == 1
        assert [one.source for one in engine.documents()] == ["kept.txt"]
        with pytest.raises(NotFoundError):
            engine.unwatch_folder(watched.id)
    finally:
        engine.close()


def test_folders_that_must_not_be_watched_are_refused(engine: Engine, tmp_path: Path) -> None:
    for forbidden in (tmp_path, tmp_path / "data", tmp_path / "data" / "blobs"):
        with pytest.raises(NotAllowedError, match="data directory"):
            engine.watch_folder(forbidden)
    with pytest.raises(IngestError, match="no folder"):
        engine.watch_folder(tmp_path / "none")
    (tmp_path / "notes").mkdir()
    with pytest.raises(QuestionError, match="cannot be named"):
        engine.watch_folder(tmp_path / "notes", collection="\n")
    assert engine.watched_folders() == []


def test_a_stored_copy_that_lost_its_content_fails_instead_of_being_empty(engine: Engine, tmp_path: Path) -> None:
    program = add(engine, "tool", b"\x7fELF\x00").document_id or ""
    (blob,) = (tmp_path / "data" / "blobs").glob("??/*")
    blob.chmod(0o600)
    blob.write_bytes(b"")
    assert engine.wait([engine.retry(program)], timeout_s=60)
    assert engine.document(program).error == "The stored copy of tool is damaged. Add the file again."
