"""Archives: each file in one becomes a document of its own, beside the archive's.

Their bytes are stored first; then one transaction makes documents of them, together with the
text of the archive. So an ingest that is cut off leaves either all of them or none, and one
that is repeated finds them there already. A file that a new version of the archive no longer
holds is removed with the old one.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from sqlalchemy import Connection

from citewise.errors import IngestError
from citewise.ingest import sandbox
from citewise.ingest.intake import update
from citewise.ingest.limits import MAX_MEMBER_MB
from citewise.registry import members, removal
from citewise.registry.blobs import Blobs
from citewise.registry.documents import VersionRecord
from citewise.types import Upload

log = structlog.get_logger(__name__)

Stored = dict[str, tuple[str, int]]
"""Members by name in the archive: the hash of their bytes, and how many there are."""


@contextmanager
def stored_members(
    blobs: Blobs,
    archive: VersionRecord,
    *,
    seconds: float,
    memory_mb: int,
    cancelled: Callable[[], bool],
) -> Iterator[Stored]:
    """Unpack an archive and store its files; until the end of the block nothing erases them.

    Raises:
        IngestError: It cannot be unpacked, or went over a limit.
        NoSpaceError: The disk is full, or would be.
    """
    scratch = blobs.scratch()
    try:
        files = sandbox.unpack(
            blobs.path(archive.content_hash),
            scratch,
            source=archive.source,
            seconds=seconds,
            memory_mb=memory_mb,
            cancelled=cancelled,
        )
        with blobs.lock:
            yield {name: _store(blobs, path) for name, path in files.items()}
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def record_members(tx: Connection, archive: VersionRecord, stored: Stored) -> int:
    """Make documents of the members of an archive, and remove those that it holds no more.

    Returns:
        How many documents were queued for reading.
    """
    queued = 0
    for name, blob in stored.items():
        upload = Upload(source=_source(archive, name), metadata=dict(members.metadata_of(archive.document_id)))
        try:
            queued += update(tx, upload, blob, archive.collection_id).job_id is not None
        except IngestError as error:
            log.warning("a member of an archive was not taken in", document_id=archive.document_id, error=str(error))
    wanted = {_source(archive, name) for name in stored}
    there = members.members_of(tx, [archive.document_id])
    removal.remove(tx, [document_id for document_id, source in there.items() if source not in wanted])
    return queued


def _source(archive: VersionRecord, name: str) -> str:
    return f"{archive.source}/{name}"


def _store(blobs: Blobs, path: Path) -> tuple[str, int]:
    with path.open("rb") as stream:
        blob = blobs.put(stream, limit_bytes=MAX_MEMBER_MB * 10**6)
    path.unlink()  # so that no file is there twice for long
    return blob
