"""The lock that makes one process the owner of a data directory."""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from citewise.errors import DirectoryInUseError
from citewise.failpoints import failpoint
from citewise.registry.folders import create_private_file, ensure_directory, unusable
from citewise.registry.mounts import refuse_network

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

HELD = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK)

PATIENCE_S = 5.0
"""How long the last children of a dead owner may take to die; on an idle machine it is a tenth of a second."""

LOOK_S = 0.05


class OwnerLock:
    """Held from construction to ``release``, or to the end of the process however it comes.

    Children that inherit the descriptor hold it too: what an owner that was killed left
    running on the indexes keeps others out until it has ended.

    Raises:
        DirectoryInUseError: Another process holds it.
        RegistryError: The directory cannot be used, or is on another machine.
    """

    def __init__(self, directory: Path) -> None:
        ensure_directory(directory)
        refuse_network(directory)
        path = directory / "owner.lock"
        create_private_file(path)
        try:
            self._descriptor: int | None = os.open(path, os.O_RDWR)
        except OSError as error:
            raise unusable(directory, error) from error
        try:
            _lock_patiently(self._descriptor)
        except OSError as error:
            owner = _read(self._descriptor) if error.errno in HELD else None
            os.close(self._descriptor)
            self._descriptor = None
            if owner is None:
                raise unusable(directory, error) from error
            raise DirectoryInUseError(directory=str(directory), pid=owner.get("pid"), url=owner.get("url")) from error
        self.unclean = os.fstat(self._descriptor).st_size > 0
        """Whether the last owner ended without releasing it: killed, or with the machine."""
        self._about = {"pid": os.getpid(), "url": None, "host": socket.gethostname(), "started_at": time.time()}
        self._write()
        failpoint("owner-locked")

    def announce(self, url: str) -> None:
        """Leave the address that this process serves for others to find."""
        self._about["url"] = url
        self._write()

    def fileno(self) -> int:
        """Return the descriptor, for children that must count as owner as long as they run."""
        if self._descriptor is None:
            raise ValueError("the lock was released")
        return self._descriptor

    def release(self) -> None:
        """Let another process own the directory; nothing happens the second time."""
        if self._descriptor is None:
            return
        failpoint("owner-releasing")
        descriptor, self._descriptor = self._descriptor, None
        with suppress(OSError):  # then the next owner takes this end for a crash, and checks more than it need
            os.ftruncate(descriptor, 0)
        os.close(descriptor)  # and with it the lock

    def _write(self) -> None:
        if self._descriptor is None:
            return
        about = json.dumps(self._about).encode()
        with suppress(OSError):  # a full disk, say: the note only helps others to understand, the lock is what counts
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            os.write(self._descriptor, about)
            os.ftruncate(self._descriptor, len(about))


def _lock_patiently(descriptor: int) -> None:
    """Lock, or fail: at once for an owner that lives, after a moment for what a dead one left."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return _lock(descriptor)
        except OSError as error:
            if error.errno not in HELD or time.monotonic() > until or _is_alive(_read(descriptor).get("pid")):
                raise
        time.sleep(LOOK_S)


def _is_alive(pid: object) -> bool:
    """Whether there is a process of that number; in doubt there is."""
    if not isinstance(pid, int) or pid <= 0:
        return False  # not written yet, or no longer
    if sys.platform == "win32":  # a signal 0 would end it there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it belongs to somebody else
        return True
    return True


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        # Far behind the text: a locked byte cannot be read by others.
        os.lseek(descriptor, 1 << 30, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _read(descriptor: int) -> dict[str, Any]:
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        about = json.loads(os.read(descriptor, 4096))
    except ValueError:  # its owner is just writing it
        return {}
    return about if isinstance(about, dict) else {}
