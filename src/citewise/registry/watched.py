"""Watched folders, and what is known of their files.

What a look found and what it led to are written in one transaction, so that a look that
was cut off is simply repeated.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import Connection, and_, delete, func, insert, select, update

from citewise.errors import NotFoundError
from citewise.registry.ids import new_id
from citewise.registry.tables import documents, watched_files, watched_folders
from citewise.types import WatchedFolder


@dataclass(frozen=True, slots=True)
class WatchedFile:
    """A file of a watched folder as it was when it was last read."""

    source: str  # path within the folder
    stamp: str  # size and times
    device: str  # that it was on
    missing: bool = False  # the file went, and its document was removed with it
    content_hash: str | None = None  # None when it could not be taken in
    document_id: str | None = None
    error: str | None = None  # why it could not be taken in, as a sentence


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of the document of a watched file."""

    file: WatchedFile
    collection_id: str | None  # that the document is in; None when there is none, or it was purged
    in_library: bool  # False as well for a removed document

    @property
    def turned_away(self) -> bool:
        """Whether a person removed the document while its file was there."""
        return self.file.document_id is not None and not self.in_library and not self.file.missing


def add_folder(tx: Connection, path: str, collection: str) -> str:
    """Watch a folder from now on; returns its id, that of before if it is watched already."""
    known: str | None = tx.scalar(
        select(watched_folders.c.id).where(watched_folders.c.path == path, watched_folders.c.collection == collection)
    )
    if known is not None:
        return known
    folder_id = new_id()
    tx.execute(insert(watched_folders).values(id=folder_id, path=path, collection=collection, created_at=time.time()))
    return folder_id


def remove_folder(tx: Connection, folder_id: str) -> list[str]:
    """Watch a folder no more; returns the ids of the documents in the library that come from it.

    Raises:
        NotFoundError: It is not watched.
    """
    kept = [one.file.document_id for one in files(tx, folder_id).values() if one.in_library and one.file.document_id]
    if not tx.execute(delete(watched_folders).where(watched_folders.c.id == folder_id)).rowcount:
        raise NotFoundError("watched folder", folder_id, hint="`citewise watch` shows those there are.")
    return kept


def is_watched(rx: Connection, folder_id: str) -> bool:
    """Whether a folder is still watched."""
    return rx.scalar(select(watched_folders.c.id).where(watched_folders.c.id == folder_id)) is not None


def list_folders(rx: Connection) -> list[WatchedFolder]:
    """Return all watched folders in order of their paths."""
    rows = rx.execute(
        select(watched_files.c.folder_id, func.count())
        .join(documents, and_(documents.c.id == watched_files.c.document_id, documents.c.deleted_at.is_(None)))
        .group_by(watched_files.c.folder_id)
    )
    counted: dict[str, int] = {row[0]: row[1] for row in rows}
    refused: dict[str, list[tuple[str, str]]] = {}
    for folder_id, source, error in rx.execute(
        select(watched_files.c.folder_id, watched_files.c.source, watched_files.c.error)
        .where(watched_files.c.error.is_not(None))
        .order_by(watched_files.c.source)
    ):
        refused.setdefault(folder_id, []).append((source, error))
    return [
        WatchedFolder(
            id=row.id,
            path=row.path,
            collection=row.collection,
            created_at=row.created_at,
            looked_at=row.scanned_at,
            documents=counted.get(row.id, 0),
            error=row.error,
            refused=tuple(refused.get(row.id, ())),
        )
        for row in rx.execute(select(watched_folders).order_by(watched_folders.c.path, watched_folders.c.collection))
    ]


def looked(tx: Connection, folder_id: str, *, at: float, error: str | None) -> None:
    """Note when a folder was looked at, and why that could not be done."""
    tx.execute(update(watched_folders).where(watched_folders.c.id == folder_id).values(scanned_at=at, error=error))


def files(rx: Connection, folder_id: str, *, source: str | None = None) -> dict[str, Kept]:
    """Return what is known of the files of a folder, or of that one, by source."""
    statement = (
        select(watched_files, documents.c.collection_id, documents.c.deleted_at)
        .outerjoin(documents, documents.c.id == watched_files.c.document_id)
        .where(watched_files.c.folder_id == folder_id)
    )
    rows = rx.execute(statement if source is None else statement.where(watched_files.c.source == source))
    return {
        row.source: Kept(
            WatchedFile(row.source, row.stamp, row.device, row.missing, row.content_hash, row.document_id, row.error),
            row.collection_id,
            row.collection_id is not None and row.deleted_at is None,
        )
        for row in rows
    }


def put_file(tx: Connection, folder_id: str, file: WatchedFile) -> None:
    """Note how a file is now, in place of what was known of it."""
    forget_file(tx, folder_id, file.source)
    tx.execute(
        insert(watched_files).values(
            folder_id=folder_id,
            source=file.source,
            stamp=file.stamp,
            device=file.device,
            missing=file.missing,
            content_hash=file.content_hash,
            document_id=file.document_id,
            error=file.error,
        )
    )


def forget_file(tx: Connection, folder_id: str, source: str) -> None:
    """Forget a file; its document stays as it is."""
    tx.execute(delete(watched_files).where(watched_files.c.folder_id == folder_id, watched_files.c.source == source))


def holder(rx: Connection, document_id: str, *, besides: str) -> str | None:
    """Return the path of another watched folder than ``besides`` that a document comes from, if there is one."""
    path: str | None = rx.scalar(
        select(watched_folders.c.path)
        .join(watched_files, watched_files.c.folder_id == watched_folders.c.id)
        .where(
            watched_files.c.document_id == document_id,
            watched_files.c.missing.is_(False),
            watched_folders.c.id != besides,
        )
        .limit(1)
    )
    return path
