"""``citewise watch``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from citewise.cli import options, output
from citewise.cli.asked import Json
from citewise.cli.session import connect
from citewise.errors import NotFoundError


def watch(
    *,
    path: Annotated[
        Path | None, typer.Argument(metavar="[PATH]", help="A folder; without it the watched ones are listed.")
    ] = None,
    collection: options.CollectionName = "default",
    stop: Annotated[bool, typer.Option("--stop", help="Follow the folder no more.")] = False,
    remove_documents: Annotated[
        bool, typer.Option("--remove-documents", help="With --stop: remove the documents that came from it.")
    ] = False,
    as_json: options.AsJson = False,
    server: options.Server = None,
) -> None:
    """Let the files of a folder be documents: added, changed and removed as they are, while Citewise is served."""
    if stop and path is None:
        raise typer.BadParameter("Name the folder to stop watching.", param_hint="PATH")
    if remove_documents and not stop:
        raise typer.BadParameter("It goes with --stop.", param_hint="--remove-documents")
    with connect(server) as session:
        if path is None:
            _list(session.folders(), as_json=as_json)
            return
        whole = str(path.expanduser().absolute())
        if not stop:
            folder = session.watch(whole, collection=collection)
            _tell_watched(folder, as_json=as_json)
            return
        folder_id = _find(session.folders(), {whole, str(path.expanduser().resolve()), str(path)}, collection)
        removed = session.unwatch(folder_id, remove_documents=remove_documents)
    if as_json:
        output.document({"folder_id": folder_id, "removed_documents": removed})
    else:
        kept = f"{output.amount(removed, 'document')} removed" if remove_documents else "Its documents stay"
        output.line(f"Not watched any more. {kept}.")


def _find(folders: list[Json], paths: set[str], collection: str) -> str:
    for folder in folders:
        if folder["path"] in paths and folder["collection"] == collection:
            return str(folder["folder_id"])
    raise NotFoundError(
        "watched folder", min(paths, key=len), hint="`citewise watch` shows those there are, with their collections."
    )


def _tell_watched(folder: Json, *, as_json: bool) -> None:
    if as_json:
        output.document(folder)
    else:
        output.line(
            output.plain(
                f"{folder['path']} is watched: its files become documents of {folder['collection']}, and are followed "
                "while Citewise is served (`citewise serve`)."
            )
        )


def _list(folders: list[Json], *, as_json: bool) -> None:
    if as_json:
        output.document({"folders": folders})
        return
    if not folders:
        output.line("No folder is watched. Watch one with `citewise watch PATH`.")
        return
    output.table(
        ["folder", "collection", "documents", "last look", "problems"],
        [
            [
                one["path"],
                one["collection"],
                one["documents"],
                time.strftime("%Y-%m-%d %H:%M", time.localtime(one["looked_at"])) if one["looked_at"] else None,
                " ".join(
                    filter(None, [one["error"], *(f"{each['source']}: {each['error']}" for each in one["refused"])])
                ),
            ]
            for one in folders
        ],
        right=["documents"],
    )
