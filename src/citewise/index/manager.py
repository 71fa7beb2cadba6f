"""The life of the indexes: opened, checked, repaired, built anew, exchanged, cleaned up.

One thread owns all of it. The registry is the truth; an index is a copy that may be
damaged by a crash. So a start trusts a copy only if its seal is whole, or after every
chunk was found in it by a process of its own. While it is checked or built anew,
questions are answered by exact search over the registry.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import structlog

from citewise.errors import CitewiseError, NotAllowedError, ProviderError, StoreError
from citewise.failpoints import failpoint
from citewise.index.fallback import load_fallback
from citewise.index.generations import Indexes
from citewise.index.maintenance import Ending, Maintenance, Parts, target_of
from citewise.index.serving import Serving
from citewise.index.update import difference
from citewise.index.verify import unreachable
from citewise.protocols import Embedder
from citewise.registry import generations, held, index_jobs
from citewise.registry.space import free_bytes
from citewise.types import EmbedderState, Generation, IndexJob, IndexJobKind, IndexState, IndexStatus, Vector, Vectors

log = structlog.get_logger(__name__)

CANARY_S = 20.0
"""Between two looks at whether the serving indexes still find a chunk, in seconds."""

RETRY_S = 5.0
"""Before a job is tried again that waits for something, such as space on the disk."""

AGAIN_S = 60.0
"""Before a damaged index is built anew once more after that failed."""


LEAST_FREE = 16_000_000
"""Bytes on the disk that opening an index may need."""


class IndexManager:
    """Keeps one generation of indexes serving. May be used from any thread.

    Args:
        parts: What it works with.
        full_rebuild_above: Share of stale chunks above which a full rebuild is called for.
    """

    def __init__(self, parts: Parts, *, full_rebuild_above: float) -> None:
        self._home = parts.home
        self._registry = parts.registry
        self._files = parts.files
        self._process = parts.process
        self._embedder_of = parts.embedder_of
        self._model = parts.model
        self._splitter_of = parts.splitter_of
        self._full_rebuild_above = full_rebuild_above
        self._serving = Serving()
        self._fallback: Indexes | None = None
        self._fallback_lock = threading.Lock()
        self._state: IndexState = "opening"
        self._detail = "The index is being opened."
        self._suspect: str | None = None
        self._sync_wanted = True
        self._purged: list[str] = []
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._maintenance = Maintenance(
            parts,
            self._serving,
            now_serves=self._now_serves,
            suspect=self._suspect_of,
            stopping=self._stop.is_set,
        )
        self._thread = threading.Thread(target=self._run, name="index", daemon=True)

    # --- life -------------------------------------------------------------------------

    def start(self) -> None:
        """Open the serving generation in the background; a new data directory gets its first."""
        self._thread.start()

    def stop(self) -> None:
        """Begin to end the work; ``close`` waits for it."""
        self._stop.set()
        self._wake.set()

    def close(self) -> None:
        """End the work at its next step, close the indexes and seal their files."""
        self.stop()
        if self._thread.is_alive():
            self._thread.join()
        current = self._serving.current
        self._serving.close()
        if current is not None and current.degraded is None and self._suspect is None:
            self._files.seal(current.generation)

    # --- for queries and ingest -------------------------------------------------------

    def embedder(self) -> Embedder:
        """The model that questions are embedded with now."""
        current = self._serving.current
        if current:
            return current.embedder
        with self._registry.read() as rx:
            active = generations.active(rx)
        return self._embedder_for(active) if active and active.model else self._embedder_of(self._model)

    @contextmanager
    def lease(self) -> Iterator[Indexes]:
        """Lend the indexes for one query; waits until something can answer."""
        with self._serving.lease() as indexes:
            yield indexes if indexes.degraded else replace(indexes, fallback=self._stand_in)

    @contextmanager
    def writing(self, stopping: Callable[[], bool]) -> Iterator[Indexes]:
        """Lend the real indexes to the one who writes; waits while they are repaired.

        An error of an index that passes through makes them suspect: they are checked.
        """
        with self._serving.writing(stopping) as indexes:
            try:
                yield indexes
            except StoreError as error:
                if not stopping():
                    self._suspect_of(str(error))
                raise
            self._forget_fallback()

    def sync(self, *, purged: Sequence[str] = ()) -> None:
        """Bring the serving generation in line with the registry soon: something moved, came back or went.

        Args:
            purged: Ids of chunks that the registry no longer knows, for the indexes to forget. A crash
                before that is harmless: no answer uses them, and ``compact`` leaves no trace of them.
        """
        self._forget_fallback()
        self._purged += purged
        self._sync_wanted = True
        self._wake.set()

    # --- jobs -------------------------------------------------------------------------

    def submit(self, kind: IndexJobKind, options: Mapping[str, Any], *, generation_id: str | None = None) -> IndexJob:
        """Queue a job.

        Raises:
            NotAllowedError: One of that kind waits or runs already, or there is nothing to do it with.
            NotFoundError: There is no such generation.
        """
        with self._registry.write() as tx:
            open_jobs = [job for job in index_jobs.list_recent(tx) if job.state in index_jobs.OPEN]
            if any(job.kind == kind for job in open_jobs):
                raise NotAllowedError(f"A job to {kind} the index runs already. Wait for it, or cancel it first.")
            if kind in ("switch", "rollback"):
                generation_id = target_of(tx, kind, generation_id)
            job = index_jobs.create(tx, kind, generation_id=generation_id, options=options)
        self._wake.set()
        return job

    def cancel(self, job_id: str) -> None:
        """Ask a job to end at its next step. Raises ``NotFoundError``."""
        with self._registry.write() as tx:
            index_jobs.request_cancel(tx, job_id)
        self._wake.set()

    def job(self, job_id: str) -> IndexJob:
        """A job as it is now. Raises ``NotFoundError``."""
        with self._registry.read() as rx:
            return index_jobs.get(rx, job_id)

    def status(self) -> IndexStatus:
        """How everything is."""
        splitter_now = self._splitter_of(self._embedder_of(self._model))
        model_now = self._embedder_of(self._model).fingerprint
        with self._registry.read() as rx:
            active = generations.active(rx)
            everything = generations.list_all(rx)
            jobs = index_jobs.list_recent(rx)
            cuts = held.cuts(rx, active.id) if active else {}
            have = held.entries(rx, active.id) if active else {}
        chunks = sum(cuts.values())
        same_model = active is not None and active.embedder == model_now
        stale = chunks - cuts.get(splitter_now, 0) if same_model else chunks
        waiting = len(difference(self._registry, active.id, splitter=splitter_now).to_put) if active else 0
        share = stale / chunks if chunks else 0.0
        return IndexStatus(
            state=self._state,
            detail=self._detail,
            generation=active,
            chunks=chunks,
            cuts=cuts,
            documents=len(have),
            stale_chunks=stale,
            stale_share=share,
            needs_full_rebuild=share > self._full_rebuild_above,
            waiting_documents=waiting,
            bytes=self._files.bytes(),
            model=self._model,
            splitter=splitter_now,
            generations=tuple(everything),
            jobs=tuple(jobs),
        )

    @property
    def state(self) -> tuple[IndexState, str]:
        """How the serving indexes are, and a sentence about it."""
        return self._state, self._detail

    def wait(self, job_id: str, *, timeout_s: float | None = None) -> IndexJob:
        """Block until a job is over or the time ran out; returns it as it is then. Raises ``NotFoundError``."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            job = self.job(job_id)
            over = deadline is not None and time.monotonic() >= deadline
            if job.state not in index_jobs.OPEN or over or self._stop.wait(0.1):
                return job

    # --- the thread -------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._open()
                break
            except Ending:
                return
            except Exception as error:
                log.exception("the index could not be opened")
                self._become("degraded", f"The index could not be opened: {_sentence(error)}")
                self._stop.wait(5)
        looked_at = time.monotonic()
        while not self._stop.is_set():
            try:
                self._work()
                if time.monotonic() - looked_at >= CANARY_S:
                    looked_at = time.monotonic()
                    self._sync_wanted = True  # a document may have moved while it was being ingested
                    self._look_for_one()
            except Ending:
                return
            except Exception as error:
                log.exception("the index thread met an error and goes on")
                self._become(self._state, f"Work on the index failed and is tried again: {_sentence(error)}")
                self._stop.wait(5)
            self._wake.wait(RETRY_S if self._state != "ok" or self._suspect else CANARY_S)
            self._wake.clear()

    def _work(self) -> None:
        """Do what there is to do, the most urgent first."""
        if self._suspect:
            self._repair(self._suspect)
        elif self._state == "degraded":
            self._build_anew_if_nobody_does()
        while not self._stop.is_set():
            if self._sync_wanted and self._state == "ok":
                self._sync_wanted = False
                purged, self._purged = self._purged, []
                try:
                    self._maintenance.bring_serving_in_line(purged)
                except StoreError as error:
                    if self._stop.is_set():
                        raise Ending from error
                    self._sync_wanted = True
                    self._suspect_of(str(error))
                    return
            with self._registry.read() as rx:
                job = index_jobs.next_open(rx)
            if job is None:
                break
            if not self._maintenance.do(job):
                self._stop.wait(RETRY_S)
                return
            if self._suspect:
                return
        self._maintenance.collect_garbage()

    def _open(self) -> None:
        with self._registry.read() as rx:
            active = generations.active(rx)
        if active is None:
            active = self._create_first()
            self._serve(active, *self._files.open(active, create=True))
            return
        if not active.model:  # published by a Citewise that did not note it
            with self._registry.write() as tx:
                generations.set_model(tx, active.id, self._model)
            active = replace(active, model=self._model)
        if active.state != "broken" and self._files.outdated(active.id):
            self._become("checking", "The index was written by an earlier Citewise and is built anew.")
            self._answer_exactly(active)
            self._give_up(active, "Words are indexed in another way since the last version.", damaged=False)
            return
        sealed = self._files.sealed(active.id)
        failpoint("index-seal-checked")
        if active.state != "broken" and sealed == "whole":
            self._embedder_for(active)  # begins to load beside the files, which takes as long
            try:
                self._serve(active, *self._files.open(active, create=False))
                return
            except StoreError as error:
                log.warning("the index could not be opened", error=str(error))
        self._become("checking", "The index is being checked, since the program did not end well.")
        self._answer_exactly(active)
        problem = {"absent": None, "broken": "Its files were changed while the program did not run."}.get(sealed)
        self._check(active, known="It was found damaged before." if active.state == "broken" else problem)

    def _create_first(self) -> Generation:
        embedder = self._embedder_of(self._model)
        with self._registry.write() as tx:
            generation = generations.create(
                tx,
                embedder=embedder.fingerprint,
                splitter=self._splitter_of(embedder),
                dimension=embedder.dimension,
                model=self._model,
            )
        failpoint("first-generation-created")
        vectors, keywords = self._files.open(generation, create=True)
        vectors.close()
        keywords.close()
        with self._registry.write() as tx:
            generations.set_verified(tx, generation.id)
            generations.publish(tx, generation.id)
            return generations.get(tx, generation.id)

    def _embedder_for(self, generation: Generation) -> Embedder:
        """The model that a generation was built with, or what stands in for it."""
        try:
            found = self._embedder_of(generation.model, generation.embedder)
        except CitewiseError as error:
            return AbsentEmbedder(generation, f"{error} Or run `citewise index reembed`.")
        if (found.fingerprint, found.dimension) != (generation.embedder, generation.dimension):
            return AbsentEmbedder(
                generation,
                f"The documents were embedded with another edition of {generation.model} than this machine has. "
                "Run `citewise index reembed`.",
            )
        found.start()
        return found

    def _check(self, active: Generation, *, known: str | None) -> None:
        """Verify the files that nothing has open, and serve from them; build anew what is ``known`` to be damaged."""
        problems = [known] if known else self._verify_in_child(active)
        if self._stop.is_set():
            raise Ending
        if not problems:
            try:
                opened = self._files.open(active, create=False)
            except StoreError as error:
                problems = [str(error)]
            else:
                with self._registry.write() as tx:
                    generations.set_verified(tx, active.id)
                self._serve(active, *opened)
                return
        self._give_up(active, problems[0])

    def _give_up(self, active: Generation, problem: str, *, damaged: bool = True) -> None:
        """Serve from the index no more, and call for one that is built anew from what the registry stores."""
        state = "damaged" if damaged else "outdated"
        log.warning(f"the index is {state} and is built anew", generation=active.id, problem=problem)
        self._become("degraded", f"The index is {state} and is being built anew: {problem}")
        with self._registry.write() as tx:
            generations.set_state(tx, active.id, "broken")
            if not any(job.kind == "rebuild" and job.state in index_jobs.OPEN for job in index_jobs.list_recent(tx)):
                index_jobs.create(tx, "rebuild", options={"reason": problem})
        failpoint("index-found-broken")

    def _repair(self, reason: str) -> None:
        """Check the serving indexes, which failed or gave a wrong answer, and build anew if they are damaged."""
        self._suspect = None
        with self._registry.read() as rx:
            active = generations.active(rx)
        if active is None or active.state == "broken":
            return  # a job to build it anew waits already
        current = self._serving.current
        if current is None or current.degraded is None:
            self._become("checking", f"The index is being checked: {reason}")
            closed = threading.Event()
            self._answer_exactly(active, afterwards=closed.set)
            while not closed.wait(0.2) or not self._has_room():
                if self._stop.is_set():
                    raise Ending
        self._check(active, known=None)

    def _has_room(self) -> bool:
        """Whether the disk has room to open an index; on a full one, a whole index looks damaged."""
        if free_bytes(self._home) >= LEAST_FREE:
            return True
        self._become("checking", "The disk is full. The index is checked once there is room; free some space.")
        return False

    def _build_anew_if_nobody_does(self) -> None:
        """Try again what failed, after a while."""
        with self._registry.read() as rx:
            active = generations.active(rx)
            last = next((job for job in index_jobs.list_recent(rx) if job.kind in ("rebuild", "compact")), None)
        waits = last is not None and last.state in index_jobs.OPEN
        if (
            active
            and active.state == "broken"
            and not waits
            and time.time() - (last.updated_at if last else 0) > AGAIN_S
        ):
            with self._registry.write() as tx:
                index_jobs.create(tx, "rebuild", options={"reason": self._detail})

    def _verify_in_child(self, generation: Generation) -> list[str]:
        try:
            return self._process.run(
                "verify",
                self._home,
                generation.id,
                on_progress=lambda _stage, done: self._become("checking", f"{done:,} chunks of the index are checked."),
                stopping=self._stop.is_set,
            )
        except StoreError as error:
            return [str(error)]

    def _look_for_one(self) -> None:
        """A canary: the files are there, and a chunk taken at random is found by its own vector."""
        current = self._serving.current
        if current is None or current.degraded:
            return
        with self._registry.read() as rx:
            generation = generations.get(rx, current.generation)
            entries = list(held.entries(rx, generation.id).values())
            chunks = held.embedded_chunks(rx, [random.choice(entries)], generation.embedder) if entries else []  # noqa: S311
        folder = self._files.folder(generation.id)
        if not (folder / "manifest.json").is_file() or not (folder / "chroma" / "chroma.sqlite3").is_file():
            self._suspect_of("Its files are gone.")
        elif chunks:
            chosen = random.choice(chunks)  # noqa: S311 - any will do
            own = [(chosen.chunk.id, chosen.vector.astype("<f4").tobytes())]
            try:
                lost = unreachable(current.vectors, own, dimension=generation.dimension)
                present = current.keywords.present([chosen.chunk.id])
            except StoreError as error:
                self._suspect_of(str(error))
                return
            if lost or not present:
                with self._registry.read() as rx:  # it may have been replaced meanwhile
                    now = held.entries(rx, generation.id).get(chosen.chunk.document_id)
                if now and now.version == chosen.chunk.version:
                    self._suspect_of("A chunk was not found by its own vector.")

    # --- what answers -----------------------------------------------------------------

    def _serve(self, generation: Generation, vectors: Any, keywords: Any) -> None:
        self._forget_fallback()
        self._serving.exchange(Indexes(generation.id, vectors, keywords, self._embedder_for(generation)))
        self._become("ok", "The index is whole.")
        self._sync_wanted = True
        self._wake.set()

    def _answer_exactly(self, generation: Generation, *, afterwards: Callable[[], None] | None = None) -> None:
        self._serving.exchange(self._load_fallback(generation), afterwards=afterwards)

    def _stand_in(self, error: StoreError) -> Indexes:
        """What answers a query whose index failed."""
        self._suspect_of(str(error))
        with self._fallback_lock:
            if self._fallback is None:
                with self._registry.read() as rx:
                    active = generations.active(rx)
                if active is None:
                    raise error
                self._fallback = self._load_fallback(active)
            return self._fallback

    def _load_fallback(self, generation: Generation) -> Indexes:
        return load_fallback(
            self._registry,
            generation,
            embedder=self._embedder_for(generation),
            open_keywords=self._files.open_keywords,
            degraded="The index is being checked or built anew; this was found by exact search over the stored text.",
            stopping=self._stop.is_set,
        )

    def _now_serves(self, generation: Generation) -> None:
        self._forget_fallback()
        self._suspect = None
        self._become("ok", "The index is whole.")
        log.info("index exchanged", generation=generation.id)

    def _forget_fallback(self) -> None:
        with self._fallback_lock:
            self._fallback = None

    def _suspect_of(self, reason: str) -> None:
        self._serving.distrust()
        self._suspect = reason
        self._wake.set()

    def _become(self, state: IndexState, detail: str) -> None:
        self._state, self._detail = state, detail


class AbsentEmbedder:
    """Stands in for a model that this machine does not have: search by words goes on without it."""

    def __init__(self, generation: Generation, reason: str) -> None:
        self.name = generation.model
        self.fingerprint = generation.embedder
        self.dimension = generation.dimension
        self.max_tokens = 256
        self.state: EmbedderState = "failed"
        self._reason = reason

    def start(self) -> None:
        """There is nothing to load."""

    def close(self) -> None:
        """There is nothing to give back."""

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        raise self._error()

    def embed_query(self, text: str) -> Vector:
        raise self._error()

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        raise self._error()

    def _error(self) -> ProviderError:
        return ProviderError(self._reason, provider=self.name.partition(":")[0])


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, CitewiseError) else "the log has the details."
