"""``citewise serve``."""

from __future__ import annotations

from typing import Annotated

import typer

from citewise.cli.session import prepare_to_serve


def serve(
    *,
    host: Annotated[str | None, typer.Option("--host", metavar="H", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, metavar="P", help="TCP port.")] = None,
) -> None:
    """Serve the app, its API and its metrics, until stopped."""
    settings = prepare_to_serve()
    from citewise.ui.serve import run  # noqa: PLC0415 - Streamlit takes a second to load

    run(host=host or settings.serve.host, port=port or settings.serve.port)
