"""Uploaded bytes, content-addressed: ``blobs/ab/<sha256>``."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import BinaryIO

from citewise.errors import IngestError, RegistryError
from citewise.registry.folders import ensure_directory, sync_directory, unusable

PIECE = 1 << 20  # bytes read at once


class Blobs:
    """The blobs of one data directory. May be used from any thread.

    Raises:
        RegistryError: The directory cannot be made.
    """

    def __init__(self, directory: Path) -> None:
        self._root = directory / "blobs"
        self._incoming = self._root / "incoming"
        ensure_directory(directory)
        ensure_directory(self._root)
        ensure_directory(self._incoming)
        for leftover in self._incoming.iterdir():  # of uploads that a crash cut off
            leftover.unlink()

    def put(self, stream: BinaryIO, *, limit_bytes: int) -> tuple[str, int]:
        """Store what ``stream`` holds from where it stands; on return it survives a power cut.

        Returns:
            The SHA-256 in hex, and the number of bytes.

        Raises:
            IngestError: It is empty, or larger than ``limit_bytes``; nothing is kept.
            RegistryError: The disk is full or cannot be written; nothing is kept.
        """
        try:
            return self._put(stream, limit_bytes)
        except OSError as error:
            raise RegistryError(unusable(self._root.parent, error)) from error

    def path(self, content_hash: str) -> Path:
        """Return where the bytes of that hash are, or would be."""
        return self._root / content_hash[:2] / content_hash

    def delete(self, content_hash: str) -> None:
        """Erase the bytes of that hash; nothing happens if there are none."""
        try:
            self.path(content_hash).unlink(missing_ok=True)
        except OSError as error:
            raise RegistryError(unusable(self._root.parent, error)) from error

    def _put(self, stream: BinaryIO, limit_bytes: int) -> tuple[str, int]:
        descriptor, name = tempfile.mkstemp(dir=self._incoming)  # mode 0600
        incoming = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                content_hash, size = _copy(stream, file, limit_bytes)
                file.flush()
                os.fsync(file.fileno())
            home = self.path(content_hash)
            home.parent.mkdir(mode=0o700, exist_ok=True)
            incoming.replace(home)  # the same bytes, if they were there already
            sync_directory(home.parent)
            sync_directory(self._root)
        finally:
            incoming.unlink(missing_ok=True)
        return content_hash, size


def _copy(stream: BinaryIO, file: BinaryIO, limit_bytes: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while piece := stream.read(PIECE):
        size += len(piece)
        if size > limit_bytes:
            raise IngestError(
                f"The file is larger than {limit_bytes / 1e6:g} MB, which is the limit. "
                "Split it, or raise the limit with CITEWISE_INGEST__MAX_FILE_MB."
            )
        digest.update(piece)
        file.write(piece)
    if not size:
        raise IngestError("The file is empty. Check that it was saved, and add it again.")
    return digest.hexdigest(), size
