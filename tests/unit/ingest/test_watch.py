"""A watched folder of real files, looked at step by step; the reading of documents is only made believe."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from citewise.errors import IngestError, NotAllowedError
from citewise.failpoints import on_failpoint
from citewise.ingest import watch
from citewise.ingest.look import folder_to_watch
from citewise.ingest.watch import FolderWatcher
from citewise.registry import collections, documents, jobs, removal, watched
from citewise.registry.blobs import Blobs
from citewise.registry.database import Registry
from citewise.types import Document, WatchedFolder

LIMIT = 1000  # bytes


class Watched:
    """A folder, the watcher over it, and what came of it."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.home = home
        self.folder = folder
        self.registry = Registry(home)
        self.blobs = Blobs(home)
        self.woken = self.came_back = self.read = 0
        self.watcher = self.new_watcher()
        self.folder_id = self.watch(folder)

    def new_watcher(self) -> FolderWatcher:
        def wake() -> None:
            self.woken += 1

        def come_back() -> None:
            self.came_back += 1

        return FolderWatcher(
            registry=self.registry,
            blobs=self.blobs,
            limit_bytes=LIMIT,
            data_directory=self.home,
            wake_ingest=wake,
            came_back=come_back,
        )

    def watch(self, folder: Path, collection: str = "default") -> str:
        with self.registry.write() as tx:
            collections.ensure(tx, collection)
            return watched.add_folder(tx, str(folder), collection)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def look(self, times: int = 2) -> dict[str, Document]:
        """Look as often as it takes to believe what is seen."""
        for _ in range(times):
            self.watcher.look()
        self.end_jobs()
        return self.library()

    def library(self) -> dict[str, Document]:
        with self.registry.read() as rx:
            return {one.source: one for one in documents.list_documents(rx)}

    def state(self) -> WatchedFolder:
        return next(one for one in self.watcher.folders() if one.id == self.folder_id)

    def change(self, source: str, **changes: object) -> None:
        """Change what is known of a file."""
        with self.registry.write() as tx:
            known = watched.files(tx, self.folder_id)[source].file
            watched.put_file(tx, self.folder_id, replace(known, **changes))  # type: ignore[arg-type]

    def end_jobs(self) -> None:
        with self.registry.write() as tx:
            for job in jobs.claim(tx, limit=1000):
                documents.set_stage(tx, job.document_id, job.version, "ready")
                jobs.finish(tx, job.id)
                self.read += 1

    def stored(self) -> int:
        return sum(path.is_file() for path in (self.home / "blobs").rglob("*"))


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[Watched]:
    folder = tmp_path / "notes"
    folder.mkdir()
    made = Watched(tmp_path / "home", folder)
    yield made
    on_failpoint(None)
    made.watcher.close()
    made.registry.close()


def test_a_file_is_taken_in_once_two_looks_saw_it_the_same(notes: Watched) -> None:
    notes.write("tides.txt", "Half of")
    assert notes.look(1) == {}
    notes.write("tides.txt", "Half of a sentence is")
    assert notes.look(1) == {}, "it is still being written"
    notes.write("deep/er/ferry.md", "The ferry leaves at noon.")
    assert list(notes.look(1)) == ["tides.txt"]
    found = notes.look(1)
    assert set(found) == {"tides.txt", "deep/er/ferry.md"}
    assert found["tides.txt"].collection == "default"
    assert notes.blobs.path(found["tides.txt"].content_hash).read_text() == "Half of a sentence is"
    assert (notes.read, notes.woken) == (2, 2)
    assert (notes.state().documents, notes.state().error, notes.state().refused) == (2, None, ())


def test_looking_again_changes_nothing(notes: Watched) -> None:
    notes.write("a.txt", "words")
    first = notes.look()
    with notes.registry.read() as rx:
        known = watched.files(rx, notes.folder_id)
    assert notes.look(3) == first
    with notes.registry.read() as rx:
        assert watched.files(rx, notes.folder_id) == known
    assert notes.read == 1


def test_a_changed_file_is_a_new_version_and_a_touched_one_is_not(notes: Watched) -> None:
    path = notes.write("a.txt", "the first words")
    first = notes.look()["a.txt"]
    os.utime(path, (1, 1))
    path.chmod(0o600)
    assert notes.look()["a.txt"] == first
    assert notes.woken == 1
    notes.write("a.txt", "the second words")
    second = notes.look()["a.txt"]
    assert (second.id, second.version) == (first.id, 2)
    notes.write("a.txt", "the first words")
    assert notes.look()["a.txt"].version == 3


def test_a_change_is_seen_although_size_and_time_were_put_back(notes: Watched) -> None:
    path = notes.write("a.txt", "one")
    times = path.stat()
    notes.look()
    notes.write("a.txt", "two")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert notes.look()["a.txt"].version == 2


def test_a_removed_file_takes_its_document_along_and_brings_it_back(notes: Watched) -> None:
    path = notes.write("a.txt", "words")
    first = notes.look()["a.txt"]
    path.unlink()
    assert set(notes.look(1)) == {"a.txt"}, "it may be away for the moment of a saving"
    assert notes.look(1) == {}
    assert notes.state().documents == 0
    notes.write("a.txt", "words")
    assert notes.look()["a.txt"] == first
    assert (notes.came_back, notes.read) == (1, 1)
    path.unlink()
    notes.look()
    notes.write("a.txt", "other words")
    changed = notes.look()["a.txt"]
    assert (changed.id, changed.version, notes.came_back) == (first.id, 2, 2)


def test_a_file_saved_by_putting_another_in_its_place_never_goes(notes: Watched) -> None:
    path = notes.write("a.txt", "words")
    first = notes.look()["a.txt"]
    path.unlink()
    assert notes.look(1)["a.txt"] == first
    notes.write("a.txt", "better words")
    assert (notes.look()["a.txt"].id, notes.look()["a.txt"].version) == (first.id, 2)


def test_a_document_that_a_person_removed_stays_removed(notes: Watched) -> None:
    notes.write("a.txt", "words")
    document_id = notes.look()["a.txt"].id
    stored = notes.stored()
    with notes.registry.write() as tx:
        removal.remove(tx, [document_id])
    notes.write("a.txt", "other words")
    assert notes.look() == {}
    with notes.registry.write() as tx:
        removal.purge(tx, [document_id])
    notes.write("a.txt", "words once more")
    assert notes.look() == {}
    assert notes.stored() == stored, "nor are its bytes kept"


def test_a_file_that_was_taken_away_and_put_there_anew_is_new(notes: Watched) -> None:
    path = notes.write("a.txt", "words")
    removed = notes.look()["a.txt"].id
    with notes.registry.write() as tx:
        removal.remove(tx, [removed])
    path.unlink()
    notes.look()
    notes.write("a.txt", "words")
    assert notes.look()["a.txt"].id != removed


def test_a_purged_document_whose_file_comes_back_is_a_new_one(notes: Watched) -> None:
    path = notes.write("a.txt", "words")
    first = notes.look()["a.txt"].id
    path.unlink()
    notes.look()
    with notes.registry.write() as tx:
        removal.purge(tx, [first])
    notes.write("a.txt", "words")
    assert notes.look()["a.txt"].id != first


def test_a_moved_document_is_followed_to_its_collection(notes: Watched) -> None:
    path = notes.write("a.txt", "words")
    first = notes.look()["a.txt"]
    with notes.registry.write() as tx:
        documents.move(tx, [first.id], collections.ensure(tx, "lab"))
    notes.write("a.txt", "other words")
    changed = notes.look()["a.txt"]
    assert (changed.id, changed.version, changed.collection) == (first.id, 2, "lab")
    path.unlink()
    assert notes.look() == {}
    notes.write("a.txt", "other words")
    assert notes.look()["a.txt"] == changed


def test_a_document_of_the_same_name_becomes_the_files(notes: Watched) -> None:
    with notes.registry.write() as tx:
        document_id, _ = documents.add_version(
            tx,
            collection_id=collections.find(tx, "default"),
            source="a.txt",
            title=None,
            content_hash="other",
            media_type="",
            bytes=5,
            metadata={},
        )
    notes.write("a.txt", "words")
    assert (notes.look()["a.txt"].id, notes.look()["a.txt"].version) == (document_id, 2)


def test_a_renamed_file_keeps_its_document_with_all_that_a_person_made_of_it(notes: Watched) -> None:
    path = notes.write("a.txt", "words")
    first = notes.look()["a.txt"]
    with notes.registry.write() as tx:
        documents.set_tags(tx, first.id, ["kept"])
        documents.set_enabled(tx, [first.id], enabled=False)
    (notes.folder / "inner").mkdir()
    path.rename(notes.folder / "inner" / "b.txt")
    renamed = notes.look()
    assert list(renamed) == ["inner/b.txt"]
    same = renamed["inner/b.txt"]
    assert (same.id, same.version, same.tags, same.enabled) == (first.id, 1, ("kept",), False)
    assert (notes.read, notes.woken) == (1, 1), "nothing is read again"
    notes.write("inner/b.txt", "other words")
    assert notes.look()["inner/b.txt"].version == 2


def test_a_renamed_file_of_a_removed_document_brings_nothing_back(notes: Watched) -> None:
    path = notes.write("a.txt", "words")
    document_id = notes.look()["a.txt"].id
    with notes.registry.write() as tx:
        removal.remove(tx, [document_id])
    path.rename(notes.folder / "b.txt")
    assert notes.look() == {}
    notes.write("b.txt", "other words")
    assert notes.look() == {}


def test_a_file_that_comes_back_under_another_name_brings_its_document(notes: Watched) -> None:
    path = notes.write("a.txt", "words")
    first = notes.look()["a.txt"]
    path.rename(notes.folder.parent / "b.txt")
    assert notes.look() == {}
    (notes.folder.parent / "b.txt").rename(notes.folder / "b.txt")
    assert notes.look()["b.txt"].id == first.id
    assert notes.came_back == 1


def test_a_renamed_file_whose_new_name_is_taken_is_that_documents_next_version(notes: Watched) -> None:
    path = notes.write("a.txt", "words")
    first = notes.look()["a.txt"]
    with notes.registry.write() as tx:
        taken, _ = documents.add_version(
            tx,
            collection_id=collections.find(tx, "default"),
            source="b.txt",
            title=None,
            content_hash="other",
            media_type="",
            bytes=5,
            metadata={},
        )
    for missing_first in (False, True):
        path.rename(notes.folder.parent / "b.txt")
        if missing_first:
            notes.look()
        (notes.folder.parent / "b.txt").rename(notes.folder / "b.txt")
        found = notes.look()
        assert {source: one.id for source, one in found.items()} == {"b.txt": taken}
        (notes.folder / "b.txt").unlink()
        notes.write("a.txt", "words")
        assert notes.look()["a.txt"].id == first.id
        with notes.registry.write() as tx:
            removal.restore(tx, [taken])


def test_two_files_of_the_same_bytes_are_two_documents(notes: Watched) -> None:
    first, _ = notes.write("a.txt", "words"), notes.write("b.txt", "words")
    assert set(notes.look()) == {"a.txt", "b.txt"}
    first.unlink()
    assert set(notes.look()) == {"b.txt"}
    notes.write("c.txt", "words")
    notes.write("d.txt", "words")
    (notes.folder / "b.txt").unlink()
    assert set(notes.look()) == {"c.txt", "d.txt"}


@pytest.mark.parametrize("name", [".hidden.txt", "~$report.docx", "program.exe", "a.txt~", "a.txt.swp", ".git/a.txt"])
def test_hidden_temporary_and_unknown_files_are_left_alone(notes: Watched, name: str) -> None:
    notes.write(name, "words")
    assert notes.look() == {}
    assert notes.state().refused == ()


def test_links_are_not_followed(notes: Watched, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key.txt").write_text("secret")
    (notes.folder / "link.txt").symlink_to(tmp_path / "secret" / "key.txt")
    (notes.folder / "folder").symlink_to(tmp_path / "secret")
    assert notes.look() == {}


def test_a_link_that_takes_the_place_of_a_file_is_not_opened(notes: Watched, tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text("secret")
    path = notes.write("a.txt", "words")
    path.unlink()
    path.symlink_to(tmp_path / "key.txt")
    with pytest.raises(IngestError, match="cannot be read"):
        watch._open(path, "a.txt")


def test_a_file_that_cannot_be_taken_in_says_why_until_it_can(notes: Watched) -> None:
    notes.write("empty.txt", "")
    notes.write("big.txt", "x" * (LIMIT + 1))
    assert notes.look() == {}
    (big, too_large), (empty, nothing) = notes.state().refused
    assert (big, empty) == ("big.txt", "empty.txt")
    assert "larger than" in too_large
    assert "is empty" in nothing
    assert notes.stored() == 0
    notes.write("empty.txt", "words")
    notes.write("big.txt", "x" * LIMIT)
    assert set(notes.look()) == {"empty.txt", "big.txt"}
    assert notes.state().refused == ()


def test_a_document_stays_while_its_file_cannot_be_taken_in(notes: Watched) -> None:
    notes.write("a.txt", "words")
    first = notes.look()["a.txt"]
    notes.write("a.txt", "")
    assert notes.look()["a.txt"] == first
    assert notes.state().refused != ()
    notes.write("a.txt", "words")
    assert notes.look()["a.txt"] == first
    assert notes.state().refused == ()


def test_a_folder_that_vanishes_keeps_its_documents_and_says_so(notes: Watched) -> None:
    notes.write("a.txt", "words")
    first = notes.look()
    notes.folder.rename(notes.folder.with_name("away"))
    assert notes.look(3) == first
    assert "is not there" in (notes.state().error or "")
    notes.folder.with_name("away").rename(notes.folder)
    assert notes.look() == first
    assert notes.state().error is None


def test_files_of_a_disk_that_was_unmounted_keep_their_documents(notes: Watched) -> None:
    """Where a disk is unmounted an empty folder on another device remains."""
    paths = [notes.write(name, f"words of {name}") for name in ("a.txt", "b.txt", "inner/c.txt")]
    first = notes.look()
    for source in first:
        notes.change(source, device="of the disk")
    for path in paths:
        path.unlink()
    (notes.folder / "inner").rmdir()
    assert notes.look(3) == first
    assert "3 of its files were on a disk that is not there" in (notes.state().error or "")
    for name in ("a.txt", "inner/c.txt"):
        notes.write(name, f"words of {name}")
    assert set(notes.look()) == {"a.txt", "inner/c.txt"}, "mounted again under another number, without b.txt"
    assert notes.state().error is None
    paths[0].unlink()
    assert set(notes.look()) == {"inner/c.txt"}


def test_files_in_a_folder_that_cannot_be_listed_keep_their_documents(
    notes: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes.write("a.txt", "words")
    inner = notes.write("inner/b.txt", "more words")
    first = notes.look()
    scan = os.scandir

    def forbidden(path: Path) -> object:
        if Path(path).name == "inner":
            raise PermissionError(13, "Permission denied")
        return scan(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", forbidden)
        assert notes.look(3) == first
        assert "inner cannot be read (Permission denied)" in (notes.state().error or "")
    inner.unlink()
    assert notes.look(1) == first, "one look that lacks it is not enough"
    assert set(notes.look(1)) == {"a.txt"}


def test_what_one_folder_has_no_other_takes_over(notes: Watched, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.txt").write_text("other words")
    notes.write("a.txt", "words")
    first = notes.look()["a.txt"]
    other_id = notes.watch(other)
    assert notes.look(3)["a.txt"] == first
    (refused,) = next(one for one in notes.watcher.folders() if one.id == other_id).refused
    assert str(notes.folder) in refused[1]
    with notes.registry.write() as tx:
        watched.remove_folder(tx, notes.folder_id)
    assert notes.look(1)["a.txt"].version == 2, "once it is free"


def test_a_restart_takes_up_where_it_was(notes: Watched) -> None:
    path = notes.write("a.txt", "words")
    notes.write("b.txt", "more words")
    first = notes.look()
    path.unlink()
    notes.write("c.txt", "new words")
    notes.watcher = notes.new_watcher()
    assert notes.look(1) == first, "the first look only sees"
    assert set(notes.look(1)) == {"b.txt", "c.txt"}


@pytest.mark.parametrize("place", ["watched-file-stored", "watched-file-recorded"])
def test_a_look_that_is_cut_off_anywhere_is_made_up_for(notes: Watched, place: str) -> None:
    def cut(name: str) -> None:
        if name == place:
            raise KeyboardInterrupt

    for round_, text in enumerate(("words", "other words"), 1):
        notes.write("a.txt", text)
        notes.watcher = notes.new_watcher()
        notes.look(1)
        on_failpoint(cut)
        with pytest.raises(KeyboardInterrupt):
            notes.look(1)
        on_failpoint(None)
        notes.watcher = notes.new_watcher()
        document = notes.look(3)["a.txt"]
        assert document.version == round_
        assert notes.blobs.path(document.content_hash).read_text() == text
        assert notes.read == round_


def test_a_file_that_changes_while_it_is_read_waits_for_the_next_look(
    notes: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = notes.write("a.txt", "words")
    hashed = watch._hash

    def hash_and_change(*arguments: object) -> str:
        content_hash = hashed(*arguments)  # type: ignore[arg-type]
        path.write_text("other words")
        return content_hash

    with monkeypatch.context() as patch:
        patch.setattr(watch, "_hash", hash_and_change)
        assert notes.look() == {}
    assert notes.stored() == 0
    notes.look()
    assert notes.blobs.path(notes.library()["a.txt"].content_hash).read_text() == "other words"


def test_a_folder_that_is_watched_no_more_is_followed_no_more(notes: Watched) -> None:
    notes.write("a.txt", "words")
    notes.look(1)

    def stop_watching(name: str) -> None:
        if name == "watched-file-stored":
            with notes.registry.write() as tx:
                watched.remove_folder(tx, notes.folder_id)

    on_failpoint(stop_watching)
    with capture_logs() as logged:
        assert notes.look(1) == {}
    assert logged == []
    on_failpoint(None)
    assert notes.look(3) == {}


def test_the_thread_looks_by_itself_and_rests_while_nothing_is_watched(
    notes: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOK_S", 0.01)
    monkeypatch.setattr(watch, "LONGEST_REST_S", 0.05)
    looks = 0
    look = notes.watcher.look

    def counted() -> int:
        nonlocal looks
        looks += 1
        return look()

    monkeypatch.setattr(notes.watcher, "look", counted)
    with notes.registry.write() as tx:
        watched.remove_folder(tx, notes.folder_id)
    notes.watcher.start()
    until(lambda: looks == 1)
    notes.write("a.txt", "words")
    notes.folder_id = notes.watch(notes.folder)
    notes.watcher.wake()
    until(lambda: set(notes.library()) == {"a.txt"})
    (notes.folder / "a.txt").unlink()
    until(lambda: notes.library() == {})
    notes.watcher.close()


def test_an_error_does_not_end_the_thread(notes: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LOOK_S", 0.01)
    monkeypatch.setattr(watch, "LONGEST_REST_S", 0.05)
    look, failures = notes.watcher.look, [ZeroDivisionError()]

    def failing() -> int:
        if failures:
            raise failures.pop()
        return look()

    monkeypatch.setattr(notes.watcher, "look", failing)
    notes.write("a.txt", "words")
    notes.watcher.start()
    until(lambda: set(notes.library()) == {"a.txt"})


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_only_whole_paths_of_folders_of_this_machine_are_watched(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "file.txt").write_text("words")
    for wrong in ("notes", str(tmp_path / "none"), str(tmp_path / "file.txt"), "nul\0", "~nobody-here/notes", ""):
        with pytest.raises(IngestError):
            folder_to_watch(wrong, data_directory=home)
    (tmp_path / "notes").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "notes")
    assert folder_to_watch(tmp_path / "link", data_directory=home) == (tmp_path / "notes").resolve()


def test_the_data_directory_is_never_watched(notes: Watched, tmp_path: Path) -> None:
    inner = notes.home / "blobs"
    for forbidden in (notes.home, tmp_path, inner):
        with pytest.raises(NotAllowedError, match="data directory"):
            folder_to_watch(forbidden, data_directory=notes.home)
    notes.folder_id = notes.watch(tmp_path)  # as if the data directory had been moved into it
    (tmp_path / "a.txt").write_text("words")
    assert notes.look(3) == {}
    assert "data directory" in (notes.state().error or "")
