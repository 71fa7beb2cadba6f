from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from citewise.errors import DamagedRegistryError
from citewise.registry import collections, database
from citewise.registry.check import check_content, check_registry, check_structure
from citewise.registry.database import Registry
from citewise.registry.mark import CHECK_EVERY_S, Mark
from tests.unit.registry.whole import everything, make_home

PAGE = 4096


@pytest.fixture(params=[False, True], ids=["rollback journal", "write-ahead log"])
def journalled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Runs a test with either kind of journal, whatever the linked SQLite is trusted with."""
    monkeypatch.setattr(database, "WAL_IS_SAFE", request.param)
    return bool(request.param)


def change(home: Path, statement: str) -> None:
    with closing(sqlite3.connect(home / "registry.sqlite3")) as connection:
        connection.execute(statement)
        connection.commit()


def overwrite(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def live(home: Path, count: int) -> Registry:
    """A registry in use, with so many commits; whoever copies its files has those of a crash."""
    registry = Registry(home)
    for number in range(count):
        with registry.write() as tx:
            collections.ensure(tx, f"c{number}")
    return registry


def crashed(registry: Registry, target: Path) -> Path:
    """Copy a registry as a kill would leave it."""
    target.mkdir()
    for path in registry.path.parent.glob("registry.*"):
        (target / path.name).write_bytes(path.read_bytes())
    return target


# --- whole ----------------------------------------------------------------------------


def test_a_whole_registry_has_no_problems(tmp_path: Path, journalled: bool) -> None:
    make_home(tmp_path)
    assert check_registry(tmp_path / "registry.sqlite3", deep=True) == []


def test_a_registry_that_is_not_there_yet_has_no_problems(tmp_path: Path) -> None:
    assert check_registry(tmp_path / "registry.sqlite3", deep=True) == []


def test_checking_changes_nothing(tmp_path: Path, journalled: bool) -> None:
    registry = live(tmp_path / "live", 3)
    home = crashed(registry, tmp_path / "crashed")
    registry.close()
    before = everything(home)
    assert check_registry(home / "registry.sqlite3", deep=True) == []
    after = everything(home)
    before.pop("registry.sqlite3-shm", None)  # SQLite's notes on the log, which it makes anew
    after.pop("registry.sqlite3-shm", None)
    assert after == before


def test_a_registry_in_use_can_be_checked(tmp_path: Path, journalled: bool) -> None:
    make_home(tmp_path)
    registry = live(tmp_path, 3)
    assert registry.check(deep=True) == []
    registry.close()


# --- structure ------------------------------------------------------------------------


def test_a_crash_loses_nothing_and_is_no_problem(tmp_path: Path, journalled: bool) -> None:
    registry = live(tmp_path / "live", 7)
    home = crashed(registry, tmp_path / "crashed")
    registry.close()
    again = Registry(home, unclean=True)
    with again.read() as rx:
        assert len(collections.list_all(rx)) == 7
    again.close()


@pytest.mark.parametrize("left", [0.0, 0.5, 0.9])
def test_a_log_that_was_cut_is_seen_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: float
) -> None:
    monkeypatch.setattr(database, "WAL_IS_SAFE", True)
    registry = live(tmp_path / "live", 7)
    home = crashed(registry, tmp_path / "crashed")
    registry.close()
    log = home / "registry.sqlite3-wal"
    os.truncate(log, int(log.stat().st_size * left))
    before = everything(home)
    with pytest.raises(DamagedRegistryError, match=r"changes are missing.*log was cut off"):
        Registry(home, unclean=True)
    before.pop("registry.sqlite3-shm", None)
    after = everything(home)
    after.pop("registry.sqlite3-shm", None)
    assert after == before


def test_a_log_that_was_garbled_or_removed_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WAL_IS_SAFE", True)
    registry = live(tmp_path / "live", 7)
    garbled, removed = crashed(registry, tmp_path / "garbled"), crashed(registry, tmp_path / "removed")
    registry.close()
    log = garbled / "registry.sqlite3-wal"
    overwrite(log, log.stat().st_size // 2, os.urandom(64))
    (removed / "registry.sqlite3-wal").unlink()
    for home in (garbled, removed):
        assert "changes are missing" in check_structure(home / "registry.sqlite3")[0].what
        with pytest.raises(DamagedRegistryError):
            Registry(home)


def test_an_older_copy_in_its_place_is_seen_and_can_be_accepted(tmp_path: Path) -> None:
    make_home(tmp_path, 1)
    older = (tmp_path / "registry.sqlite3").read_bytes()
    live(tmp_path, 2).close()
    (tmp_path / "registry.sqlite3").write_bytes(older)
    with pytest.raises(DamagedRegistryError, match=r"2 changes are missing.*older copy.*delete registry\.mark"):
        Registry(tmp_path)
    (tmp_path / "registry.mark").unlink()
    Registry(tmp_path).close()


@pytest.mark.parametrize("how", ["removed", "emptied"])
def test_a_registry_that_went_missing_is_not_begun_anew(tmp_path: Path, how: str) -> None:
    make_home(tmp_path, 1)
    path = tmp_path / "registry.sqlite3"
    path.unlink()
    if how == "emptied":
        path.touch()
    with pytest.raises(DamagedRegistryError, match="empty or missing, although"):
        Registry(tmp_path)
    assert not path.exists() or path.stat().st_size == 0


def half_done(path: Path, statement: str) -> list[tuple[int, bytes]]:
    """Do a transaction and return the pages it changed as they were: position and content."""
    before = path.read_bytes()
    change(path.parent, statement)
    after = path.read_bytes()
    places = range(PAGE, min(len(before), len(after)), PAGE)
    return [(at, before[at : at + PAGE]) for at in places if before[at : at + PAGE] != after[at : at + PAGE]]


def quick_check(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return bool(connection.execute("PRAGMA quick_check").fetchall() == [("ok",)])


def test_half_a_transaction_that_a_quick_check_passes_is_seen(tmp_path: Path) -> None:
    """What is left when a journal goes missing: some of the pages of a transaction, not all."""
    make_home(tmp_path, 40)
    path = tmp_path / "registry.sqlite3"
    pages = half_done(path, "DELETE FROM embeddings WHERE rowid % 50 = 0")  # nothing refers to them
    passed = 0
    whole = path.read_bytes()
    for at, content in pages:
        overwrite(path, at, content)
        passed += quick_check(path)
        assert check_structure(path)
        path.write_bytes(whole)
    assert passed > 0


def test_half_a_change_in_place_is_seen_by_its_hashes_where_a_journal_is_missing(tmp_path: Path) -> None:
    make_home(tmp_path, 40)
    path = tmp_path / "registry.sqlite3"
    changed = half_done(path, "UPDATE chunks SET context = 'B context'")
    for at, content in changed[1:]:
        overwrite(path, at, content)
    assert check_structure(path) == [], "SQLite sees nothing wrong"
    Mark(path).begun()
    with pytest.raises(DamagedRegistryError, match=r"chunks of \d\d.txt .* are not what was stored"):
        Registry(tmp_path)


def test_a_kill_before_a_transaction_wrote_anything_is_no_problem(tmp_path: Path) -> None:
    make_home(tmp_path, 2)
    Mark(tmp_path / "registry.sqlite3").begun()
    registry = Registry(tmp_path)
    registry.close()
    assert Mark(registry.path).is_as_left()


def test_a_damaged_journal_is_refused_before_sqlite_uses_it(tmp_path: Path) -> None:
    make_home(tmp_path, 1)
    (tmp_path / "registry.sqlite3-journal").write_bytes(b"no journal at all" * 100)
    before = everything(tmp_path)
    with pytest.raises(DamagedRegistryError, match="its journal cannot be read"):
        Registry(tmp_path)
    assert everything(tmp_path) == before


def test_a_reference_to_nothing_is_seen(tmp_path: Path) -> None:
    make_home(tmp_path, 1)
    change(tmp_path, "UPDATE versions SET document_id = 'nobody'")
    assert any("refers to" in problem.what for problem in check_structure(tmp_path / "registry.sqlite3"))


# --- when it is looked at ---------------------------------------------------------------


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The times that the structure was checked."""
    seen: list[Path] = []

    def checked(path: Path) -> list[object]:
        seen.append(path)
        return []

    monkeypatch.setattr(database, "check_structure", checked)
    return seen


def test_a_registry_that_was_closed_properly_is_opened_without_a_look(tmp_path: Path, looks: list[Path]) -> None:
    live(tmp_path, 2).close()
    looks.clear()
    live(tmp_path, 0).close()
    live(tmp_path, 1).close()
    live(tmp_path, 1).close()
    assert looks == []


def test_an_unclean_end_a_foreign_hand_and_a_day_lead_to_a_look(tmp_path: Path, looks: list[Path]) -> None:
    def opened(**how: bool) -> int:
        looks.clear()
        Registry(tmp_path, **how).close()
        return len(looks)

    live(tmp_path, 1).close()
    assert opened() == 0
    assert opened(unclean=True) == 1
    change(tmp_path, "UPDATE collections SET name = 'other'")
    assert opened() == 1
    os.utime(tmp_path / "registry.sqlite3")
    assert opened() == 1
    (tmp_path / "registry.mark").write_text("no mark")
    assert opened() == 1
    assert opened() == 0


def test_a_mark_is_trusted_for_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live(tmp_path, 1).close()
    now = time.time()
    for later, trusted in ((60.0, True), (CHECK_EVERY_S + 60.0, False), (-CHECK_EVERY_S, False)):
        monkeypatch.setattr(time, "time", lambda later=later: now + later)
        assert Mark(tmp_path / "registry.sqlite3").is_as_left() is trusted


def test_a_kill_between_two_commits_leads_to_a_look(tmp_path: Path, looks: list[Path]) -> None:
    registry = live(tmp_path / "live", 1)
    registry.close()
    registry = live(tmp_path / "live", 1)
    home = crashed(registry, tmp_path / "crashed")
    registry.close()
    looks.clear()
    Registry(home).close()
    assert len(looks) == 1


# --- damage while it is open --------------------------------------------------------------


def test_once_damage_was_met_nothing_is_written(tmp_path: Path) -> None:
    make_home(tmp_path, 3)
    registry = Registry(tmp_path)
    with closing(sqlite3.connect(registry.path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'turns'").fetchone()
    overwrite(registry.path, (page - 1) * PAGE, os.urandom(PAGE))
    with (
        pytest.raises(DamagedRegistryError, match=r"Nothing was written.*citewise restore FILE"),
        registry.read() as rx,
    ):
        rx.exec_driver_sql("SELECT * FROM turns").fetchall()
    before = registry.path.read_bytes()
    with pytest.raises(DamagedRegistryError), registry.write() as tx:
        collections.ensure(tx, "more")
    registry.close()
    assert (tmp_path / "registry.sqlite3").read_bytes() == before
    with pytest.raises(DamagedRegistryError):
        Registry(tmp_path)


# --- content ----------------------------------------------------------------------------


def lose_blob(home: Path) -> None:
    next((home / "blobs").glob("[0-9a-f][0-9a-f]/*")).unlink()


def garble_blob(home: Path) -> None:
    blob = next((home / "blobs").glob("[0-9a-f][0-9a-f]/*"))
    blob.write_bytes(blob.read_bytes()[:-1] + b"!")


def sql(statement: str) -> Callable[[Path], None]:
    return lambda home: change(home, statement)


@pytest.mark.parametrize(
    ("damage", "part", "words"),
    [
        (sql("UPDATE chunks SET text = '?' || substr(text, 2) WHERE ordinal = 1"), "chunks", "00.txt"),
        (sql("UPDATE chunks SET context = 'Another' WHERE ordinal = 1"), "chunks", "01.txt"),
        (sql("UPDATE texts SET text = 'Another text.'"), "chunks", "00.txt"),
        (sql("UPDATE chunks SET headings = '[' WHERE ordinal = 0"), "chunks", "1 of"),
        (sql("DELETE FROM texts"), "text", "the text of 00.txt (version 1) is missing"),
        (sql("UPDATE texts SET blocks = substr(blocks, 1, 20)"), "text", "page map"),
        (sql("UPDATE embeddings SET vector = zeroblob(32) WHERE rowid = 2"), "embeddings", "1 vectors of model/1"),
        (sql("UPDATE embeddings SET vector = substr(vector, 1, 28) WHERE rowid < 4"), "embeddings", "3 vectors"),
        (sql("UPDATE turns SET citations = '[{'"), "conversations", "1 answers"),
        (lose_blob, "originals", "is missing"),
        (garble_blob, "originals", "is damaged"),
    ],
)
def test_content_that_does_not_fit_is_named(
    tmp_path: Path, damage: Callable[[Path], None], part: str, words: str
) -> None:
    make_home(tmp_path, 2)
    damage(tmp_path)
    path = tmp_path / "registry.sqlite3"
    (tmp_path / "registry.mark").unlink()
    assert check_structure(path) == []
    found = list(check_content(path))
    assert {problem.part for problem in found} == {part}
    assert any(words in problem.what for problem in found)


def test_what_is_not_ready_yet_is_no_problem(tmp_path: Path) -> None:
    make_home(tmp_path, 1)
    change(tmp_path, "UPDATE versions SET status = 'parsing'")
    change(tmp_path, "DELETE FROM texts")
    change(tmp_path, "DELETE FROM chunks")
    assert list(check_content(tmp_path / "registry.sqlite3")) == []
