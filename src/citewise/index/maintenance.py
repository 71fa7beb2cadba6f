"""Jobs on the indexes: build anew, embed anew, compare, switch, roll back, compact, clean up.

Each can be killed at any place. A job is stored with the generation it builds; the next
start takes it up again, keeps the chunks and vectors that were made, and writes the index
files from the beginning, since half-written ones are not to be trusted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import structlog
from sqlalchemy import Connection

from citewise.errors import CitewiseError, NoSpaceError, NotAllowedError, StoreError
from citewise.failpoints import failpoint
from citewise.index.generations import GenerationFiles, Indexes
from citewise.index.process import IndexProcess
from citewise.index.serving import Serving
from citewise.index.update import Difference, bring_in_line, difference, forget_chunks
from citewise.index.verify import verify
from citewise.protocols import Embedder
from citewise.registry import generations, held, index_jobs
from citewise.registry.database import Registry
from citewise.registry.held import Entry
from citewise.types import Generation, IndexJob, IndexJobKind

log = structlog.get_logger(__name__)

SMALL = 20
"""Documents that the last step of a switch may still bring in line, while writers wait."""

NOTE_S = 0.3
"""Between two notes of how far a job is, in seconds."""

KEPT = 1
"""Former generations whose files are kept for a roll-back."""


class Prepare(Protocol):
    """Makes the chunks and vectors of documents, where they are not stored yet.

    Raises ``CitewiseError``; ends early when ``stopping`` says so, and what was made stays.
    """

    def __call__(
        self,
        entries: Sequence[Entry],
        *,
        embedder: Embedder,
        on_progress: Callable[[int], None],
        stopping: Callable[[], bool],
    ) -> None: ...


class Compare(Protocol):
    """Asks two open generations the same questions and says how each did, as JSON."""

    def __call__(
        self,
        serving: Indexes,
        candidate: Indexes,
        *,
        options: Mapping[str, Any],
        on_progress: Callable[[int, int], None],
        stopping: Callable[[], bool],
    ) -> Mapping[str, Any]: ...


class Erase(Protocol):
    """Erases removed documents from the registry and the blobs; returns what ``Prove`` needs, kept in memory only."""

    def __call__(self, options: Mapping[str, Any]) -> object: ...


class Prove(Protocol):
    """Looks for erased content in every file, after former generations are gone; returns the report as JSON."""

    def __call__(self, erased: object, *, stopping: Callable[[], bool]) -> Mapping[str, Any]: ...


class Cancelled(Exception):  # noqa: N818 - a signal, not an error
    """The person cancelled this job."""


class Ending(Exception):  # noqa: N818 - a signal, not an error
    """The program ends; the next start goes on with the job."""


class EmbedderOf(Protocol):
    """Gives the model PROVIDER:NAME; with the fingerprint of vectors that exist, the edition of it that makes them."""

    def __call__(self, model: str, fingerprint: str = "") -> Embedder: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the life of the indexes needs from the rest of the program."""

    home: Path  # the data directory
    registry: Registry
    files: GenerationFiles
    process: IndexProcess  # starts the children that open what cannot be trusted
    embedder_of: EmbedderOf
    model: str  # PROVIDER:NAME that the settings name
    splitter_of: Callable[[Embedder], str]  # the fingerprint of how a model's documents are cut
    prepare: Prepare
    compare: Compare
    erase: Erase
    prove: Prove
    check_room: Callable[[int, int], None]  # raises when so many vectors of that length would not fit


class Maintenance:
    """Does index jobs. One thread, the index manager's, uses it.

    Args:
        parts: What it works with.
        serving: What answers; exchanged by a switch.
        now_serves: Called after a switch.
        suspect: Called with the reason when the serving indexes turn out to be damaged.
        stopping: Whether the program ends.
    """

    def __init__(
        self,
        parts: Parts,
        serving: Serving,
        *,
        now_serves: Callable[[Generation], None],
        suspect: Callable[[str], None],
        stopping: Callable[[], bool],
    ) -> None:
        self._home = parts.home
        self._registry = parts.registry
        self._files = parts.files
        self._process = parts.process
        self._embedder_of = parts.embedder_of
        self._model = parts.model
        self._splitter_of = parts.splitter_of
        self._prepare = parts.prepare
        self._compare = parts.compare
        self._erase = parts.erase
        self._prove = parts.prove
        self._check_room = parts.check_room
        self._serving = serving
        self._now_serves = now_serves
        self._suspect = suspect
        self._stopping = stopping
        self._noted_at = 0.0
        self._stage_noted = ""

    def do(self, job: IndexJob) -> bool:
        """Carry a job to its end; ``False`` when it has to wait and be tried again.

        Raises:
            Ending: The program ends; the job stays open.
        """
        work: Mapping[IndexJobKind, Callable[[IndexJob], Mapping[str, Any]]] = {
            "verify": self._verify,
            "rebuild": self._rebuild,
            "reembed": self._reembed,
            "update": self._update,
            "switch": self._switch_to,
            "rollback": self._switch_to,
            "compact": self._compact,
        }
        try:
            self._check(job)
            self._stage(job, "starting")
            result = work[job.kind](job)
            with self._registry.write() as tx:
                index_jobs.end(tx, job.id, "done", result=result)
        except Cancelled:
            self._abandon(job, "cancelled", None)
        except NoSpaceError as error:
            log.warning("an index job waits for space", job=job.kind, error=str(error))
            return False
        except CitewiseError as error:
            if self._stopping():
                raise Ending from error
            self._abandon(job, "failed", str(error))
        except Ending:
            raise
        except Exception:
            log.exception("an index job failed", job=job.kind)
            self._abandon(job, "failed", "Something went wrong; the log has the details.")
        return True

    def bring_serving_in_line(self, purged: Sequence[str]) -> None:
        """Make the serving indexes hold what the registry says they ought to, and forget ``purged`` chunks."""
        if purged:
            with self._serving.writing(self._must_not_wait) as indexes:
                forget_chunks(indexes, purged)
        generation = self._active()
        if not difference(self._registry, generation.id, splitter=generation.splitter):
            return  # without asking for the model, which this machine may not have
        embedder = self._embedder_of(generation.model, generation.embedder)
        self._bring_in_line(
            generation, difference(self._registry, generation.id, splitter=self._splitter_of(embedder)), embedder
        )

    def collect_garbage(self) -> None:
        """Delete generations that nobody goes back to, and the chunks and vectors that only they used."""
        with self._registry.read() as rx:
            everything = generations.list_all(rx)
            active = generations.active(rx)
            busy = {job.generation for job in index_jobs.list_recent(rx) if job.state in index_jobs.OPEN}
        retired = sorted(
            (one for one in everything if one.state == "retired"), key=lambda one: one.published_at or 0, reverse=True
        )
        waiting = [one for one in everything if one.state == "ready"]  # newest first: an older one is outdone
        kept = {one.id for one in (*retired[:KEPT], *waiting[:1])}
        kept |= {one.id for one in everything if one.id in busy or self._serving.uses(one.id)}
        kept |= {active.id} if active else set()
        doomed = [one for one in everything if one.id not in kept]
        for generation in doomed:
            self._delete(generation.id)
        self._files.remove_strangers({one.id for one in everything if one.id in kept})
        if doomed:
            with self._registry.write() as tx:
                held.forget_unused(tx)

    # --- the jobs ---------------------------------------------------------------------

    def _verify(self, job: IndexJob) -> Mapping[str, Any]:
        generation = self._active()
        with self._registry.read() as rx:
            total = held.chunk_count(rx, generation.id)
        self._stage(job, "verifying", total=total)
        with self._serving.lease() as indexes:
            if indexes.degraded:
                raise NotAllowedError("The index is being checked already. Wait until it is whole.")
            try:
                problems = verify(
                    indexes.vectors,
                    indexes.keywords,
                    self._registry,
                    generation,
                    on_progress=lambda done: self._progress(job, done),
                    stopping=lambda: self._stopping() or self._cancelled(job),
                )
            except StoreError as error:
                problems = [str(error)]
        self._check(job)
        if problems and self._active().id == generation.id:
            self._suspect(problems[0])
        else:
            with self._registry.write() as tx:
                generations.set_verified(tx, generation.id)
        return {"generation": generation.id, "chunks": total, "problems": problems}

    def _rebuild(self, job: IndexJob) -> Mapping[str, Any]:
        """The same chunks and vectors in new files."""
        active = self._active()
        if job.generation == active.id:  # a crash between the switch and the end of the job
            return {"generation": active.id, "chunks": self._chunks(active.id)}
        generation = self._target(job, active.model, active.embedder)
        indexes = self._build(job, generation, cut_as=active.id)
        self._switch(job, generation, indexes)
        return {"generation": generation.id, "chunks": self._chunks(generation.id)}

    def _reembed(self, job: IndexJob) -> Mapping[str, Any]:
        """Another model or another way of cutting, built beside, compared, and switched to only if asked."""
        model = str(job.options.get("model") or self._model)
        if job.generation == self._active().id:
            return {"generation": job.generation, "chunks": self._chunks(job.generation), "switched": True}
        generation = self._target(job, model)
        indexes = self._build(job, generation, cut_as=None)
        try:
            self._stage(job, "comparing")
            comparison = self._compared(job, indexes)
            with self._registry.write() as tx:
                generations.set_comparison(tx, generation.id, comparison)
        except BaseException:
            indexes.close()
            raise
        if job.options.get("switch"):
            self._switch(job, generation, indexes)
        else:
            indexes.close()
            self._files.seal(generation.id)
        return {
            "generation": generation.id,
            "chunks": self._chunks(generation.id),
            "comparison": dict(comparison),
            "switched": bool(job.options.get("switch")),
        }

    def _update(self, job: IndexJob) -> Mapping[str, Any]:
        """Cut stale documents anew, in the serving generation."""
        generation = self._active()
        embedder = self._embedder_of(self._model)
        if embedder.fingerprint != generation.embedder:
            raise NotAllowedError("The model has changed, so all vectors have to. Run `citewise index reembed`.")
        change = difference(self._registry, generation.id, splitter=self._splitter_of(embedder), recut=True)
        self._stage(job, "updating", total=len(change))
        self._bring_in_line(generation, change, embedder, on_progress=lambda done: self._step(job, done))
        return {"generation": generation.id, "documents": len(change)}

    def _switch_to(self, job: IndexJob) -> Mapping[str, Any]:
        with self._registry.read() as rx:
            generation = generations.get(rx, job.generation or "")
        if generation.id != self._active().id:
            self._stage(job, "checking")
            self._switch(job, generation, self._open_checked(job, generation))
        return {"generation": generation.id}

    def _compact(self, job: IndexJob) -> Mapping[str, Any]:
        """Erase what was removed, build anew without it, delete every former file, and look for traces."""
        self._stage(job, "erasing")
        erased = self._erase(job.options)
        failpoint("compact-erased")
        active = self._active()
        # Built again also when a crash came after the switch: more may have been removed since.
        generation = self._target(job, active.model, active.embedder)
        closed = threading.Event()
        indexes = self._build(job, generation, cut_as=active.id)
        self._switch(job, generation, indexes, afterwards=closed.set, seal_former=False)
        while not closed.wait(0.1):
            self._check(job)
        failpoint("compact-switched")
        self._stage(job, "deleting former files")
        with self._registry.read() as rx:
            former = [one.id for one in generations.list_all(rx) if one.id != self._active().id]
        for generation_id in former:
            self._delete(generation_id)
        self._files.remove_strangers({self._active().id})
        with self._registry.write() as tx:
            held.forget_unused(tx)
        failpoint("compact-deleted")
        self._stage(job, "searching for traces")
        report = self._prove(erased, stopping=lambda: self._stopping() or self._cancelled(job))
        self._check(job)
        return report

    # --- their steps ------------------------------------------------------------------

    def _target(self, job: IndexJob, model: str, fingerprint: str = "") -> Generation:
        """The generation that a job builds: the one it began, if that still fits, or a new one.

        Args:
            job: That it is done for.
            model: PROVIDER:NAME.
            fingerprint: Of the vectors to keep, where there are such.
        """
        embedder = self._embedder_of(model, fingerprint)
        splitter = self._splitter_of(embedder)
        with self._registry.write() as tx:
            serving = generations.active(tx)
            begun = next((one for one in generations.list_all(tx) if one.id == job.generation), None)
            if begun and begun != serving and (begun.embedder, begun.splitter) == (embedder.fingerprint, splitter):
                generations.set_state(tx, begun.id, "building")
                return begun
            generation = generations.create(
                tx, embedder=embedder.fingerprint, splitter=splitter, dimension=embedder.dimension, model=model
            )
            index_jobs.set_generation(tx, job.id, generation.id)
        return generation

    def _build(self, job: IndexJob, generation: Generation, *, cut_as: str | None) -> Indexes:
        """Write and verify the files of a generation; returns its indexes, open and nearly in line.

        Args:
            job: That it is done for.
            generation: ``building``; files of an earlier attempt are deleted.
            cut_as: Keep the cuts that this generation holds; ``None`` cuts everything the generation's way.
        """
        embedder = self._embedder_of(generation.model, generation.embedder)
        embedder.start()
        plan = self._plan(generation, cut_as)
        self._stage(job, "embedding", total=len(plan))
        self._made(job, plan, embedder, on_progress=lambda done: self._step(job, done))
        failpoint("build-embedded")
        made = set(plan)
        plan = self._plan(generation, cut_as)  # documents came and went meanwhile
        self._made(job, [entry for entry in plan if entry not in made], embedder)
        with self._registry.write() as tx:
            held.clear(tx, generation.id)
            held.put(tx, generation.id, held.still_made(tx, plan, embedder.fingerprint))  # the rest is caught up with
            rows = held.chunk_count(tx, generation.id)
        failpoint("build-planned")
        self._check_room(rows, generation.dimension)
        self._files.remove(generation.id)
        self._stage(job, "building", total=rows)
        problems = self._process.run(
            "build",
            self._home,
            generation.id,
            on_progress=lambda stage, done: self._staged(job, stage, done, rows),
            stopping=lambda: self._stopping() or self._cancelled(job),
        )
        self._check(job)
        if problems:
            raise StoreError(f"The index that was built is not whole: {problems[0]}")
        failpoint("build-verified")
        with self._registry.write() as tx:
            generations.set_verified(tx, generation.id)
            generations.set_state(tx, generation.id, "ready")
        vectors, keywords = self._files.open(generation, create=False)
        indexes = Indexes(generation.id, vectors, keywords, embedder)
        try:
            self._catch_up(job, generation, indexes)
        except BaseException:
            indexes.close()
            raise
        return indexes

    def _plan(self, generation: Generation, cut_as: str | None) -> list[Entry]:
        with self._registry.read() as rx:
            want = held.wanted(rx, splitter=generation.splitter)
            now = held.entries(rx, cut_as) if cut_as else {}
        return [now[key] if key in now and now[key].version == entry.version else entry for key, entry in want.items()]

    def _made(
        self,
        job: IndexJob,
        entries: Sequence[Entry],
        embedder: Embedder,
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._prepare(
            entries,
            embedder=embedder,
            on_progress=on_progress,
            stopping=lambda: self._stopping() or self._cancelled(job),
        )
        self._check(job)

    def _catch_up(self, job: IndexJob, generation: Generation, indexes: Indexes) -> None:
        """Bring a generation that does not serve nearly in line, while documents come and go."""
        splitter = self._splitter_of(indexes.embedder)
        while len(change := difference(self._registry, generation.id, splitter=splitter)) > SMALL:
            self._stage(job, "catching up", total=len(change))
            self._bring_in_line(
                generation, change, indexes.embedder, indexes, on_progress=lambda done: self._step(job, done)
            )

    def _switch(
        self,
        job: IndexJob,
        generation: Generation,
        indexes: Indexes,
        *,
        afterwards: Callable[[], None] = lambda: None,
        seal_former: bool = True,
    ) -> None:
        """Let answers come from ``generation``: one row says so, and no query notices."""
        try:
            self._catch_up(job, generation, indexes)
            self._stage(job, "switching")
            splitter = self._splitter_of(indexes.embedder)
            with self._serving.exclusively():
                last = difference(self._registry, generation.id, splitter=splitter)
                self._bring_in_line(generation, last, indexes.embedder, indexes)
                failpoint("switch-in-line")
                former = self._active()
                with self._registry.write() as tx:
                    held.show_sets(tx, held.unshown(tx, generation.id))
                    generations.publish(tx, generation.id)
                failpoint("switch-published")
                whole = self._serving.current is not None and self._serving.current.degraded is None

                def closed() -> None:
                    if seal_former and whole:
                        self._files.seal(former.id)
                    afterwards()

                self._serving.exchange(indexes, afterwards=closed)
        except BaseException:
            if self._serving.current is not indexes:
                indexes.close()
            raise
        self._now_serves(generation)

    def _open_checked(self, job: IndexJob, generation: Generation) -> Indexes:
        """Open a generation that waited; its files are verified unless their seal is whole."""
        embedder = self._embedder_of(generation.model, generation.embedder)
        if embedder.fingerprint != generation.embedder:
            raise NotAllowedError(
                f"The generation was built with another edition of {generation.model} than this machine has. "
                "Run `citewise index reembed` instead."
            )
        embedder.start()
        sealed = self._files.sealed(generation.id)
        if sealed != "whole":
            problems = (
                ["its files were changed."]
                if sealed == "broken"
                else self._process.run(
                    "verify",
                    self._home,
                    generation.id,
                    on_progress=lambda stage, done: self._staged(job, stage, done, 0),
                    stopping=lambda: self._stopping() or self._cancelled(job),
                )
            )
            self._check(job)
            if problems:
                with self._registry.write() as tx:
                    generations.set_state(tx, generation.id, "broken")
                raise StoreError(f"That generation is damaged: {problems[0]} Run `citewise index reembed` instead.")
            with self._registry.write() as tx:
                generations.set_verified(tx, generation.id)
        vectors, keywords = self._files.open(generation, create=False)
        return Indexes(generation.id, vectors, keywords, embedder)

    def _compared(self, job: IndexJob, candidate: Indexes) -> Mapping[str, Any]:
        with self._serving.lease() as serving:
            comparison = self._compare(
                serving,
                candidate,
                options=job.options,
                on_progress=lambda done, total: self._progress(job, done, total),
                stopping=lambda: self._stopping() or self._cancelled(job),
            )
        self._check(job)
        return comparison

    def _bring_in_line(
        self,
        generation: Generation,
        change: Difference,
        embedder: Embedder,
        indexes: Indexes | None = None,
        *,
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Apply a change to ``indexes``, or to the serving ones where none are given."""
        if not len(change):
            return

        def prepare(entries: Sequence[Entry]) -> None:
            self._prepare(entries, embedder=embedder, on_progress=lambda _: None, stopping=self._stopping)
            if self._stopping():
                raise Ending

        bring_in_line(
            self._registry,
            generation.id,
            change,
            prepare=prepare,
            writing=lambda: nullcontext(indexes) if indexes else self._serving.writing(self._must_not_wait),
            fingerprint=generation.embedder,
            serving=indexes is None,
            on_progress=on_progress,
        )

    def _must_not_wait(self) -> bool:
        """Whether waiting to write would be in vain: only this thread could check and exchange the indexes."""
        return self._stopping() or self._serving.distrusted

    def _delete(self, generation_id: str) -> None:
        """Delete a generation for good: its files first, so that a crash leaves no stranger on the disk."""
        self._files.remove(generation_id)
        failpoint("generation-files-deleted")
        with self._registry.write() as tx:
            generations.forget(tx, generation_id)

    def _active(self) -> Generation:
        with self._registry.read() as rx:
            found = generations.active(rx)
        if found is None:
            raise StoreError("There is no index yet. Wait until it was made.")
        return found

    def _chunks(self, generation_id: str) -> int:
        with self._registry.read() as rx:
            return held.chunk_count(rx, generation_id)

    # --- how far a job is -------------------------------------------------------------

    def _stage(self, job: IndexJob, stage: str, *, total: int = 0) -> None:
        self._check(job)
        self._stage_noted = stage
        with self._registry.write() as tx:
            index_jobs.set_stage(tx, job.id, stage, total=total)

    def _staged(self, job: IndexJob, stage: str, done: int, total: int) -> None:
        """Note what a child said of itself."""
        if stage != self._stage_noted:
            self._stage(job, stage, total=total)
        self._progress(job, done)

    def _step(self, job: IndexJob, done: int) -> None:
        """Note progress at a place where the job may end as well."""
        self._progress(job, done)
        self._check(job)

    def _progress(self, job: IndexJob, done: int, total: int | None = None) -> None:
        if time.monotonic() - self._noted_at < NOTE_S:
            return  # each note is synced to the disk
        self._noted_at = time.monotonic()
        with self._registry.write() as tx:
            index_jobs.set_progress(tx, job.id, done=done, total=total)

    def _cancelled(self, job: IndexJob) -> bool:
        with self._registry.read() as rx:
            return index_jobs.get(rx, job.id).cancel_requested

    def _check(self, job: IndexJob) -> None:
        if self._stopping():
            raise Ending
        if self._cancelled(job):
            raise Cancelled

    def _abandon(self, job: IndexJob, state: str, error: str | None) -> None:
        """End a job that did not succeed; what it built is garbage, unless answers come from it."""
        with self._registry.write() as tx:
            index_jobs.end(tx, job.id, "cancelled" if state == "cancelled" else "failed", error=error)
            built = index_jobs.get(tx, job.id).generation
            active = generations.active(tx)
            if job.kind in ("rebuild", "reembed", "compact") and built and (active is None or built != active.id):
                generations.set_state(tx, built, "broken")


def target_of(rx: Connection, kind: IndexJobKind, generation_id: str | None) -> str:
    """Choose the generation that a switch or a roll-back goes to.

    Raises:
        NotAllowedError: There is none.
        NotFoundError: There is no such generation.
    """
    if generation_id is not None:
        found = generations.get(rx, generation_id)
        if found.state not in ("ready", "retired"):
            raise NotAllowedError(f"The generation {generation_id} is {found.state}; only a whole one can be used.")
        return found.id
    wanted = "ready" if kind == "switch" else "retired"
    candidates = [one for one in generations.list_all(rx) if one.state == wanted]
    if not candidates and kind == "switch":
        raise NotAllowedError("No generation waits to be switched to. Build one with `citewise index reembed`.")
    if not candidates:
        raise NotAllowedError("There is no former generation to go back to.")
    return max(candidates, key=lambda one: one.published_at or one.created_at).id
