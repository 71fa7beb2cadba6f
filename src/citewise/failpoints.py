"""Named places where a test may end the process, to prove that nothing is lost there.

In the program itself reaching one does nothing. Each name stands in one place of the
source, and ``tests/faults`` kills the process at every one of them.
"""

from __future__ import annotations

from collections.abc import Callable


def _go_on(_name: str) -> None:
    pass


_reached: Callable[[str], None] = _go_on


def failpoint(name: str) -> None:
    """Mark a place, for example ``blob-renamed``: a crash right here must be harmless."""
    _reached(name)


def on_failpoint(reached: Callable[[str], None] | None) -> None:
    """Call ``reached`` with the name at every failpoint from now on; ``None`` ends that. For tests."""
    global _reached  # noqa: PLW0603 - the hook belongs to the process, as the crash does
    _reached = reached or _go_on
