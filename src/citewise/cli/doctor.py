"""``citewise doctor``: is everything here that the program needs?"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from citewise.cli import options, output
from citewise.cli.directory import Check, check_directory, check_place
from citewise.cli.session import health_of, prepare
from citewise.errors import CitewiseError

if TYPE_CHECKING:
    from citewise.engine import Engine
    from citewise.settings import Settings

OLDEST_PYTHON = (3, 11)
OLDEST_SQLITE = (3, 35, 0)  # RETURNING
SAFE_WAL = (3, 51, 3)  # older ones can lose a committed write when a checkpoint races it


def doctor(
    *,
    as_json: options.AsJson = False,
    server: options.Server = None,
    patience: Annotated[
        float, typer.Option("--patience", metavar="SECONDS", help="How long the language model may take to load.")
    ] = 120,
) -> None:
    """Check that everything is here and works; say what to do where not."""
    checks = list(_of_server(server) if server else _of_machine(patience))
    ok = all(check.ok for check in checks)
    if as_json:
        output.document({"ok": ok, "checks": [asdict(check) for check in checks]})
    else:
        output.table(
            ["", "check", "what was found"], [["ok" if one.ok else "problem", one.name, one.detail] for one in checks]
        )
    if not ok:
        output.note("There are problems; each line says what to do.")
        raise typer.Exit(1)


def _of_server(server: str) -> Iterator[Check]:
    health = health_of(server)
    for name, said in health.checks.items():
        yield Check(name, said == "ok", said)
    if health.embedding:
        yield Check("embeds with", True, health.embedding)
    yield Check("ready", health.ready, " ".join(health.degraded) or ("yes" if health.ready else "not yet"))


def _of_machine(patience: float) -> Iterator[Check]:
    yield _python()
    yield _sqlite()
    try:
        settings = prepare()
    except CitewiseError as error:
        yield Check("settings", False, str(error))
        return
    yield from check_place(settings)
    whole = True
    for check in _of_directory(settings):
        whole = whole and (check.ok or check.name not in ("lock", "registry", "journal"))
        yield check
    if whole:  # else there is nothing to open
        yield from _of_engine(settings, patience)


def _python() -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    wanted = ".".join(map(str, OLDEST_PYTHON))
    ok = sys.version_info >= OLDEST_PYTHON
    return Check("Python", ok, found if ok else f"{found} is too old. Install {wanted} or newer.")


def _sqlite() -> Check:
    found = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        return Check("SQLite", False, f"{found} is too old. Use a Python that is linked with 3.35 or newer.")
    journal = "with" if sqlite3.sqlite_version_info >= SAFE_WAL else "without"
    return Check("SQLite", True, f"{found}, used {journal} write-ahead log")


def _of_directory(settings: Settings) -> Iterator[Check]:
    from citewise.registry.owner import OwnerLock  # noqa: PLC0415

    try:
        lock = OwnerLock(settings.home)
    except CitewiseError as error:
        yield Check("lock", False, str(error))
        return
    try:
        yield Check("lock", True, "no other process has the directory")
        if lock.unclean:
            yield Check("last end", True, "Citewise was killed or the machine went down; what that left is checked.")
        try:
            yield from check_directory(settings.home)
        except CitewiseError as error:
            yield Check("registry", False, str(error))
    finally:
        lock.release()


def _of_engine(settings: Settings, patience: float) -> Iterator[Check]:
    from citewise.build import open_engine  # noqa: PLC0415

    try:
        engine = open_engine(settings)
    except CitewiseError as error:
        yield Check("engine", False, str(error))
        return
    try:
        yield from _of_health(engine, patience)
    finally:
        engine.close()


def _of_health(engine: Engine, patience: float) -> Iterator[Check]:
    until = time.monotonic() + patience
    while not (health := engine.health()).ready and health.embedder == "loading" and time.monotonic() < until:
        time.sleep(0.05)
    for name, said in health.checks.items():
        if name != "registry":  # which was looked at already, and better
            yield Check(name, said == "ok", said)
    if health.embedding:
        yield Check("embeds with", True, health.embedding)
    usable = [model.name for model in engine.models() if model.available]
    yield Check("answers by", bool(usable), ", ".join(usable) or "No model is usable. Set OPENAI_API_KEY, or another.")
