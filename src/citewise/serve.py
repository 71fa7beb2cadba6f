"""One process, one port: the pages, the API under ``/api``, and the health and metrics routes.

``app.py`` builds the app for ``streamlit run app.py``; ``run`` does the same for
``citewise serve``, from an installed package too.
"""

from __future__ import annotations

import os
import socket
import sys
import tomllib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn

import streamlit as st
from anyio import to_thread
from starlette.routing import BaseRoute, Mount

from citewise.api import create_app, health_routes
from citewise.build import open_engine
from citewise.errors import CitewiseError, DirectoryInUseError
from citewise.observe.logs import configure_logging
from citewise.settings import load_settings
from citewise.ui import state
from citewise.ui.failures import show_failure

SCRIPT = Path(__file__).parent / "ui" / "main.py"
CONFIG = Path(__file__).parent / "ui" / "config.toml"
EXIT_FAILED = 1
EXIT_IN_USE = 75


def routes() -> list[BaseRoute]:
    """Everything that is served besides the pages."""
    _keep_import_path_still()
    return [
        Mount("/api", app=create_app(state.engine, allowed_hosts=st.get_option("server.allowedHosts"))),
        *health_routes(state.engine),
    ]


def _keep_import_path_still() -> None:
    """Put the folder of the pages on the import path for good.

    Streamlit puts it there for each run of a page and takes it away again. While another
    thread imports, which walks along that list, the change makes it step over a folder:
    once in a while an installed library "does not exist".
    """
    folder = str(SCRIPT.parent.absolute())
    if folder not in sys.path:
        sys.path.append(folder)


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Open the engine before the first request, and close it after the last."""
    try:
        settings = load_settings()
        configure_logging(level=settings.log_level, secrets=settings.secrets())
        engine = await to_thread.run_sync(open_engine, settings)
    except CitewiseError as error:
        # Raised from here, any exception (SystemExit included) would end as uvicorn's
        # traceback and exit code 3; nothing is open yet that would have to be closed.
        _leave(error)
    engine.announce(url())
    state.set_engine(engine)
    try:
        yield
    finally:
        state.set_engine(None)
        await to_thread.run_sync(engine.close)


def url() -> str:
    """The address at which this process is reached."""
    host = st.get_option("server.address") or "127.0.0.1"
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://{host}:{st.get_option('server.port')}"


def build_app() -> st.App:
    """The app with its pages, routes and engine, not started yet."""
    return st.App(SCRIPT, lifespan=lifespan, routes=routes(), on_script_error=show_failure)


def run(*, host: str = "127.0.0.1", port: int = 8501) -> None:
    """Serve until stopped.

    Raises:
        SystemExit: 1 with a sentence on standard error when the port cannot be had,
            75 when another process owns the data directory.
    """
    reason = _unusable(host, port)
    if reason:
        print(reason, file=sys.stderr)  # noqa: T201 - the one sentence that a failed start owes
        raise SystemExit(EXIT_FAILED)
    build_app().run(config={**_options(), "server.address": host, "server.port": port})


def _options() -> dict[str, Any]:
    """The packaged configuration as dotted options; a ``.streamlit`` folder would only be found from some folders."""

    def flat(table: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        options: dict[str, Any] = {}
        for name, value in table.items():
            if isinstance(value, Mapping):
                options.update(flat(value, f"{prefix}{name}."))
            else:
                options[f"{prefix}{name}"] = value
        return options

    return flat(tomllib.loads(CONFIG.read_text(encoding="utf-8")), "")


def _unusable(host: str, port: int) -> str | None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        why = error.strerror or str(error)
        return f"Citewise cannot listen on {host}:{port}: {why.lower()}. Choose another --port, or stop what uses it."
    return None


def _leave(error: CitewiseError) -> NoReturn:
    print(error, file=sys.stderr, flush=True)  # noqa: T201 - the one sentence that a failed start owes
    os._exit(EXIT_IN_USE if isinstance(error, DirectoryInUseError) else EXIT_FAILED)
