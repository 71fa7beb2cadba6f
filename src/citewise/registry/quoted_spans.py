"""Whether words still stand where an answer quoted them: looked up by the hash of the document's bytes.

Ids differ from one library to the next, bytes do not; so a footnote that was carried elsewhere is
found again by its document's hash and the span of its text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, select

from citewise.errors import NotFoundError
from citewise.registry import documents as documents_of
from citewise.registry.tables import documents, versions
from citewise.types import Citation

SpanState = Literal["found", "changed", "removed", "different", "missing", "erased"]
"""``found``: the words stand there, and the document is as it was. ``changed``: they do, in a version that
was replaced. ``removed``: they do, in a document that was removed and can still be brought back.
``different``: the document is here, but other words stand there. ``missing``: no document here has these
bytes. ``erased``: the quote was erased, and there is nothing to look for."""

AT_THEIR_PLACE: frozenset[SpanState] = frozenset({"found", "changed", "removed"})
"""States in which the words stand where they were quoted."""

_ORDER: tuple[SpanState, ...] = ("found", "changed", "removed", "different")
_SHORTEST_HASH = 8  # hex digits: fewer could be those of another document


@dataclass(frozen=True, slots=True)
class FoundSpan:
    """What became of a quoted span; the document is the one that was looked at, if there is one."""

    state: SpanState
    document_id: str = ""
    version: int = 0
    source: str = ""


def find_span(
    rx: Connection, content_hash: str, start: int, end: int, *, is_quote: Callable[[str], bool], prefer: str = ""
) -> FoundSpan:
    """Look for quoted words in every document that has these bytes.

    Args:
        rx: A connection.
        content_hash: Of the document's bytes, or at least its first 8 hex digits.
        start: Of the span in the document's text.
        end: Exclusive.
        is_quote: Whether the words that stand there are the quoted ones.
        prefer: Id of the document to take of several that do.
    """
    if len(content_hash) < _SHORTEST_HASH or not content_hash.isalnum():
        return FoundSpan("missing")
    rows = rx.execute(
        select(
            documents.c.id, documents.c.source, documents.c.deleted_at, documents.c.serving_version, versions.c.version
        )
        .join(documents, documents.c.id == versions.c.document_id)
        # Not LIKE, which SQLite looks up in no index; "g" comes after every hex digit.
        .where(versions.c.content_hash >= content_hash, versions.c.content_hash < f"{content_hash}g")
        .order_by(documents.c.created_at, versions.c.version.desc())
    ).all()
    best = FoundSpan("missing")
    for row in rows:
        try:
            words = documents_of.slice_text(rx, row.id, row.version, start, end)
        except NotFoundError:  # it was not read yet
            continue
        state: SpanState = "found" if is_quote(words) else "different"
        if state == "found" and row.deleted_at is not None:
            state = "removed"
        elif state == "found" and row.serving_version != row.version:
            state = "changed"
        found = FoundSpan(state, row.id, row.version, row.source)
        better = best.state == "missing" or _ORDER.index(state) < _ORDER.index(best.state)
        if better or (state == best.state and row.id == prefer != best.document_id):
            best = found
    return best


def find_citation(rx: Connection, citation: Citation) -> FoundSpan:
    """Look for what a citation quotes, word for word."""
    if citation.erased:
        return FoundSpan("erased")
    return find_span(
        rx,
        citation.content_hash,
        citation.start,
        citation.end,
        is_quote=citation.quote.__eq__,
        prefer=citation.document_id,
    )
