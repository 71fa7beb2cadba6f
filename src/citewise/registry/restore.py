"""Putting a backup in the place of what a data directory holds.

Everything is unpacked and checked in a folder beside it first. One rename of that folder
is the decision: killed before it, the directory is as it was; killed after it, the next
start (or the next restore) goes on where this one was. What was there is moved aside and
never deleted.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from citewise.errors import RegistryError
from citewise.failpoints import failpoint
from citewise.registry.archive import (
    BLOBS,
    REGISTRY,
    UNREADABLE,
    Manifest,
    copy_and_hash,
    read_manifest,
    referred_hashes,
)
from citewise.registry.check import check_structure
from citewise.registry.exchange import PENDING, PLAN, UNPACKING, finish_restore
from citewise.registry.folders import sync_directory, unusable
from citewise.registry.owner import OwnerLock
from citewise.registry.salvage import Known, known_of, salvage
from citewise.registry.schema import is_newer, revision_of
from citewise.registry.space import require_free

_BLOB = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a restore changes."""

    created_at: float  # of the backup
    counts: Mapping[str, int]  # what comes back: documents, versions, chunks, conversations, originals
    replaced_documents: int  # that are there now, as far as can be read
    missing: tuple[Known, ...]  # documents that are there now and not in the backup
    older: tuple[Known, ...]  # documents that come back in an older version
    missing_conversations: int
    unknown_originals: int  # that the restored registry does not refer to
    readable: str  # "all", "part" or "nothing": how much of what is there now could be read
    without_original: int  # documents whose original the backup does not have either


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore has done."""

    comparison: Comparison
    replaced: Path | None  # where that what was there is now; None when there was nothing


def restore_backup(path: Path, home: Path, *, agree: Callable[[Comparison], bool] = lambda _: True) -> Restored | None:
    """Check a backup whole, then put it in the place of what ``home`` holds.

    Args:
        path: The backup.
        home: The data directory; made if need be. Another process may not have it open.
        agree: Is told what would change, before anything does; ``False`` ends it.

    Returns:
        What was done; ``None`` without agreement.

    Raises:
        DirectoryInUseError: Another process has the directory.
        RegistryError: The backup is damaged, or of a newer Citewise; nothing was changed.
    """
    manifest = read_manifest(path)
    lock = OwnerLock(home)
    try:
        finish_restore(home)
        unpacked = Path(tempfile.mkdtemp(dir=home, prefix=UNPACKING))
        try:
            _unpack(path, manifest, unpacked)
            comparison = _compare(home, unpacked, manifest)
            if not agree(comparison):
                return None
            replaced = _decide(home, unpacked)
        finally:
            shutil.rmtree(unpacked, ignore_errors=True)
        finish_restore(home)
        return Restored(comparison, replaced if replaced.is_dir() else None)
    except OSError as error:
        raise unusable(home, error) from error
    finally:
        lock.release()


def _decide(home: Path, unpacked: Path) -> Path:
    """Make the unpacked backup the one that holds; returns where what is there will go."""
    name = time.strftime("replaced-%Y%m%d-%H%M%S")
    taken = {one.name for one in home.glob(f"{name}*")}
    name = next(one for one in (name, *(f"{name}-{number}" for number in range(2, 1000))) if one not in taken)
    with (unpacked / PLAN).open("x", encoding="utf-8") as file:
        json.dump({"replaced": name}, file)
        file.flush()
        os.fsync(file.fileno())
    sync_directory(unpacked)
    failpoint("restore-unpacked")
    unpacked.rename(home / PENDING)
    sync_directory(home)
    failpoint("restore-decided")
    return home / name


def _unpack(path: Path, manifest: Manifest, target: Path) -> None:
    """Unpack what the manifest lists, and nothing else, comparing every hash; then check the registry."""
    require_free(target, sum(member.bytes for member in manifest.members), times=1)
    (target / BLOBS).mkdir(mode=0o700)
    try:
        with zipfile.ZipFile(path) as archive:
            for member in manifest.members:
                place = target / member.name
                place.parent.mkdir(mode=0o700, exist_ok=True)
                with archive.open(member.name) as source, place.open("xb") as file:
                    place.chmod(0o600)
                    found = copy_and_hash(source, file, limit=member.bytes)
                    file.flush()
                    os.fsync(file.fileno())
                named = member.name == REGISTRY or member.name.endswith(f"/{member.sha256}")
                if not named or found != (member.bytes, member.sha256):
                    raise _damaged(path, f"{member.name} is not what the manifest says")
    except UNREADABLE as error:
        raise _damaged(path, str(error)) from error
    for folder in (target / BLOBS).iterdir():
        sync_directory(folder)
    sync_directory(target / BLOBS)
    _check_registry(path, manifest, target)


def _check_registry(path: Path, manifest: Manifest, target: Path) -> None:
    problems = check_structure(target / REGISTRY)
    if problems:
        raise _damaged(path, f"its registry: {problems[0].what}")
    with closing(sqlite3.connect(target / REGISTRY)) as connection:
        schema = revision_of(connection)
    if schema is None:
        raise _damaged(path, "its registry is not one")
    if is_newer(schema):
        raise RegistryError(
            f"{path} was written by Citewise {manifest.citewise}, which is newer than this one (schema {schema}). "
            "Upgrade Citewise to restore it; nothing was changed."
        )
    there = {member.sha256 for member in manifest.members}
    lost = set(referred_hashes(target / REGISTRY)) - there - set(manifest.missing)
    if lost:
        raise _damaged(path, f"{len(lost):,} originals are not in it")


def _damaged(path: Path, why: str) -> RegistryError:
    return RegistryError(f"The backup {path} is damaged ({why}). Nothing was changed; try another backup.")


def _compare(home: Path, unpacked: Path, manifest: Manifest) -> Comparison:
    old, new = salvage(home / REGISTRY), known_of(unpacked / REGISTRY)
    names = {(document.collection, document.source) for document in new.documents.values()}
    gone, older = [], []
    for key, document in old.documents.items():
        again = new.documents.get(key)
        if again is None and (document.collection, document.source) not in names:
            gone.append(document)
        elif again is not None and again.version < document.version:
            older.append(document)
    hashes = set(referred_hashes(unpacked / REGISTRY))
    blobs = (one.name for one in (home / BLOBS).glob("[0-9a-f][0-9a-f]/*"))
    return Comparison(
        created_at=manifest.created_at,
        counts=manifest.counts,
        replaced_documents=len(old.documents),
        missing=tuple(sorted(gone)),
        older=tuple(sorted(older)),
        missing_conversations=len(old.conversations - new.conversations),
        unknown_originals=sum(name not in hashes for name in blobs if _BLOB.fullmatch(name)),
        readable=old.readable,
        without_original=len(manifest.missing),
    )
