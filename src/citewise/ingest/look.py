"""What is in a watched folder: its files as they are now, and what could not be looked at."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from citewise.errors import IngestError, NotAllowedError
from citewise.ingest.files import walk
from citewise.registry import documents
from citewise.registry.sql import is_storable
from citewise.registry.watched import WatchedFile


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as a look saw it."""

    path: Path
    size: int  # bytes
    stamp: str
    device: str  # of its folder: on layered file systems those of files may differ


@dataclass(slots=True)
class Look:
    """What one look at a folder saw."""

    files: dict[str, Seen] = field(default_factory=dict)  # by source
    unread: list[str] = field(default_factory=list)  # sources of files and folders that could not be looked at
    complaints: list[str] = field(default_factory=list)  # sentences
    away: bool = False  # the folder itself could not be looked at

    def lacks(self, source: str) -> bool:
        """Whether the file is not there; ``False`` too where it could not be looked at."""
        unread = self.away or any(source == one or source.startswith(f"{one}/") for one in self.unread)
        return source not in self.files and not unread


def folder_to_watch(path: str | Path, *, data_directory: Path) -> Path:
    """Return the folder of that path, links resolved.

    Raises:
        IngestError: It is not the whole path of a folder that is there.
        NotAllowedError: It is the data directory, or within it, or around it.
    """
    try:
        given = Path(path).expanduser()
        if not given.is_absolute():
            raise IngestError(f"{str(path)!r} is not the whole path of a folder, such as /home/me/notes.")
        folder = given.resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise IngestError(f"There is no folder {str(path)!r} on this machine. Correct the path.") from error
    if not folder.is_dir() or not is_storable(str(folder)):
        raise IngestError(f"{str(path)!r} is no folder that can be watched. Name a folder.")
    if objection := _objection(folder, data_directory):
        raise NotAllowedError(objection)
    return folder


def _objection(folder: Path, data_directory: Path) -> str | None:
    home = data_directory.resolve()
    if folder.is_relative_to(home) or home.is_relative_to(folder):
        return (
            f"{folder} cannot be watched: it holds the data directory {home}, or is within it. "
            "Choose a folder that holds documents only."
        )
    return None


def look_at(root: Path, *, data_directory: Path) -> Look:
    """Look at every file below ``root``, and take it for being away if it cannot be entered."""
    look = Look()
    objection = _objection(root, data_directory)
    # Not Path.is_dir, which raises where a folder above may not be entered.
    if objection is None and not os.path.isdir(root):  # noqa: PTH112
        objection = (
            f"The folder {root} is not there. Its documents stay. Bring it back (is its disk mounted?), "
            "or stop watching it."
        )
    if objection:
        look.away = True
        look.complaints.append(objection)
        return look
    devices: dict[Path, str] = {}
    for found in walk(root, on_error=lambda error: _cannot_list(look, root, error)):
        if found.reason:
            continue
        try:
            documents.check_name(found.source)
            status = found.path.lstat()
            folder = found.path.parent
            if folder not in devices:
                devices[folder] = str(folder.stat().st_dev)
        except IngestError as error:
            look.complaints.append(str(error))
        except FileNotFoundError:
            continue
        except OSError:
            look.unread.append(found.source)
            look.complaints.append(f"{found.source} cannot be looked at. Correct its permissions.")
        else:
            # The time of the last change of the entry too: some programs put the other one back.
            stamp = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"
            look.files[found.source] = Seen(found.path, status.st_size, stamp, devices[folder])
    return look


def _cannot_list(look: Look, root: Path, error: OSError) -> None:
    folder = Path(str(error.filename))
    if folder == root:
        look.away = True
    else:
        look.unread.append(folder.relative_to(root).as_posix())
    look.complaints.append(
        f"The folder {folder} cannot be read ({error.strerror or error}). Its documents stay. Correct its permissions."
    )


def disk_is_there(root: Path, file: WatchedFile, *, renumbered: set[tuple[str, str]]) -> bool:
    """Whether what the file was on is there, so that the file is gone and not merely out of reach.

    Where a disk was unmounted, the folder that it was mounted on remains, empty and on
    another device.

    Args:
        root: The watched folder.
        file: As it was when it was there.
        renumbered: Devices before and now of files that are there still: a disk that is
            mounted again may have another number.
    """
    folder = (root / file.source).parent
    while folder != root and not folder.is_dir():
        folder = folder.parent
    try:
        now = str(folder.stat().st_dev)
    except OSError:  # it went just now
        return False
    return now == file.device or (file.device, now) in renumbered
