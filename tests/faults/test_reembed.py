"""Embedding anew while questions go on, with kills: no question fails, no answer is mixed, nothing is done twice."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import select

from citewise.engine import Engine
from citewise.errors import CitewiseError, NotAllowedError
from citewise.registry.ids import hash_text
from citewise.registry.tables import chunks, generations
from citewise.types import Query, SearchResult, Vectors
from tests.faults.conftest import how_many
from tests.faults.engines import SlowEmbedder, opened, registry_of, until, wait_for_rest
from tests.faults.ledger import Ledger
from tests.faults.lives import Lives, Place
from tests.faults.oracle import examine
from tests.faults.scripts import beginning
from tests.faults.texts import own_word

DOCUMENTS = 20
SENTENCES = how_many(100, 1000)  # as many chunks of each document
PER_SECOND = 20  # questions
MODELS = ("fake:80", "fake:96", "fake:112")  # one switch to each
AT_RISK = 64 * 2  # embeddings between two commits: what a kill may cost, with one batch on its way


class CountingEmbedder(SlowEmbedder):
    """Notes every text that it embeds for good, in a file that outlasts kills."""

    seconds = 0.001
    notes = -1  # a file descriptor

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        os.write(self.notes, b"".join(f"{self.fingerprint} {hash_text(text)}\n".encode() for text in texts))
        return super().embed_documents(texts)


def embed_anew(place: Place, model: str | None) -> list[str]:
    """Ask all the time while the index is embedded anew with a model, or rolled back; what was seen wrong."""
    CountingEmbedder.notes = os.open(place.root / "embedded", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    engine = opened(place.home, open_embedder=CountingEmbedder.named)
    asker = Asker(engine, place)
    asker.start()
    if not any(job.state in ("queued", "running") for job in engine.index_status().jobs):
        try:
            if model is None:
                engine.index_job("rollback")
            elif not _serves(engine, model):
                engine.index_job("reembed", options={"model": model, "switch": True})
        except NotAllowedError:
            pass  # it is under way
    (place.root / "under-way").touch()
    wrong = [going_on] if (going_on := wait_for_rest(engine, seconds=how_many(150, 1200))) else []
    time.sleep(0.5)  # and some questions of what serves now
    asker.stop()
    if model is not None and not _serves(engine, model):
        wrong.append(f"After its end, answers do not come from {model}.")
    engine.close()
    return wrong


def _serves(engine: Engine, model: str) -> bool:
    generation = engine.index_status().generation
    return generation is not None and generation.model == model


class Asker:
    """Asks twenty questions a second and looks at every answer. What it sees goes to the ledger."""

    def __init__(self, engine: Engine, place: Place) -> None:
        self._engine = engine
        self._book = Ledger(place.ledger)
        self._counts = place.root / "asked"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        chance = random.Random(time.time())  # noqa: S311 - chance, not a secret
        with self._counts.open("a") as counts:
            while not self._over.is_set():
                began = time.monotonic()
                self._ask(own_word(f"old {chance.randrange(DOCUMENTS)}"))
                counts.write("x")
                counts.flush()
                self._over.wait(max(0.0, 1 / PER_SECOND - (time.monotonic() - began)))

    def _ask(self, word: str) -> None:
        try:
            result = self._engine.search(Query(f"the {word} number"))
        except CitewiseError as error:
            self._book.complain(f"A question failed: {error}")
            return
        if not result.hits or word not in result.hits[0].chunk.text:
            self._book.complain(f"The word {word} was not found first.")
        if mixed := self._mixed(result):
            self._book.complain(f"An answer of generation {result.generation} holds chunks of another: {mixed}")

    def _mixed(self, result: SearchResult) -> list[str]:
        """Chunks that were cut for another generation than the answer names. Each model has its own cuts."""
        ids = [hit.chunk.id for hit in result.hits]
        with registry_of(self._engine).read() as rx:
            own = rx.scalar(select(generations.c.splitter).where(generations.c.id == result.generation))
            rows = rx.execute(select(chunks.c.id, chunks.c.splitter).where(chunks.c.id.in_(ids))).all()
        return [chunk_id for chunk_id, splitter in rows if own is not None and splitter != own]


def test_questions_go_on_while_everything_is_embedded_anew(
    lives: Lives, tmp_path: Path, figures: Callable[[str], None]
) -> None:
    place, kills = Place(tmp_path / "place"), how_many(3, 51)
    chance = random.Random("reembed")  # noqa: S311 - chance, not a secret
    lives.run(beginning, place, DOCUMENTS, SENTENCES)
    wrong: list[str] = []
    for number, model in enumerate((*MODELS, None)):
        for _ in range(kills // len(MODELS) if model else 0):
            (place.root / "under-way").unlink(missing_ok=True)
            life = lives.start(embed_anew, place, model)
            until((place.root / "under-way").exists)
            time.sleep(chance.uniform(0.2, how_many(4, 20)))
            life.kill()
        wrong += [f"step {number}: {what}" for what in lives.run(embed_anew, place, model, timeout_s=1200)]
    verdict = lives.run(examine, place, timeout_s=1200)
    wrong += verdict.violations
    embedded = Counter((place.root / "embedded").read_text().split("\n")[:-1])
    again = sum(count - 1 for count in embedded.values())
    asked = (place.root / "asked").stat().st_size
    figures(
        f"embedding {verdict.chunks:,} chunks anew: {kills} kills, {len(MODELS)} switches, 1 roll-back, "
        f"{asked:,} questions, {len(wrong)} violations; {len(embedded):,} embeddings, {again} made twice"
    )
    assert not wrong, "\n".join(wrong[:20])
    assert again <= AT_RISK * kills, f"{again} embeddings were made again after {kills} kills"
