"""The program ``citewise``: its commands, and what becomes of errors."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from citewise import __version__
from citewise.cli import (
    add,
    backup,
    conversations,
    doctor,
    evaluation,
    folders,
    index,
    library,
    models,
    organise,
    output,
    questions,
    serve,
    turns,
    verify,
)
from citewise.cli.session import LOG_NAME
from citewise.errors import CitewiseError, DirectoryInUseError

FAILED = 1
IN_USE = 75  # EX_TEMPFAIL of sysexits.h
INTERRUPTED = 130

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help and errors: one look everywhere, and half the time
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("serve")(serve.serve)
app.command("add")(add.add)
app.command("list")(library.list_documents)
app.command("show")(library.show)
app.command("remove")(library.remove)
app.command("enable")(organise.enable)
app.command("disable")(organise.disable)
app.command("tag")(organise.tag)
app.command("move")(organise.move)
app.command("watch")(folders.watch)
app.command("collections")(library.collections)
app.command("search")(questions.search)
app.command("ask")(questions.ask)
app.command("suggest")(turns.suggest)
app.command("again")(turns.again)
app.command("versions")(turns.versions)
app.command("feedback")(turns.feedback)
app.command("verify")(verify.verify)
app.command("eval")(evaluation.evaluate_folder)
app.add_typer(index.app, name="index")
app.add_typer(models.app, name="models")
app.add_typer(conversations.app, name="conversations")
app.command("export")(conversations.export)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("doctor")(doctor.doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        output.line(f"citewise {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Ask questions of your own documents and check every sentence of the answer."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit: 0, 2 for wrong use, 75 for a directory in use, 1 otherwise.

    Args:
        arguments: Without the program's name; ``None`` takes those of the process.
    """
    output.prepare()
    try:
        app(args=None if arguments is None else list(arguments), prog_name="citewise")
    except DirectoryInUseError as error:
        _leave(IN_USE, str(error))
    except CitewiseError as error:
        _leave(FAILED, str(error))
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        _leave(FAILED, f"{what}{error.strerror or error}.", unexpected=error)
    except Exception as error:  # noqa: BLE001 - a person gets a sentence, the log the rest
        _leave(FAILED, _unforeseen(error), unexpected=error)


def _leave(code: int, sentence: str, *, unexpected: Exception | None = None) -> None:
    if unexpected and os.environ.get("CITEWISE_LOG_LEVEL", "").lower() == "debug":
        traceback.print_exception(unexpected, file=sys.stderr)
    output.note(sentence)
    raise SystemExit(code)


def _unforeseen(error: Exception) -> str:
    sentence = f"Something went wrong that Citewise did not foresee ({type(error).__name__})."
    try:
        return f"{sentence} The details are in {_write_log(error)}."
    except (OSError, CitewiseError):
        return f"{sentence} Run it again with CITEWISE_LOG_LEVEL=debug to see the details."


def _write_log(error: Exception) -> Path:
    from citewise.observe.redact import redact  # noqa: PLC0415
    from citewise.settings import load_settings  # noqa: PLC0415

    path = load_settings().home / LOG_NAME
    details = redact("".join(traceback.format_exception(error)))
    with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"citewise {' '.join(sys.argv[1:2])}\n{details}\n")
    return path
