"""``citewise eval``."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from citewise.cli import options, output
from citewise.cli.asked import Json
from citewise.cli.progress import Show, progress
from citewise.cli.session import connect, prepare
from citewise.errors import CitewiseError, IngestError, NotAllowedError

if TYPE_CHECKING:
    from citewise.evaluate.run import How

INTERRUPTED = 130

Folder = Annotated[
    Path | None,
    typer.Argument(
        metavar="DIR",
        exists=True,
        file_okay=False,
        show_default=False,
        help="A folder with qa.jsonl, or with corpus.jsonl, queries.jsonl and qrels.tsv.",
    ),
]
Variants = Annotated[
    list[str] | None,
    typer.Option(
        "--variant",
        metavar="NAME=VALUE,…",
        help="Compare ways to search: splitter, size, overlap, embedder, fusion, reranker, k, mode. Repeated "
        "options are combined: --variant size=120,200 --variant reranker=none,linear are four.",
    ),
]
FailUnder = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-under",
        metavar="FIGURE=VALUE",
        help="End with 1 if a figure is lower (false_answers, false_refusals, errors: higher); may be repeated.",
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

_LISTED = 50  # failures shown to a person


def evaluate_folder(
    *,
    folder: Folder = None,
    k: Annotated[int, typer.Option("-k", min=1, max=300, metavar="N", help="Ranks to look at.")] = 10,
    collection: options.AnyCollection = None,
    model: options.Model = None,
    search_only: Annotated[bool, typer.Option("--search-only", help="Measure the search, write no answers.")] = False,
    questions: Annotated[
        int | None, typer.Option("--questions", min=1, metavar="N", help="Ask so many, evenly over the set.")
    ] = None,
    variant: Variants = None,
    documents: Annotated[
        Path | None,
        typer.Option(
            "--documents",
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="Ask about the files of this folder instead of the library.",
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", dir_okay=False, help="Write a report with plots.")
    ] = None,
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option("--compare", metavar="RUN_A RUN_B", help="Compare two stored runs: FILE of --json, or FILE#NAME."),
    ] = None,
    fail_under: FailUnder = None,
    as_json: options.AsJson = False,
    server: options.Server = None,
) -> None:
    """Measure search and answers on a set of questions, in one way or in several."""
    limits = [_limit(given) for given in fail_under or ()]
    if (folder is None) == (compare is None):
        raise typer.BadParameter("Give a folder with questions, or --compare RUN_A RUN_B.", param_hint="DIR")
    if server and (variant or documents):
        raise typer.BadParameter(
            "Variants and --documents run in data directories of their own, not on a server.", param_hint="--server"
        )
    if folder is None:
        reports, interrupted = [_stored(name) for name in compare or ()], False
    else:
        from citewise.evaluate.run import How  # noqa: PLC0415

        how = How(k=k, answers=not search_only, model=model)
        with interruptible() as stopping, progress() as show:
            run = _Run(folder, how, collection, questions, show, stopping)
            reports = run.grid(variant or (), documents) if variant or documents else run.alone(server)
            interrupted = stopping()
    comparisons = _comparisons(reports)
    if as_json:
        output.document(_document(reports, comparisons, alone=not variant, stored=compare is not None))
    else:
        _tell(reports, comparisons)
    if html and (whole := _whole(reports)):
        from citewise.evaluate.report import render  # noqa: PLC0415

        html.write_text(render(whole, comparisons), encoding="utf-8")
    if interrupted:
        asked = sum(len(report["per_question"]) for report in _whole(reports))
        output.note(f"It was interrupted after {output.amount(asked, 'question')}; the figures are of these.")
        raise typer.Exit(INTERRUPTED)
    _check(reports, limits)


@dataclass(frozen=True, slots=True)
class _Run:
    """What was asked for."""

    folder: Path
    how: How
    collection: str | None
    questions: int | None
    show: Show
    stopping: Callable[[], bool]

    def alone(self, server: str | None) -> list[Json]:
        """Measure the data directory, or a server."""
        from citewise.evaluate.run import evaluate  # noqa: PLC0415

        with connect(server) as session:
            try:
                report = evaluate(
                    session.subject(),
                    self.folder,
                    how=self.how,
                    collection=self.collection,
                    most=self.questions,
                    progress=self.show,
                    stopping=self.stopping,
                )
            except NotAllowedError:
                if self.stopping():  # before anything could be asked
                    return []
                raise
        return [report]

    def grid(self, given: Sequence[str], documents: Path | None) -> list[Json]:
        """Measure variants, each in a data directory that is thrown away."""
        from citewise.build import embedder_opener, open_engine  # noqa: PLC0415
        from citewise.cli.variants import Bench, run_grid  # noqa: PLC0415
        from citewise.evaluate.datasets import load_dataset  # noqa: PLC0415
        from citewise.evaluate.variants import grid  # noqa: PLC0415

        settings = prepare()
        dataset = load_dataset(self.folder).sample(self.questions)
        return run_grid(
            Bench(settings, dataset, self.how, self.collection, documents),
            grid(given),
            open_engine=open_engine,
            open_embedder=embedder_opener(settings),
            progress=self.show,
            stopping=self.stopping,
        )


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Give a function that says whether Ctrl-C was pressed; pressed again, it ends the program at once."""
    asked = threading.Event()

    def heard(_signal: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        output.note("It ends after this question. Press Ctrl-C again to leave at once.")

    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = signal.signal(signal.SIGINT, heard)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)


# --- stored runs and limits -----------------------------------------------------------


def _stored(name: str) -> Json:
    """Read a run from a file of ``--json``; raises ``IngestError``."""
    file, _, wanted = name.partition("#")
    try:
        stored = json.loads(Path(file).read_text(encoding="utf-8"))
        runs = stored["runs"] if "runs" in stored else [{**stored, "name": stored.get("name") or Path(file).stem}]
        found = [run for run in runs if run["name"] == wanted] if wanted else runs
        named = ", ".join(run["name"] for run in runs)
        whole = all("per_question" in run or "error" in run for run in runs)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IngestError(f"{file} is no run: write one with `citewise eval DIR --json`.") from error
    if not whole:
        raise IngestError(f"{file} has no single questions to compare. Run `citewise eval DIR --json` again.")
    if len(found) != 1:
        raise IngestError(f"{file} holds {len(runs)} runs ({named}). Name one of them as {file}#NAME.")
    if "error" in found[0]:
        raise IngestError(f"The run {found[0]['name']} of {file} failed: {found[0]['error']}")
    run: Json = found[0]
    return run


def _limit(given: str) -> tuple[str, float]:
    name, _, value = given.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        raise typer.BadParameter(f"{given!r} is not FIGURE=VALUE.", param_hint="--fail-under") from None


def _check(reports: Sequence[Json], limits: Sequence[tuple[str, float]]) -> None:
    """Raises ``CitewiseError`` where a variant failed or a figure is not what it must be."""
    from citewise.evaluate.intervals import LESS_IS_BETTER, name_of  # noqa: PLC0415

    wrong = [f"{report['name']} failed: {report['error']}" for report in reports if "error" in report]
    for report in _whole(reports):
        label = f" ({name_of(report)})" if len(reports) > 1 else ""
        for name, limit in limits:
            value = report["metrics"].get(name)
            if value is None:
                known = ", ".join(report["metrics"])
                wrong.append(f"There is no figure {name}{label}; there are {known}.")
            elif (value > limit) if name in LESS_IS_BETTER else (value < limit):
                asked = "at most" if name in LESS_IS_BETTER else "at least"
                wrong.append(f"{name} is {value:g}{label}, but {asked} {limit:g} is asked for.")
    if wrong:
        raise CitewiseError(" ".join(wrong))


def _whole(reports: Sequence[Json]) -> list[Json]:
    return [report for report in reports if "error" not in report]


def _comparisons(reports: Sequence[Json]) -> list[Json]:
    """Each further run beside the first."""
    first, *others = _whole(reports) or [{}]
    if not others:
        return []
    from citewise.evaluate.intervals import compare_runs  # noqa: PLC0415

    return [compare_runs(first, other) for other in others]


def _document(reports: Sequence[Json], comparisons: Sequence[Json], *, alone: bool, stored: bool) -> Json:
    if stored:
        return comparisons[0]
    if alone and len(reports) == 1:
        return reports[0]
    return {"runs": list(reports), "comparisons": list(comparisons)}


# --- for people -----------------------------------------------------------------------


def _tell(reports: Sequence[Json], comparisons: Sequence[Json]) -> None:
    whole = _whole(reports)
    if not whole:
        return
    from citewise.evaluate.intervals import name_of, sentence  # noqa: PLC0415

    first = whole[0]
    output.line(
        f"{first['dataset']}: {output.amount(first['questions'], 'question')}, asked of {first['collection']}\n"
    )
    names = list(dict.fromkeys(name for report in whole for name in report["metrics"]))
    headings = [name_of(report) for report in whole] if len(whole) > 1 else ["value"]
    rows: list[list[object]] = [[name, *(report["metrics"].get(name) for report in whole)] for name in names]
    rows.append(["ms of a search", *(report["timings_ms"]["mean"] for report in whole)])
    output.table(["figure", *headings], rows, right=headings)
    for comparison in comparisons:
        output.line(f"\n{comparison['second']} beside {comparison['first']}")
        for name, compared in comparison["metrics"].items():
            output.line(f"  {sentence(name, compared)}")
    if len(whole) == 1:
        _tell_details(first)


def _tell_details(report: Json) -> None:
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
            [[failure["id"], failure["question"], failure["why"]] for failure in report["failures"][:_LISTED]],
        )
        if len(report["failures"]) > _LISTED:
            output.line(f"… and {len(report['failures']) - _LISTED:,} more; --json and --html have all of them.")
