"""The data directory: made private, with a sentence when that cannot be done."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from citewise.errors import NoSpaceError, RegistryError


def ensure_directory(directory: Path) -> None:
    """Create ``directory`` for this user alone (mode 0700), unless it is there.

    Raises:
        RegistryError: It cannot be created.
    """
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise unusable(directory, error) from error


def create_private_file(path: Path) -> None:
    """Create an empty file for this user alone (mode 0600), unless it is there.

    Raises:
        RegistryError: It cannot be created or written.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise unusable(path.parent, error) from error


def unusable(directory: Path, error: OSError) -> RegistryError:
    """Return the error for a data directory that cannot be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpaceError(directory=str(directory))
    return RegistryError(
        f"The data directory {directory} cannot be written ({error.strerror or error}). "
        "Make it writable, or choose another with CITEWISE_HOME."
    )


def sync_directory(directory: Path) -> None:
    """Make renames in ``directory`` survive a power cut."""
    if os.name == "nt":  # Windows cannot open a directory, and NTFS journals renames
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
