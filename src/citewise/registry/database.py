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
from sqlalchemy.exc import DBAPIError

from citewise.errors import RegistryError
from citewise.registry.folders import create_private_file, ensure_directory
from citewise.registry.schema import migrate

# Before 3.51.3 a checkpoint that races a commit can lose that commit: https://sqlite.org/wal.html#the_wal_reset_bug
WAL_IS_SAFE = sqlite3.sqlite_version_info >= (3, 51, 3)


class Registry:
    """The registry of one data directory, open. May be used from any thread.

    Keep reads short: where the linked SQLite is too old for its write-ahead log, a commit
    waits for the reads that go on, and fails after five seconds. Never enter ``write``
    while the same thread is inside ``read``.

    Raises:
        RegistryError: It cannot be opened, is damaged, or was written by a newer Citewise.
    """

    def __init__(self, directory: Path) -> None:
        ensure_directory(directory)
        self.path = directory / "registry.sqlite3"
        create_private_file(self.path)
        self._writing = threading.Lock()
        self._writer_thread: int | None = None
        self._writer = _engine(self.path, writes=True)
        self._reader = _engine(self.path, writes=False)
        try:
            with self.write() as tx:
                migrate(tx)
        except RegistryError:
            self.close()
            raise

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a connection in a write transaction: committed at the end, rolled back on any error.

        Raises:
            RegistryError: It could not be written; nothing was.
        """
        if self._writer_thread == threading.get_ident():
            raise RuntimeError("This thread is inside write() already; pass its connection on.")
        with self._writing:
            self._writer_thread = threading.get_ident()
            try:
                with _as_sentences(self.path), self._writer.begin() as connection:
                    yield connection
            finally:
                self._writer_thread = None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection in a read transaction: everything read belongs to one moment.

        Raises:
            RegistryError: It could not be read.
        """
        with _as_sentences(self.path), self._reader.begin() as connection:
            yield connection

    def flush_log(self) -> None:
        """Move the write-ahead log into the file and empty it, so that purged content is in neither."""
        if WAL_IS_SAFE:
            with self._writing, _as_sentences(self.path), self._writer.connect() as connection:
                cursor = connection.connection.cursor()  # outside a transaction, as a checkpoint must be
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                cursor.close()

    def close(self) -> None:
        """Close all connections; those in use are closed as they are given back."""
        self._reader.dispose()
        self._writer.dispose()


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


@contextmanager
def _as_sentences(path: Path) -> Iterator[None]:
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        raise RegistryError(_sentence(path, cause)) from error


def _sentence(path: Path, cause: BaseException) -> str:
    match getattr(cause, "sqlite_errorname", "").split("_")[1:2]:
        case ["FULL"]:
            return f"The disk that holds {path} is full; nothing was written. Free some space and try again."
        case ["READONLY"] | ["CANTOPEN"] | ["PERM"]:
            return (
                f"The registry {path} cannot be written ({cause}). "
                "Make the directory writable, or choose another with CITEWISE_HOME."
            )
        case ["BUSY"] | ["LOCKED"]:
            return f"The registry {path} is in use by another program. Close that program and try again."
        case ["CORRUPT"] | ["NOTADB"]:
            return (
                f"The registry {path} is damaged ({cause}). "
                "Put a backup in its place, or move it away to begin with an empty one."
            )
        case _:
            return f"The registry {path} could not be used ({cause}); nothing was written. Try again."
