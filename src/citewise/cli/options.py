"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from citewise import types

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text for people.")]
Server = Annotated[
    str | None,
    typer.Option("--server", metavar="URL", help="Run the command on a Citewise that is served there."),
]
CollectionName = Annotated[str, typer.Option("--collection", "-c", metavar="NAME", help="The set of documents to use.")]
AnyCollection = Annotated[
    str | None, typer.Option("--collection", "-c", metavar="NAME", help="Only this set of documents.")
]
Model = Annotated[
    str | None, typer.Option("--model", metavar="PROVIDER:NAME", help="Who writes the answer, for example extractive.")
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="KEY=VALUE",
        help="Narrow by document, source, tag, type, or the day it was added (added>=2026-03-31). Repeated keys: one "
        "of their values; different keys: all.",
    ),
]
Rewrite = Annotated[
    bool, typer.Option("--rewrite/--no-rewrite", help="Make a follow-up stand alone before it is searched for.")
]
Variants = Annotated[
    types.Variants | None,
    typer.Option("--variants", help="Search for other wordings, or a passage that could answer, too (a chat model)."),
]
HowMany = Annotated[int | None, typer.Option("-k", min=1, max=1000, metavar="N", help="Chunks to find.")]
Explain = Annotated[bool, typer.Option("--explain", help="Tell how it was found.")]


def filters(given: list[str] | None) -> types.Where:
    """Read ``--where``: ``key=value``, and days as ``added>=…`` and ``added<=…``; a mistake ends the program with 2."""
    read: dict[str, tuple[str, ...]] = {}
    for text in given or ():
        key, separator, value = text.partition("=")
        name, sign = key.rstrip("<> "), f"{key[-1:]}=" if key[-1:] in ("<", ">") else ""
        if not separator or not name.strip() or not value.strip():
            raise typer.BadParameter(f"{text!r} is not KEY=VALUE.", param_hint="--where")
        read[name.strip()] = (*read.get(name.strip(), ()), f"{sign}{value.strip()}")
    return {key: values[0] if len(values) == 1 else values for key, values in read.items()}
