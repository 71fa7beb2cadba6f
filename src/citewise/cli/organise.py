"""``citewise enable``, ``disable``, ``tag`` and ``move``."""

from __future__ import annotations

from typing import Annotated

import typer

from citewise.cli import options, output
from citewise.cli.asked import Json
from citewise.cli.library import Documents, find_document
from citewise.cli.session import connect


def enable(
    *,
    wanted: Documents,
    collection: options.AnyCollection = None,
    as_json: options.AsJson = False,
    server: options.Server = None,
) -> None:
    """Let answers come from disabled documents again."""
    changed = _change(wanted, {"enabled": True}, collection=collection, server=server)
    _tell(changed, "enabled", as_json=as_json)


def disable(
    *,
    wanted: Documents,
    collection: options.AnyCollection = None,
    as_json: options.AsJson = False,
    server: options.Server = None,
) -> None:
    """Keep documents, but take them out of every answer."""
    changed = _change(wanted, {"enabled": False}, collection=collection, server=server)
    _tell(changed, "disabled", as_json=as_json)


def tag(
    *,
    wanted: Documents,
    add: Annotated[list[str] | None, typer.Option("--add", metavar="TAG", help="May be repeated.")] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", metavar="TAG", help="May be repeated.")] = None,
    collection: options.AnyCollection = None,
    as_json: options.AsJson = False,
    server: options.Server = None,
) -> None:
    """Add tags to documents and take tags off them; `search --where tag=TAG` finds by them."""
    if not (add or remove):
        raise typer.BadParameter("Give --add TAG, --remove TAG, or both.", param_hint="--add")
    with connect(server) as session:
        documents = session.documents(collection=collection)
        tags_of = {one["document_id"]: one["tags"] for one in documents}
        changed = []
        for document_id in [find_document(name, documents) for name in wanted]:
            kept = [one for one in tags_of[document_id] if one not in (remove or ())]
            changed.append(session.change(document_id, {"tags": [*kept, *(add or ())]}))
    if as_json:
        output.document({"documents": changed})
    else:
        output.table(["document", "tags"], [[one["source"], ", ".join(one["tags"])] for one in changed])


def move(
    *,
    wanted: Documents,
    target: Annotated[str, typer.Option("--to", metavar="COLLECTION", help="Made if need be.")],
    collection: options.AnyCollection = None,
    as_json: options.AsJson = False,
    server: options.Server = None,
) -> None:
    """Put documents into another collection."""
    changed = _change(wanted, {"collection": target}, collection=collection, server=server)
    _tell(changed, f"moved to {target}", as_json=as_json)


def _change(wanted: list[str], change: Json, *, collection: str | None, server: str | None) -> list[Json]:
    with connect(server) as session:
        documents = session.documents(collection=collection)
        ids = [find_document(name, documents) for name in wanted]
        return [session.change(document_id, change) for document_id in ids]


def _tell(changed: list[Json], what: str, *, as_json: bool) -> None:
    if as_json:
        output.document({"documents": changed})
    else:
        output.line(f"{output.amount(len(changed), 'document')} {what}.")
