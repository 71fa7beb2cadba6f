"""The oracle: whether a data directory is as its ledger says it must be.

It is consulted by a fresh process, which opens the directory as a user would. What it
finds wrong it says in sentences.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import select

from citewise.engine import Engine
from citewise.errors import CitewiseError
from citewise.index.generations import Indexes
from citewise.registry import generations, held
from citewise.registry.tables import documents as document_table
from citewise.registry.tables import versions as version_table
from citewise.types import Query
from tests.faults import ledger
from tests.faults.engines import blobs_of, leased, opened, registry_of, until, wait_for_rest
from tests.faults.ledger import Account, Known, Ledger, State
from tests.faults.lives import Place

AMONG = 5
TIE = 1e-5  # of cosine
ANSWERS_WITHIN_S = 30
WHOLE_WITHIN_S = 150
SEARCHED = 20  # chunks of each thousand
ASKED = 12  # documents that are looked for by a question; their chunks are looked for all


@dataclass
class Verdict:
    """What the oracle saw."""

    violations: list[str] = field(default_factory=list)
    documents: int = 0  # ready ones
    chunks: int = 0
    answered_s: float = 0.0  # from the start of opening to the first answer
    whole_s: float = 0.0  # to the moment when nothing was left to do
    degraded: bool = False  # whether the first answer came from a fallback


def examine(place: Place, may_fail: bool = False) -> Verdict:
    """Open the directory, let it come to rest, compare it with the ledger, and settle what was open.

    Args:
        place: The data directory and its ledger.
        may_fail: Whether documents may have failed for a reason, as after a disk error.
    """
    book = Ledger(place.ledger)
    account = book.account
    verdict = Verdict(violations=list(account.complaints))
    started = time.monotonic()
    engine = opened(place.home)
    try:
        _wait(engine, verdict, started, may_fail=may_fail)
        _check_registry(engine, account, verdict, may_fail=may_fail)
        _check_contents(engine, place, account, verdict)
        _check_indexes(engine, verdict)
        _check_questions(engine, account, verdict)
        _settle(engine, book)
    except CitewiseError as error:
        verdict.violations.append(f"It could not even be looked at: {error}")
    finally:
        engine.close()
    return verdict


def _wait(engine: Engine, verdict: Verdict, started: float, *, may_fail: bool) -> None:
    """The first answer within 30 seconds, and all work at its end within 150."""

    def answers() -> bool:
        try:
            verdict.degraded = bool(engine.search(Query("the number that was seen")).degraded)
        except CitewiseError as error:
            return "no collection" in str(error)  # nothing was ever added
        return True

    if not until(answers, seconds=ANSWERS_WITHIN_S):
        verdict.violations.append(f"No question was answered within {ANSWERS_WITHIN_S} s of the start.")
    verdict.answered_s = time.monotonic() - started
    if going_on := wait_for_rest(engine, seconds=WHOLE_WITHIN_S):
        verdict.violations.append(f"After {WHOLE_WITHIN_S} s, {going_on}.")
    for job in engine.index_status().jobs:
        if job.state == "failed" and not may_fail:
            verdict.violations.append(f"The index job {job.kind} failed: {job.error}")
    verdict.whole_s = time.monotonic() - started


# --- the registry against the ledger --------------------------------------------------


@dataclass(frozen=True)
class _Row:
    source: str
    removed: bool
    newest: int
    serving: int | None
    versions: dict[int, tuple[str, str]]  # → content hash, status


def _rows(engine: Engine) -> dict[str, _Row]:
    with registry_of(engine).read() as rx:
        versions: dict[str, dict[int, tuple[str, str]]] = {}
        for document_id, version, content_hash, status in rx.execute(
            select(
                version_table.c.document_id,
                version_table.c.version,
                version_table.c.content_hash,
                version_table.c.status,
            )
        ):
            versions.setdefault(document_id, {})[version] = (content_hash, status)
        table = document_table.c
        rows = rx.execute(
            select(table.id, table.source, table.deleted_at, table.newest_version, table.serving_version)
        ).all()
    return {row[0]: _Row(row[1], row[2] is not None, row[3], row[4], versions.get(row[0], {})) for row in rows}


def _check_registry(engine: Engine, account: Account, verdict: Verdict, *, may_fail: bool) -> None:
    rows = _rows(engine)
    for document_id, known in account.documents.items():
        verdict.violations.extend(_against(document_id, known, rows.get(document_id), account))
    for document_id, row in rows.items():
        verdict.violations.extend(_without_bytes(engine, row))
        known = account.documents.get(document_id, Known(row.source))
        for version, (content_hash, status) in row.versions.items():
            if version not in known.versions and not _intended(account, row.source, content_hash):
                verdict.violations.append(f"{row.source} has a version {version} that nobody asked for.")
            if version == row.newest and not row.removed and status != "ready" and not may_fail:
                verdict.violations.append(f"{row.source} version {version} ended as {status}.")
            if status == "ready" and version == row.newest and row.serving != version:
                verdict.violations.append(f"{row.source} is ready in version {version} but answers from {row.serving}.")
    verdict.documents = sum(not row.removed and row.serving is not None for row in rows.values())


def _without_bytes(engine: Engine, row: _Row) -> Iterator[str]:
    """Versions whose uploaded bytes are not there as they came."""
    for version, (content_hash, _) in row.versions.items():
        path = blobs_of(engine).path(content_hash)
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != content_hash:
            yield f"The stored bytes of {row.source} version {version} are not those that were uploaded."


def _against(document_id: str, known: Known, row: _Row | None, account: Account) -> Iterator[str]:
    """What is wrong with one document that was acknowledged."""
    allowed = {known.state} | {
        ledger.AFTER[intent["intent"]]
        for intent in account.open.values()
        if intent.get("document_id") == document_id and intent["intent"] in ledger.AFTER
    }
    if (account.compacting and "removed" in allowed) or document_id in account.perhaps_purged:
        allowed.add("purged")
    now = _state(row)
    if now not in allowed:
        yield f"{known.source} ({document_id}) is {now}; it was acknowledged as {' or '.join(sorted(allowed))}."
    if row is None:
        return
    for version, content_hash in known.versions.items():
        if row.versions.get(version, ("", ""))[0] != content_hash:
            yield f"{known.source} version {version} was acknowledged and is lost, or holds other bytes."


def _state(row: _Row | None) -> State:
    if row is None:
        return "purged"
    return "removed" if row.removed else "present"


def _intended(account: Account, source: str, content_hash: str) -> bool:
    return any(
        intent["intent"] == "add" and intent["source"] == source and intent["content_hash"] == content_hash
        for intent in account.open.values()
    )


# --- texts and bytes ------------------------------------------------------------------


def _check_contents(engine: Engine, place: Place, account: Account, verdict: Verdict) -> None:
    """Text and chunks of every served version are whole, and the same as when they were first seen."""
    seen_file = place.root / "seen.json"
    seen = json.loads(seen_file.read_text()) if seen_file.exists() else {}
    for document in engine.documents():
        if document.serving_version is None:
            continue
        shown = engine.show(document.id)
        name = f"{document.source} version {document.serving_version}"
        original = engine.original(document.id, version=document.serving_version).path.read_bytes()
        if shown.text.encode() != original:
            verdict.violations.append(f"The text of {name} is not what its bytes say.")
        if any(shown.text[chunk.start : chunk.end] != chunk.text for chunk in shown.chunks):
            verdict.violations.append(f"A chunk of {name} is not the slice of its text.")
        covered = set()
        for chunk in shown.chunks:
            covered.update(range(chunk.start, chunk.end))
        if any(not shown.text[at].isspace() for at in set(range(len(shown.text))) - covered):
            verdict.violations.append(f"{name} is half visible: its chunks do not cover its text.")
        cut = hashlib.sha256(
            repr([(chunk.start, chunk.end, chunk.text) for chunk in shown.chunks]).encode()
        ).hexdigest()
        key = f"{document.id} {document.serving_version} {len(shown.chunks)}"
        if seen.setdefault(key, cut) != cut:
            verdict.violations.append(f"The chunks of {name} are not those that were seen before.")
    seen_file.write_text(json.dumps(seen))


# --- indexes --------------------------------------------------------------------------


def _check_indexes(engine: Engine, verdict: Verdict) -> None:
    """The serving generation is verified and holds every chunk that is served, in both indexes."""
    registry = registry_of(engine)
    with registry.read() as rx:
        active = generations.active(rx)
        if active is None:
            if verdict.documents:
                verdict.violations.append("There are documents but no generation that answers come from.")
            return
        holds, ought = held.entries(rx, active.id), held.wanted(rx)
    if active.state != "active" or active.verified_at is None:
        verdict.violations.append(f"Answers come from generation {active.id}, {active.state} and not verified.")
    for document_id, entry in ought.items():
        now = holds.get(document_id)
        if now is None or (now.version, now.collection_id) != (entry.version, entry.collection_id):
            verdict.violations.append(f"The generation does not hold document {document_id} as it is served.")
    with leased(engine) as indexes:
        if indexes.generation != active.id:
            verdict.violations.append(f"Answers come from {indexes.generation}, the registry names {active.id}.")
        if indexes.degraded:
            verdict.violations.append(f"Answers still come from a fallback: {indexes.degraded}")
        for batch in held.vector_batches(registry, active.id, active.embedder):
            # What was removed leaves the indexes at the next look; until then no answer uses it.
            served = [row for row in batch if row.document_id in ought]
            verdict.chunks += len(served)
            if served:
                verdict.violations.extend(_unfindable(indexes, served, active.dimension))


def _unfindable(indexes: Indexes, batch: list[held.Stored], dimension: int) -> Iterator[str]:
    """Chunks of one batch that an index lacks, or that are not found by their own vector: all are looked for."""
    ids = [chunk_id for chunk_id, *_ in batch]
    for name, index in (("vector", indexes.vectors), ("keyword", indexes.keywords)):
        if absent := set(ids) - index.present(ids):
            yield f"The {name} index lacks {len(absent)} of {len(ids)} chunks that are served."
    stored = {
        chunk_id: np.frombuffer(vector or b"", dtype="<f4").astype(np.float32) for chunk_id, _, _, vector in batch
    }
    if wrong := [chunk_id for chunk_id, vector in stored.items() if len(vector) != dimension]:
        yield f"{len(wrong)} chunks are served and have no stored vector of the right length, {wrong[0]} among them."
        return
    nearest = indexes.vectors.nearest(np.stack(list(stored.values())), k=AMONG)
    for chunk_id, found in zip(ids, nearest, strict=True):
        if chunk_id not in dict(found) and not (len(found) == AMONG and found[-1][1] >= 1 - TIE):
            yield f"Chunk {chunk_id} is not among the {AMONG} nearest of its own vector."
    for chunk_id, _, collection_id, _ in batch[:SEARCHED]:  # as a question does it, which is far slower
        found = indexes.vectors.search(stored[chunk_id], k=AMONG, collection_id=collection_id)
        if chunk_id not in dict(found) and not (len(found) == AMONG and found[-1][1] >= 1 - TIE):
            yield f"Chunk {chunk_id} is not found by its own vector within its collection."


# --- questions ------------------------------------------------------------------------


def _check_questions(engine: Engine, account: Account, verdict: Verdict) -> None:
    """Documents are found by their words, those that went are in no answer, and a question is answered."""
    gone = {key for key, known in account.documents.items() if known.state != "present"}
    gone -= {str(intent.get("document_id")) for intent in account.open.values()}
    served = [document for document in engine.documents() if document.serving_version is not None]
    for document in served[:ASKED]:
        word = engine.show(document.id).text.split()[1]
        hits = engine.search(Query(f"the {word} number", collection=document.collection, k=5)).hits
        if not hits or hits[0].chunk.document_id != document.id:
            verdict.violations.append(f"{document.source} is not the first answer to its own word {word}.")
        if any(hit.chunk.document_id == document.id and hit.chunk.version != document.serving_version for hit in hits):
            verdict.violations.append(f"An answer came from an old version of {document.source}.")
        if resurrected := gone & {hit.chunk.document_id for hit in hits}:
            verdict.violations.append(f"Deleted documents are in an answer: {', '.join(sorted(resurrected))}.")
    if served:
        word = engine.show(served[0].id).text.split()[1]
        turn = engine.ask(f"What is the {word} number 0 about?", model="extractive")
        *_, last = engine.watch(turn.id)
        if last.answer.status != "complete" or not last.answer.citations:
            verdict.violations.append(f"A question about {served[0].source} ended as {last.answer.status}.")


# --- afterwards -----------------------------------------------------------------------


def _settle(engine: Engine, book: Ledger) -> None:
    """Note what became of the deeds whose outcome was open: from now on it is known."""
    rows = _rows(engine)
    for number, intent in list(book.account.open.items()):
        if intent["intent"] == "add":
            book.acknowledge(number, **_found(rows, intent))
        elif intent["intent"] in ledger.AFTER:
            book.acknowledge(number, state=_state(rows.get(intent["document_id"])))
        elif intent["intent"] == "index compact":
            book.acknowledge(number, purged=[key for key in book.account.by_state("removed") if key not in rows])
        else:
            book.acknowledge(number)
    book.close()


def _found(rows: dict[str, _Row], intent: dict[str, str]) -> dict[str, object]:
    for document_id, row in rows.items():
        for version, (content_hash, _) in row.versions.items():
            if (row.source, content_hash) == (intent["source"], intent["content_hash"]):
                return {"document_id": document_id, "version": version}
    return {}
