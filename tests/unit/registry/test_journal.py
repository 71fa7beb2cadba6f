"""Rollback journals as real kills leave them, and what damage does to them."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from citewise.registry.journal import damage_of_journal, journal_of

# A small cache makes SQLite write pages before the commit, so that the journal has several parts.
KILLED = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
for pragma in ("journal_mode=TRUNCATE", "synchronous=FULL", f"cache_size={sys.argv[2]}"):
    connection.execute(f"PRAGMA {pragma}")
connection.execute("CREATE TABLE notes (text)")
connection.execute("CREATE INDEX texts ON notes (text)")
connection.executemany("INSERT INTO notes VALUES (?)", [(f"before {n} " + "x" * 900,) for n in range(200)])
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE notes SET text = 'after' || text")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(params=[5, 50, 5000], ids=["many parts", "some parts", "not synced"])
def hot(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A database in the middle of a transaction that a kill cut off."""
    path = tmp_path / "notes.sqlite3"
    subprocess.run([sys.executable, "-c", KILLED, str(path), str(request.param)], check=False)
    assert journal_of(path).stat().st_size > 0
    return path


def is_as_before(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path)) as connection:
            whole = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            rows = connection.execute("SELECT count(*) FROM notes WHERE text LIKE 'before%'").fetchone()
    except sqlite3.DatabaseError:
        return False
    return whole and rows == (200,)


def test_a_journal_that_a_kill_left_is_whole_and_brings_back_what_was_before(hot: Path) -> None:
    assert damage_of_journal(journal_of(hot)) is None
    assert is_as_before(hot)


def test_no_journal_and_an_empty_one_are_whole(tmp_path: Path) -> None:
    assert damage_of_journal(tmp_path / "none-journal") is None
    (tmp_path / "some-journal").write_bytes(b"")
    assert damage_of_journal(tmp_path / "some-journal") is None
    (tmp_path / "some-journal").write_bytes(bytes(4096))
    assert damage_of_journal(tmp_path / "some-journal") is None


def test_damage_that_sqlite_would_pass_over_in_silence_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "notes.sqlite3"
    subprocess.run([sys.executable, "-c", KILLED, str(path), "5"], check=False)
    journal = journal_of(path)
    whole, database = journal.read_bytes(), path.read_bytes()
    middle = len(whole) // 2
    mutations = {
        "magic": b"x" + whole[1:],
        "count": whole[:8] + b"\xff\xff\xff\xfe" + whole[12:],
        "sector size": whole[:20] + b"\0\0\0\7" + whole[24:],
        "first page": whole[:600] + os.urandom(4096) + whole[600 + 4096 :],
        "middle": whole[:middle] + os.urandom(4096) + whole[middle + 4096 :],
        "cut in a page": whole[: middle + 17],
        "cut in the header": whole[:20],
    }
    for name, mutated in mutations.items():
        journal.write_bytes(mutated)
        assert damage_of_journal(journal), name
        path.write_bytes(database)
        assert not is_as_before(path), f"{name}: SQLite could make it good, so refusing was too much"
