"""A seal on the files of a generation: what they were when the program ended well.

A start that finds the seal whole may trust the files without asking each chunk. Where it
is missing (a crash) or does not fit (damage), they have to be verified.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Literal

_SEAL = "sealed.json"
_PIECE = 1 << 20


def seal(folder: Path) -> None:
    """Write down the size and hash of every file; nothing may have the files open."""
    temporary = folder / f"{_SEAL}.tmp"
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(_files(folder), file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / _SEAL)


def state(folder: Path) -> Literal["whole", "absent", "broken"]:
    """How the seal is. Reads all files, about 1 GB a second.

    ``absent`` means that the program did not end well; ``broken`` that something changed the
    files after it ended well, which only damage does.
    """
    try:
        written = (folder / _SEAL).read_text(encoding="utf-8")
    except FileNotFoundError:
        return "absent"
    except (OSError, ValueError):
        return "broken"
    try:
        return "whole" if json.loads(written) == _files(folder) else "broken"
    except (OSError, ValueError):
        return "broken"


def unseal(folder: Path) -> None:
    """Take the seal off, before anything opens the files."""
    (folder / _SEAL).unlink(missing_ok=True)


def _files(folder: Path) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith(_SEAL) and not path.name.endswith(".lock"):
            found[path.relative_to(folder).as_posix()] = [path.stat().st_size, _hash(path)]
    return found


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
