"""``citewise eval``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from citewise.cli import options, output
from citewise.cli.progress import progress
from citewise.cli.session import connect

Folder = Annotated[
    Path,
    typer.Argument(
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="A folder with qa.jsonl, or with corpus.jsonl, queries.jsonl and qrels.tsv.",
    ),
]


KIND_FIGURES = (
    "answerable",
    "unanswerable",
    "recall@5",
    "hit@5",
    "answer_contains",
    "false_refusals",
    "false_answers",
)
"""What is shown by kind; ``--json`` has all of it."""


def evaluate_folder(
    *,
    folder: Folder,
    k: Annotated[int, typer.Option("-k", min=1, max=300, metavar="N", help="Ranks to look at.")] = 10,
    collection: options.AnyCollection = None,
    model: options.Model = None,
    as_json: options.AsJson = False,
    server: options.Server = None,
) -> None:
    """Measure search and answers on a set of questions."""
    from citewise.evaluate.run import How, evaluate  # noqa: PLC0415

    with connect(server) as session, progress() as show:
        report = evaluate(session.subject(), folder, how=How(k=k, model=model), collection=collection, progress=show)
    if as_json:
        output.document(report)
    else:
        _tell(report)


def _tell(report: dict[str, Any]) -> None:
    output.line(
        f"{report['dataset']}: {output.amount(report['questions'], 'question')}, asked of {report['collection']}\n"
    )
    output.table(["figure", "value"], list(report["metrics"].items()), right=["value"])
    if report["by_kind"]:
        output.line()
        output.table(
            ["kind", *KIND_FIGURES],
            [[kind, *(figures.get(name) for name in KIND_FIGURES)] for kind, figures in report["by_kind"].items()],
            right=KIND_FIGURES,
        )
    if report["failures"]:
        output.line()
        output.table(
            ["id", "question", "what went wrong"],
            [[failure["id"], failure["question"], failure["why"]] for failure in report["failures"]],
        )
