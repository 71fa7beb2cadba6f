"""The database of a data directory: opened, brought up to date, read and written.

SQLite is run with one writer at a time, ``BEGIN IMMEDIATE`` and ``synchronous=FULL``: what
was committed survives a power cut. Deleted content is overwritten (``secure_delete``).
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event

from citewise.errors import DamagedRegistryError, RegistryError
from citewise.registry.check import check_content, check_structure
from citewise.registry.exchange import finish_restore
from citewise.registry.failures import as_sentences
from citewise.registry.folders import create_private_file, ensure_directory
from citewise.registry.mark import MOST_COMMITS, Mark
from citewise.registry.schema import migrate
from citewise.registry.space import require_free
from citewise.upkeep import Problem

# Before 3.51.3 a checkpoint that races a commit can lose that commit: https://sqlite.org/wal.html#the_wal_reset_bug
WAL_IS_SAFE = sqlite3.sqlite_version_info >= (3, 51, 3)


class Registry:
    """The registry of one data directory, open. May be used from any thread.

    Keep reads short: where the linked SQLite is too old for its write-ahead log, a commit
    waits for the reads that go on, and fails after five seconds. Never enter ``write``
    while the same thread is inside ``read``.

    Unless it was closed properly, and lately, the file is checked before anything is written
    to it. A restore that was cut off is finished first.

    Args:
        directory: The data directory.
        unclean: Whether its last owner did not release it; then the file is checked in any case.

    Raises:
        DamagedRegistryError: It is not as it was left; nothing was written.
        RegistryError: It cannot be opened, or was written by a newer Citewise.
    """

    def __init__(self, directory: Path, *, unclean: bool = False) -> None:
        ensure_directory(directory)
        finish_restore(directory)
        self.path = directory / "registry.sqlite3"
        self._mark = Mark(self.path)
        self._damage: DamagedRegistryError | None = None
        if unclean or not self._mark.is_as_left():
            self._check()
        create_private_file(self.path)
        self._writing = threading.Lock()
        self._writer_thread: int | None = None
        self._writer = _engine(self.path, writes=True)
        self._reader = _engine(self.path, writes=False)
        try:
            # Rebuilding a table drops the old one, which would take every row that refers to it along.
            with self._foreign_keys_off(), self.write() as tx:
                migrate(tx)
        except RegistryError:
            self.close()
            raise

    @classmethod
    @contextmanager
    def read_only(cls, directory: Path) -> Iterator[Registry]:
        """Yield the registry of a directory that another process owns; ``write`` cannot be used.

        Raises:
            RegistryError: It cannot be opened.
        """
        registry = cls.__new__(cls)
        registry.path = directory / "registry.sqlite3"
        registry._damage = None
        registry._reader = _engine(registry.path, writes=False)
        try:
            yield registry
        finally:
            registry._reader.dispose()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a connection in a write transaction: committed at the end, rolled back on any error.

        Raises:
            DamagedRegistryError: It was found damaged, now or earlier; nothing was written.
            RegistryError: It could not be written; nothing was.
        """
        if self._writer_thread == threading.get_ident():
            raise RuntimeError("This thread is inside write() already; pass its connection on.")
        with self._writing:
            if self._damage:
                raise self._damage
            self._writer_thread = threading.get_ident()
            self._mark.begun()
            commits = None
            try:
                with self._guarded(), self._writer.begin() as connection:
                    before = _changes(connection)
                    yield connection
                    if _changes(connection) != before:
                        commits = _count_commit(connection)
            except BaseException:
                commits = None  # it was undone
                raise
            finally:
                self._mark.ended(commits)
                self._writer_thread = None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection in a read transaction: everything read belongs to one moment.

        Raises:
            RegistryError: It could not be read.
        """
        with self._guarded(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Let writers wait: a long read would make their commits fail."""
        with self._writing:
            yield

    def check(self, *, deep: bool) -> list[Problem]:
        """Return what is wrong with it, as ``check_registry`` does; writers wait for the first part."""
        with self.quiet():
            problems = check_structure(self.path)
        return problems or (list(check_content(self.path)) if deep else [])

    def snapshot(self, target: Path) -> None:
        """Write the registry as it is now into a new file, without what was deleted; writers wait.

        Raises:
            RegistryError: It cannot be read or the file not be written; what there is of it is worthless.
        """
        with self.quiet(), self._guarded(), self._writer.connect() as connection:
            cursor = connection.connection.cursor()  # outside a transaction, as VACUUM must be
            cursor.execute("VACUUM INTO ?", (str(target),))
            cursor.close()

    def flush_log(self) -> None:
        """Move the write-ahead log into the file and empty it, so that purged content is in neither."""
        if WAL_IS_SAFE:
            with self._writing, self._guarded(), self._writer.connect() as connection:
                cursor = connection.connection.cursor()  # outside a transaction, as a checkpoint must be
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                cursor.close()

    def pack(self) -> None:
        """Write the file anew without anything that was deleted, and empty its log; who writes meanwhile waits.

        Raises:
            RegistryError: There is no room for a copy, or reads went on for a minute without a pause.
        """
        require_free(self.path, self.path.stat().st_size, keep=0)
        with self.quiet(), self._guarded(), self._writer.connect() as connection:
            cursor = connection.connection.cursor()  # outside a transaction, as VACUUM must be
            cursor.execute("PRAGMA busy_timeout=60000")
            try:
                cursor.execute("VACUUM")
                busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                cursor.execute("PRAGMA busy_timeout=5000")
                cursor.close()
        if busy:
            raise RegistryError(f"The log of {self.path} could not be emptied while it was read. Try again.")

    def close(self) -> None:
        """Close all connections; those in use are closed as they are given back."""
        self._reader.dispose()
        self._writer.dispose()
        if not self._damage:
            self._mark.left()

    def _check(self) -> None:
        problems = check_structure(self.path)
        if problems:
            more = f" ({len(problems) - 1} more problems)" if len(problems) > 1 else ""
            raise DamagedRegistryError(path=str(self.path), what=f"{problems[0].what}{more}")
        self._mark.found_whole()

    @contextmanager
    def _foreign_keys_off(self) -> Iterator[None]:
        """Let the one connection that writes pay no heed to references; only outside a transaction can that change."""

        def switch(state: str) -> None:
            with self._guarded(), self._writer.connect() as connection:
                cursor = connection.connection.cursor()
                cursor.execute(f"PRAGMA foreign_keys={state}")
                cursor.close()

        switch("OFF")
        yield
        switch("ON")  # after a failure the registry is closed

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Turn errors into ours; once the file was found damaged, nothing is written to it."""
        try:
            with as_sentences(self.path):
                yield
        except DamagedRegistryError as error:
            self._damage = error
            raise


def _changes(connection: Connection) -> int:
    """How many rows this connection has changed since it was opened."""
    raw: Any = connection.connection.driver_connection
    return int(raw.total_changes)


def _count_commit(connection: Connection) -> int:
    """Number the commit that is about to come, within it; see ``Mark``."""
    commits = min(int(connection.exec_driver_sql("PRAGMA user_version").scalar_one()) + 1, MOST_COMMITS)
    connection.exec_driver_sql(f"PRAGMA user_version={commits}")
    return commits


def _engine(path: Path, *, writes: bool) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=QueuePool,
        pool_size=1 if writes else 8,
        max_overflow=0 if writes else -1,
        json_serializer=_compact_json,
        hide_parameters=True,  # texts and questions do not belong in error messages
        # The driver would begin transactions itself, too late and never IMMEDIATE.
        connect_args={"isolation_level": None},
    )
    pragmas = ["busy_timeout=5000", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON"]
    pragmas.append(f"journal_mode={'WAL' if WAL_IS_SAFE else 'TRUNCATE'}" if writes else "query_only=ON")

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _compact_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
