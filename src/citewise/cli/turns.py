"""``citewise again``, ``versions``, ``feedback`` and ``suggest``."""

from __future__ import annotations

from typing import Annotated

import typer

from citewise.cli import options, output
from citewise.cli.asked import Json
from citewise.cli.questions import tell_answer
from citewise.cli.session import connect
from citewise.types import FeedbackReason

TurnId = Annotated[str, typer.Argument(metavar="TURN", help="`turn_id` of an answer.", show_default=False)]

_FIRST_WORDS = 100  # of an answer, shown to a person


def again(
    *,
    turn: TurnId,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="PROVIDER:NAME", help="Who answers this time.", show_default="the same"),
    ] = None,
    explain: options.Explain = False,
    as_json: options.AsJson = False,
    server: options.Server = None,
) -> None:
    """Answer the question of a turn once more; both answers are kept."""
    with connect(server) as session:
        tell_answer(
            lambda on_text: session.again(turn, model=model, explain=explain, on_text=on_text),
            as_json=as_json,
            explain=explain,
        )


def versions(
    *,
    turn: TurnId,
    show: Annotated[bool, typer.Option("--show", help="Let it be the one that its conversation shows.")] = False,
    as_json: options.AsJson = False,
    server: options.Server = None,
) -> None:
    """List the answers that stand at the place of a turn, and choose which one is shown."""
    with connect(server) as session:
        if show:
            session.show_branch(turn)
        found = session.versions(turn)
    if as_json:
        output.document({"versions": found})
        return
    for version in found:
        output.line(output.plain(f"{'*' if version['shown'] else ' '} {version['turn_id']}  {_said(version)}"))


def _said(version: Json) -> str:
    words = " ".join((version["answer"] or version["reason"] or "").split())
    cut = words if len(words) <= _FIRST_WORDS else f"{words[:_FIRST_WORDS].rstrip()}…"
    return f"{version['question']} ({version['model']}, {version['status']}) {cut}".rstrip()


def feedback(
    *,
    turn: TurnId,
    good: Annotated[bool | None, typer.Option("--good/--bad", help="What you think of it.", show_default=False)] = None,
    reason: Annotated[
        FeedbackReason | None, typer.Option("--reason", help="Why it is not good.", show_default=False)
    ] = None,
    note: Annotated[
        str, typer.Option("--note", metavar="TEXT", help="In your own words, 500 characters.", show_default=False)
    ] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Forget what was said of it.")] = False,
    as_json: options.AsJson = False,
    server: options.Server = None,
) -> None:
    """Say what you think of an answer; instead of what was said before."""
    if (good is None) != remove:
        raise typer.BadParameter("Give --good, --bad or --remove.", param_hint="--good")
    with connect(server) as session:
        kept = session.rate(turn, None if remove else {"good": good, "reason": reason, "note": note})
    if as_json:
        output.document(kept)
    else:
        output.line("Forgotten." if remove else "Kept.")


def suggest(
    *,
    collection: options.CollectionName = "default",
    as_json: options.AsJson = False,
    server: options.Server = None,
) -> None:
    """Suggest first questions, made of the documents and answered by them."""
    with connect(server) as session:
        found = session.suggestions(collection)
    if as_json:
        output.document(found)
        return
    for one in found["suggestions"]:
        output.line(output.plain(f"{one['question']}  ({one['source']})"))
    if not found["suggestions"]:
        output.note("No question could be made of these documents.")
