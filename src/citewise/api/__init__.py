"""The REST API.

``create_app`` makes the application that is mounted at ``/api``; ``health_routes`` gives the
routes beside it. ``citewise.api.wire`` holds the shapes of everything that leaves as JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from citewise.api.app import create_app
    from citewise.api.health import health_routes

__all__ = ["create_app", "health_routes"]


def __getattr__(name: str) -> Any:
    # The command line needs only `wire`; loading FastAPI would add a third of a second to it.
    if name == "create_app":
        from citewise.api.app import create_app  # noqa: PLC0415

        return create_app
    if name == "health_routes":
        from citewise.api.health import health_routes  # noqa: PLC0415

        return health_routes
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
