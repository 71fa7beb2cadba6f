"""``citewise index …``: how the index is, and work on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from citewise.cli import options, output
from citewise.cli.asked import Json, is_over
from citewise.cli.progress import Show, progress
from citewise.cli.session import Session, connect
from citewise.errors import CitewiseError, NotFoundError, QuestionError
from citewise.index import words
from citewise.types import IndexJobKind

LOOK_S = 0.2  # how often work is looked at
INTERRUPTED = 130
_FIGURES = (("recall_at_5", "recall@5"), ("recall_at_10", "recall@10"), ("mrr_at_10", "MRR@10"))
_TIMES = (("mean_ms", "mean, ms"), ("p95_ms", "p95, ms"))

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Look after the index: what it holds, whether it is whole, and which model it was made with.",
)


# --- how it is ------------------------------------------------------------------------


@app.command("status")
def status(*, as_json: options.AsJson = False, server: options.Server = None) -> None:
    """Tell how the index is.

    Also which generations there are, and what was done lately.
    """
    with connect(server) as session:
        index = session.index()
    if as_json:
        output.document(index)
    else:
        _tell_status(index)


def _tell_status(index: Json) -> None:
    output.line(output.plain(index["detail"]))
    serving = index["generation"]
    if serving:
        documents, chunks = output.amount(index["documents"], "document"), output.amount(index["chunks"], "chunk")
        output.line(
            f"Answers come from {documents} in {chunks}, made with {serving['model']}, {index['cuts']}. "
            f"On disk: {output.size(index['bytes'])}. Last verified: {_when(serving['verified_at']) or 'never'}."
        )
    if index["stale_chunks"]:
        output.line(_stale(index))
    if index["waiting_documents"]:
        output.line(f"{output.amount(index['waiting_documents'], 'document')} wait to be brought in line.")
    if index["generations"]:
        output.line()
        output.table(
            ["generation", "state", "model", "cut", "made", "verified"],
            [
                [
                    words.short(one["generation"]),
                    one["state"],
                    one["model"],
                    one["cut"],
                    _when(one["created_at"]),
                    _when(one["verified_at"]),
                ]
                for one in index["generations"]
            ],
        )
    if index["jobs"]:
        output.line()
        output.table(
            ["work", "state", "last change", "what came of it"],
            [[job["kind"], job["state"], _when(job["updated_at"]), _came_of(job)] for job in index["jobs"]],
        )


def _stale(index: Json) -> str:
    said = f"{index['stale_chunks']:,} of {index['chunks']:,} chunks were made with another model or another cut"
    wanted = index["cut"] if index["generation"]["model"] == index["model"] else index["model"]
    said += f" than the settings name ({wanted})"
    remedy = "reembed" if index["needs_full_rebuild"] or index["generation"]["model"] != index["model"] else "update"
    return f"{said}: run `citewise index {remedy}`."


def _came_of(job: Json) -> str:
    return str(job["sentence"] if is_over(job) else job["step"])


def _when(moment: float | None) -> str | None:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment)) if moment else None


# --- work on it -----------------------------------------------------------------------


@app.command("verify")
def verify(*, as_json: options.AsJson = False, server: options.Server = None) -> None:
    """Look for every chunk in the index.

    A damaged index is built anew from the stored vectors.
    """
    with connect(server) as session:
        _until(session, lambda index: index["state"] == "ok")  # a check or a repair that goes on comes first
        job = _work(session, "verify", as_json=as_json)
        _tell(job, as_json=as_json)
        if job["result"]["problems"]:
            _until(session, lambda index: _is_mended(index, job))
            if not as_json:
                output.line("It is whole again.")


def _is_mended(index: Json, job: Json) -> bool:
    """Whether the index that a job found damaged was built anew, or proved to be whole after all."""
    serving = index["generation"]
    anew = serving["generation"] != job["result"]["generation"] or (serving["verified_at"] or 0) > job["updated_at"]
    return bool(index["state"] == "ok" and anew)


@app.command("rebuild")
def rebuild(*, as_json: options.AsJson = False, server: options.Server = None) -> None:
    """Write the stored vectors to new index files.

    These are verified, and then answers come from them.
    """
    with connect(server) as session:
        _tell(_work(session, "rebuild", as_json=as_json), as_json=as_json)


@app.command("update")
def update(*, as_json: options.AsJson = False, server: options.Server = None) -> None:
    """Cut stale documents anew, as the settings say."""
    with connect(server) as session:
        _tell(_work(session, "update", as_json=as_json), as_json=as_json)


@app.command("reembed")
def reembed(
    *,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="PROVIDER:NAME", help="Instead of the embedding model of the settings."),
    ] = None,
    switch: Annotated[bool, typer.Option("--switch", help="Let answers come from it as soon as it is built.")] = False,
    questions: Annotated[
        Path | None,
        typer.Option("--questions", metavar="DIR", help="Compare by a question set too, as `citewise eval` takes it."),
    ] = None,
    collection: Annotated[
        str | None, typer.Option("--collection", "-c", metavar="NAME", help="The set that --questions are asked of.")
    ] = None,
    as_json: options.AsJson = False,
    server: options.Server = None,
) -> None:
    """Cut and embed everything anew, and compare.

    It is built beside what serves, and both are asked the same questions.
    """
    wanted = {"model": model, "switch": switch or None, "questions": questions and str(questions.absolute())}
    with connect(server) as session:
        job = _work(session, "reembed", {**wanted, "collection": collection}, as_json=as_json)
        if as_json:
            return
        setting = session.index()["model"]
        output.line(f"{output.amount(job['result']['chunks'], 'chunk')} cut and embedded anew.")
        if "comparison" in job["result"]:
            _tell_comparison(job["result"]["comparison"], session)
    if model and model != setting:
        output.line(f"Set CITEWISE_EMBED__MODEL={model} to keep it: the settings name {setting}.")
    if switch:
        output.line("Answers come from it now; `citewise index rollback` goes back.")
    else:
        output.line("It waits beside the old one. Let answers come from it with `citewise index switch`.")


@app.command("switch")
def switch(
    *,
    generation: Annotated[
        str | None, typer.Argument(metavar="[GENERATION]", help="Its id, or the start of it; else the newest.")
    ] = None,
    as_json: options.AsJson = False,
    server: options.Server = None,
) -> None:
    """Let answers come from a generation that waits."""
    with connect(server) as session:
        wanted = _generation(generation, session.index()) if generation else None
        _tell(_work(session, "switch", {"generation": wanted}, as_json=as_json), as_json=as_json)


@app.command("rollback")
def rollback(*, as_json: options.AsJson = False, server: options.Server = None) -> None:
    """Let answers come from the former generation again."""
    with connect(server) as session:
        _tell(_work(session, "rollback", as_json=as_json), as_json=as_json)


@app.command("compact")
def compact(
    *,
    quotes: Annotated[
        bool, typer.Option("--quotes", help="Blank what old answers quote of removed documents too.")
    ] = False,
    as_json: options.AsJson = False,
    server: options.Server = None,
) -> None:
    """Erase removed documents for good.

    They are erased from every file, and what they held is looked for in all of them.
    """
    with connect(server) as session:
        _tell(_work(session, "compact", {"quotes": quotes or None}, as_json=as_json), as_json=as_json)


def _generation(wanted: str, index: Json) -> str:
    """The id of the generation whose id begins so."""
    ids = [str(one["generation"]) for one in index["generations"] if one["generation"].startswith(wanted)]
    if len(ids) > 1:
        raise QuestionError(f"{len(ids)} generations begin with {wanted!r}. Give more of the id.")
    if not ids:
        raise NotFoundError("index generation", wanted, hint="`citewise index status` lists those there are.")
    return ids[0]


def _work(session: Session, kind: IndexJobKind, given: Mapping[str, Any] | None = None, *, as_json: bool) -> Json:
    """Have work done and wait for its end; returns the job, done.

    Raises:
        CitewiseError: It failed, or somebody cancelled it.
    """
    interrupted = False
    with progress() as show:
        job = session.index_job(kind, {name: value for name, value in (given or {}).items() if value is not None})
        try:
            job = _followed(session, job, show)
        except KeyboardInterrupt:
            interrupted = True
            session.cancel_index_job(job["job_id"])
            output.note("It ends at its next step. Press Ctrl-C again to leave at once.")
            job = _followed(session, job, show)
    if as_json:
        output.document(job)
    if job["state"] == "done":
        return job
    if interrupted and job["state"] == "cancelled":
        output.note(job["sentence"])
        raise typer.Exit(INTERRUPTED)
    raise CitewiseError(job["sentence"])


def _followed(session: Session, job: Json, show: Show) -> Json:
    while not is_over(job):
        doing = job["sentence"].rstrip(".")
        show(f"{doing}: {job['stage']}" if job["stage"] else doing, job["done"], job["total"] or None)
        job = session.index_job_now(job["job_id"], wait_s=LOOK_S)
    return job


def _until(session: Session, is_good: Callable[[Json], bool]) -> None:
    """Wait while the index is checked and repaired, which it is by itself.

    Raises:
        CitewiseError: The repair failed; it is tried again after a while.
    """
    with progress() as show:
        index = session.index()
        failed_before = _failed(index)
        while not is_good(index):
            if index["state"] == "degraded" and (failed := _failed(index) - failed_before):
                raise CitewiseError(failed.pop()[1])
            job = next((one for one in reversed(index["jobs"]) if not is_over(one)), None)
            if job:
                show(job["step"], job["done"], job["total"] or None)
            else:
                show(index["detail"], 0, None)
            time.sleep(LOOK_S)
            index = session.index()


def _failed(index: Json) -> set[tuple[str, str]]:
    """Failed work: its id and its sentence."""
    return {(job["job_id"], job["sentence"]) for job in index["jobs"] if job["state"] == "failed"}


# --- what came of it ------------------------------------------------------------------


def _tell(job: Json, *, as_json: bool) -> None:
    if not as_json:
        output.line(output.plain(job["sentence"]))


def _tell_comparison(comparison: Json, session: Session) -> None:
    """The figures of both generations side by side, and the questions that got worse."""
    old, new = comparison["serving"], comparison["candidate"]
    rows: list[list[str | None]] = [["chunks", f"{old['chunks']:,}", f"{new['chunks']:,}"]]
    rows += [[label, _figure(old[name]), _figure(new[name])] for name, label in _FIGURES]
    rows += [[label, _time(old[name]), _time(new[name])] for name, label in _TIMES]
    output.line()
    output.table(["figure", "serving", "new"], rows, right=["serving", "new"])
    output.line(f"\n{comparison['sentence']}")
    if asked := sum(comparison["questions"].values()):
        better, worse = comparison["better"], comparison["worse"]
        output.line(f"Of {output.amount(asked, 'question')} {better:,} got better and {worse:,} worse.")
    if comparison["got_worse"]:
        names = {one["document_id"]: one["source"] for one in session.documents(collection=None)}
        output.line()
        output.table(
            ["got worse", "rank before", "rank now"],
            [[_question(one, names), _rank(one["before"]), _rank(one["after"])] for one in comparison["got_worse"]],
            right=["rank before", "rank now"],
        )
        output.line()


def _question(worse: Json, names: Mapping[str, str]) -> str:
    place = worse["place"]
    if worse["question"] or not place:
        return str(worse["question"])
    name = names.get(place["document_id"], "a removed document")
    return f"a sentence of {name}, characters {place['start']} to {place['end']}"


def _rank(rank: int | None) -> str:
    return "not found" if rank is None else str(rank)


def _figure(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f}"


def _time(value: float | None) -> str | None:
    return None if value is None else f"{value:.1f}"
