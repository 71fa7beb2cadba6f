"""Folders whose files are documents: looked at every few seconds, and followed.

A file is only taken in once two looks in a row saw it the same, so that nothing is read
while it is written; and only missed once two looks in a row did not see it. What a file
holds decides whether it changed, not its times. What a look leads to is written in one
transaction with what it saw, so one that was cut off is made up for by the next.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

import structlog

from citewise.errors import CitewiseError, IngestError, NotAllowedError
from citewise.failpoints import failpoint
from citewise.ingest.intake import update
from citewise.ingest.look import Look, Seen, disk_is_there, look_at
from citewise.registry import collections, documents, removal, watched
from citewise.registry.blobs import Blobs, check_size
from citewise.registry.database import Registry
from citewise.registry.watched import Kept, WatchedFile
from citewise.types import Upload, WatchedFolder

log = structlog.get_logger(__name__)

LOOK_S = 5.0
"""From one look to the next, in seconds."""

REST = 20
"""How many times as long as it took a long look is rested from, so that huge folders leave the processor alone."""

LONGEST_REST_S = 60.0

MOST_COMPLAINTS = 3
"""Sentences told of one folder."""


class _StillChangingError(Exception):
    """The file is being written; the next look will see it again."""


class FolderWatcher:
    """Follows the watched folders, in one thread of its own.

    Args:
        registry: Where folders, files and documents are kept.
        blobs: Where the bytes of files go.
        limit_bytes: The largest file that is taken in.
        data_directory: Never watched, nor anything around or in it.
        wake_ingest: Called after documents were queued.
        came_back: Called after removed documents came back.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        blobs: Blobs,
        limit_bytes: int,
        data_directory: Path,
        wake_ingest: Callable[[], None],
        came_back: Callable[[], None],
    ) -> None:
        self._registry = registry
        self._blobs = blobs
        self._limit_bytes = limit_bytes
        self._data_directory = data_directory
        self._wake_ingest = wake_ingest
        self._came_back = came_back
        self._before: dict[str, Look] = {}  # by folder
        self._looked: dict[str, tuple[float, str | None]] = {}  # by folder: when, and what was wrong
        self._woken = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="watch-folders", daemon=True)

    def start(self) -> None:
        """Begin to look; the first look comes after a while, so that a short command makes none."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the file that is being taken in."""
        self._stop.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def wake(self) -> None:
        """Look now: a folder was added."""
        self._woken.set()

    def folders(self) -> list[WatchedFolder]:
        """All watched folders, each as of the last look."""
        with self._registry.read() as rx:
            stored = watched.list_folders(rx)
        return [
            replace(one, looked_at=self._looked[one.id][0], error=self._looked[one.id][1])
            if one.id in self._looked
            else one
            for one in stored
        ]

    def look(self) -> int:
        """Look at every folder once and do what follows from it; returns how many there are."""
        with self._registry.read() as rx:
            folders = watched.list_folders(rx)
        for folder in folders:
            if self._stop.is_set():
                break
            try:
                error = self._look_at(folder)
            except CitewiseError as failure:
                log.warning("a watched folder could not be followed", folder=folder.id, error=str(failure))
                error = str(failure)
            self._looked[folder.id] = (time.time(), error)
        return len(folders)

    def _work(self) -> None:
        pause: float | None = LOOK_S
        while True:
            self._woken.wait(pause)
            self._woken.clear()
            if self._stop.is_set():
                return
            started = time.monotonic()
            try:
                count = self.look()
            except Exception:
                log.exception("the thread that watches folders met an error and goes on")
                count = 1
            took = time.monotonic() - started
            pause = min(max(LOOK_S, REST * took), LONGEST_REST_S) if count else None

    # --- one folder -------------------------------------------------------------------

    def _look_at(self, folder: WatchedFolder) -> str | None:
        """Look at a folder and do what follows from it; returns what is wrong with it."""
        look = look_at(Path(folder.path), data_directory=self._data_directory)
        before = self._before.get(folder.id)
        self._before[folder.id] = look
        with self._registry.read() as rx:
            known = watched.files(rx, folder.id)
        changed = False
        if before is not None:
            # By content: where one of these bytes turns up under another name, the file was renamed.
            gone = {kept.file.content_hash: source for source, kept in known.items() if look.lacks(source)}
            for source, seen in look.files.items():
                if before.files.get(source) == seen and not self._stop.is_set():
                    changed |= self._follow(folder, source, seen, known.get(source), gone)
            if changed:
                with self._registry.read() as rx:
                    known = watched.files(rx, folder.id)
            changed |= self._miss(folder, look, before, known)
        error = _shortened(look.complaints)
        if changed or error != folder.error or folder.looked_at is None:
            with self._registry.write() as tx:
                watched.looked(tx, folder.id, at=time.time(), error=error)
        return error

    def _follow(
        self, folder: WatchedFolder, source: str, seen: Seen, kept: Kept | None, gone: dict[str | None, str]
    ) -> bool:
        """Do what a file asks for that stands still; returns whether that was anything."""
        if kept and kept.turned_away:  # and stays so, whatever becomes of the file
            return False
        if kept and kept.file.stamp == seen.stamp and not kept.file.missing and not kept.file.error:
            if kept.file.device != seen.device:
                self._note(folder, replace(kept.file, device=seen.device))
            return False
        try:
            return self._take(folder, source, seen, kept, gone)
        except _StillChangingError:
            return False
        except IngestError as error:
            file = kept.file if kept else WatchedFile(source, seen.stamp, seen.device)
            refused = replace(file, stamp=seen.stamp, device=seen.device, error=str(error))
            if file == refused:
                return False
            self._note(folder, refused)
            return True

    def _take(
        self, folder: WatchedFolder, source: str, seen: Seen, kept: Kept | None, gone: dict[str | None, str]
    ) -> bool:
        """Take a file in, unless its document holds the same bytes; returns whether it was taken in.

        Raises:
            IngestError: It cannot be taken in.
        """
        check_size(seen.size, self._limit_bytes)
        self._refuse_if_claimed(folder, source, kept)
        with _open(seen.path, source) as stream:
            content_hash = _hash(stream, source)
            file = WatchedFile(source, seen.stamp, seen.device, content_hash=content_hash)
            if kept and kept.in_library and kept.file.content_hash == content_hash:
                self._note(folder, replace(file, document_id=kept.file.document_id))  # it was only touched
                return False
            former = None if kept else gone.pop(content_hash, None)
            if former is not None and self._rename(folder, former, file):
                return True
            stream.seek(0)
            with self._blobs.lock:
                same = cast(BinaryIO, _Unchanged(stream, source, content_hash))
                blob = self._blobs.put(same, limit_bytes=self._limit_bytes)
                failpoint("watched-file-stored")
                restored = self._record(folder, file, blob)
        failpoint("watched-file-recorded")
        self._wake_ingest()
        if restored:
            self._came_back()
        return True

    def _rename(self, folder: WatchedFolder, former: str, file: WatchedFile) -> bool:
        """Let the document of a file follow it to its new name; returns ``False`` where it cannot.

        One that a person removed stays removed.
        """
        restored = 0
        with self._registry.write() as tx:
            kept = watched.files(tx, folder.id, source=former).get(former)
            if kept is None or kept.file.document_id is None:
                return False
            document_id = kept.file.document_id
            if kept.file.missing:
                with suppress(NotAllowedError):
                    restored = removal.restore(tx, [document_id])
            if not kept.turned_away and not documents.rename(tx, document_id, file.source):
                removal.remove(tx, [document_id] if restored else [])
                return False
            watched.forget_file(tx, folder.id, former)
            watched.put_file(tx, folder.id, replace(file, document_id=document_id))
        if restored:
            self._wake_ingest()
            self._came_back()
        return True

    def _refuse_if_claimed(self, folder: WatchedFolder, source: str, kept: Kept | None) -> None:
        with self._registry.read() as rx:
            collection_id = kept.collection_id if kept else None
            named = documents.find_by_source(rx, collection_id or collections.find(rx, folder.collection), source)
            other = watched.holder(rx, named.id, besides=folder.id) if named else None
        if other:
            raise IngestError(
                f"{source} comes from the watched folder {other} already. "
                "Watch one of the two folders in another collection."
            )

    def _record(self, folder: WatchedFolder, file: WatchedFile, blob: tuple[str, int]) -> int:
        """Make the document of a file hold its bytes; returns how many documents came back for that."""
        restored = 0
        with self._registry.write() as tx:
            kept = watched.files(tx, folder.id, source=file.source).get(file.source)
            if not watched.is_watched(tx, folder.id) or (kept and kept.turned_away):  # just now
                return 0
            if kept and kept.file.missing and kept.file.document_id:
                with suppress(NotAllowedError):  # another document took the name meanwhile, and is this file's now
                    restored = removal.restore(tx, [kept.file.document_id])
            here = kept.collection_id if kept and (kept.in_library or restored) else None
            collection_id = here or collections.ensure(tx, folder.collection)
            added = update(tx, Upload(file.source), blob, collection_id)
            watched.put_file(tx, folder.id, replace(file, document_id=added.document_id))
        return restored

    def _miss(self, folder: WatchedFolder, look: Look, before: Look, known: dict[str, Kept]) -> bool:
        """Remove the documents of files that are gone; returns whether there were any."""
        gone: list[Kept] = []
        elsewhere = 0
        devices = {(known[source].file.device, seen.device) for source, seen in look.files.items() if source in known}
        for source, kept in known.items():
            waits_for_its_file = kept.file.missing and kept.collection_id is not None
            if waits_for_its_file or not (look.lacks(source) and before.lacks(source)):
                continue
            if kept.file.missing or disk_is_there(Path(folder.path), kept.file, renumbered=devices):
                gone.append(kept)
            else:
                elsewhere += 1
        if elsewhere:
            look.complaints.append(
                f"{elsewhere} of its files were on a disk that is not there now. Their documents stay. "
                "Mount the disk again, or stop watching the folder."
            )
        if not gone:
            return False
        with self._registry.write() as tx:
            for kept in gone:
                if kept.in_library and kept.file.document_id:
                    removal.remove(tx, [kept.file.document_id])
                    watched.put_file(tx, folder.id, replace(kept.file, missing=True, error=None))
                else:
                    watched.forget_file(tx, folder.id, kept.file.source)
        return True

    def _note(self, folder: WatchedFolder, file: WatchedFile) -> None:
        with self._registry.write() as tx:
            if watched.is_watched(tx, folder.id):
                watched.put_file(tx, folder.id, file)


def _shortened(complaints: list[str]) -> str | None:
    more = len(complaints) - MOST_COMPLAINTS
    told = [*complaints[:MOST_COMPLAINTS], f"And {more} more."] if more > 0 else complaints
    return " ".join(told) or None


def _open(path: Path, source: str) -> BufferedReader:
    """Open a file that was just seen to be none of the kinds that lead elsewhere or never end."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        stream = os.fdopen(os.open(path, flags), "rb")
    except FileNotFoundError as error:
        raise _StillChangingError from error
    except OSError as error:
        raise _unreadable(source, error) from error
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise _StillChangingError
    return stream


def _hash(stream: BufferedReader, source: str) -> str:
    try:
        return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(source, error) from error


class _Unchanged:
    """A file that is read a second time, and must hold the same as the first time."""

    def __init__(self, stream: BufferedReader, source: str, content_hash: str) -> None:
        self._stream = stream
        self._source = source
        self._wanted = content_hash
        self._digest = hashlib.sha256()

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def read(self, size: int) -> bytes:
        try:
            piece = self._stream.read(size)
        except OSError as error:  # as what it is: to Blobs an OSError would be its own disk's
            raise _unreadable(self._source, error) from error
        self._digest.update(piece)
        if not piece and self._digest.hexdigest() != self._wanted:
            raise _StillChangingError
        return piece


def _unreadable(source: str, error: OSError) -> IngestError:
    return IngestError(f"{source} cannot be read: {error.strerror or error}. Correct its permissions.")
