"""Lives: processes that work on a data directory for a while and may be killed at any moment.

They are forked from one process that has imported everything (the standard library's fork
server), so that a life costs tenths of a second instead of seconds. Nothing is open in that
process: no thread of ours, no client, no file of a data directory.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[2]
PRELOADED = [
    "pytest",
    "alembic.command",
    "chromadb",
    "tantivy",
    "citewise.build",
    "tests.faults.oracle",
    "tests.faults.scripts",
    "tests.faults.preloaded",
]


@dataclass(frozen=True)
class Place:
    """Where lives take place: a data directory, and beside it what must outlast them."""

    root: Path

    @property
    def home(self) -> Path:
        return self.root / "data"

    @property
    def ledger(self) -> Path:
        return self.root / "ledger.jsonl"

    @property
    def log(self) -> Path:
        return self.root / "log.txt"


class LifeFailedError(Exception):
    """A life ended in another way than it should have; its last words are the message."""


class Life:
    """One process, from its start to its end."""

    def __init__(self, process: Any, words: Connection, place: Place) -> None:
        self._process = process
        self._words = words
        self._place = place

    @property
    def pid(self) -> int:
        return int(self._process.pid)

    @property
    def ended(self) -> bool:
        return not self._process.is_alive()

    def kill(self) -> None:
        """``kill -9``, and wait until it is gone; nothing happens to one that ended already."""
        self._process.kill()
        self._process.join()

    def result(self, timeout_s: float = 240) -> Any:
        """Wait for the end and return what the work returned.

        Raises:
            LifeFailedError: It raised, died, or took too long (then it is killed).
        """
        try:
            if not self._words.poll(timeout_s):
                raise LifeFailedError(f"it went on for more than {timeout_s:g} s\n{self.last_lines()}")
            kind, value = self._words.recv()
        except EOFError:
            self._process.join()
            raise LifeFailedError(f"it died with status {self._process.exitcode}\n{self.last_lines()}") from None
        finally:
            if self._process.is_alive():
                self._process.join(10)
            self.kill()
        if kind == "raised":
            raise LifeFailedError(value)
        return value

    def killed_itself(self, timeout_s: float = 240) -> bool:
        """Wait for the end; whether it came by ``kill -9``, as at a failpoint."""
        self._process.join(timeout_s)
        if self._process.is_alive():
            self.kill()
            raise LifeFailedError(f"it went on for more than {timeout_s:g} s\n{self.last_lines()}")
        return self._process.exitcode == -signal.SIGKILL

    def last_lines(self) -> str:
        """The end of the log of this place."""
        try:
            lines = self._place.log.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return "\n".join(lines[-40:])


@dataclass(frozen=True)
class Fate:
    """At the how-many-eth reaching of which failpoint a life ends."""

    failpoint: str
    occurrence: int = 1


class Lives:
    """Starts lives.

    Args:
        shim: A library that every life is started with (``LD_PRELOAD``), if there is one.
    """

    def __init__(self, shim: Path | None = None) -> None:
        self.shimmed = shim is not None
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(PRELOADED)
        # The server reads its environment once; nothing else of this process may get the shim.
        added = {"PYTHONPATH": os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(CHECKOUT)]))}
        if shim:
            added["LD_PRELOAD"] = str(shim)
        before = {name: os.environ.get(name) for name in added}
        os.environ.update(added)
        try:
            forkserver.ensure_running()
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    def start(self, work: Callable[..., Any], place: Place, *arguments: Any, fate: Fate | None = None) -> Life:
        """Begin a life that does ``work(place, *arguments)``; a ``fate`` ends it at a failpoint."""
        place.root.mkdir(parents=True, exist_ok=True)
        here, there = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_live, args=(there, work, place, arguments, fate), daemon=True)
        process.start()
        there.close()
        return Life(process, here, place)

    def run(self, work: Callable[..., Any], place: Place, *arguments: Any, timeout_s: float = 240) -> Any:
        """Do ``work(place, *arguments)`` in a life of its own and return what it returned."""
        return self.start(work, place, *arguments).result(timeout_s)


def _live(words: Connection, work: Callable[..., Any], place: Place, arguments: Any, fate: Fate | None) -> None:
    log = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    sys.stdout.flush()
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    faulthandler.enable(file=2)
    if fate:
        meet(fate)
    try:
        said = ("returned", work(place, *arguments))
    except BaseException:  # noqa: BLE001 - whatever it was is told to the test
        said = ("raised", traceback.format_exc())
    words.send(said)


def meet(fate: Fate) -> None:
    """Kill this process when it gets to the failpoint."""
    from citewise.failpoints import on_failpoint  # noqa: PLC0415 - the test process needs nothing of Citewise

    counts: Counter[str] = Counter()

    def reached(name: str) -> None:
        counts[name] += 1
        if name == fate.failpoint and counts[name] == fate.occurrence:
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)  # the signal is on its way

    on_failpoint(reached)
