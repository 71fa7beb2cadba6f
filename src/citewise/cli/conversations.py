"""``citewise conversations`` and ``citewise export``: conversations listed, taken away and brought back."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from citewise.answer.export.formats import ExportFormat
from citewise.cli import options, output
from citewise.cli.asked import Json
from citewise.cli.session import connect
from citewise.errors import CitewiseError, QuestionError

app = typer.Typer(help="List conversations, take them away as files, and bring them back.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, show_default=False)]


@app.command("list")
def list_conversations(*, as_json: options.AsJson = False, server: options.Server = None) -> None:
    """List the conversations, the newest first."""
    with connect(server) as session:
        found = session.conversations()
    if as_json:
        output.document({"conversations": found})
        return
    output.table(
        ["id", "title", "collection", "last question"],
        [[one["conversation_id"], one["title"], one["collection"], _day(one["updated_at"])] for one in found],
    )


@app.command("export")
def export(
    conversation: Annotated[str, typer.Argument(metavar="CONVERSATION", help="Its id.", show_default=False)],
    *,
    export_format: Annotated[
        ExportFormat, typer.Option("--format", "-f", help="Only JSON holds everything and can be imported.")
    ] = "md",
    to: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Instead of standard output.", dir_okay=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Say how many footnotes stand at their place.")] = False,
    server: options.Server = None,
) -> None:
    """Write a conversation with its footnotes, quotes and verdicts."""
    export_format = "json" if as_json else export_format
    with connect(server) as session:
        content = session.export(conversation, export_format)
        found = session.resolve(content) if check else None
    if to is not None:
        to.write_bytes(content)
    elif export_format == "docx" and sys.stdout.isatty():
        raise QuestionError("A Word file is nothing for a terminal. Name a file with --output.")
    else:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    if found:
        _tell_resolution(found)


@app.command("import")
def import_conversation(
    file: File,
    *,
    collection: Annotated[
        str | None,
        typer.Option("--collection", "-c", metavar="NAME", help="Ask its further questions of this set of documents."),
    ] = None,
    as_json: options.AsJson = False,
    server: options.Server = None,
) -> None:
    """Bring a conversation back from the JSON that `export` wrote."""
    with connect(server) as session:
        found = session.import_conversation(_content(file), collection=collection)
    if as_json:
        output.document(found)
        return
    output.line(output.plain(f"Imported “{found['title']}” as {found['conversation_id']}."))
    _tell_resolution(found)


@app.command("resolve")
def resolve(file: File, *, as_json: options.AsJson = False, server: options.Server = None) -> None:
    """Look up every footnote of an exported file, of any format, in this library; exit 1 if one is not found."""
    with connect(server) as session:
        found = session.resolve(_content(file))
    if as_json:
        output.document(found)
    else:
        _tell_resolution(found)
    if found["at_place"] < found["total"]:
        raise CitewiseError(f"{found['total'] - found['at_place']} of {found['total']} footnotes were not found.")


def _content(file: Path) -> bytes:
    from citewise.answer.export.carried import check_size  # noqa: PLC0415 - only these commands need it

    check_size(file.stat().st_size)
    return file.read_bytes()


def _tell_resolution(found: Json) -> None:
    for one in found["footnotes"]:
        if one["state"] != "found":
            output.note(f"{one['label'].capitalize()}, {one['source'] or 'erased'}: {one['sentence']}")
    output.note(found["sentence"])


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment).astimezone().strftime("%Y-%m-%d %H:%M")
