"""What lives do: deeds that are noted before and after, at random or by a script."""

from __future__ import annotations

import hashlib
import io
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from citewise.engine import Engine
from citewise.errors import CitewiseError
from citewise.types import IndexJobKind, Query, Upload
from tests.faults.engines import opened
from tests.faults.ledger import Ledger
from tests.faults.lives import Place
from tests.faults.texts import own_word, text_for

NAMES = [f"paper-{n:02}.txt" for n in range(10)]


class Deeds:
    """Does things to an engine and keeps the ledger of it."""

    def __init__(self, engine: Engine, place: Place) -> None:
        self.engine = engine
        self.book = Ledger(place.ledger)

    def add(self, source: str, content: str, *, as_file: bool = False) -> str | None:
        """Add or replace a document; returns its job."""
        data = content.encode()
        number = self.book.intend("add", source=source, content_hash=hashlib.sha256(data).hexdigest())
        upload = Upload(source, io.BytesIO(data)) if as_file else Upload(source, text=content)
        with self._refusals(number):
            (added,) = self.engine.add([upload])
            self.book.acknowledge(number, document_id=added.document_id, version=added.version)
            return added.job_id
        return None

    def remove(self, document_id: str, *, purge: bool = False) -> None:
        number = self.book.intend("purge" if purge else "remove", document_id=document_id)
        with self._refusals(number):
            self.engine.remove([document_id], purge=purge)
            self.book.acknowledge(number)

    def restore(self, document_id: str) -> None:
        number = self.book.intend("restore", document_id=document_id)
        with self._refusals(number):
            if self.engine.restore([document_id]):
                self.book.acknowledge(number)
            else:
                self.book.refuse(number, "there was nothing to restore")

    def index(self, kind: IndexJobKind, *, wait: bool = True, **options: Any) -> None:
        """Have work done on the indexes."""
        number = self.book.intend(f"index {kind}", options=options)
        with self._refusals(number):
            job = self.engine.index_job(kind, options=options)
            if not wait:
                self.book.acknowledge(number)
                return
            job = self.engine.index_job_now(job.id, wait_s=60)
            if job.state != "done":
                self.book.complain(f"The index job {kind} ended as {job.state}: {job.error}")
            self.book.acknowledge(number)

    def wait(self, *job_ids: str | None, seconds: float = 60) -> bool:
        return self.engine.wait([job_id for job_id in job_ids if job_id], timeout_s=seconds)

    @contextmanager
    def _refusals(self, number: str) -> Iterator[None]:
        try:
            yield
        except CitewiseError as error:
            self.book.refuse(number, str(error))


def random_life(place: Place, seed: int, *, deeds: int = 1000) -> None:
    """Do one random thing after another, while someone asks questions, until the end or the kill."""
    chance = random.Random(seed)  # noqa: S311 - chance, not a secret
    engine = opened(place.home)
    life = Deeds(engine, place)
    stop = threading.Event()
    asking = threading.Thread(target=_ask, args=(life, stop, seed), daemon=True)
    asking.start()
    try:
        for _ in range(deeds):
            _one_deed(life, chance)
            if chance.random() < 0.4:
                time.sleep(chance.random() * 0.1)
    finally:
        stop.set()
        asking.join()
        engine.close()


def _one_deed(life: Deeds, chance: random.Random) -> None:
    account = life.book.account
    present, removed = account.by_state("present"), account.by_state("removed")
    weights = {
        "add": 12,
        "remove": 3 if present else 0,
        "purge": 2 if present else 0,
        "restore": 3 if removed else 0,
        "rebuild": 0.4,
        "reembed": 0.3,
        "rollback": 0.3,
        "compact": 0.2,
    }
    match chance.choices(list(weights), list(weights.values()))[0]:
        case "add":
            source = chance.choice(NAMES)
            fresh = f"{source} {chance.getrandbits(64)}"
            job = life.add(
                source, text_for(fresh, sentences=chance.choice([1, 3, 10, 40])), as_file=chance.random() < 0.1
            )
            if chance.random() < 0.5:
                life.wait(job)
        case "remove":
            life.remove(chance.choice(present))
        case "purge":
            life.remove(chance.choice(present + removed), purge=True)
        case "restore":
            life.restore(chance.choice(removed))
        case "reembed":
            life.index("reembed", wait=False, model=chance.choice(["fake:64", "fake:80"]), switch=True)
        case "compact":
            life.index("compact")
        case "rebuild" | "rollback" as kind:
            life.index(kind, wait=False)


def _ask(life: Deeds, stop: threading.Event, seed: int) -> None:
    """Ask all the time; no question may fail, and none may bring up what was deleted before it was asked."""
    chance = random.Random(seed + 1)  # noqa: S311 - chance, not a secret
    account = life.book.account
    while not stop.is_set():
        gone, restores = set(account.by_state("removed", "purged")), account.restores
        try:
            hits = life.engine.search(Query(f"the {own_word(chance.choice(NAMES))} number")).hits
        except CitewiseError as error:
            if not stop.is_set() and "no collection" not in str(error):
                life.book.complain(f"A question failed: {error}")
            continue
        found = gone & {hit.chunk.document_id for hit in hits}
        if found and restores == account.restores:
            life.book.complain(f"Deleted documents were found: {', '.join(sorted(found))}")
        time.sleep(0.01)
