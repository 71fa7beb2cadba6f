"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

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
    typer.Option("--where", metavar="KEY=VALUE", help="Narrow by document, source, tag or type; may be repeated."),
]
HowMany = Annotated[int | None, typer.Option("-k", min=1, max=1000, metavar="N", help="Chunks to find.")]
Explain = Annotated[bool, typer.Option("--explain", help="Tell how it was found.")]


def pairs(given: list[str] | None, *, option: str = "--where") -> dict[str, str]:
    """Read repeated ``key=value`` options; a mistake ends the program with code 2."""
    read: dict[str, str] = {}
    for text in given or ():
        key, separator, value = text.partition("=")
        if not separator or not key.strip() or not value.strip():
            raise typer.BadParameter(f"{text!r} is not KEY=VALUE.", param_hint=option)
        read[key.strip()] = value.strip()
    return read
