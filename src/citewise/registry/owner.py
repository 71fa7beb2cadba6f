"""The lock that makes one process the owner of a data directory."""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any

from citewise.errors import DirectoryInUseError, RegistryError
from citewise.registry.folders import create_private_file, ensure_directory, unusable

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

HELD = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK)


class OwnerLock:
    """Held from construction to ``release``, or to the end of the process however it comes.

    Raises:
        DirectoryInUseError: Another process holds it.
        RegistryError: The directory cannot be used.
    """

    def __init__(self, directory: Path) -> None:
        ensure_directory(directory)
        path = directory / "owner.lock"
        create_private_file(path)
        self._descriptor: int | None = os.open(path, os.O_RDWR)
        try:
            _lock(self._descriptor)
        except OSError as error:
            owner = _read(self._descriptor) if error.errno in HELD else None
            os.close(self._descriptor)
            self._descriptor = None
            if owner is None:
                raise RegistryError(unusable(directory, error)) from error
            raise DirectoryInUseError(directory=str(directory), pid=owner.get("pid"), url=owner.get("url")) from error
        self._about = {"pid": os.getpid(), "url": None, "host": socket.gethostname(), "started_at": time.time()}
        self._write()

    def announce(self, url: str) -> None:
        """Leave the address that this process serves for others to find."""
        self._about["url"] = url
        self._write()

    def release(self) -> None:
        """Let another process own the directory; nothing happens the second time."""
        if self._descriptor is None:
            return
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)  # and with it the lock
        self._descriptor = None

    def _write(self) -> None:
        if self._descriptor is None:
            return
        about = json.dumps(self._about).encode()
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, about)
        os.ftruncate(self._descriptor, len(about))


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
