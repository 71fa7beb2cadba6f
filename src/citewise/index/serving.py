"""Which indexes answer now. They are exchanged without a query noticing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from citewise.errors import StoreError
from citewise.index.generations import Indexes

_POLL_S = 0.2


@dataclass(slots=True)
class _Lent:
    """Indexes, who uses them, and what becomes of them after the last."""

    indexes: Indexes
    readers: int = 0
    replaced: bool = False
    afterwards: Callable[[], None] | None = None


class Serving:
    """Lends indexes to queries and to whoever writes. May be used from any thread.

    A query keeps what it was lent to its end, so that it never sees two generations.
    Replaced indexes are closed once the last query gave them back.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._current: _Lent | None = None
        self._open: list[_Lent] = []
        self._writing = threading.RLock()
        self._closed = False
        self._distrusted: Indexes | None = None

    @property
    def current(self) -> Indexes | None:
        """What answers now; ``None`` until something can."""
        lent = self._current
        return lent.indexes if lent else None

    def uses(self, generation_id: str) -> bool:
        """Whether indexes of that generation are open here."""
        with self._changed:
            return any(lent.indexes.generation == generation_id for lent in self._open)

    @contextmanager
    def lease(self) -> Iterator[Indexes]:
        """Lend the indexes for one query; waits until there are some.

        Raises:
            StoreError: The program ends.
        """
        with self._changed:
            while self._current is None and not self._closed:
                self._changed.wait()
            lent = self._current
            if lent is None:
                raise StoreError("Citewise is stopping. Start it again to ask questions.")
            lent.readers += 1
        try:
            yield lent.indexes
        finally:
            with self._changed:
                lent.readers -= 1
                last = lent.replaced and not lent.readers
            if last:
                self._let_go(lent)

    @contextmanager
    def writing(self, stopping: Callable[[], bool]) -> Iterator[Indexes]:
        """Lend the real indexes to the one who writes; waits while something stands in for them.

        Nobody else writes, and nothing is exchanged, until the block ends.

        Raises:
            StoreError: ``stopping`` said so, or the program ends.
        """
        while True:
            if not self._writing.acquire(timeout=_POLL_S):
                if stopping() or self._closed:
                    raise StoreError("The index cannot be written now: it is being checked, or Citewise is stopping.")
                continue
            try:
                indexes = self.current
                if indexes is not None and indexes.degraded is None and indexes is not self._distrusted:
                    with self.lease() as lent:
                        yield lent
                    return
            finally:
                self._writing.release()
            with self._changed:
                if stopping() or self._closed:
                    raise StoreError("The index cannot be written now: it is being checked, or Citewise is stopping.")
                self._changed.wait(_POLL_S)

    def distrust(self) -> None:
        """Let nobody write to the indexes that serve now: they failed, and are to be exchanged.

        After a failed commit Chroma keeps its own database locked, and the next call would wait a quarter of an hour.
        """
        self._distrusted = self.current

    @property
    def distrusted(self) -> bool:
        """Whether the indexes that serve now wait to be checked."""
        current = self.current
        return current is not None and current is self._distrusted

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Keep writers out, for an exchange."""
        with self._writing:
            yield

    def exchange(self, indexes: Indexes | None, *, afterwards: Callable[[], None] | None = None) -> None:
        """Answer from ``indexes`` from now on; ``None`` makes queries wait.

        Args:
            indexes: Open; they belong to this object now.
            afterwards: Called once the former ones are closed.
        """
        with self._changed:
            former = self._current
            self._current = None if indexes is None else _Lent(indexes)
            if self._current:
                self._open.append(self._current)
            if former:
                former.replaced = True
                former.afterwards = afterwards
            idle = former is not None and not former.readers
            self._changed.notify_all()
        if former and idle:
            self._let_go(former)
        elif former is None and afterwards:
            afterwards()

    def close(self) -> None:
        """Let nobody in any more and wait for those who are."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        gone = threading.Event()
        self.exchange(None, afterwards=gone.set)
        gone.wait()

    def _let_go(self, lent: _Lent) -> None:
        try:
            lent.indexes.close()
        finally:
            with self._changed:
                self._open.remove(lent)
            if lent.afterwards:
                lent.afterwards()
