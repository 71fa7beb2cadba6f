"""``citewise add``."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from citewise.cli import options, output
from citewise.cli.asked import Json, is_finished
from citewise.cli.progress import Show, progress
from citewise.cli.session import Session, connect
from citewise.types import ARCHIVE, OnDuplicate, Upload

FILES_AT_ONCE = 16
RECORDS_AT_ONCE = 256
NAMES_AT_ONCE = 3  # of documents with the same remark, for a person
LOOK_S = 0.25  # how often progress is looked at

_Item = TypeVar("_Item")


def add(
    *,
    paths: Annotated[list[Path] | None, typer.Argument(metavar="PATH…", exists=True, help="Files and folders.")] = None,
    jsonl: Annotated[
        Path | None,
        typer.Option(
            "--jsonl",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help='Records instead, one a line: {"_id", "title", "text", "metadata"}.',
        ),
    ] = None,
    collection: options.CollectionName = "default",
    on_duplicate: Annotated[
        OnDuplicate,
        typer.Option(
            "--on-duplicate",
            help="What to do with the same content under another name; keep also keeps changed files beside the old.",
        ),
    ] = "skip",
    as_json: options.AsJson = False,
    server: options.Server = None,
) -> None:
    """Add documents, and wait until answers can come from them."""
    if bool(paths) == bool(jsonl):
        raise typer.BadParameter("Give files and folders, or --jsonl FILE.", param_hint="PATH…")
    started = time.perf_counter()
    with connect(server) as session, progress() as show:
        taker = _Taker(session, collection, on_duplicate)
        if jsonl:
            taker.take_records(jsonl, show)
        else:
            taker.take_files(paths or [], show)
        entries = taker.wait(show)
    totals = _totals(entries, time.perf_counter() - started)
    if as_json:
        output.document({"documents": entries, "totals": totals})
    else:
        _tell(entries, totals)
    if totals["failed"]:
        output.note(f"{output.amount(totals['failed'], 'document')} could not be added; the reasons are listed.")
        raise typer.Exit(1)


class _Taker:
    """Takes documents in and follows them until they are ready."""

    def __init__(self, session: Session, collection: str, on_duplicate: OnDuplicate) -> None:
        self._session = session
        self._collection = collection
        self._on_duplicate = on_duplicate
        self._entries: list[Json] = []
        self._waiting: list[tuple[int, Json, float]] = []  # position in entries, receipt, since when

    def take_files(self, paths: Sequence[Path], show: Show) -> None:
        """Take in files, and the files of folders."""
        from citewise.ingest.files import find_files  # noqa: PLC0415

        found = find_files(paths)
        for batch in _batches(found, FILES_AT_ONCE):
            with ExitStack() as opened:
                uploads = []
                for one in batch:
                    if one.reason:
                        self._entries.append(_entry(one.source, "skipped", one.reason))
                        continue
                    try:
                        stream = opened.enter_context(one.path.open("rb"))
                    except OSError as error:
                        reason = f"{one.path} cannot be opened: {error.strerror}. Check the file and add it again."
                        self._entries.append(_entry(one.source, "failed", reason))
                        continue
                    uploads.append(Upload(source=one.source, stream=stream))
                self._take(uploads)
            show("Taking in", len(self._entries), len(found))

    def take_records(self, path: Path, show: Show) -> None:
        """Take in records of plain text, batch by batch."""
        from citewise.cli.records import read_lines  # noqa: PLC0415

        for batch in _batches(read_lines(path), RECORDS_AT_ONCE):
            self._entries += [_entry(name, "failed", why) for name, why in (o for o in batch if isinstance(o, tuple))]
            self._take([one for one in batch if isinstance(one, Upload)])
            show("Taking in", len(self._entries), None)

    def _take(self, uploads: Sequence[Upload]) -> None:
        if not uploads:
            return
        receipts = self._session.add(uploads, collection=self._collection, on_duplicate=self._on_duplicate)
        for receipt in receipts:
            if receipt["document_id"]:
                self._waiting.append((len(self._entries), receipt, time.perf_counter()))
            self._entries.append(_entry(receipt["source"], receipt["status"], receipt["error"]))

    def wait(self, show: Show) -> list[Json]:
        """Wait for everything that was taken in, and what came out of archives; returns one entry per document."""
        for done, (position, receipt, since) in enumerate(self._waiting):
            document = self._session.settled(receipt, timeout_s=LOOK_S)
            while not is_finished(document):
                show(f"{document['status'].capitalize()} {receipt['source']}", done, len(self._waiting))
                document = self._session.settled(receipt, timeout_s=LOOK_S)
            self._entries[position] = _settled_entry(receipt, document, time.perf_counter() - since)
            if document.get("media_type") == ARCHIVE and receipt["status"] == "received":
                self._follow_members(receipt["source"])
            show("Indexing", done + 1, len(self._waiting))
        return self._entries

    def _follow_members(self, source: str) -> None:
        """Wait for the documents that came out of an archive as well."""
        for document in reversed(self._session.documents(collection=self._collection)):
            if document["source"].startswith(f"{source}/"):
                receipt = {key: document[key] for key in ("source", "document_id", "version")}
                receipt |= {"job_id": None, "status": "received", "error": None}
                self._waiting.append((len(self._entries), receipt, time.perf_counter()))
                self._entries.append(_entry(document["source"], "received", None))


def _entry(source: str, status: str, error: str | None) -> Json:
    return {
        "source": source,
        "document_id": None,
        "version": None,
        "status": status,
        "error": error,
        "chunks": 0,
        "pages": 0,
        "bytes": 0,
        "report": None,
        "timings_ms": {"total": 0.0},
    }


def _settled_entry(receipt: Json, document: Json, seconds: float) -> Json:
    """The entry of a document whose ingest is over."""
    if document["status"] != "ready":
        status, reason = "failed", document["error"] or "Its ingest was cancelled. Add it again."
    else:
        status, reason = ("skipped" if receipt["status"] == "skipped" else "ready"), receipt["error"]
    return {
        **_entry(receipt["source"], status, reason),
        "document_id": receipt["document_id"],
        "version": receipt["version"],
        "chunks": document["chunks"],
        "pages": document["pages"],
        "bytes": document["bytes"],
        "report": document["report"],
        "timings_ms": {"total": round(seconds * 1000, 1)},
    }


def _totals(entries: Sequence[Json], seconds: float) -> dict[str, Any]:
    ready = [entry for entry in entries if entry["status"] == "ready"]
    return {
        "documents": len(entries),
        "ready": len(ready),
        "skipped": sum(entry["status"] == "skipped" for entry in entries),
        "failed": sum(entry["status"] == "failed" for entry in entries),
        "chunks": sum(entry["chunks"] for entry in ready),
        "pages": sum(entry["pages"] for entry in ready),
        "bytes": sum(entry["bytes"] for entry in ready),
        "seconds": round(seconds, 3),
    }


def _tell(entries: Sequence[Json], totals: dict[str, Any]) -> None:
    alike: dict[tuple[str, str], list[str]] = {}
    for entry in entries:
        remark = entry["error"] or _remarks(entry["report"])
        if entry["status"] != "ready" or remark:
            alike.setdefault((entry["status"], remark), []).append(entry["source"])
    if alike:
        rows = [[status, _names(sources), remark] for (status, remark), sources in alike.items()]
        output.table(["", "document", "what to know"], rows)
        output.line()
    output.line(
        f"{output.amount(totals['ready'], 'document')} ready ({output.amount(totals['chunks'], 'chunk')}, "
        f"{output.size(totals['bytes'])}), {totals['skipped']} skipped, {totals['failed']} failed, "
        f"in {totals['seconds']:.1f} s."
    )


def _names(sources: Sequence[str]) -> str:
    more = len(sources) - NAMES_AT_ONCE
    return ", ".join(sources[:NAMES_AT_ONCE]) + (f" and {more} more" if more > 0 else "")


def _remarks(report: Json | None) -> str:
    return "; ".join([*report["warnings"], *report["left_out"]]) if report else ""


def _batches(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
