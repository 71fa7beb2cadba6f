"""Routes for whoever watches over the process."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from citewise.api import wire
from citewise.engine import Engine
from citewise.errors import CitewiseError
from citewise.observe.metrics import CONTENT_TYPE, metrics


def health_routes(get_engine: Callable[[], Engine]) -> list[BaseRoute]:
    """Routes ``/health/live``, ``/health/ready`` and ``/metrics``, for the root of the server.

    Args:
        get_engine: Gives the engine of this process, or raises a ``CitewiseError`` that
            says why there is none.
    """

    def live(_: Request) -> JSONResponse:
        return JSONResponse({"live": True})

    def ready(_: Request) -> JSONResponse:
        try:
            health = wire.health_json(get_engine().health())
        except CitewiseError as error:
            health = {"ready": False, "embedder": "loading", "checks": {"engine": str(error)}, "degraded": []}
        return JSONResponse(health, status_code=200 if health["ready"] else 503)

    def figures(_: Request) -> Response:
        return Response(metrics().render(), media_type=CONTENT_TYPE)

    return [
        Route("/health/live", live, methods=["GET"]),
        Route("/health/ready", ready, methods=["GET"]),
        Route("/metrics", figures, methods=["GET"]),
    ]
