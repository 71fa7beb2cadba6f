"""What is known of the registry from outside it: how many commits it has had, and how it was left.

SQLite recovers from a log that was cut off or lost as if the missing transactions had
never been, and cannot see that pages were exchanged under it. So the number of the last
commit is kept beside the file too. It is written after the commit and without waiting for
the disk, so it may lag behind but never runs ahead: a registry with fewer commits than its
mark has lost some.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from citewise.registry.journal import journal_of

CHECK_EVERY_S = 86_400
"""A registry that was closed properly is trusted without a look for that long."""

MOST_COMMITS = 2**31 - 1
"""What ``PRAGMA user_version`` can hold; there the count stops."""

_LENGTH = 256  # bytes; one write within one sector of the disk


@dataclass(slots=True)
class _Known:
    commits: int = 0
    writing: bool = False  # whether a transaction has begun and not ended
    checked_at: float = 0.0  # when the registry was last found whole
    size: int | None = None  # of the file as it was left; None while it is in use
    mtime_ns: int | None = None


class Mark:
    """The mark of one registry. Not for several threads at once."""

    def __init__(self, registry: Path) -> None:
        self._registry = registry
        self.path = registry.with_name("registry.mark")
        self._known = _read(self.path)

    @property
    def commits(self) -> int:
        """How many commits the registry has had at least; 0 where that is not known."""
        return self._known.commits

    @property
    def lacks_journal(self) -> bool:
        """Whether a transaction was cut off and nothing is there that could undo what it had written.

        Mostly there was nothing to undo. It is the same when the journal went missing.
        """
        return self._known.writing and not self._has_journal()

    def is_as_left(self) -> bool:
        """Whether nobody touched the registry since it was closed, which was not long ago."""
        if self._known.writing or self._has_journal():
            return False
        return (
            _size_and_time(self._registry) == (self._known.size, self._known.mtime_ns)
            and 0 <= time.time() - self._known.checked_at < CHECK_EVERY_S
        )

    def found_whole(self) -> None:
        """Note that the registry was checked just now."""
        self._known.checked_at = time.time()

    def begun(self) -> None:
        """Note that a transaction begins."""
        self._known.writing = True
        self._write()

    def ended(self, commits: int | None) -> None:
        """Note that it has ended, and how many commits there are now; ``None`` when it changed nothing."""
        self._known.writing = False
        if commits is not None:
            self._known.commits, self._known.size, self._known.mtime_ns = commits, None, None
        self._write()

    def left(self) -> None:
        """Note how the registry is left; after it was closed."""
        self._known.size, self._known.mtime_ns = _size_and_time(self._registry)
        self._write()

    def _has_journal(self) -> bool:
        return _has_content(journal_of(self._registry)) or _has_content(log_of(self._registry))

    def _write(self) -> None:
        text = json.dumps(asdict(self._known)).ljust(_LENGTH - 1) + "\n"
        with suppress(OSError):  # what it guards is stored; an old mark only guards less
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, text.encode("ascii"))
            finally:
                os.close(descriptor)


def log_of(registry: Path) -> Path:
    """Return where the write-ahead log of a database is, if it has one."""
    return registry.with_name(f"{registry.name}-wal")


def _read(path: Path) -> _Known:
    try:
        return _Known(**json.loads(path.read_text(encoding="ascii")))
    except (OSError, ValueError, TypeError):  # there is none yet, or it cannot be relied upon
        return _Known()


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _size_and_time(path: Path) -> tuple[int | None, int | None]:
    try:
        found = path.stat()
    except OSError:
        return None, None
    return found.st_size, found.st_mtime_ns
