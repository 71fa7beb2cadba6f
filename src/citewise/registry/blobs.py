"""Uploaded bytes, content-addressed: ``blobs/ab/<sha256>``."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from itertools import count
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from citewise.errors import IngestError
from citewise.failpoints import failpoint
from citewise.registry.folders import ensure_directory, sync_directory, unusable
from citewise.registry.space import require_free

PIECE = 1 << 20  # bytes read at once
PIECES_BETWEEN_LOOKS = 16  # at the free space, while copying


class Blobs:
    """The blobs of one data directory. May be used from any thread.

    Args:
        directory: The data directory.
        keep_free: Bytes that must stay free on its disk.

    Raises:
        RegistryError: The directory cannot be made.
    """

    def __init__(self, directory: Path, *, keep_free: int = 0) -> None:
        # Held from the storing of bytes until a row refers to them: meanwhile nothing may erase what none refers to.
        self.lock = Lock()
        self._root = directory / "blobs"
        self._incoming = self._root / "incoming"
        self._keep_free = keep_free
        ensure_directory(directory)
        ensure_directory(self._root)
        ensure_directory(self._incoming)
        try:
            for leftover in self._incoming.iterdir():  # of uploads and backups that a crash cut off
                if leftover.is_dir():
                    shutil.rmtree(leftover)
                else:
                    leftover.unlink()
        except OSError as error:
            raise unusable(directory, error) from error

    def put(self, stream: BinaryIO, *, limit_bytes: int) -> tuple[str, int]:
        """Store what ``stream`` holds from where it stands; on return it survives a power cut.

        Returns:
            The SHA-256 in hex, and the number of bytes.

        Raises:
            IngestError: It is empty, or larger than ``limit_bytes``; nothing is kept.
            NoSpaceError: The disk is full, or would be; nothing is kept.
            RegistryError: The disk cannot be written; nothing is kept.
        """
        require_free(self._root, min(_size(stream), limit_bytes), keep=self._keep_free)
        try:
            return self._put(stream, limit_bytes)
        except OSError as error:
            raise unusable(self._root.parent, error) from error

    def path(self, content_hash: str) -> Path:
        """Return where the bytes of that hash are, or would be."""
        return self._root / content_hash[:2] / content_hash

    def stored(self) -> list[str]:
        """Return the hashes of all bytes that are stored, whether anything refers to them or not."""
        return sorted(path.name for path in self._root.glob("[0-9a-f][0-9a-f]/*"))

    def delete(self, content_hash: str) -> None:
        """Erase the bytes of that hash; nothing happens if there are none."""
        failpoint("blob-deleting")
        try:
            self.path(content_hash).unlink(missing_ok=True)
        except OSError as error:
            raise unusable(self._root.parent, error) from error

    def scratch(self) -> Path:
        """Make a folder on the same disk; whatever a crash leaves in it is gone after the next start.

        Raises:
            RegistryError: It cannot be made.
        """
        try:
            return Path(tempfile.mkdtemp(dir=self._incoming))  # mode 0700
        except OSError as error:
            raise unusable(self._root.parent, error) from error

    def _put(self, stream: BinaryIO, limit_bytes: int) -> tuple[str, int]:
        descriptor, name = tempfile.mkstemp(dir=self._incoming)  # mode 0600
        incoming = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                content_hash, size = self._copy(stream, file, limit_bytes)
                file.flush()
                os.fsync(file.fileno())
            home = self.path(content_hash)
            home.parent.mkdir(mode=0o700, exist_ok=True)
            failpoint("blob-written")
            incoming.replace(home)  # the same bytes, if they were there already
            failpoint("blob-renamed")
            sync_directory(home.parent)
            sync_directory(self._root)
        finally:
            incoming.unlink(missing_ok=True)
        return content_hash, size

    def _copy(self, stream: BinaryIO, file: BinaryIO, limit_bytes: int) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        for number in count(1):
            if number % PIECES_BETWEEN_LOOKS == 0:
                require_free(self._root, 0, keep=self._keep_free)
            piece = stream.read(PIECE)
            if not piece:
                break
            size += len(piece)
            if size > limit_bytes:
                break
            digest.update(piece)
            file.write(piece)
        check_size(size, limit_bytes)
        return digest.hexdigest(), size


def check_size(size: int, limit_bytes: int) -> None:
    """Raise ``IngestError`` for a file of no bytes, or of more than the limit."""
    if size > limit_bytes:
        raise IngestError(
            f"The file is larger than {limit_bytes / 1e6:g} MB, which is the limit. "
            "Split it, or raise the limit with CITEWISE_INGEST__MAX_FILE_MB."
        )
    if not size:
        raise IngestError("The file is empty. Check that it was saved, and add it again.")


def _size(stream: BinaryIO) -> int:
    """The bytes from where a stream stands to its end; 0 where it cannot say."""
    try:
        here = stream.tell()
        end = stream.seek(0, os.SEEK_END)
        stream.seek(here)
    except (OSError, ValueError, AttributeError):
        return 0
    return end - here
