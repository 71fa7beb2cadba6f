from __future__ import annotations

import errno
import json
import os
import signal
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


CHILD_OUTLIVES = """
import os, subprocess, sys, time
from pathlib import Path
from citewise.registry.owner import OwnerLock
lock = OwnerLock(Path(sys.argv[1]))
child = subprocess.Popen([sys.executable, "-c", "import sys, time; time.sleep(float(sys.argv[1]))", sys.argv[2]],
                         pass_fds=[lock.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
print(child.pid, flush=True)
os._exit(9)
"""


def owner_whose_child_lives_for(seconds: float, home: Path) -> tuple[int, int]:
    """An owner that died at once while a child goes on; their process ids."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD_OUTLIVES, str(home), str(seconds)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        child = int(owner.stdout.readline())
    return owner.pid, child


@pytest.mark.skipif(os.name == "nt", reason="Windows has no descriptors to hand on")
def test_what_a_dead_owner_left_running_is_waited_for(tmp_path: Path) -> None:
    owner_whose_child_lives_for(0.5, tmp_path)
    lock = OwnerLock(tmp_path)
    assert lock.unclean
    lock.release()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no descriptors to hand on")
def test_a_child_that_goes_on_keeps_the_directory_and_the_refusal_comes_soon(tmp_path: Path) -> None:
    pid, child = owner_whose_child_lives_for(30, tmp_path)
    try:
        with pytest.raises(DirectoryInUseError) as caught:
            OwnerLock(tmp_path)
        assert caught.value.pid == pid
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_release_is_clean_and_a_death_is_not(tmp_path: Path) -> None:
    first = OwnerLock(tmp_path)
    assert not first.unclean
    first.release()
    second = OwnerLock(tmp_path)
    assert not second.unclean
    second.release()
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout is not None
        owner.stdout.readline()
        owner.kill()
    third = OwnerLock(tmp_path)
    assert third.unclean
    third.release()
    fourth = OwnerLock(tmp_path)
    assert not fourth.unclean
    fourth.release()


def test_a_pid_that_somebody_else_has_by_now_does_not_keep_the_directory(tmp_path: Path) -> None:
    (tmp_path / "owner.lock").write_text(json.dumps({"pid": os.getpid(), "url": "http://127.0.0.1:1"}))
    lock = OwnerLock(tmp_path)
    assert lock.unclean
    lock.release()


def test_a_released_lock_has_no_descriptor(tmp_path: Path) -> None:
    lock = OwnerLock(tmp_path)
    assert os.fstat(lock.fileno()).st_size > 0
    lock.release()
    with pytest.raises(ValueError, match="released"):
        lock.fileno()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_a_lock_that_cannot_be_opened_is_a_sentence(
    tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens = os.open

    def failing(path: str | Path, flags: int, *more: int) -> int:
        if str(path).endswith("owner.lock") and not flags & os.O_CREAT:
            raise OSError(number, os.strerror(number), str(path))
        return opens(path, flags, *more)

    monkeypatch.setattr(os, "open", failing)
    with pytest.raises(RegistryError, match=str(tmp_path)):
        OwnerLock(tmp_path)
