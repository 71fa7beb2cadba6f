"""Which files of a folder are documents."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from citewise.errors import IngestError
from citewise.ingest.ignore import Ignored, read_ignore_file
from citewise.ingest.parse import FORMATS, SUPPORTED

PASSED_OVER = (".", "~$")
"""How names begin that are nobody's document: hidden files, and what Office keeps beside an open one.

Other editors' temporary files have endings of their own, which are of no known type.
"""

_READABLE = {extension for entry in FORMATS for extension in entry.extensions}


@dataclass(frozen=True, slots=True)
class Found:
    """A file on its way in; with a ``reason`` it is passed over."""

    path: Path
    source: str
    reason: str | None = None


def find_files(paths: Sequence[Path]) -> list[Found]:
    """List files and the files of folders, those of folders in order of name.

    In folders, hidden files, links and what a ``.citewiseignore`` names are passed over
    silently, files of other types with a reason: somebody who names a file wants it read,
    somebody who names a folder wants what can be read of it.

    Raises:
        IngestError: Two files would have the same source.
    """
    found = [one for path in paths for one in (walk(path) if path.is_dir() else [Found(path, path.name)])]
    seen: dict[str, Path] = {}
    for one in found:
        other = seen.setdefault(one.source, one.path)
        if other is not one.path:
            raise IngestError(
                f"{other} and {one.path} would both be called {one.source}, and one replace the other. "
                "Add them in two collections, or add the folder that holds both."
            )
    return found


def walk(root: Path, *, on_error: Callable[[OSError], None] = lambda _: None) -> Iterator[Found]:
    """Yield the files of a folder and of those below it; links are not followed.

    Args:
        root: The folder.
        on_error: Gets the error, with its ``filename``, for each folder that cannot be listed.
    """
    folders: list[tuple[Path, tuple[Ignored, ...]]] = [(root, ())]
    while folders:
        folder, ignored = folders.pop()
        try:
            own = read_ignore_file(folder)
            ignored = (*ignored, own) if own else ignored
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
            below = [entry for entry in entries if not entry.name.startswith(PASSED_OVER)]
            files = [folder / entry.name for entry in below if entry.is_file(follow_symlinks=False)]
            inner = [folder / entry.name for entry in below if entry.is_dir(follow_symlinks=False)]
        except OSError as error:
            error.filename = str(folder)
            on_error(error)
            continue
        for path in files:
            if any(each.passes_over(path, is_folder=False) for each in ignored):
                continue
            reason = None
            if path.suffix.lower() not in _READABLE:
                reason = f"In folders only {SUPPORTED} are read. Name this file itself to try it."
            yield Found(path, path.relative_to(root).as_posix(), reason)
        kept = [path for path in inner if not any(each.passes_over(path, is_folder=True) for each in ignored)]
        folders.extend((path, ignored) for path in reversed(kept))
