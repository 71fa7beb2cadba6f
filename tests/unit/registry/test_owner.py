from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from citewise.errors import DirectoryInUseError, RegistryError
from citewise.registry.owner import OwnerLock

OWNER = """
import sys
from pathlib import Path
from citewise.registry.owner import OwnerLock
lock = OwnerLock(Path(sys.argv[1]))
lock.announce("http://127.0.0.1:8501")
print("mine", flush=True)
sys.stdin.read()
"""


def test_a_second_process_is_named_and_its_death_frees_the_directory(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path / "home")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"mine\n"
        with pytest.raises(DirectoryInUseError, match=r"--server http://127.0.0.1:8501") as caught:
            OwnerLock(tmp_path / "home")
        assert (caught.value.pid, caught.value.url) == (owner.pid, "http://127.0.0.1:8501")
        owner.kill()
        owner.wait()
    OwnerLock(tmp_path / "home").release()


def test_the_lock_holds_within_one_process_too_until_it_is_released(tmp_path: Path) -> None:
    lock = OwnerLock(tmp_path)
    with pytest.raises(DirectoryInUseError, match="Stop it first"):
        OwnerLock(tmp_path)
    lock.release()
    lock.release()
    OwnerLock(tmp_path).release()


def test_a_shorter_address_leaves_nothing_of_the_longer_one(tmp_path: Path) -> None:
    lock = OwnerLock(tmp_path)
    lock.announce("http://a-rather-long-name.example:8501")
    lock.announce("http://a")
    with pytest.raises(DirectoryInUseError) as caught:
        OwnerLock(tmp_path)
    assert caught.value.url == "http://a"
    lock.release()


def test_an_owner_that_has_not_written_yet_is_another_process(tmp_path: Path) -> None:
    lock = OwnerLock(tmp_path)
    (tmp_path / "owner.lock").write_text('{"pid": 1')
    with pytest.raises(DirectoryInUseError, match="another process"):
        OwnerLock(tmp_path)
    lock.release()


def test_the_directory_and_the_lock_are_private(tmp_path: Path) -> None:
    lock = OwnerLock(tmp_path / "home")
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "home" / "owner.lock").stat().st_mode & 0o777 == 0o600
    lock.release()


def test_a_read_only_directory_is_told_as_a_sentence(read_only_directory: Path) -> None:
    with pytest.raises(RegistryError, match=r"cannot be written.*CITEWISE_HOME") as caught:
        OwnerLock(read_only_directory)
    assert not isinstance(caught.value, DirectoryInUseError)


def test_a_read_only_parent_is_told_as_a_sentence(read_only_directory: Path) -> None:
    with pytest.raises(RegistryError, match=r"cannot be written.*CITEWISE_HOME"):
        OwnerLock(read_only_directory / "home")
