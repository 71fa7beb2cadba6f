"""A line that tells how far a long command is, where a person watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from citewise.cli import output

Show = Callable[[str, int, int | None], None]
"""Told ``(what goes on, done, total)``; ``None``: the total is not known."""


@contextmanager
def progress() -> Iterator[Show]:
    """Give a function that shows progress on standard error, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _what, _done, _total: None
        return
    from rich.console import Console  # noqa: PLC0415 - only where a person watches
    from rich.markup import escape  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(what: str, done: int, total: int | None) -> None:
            if done < bar.tasks[0].completed:  # another step: its pace is its own
                bar.reset(task)
            bar.update(task, description=escape(output.plain(what)), completed=done, total=total)

        yield show
