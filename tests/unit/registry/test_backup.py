from __future__ import annotations

import errno
import json
import os
import sqlite3
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from citewise import __version__
from citewise.errors import DamagedRegistryError, NoSpaceError, RegistryError
from citewise.failpoints import on_failpoint
from citewise.registry import collections, database, documents, removal
from citewise.registry.archive import read_manifest
from citewise.registry.backup import write_backup, write_backup_aside
from citewise.registry.blobs import Blobs
from citewise.registry.check import check_registry
from citewise.registry.database import Registry
from citewise.registry.restore import restore_backup
from tests.unit.registry.whole import everything, keep, make_home, text_of


class Home:
    """A data directory in use."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ids = make_home(path)
        self.registry = Registry(path)
        self.blobs = Blobs(path)

    def purge(self, *ids: str) -> None:
        """Erase documents as the engine does."""
        with self.blobs.lock:
            with self.registry.write() as tx:
                purged = removal.purge(tx, ids)
            for content_hash in purged.content_hashes:
                self.blobs.delete(content_hash)


@pytest.fixture(params=[False, True], ids=["rollback journal", "write-ahead log"])
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setattr(database, "WAL_IS_SAFE", request.param)
    home = Home(tmp_path / "home")
    yield home
    home.registry.close()


@pytest.fixture
def at_failpoint() -> Iterator[Callable[[str, Callable[[], None]], None]]:
    """Does something when a failpoint is reached."""

    def arrange(wanted: str, action: Callable[[], None]) -> None:
        on_failpoint(lambda name: action() if name == wanted else None)

    yield arrange
    on_failpoint(None)


def beside(path: Path) -> list[str]:
    return sorted(one.name for one in path.iterdir())


def test_a_backup_holds_everything_but_the_indexes(home: Home, tmp_path: Path) -> None:
    (home.path / "index" / "g").mkdir(parents=True)
    (home.path / "index" / "g" / "vectors").write_text("derived")
    report = write_backup(home.registry, home.blobs, tmp_path / "b.zip")
    counts = {"documents": 3, "versions": 3, "chunks": report.counts["chunks"], "conversations": 1, "originals": 3}
    assert report.counts == counts
    assert (report.citewise, report.missing) == (__version__, ())
    assert report.bytes == (tmp_path / "b.zip").stat().st_size
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        manifest = json.loads(archive.read("manifest.json"))
    blobs = [name for name in names if name.startswith("blobs/")]
    assert len(blobs) == 3
    assert sorted(names) == sorted([*blobs, "registry.sqlite3", "manifest.json"])
    assert manifest["format"] == 1
    assert {member["name"] for member in manifest["members"]} == set(names) - {"manifest.json"}
    assert all(member["sha256"] == member["name"][-64:] for member in manifest["members"] if "blobs" in member["name"])


def test_nothing_is_left_beside_it_and_only_this_user_can_read_it(home: Home, tmp_path: Path) -> None:
    target = tmp_path / "backups"
    target.mkdir()
    before = beside(home.path / "blobs" / "incoming")
    write_backup(home.registry, home.blobs, target / "b.zip")
    assert beside(target) == ["b.zip"]
    assert (target / "b.zip").stat().st_mode & 0o777 == 0o600
    assert beside(home.path / "blobs" / "incoming") == before


def test_documents_that_come_while_it_is_written_are_in_it_whole_or_not_at_all(home: Home, tmp_path: Path) -> None:
    over = threading.Event()
    errors: list[Exception] = []

    def add() -> None:
        number = 0
        try:
            while not over.is_set() or number < 3:
                with home.blobs.lock:
                    keep(home.registry, home.blobs, f"new-{number}.txt")
                number += 1
        except RegistryError as error:
            errors.append(error)

    adding = threading.Thread(target=add)
    adding.start()
    try:
        for number in range(5):
            write_backup(home.registry, home.blobs, tmp_path / f"{number}.zip")
    finally:
        over.set()
        adding.join()
    assert errors == []
    for number in range(5):
        target = tmp_path / f"restored-{number}"
        restore_backup(tmp_path / f"{number}.zip", target)
        assert check_registry(target / "registry.sqlite3", deep=True) == []


def test_an_erasure_meanwhile_takes_nothing_out_of_it(
    home: Home, tmp_path: Path, at_failpoint: Callable[[str, Callable[[], None]], None]
) -> None:
    at_failpoint("backup-staged", lambda: home.purge(*home.ids))
    report = write_backup(home.registry, home.blobs, tmp_path / "b.zip")
    assert (report.counts["originals"], report.missing) == (3, ())
    assert everything(home.path / "blobs") == {}


def test_where_files_cannot_be_linked_they_are_copied(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(_source: Path, _target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    assert write_backup(home.registry, home.blobs, tmp_path / "b.zip").counts["originals"] == 3


def test_originals_that_cannot_be_read_are_named_and_the_rest_is_kept(home: Home, tmp_path: Path) -> None:
    lost, garbled, _ = sorted((home.path / "blobs").glob("[0-9a-f][0-9a-f]/*"))
    lost.unlink()
    garbled.write_bytes(b"something else")
    report = write_backup(home.registry, home.blobs, tmp_path / "b.zip")
    assert report.missing == tuple(sorted([lost.name, garbled.name]))
    assert report.counts["originals"] == 1
    restored = restore_backup(tmp_path / "b.zip", tmp_path / "restored")
    assert restored is not None
    assert restored.comparison.without_original == 2


def test_a_damaged_registry_is_not_backed_up(home: Home, tmp_path: Path) -> None:
    with closing(sqlite3.connect(home.registry.path)) as connection:
        connection.execute("PRAGMA journal_mode")
        connection.execute(
            "UPDATE versions SET document_id = 'no' || document_id"
        )  # references are off in this connection
        connection.commit()
    with pytest.raises(DamagedRegistryError):
        write_backup(home.registry, home.blobs, tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()


@pytest.mark.parametrize("step", ["backup-staged", "backup-written"])
def test_a_failure_leaves_nothing_and_keeps_the_file_that_was_there(
    home: Home, tmp_path: Path, step: str, at_failpoint: Callable[[str, Callable[[], None]], None]
) -> None:
    def fail() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    target = tmp_path / "backups"
    target.mkdir()
    (target / "b.zip").write_text("an older one")
    at_failpoint(step, fail)
    with pytest.raises((NoSpaceError, OSError)):
        write_backup(home.registry, home.blobs, target / "b.zip")
    assert beside(target) == ["b.zip"]
    assert (target / "b.zip").read_text() == "an older one"
    assert beside(home.path / "blobs" / "incoming") == []


@pytest.mark.parametrize("name", ["none/b.zip", "."])
def test_a_place_that_cannot_be_written_is_told_as_a_sentence(home: Home, tmp_path: Path, name: str) -> None:
    with pytest.raises(RegistryError, match="cannot be written"):
        write_backup(home.registry, home.blobs, tmp_path / name)


def test_a_read_only_place_is_told_as_a_sentence(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make = tempfile.mkstemp

    def mkstemp(*, dir: Path, **options: str) -> tuple[int, str]:  # noqa: A002 - as it is called
        if dir == tmp_path:
            raise OSError(errno.EROFS, "Read-only file system")
        return make(dir=dir, **options)

    monkeypatch.setattr(tempfile, "mkstemp", mkstemp)
    with pytest.raises(RegistryError, match=r"cannot be written \(Read-only file system\)\. Choose another place"):
        write_backup(home.registry, home.blobs, tmp_path / "b.zip")


def test_one_without_a_name_is_in_a_folder_of_its_own(home: Home) -> None:
    report = write_backup_aside(home.registry, home.blobs)
    assert beside(report.path.parent) == ["backup.zip"]
    assert read_manifest(report.path).report(report.path) == report
    Blobs(home.path)  # the next start
    assert not report.path.exists()


def test_what_a_crash_left_of_one_is_gone_after_the_next_start(home: Home) -> None:
    scratch = home.blobs.scratch()
    (scratch / "ab").write_text("an original")
    Blobs(home.path)
    assert beside(home.path / "blobs" / "incoming") == []


def test_a_copy_reads_as_the_registry_did_at_that_moment(home: Home, tmp_path: Path) -> None:
    write_backup(home.registry, home.blobs, tmp_path / "b.zip")
    with home.registry.write() as tx:
        collections.ensure(tx, "later")
    restore_backup(tmp_path / "b.zip", tmp_path / "restored")
    again = Registry(tmp_path / "restored")
    with again.read() as rx:
        assert [one.name for one in collections.list_all(rx)] == ["default"]
        assert {one.source for one in documents.list_documents(rx, None)} == {"00.txt", "01.txt", "02.txt"}
        assert documents.text(rx, home.ids[1], 1) == text_of("01.txt")
    again.close()
