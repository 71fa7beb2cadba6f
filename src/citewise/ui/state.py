"""The one engine of this process, shared by the pages, the API and the health routes.

A plain module-level holder and not ``st.cache_resource``: the API needs it too, and it
must be closed when the server stops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from citewise.errors import RegistryError

if TYPE_CHECKING:  # its imports take a second that the first page should not wait for
    from citewise.engine import Engine

_engine: Engine | None = None


def set_engine(engine: Engine | None) -> None:
    """Make ``engine`` the one that every page and route uses; ``None`` when it was closed."""
    global _engine  # noqa: PLW0603 - one process owns one engine, that is the point
    _engine = engine


def engine() -> Engine:
    """Return the engine of this process.

    Raises:
        RegistryError: The app is starting or stopping.
    """
    if _engine is None:
        raise RegistryError("Citewise is starting or stopping. Try again in a moment.")
    return _engine
