"""Documents that came out of an archive: they go with it, and come back with it.

Which archive a document came out of stands in the metadata of its versions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, and_, select

from citewise.registry.sql import batches
from citewise.registry.tables import documents, versions
from citewise.types import ARCHIVE

_KEY = "archive"
_NEWEST = and_(versions.c.document_id == documents.c.id, versions.c.version == documents.c.newest_version)


def metadata_of(archive_id: str) -> Mapping[str, str]:
    """Return the metadata that makes a document a member of an archive."""
    return {_KEY: archive_id}


def members_of(rx: Connection, archive_ids: Sequence[str], *, removed_at: float | None = None) -> dict[str, str]:
    """Return documents that came out of archives, by id, and their sources.

    Args:
        archive_ids: Ids of documents; those that are no archives are ignored.
        removed_at: Which ones: those that were removed at that moment; ``None`` for those that are there.
    """
    archives = [
        document_id
        for batch in batches(archive_ids)
        for document_id in rx.scalars(
            select(documents.c.id)
            .join(versions, _NEWEST)
            .where(documents.c.id.in_(batch), versions.c.media_type == ARCHIVE)
        )
    ]
    found: dict[str, str] = {}
    for batch in batches(archives):
        rows = rx.execute(
            select(documents.c.id, documents.c.source)
            .join(versions, _NEWEST)
            .where(
                versions.c.metadata[_KEY].as_string().in_(batch),
                documents.c.deleted_at.is_(None) if removed_at is None else documents.c.deleted_at == removed_at,
            )
            .order_by(documents.c.id)
        )
        found.update((document_id, source) for document_id, source in rows)
    return found
