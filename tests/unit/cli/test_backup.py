"""``backup``, ``restore`` and ``doctor`` on real data directories."""

from __future__ import annotations

import io
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from citewise.registry.archive import read_manifest
from citewise.registry.backup import write_backup
from citewise.registry.blobs import Blobs
from citewise.registry.database import Registry
from citewise.registry.owner import OwnerLock
from tests.unit.cli.conftest import Run
from tests.unit.registry.whole import everything, keep, make_home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "home"
    make_home(path, 2)
    monkeypatch.setenv("CITEWISE_HOME", str(path))
    return path


def add_later(home: Path) -> None:
    registry = Registry(home)
    keep(registry, Blobs(home), "later.txt")
    registry.close()


# --- backup -------------------------------------------------------------------------------


def test_a_backup_is_written_and_told(run: Run, home: Path, tmp_path: Path) -> None:
    ran = run("backup", tmp_path / "b.zip", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.json["counts"]["documents"] == 2
    assert ran.json["bytes"] == (tmp_path / "b.zip").stat().st_size
    assert "2 documents, 1 conversation, " in run("backup", tmp_path / "b.zip").out


def test_a_backup_of_nothing_is_a_sentence_and_makes_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITEWISE_HOME", str(tmp_path / "none"))
    ran = run("backup", tmp_path / "b.zip")
    assert ran.code == 1
    ran.assert_one_sentence("There is no data directory")
    assert not (tmp_path / "none").exists()


def test_a_backup_of_a_directory_in_use_names_the_server(run: Run, home: Path, tmp_path: Path) -> None:
    lock = OwnerLock(home)
    lock.announce("http://127.0.0.1:8501")
    ran = run("backup", tmp_path / "b.zip")
    lock.release()
    assert ran.code == 75
    ran.assert_one_sentence("--server http://127.0.0.1:8501")


def test_a_backup_comes_over_the_api_too(run: Run, home: Path, tmp_path: Path, server: str) -> None:
    ran = run("backup", tmp_path / "b.zip", "--server", server, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["counts"]["documents"] == 1
    assert read_manifest(tmp_path / "b.zip").counts["documents"] == 1
    assert (tmp_path / "b.zip").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".b.zip")] == []


def test_a_server_that_fails_leaves_the_file_that_was_there(
    run: Run, engine: object, server: str, tmp_path: Path
) -> None:
    engine.failure = ZeroDivisionError()  # type: ignore[attr-defined]
    (tmp_path / "b.zip").write_text("an older one")
    ran = run("backup", tmp_path / "b.zip", "--server", server)
    assert ran.code == 1
    ran.assert_one_sentence("The log of the server says what.")
    assert (tmp_path / "b.zip").read_text() == "an older one"


def test_originals_that_are_missing_are_told(run: Run, home: Path, tmp_path: Path) -> None:
    next((home / "blobs").glob("[0-9a-f][0-9a-f]/*")).unlink()
    ran = run("backup", tmp_path / "b.zip")
    assert ran.code == 0
    ran.assert_one_sentence("1 original could not be read and are not in it")


# --- restore ------------------------------------------------------------------------------


def test_a_restore_tells_what_came_back_and_what_is_missing(run: Run, home: Path, tmp_path: Path) -> None:
    run("backup", tmp_path / "b.zip")
    add_later(home)
    ran = run("restore", tmp_path / "b.zip", "--yes", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["counts"]["documents"] == 2
    assert ran.json["missing_documents"] == [{"collection": "default", "source": "later.txt", "version": 1}]
    assert ran.json["unknown_originals"] == 1
    assert (Path(ran.json["replaced"]) / "registry.sqlite3").is_file()


def test_a_person_reads_what_is_missing(run: Run, home: Path, tmp_path: Path) -> None:
    run("backup", tmp_path / "b.zip")
    add_later(home)
    out = run("restore", tmp_path / "b.zip", "--yes").out
    for words in (
        "Restored 2 documents",
        "1 document not in the backup:\n  later.txt (default)",
        "What was there is in",
    ):
        assert words in out


def test_documents_are_not_replaced_where_nobody_can_be_asked(run: Run, home: Path, tmp_path: Path) -> None:
    run("backup", tmp_path / "b.zip")
    before = everything(home)
    for options in ([], ["--json"]):
        ran = run("restore", tmp_path / "b.zip", *options)
        assert ran.code == 1
        ran.assert_one_sentence("The data directory holds 2 documents. Add --yes")
    assert everything(home) == before


@pytest.mark.parametrize(("answer", "code"), [("n", 1), ("y", 0)])
def test_a_person_is_asked_and_told_before_documents_are_replaced(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    run("backup", home.with_name("b.zip"))
    add_later(home)
    monkeypatch.setattr(sys, "stdin", Terminal(f"{answer}\n"))
    ran = run("restore", home.with_name("b.zip"))
    assert ran.code == code
    assert "later.txt" in ran.err
    assert "3 documents. Replace it" in ran.err
    assert bool(list(home.glob("replaced-*"))) == (code == 0)


def test_an_empty_directory_is_not_asked_about(
    run: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("backup", tmp_path / "b.zip")
    monkeypatch.setenv("CITEWISE_HOME", str(tmp_path / "new"))
    assert "Restored 2 documents" in run("restore", tmp_path / "b.zip").out


def test_something_that_is_no_backup_is_a_sentence(run: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("Dear")
    for name, words in (("letter", "is no backup of Citewise"), ("none", "There is no file")):
        ran = run("restore", tmp_path / name, "--yes")
        assert ran.code == 1
        ran.assert_one_sentence(words)


def test_a_damaged_registry_is_replaced_from_a_backup(run: Run, home: Path, tmp_path: Path) -> None:
    run("backup", tmp_path / "b.zip")
    (home / "registry.sqlite3").write_bytes(os.urandom(50_000))
    ran = run("backup", tmp_path / "c.zip")
    assert ran.code == 1
    ran.assert_one_sentence("citewise restore FILE")
    assert run("restore", tmp_path / "b.zip", "--yes", "--json").json["old_registry_readable"] == "nothing"
    assert run("backup", tmp_path / "c.zip").code == 0


# --- doctor -------------------------------------------------------------------------------


def checks(run: Run) -> dict[str, tuple[bool, str]]:
    ran = run("doctor", "--json")
    found = ran.json
    assert ran.code == (0 if found["ok"] else 1)
    assert found["ok"] == all(check["ok"] for check in found["checks"])
    return {check["name"]: (check["ok"], check["detail"]) for check in found["checks"]}


def change(home: Path, statement: str) -> None:
    with closing(sqlite3.connect(home / "registry.sqlite3")) as connection:
        connection.execute(statement)
        connection.commit()


def test_a_sound_directory_passes_every_check(run: Run, home: Path) -> None:
    found = checks(run)
    assert all(ok for ok, _ in found.values()), found
    assert {"lock", "registry", "content", "generation", "memory", "disk", "file system", "index"} <= set(found)
    assert "never verified; its files are missing" in found["generation"][1]
    assert found["registry"][1] == "whole"


def test_an_unclean_end_is_told(run: Run, home: Path) -> None:
    (home / "owner.lock").write_text('{"pid": 1}')
    assert "was killed" in checks(run)["last end"][1]
    assert "last end" not in checks(run)


def test_a_directory_in_use_is_told_with_the_way_to_ask_its_owner(run: Run, home: Path) -> None:
    lock = OwnerLock(home)
    lock.announce("http://127.0.0.1:8501")
    found = checks(run)
    lock.release()
    assert found["lock"][0] is False
    assert "--server http://127.0.0.1:8501" in found["lock"][1]


def test_a_damaged_registry_is_told_and_nothing_is_opened(run: Run, home: Path) -> None:
    path = home / "registry.sqlite3"
    path.write_bytes(path.read_bytes()[:4096] + os.urandom(path.stat().st_size - 4096))
    before = everything(home)
    found = checks(run)
    assert found["registry"][0] is False
    assert "citewise restore FILE" in found["registry"][1]
    assert "index" not in found
    assert everything(home) == before


def test_a_newer_registry_is_told_and_left_alone(run: Run, home: Path) -> None:
    change(home, "UPDATE alembic_version SET version_num = '9000'")
    before = everything(home)
    found = checks(run)
    assert found["registry"][0] is False
    assert "schema 9000" in found["registry"][1]
    assert "Upgrade Citewise" in found["registry"][1]
    assert everything(home) == before


def test_content_that_is_damaged_is_told_by_kind(run: Run, home: Path) -> None:
    change(home, "UPDATE texts SET text = 'Another text.'")
    next((home / "blobs").glob("[0-9a-f][0-9a-f]/*")).write_text("other")
    found = checks(run)
    assert "chunks of 00.txt" in found["chunks"][1]
    assert found["originals"][1].startswith("The original of 0")
    assert "Add the file again" in found["originals"][1]
    assert "content" not in found
    assert "index" in found, "what is damaged here keeps nobody from opening it"


def test_chunks_without_a_vector_are_told(run: Run, home: Path) -> None:
    change(home, "DELETE FROM embeddings WHERE rowid < 3")
    assert "2 chunks without a vector. Run `citewise index rebuild`." in checks(run)["vectors"][1]


def test_a_disk_that_is_nearly_full_is_told(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITEWISE_INGEST__KEEP_FREE_MB", "1000000")
    assert "below 1000.0 GB nothing is taken in. Make room" in checks(run)["disk"][1]


def test_what_a_restore_left_is_told(run: Run, home: Path, tmp_path: Path) -> None:
    run("backup", tmp_path / "b.zip")
    run("restore", tmp_path / "b.zip", "--yes")
    found = checks(run)
    assert "is what a restore moved aside. Delete it when you can." in found["kept"][1]
    assert found["registry"][0]


# --- a directory that cannot be written -----------------------------------------------------


def test_a_read_only_directory_is_a_sentence_for_every_command(run: Run, read_only_home: Path, tmp_path: Path) -> None:
    for command in (["backup", "b.zip"], ["restore", "b.zip", "--yes"]):
        ran = run(*command)
        assert ran.code == 1
        assert "Traceback" not in ran.err
        assert len(ran.err.strip().splitlines()) == 1, ran.err
    found = checks(run)
    assert "cannot be written" in found["data directory"][1]
    assert "Make it writable, or choose another with CITEWISE_HOME" in found["lock"][1]


@pytest.fixture
def read_only_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """A data directory that this user may look into and not change, also when the tests run as root."""
    directory = tmp_path / "read-only"
    directory.mkdir()
    (directory / "b.zip").write_text("")
    directory.chmod(0o555)
    monkeypatch.chdir(directory)
    monkeypatch.setenv("CITEWISE_HOME", ".")
    as_root = os.geteuid() == 0
    if as_root:
        os.seteuid(65534)
    yield directory
    if as_root:
        os.seteuid(0)
    directory.chmod(0o755)


def test_a_backup_that_this_program_wrote_is_read_by_write_backup_s_own_report(home: Path, tmp_path: Path) -> None:
    registry = Registry(home)
    report = write_backup(registry, Blobs(home), tmp_path / "b.zip")
    registry.close()
    assert read_manifest(tmp_path / "b.zip").report(tmp_path / "b.zip") == report
