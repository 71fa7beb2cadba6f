from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from citewise.errors import DirectoryInUseError, NoSpaceError, RegistryError
from citewise.registry import documents, restore, schema
from citewise.registry.archive import FORMAT
from citewise.registry.backup import write_backup
from citewise.registry.blobs import Blobs
from citewise.registry.check import check_registry
from citewise.registry.database import Registry
from citewise.registry.exchange import finish_restore
from citewise.registry.owner import OwnerLock
from citewise.registry.restore import Comparison, restore_backup
from citewise.registry.salvage import Known
from tests.unit.registry.whole import converse, everything, keep, make_home, text_of

PAGE = 4096


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data directory with three documents, of which two are in ``backup``."""
    path = tmp_path / "home"
    make_home(path, 2)
    (path / "index").mkdir()
    (path / "index" / "vectors").write_text("derived")
    (path / "models").mkdir()
    (path / "models" / "weights").write_text("large")
    registry, blobs = Registry(path), Blobs(path)
    write_backup(registry, blobs, tmp_path / "b.zip")
    keep(registry, blobs, "later.txt")
    keep(registry, blobs, "00.txt", text_of("changed"))
    converse(registry, "And later?")
    registry.close()
    return path


@pytest.fixture
def backup(home: Path, tmp_path: Path) -> Path:
    return tmp_path / "b.zip"


def sources(home: Path) -> set[tuple[str, int]]:
    registry = Registry(home)
    with registry.read() as rx:
        found = {(one.source, one.version) for one in documents.list_documents(rx, None)}
    registry.close()
    return found


OLD = {("00.txt", 2), ("01.txt", 1), ("later.txt", 1)}
NEW = {("00.txt", 1), ("01.txt", 1)}


# --- what becomes of a directory ----------------------------------------------------------


def test_an_empty_directory_gets_all_of_it(backup: Path, tmp_path: Path) -> None:
    restored = restore_backup(backup, tmp_path / "new" / "home")
    assert restored is not None
    assert restored.replaced is None
    assert restored.comparison.counts["documents"] == 2
    assert (restored.comparison.missing, restored.comparison.readable) == ((), "all")
    assert sources(tmp_path / "new" / "home") == NEW
    assert check_registry(tmp_path / "new" / "home" / "registry.sqlite3", deep=True) == []
    for path in [tmp_path / "new" / "home", *(tmp_path / "new" / "home").rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_full_directory_is_moved_aside_and_the_report_says_what_is_missing(home: Path, backup: Path) -> None:
    before = everything(home)
    restored = restore_backup(backup, home)
    assert restored is not None
    found = restored.comparison
    assert found.missing == (Known("default", "later.txt", 1),)
    assert found.older == (Known("default", "00.txt", 2),)
    assert (found.missing_conversations, found.unknown_originals, found.readable) == (1, 2, "all")
    assert found.replaced_documents == 3
    assert restored.replaced is not None
    assert restored.replaced.parent == home
    kept = everything(restored.replaced)
    assert {name: content for name, content in before.items() if not name.startswith("models/")} == kept
    assert (home / "models" / "weights").read_text() == "large"
    assert not (home / "index").exists()
    assert sources(home) == NEW


def test_a_second_restore_keeps_what_the_first_one_moved_aside(home: Path, backup: Path) -> None:
    first, second = restore_backup(backup, home), restore_backup(backup, home)
    assert first is not None
    assert second is not None
    assert first.replaced != second.replaced
    assert (second.comparison.missing, second.comparison.unknown_originals) == ((), 0)
    assert sources(first.replaced or home) == OLD


def test_nothing_changes_without_agreement(home: Path, backup: Path) -> None:
    before, told = everything(home), []

    def refuse(comparison: Comparison) -> bool:
        told.append(comparison)
        return False

    assert restore_backup(backup, home, agree=refuse) is None
    assert everything(home) == before
    assert [one.source for one in told[0].missing] == ["later.txt"]


def test_a_directory_in_use_is_refused(home: Path, backup: Path) -> None:
    lock = OwnerLock(home)
    before = everything(home)
    with pytest.raises(DirectoryInUseError):
        restore_backup(backup, home)
    lock.release()
    assert everything(home) == before


def test_the_directory_is_free_afterwards(home: Path, backup: Path) -> None:
    restore_backup(backup, home)
    lock = OwnerLock(home)
    assert not lock.unclean
    lock.release()


# --- damaged directories --------------------------------------------------------------------


def overwrite_pages(path: Path, pages: list[int]) -> None:
    with path.open("r+b") as file:
        for page in pages:
            file.seek(page * PAGE)
            file.write(os.urandom(PAGE))


def root_page(path: Path, table: str) -> int:
    """The number of the first page of a table, from 0."""
    import sqlite3  # noqa: PLC0415
    from contextlib import closing  # noqa: PLC0415

    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]) - 1


def test_a_registry_that_is_damaged_elsewhere_still_says_what_is_missing(home: Path, backup: Path) -> None:
    overwrite_pages(home / "registry.sqlite3", [root_page(home / "registry.sqlite3", "embeddings")])
    restored = restore_backup(backup, home)
    assert restored is not None
    assert restored.comparison.missing == (Known("default", "later.txt", 1),)
    assert sources(home) == NEW


def test_a_registry_that_can_be_read_in_part_says_so(home: Path, backup: Path) -> None:
    overwrite_pages(home / "registry.sqlite3", [root_page(home / "registry.sqlite3", "collections")])
    restored = restore_backup(backup, home)
    assert restored is not None
    assert restored.comparison.readable == "part"
    assert [one.source for one in restored.comparison.missing] == ["later.txt"]


@pytest.mark.parametrize("damage", ["first page", "cut", "no database", "empty"])
def test_a_registry_that_cannot_be_read_at_all_is_replaced_too(home: Path, backup: Path, damage: str) -> None:
    path = home / "registry.sqlite3"
    match damage:
        case "first page":
            overwrite_pages(path, [0])
        case "cut":
            os.truncate(path, 100)
        case "no database":
            path.write_bytes(b"this is no database" * 1000)
        case "empty":
            path.write_bytes(b"")
    left = path.read_bytes()
    restored = restore_backup(backup, home)
    assert restored is not None
    assert restored.comparison.readable == ("all" if damage == "empty" else "nothing")
    assert restored.comparison.unknown_originals == 2
    assert restored.replaced is not None
    assert (restored.replaced / "registry.sqlite3").read_bytes() == left
    assert sources(home) == NEW


def test_a_journal_of_the_old_registry_never_meets_the_new_one(home: Path, backup: Path) -> None:
    (home / "registry.sqlite3-journal").write_bytes(b"a journal" * 1000)
    restored = restore_backup(backup, home)
    assert restored is not None
    assert not (home / "registry.sqlite3-journal").exists()
    assert (restored.replaced or home).joinpath("registry.sqlite3-journal").exists()
    assert sources(home) == NEW


# --- damaged backups --------------------------------------------------------------------------


def rewrite(backup: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    """Write a backup anew with other members; ``None`` leaves one out."""
    with zipfile.ZipFile(backup) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(backup, "w") as archive:
        for name, content in members.items():
            changed = change(name, content)
            if changed is not None:
                archive.writestr(name, changed)


def change_manifest(backup: Path, **values: object) -> None:
    def change(name: str, content: bytes) -> bytes:
        return json.dumps({**json.loads(content), **values}).encode() if name == "manifest.json" else content

    rewrite(backup, change)


def refused(backup: Path, home: Path, words: str) -> None:
    before = everything(home)
    with pytest.raises(RegistryError, match=words):
        restore_backup(backup, home)
    assert everything(home) == before
    assert [path.name for path in home.iterdir() if "restor" in path.name or "replaced" in path.name] == []


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_backup_that_was_cut_is_refused(home: Path, backup: Path, share: float) -> None:
    os.truncate(backup, int(backup.stat().st_size * share))
    refused(backup, home, "no backup of Citewise, or it is damaged .*Nothing was changed")


def test_a_backup_with_any_byte_changed_is_refused_or_makes_no_difference(home: Path, backup: Path) -> None:
    whole = backup.read_bytes()
    step = len(whole) // 40
    for at in range(step, len(whole) - step, step):
        backup.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        target = home.parent / f"target-{at}"
        try:
            restore_backup(backup, target)
        except RegistryError:
            assert not (target / "registry.sqlite3").exists()
        else:
            assert check_registry(target / "registry.sqlite3", deep=True) == []


def test_an_original_with_other_bytes_is_refused(home: Path, backup: Path) -> None:
    rewrite(backup, lambda name, content: b"other" if name.startswith("blobs/") else content)
    refused(backup, home, "not what the manifest says")


def test_an_original_that_is_left_out_is_refused(home: Path, backup: Path) -> None:
    rewrite(backup, lambda name, content: None if name.startswith("blobs/") else content)
    refused(backup, home, "does not fit its content")


def test_an_original_that_the_manifest_leaves_out_too_is_refused(home: Path, backup: Path) -> None:
    with zipfile.ZipFile(backup) as archive:
        members = json.loads(archive.read("manifest.json"))["members"]
    change_manifest(backup, members=[one for one in members if one["name"] == "registry.sqlite3"])
    refused(backup, home, "2 originals are not in it")


def test_a_name_that_leads_out_of_the_directory_is_refused(home: Path, backup: Path) -> None:
    with zipfile.ZipFile(backup) as archive:
        members = json.loads(archive.read("manifest.json"))["members"]
    for name in ("../outside", "/tmp/outside", "blobs/ab/../../owner.lock", "owner.lock"):  # noqa: S108 - never written
        with zipfile.ZipFile(backup, "a") as archive:
            archive.writestr(name, "evil")
        change_manifest(backup, members=[*members, {"name": name, "bytes": 4, "sha256": "0" * 64}])
        refused(backup, home, "does not belong in it")


def test_a_member_that_is_larger_than_it_says_is_stopped(home: Path, backup: Path) -> None:
    with zipfile.ZipFile(backup) as archive:
        members = json.loads(archive.read("manifest.json"))["members"]
    for member in members:
        member["bytes"] = min(member["bytes"], 10)
    change_manifest(backup, members=members)
    refused(backup, home, "not what the manifest says")


def test_a_registry_inside_that_is_damaged_is_refused(home: Path, backup: Path, tmp_path: Path) -> None:
    import hashlib  # noqa: PLC0415

    with zipfile.ZipFile(backup) as archive:
        entry, registry = json.loads(archive.read("manifest.json")), bytearray(archive.read("registry.sqlite3"))
    registry[5 * PAGE : 6 * PAGE] = os.urandom(PAGE)
    for member in entry["members"]:
        if member["name"] == "registry.sqlite3":
            member["sha256"] = hashlib.sha256(registry).hexdigest()
    rewrite(backup, lambda name, content: bytes(registry) if name == "registry.sqlite3" else content)
    change_manifest(backup, members=entry["members"])
    refused(backup, home, "is damaged")


def test_a_newer_format_is_refused_with_a_sentence(home: Path, backup: Path) -> None:
    change_manifest(backup, format=FORMAT + 1)
    refused(backup, home, r"has the format 2.*Upgrade Citewise.*nothing was changed")


def test_a_newer_schema_is_refused_with_a_sentence(home: Path, backup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore, "is_newer", lambda revision: revision == schema.HEAD)
    refused(backup, home, rf"newer than this one \(schema {schema.HEAD}\).*Upgrade Citewise")


@pytest.mark.parametrize("what", ["text", "zip", "none"])
def test_something_else_is_refused_with_a_sentence(home: Path, tmp_path: Path, what: str) -> None:
    path = tmp_path / what
    if what == "text":
        path.write_text("a letter")
    elif what == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("letter.txt", "a letter")
    refused(path, home, "There is no file" if what == "none" else "is no backup of Citewise")


def test_a_disk_without_room_is_told_before_anything_is_unpacked(
    home: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(path: Path, needed: int, **_: object) -> None:
        raise NoSpaceError(directory=str(path), free=0, needed=needed)

    monkeypatch.setattr(restore, "require_free", no_room)
    refused(backup, home, "Free some space")


# --- killed in the middle ---------------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
from citewise.failpoints import on_failpoint
from citewise.registry.restore import restore_backup
left = [int(sys.argv[4])]
def reached(name):
    if name == sys.argv[3]:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
on_failpoint(reached)
restore_backup(Path(sys.argv[1]), Path(sys.argv[2]))
"""

STEPS = [
    ("restore-unpacked", 1, OLD),
    ("restore-decided", 1, NEW),
    ("restore-moved-aside", 1, NEW),
    ("restore-between", 1, NEW),
    ("restore-between", 2, NEW),
    ("restore-moved-in", 1, NEW),
]


def kill_at(step: str, time: int, backup: Path, home: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, str(backup), str(home), step, str(time)], check=False)
    assert ended.returncode == -signal.SIGKILL


@pytest.mark.parametrize(("step", "time", "expected"), STEPS)
def test_a_kill_leaves_the_old_or_the_new_state(
    home: Path, backup: Path, step: str, time: int, expected: set[tuple[str, int]]
) -> None:
    kill_at(step, time, backup, home)
    assert sources(home) == expected  # by opening it, as the next start does
    assert check_registry(home / "registry.sqlite3", deep=True) == []
    assert [path.name for path in home.iterdir() if path.name.startswith("restor")] == []
    kept = [path for path in home.iterdir() if path.name.startswith("replaced-")]
    assert len(kept) == (expected == NEW)
    if kept:
        assert sources(kept[0]) == OLD


@pytest.mark.parametrize(("step", "time", "expected"), STEPS)
def test_the_next_restore_works_after_a_kill(
    home: Path, backup: Path, step: str, time: int, expected: set[tuple[str, int]]
) -> None:
    kill_at(step, time, backup, home)
    restored = restore_backup(backup, home)
    assert restored is not None
    assert len(restored.comparison.missing) == (1 if expected == OLD else 0)
    assert sources(home) == NEW


def test_what_was_unpacked_and_not_decided_is_cleared_away(home: Path) -> None:
    (home / "restoring-abc" / "blobs").mkdir(parents=True)
    before = sources(home)
    finish_restore(home)
    assert not (home / "restoring-abc").exists()
    assert sources(home) == before
