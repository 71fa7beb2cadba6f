"""Removed documents are erased for good, and a search of every byte says so."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from citewise.errors import NoSpaceError
from citewise.failpoints import on_failpoint
from citewise.registry import (
    collections,
    documents,
    embeddings,
    erasure,
    jobs,
    quotes,
    removal,
    space,
    turns,
    watched,
)
from citewise.registry.blobs import Blobs
from citewise.registry.database import Registry
from citewise.registry.ids import hash_text
from citewise.registry.watched import WatchedFile
from citewise.types import Conflict, Side
from tests.unit.registry.making import receive, save, serve
from tests.unit.registry.test_quotes import answer_of, asked, cited, sent


@pytest.fixture
def home(registry: Registry) -> Path:
    return registry.path.parent


@pytest.fixture
def blobs(home: Path) -> Blobs:
    return Blobs(home)


@pytest.fixture(autouse=True)
def _no_failpoint_stays() -> Iterator[None]:
    yield
    on_failpoint(None)


def secret(number: int) -> str:
    """Words that stand in one document only, in a text that all of them share."""
    return f"canary{number:05}z sings about the sea at the station, and canary{number:05}z is heard by nobody else. "


def content_of(number: int) -> str:
    return "".join(f"On day {day} {secret(number)}" for day in range(12))


def stored(registry: Registry, blobs: Blobs, number: int) -> str:
    """Add a document as an ingest does: bytes, rows and vectors; returns its id."""
    content = content_of(number)
    content_hash, _ = blobs.put(io.BytesIO(content.encode()), limit_bytes=10**6)
    with registry.write() as tx:
        document_id, chunks = serve(tx, f"canary{number:05}z.txt", content, content_hash=content_hash)
        chance = np.random.default_rng(number)
        vectors = {hash_text(chunk.full_text): chance.normal(size=8).astype(np.float32) for chunk in chunks}
        embeddings.put_many(tx, "model", vectors)
    return document_id


def grep(home: Path, needle: str) -> list[str]:
    """Files that hold a word, as plain bytes."""
    return [
        path.name
        for path in home.rglob("*")
        if path.is_file() and (needle.encode() in path.read_bytes() or needle in path.name)
    ]


def test_nothing_of_erased_documents_is_in_any_file_and_the_report_says_what_was_done(
    registry: Registry, blobs: Blobs, home: Path
) -> None:
    ids = [stored(registry, blobs, number) for number in range(24)]
    (home / "citewise.log").write_text("canary00003z.txt could not be shown")
    (home / "citewise.log.1").write_text("canary00004z.txt could not be shown")
    with registry.write() as tx:
        removal.remove(tx, ids[:20])
    assert all(grep(home, f"canary{number:05}z") for number in range(24))
    before = registry.path.stat().st_size
    erased = erasure.erase(registry, blobs)
    report = erasure.prove(registry, erased)
    for number in range(20):
        assert grep(home, f"canary{number:05}z") == []
    for number in range(20, 24):
        assert len(grep(home, f"canary{number:05}z")) == 2, "the registry and the blob"
    assert (report.documents, report.blobs, report.earlier, report.found) == (20, 20, 0, ())
    assert report.chunks > 20 * 12
    assert report.vectors > 20
    assert report.needles > 20 * 10
    assert (report.documents_sampled, report.documents_without_needles) == (20, 0)
    assert report.bytes_searched > 20_000
    assert registry.path.stat().st_size < before / 2
    assert report.bytes_freed > 20 * len(content_of(1))
    assert report.sentence.startswith(f"20 documents with {report.chunks:,} chunks and {report.vectors:,} vectors are")
    assert "none was found" in report.sentence
    assert "Backups" in report.sentence
    assert "canary" not in str(report.as_json())


def test_what_an_erasure_left_behind_is_reported_by_its_place(registry: Registry, blobs: Blobs, home: Path) -> None:
    document_id = stored(registry, blobs, 1)
    with registry.write() as tx:
        removal.remove(tx, [document_id])
    erased = erasure.erase(registry, blobs)
    (home / "index" / "former").mkdir(parents=True)
    (home / "index" / "former" / "store.bin").write_bytes(b"\0" * 99 + secret(1).encode())
    report = erasure.prove(registry, erased)
    assert report.found == ("Words in index/former/store.bin.",)
    assert "Words in index/former/store.bin. Run `citewise index compact` again" in report.sentence


def test_what_a_restore_put_aside_is_named_for_the_person_to_delete(
    registry: Registry, blobs: Blobs, home: Path
) -> None:
    document_id = stored(registry, blobs, 1)
    (home / "replaced-20260101-120000").mkdir()
    for name in ("registry.sqlite3", "registry.sqlite3-journal"):
        (home / "replaced-20260101-120000" / name).write_text(content_of(1))
    with registry.write() as tx:
        removal.remove(tx, [document_id])
    report = erasure.prove(registry, erasure.erase(registry, blobs))
    assert report.found == (
        "The folder that a restore put aside, replaced-20260101-120000, holds some of it; "
        "delete it when you need it no more.",
    )
    assert "compact" not in report.sentence


def test_a_document_that_was_only_removed_can_come_back_until_then_and_others_stay_whole(
    registry: Registry, blobs: Blobs
) -> None:
    gone, stays = stored(registry, blobs, 1), stored(registry, blobs, 2)
    with registry.write() as tx:
        removal.remove(tx, [gone, stays])
        removal.restore(tx, [stays])
        before = documents.get(tx, stays), documents.text(tx, stays, 1), documents.chunks(tx, stays, 1)
    erasure.erase(registry, blobs)
    with registry.write() as tx:
        assert (documents.get(tx, stays), documents.text(tx, stays, 1), documents.chunks(tx, stays, 1)) == before
        assert removal.restore(tx, [gone]) == 0
        assert len(blobs.stored()) == 1


def test_earlier_versions_of_a_document_that_stays_stay_too(registry: Registry, blobs: Blobs) -> None:
    document_id = stored(registry, blobs, 1)
    with registry.write() as tx:
        serve(tx, "canary00001z.txt", "another text", content_hash="c0ffee")
    erasure.erase(registry, blobs)
    with registry.read() as rx:
        assert documents.text(rx, document_id, 1) == content_of(1)
    assert len(blobs.stored()) == 1


def test_vectors_of_a_cut_that_nothing_uses_any_more_go_too(registry: Registry, blobs: Blobs) -> None:
    document_id = stored(registry, blobs, 1)
    with registry.write() as tx:
        embeddings.put_many(tx, "model", {"of an earlier cut": np.ones(3, np.float32)})
        removal.remove(tx, [document_id])
    erasure.erase(registry, blobs)
    with registry.read() as rx:
        assert embeddings.get_many(rx, "model", ["of an earlier cut"]) == {}


def test_bytes_that_nothing_refers_to_go_and_those_of_a_version_stay(registry: Registry, blobs: Blobs) -> None:
    stored(registry, blobs, 1)
    (blobs.path("ab" * 32)).parent.mkdir(exist_ok=True)
    blobs.path("ab" * 32).write_bytes(b"an upload that a crash cut off before its row")
    assert erasure.delete_unreferred(registry, blobs) == 1
    assert len(blobs.stored()) == 1


def test_kept_quotes_are_counted_and_listed_without_their_words(registry: Registry, blobs: Blobs) -> None:
    document_id = stored(registry, blobs, 1)
    answer = answer_of(("They sing.", (1,)), citations=(cited(1, document_id, secret(1)),))
    with registry.write() as tx:
        turn_id = asked(tx, answer)
        conversation_id = turns.get(tx, turn_id).conversation_id
        removal.remove(tx, [document_id])
    report = erasure.prove(registry, erasure.erase(registry, blobs))
    assert report.found == (), "what an answer keeps is not looked for"
    assert report.quotes_kept == ((conversation_id, turn_id, 1, document_id),)
    assert "1 quote of erased documents stays in 1 old answer;" in report.sentence
    again = erasure.prove(registry, erasure.erase(registry, blobs, quotes=True))
    assert (again.quotes_blanked, again.quotes_kept) == (1, ())
    with registry.read() as rx:
        assert "canary" not in repr(turns.get(rx, turn_id))


def test_blanked_quotes_are_looked_for_as_well(registry: Registry, blobs: Blobs, home: Path) -> None:
    document_id = stored(registry, blobs, 1)
    answer = answer_of((secret(1), (1,)), citations=(cited(1, document_id, secret(1)),))
    with registry.write() as tx:
        asked(tx, answer)
        removal.remove(tx, [document_id])
    report = erasure.prove(registry, erasure.erase(registry, blobs, quotes=True))
    assert (report.quotes_blanked, report.found) == (1, ())
    assert grep(home, "canary") == []


@pytest.mark.parametrize("quotes", [True, False])
def test_nothing_is_left_of_an_erased_source_that_differed_from_another(
    registry: Registry, blobs: Blobs, home: Path, quotes: bool
) -> None:
    document_id, other = stored(registry, blobs, 1), stored(registry, blobs, 2)
    gone, kept = replace(cited(0, document_id, secret(1)), source="1.txt"), cited(1, other, secret(2))
    answer = answer_of(
        (secret(2), (1,)),
        citations=(kept,),
        contexts=(sent(document_id, secret(1)), sent(other, secret(2))),
        conflicts=(Conflict(secret(1)[:20], "figure", Side(kept, "2"), Side(gone, secret(1))),),
    )
    with registry.write() as tx:
        turn_id = asked(tx, answer)
        removal.remove(tx, [document_id])
    report = erasure.prove(registry, erasure.erase(registry, blobs, quotes=quotes))
    assert report.needles
    assert report.found == ()
    with registry.read() as rx:
        (conflict,) = turns.get(rx, turn_id).answer.conflicts
    assert (conflict.one.citation, conflict.other.citation.erased) == (kept, True)
    assert secret(1) not in repr(conflict)


@pytest.mark.parametrize("place", ["erase-rows-gone", "erase-blobs-gone", "erase-registry-packed", "erase-proved"])
def test_a_crash_at_any_step_is_made_up_for_by_the_next_run_which_says_what_it_cannot_know(
    registry: Registry, blobs: Blobs, home: Path, place: str
) -> None:
    class Crash(Exception):  # noqa: N818
        pass

    def reached(name: str) -> None:
        if name == place:
            raise Crash

    document_id = stored(registry, blobs, 1)
    with registry.write() as tx:
        version = documents.get(tx, document_id).version
        jobs.finish(tx, jobs.create(tx, document_id=document_id, version=version).id)
        removal.remove(tx, [document_id])
    on_failpoint(reached)
    with pytest.raises(Crash):
        erasure.prove(registry, erasure.erase(registry, blobs))
    on_failpoint(None)
    report = erasure.prove(registry, erasure.erase(registry, blobs))
    assert grep(home, "canary") == []
    assert (report.documents, report.needles, report.earlier) == (0, 0, 1)
    assert "1 document was erased before" in report.sentence
    assert "could not be looked for" in report.sentence
    last = erasure.prove(registry, erasure.erase(registry, blobs))
    assert last.earlier == 0, "there is nothing left to do"
    assert last.sentence.startswith("There was no removed document to erase.")


def test_a_file_that_lies_in_a_watched_folder_is_not_taken_in_again(registry: Registry, blobs: Blobs) -> None:
    document_id = stored(registry, blobs, 1)
    with registry.write() as tx:
        folder = watched.add_folder(tx, "/somewhere", "default")
        here = WatchedFile("canary.txt", "1", "1", content_hash="c0ffee", document_id=document_id, error="It is odd.")
        watched.put_file(tx, folder, here)
        went = WatchedFile("canary00001z.txt", "1", "1", missing=True, document_id=document_id)
        watched.put_file(tx, folder, went)
        removal.remove(tx, [document_id])
    report = erasure.prove(registry, erasure.erase(registry, blobs))
    assert report.names_kept == 1
    assert "1 file of erased documents still lies in a watched folder" in report.sentence
    with registry.read() as rx:
        (kept,) = watched.files(rx, folder).values()
    assert (kept.file.source, kept.file.document_id) == ("canary.txt", document_id)
    assert (kept.file.content_hash, kept.file.error, kept.in_library) == (None, None, False)


def test_without_room_for_a_copy_of_the_registry_it_stops_with_a_sentence(
    registry: Registry, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "free_bytes", lambda _path: 1000)
    with pytest.raises(NoSpaceError, match="Free some space"):
        registry.pack()


def test_packing_the_registry_waits_for_reads_and_keeps_what_is_there(registry: Registry, blobs: Blobs) -> None:
    document_id = stored(registry, blobs, 1)
    size = registry.path.stat().st_size
    with registry.write() as tx:
        other, _ = receive(tx, "b.txt")
        save(tx, other, 1, "words " * 20_000)
    with registry.write() as tx:
        removal.purge(tx, [other])
    assert registry.path.stat().st_size > 2 * size
    registry.pack()
    assert registry.path.stat().st_size < 1.2 * size
    with registry.read() as rx:
        assert documents.text(rx, document_id, 1) == content_of(1)
        assert collections.find(rx, "default")


def test_a_context_of_an_erased_document_is_no_quote(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "a.txt")
        asked(tx, answer_of(("It is so.", ()), contexts=(sent(document_id, "Some words to find."),)))
        assert quotes.of_documents(tx, [document_id]) == []
