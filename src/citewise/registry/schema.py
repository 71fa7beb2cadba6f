"""Brings a database to the schema that this program knows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from citewise.errors import RegistryError

HEAD = "0007"
"""The newest migration; they are numbered, so that a newer one is recognised without knowing it."""


def migrate(connection: Connection) -> None:
    """Run the migrations that are missing, in the transaction of ``connection``, which must not enforce references.

    Raises:
        RegistryError: The schema is newer than this program, or a reference was lost on the way.
    """
    current = _current(connection)
    if current == HEAD:
        return
    if is_newer(current):
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
    if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise RegistryError(
            f"The registry could not be brought from schema {current} to {HEAD}: a row would refer to nothing. "
            "Nothing was changed; run `citewise doctor`."
        )


def is_newer(revision: str | None) -> bool:
    """Whether a schema is one that this program does not know yet."""
    return revision is not None and revision > HEAD


def revision_of(connection: sqlite3.Connection) -> str | None:
    """Return the schema of a database that is not open as a registry; ``None`` for one without."""
    with closing(connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'")) as cursor:
        if cursor.fetchone() is None:
            return None
    (number,) = connection.execute("SELECT version_num FROM alembic_version").fetchone() or (None,)
    return None if number is None else str(number)


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    number: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return number
