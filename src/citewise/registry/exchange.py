"""The exchange that a restore comes to: the old moved aside, the new moved in, whenever it is cut off."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from citewise.failpoints import failpoint
from citewise.registry.archive import BLOBS, REGISTRY
from citewise.registry.folders import ensure_directory, sync_directory, unusable

UNPACKING = "restoring-"
"""Begins the name of a folder that is worth nothing unless it gets the next name."""

PENDING = "restore-pending"
PLAN = "plan.json"

# What belongs to the registry that is replaced. A journal must never meet another registry.
_BESIDE = ("registry.sqlite3-journal", "registry.sqlite3-wal", "registry.sqlite3-shm", "registry.mark", "index")


def finish_restore(home: Path) -> None:
    """Do what is left of a restore that was cut off, and clear away what was not decided; mostly nothing.

    Only its owner may call this, before it opens anything in the directory.

    Raises:
        RegistryError: The directory cannot be written.
    """
    try:
        for leftover in home.glob(f"{UNPACKING}*"):
            shutil.rmtree(leftover)
        if (home / PENDING).is_dir():
            _exchange(home, home / PENDING)
    except OSError as error:
        raise unusable(home, error) from error


def _exchange(home: Path, pending: Path) -> None:
    """Move the old away and the new in. Every step can be repeated: what stands in ``pending`` is not in yet."""
    plan = pending / PLAN
    if plan.is_file():  # else all is done but its own removal
        replaced = home / str(json.loads(plan.read_text(encoding="utf-8"))["replaced"])
        for name in _BESIDE:
            _move(home / name, replaced / name)
        failpoint("restore-moved-aside")
        for name in (BLOBS, REGISTRY):
            if (pending / name).exists():
                _move(home / name, replaced / name)
                failpoint("restore-between")
                (pending / name).rename(home / name)
        sync_directory(home)
        failpoint("restore-moved-in")
        plan.unlink()
    shutil.rmtree(pending)
    sync_directory(home)


def _move(old: Path, new: Path) -> None:
    if old.exists():
        ensure_directory(new.parent)
        old.rename(new)
        sync_directory(new.parent)
        sync_directory(old.parent)
