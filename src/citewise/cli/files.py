"""What ``citewise add`` takes in: files, folders and lines of records."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from citewise.errors import IngestError
from citewise.ingest.parse import FORMATS, SUPPORTED
from citewise.types import Upload


@dataclass(frozen=True, slots=True)
class Found:
    """A file on its way in; with a ``reason`` it is passed over."""

    path: Path
    source: str
    reason: str | None = None


def find_files(paths: Sequence[Path]) -> list[Found]:
    """List the files of the command line, those of folders in order of name.

    In folders, hidden files and links are passed over silently, files of other types with
    a reason: somebody who names a file wants it read, somebody who names a folder wants
    what can be read of it.

    Raises:
        IngestError: Two files would have the same source.
    """
    found = [one for path in paths for one in (_walk(path) if path.is_dir() else [Found(path, path.name)])]
    seen: dict[str, Path] = {}
    for one in found:
        other = seen.setdefault(one.source, one.path)
        if other is not one.path:
            raise IngestError(
                f"{other} and {one.path} would both be called {one.source}, and one replace the other. "
                "Add them in two collections, or add the folder that holds both."
            )
    return found


def _walk(root: Path) -> Iterator[Found]:
    readable = {extension for entry in FORMATS for extension in entry.extensions}
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            if name.startswith(".") or path.is_symlink() or not path.is_file():
                continue
            source = path.relative_to(root).as_posix()
            reason = None
            if PurePosixPath(name).suffix.lower() not in readable:
                reason = f"In folders only {SUPPORTED} are read. Name this file itself to try it."
            yield Found(path, source, reason)


def read_lines(path: Path) -> Iterator[Upload | tuple[str, str]]:
    """Yield the records of a JSONL file; for a line that is none, what to call it and why."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _record(line, f"{path.name}:{number}")


def _record(line: str, name: str) -> Upload | tuple[str, str]:
    try:
        record = json.loads(line)
    except ValueError as error:
        return name, f"The line is not JSON ({error})."
    if not isinstance(record, dict) or not isinstance(record.get("text"), str) or not str(record.get("_id") or ""):
        return name, 'The line is not a record: {"_id": …, "text": …}, and if need be "title" and "metadata".'
    metadata = record.get("metadata") or {}
    if not isinstance(metadata, dict):
        return name, "The record's metadata is not a JSON object."
    return Upload(
        source=str(record["_id"]),
        text=record["text"],
        title=str(record["title"]) if record.get("title") else None,
        metadata=metadata,
    )
