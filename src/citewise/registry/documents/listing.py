"""Documents as a person sees them: one line each, as of the newest version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Select, and_, case, false, func, select

from citewise.registry import records
from citewise.registry.documents.organise import tags_of
from citewise.registry.documents.rows import is_version, missing, shown_title
from citewise.registry.tables import collections, documents, texts, versions
from citewise.types import Document, DocumentVersion, PageReport, ParseReport


def get(rx: Connection, document_id: str, *, version: int | None = None) -> Document:
    """Return a document as of ``version``, its newest by default, with the full report.

    Raises:
        NotFoundError: There is none, or it was removed.
    """
    of_version = documents.c.newest_version if version is None else version
    document = _first(rx, _listed(of_version).where(documents.c.id == document_id))
    if document is None:
        raise missing(document_id)
    packed = rx.scalar(select(texts.c.page_reports).where(is_version(texts, document_id, document.version)))
    if document.report is None or packed is None:
        return document
    return replace(document, report=replace(document.report, pages=records.unpack(PageReport, packed)))


def list_documents(rx: Connection, collection_id: str | None = None) -> list[Document]:
    """Return all documents, newest first, each as of its newest version.

    Reports come without their pages, which ``get`` adds: a library of thousands stays quick to list.
    """
    here = [] if collection_id is None else [documents.c.collection_id == collection_id]
    tags = tags_of(rx, *here)
    statement = _listed(documents.c.newest_version).where(*here)
    rows = rx.execute(statement.order_by(versions.c.added_at.desc(), documents.c.id))
    return [_document(row, tags) for row in rows]


def versions_of(rx: Connection, document_id: str) -> list[DocumentVersion]:
    """Return every version of a document, newest first.

    Raises:
        NotFoundError: There is no such document, or it was removed.
    """
    rows = rx.execute(
        select(
            versions.c.version,
            versions.c.status,
            versions.c.error,
            versions.c.content_hash,
            versions.c.bytes,
            versions.c.pages,
            versions.c.added_at,
            func.coalesce(versions.c.version == documents.c.serving_version, false()).label("serves"),
        )
        .join(documents, documents.c.id == versions.c.document_id)
        .where(documents.c.id == document_id, documents.c.deleted_at.is_(None))
        .order_by(versions.c.version.desc())
    ).all()
    if not rows:
        raise missing(document_id)
    return [DocumentVersion(**row._mapping) for row in rows]


def find_by_source(rx: Connection, collection_id: str, source: str) -> Document | None:
    """Return the document of that name, if there is one."""
    return _first(
        rx,
        _listed(documents.c.newest_version).where(
            documents.c.collection_id == collection_id, documents.c.source == source
        ),
    )


def find_by_hash(rx: Connection, collection_id: str, content_hash: str) -> Document | None:
    """Return the oldest document whose newest version has those bytes, one that was read before one that failed."""
    given_up = versions.c.status.in_(("failed", "cancelled"))
    return _first(
        rx,
        _listed(documents.c.newest_version)
        .where(documents.c.collection_id == collection_id, versions.c.content_hash == content_hash)
        .order_by(case((given_up, 1), else_=0), documents.c.created_at, documents.c.id),
    )


def _listed(of_version: Any) -> Select[Any]:
    """Select what a ``Document`` is made of, in the order of its fields."""
    return (
        select(
            documents.c.id,
            collections.c.name,
            documents.c.source,
            versions.c.title,
            versions.c.version,
            versions.c.status,
            versions.c.error,
            versions.c.media_type,
            versions.c.content_hash,
            versions.c.bytes,
            versions.c.pages,
            versions.c.chunks,
            versions.c.added_at,
            versions.c.done,
            versions.c.total,
            versions.c.stage_started_at,
            documents.c.serving_version,
            documents.c.enabled,
            versions.c.report,
        )
        .join(collections, collections.c.id == documents.c.collection_id)
        .join(versions, and_(versions.c.document_id == documents.c.id, versions.c.version == of_version))
        .where(documents.c.deleted_at.is_(None))
    )


def _first(rx: Connection, statement: Select[Any]) -> Document | None:
    row = rx.execute(statement.limit(1)).one_or_none()
    return None if row is None else _document(row, tags_of(rx, documents.c.id == row.id))


def _document(row: Sequence[Any], tags: Mapping[str, tuple[str, ...]]) -> Document:
    *fields, report = row
    document = Document(*fields)
    return replace(
        document,
        title=shown_title(document.title, document.source),
        tags=tags.get(document.id, ()),
        report=None if report is None else records.load(ParseReport, report),
    )
