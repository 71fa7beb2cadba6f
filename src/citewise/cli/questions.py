"""``citewise search`` and ``citewise ask``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from citewise.cli import options, output
from citewise.cli.asked import Asked, Json
from citewise.cli.session import connect
from citewise.errors import CitewiseError, QuestionError
from citewise.retrieve.rerankers import NAMES as RERANKERS
from citewise.types import Message, SearchMode

Text = Annotated[
    str | None,
    typer.Argument(
        metavar="QUESTION",
        show_default=False,
        help='"exact phrase" must stand in every passage found (before a question mark, in the first), -word in none.',
    ),
]
Queries = Annotated[
    Path | None,
    typer.Option(
        "--queries",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help='Many questions, one a line: {"_id", "text", "history"}; prints one line of JSON for each.',
    ),
]

QUOTE_CHARACTERS = 300  # of a chunk, shown to a person


def search(
    *,
    question: Text = None,
    k: options.HowMany = None,
    mode: Annotated[SearchMode, typer.Option("--mode", help="By words, by meaning, or both.")] = "hybrid",
    collection: options.CollectionName = "default",
    where: options.Where = None,
    rerank: Annotated[
        str | None,
        typer.Option(
            "--rerank",
            metavar="NAME",
            help=f"Who orders the chunks found once more: {RERANKERS}; else as the settings say.",
            show_default=False,
        ),
    ] = None,
    rewrite: options.Rewrite = True,
    variants: options.Variants = None,
    explain: options.Explain = False,
    queries: Queries = None,
    replay: Annotated[
        str | None,
        typer.Option("--replay", metavar="TURN_ID", help="Search again for what this answer was written from."),
    ] = None,
    as_json: options.AsJson = False,
    server: options.Server = None,
) -> None:
    """Find the chunks that fit a question."""
    asked = Asked(
        question or "",
        collection,
        k,
        options.filters(where),
        mode=mode,
        rerank=rerank or True,
        rewrite=rewrite,
        variants=variants,
        explain=explain,
    )
    _one_of(question, queries, replay)
    with connect(server) as session:
        if queries:
            _run_all(queries, asked, session.search)
            return
        found = session.replay(replay, explain=explain) if replay else session.search(asked)
    if as_json:
        output.document(found)
    else:
        _tell_hits(found, explain=explain)


def ask(
    *,
    question: Text = None,
    collection: options.CollectionName = "default",
    model: options.Model = None,
    k: options.HowMany = None,
    where: options.Where = None,
    rewrite: options.Rewrite = True,
    variants: options.Variants = None,
    conversation: Annotated[
        str | None,
        typer.Option("--conversation", metavar="ID", help="Go on with this conversation.", show_default=False),
    ] = None,
    instead_of: Annotated[
        str | None,
        typer.Option(
            "--instead-of", metavar="TURN", help="Ask in the place of this turn, which is kept.", show_default=False
        ),
    ] = None,
    explain: options.Explain = False,
    queries: Queries = None,
    as_json: options.AsJson = False,
    server: options.Server = None,
) -> None:
    """Answer a question from the documents, every sentence with its source."""
    asked = Asked(
        question or "",
        collection,
        k,
        options.filters(where),
        rewrite=rewrite,
        variants=variants,
        model=model,
        explain=explain,
        conversation_id=conversation,
        instead_of=instead_of,
    )
    _one_of(question, queries)
    with connect(server) as session:
        if queries:
            _run_all(queries, asked, lambda one: session.ask(one, on_text=lambda _text: None))
            return
        tell_answer(lambda on_text: session.ask(asked, on_text=on_text), as_json=as_json, explain=explain)


def tell_answer(answered: Callable[[Callable[[str], None]], Json], *, as_json: bool, explain: bool) -> None:
    """Write an answer as it grows, with its sources; as JSON when it is finished.

    Args:
        answered: Waits for the answer; calls what it is given with the text so far.
        as_json: Whether to write JSON.
        explain: Whether to tell how it was found.

    Raises:
        CitewiseError: It ended in an error.
    """
    if as_json:
        answer = answered(lambda _text: None)
        output.document(answer)
    else:
        writer = _Writer()
        answer = answered(writer.show)
        writer.end()
        _tell_sources(answer, explain=explain)
    if answer["status"] == "error":
        raise CitewiseError(answer["error"] or "The answer failed without a reason. Ask again.")


def _one_of(question: str | None, queries: Path | None, replay: str | None = None) -> None:
    if sum(given is not None for given in (question, queries, replay)) != 1:
        raise typer.BadParameter("Give a question, or --queries FILE.", param_hint="QUESTION")


def _run_all(path: Path, asked: Asked, run: Callable[[Asked], Json]) -> None:
    """Ask each line of a file and print its answer at once; go on after those that fail."""
    failed = total = 0
    for question_id, one in _read_queries(path, asked):
        total += 1
        try:
            answer = run(one)
        except QuestionError as error:
            answer = {"id": None, "question": one.text, "hits": [], "status": "error", "error": str(error)}
        failed += answer.get("status") == "error"
        output.document({**answer, "id": question_id})
    if failed:
        raise CitewiseError(f"{failed} of {total} questions ended in an error; their lines say why.")


def _read_queries(path: Path, asked: Asked) -> Iterator[tuple[Any, Asked]]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                query = json.loads(line)
                history = tuple(Message(said["role"], said["content"]) for said in query.get("history") or ())
                yield query["_id"], replace(asked, text=query["text"], history=history)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise QuestionError(
                    f'Line {number} of {path} is not a question: {{"_id": …, "text": …}}, and if need be "history" '
                    'with "role" and "content". Correct it.'
                ) from error


# --- for people -----------------------------------------------------------------------


class _Writer:
    """Writes a text that grows."""

    def __init__(self) -> None:
        self._written = ""

    def show(self, text: str) -> None:
        """Write what is new of ``text``; all of it once more if it is another text now."""
        text = output.plain(text)
        if not text.startswith(self._written):
            output.write("\n\n")
            self._written = ""
        output.write(text[len(self._written) :])
        self._written = text

    def end(self) -> None:
        """End the last line."""
        if self._written:
            output.line()


def _tell_hits(found: Json, *, explain: bool) -> None:
    if found["standalone_question"] != found["question"]:
        output.line(output.plain(f"Searched for: {found['standalone_question']}\n"))
    if not found["hits"]:
        output.line(output.plain(found["note"] or "Nothing was found."))
    for hit in found["hits"]:
        scores = ", ".join(f"{name} {score:.3f}" for name, score in hit["scores"].items()) if explain else ""
        output.line(output.plain(f"{hit['rank']}. {_place(hit)}  {scores}".rstrip()))
        output.line(f"   {_short(hit['text'])}\n")
    if explain:
        timings = ", ".join(f"{name} {value:.1f}" for name, value in found["timings_ms"].items())
        output.line(f"Milliseconds: {timings}. Index: {found['generation']}.")
        output.line(output.plain(f"Reranked by: {found['reranker'] or 'nobody'}."))
    for sentence in found["degraded"]:
        output.note(sentence)
    _tell_asked_before(found)
    if "replay" in found:
        output.note("The hits are the same as then." if found["replay"]["same"] else "The hits are not the same.")
        for sentence in found["replay"]["changed"]:
            output.note(output.plain(sentence))


def _tell_asked_before(found: Json) -> None:
    before = found["asked_before"]
    if before:
        day = datetime.fromtimestamp(before["asked_at"]).astimezone().date().isoformat()
        since = " ".join(before["changed"]) or "Its sources are as they were."
        output.note(output.plain(f"Asked before on {day}: “{before['question']}”, turn {before['turn_id']}. {since}"))


def _tell_sources(answer: Json, *, explain: bool) -> None:
    if answer["reason"]:
        output.line(output.plain(answer["reason"]))
    if answer["status"] in ("truncated", "cut", "cancelled"):
        output.line(f"(The answer is incomplete: {answer['status']}.)")
    doubtful = [one for one in answer["sentences"] if one["verdict"] in ("partial", "unsupported")]
    for sentence in doubtful:
        output.line(output.plain(f"! {sentence['verdict'].capitalize()}: {sentence['text']} ({sentence['reason']})"))
    if answer["citations"]:
        output.line("\nSources")
    for citation in answer["citations"]:
        output.line(output.plain(f"[{citation['marker']}] {_place(citation)}"))
        output.line(f"    “{_short(citation['quote'])}”")
    for conflict in answer["conflicts"]:
        _tell_conflict(conflict)
    for document in answer["incomplete_documents"]:
        output.note(output.plain(f"{document['source']} could not be read in full: {document['missing']}."))
    _tell_asked_before(answer)
    if explain:
        output.line(f"\nModel: {answer['model']}. Chunks read: {len(answer['hits'])}. Index: {answer['generation']}.")
        cost = f"Cost: ${answer['cost_usd']:.4f}. " if answer["cost_usd"] else ""
        output.line(f"{cost}{answer['cost_note']}")
    for sentence in (*answer["degraded"], *answer["remarks"]):
        output.note(sentence)


def _tell_conflict(conflict: Json) -> None:
    about = f": {conflict['about']}" if conflict["about"] else ""
    output.line(output.plain(f"\nTwo sources differ{about}"))
    for number, side in enumerate(conflict["sides"]):
        if side["erased"]:
            output.line("  a document that was erased since")
            continue
        marker = f"[{side['marker']}] " if side["marker"] else ""
        dated = f", dated {side['dated']} {side['dated_by']}" if side["dated"] else ""
        newer = ", the newer one" if conflict["newer"] == number else ""
        output.line(output.plain(f"  {marker}{_place(side)}{dated}{newer}"))
        output.line(f"    “{_short(side['quote'])}”")


def _place(found: Json) -> str:
    parts = dict.fromkeys((found["source"], found["locator"], " › ".join(found["headings"])))
    return ", ".join(part for part in parts if part)


def _short(text: str) -> str:
    one_line = " ".join(output.plain(text).split())
    return one_line if len(one_line) <= QUOTE_CHARACTERS else f"{one_line[:QUOTE_CHARACTERS].rstrip()}…"
