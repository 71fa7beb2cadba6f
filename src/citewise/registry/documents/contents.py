"""What was read of one version: its text, pages, blocks and chunks."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, and_, func, select, tuple_

from citewise.errors import NotFoundError
from citewise.registry import records
from citewise.registry.documents.rows import CHUNK_COLUMNS, chunk_from, is_version
from citewise.registry.tables import chunks as chunk_table
from citewise.registry.tables import texts, versions
from citewise.types import Block, Chunk, PageSpan, ParsedDocument, ParseReport, Place, Word

T = TypeVar("T")


def text(rx: Connection, document_id: str, version: int) -> str:
    """Return the text of a version. Raises ``NotFoundError`` if there is none yet, or no more."""
    return str(_stored(rx, texts.c.text, document_id, version))


def slice_text(rx: Connection, document_id: str, version: int, start: int, end: int) -> str:
    """Return ``text[start:end]`` of a version, with both ends moved into the text. Raises ``NotFoundError``."""
    start = max(start, 0)
    # SQLite and PostgreSQL count characters from 1, as Unicode code points like Python.
    return str(_stored(rx, func.substr(texts.c.text, start + 1, max(end - start, 0)), document_id, version))


def pages(rx: Connection, document_id: str, version: int) -> tuple[PageSpan, ...]:
    """Return where the pages of a version stand in its text. Raises ``NotFoundError``."""
    return records.unpack(PageSpan, _stored(rx, texts.c.pages, document_id, version))


def blocks(rx: Connection, document_id: str, version: int) -> tuple[Block, ...]:
    """Return the structural units of a version, in order. Raises ``NotFoundError``."""
    return records.unpack(Block, _stored(rx, texts.c.blocks, document_id, version))


def places(rx: Connection, document_id: str, version: int) -> tuple[Place, ...]:
    """Return the parts of the original that the text of a version came from. Raises ``NotFoundError``."""
    return _stored_list(rx, Place, texts.c.places, document_id, version)


def words(rx: Connection, document_id: str, version: int) -> tuple[Word, ...]:
    """Return the recognised words of a version with their boxes. Raises ``NotFoundError``."""
    return _stored_list(rx, Word, texts.c.words, document_id, version)


def layouts(
    rx: Connection, wanted: Collection[tuple[str, int]]
) -> dict[tuple[str, int], tuple[str, tuple[PageSpan, ...], tuple[Place, ...]]]:
    """Return media type, pages and places of several versions ``(document id, version)``; of those that are read."""
    rows = rx.execute(
        select(texts.c.document_id, texts.c.version, versions.c.media_type, texts.c.pages, texts.c.places)
        .join(versions, and_(versions.c.document_id == texts.c.document_id, versions.c.version == texts.c.version))
        .where(_is_one_of(wanted))
    )
    return {
        (row.document_id, row.version): (
            row.media_type,
            records.unpack(PageSpan, row.pages),
            records.unpack(Place, row.places) if row.places is not None else (),
        )
        for row in rows
    }


def texts_of(rx: Connection, wanted: Collection[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Return the texts of several versions ``(document id, version)``; of those that are read."""
    if not wanted:
        return {}
    rows = rx.execute(select(texts.c.document_id, texts.c.version, texts.c.text).where(_is_one_of(wanted)))
    return {(document_id, version): text for document_id, version, text in rows}


def chunks(rx: Connection, document_id: str, version: int, *, splitter: str | None = None) -> list[Chunk]:
    """Return the chunks of a version, in order; none when it was not split yet, or purged.

    Args:
        splitter: The way of cutting; ``None`` means the set that the version shows.
    """
    shown = select(versions.c.splitter).where(is_version(versions, document_id, version)).scalar_subquery()
    rows = rx.execute(
        select(*CHUNK_COLUMNS)
        .where(
            is_version(chunk_table, document_id, version),
            chunk_table.c.splitter == (shown if splitter is None else splitter),
        )
        .order_by(chunk_table.c.ordinal)
    )
    return [chunk_from(row) for row in rows]


def parsed(rx: Connection, document_id: str, version: int) -> ParsedDocument:
    """Return what was read of a version, to cut it in another way. Raises ``NotFoundError``."""
    row = rx.execute(
        select(versions.c.title, versions.c.media_type, versions.c.report).where(
            is_version(versions, document_id, version)
        )
    ).one_or_none()
    return ParsedDocument(
        text=text(rx, document_id, version),
        blocks=blocks(rx, document_id, version),
        pages=pages(rx, document_id, version),
        report=records.load(ParseReport, row.report) if row and row.report else ParseReport(characters=0),
        media_type=row.media_type if row else "",
        title=row.title if row else "",
        places=places(rx, document_id, version),
        words=words(rx, document_id, version),
    )


def neighbours(rx: Connection, chunk: Chunk, reach: int) -> list[Chunk]:
    """Return the chunks at most ``reach`` places from ``chunk`` in its own set, itself included, in order."""
    own = select(chunk_table.c.splitter).where(chunk_table.c.id == chunk.id).scalar_subquery()
    rows = rx.execute(
        select(*CHUNK_COLUMNS)
        .where(
            is_version(chunk_table, chunk.document_id, chunk.version),
            chunk_table.c.splitter == own,
            chunk_table.c.ordinal.between(chunk.ordinal - reach, chunk.ordinal + reach),
        )
        .order_by(chunk_table.c.ordinal)
    )
    return [chunk_from(row) for row in rows]


def _is_one_of(wanted: Collection[tuple[str, int]]) -> ColumnElement[bool]:
    # SQLite looks pairs up in an index only when the first half is asked for by itself too.
    return and_(
        texts.c.document_id.in_(sorted({document_id for document_id, _ in wanted})),
        tuple_(texts.c.document_id, texts.c.version).in_(list(wanted)),
    )


def _stored_list(rx: Connection, kind: type[T], column: Any, document_id: str, version: int) -> tuple[T, ...]:
    row = rx.execute(select(column).where(is_version(texts, document_id, version))).one_or_none()
    if row is None:
        raise _missing(document_id, version)
    return records.unpack(kind, row[0]) if row[0] is not None else ()


def _stored(rx: Connection, column: Any, document_id: str, version: int) -> Any:
    value = rx.scalar(select(column).where(is_version(texts, document_id, version)))
    if value is None:
        raise _missing(document_id, version)
    return value


def _missing(document_id: str, version: int) -> NotFoundError:
    return NotFoundError("text of document", document_id, hint=f"Version {version} was not read yet, or is gone.")
