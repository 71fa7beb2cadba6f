"""``citewise serve``."""

from __future__ import annotations

from typing import Annotated

import typer


def serve(
    *,
    host: Annotated[str | None, typer.Option("--host", metavar="H", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, metavar="P", help="TCP port.")] = None,
) -> None:
    """Serve the app, its API and its metrics, until stopped."""
    from citewise.serve import run  # noqa: PLC0415 - Streamlit takes a second to load
    from citewise.settings import load_settings  # noqa: PLC0415

    settings = load_settings()

    run(host=host or settings.serve.host, port=port or settings.serve.port)
