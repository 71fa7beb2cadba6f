"""Answers as jobs: each runs in a thread of its own and is stored as it grows.

Nobody who watches owns the answer: pages reload, connections drop, and it goes on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import structlog

from citewise.errors import CitewiseError
from citewise.observe.metrics import metrics
from citewise.registry import quotes, turns
from citewise.registry.database import Registry
from citewise.types import Answer, SearchResult, Turn

log = structlog.get_logger(__name__)

SAVE_S = 0.25
"""Seconds between two saves of a growing text: the most that a kill can cost of it."""

AT_ONCE = 8
"""Answers written at the same time; further ones wait."""


class Progress:
    """What the work behind one answer reports to, and asks whether to go on."""

    def __init__(self, turn: Turn, registry: Registry, changed: threading.Condition) -> None:
        self._turn = turn
        self._registry = registry
        self._changed = changed
        self._stop = threading.Event()
        self._saved_at = 0.0

    @property
    def turn(self) -> Turn:
        return self._turn

    def cancelled(self) -> bool:
        return self._stop.is_set()

    def cancel(self) -> None:
        self._stop.set()

    def step(self, name: str) -> None:
        """Say what goes on now."""
        self._show(replace(self._turn, step=name))
        self._save()

    def found(self, result: SearchResult) -> None:
        """Say what the search found; the reading of it goes on now."""
        answer = replace(self._turn.answer, contexts=result.hits)
        turn = replace(
            self._turn,
            step="reading",
            standalone_question=result.standalone_question,
            answer=answer,
            asked_before=result.asked_before,
        )
        self._show(turn)
        self._save()

    def text(self, text: str) -> None:
        """Give the whole text so far."""
        answer = replace(self._turn.answer, text=text)
        self._show(replace(self._turn, answer=answer, step="writing"))
        if time.monotonic() - self._saved_at >= SAVE_S:
            self._save()

    def finish(self, answer: Answer) -> None:
        """Store the whole answer, then show it; raises ``RegistryError`` when it cannot be stored.

        Nobody sees an end that a crash could still take back. An answer that cannot be stored is shown
        all the same. What a document said that was erased meanwhile is neither stored nor shown.
        """
        try:
            with self._registry.write() as tx:
                answer = quotes.without_erased(tx, answer)
                turns.finish(tx, self._turn.id, answer)
        finally:
            self._show(replace(self._turn, answer=answer, step=""))

    def _show(self, turn: Turn) -> None:
        self._turn = turn
        with self._changed:
            self._changed.notify_all()

    def _save(self) -> None:
        self._saved_at = time.monotonic()
        turn = self._turn
        try:
            with self._registry.write() as tx:
                turns.save_text(
                    tx,
                    turn.id,
                    text=turn.answer.text,
                    step=turn.step,
                    standalone_question=turn.standalone_question,
                )
        except CitewiseError:
            # A full disk must not end an answer that somebody reads; the next save may succeed.
            log.exception("answer so far not stored", turn_id=turn.id)


class AnswerRunner:
    """Runs answers in the background."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._changed = threading.Condition()
        self._running: dict[str, Progress] = {}
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="answer")
        self._closing = False

    def start(self) -> None:
        """End what an earlier process left unfinished: its text is kept, labelled ``cut``."""
        with self._registry.write() as tx:
            turns.cut_running(tx)

    def close(self) -> None:
        """End running answers as ``cut`` and wait for them."""
        self._closing = True
        for progress in list(self._running.values()):
            progress.cancel()
        self._pool.shutdown(wait=True)

    def submit(self, turn: Turn, work: Callable[[Progress], Answer]) -> None:
        """Start the answer of a stored, running turn."""
        progress = Progress(turn, self._registry, self._changed)
        self._running[turn.id] = progress
        self._pool.submit(self._run, progress, work)

    def turn(self, turn_id: str) -> Turn:
        """A turn as it is now. Raises ``NotFoundError``."""
        progress = self._running.get(turn_id)
        if progress:
            return progress.turn
        with self._registry.read() as rx:
            return turns.get(rx, turn_id)

    def watch(self, turn_id: str, *, poll_s: float) -> Iterator[Turn]:
        """Yield the turn whenever it changed, at most every ``poll_s`` seconds, the last one finished."""
        shown: Turn | None = None
        while True:
            turn = self.turn(turn_id)
            if turn != shown:
                shown = turn
                yield turn
            if turn.answer.status != "running":
                return
            time.sleep(poll_s)
            with self._changed:
                if self.turn(turn_id) is shown:
                    self._changed.wait(0.5)

    def stop(self, turn_id: str) -> None:
        """Ask a running answer to end; nothing happens to a finished one."""
        progress = self._running.get(turn_id)
        if progress:
            progress.cancel()

    def _run(self, progress: Progress, work: Callable[[Progress], Answer]) -> None:
        turn_id = progress.turn.id
        started = time.perf_counter()
        try:
            with metrics().job("answer"):
                answer = work(progress)
        except CitewiseError as error:
            answer = self._broken(progress, str(error))
        except Exception:
            log.exception("answer failed", turn_id=turn_id)
            answer = self._broken(progress, "Something went wrong while answering; the log has the details.")
        if answer.status == "cancelled" and self._closing:
            answer = replace(answer, status="cut")
        try:
            progress.finish(answer)
            del self._running[turn_id]
        except CitewiseError:
            # Disk full, say: it stays readable here until the program ends; the next start labels it `cut`.
            log.exception("answer not stored", turn_id=turn_id)
        metrics().answer_ended(
            answer.status,
            timings_ms={"total": (time.perf_counter() - started) * 1000},
            input_tokens=answer.usage.input_tokens,
            output_tokens=answer.usage.output_tokens,
        )

    @staticmethod
    def _broken(progress: Progress, sentence: str) -> Answer:
        return replace(progress.turn.answer, status="error", error=sentence)
