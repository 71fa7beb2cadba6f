from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import citewise.registry
from citewise.errors import RegistryError
from citewise.registry import collections, schema
from citewise.registry.database import Registry
from citewise.registry.tables import metadata


def names(registry: Registry) -> list[str]:
    with registry.read() as rx:
        return [collection.name for collection in collections.list_all(rx)]


def test_only_this_user_can_read_the_directory_and_the_file(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "new" / "home")
    registry.close()
    assert (tmp_path / "new" / "home").stat().st_mode & 0o777 == 0o700
    assert registry.path.stat().st_mode & 0o777 == 0o600


def test_what_was_committed_is_there_after_reopening(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    with registry.write() as tx:
        collections.ensure(tx, "notes")
    registry.close()
    again = Registry(tmp_path)
    assert names(again) == ["notes"]
    again.close()


def test_an_error_inside_a_write_undoes_all_of_it(registry: Registry) -> None:
    with pytest.raises(ZeroDivisionError), registry.write() as tx:
        collections.ensure(tx, "notes")
        raise ZeroDivisionError
    assert names(registry) == []


def test_a_write_takes_the_lock_at_once(registry: Registry) -> None:
    other = sqlite3.connect(registry.path, timeout=0)
    with registry.write(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE")
    other.close()


def test_the_connections_are_durable_and_erase_what_they_delete(registry: Registry) -> None:
    with registry.write() as tx:
        assert tx.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert tx.exec_driver_sql("PRAGMA secure_delete").scalar() == 1
        assert tx.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        journal = "wal" if sqlite3.sqlite_version_info >= (3, 51, 3) else "truncate"
        assert tx.exec_driver_sql("PRAGMA journal_mode").scalar() == journal


def test_a_read_cannot_write(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="cannot be written"), registry.read() as rx:
        rx.exec_driver_sql("DELETE FROM collections")


def test_a_read_sees_one_moment_even_while_others_write(registry: Registry) -> None:
    with registry.read() as rx:
        assert collections.list_all(rx) == []
        with sqlite3.connect(registry.path, timeout=0) as other:
            try:
                other.execute("INSERT INTO collections VALUES ('1', 'late', 0)")
                other.commit()
            except sqlite3.OperationalError:  # without a write-ahead log the writer has to wait
                other.rollback()
        assert collections.list_all(rx) == []
        other.close()


def test_a_write_inside_a_write_is_refused_rather_than_waiting_for_itself(registry: Registry) -> None:
    with registry.write(), pytest.raises(RuntimeError, match="inside write"), registry.write():
        pass


def test_readers_and_a_writer_in_threads_never_meet_a_locked_database(registry: Registry) -> None:
    errors: list[RegistryError] = []
    counts: list[list[int]] = [[] for _ in range(8)]
    over = threading.Event()

    def watch(seen: list[int]) -> None:
        try:
            while not over.is_set():
                seen.append(len(names(registry)))
        except RegistryError as error:
            errors.append(error)

    readers = [threading.Thread(target=watch, args=(seen,)) for seen in counts]
    for reader in readers:
        reader.start()
    try:
        for number in range(50):
            with registry.write() as tx:
                collections.ensure(tx, f"a{number:03}")
                collections.ensure(tx, f"b{number:03}")
    finally:
        over.set()
        for reader in readers:
            reader.join()
    assert errors == []
    assert len(names(registry)) == 100
    for seen in counts:
        assert seen == sorted(seen)
        assert all(count % 2 == 0 for count in seen), "a reader saw half a transaction"


def test_writers_in_threads_take_turns(registry: Registry) -> None:
    def write(number: int) -> None:
        with registry.write() as tx:
            collections.ensure(tx, f"c{number}")

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(names(registry)) == 8


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    Registry(tmp_path).close()
    with sqlite3.connect(tmp_path / "registry.sqlite3") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9000'")
    connection.close()
    before = (tmp_path / "registry.sqlite3").read_bytes()
    with pytest.raises(RegistryError, match="Upgrade Citewise"):
        Registry(tmp_path)
    assert (tmp_path / "registry.sqlite3").read_bytes() == before


def test_the_migrations_make_exactly_the_tables(registry: Registry) -> None:
    with registry.read() as rx:
        assert compare_metadata(MigrationContext.configure(rx), metadata) == []


def test_the_newest_migration_is_the_one_that_opening_expects() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(citewise.registry.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


def test_a_migration_that_fails_leaves_an_empty_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(schema, "HEAD", "0000")  # there is no such migration
        with pytest.raises(Exception, match="0000"):
            Registry(tmp_path)
    Registry(tmp_path).close()


def test_a_damaged_file_is_told_as_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "registry.sqlite3").write_bytes(b"this is no database" * 100)
    with pytest.raises(RegistryError, match=r"damaged.*backup"):
        Registry(tmp_path)


def test_a_read_only_directory_is_told_as_a_sentence(read_only_directory: Path) -> None:
    with pytest.raises(RegistryError, match=r"cannot be written.*CITEWISE_HOME"):
        Registry(read_only_directory)


def test_a_file_in_place_of_the_directory_is_told_as_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(RegistryError, match=r"cannot be written.*CITEWISE_HOME"):
        Registry(tmp_path / "home")


def test_another_program_that_holds_the_file_is_told_as_a_sentence(registry: Registry) -> None:
    other = sqlite3.connect(registry.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with registry._writer.connect() as connection:
        connection.connection.cursor().execute("PRAGMA busy_timeout=10")
    with pytest.raises(RegistryError, match="in use by another program"), registry.write():
        pass
    other.close()


def test_a_full_disk_is_told_as_a_sentence_and_nothing_is_written(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="full"), registry.write() as tx:
        pages = tx.exec_driver_sql("PRAGMA page_count").scalar()
        tx.exec_driver_sql(f"PRAGMA max_page_count={pages}")  # SQLite then answers as on a full disk
        for number in range(2_000):
            collections.ensure(tx, f"c{number}")
    assert names(registry) == []


def test_an_error_never_quotes_what_was_being_stored(registry: Registry) -> None:
    with pytest.raises(RegistryError) as caught, registry.write() as tx:
        for _ in range(2):
            tx.exec_driver_sql("INSERT INTO collections VALUES ('1', ?, 0)", ("a secret",))
    assert "a secret" not in str(caught.value)
    assert "a secret" not in str(caught.value.__cause__)


def test_the_journal_is_private_too(registry: Registry) -> None:
    with registry.write() as tx:
        collections.ensure(tx, "notes")
        files = [path for path in registry.path.parent.iterdir() if path.name.startswith("registry.sqlite3")]
        assert len(files) >= 2
        assert all(path.stat().st_mode & 0o077 == 0 for path in files if os.name != "nt")
