"""Uploads on their way in: bytes on disk first, then a version and its job.

What an upload is (new, a new version, or a file that is here already) is decided in the
transaction that records it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import PurePosixPath

from sqlalchemy import Connection

from citewise.errors import IngestError
from citewise.failpoints import failpoint
from citewise.registry import collections, documents, jobs, removal
from citewise.registry.blobs import Blobs
from citewise.registry.database import Registry
from citewise.types import Added, Document, OnDuplicate, Upload

TEXT_RECORD = "text/plain; charset=utf-8"
"""The media type of records that arrived as text."""

GIVEN_UP = ("failed", "cancelled")


def add(
    registry: Registry,
    blobs: Blobs,
    uploads: Sequence[Upload],
    *,
    collection: str,
    on_duplicate: OnDuplicate,
    limit_bytes: int,
) -> list[Added]:
    """Take uploads in, see ``Engine.add``; those that cannot be taken are ``failed``."""
    added: list[Added] = []
    with blobs.lock:
        stored = [_store(blobs, upload, limit_bytes) for upload in uploads]
        failpoint("uploads-stored")
        with registry.write() as tx:
            collection_id = collections.ensure(tx, collection)
            for upload, blob in zip(uploads, stored, strict=True):
                try:
                    if isinstance(blob, IngestError):
                        raise blob
                    added.append(take_in(tx, upload, blob, collection_id, on_duplicate))
                except IngestError as error:
                    added.append(Added(upload.source, None, None, None, "failed", str(error)))
    failpoint("uploads-recorded")
    return added


def _store(blobs: Blobs, upload: Upload, limit_bytes: int) -> tuple[str, int] | IngestError:
    stream = upload.stream if upload.text is None else io.BytesIO(upload.text.encode("utf-8", "replace"))
    if stream is None:
        raise ValueError("an upload needs a stream or a text")
    try:
        documents.check_name(upload.source, upload.title)
        return blobs.put(stream, limit_bytes=limit_bytes)
    except IngestError as error:
        return error


def take_in(
    tx: Connection, upload: Upload, blob: tuple[str, int], collection_id: str, on_duplicate: OnDuplicate
) -> Added:
    """Decide what an upload is and record it with its job.

    Raises:
        IngestError: Its name cannot be stored; nothing was recorded.
    """
    content_hash, _ = blob
    if on_duplicate == "keep":
        upload = replace(upload, source=_free_name(tx, collection_id, upload.source, content_hash))
    elif documents.find_by_source(tx, collection_id, upload.source) is None:
        twin = documents.find_by_hash(tx, collection_id, content_hash)
        if twin and on_duplicate == "replace":
            added = update(tx, upload, blob, collection_id)
            removal.remove(tx, [twin.id])
            return added
        if twin and twin.status not in GIVEN_UP:
            return _here_already(upload, twin)
    return update(tx, upload, blob, collection_id)


def update(tx: Connection, upload: Upload, blob: tuple[str, int], collection_id: str) -> Added:
    """Make the document of that name hold these bytes: as a new one, as a new version, or as it is.

    Raises:
        IngestError: The name cannot be stored; nothing was recorded.
    """
    content_hash, size = blob
    named = documents.find_by_source(tx, collection_id, upload.source)
    if named and named.content_hash == content_hash:
        if named.status not in GIVEN_UP:
            return _here_already(upload, named)
        documents.set_stage(tx, named.id, named.version, "received")
        document_id, version = named.id, named.version
    else:
        document_id, version = documents.add_version(
            tx,
            collection_id=collection_id,
            source=upload.source,
            title=upload.title,
            content_hash=content_hash,
            media_type=TEXT_RECORD if upload.text is not None else "",
            bytes=size,
            metadata=dict(upload.metadata),
        )
    job_id = jobs.create(tx, document_id=document_id, version=version).id
    return Added(upload.source, document_id, version, job_id, "received")


def _here_already(upload: Upload, document: Document) -> Added:
    reason = "The same file is here already"
    if document.source != upload.source:
        reason += f" as {document.source}"
    if not document.enabled:
        reason += ", but disabled"
    return Added(upload.source, document.id, document.version, None, "skipped", f"{reason}.")


def _free_name(tx: Connection, collection_id: str, source: str, content_hash: str) -> str:
    """Return the first of ``a.txt``, ``a (2).txt``, ``a (3).txt``, … that is free or has the same bytes."""
    folder, slash, last = source.rpartition("/")
    stem, suffix = PurePosixPath(last).stem, PurePosixPath(last).suffix
    names = (source if number == 1 else f"{folder}{slash}{stem} ({number}){suffix}" for number in count(1))
    for name in names:
        named = documents.find_by_source(tx, collection_id, name)
        if named is None or named.content_hash == content_hash:
            return name
    raise AssertionError("unreachable")
