"""What questions may see: chunks of serving versions of documents that were not removed.

Every hit of every index is joined back to this; a stale or foreign id is simply not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, select

from citewise.errors import QuestionError
from citewise.registry.documents.rows import CHUNK_COLUMNS, chunk_from, shown_title
from citewise.registry.sql import batches
from citewise.registry.tables import chunks, document_tags, documents, held, versions
from citewise.types import Chunk, Where

_OOXML = "application/vnd.openxmlformats-officedocument"
_ODF = "application/vnd.oasis.opendocument"
_IMAGES = {name: (f"image/{name}",) for name in ("png", "jpeg", "tiff", "gif", "bmp", "webp")}
_MAIL = {
    "eml": ("message/rfc822",),
    "msg": ("application/vnd.ms-outlook",),
    "mbox": ("application/mbox",),
}

MEDIA_TYPES: dict[str, tuple[str, ...]] = {
    "pdf": ("application/pdf",),
    "docx": (f"{_OOXML}.wordprocessingml.document",),
    "doc": ("application/msword",),
    "pptx": (f"{_OOXML}.presentationml.presentation",),
    "ppt": ("application/vnd.ms-powerpoint",),
    "xlsx": (f"{_OOXML}.spreadsheetml.sheet",),
    "xls": ("application/vnd.ms-excel",),
    "odt": (f"{_ODF}.text",),
    "ods": (f"{_ODF}.spreadsheet",),
    "odp": (f"{_ODF}.presentation",),
    "rtf": ("application/rtf",),
    "html": ("text/html", "application/xhtml+xml"),
    "epub": ("application/epub+zip",),
    "markdown": ("text/markdown",),
    "md": ("text/markdown",),
    "text": ("text/plain",),
    "txt": ("text/plain",),
    "code": ("text/x-source",),
    "csv": ("text/csv",),
    "tsv": ("text/tab-separated-values",),
    "json": ("application/json",),
    "jsonl": ("application/jsonl",),
    "ipynb": ("application/x-ipynb+json",),
    "xml": ("application/xml",),
    **_MAIL,
    "mail": tuple(each for media_types in _MAIL.values() for each in media_types),
    **_IMAGES,
    "image": tuple(each for media_types in _IMAGES.values() for each in media_types),
    "zip": ("application/zip",),
}
"""Short names for ``where={"type": …}``."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A chunk that may be used, and what its document is called."""

    chunk: Chunk
    source: str
    title: str
    content_hash: str


def join(rx: Connection, chunk_ids: Sequence[str], collection_id: str, *, generation_id: str) -> dict[str, Joined]:
    """Return by id those chunks that answers of this collection may use; others are left out.

    Only what the generation is known to hold is used: a chunk that its indexes still have from
    before, or have already of work that goes on, is left out too.
    """
    columns = (*CHUNK_COLUMNS, versions.c.title, versions.c.content_hash, documents.c.source)
    conditions = (documents.c.collection_id, chunks.c.splitter, held.c.version, held.c.splitter)
    serving = and_(documents.c.id == chunks.c.document_id, documents.c.serving_version == chunks.c.version)
    stored = and_(versions.c.document_id == chunks.c.document_id, versions.c.version == chunks.c.version)
    holds = and_(held.c.generation_id == generation_id, held.c.document_id == chunks.c.document_id)
    statement = (
        select(*columns, *conditions)
        .select_from(chunks.join(documents, serving).join(versions, stored).outerjoin(held, holds))
        .where(_answerable())
    )
    found: dict[str, Joined] = {}
    for batch in batches(chunk_ids):
        for row in rx.execute(statement.where(chunks.c.id.in_(batch))):
            # No conditions of the query, and an outer join: SQLite would start from every document of the
            # collection or the generation, 75 ms for 5,000.
            owner, splitter, held_version, held_splitter = row[-4:]
            chunk = chunk_from(row)
            if (owner, held_version, held_splitter) == (collection_id, chunk.version, splitter):
                title, content_hash, source = row[-7:-4]
                found[chunk.id] = Joined(chunk, source, shown_title(title, source), content_hash)
    return found


def match(rx: Connection, collection_id: str, where: Where) -> set[str]:
    """Return the ids of the documents for which every key of ``where`` holds; all for an empty one.

    Args:
        where: ``document`` (its id), ``source``, ``tag`` (one of its tags), ``type`` (a media type, or a short
            name such as ``pdf``), ``added`` (a day as ``2026-03-31``, with ``>=`` or ``<=`` before it for that day
            and all after or before it; days are those of this machine), or any key of the metadata given at
            upload, whose value must be the same as text. Of several values one must hold; of ``added`` all.

    Raises:
        QuestionError: No document of the collection has such a key, the type is unknown, or the day is none.
    """
    statement = _of_documents(documents.c.id, versions.c.metadata).where(documents.c.collection_id == collection_id)
    wanted = {key: (value,) if isinstance(value, str) else tuple(value) for key, value in where.items()}
    if "document" in wanted:
        statement = statement.where(documents.c.id.in_(wanted.pop("document")))
    if "source" in wanted:
        statement = statement.where(documents.c.source.in_(wanted.pop("source")))
    if "tag" in wanted:
        tagged = select(document_tags.c.document_id).where(document_tags.c.tag.in_(wanted.pop("tag")))
        statement = statement.where(documents.c.id.in_(tagged))
    for since, until in map(_span, wanted.pop("added", ())):
        statement = statement.where(versions.c.added_at >= since, versions.c.added_at < until)
    media_types = frozenset(one for name in wanted.pop("type", ()) for one in _media_types(name))
    if not wanted and not media_types:
        return set(rx.scalars(statement.with_only_columns(documents.c.id)))
    if wanted:
        _refuse_unknown(rx, collection_id, wanted)
    rows = rx.execute(statement.add_columns(versions.c.media_type))
    return {
        document_id
        for document_id, metadata, media_type in rows
        if (not media_types or media_type.partition(";")[0] in media_types)
        and all(_as_text(metadata.get(key)) in values for key, values in wanted.items())
    }


def type_name(media_type: str) -> str:
    """Return the short name by which documents of a media type are chosen; the media type itself if it has none."""
    bare = media_type.partition(";")[0]
    return next((name for name, own in MEDIA_TYPES.items() if bare in own), bare)


def _of_documents(*columns: Any) -> Select[Any]:
    serving = and_(versions.c.document_id == documents.c.id, versions.c.version == documents.c.serving_version)
    return select(*columns).select_from(documents.join(versions, serving)).where(_answerable())


def _answerable() -> ColumnElement[bool]:
    return and_(documents.c.deleted_at.is_(None), documents.c.enabled, versions.c.status == "ready")


def _media_types(name: str) -> tuple[str, ...]:
    if "/" in name:
        return (name.lower(),)
    try:
        return MEDIA_TYPES[name.lower()]
    except KeyError:
        raise QuestionError(f"There is no type {name!r}. Use one of {', '.join(MEDIA_TYPES)}.") from None


def _span(day: str) -> tuple[float, float]:
    """From when until when a document was added that fits ``2026-03-31``, ``>=2026-03-31`` or ``<=2026-03-31``."""
    sign = day[:2] if day[:2] in (">=", "<=") else ""
    try:
        begins = datetime.combine(date.fromisoformat(day[len(sign) :].strip()), time.min)
        ends = begins + timedelta(days=1)
        return (
            float("-inf") if sign == "<=" else begins.timestamp(),
            float("inf") if sign == ">=" else ends.timestamp(),
        )
    except (ValueError, OverflowError, OSError):
        raise QuestionError(
            f"{day!r} is no day on which a document can have been added. Write it like 2026-03-31, or >=2026-03-31, "
            "or <=2026-03-31."
        ) from None


def _refuse_unknown(rx: Connection, collection_id: str, wanted: Iterable[str]) -> None:
    rows = rx.scalars(_of_documents(versions.c.metadata).where(documents.c.collection_id == collection_id))
    known = {key for metadata in rows for key in metadata}
    for key in wanted:
        if key not in known:
            names = ", ".join(["document", "source", "tag", "type", "added", *sorted(known)])
            raise QuestionError(f"Documents cannot be chosen by {key!r}. Use one of {names}.")


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)
