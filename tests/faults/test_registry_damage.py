"""The registry damaged in every way: it is noticed, nothing is written, and a backup brings it back.

Damage of pages, of the write-ahead log and of the rollback journal. A page that SQLite does
not use (it is on the free list) may be overwritten without harm; then nothing is missing.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from citewise.errors import DamagedRegistryError, RegistryError
from citewise.registry import database, documents
from citewise.registry.backup import write_backup
from citewise.registry.blobs import Blobs
from citewise.registry.check import check_registry
from citewise.registry.database import Registry
from citewise.registry.journal import journal_of
from citewise.registry.mark import log_of
from citewise.registry.restore import restore_backup
from tests.unit.registry.whole import converse, everything, keep, make_home

LONG = bool(os.environ.get("SOAK"))
MUTATIONS = 50 if LONG else 5  # of each kind
IN_BACKUP, LATER = 30, 3  # documents
PAGE = 4096
SEED = 20261121
CHECKOUT = Path(__file__).parents[2]

# A process that adds documents and then stops in the middle of a transaction, of which
# SQLite has written a part already since it may keep ten pages in memory only.
WRITER = """
import sys, time
from pathlib import Path
from citewise.registry import database
database.WAL_IS_SAFE = sys.argv[2] == "wal"
from citewise.registry.blobs import Blobs
from citewise.registry.owner import OwnerLock
from tests.unit.registry.whole import keep
home = Path(sys.argv[1])
lock = OwnerLock(home)
registry, blobs = database.Registry(home), Blobs(home)
for number in range(int(sys.argv[3])):
    keep(registry, blobs, f"written-{number}.txt")
with registry.write() as tx:
    tx.exec_driver_sql("PRAGMA cache_size=10")
with registry.write() as tx:
    for statement in ("UPDATE chunks SET context = context || '!'", "DELETE FROM documents WHERE source LIKE '1%'"):
        tx.exec_driver_sql(statement)
    print("in the middle", flush=True)
    time.sleep(600)
"""


@dataclass(frozen=True)
class Case:
    """One way to damage a registry."""

    name: str
    do: Callable[[Path, random.Random], None]


def one_page(path: Path, chance: random.Random) -> None:
    _overwrite(path, chance.randrange(path.stat().st_size // PAGE) * PAGE, chance.randbytes(PAGE))


def some_pages(path: Path, chance: random.Random) -> None:
    for _ in range(chance.randint(2, 20)):
        one_page(path, chance)


def zeros(path: Path, chance: random.Random) -> None:
    _overwrite(path, chance.randrange(path.stat().st_size // PAGE) * PAGE, bytes(PAGE))


def exchanged(path: Path, chance: random.Random) -> None:
    pages = path.stat().st_size // PAGE
    content = path.read_bytes()
    first, second = chance.sample(range(pages), 2)
    _overwrite(path, first * PAGE, content[second * PAGE : (second + 1) * PAGE])


def cut(path: Path, chance: random.Random) -> None:
    os.truncate(path, chance.randrange(path.stat().st_size))


PAGE_CASES = [Case(function.__name__, function) for function in (one_page, some_pages, zeros, exchanged, cut)]


def _overwrite(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a data directory and a backup of it, made before the last documents came."""
    root = tmp_path_factory.mktemp("library")
    home = root / "home"
    make_home(home, IN_BACKUP)
    registry, blobs = Registry(home), Blobs(home)
    for number in range(20):
        converse(registry, f"Question {number}?")
    write_backup(registry, blobs, root / "backup.zip")
    for number in range(LATER):
        keep(registry, blobs, f"later-{number}.txt")
    registry.close()
    return root


def brought_back(root: Path, home: Path) -> list[str]:
    """Restore and open; what is wrong then."""
    restored = restore_backup(root / "backup.zip", home)
    if restored is None:
        return ["the restore did nothing"]
    found, wrong = restored.comparison, []
    told = {document.source for document in found.missing}
    expected = {f"later-{number}.txt" for number in range(LATER)}
    if found.readable == "all" and not expected <= told:
        wrong.append(f"it did not say that {sorted(expected - told)} are missing")
    if told - expected - {f"written-{number}.txt" for number in range(10_000)}:
        wrong.append(f"it said that {sorted(told)} are missing")
    if found.unknown_originals < LATER:
        wrong.append(f"it counted {found.unknown_originals} originals that the backup lacks")
    registry = Registry(home)
    with registry.read() as rx:
        there = {document.source for document in documents.list_documents(rx, None)}
    registry.close()
    if there != {f"{number:02}.txt" for number in range(IN_BACKUP)}:
        wrong.append(f"it brought back {sorted(there)}")
    return wrong + [problem.what for problem in check_registry(home / "registry.sqlite3", deep=True)]


def is_harmless(home: Path, whole: Path) -> bool:
    """Whether a damaged registry still says everything that the whole one does."""
    with (
        closing(sqlite3.connect(home / "registry.sqlite3")) as one,
        closing(sqlite3.connect(whole / "registry.sqlite3")) as other,
    ):
        try:
            return list(one.iterdump()) == list(other.iterdump())
        except sqlite3.Error:
            return False


def refuses(home: Path) -> bool:
    """Open and try to write, as the program does; whether that was refused before anything was written."""
    before = registry_files(home)
    try:
        registry = Registry(home)
    except DamagedRegistryError:
        assert registry_files(home) == before, "it wrote to what it refused"
        return True
    try:
        with registry.write() as tx:
            tx.exec_driver_sql("INSERT INTO collections VALUES ('x', 'x', 0)")
    except RegistryError:
        return True
    finally:
        registry.close()
    return False


def registry_files(home: Path) -> dict[str, bytes]:
    """What must stay as it is; the shared memory of a log is SQLite's own and made anew."""
    return {
        name: content
        for name, content in everything(home).items()
        if name.startswith("registry.sqlite3") and not name.endswith("-shm")
    }


@pytest.mark.parametrize("case", PAGE_CASES, ids=lambda case: case.name)
def test_a_damaged_page_is_noticed_and_a_backup_brings_everything_back(
    library: Path, tmp_path: Path, case: Case
) -> None:
    chance = random.Random(f"{SEED} {case.name}")  # noqa: S311 - the same mutations every time
    wrong, noticed = [], 0
    for number in range(MUTATIONS):
        home = tmp_path / str(number)
        shutil.copytree(library / "home", home)
        case.do(home / "registry.sqlite3", chance)
        damaged = tmp_path / f"damaged-{number}"
        shutil.copytree(home, damaged)
        if not refuses(home):
            if not is_harmless(damaged, library / "home"):
                wrong.append(f"{case.name} {number}: it was written to although it was damaged")
            continue
        noticed += 1
        wrong += [f"{case.name} {number}: {what}" for what in brought_back(library, home)]
    print(f"{case.name}: {noticed} of {MUTATIONS} were noticed, the others did no harm")  # noqa: T201 - shown with -rP
    assert wrong == []


@pytest.fixture(scope="module")
def killed(library: Path) -> Callable[[str, int], tuple[Path, int]]:
    """Gives the data directory of a process that was killed in a transaction, and how many documents it had added."""
    made: dict[tuple[str, int], tuple[Path, int]] = {}

    def kill(journal: str, number: int) -> tuple[Path, int]:
        if (journal, number) not in made:
            home = library / f"{journal}-{number}"
            shutil.copytree(library / "home", home)
            with subprocess.Popen(
                [sys.executable, "-c", WRITER, str(home), journal, str(number % 5)],
                stdout=subprocess.PIPE,
                cwd=CHECKOUT,
                text=True,
            ) as writer:
                assert writer.stdout is not None
                assert writer.stdout.readline() == "in the middle\n"
                writer.kill()
            made[journal, number] = home, number % 5
        return made[journal, number]

    return kill


def sources_of(home: Path) -> set[str]:
    registry = Registry(home, unclean=True)
    with registry.read() as rx:
        found = {document.source for document in documents.list_documents(rx, None)}
    registry.close()
    return found


def left_alone(_path: Path, _chance: random.Random) -> None:
    """The other side of it: a kill alone is no damage."""


def garbled(path: Path, chance: random.Random) -> None:
    _overwrite(path, chance.randrange(path.stat().st_size), chance.randbytes(64))


def removed(path: Path, _chance: random.Random) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [left_alone, cut, garbled, removed], ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("journal", ["wal", "rollback"])
def test_a_damaged_log_never_ends_in_silent_loss(
    library: Path,
    killed: Callable[[str, int], tuple[Path, int]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    journal: str,
    damage: Callable[[Path, random.Random], None],
) -> None:
    monkeypatch.setattr(database, "WAL_IS_SAFE", journal == "wal")
    chance = random.Random(f"{SEED} {journal}")  # noqa: S311 - the same mutations every time
    expected = {f"{number:02}.txt" for number in range(IN_BACKUP)} | {f"later-{one}.txt" for one in range(LATER)}
    wrong, noticed = [], 0
    for number in range(MUTATIONS):
        home = tmp_path / str(number)
        template, written = killed(journal, number)
        shutil.copytree(template, home)
        path = home / "registry.sqlite3"
        log = log_of(path) if journal == "wal" else journal_of(path)
        assert log.stat().st_size > 0
        damage(log, chance)
        try:
            there = sources_of(home)
        except DamagedRegistryError:
            noticed += 1
            wrong += [f"{number}: {what}" for what in brought_back(library, home)]
            continue
        if there != expected | {f"written-{one}.txt" for one in range(written)}:
            wrong.append(f"{number}: {sorted(there)} are there, which was not noticed")
        wrong += [f"{number}: {problem.what}" for problem in check_registry(path, deep=True)]
    assert (noticed > 0) == (damage is not left_alone)
    print(f"{journal} {damage.__name__}: {noticed} of {MUTATIONS} were noticed, the others did no harm")  # noqa: T201 - shown with -rP
    assert wrong == []
