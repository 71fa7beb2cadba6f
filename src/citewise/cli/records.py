"""The lines of records that ``citewise add --jsonl`` takes in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from citewise.types import Upload


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
