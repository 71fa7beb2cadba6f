"""Free space: looked at before something is written, so that the disk is never filled to the brim.

A full disk hurts everything on the machine, and Chroma then fails even to be read.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from citewise.errors import NoSpaceError

TIMES_THE_JOB = 2
"""Free space that work needs, as a multiple of what it will keep: copies and journals exist meanwhile."""


def free_bytes(path: Path) -> int:
    """Return how many bytes this user may still write where ``path`` is, or would be.

    Raises:
        OSError: The disk does not say.
    """
    place = next(one for one in (path, *path.absolute().parents) if one.exists())
    return shutil.disk_usage(place).free


def require_free(path: Path, needed: int, *, keep: int = 0, times: int = TIMES_THE_JOB) -> None:
    """Pass if the disk that holds ``path`` has room for a job; where it does not say, too.

    Args:
        path: Need not exist.
        needed: Bytes that the job will store, as far as is known.
        keep: Bytes that must be free in any case.
        times: How often the job's bytes must fit; 1 for what is written once and needs nothing besides.

    Raises:
        NoSpaceError: Less is free than ``keep``, or than so many times what is needed.
    """
    try:
        free = free_bytes(path)
    except OSError:
        return
    wanted = max(keep, times * needed)
    if free < wanted:
        raise NoSpaceError(directory=str(path), free=free, needed=wanted)
