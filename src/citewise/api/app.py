"""The REST API as one application, to be mounted at ``/api``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from citewise import __version__
from citewise.api import backup, documents, exports, folders, index, questions, turns
from citewise.api.docs import render_docs
from citewise.api.errors import install_error_handlers
from citewise.api.guard import Guard
from citewise.engine import Engine


def create_app(
    get_engine: Callable[[], Engine],
    *,
    allowed_hosts: Sequence[str] = (),
) -> FastAPI:
    """Make the API over the engine of this process.

    Args:
        get_engine: Called by every request; may raise a ``CitewiseError``, whose sentence
            and status the caller then gets.
        allowed_hosts: Names under which the server may be addressed, see ``Guard``.
    """
    app = FastAPI(
        title="Citewise",
        version=__version__,
        description="Ask questions of your own documents and check every sentence of the answer.",
        docs_url=None,  # FastAPI's own page loads scripts from another host
        redoc_url=None,
    )
    app.state.get_engine = get_engine
    app.include_router(documents.router)
    app.include_router(folders.router)
    app.include_router(questions.router)
    app.include_router(turns.router)
    app.include_router(exports.router)
    app.include_router(index.router)
    app.include_router(backup.router)
    app.add_middleware(Guard, allowed_hosts=allowed_hosts)
    install_error_handlers(app)

    @app.get("/docs", include_in_schema=False)
    def docs(request: Request) -> HTMLResponse:
        return HTMLResponse(render_docs(app.openapi(), root=request.scope.get("root_path", "").rstrip("/")))

    return app
