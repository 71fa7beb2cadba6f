"""What becomes of SQLite's errors: ours, as sentences."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from citewise.errors import DamagedRegistryError, NoSpaceError, RegistryError


@contextmanager
def as_sentences(path: Path) -> Iterator[None]:
    """Turn errors of the database at ``path`` into ``RegistryError``s."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        raise _error(path, cause) from error


def is_damage(cause: BaseException) -> bool:
    """Whether an error of SQLite says that the file is damaged."""
    return _kind(cause) in ("CORRUPT", "NOTADB")


def _kind(cause: BaseException) -> str:
    """The family of an error, for example ``IOERR`` of ``SQLITE_IOERR_READ``."""
    return "".join(getattr(cause, "sqlite_errorname", "").split("_")[1:2])


def _error(path: Path, cause: BaseException) -> RegistryError:
    match _kind(cause):
        case "FULL":
            return NoSpaceError(directory=str(path.parent))
        case "READONLY" | "CANTOPEN" | "PERM":
            return RegistryError(
                f"The registry {path} cannot be written ({cause}). "
                "Make the directory writable, or choose another with CITEWISE_HOME."
            )
        case "BUSY" | "LOCKED":
            return RegistryError(f"The registry {path} is in use by another program. Close that program and try again.")
        case "CORRUPT" | "NOTADB":
            return DamagedRegistryError(path=str(path), what=str(cause))
    return RegistryError(f"The registry {path} could not be used ({cause}); nothing was written. Try again.")
