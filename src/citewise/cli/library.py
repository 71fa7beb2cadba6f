"""``citewise list``, ``show``, ``remove`` and ``collections``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated

import typer

from citewise.cli import options, output
from citewise.cli.asked import Json
from citewise.cli.session import connect
from citewise.errors import NotFoundError, QuestionError

Documents = Annotated[
    list[str], typer.Argument(metavar="DOC…", help="Ids or names of documents, as `list` shows them.")
]


def list_documents(
    *, collection: options.AnyCollection = None, as_json: options.AsJson = False, server: options.Server = None
) -> None:
    """List documents, newest first."""
    with connect(server) as session:
        documents = session.documents(collection=collection)
    if as_json:
        output.document({"documents": documents})
        return
    if not documents:
        output.line("There are no documents yet. Add some with `citewise add PATH`.")
        return
    output.table(
        ["id", "document", "collection", "status", "tags", "pages", "chunks", "size", "added"],
        [
            [
                one["document_id"],
                one["source"],
                one["collection"],
                _state(one),
                ", ".join(one["tags"]),
                one["pages"] or None,
                one["chunks"],
                output.size(one["bytes"]),
                time.strftime("%Y-%m-%d %H:%M", time.localtime(one["added_at"])),
            ]
            for one in documents
        ],
        right=["pages", "chunks", "size"],
    )


def _state(document: Json) -> str:
    state = f"{document['status']}: {document['error']}" if document["error"] else str(document["status"])
    return state if document["enabled"] else f"{state}, disabled"


def show(
    *,
    wanted: Documents,
    collection: options.AnyCollection = None,
    as_json: options.AsJson = False,
    server: options.Server = None,
) -> None:
    """Show what is stored of documents: text, pages, chunks and what could not be read."""
    with connect(server) as session:
        documents = session.documents(collection=collection)
        for document_id in [find_document(name, documents) for name in wanted]:
            shown = session.show(document_id)
            if as_json:
                output.document(shown)
            else:
                _tell(shown)


_REMARKS = {"unread": "Not read", "warnings": "Warning", "left_out": "Left out"}


def _tell(shown: Json) -> None:
    report = shown["report"] or {}
    output.line(output.plain(f"{shown['title']} ({shown['source']}, version {shown['version']}, {shown['status']})"))
    for kind in ("unread", "warnings", "left_out"):
        for remark in report.get(kind, ()):
            output.line(output.plain(f"{_REMARKS[kind]}: {remark}"))
    for chunk in shown["chunks"]:
        page = f", page {chunk['page_first']}" if chunk["page_first"] else ""
        output.line(f"\n[{chunk['start']}:{chunk['end']}{page}]")
        output.line(output.plain(chunk["text"]))
    output.line()


def remove(
    *,
    wanted: Documents,
    purge: Annotated[
        bool, typer.Option("--purge", help="Erase bytes, text, vectors and quotes in old answers too, for good.")
    ] = False,
    collection: options.AnyCollection = None,
    as_json: options.AsJson = False,
    server: options.Server = None,
) -> None:
    """Take documents out of every answer at once."""
    with connect(server) as session:
        documents = session.documents(collection=collection)
        # Removed ones are not in the list, but they may be purged by their id.
        ids = [find_document(name, documents, or_itself=purge) for name in wanted]
        quotes = session.quotes(ids)
        removed = session.remove(ids, purge=purge)
    quotes = [quote for quote in quotes if quote["document_id"] in removed]
    missing = [name for name, document_id in zip(wanted, ids, strict=True) if document_id not in removed]
    if as_json:
        output.document(
            {
                "removed": len(removed),
                "purged": purge,
                "documents": removed,
                "quotes_kept": [] if purge else quotes,
                "quotes_blanked": len(quotes) if purge else 0,
            }
        )
    else:
        output.line(f"{output.amount(len(removed), 'document')} {'erased' if purge else 'removed'}.")
        _tell_quotes(quotes, purged=purge)
        if purge and removed:
            output.line("Files of the index hold traces until they are written anew: `citewise index compact`.")
    if missing:
        raise NotFoundError("document", missing[0])


def _tell_quotes(quotes: Sequence[Json], *, purged: bool) -> None:
    if not quotes:
        return
    answers = output.amount(len({quote["turn_id"] for quote in quotes}), "old answer")
    if purged:
        output.line(f"{output.amount(len(quotes), 'quote')} in {answers} blanked.")
        return
    output.line(f"{output.amount(len(quotes), 'quote')} in {answers} kept; `--purge` blanks those too:")
    output.table(
        ["conversation", "source", "quote"],
        [[quote["conversation"], f"[{quote['marker']}] {quote['source']}", quote["words"]] for quote in quotes],
    )


def find_document(name: str, documents: Sequence[Json], *, or_itself: bool = False) -> str:
    """Return the id of the document with this id or name."""
    if any(one["document_id"] == name for one in documents):
        return name
    ids = [str(one["document_id"]) for one in documents if one["source"] == name]
    if len(ids) > 1:
        raise QuestionError(f"{len(ids)} documents are named {name!r}. Name its --collection, or give its id.")
    if not ids and not or_itself:
        raise NotFoundError("document", name, hint="`citewise list` shows those there are.")
    return ids[0] if ids else name


def collections(*, as_json: options.AsJson = False, server: options.Server = None) -> None:
    """List the sets of documents."""
    with connect(server) as session:
        found = session.collections()
    if as_json:
        output.document({"collections": found})
        return
    output.table(
        ["collection", "documents", "chunks"],
        [[one["name"], one["documents"], one["chunks"]] for one in found],
        right=["documents", "chunks"],
    )
