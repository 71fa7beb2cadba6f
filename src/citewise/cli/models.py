"""``citewise models``: the models on this machine, fetching more, and trying a chat model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from citewise.cli import options, output
from citewise.cli.session import connect, prepare
from citewise.errors import CitewiseError

if TYPE_CHECKING:
    from pathlib import Path

    from citewise.settings import Settings

app = typer.Typer(help="See which models are on this machine, fetch more, and try chat models.", no_args_is_help=True)


@app.command("list")
def list_models(*, as_json: options.AsJson = False) -> None:
    """List the bundled model, those in the hub's cache and the chat models; say which are used, and how they run."""
    from citewise.build import offered_models  # noqa: PLC0415 - only this command needs it

    settings = prepare()
    models = list(_models(settings))
    chat = offered_models(settings)
    if as_json:
        listed = [
            {"name": one.name, "label": one.label, "used": one is chat[0], "available": one.available, "note": one.note}
            for one in chat
        ]
        output.document({"models": models, "chat_models": listed, "converted": _converted(settings.home / "models")})
        return
    output.table(
        ["", "model", "for", "from", "size", "runs as"],
        [
            [
                "used" if one["used"] else "",
                one["name"],
                one["kind"],
                one["source"],
                output.size(one["bytes"]) if one["bytes"] is not None else None,
                one["route"] or one["error"],
            ]
            for one in models
        ],
        right=["size"],
    )
    output.line()
    output.table(
        ["", "chat model", "what it is", "to use it"],
        [["used" if one is chat[0] else "", one.name, one.label, one.note or None] for one in chat],
    )
    for file in _converted(settings.home / "models"):
        output.line(f"Converted: {file['file']} ({output.size(file['bytes'])})")


@app.command("pull")
def pull_model(
    name: Annotated[str, typer.Argument(metavar="NAME", help="OWNER/NAME on the Hugging Face hub.")],
    *,
    as_json: options.AsJson = False,
) -> None:
    """Fetch a model from the Hugging Face hub. Nothing else in Citewise downloads one."""
    from citewise.embed.hub import pull  # noqa: PLC0415 - only this command needs it

    prepare()
    model = pull(name.removeprefix("local:").removeprefix("cross-encoder:"))
    if as_json:
        output.document({"name": model.name, "kind": model.kind, "path": str(model.folder), "bytes": model.bytes})
        return
    setting = "EMBED__MODEL=local:" if model.kind == "embedding" else "SEARCH__RERANKER=cross-encoder:"
    output.line(f"{model.name} is in {model.folder}. Use it with CITEWISE_{setting}{model.name}.")


@app.command("test")
def test_model(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="PROVIDER:NAME of a chat model; without it the default.")
    ] = None,
    *,
    as_json: options.AsJson = False,
    server: options.Server = None,
) -> None:
    """Ask a chat model for one word, to see whether it can be reached and answers."""
    with connect(server) as session:
        check = session.check_model(name)
    if as_json:
        output.document(check)
    elif check["ok"]:
        output.line(f"{check['name']}: {check['detail']}")
    if not check["ok"]:
        raise CitewiseError(f"{check['name']}: {check['detail']}")


def _models(settings: Settings) -> Iterator[dict[str, Any]]:
    """The bundled model, the ones in the cache, and what the settings name, if it is another."""
    from citewise.embed.files import DEFAULT_MODEL, find_folder  # noqa: PLC0415
    from citewise.embed.hub import cached_models  # noqa: PLC0415

    used, reranker = settings.embed.model, settings.search.reranker
    told = set()
    named = [(f"local:{DEFAULT_MODEL}", "embedding", "bundled", find_folder(DEFAULT_MODEL)[0])]
    named += [
        (f"local:{one.name}" if one.kind == "embedding" else f"cross-encoder:{one.name}", one.kind, "hub", one.folder)
        for one in cached_models()
    ]
    for name, kind, source, folder in named:
        told.add(name)
        yield _model(name, kind, source, folder, used=name in (used, reranker))
    if used not in told:
        yield _model(used, "embedding", "folder" if used.startswith("local:") else "remote", None, used=True)
    if reranker and ":" in reranker and reranker not in told:
        yield _model(reranker, "reranking", "folder" if "cross" in reranker else "remote", None, used=True)


def _model(name: str, kind: str, source: str, folder: Path | None, *, used: bool) -> dict[str, Any]:
    route = error = None
    if name.startswith("local:"):
        from citewise.embed.files import read_model  # noqa: PLC0415
        from citewise.embed.routes import choose_route, this_machine  # noqa: PLC0415

        try:
            files = read_model(name.removeprefix("local:"))
            folder = files.folder
            route = str(choose_route(files, this_machine()))
        except CitewiseError as problem:
            error = str(problem)
    size = sum(file.stat().st_size for file in folder.glob("**/*") if file.is_file()) if folder else None
    return {
        "name": name,
        "kind": kind,
        "source": source,
        "used": used,
        "route": route,
        "path": str(folder) if folder else None,
        "bytes": size,
        "error": error,
    }


def _converted(models: Path) -> list[dict[str, Any]]:
    return [{"file": path.name, "bytes": path.stat().st_size} for path in sorted(models.glob("*.onnx"))]
