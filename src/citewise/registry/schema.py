"""Brings a database to the schema that this program knows."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from citewise.errors import RegistryError

HEAD = "0001"
"""The newest migration; they are numbered, so that a newer one is recognised without knowing it."""


def migrate(connection: Connection) -> None:
    """Run the migrations that are missing, in the transaction of ``connection``.

    Raises:
        RegistryError: The schema is newer than this program.
    """
    current = _current(connection)
    if current == HEAD:
        return
    if current is not None and current > HEAD:
        raise RegistryError(
            f"The data directory was written by a newer version of Citewise (schema {current}; this version knows "
            f"{HEAD}). Upgrade Citewise to open it; nothing was changed."
        )
    # Here, because most starts have nothing to migrate and Alembic takes a while to import.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, HEAD)


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    number: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return number
