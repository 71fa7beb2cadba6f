"""``.citewiseignore``: what a folder keeps out of the library.

One pattern per line; blank lines and lines that begin with ``#`` say nothing. Patterns hold
for the folder that the file is in, and for those below it:

- ``notes.txt``: files and folders of that name, at any depth;
- ``/notes.txt`` or ``drafts/notes.txt``: with a slash, only that path from here;
- ``drafts/``: folders only, with all that is in them;
- ``*`` stands for any characters but a slash, ``?`` for one, ``**`` for slashes too.

A file that is named itself is read all the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

IGNORE_FILE = ".citewiseignore"

_WILDCARD = re.compile(r"\*\*/|\*\*|\*|\?")
_MEANING = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


@dataclass(frozen=True, slots=True)
class Ignored:
    """The patterns of one folder's file."""

    folder: Path
    files: re.Pattern[str]
    folders: re.Pattern[str]

    def passes_over(self, path: Path, *, is_folder: bool) -> bool:
        """Whether a file or folder below this one's folder is to be left alone."""
        relative = path.relative_to(self.folder).as_posix()
        return (self.folders if is_folder else self.files).fullmatch(relative) is not None


def read_ignore_file(folder: Path) -> Ignored | None:
    """Read a folder's file; ``None`` where it has none.

    Raises:
        OSError: It cannot be read.
    """
    try:
        lines = (folder / IGNORE_FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return None
    patterns = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    of_files = [_expression(pattern) for pattern in patterns if not pattern.endswith("/")]
    of_folders = [_expression(pattern.rstrip("/")) for pattern in patterns]
    return Ignored(folder, _any_of(of_files), _any_of(of_folders))


def _any_of(expressions: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(expressions) or r"(?!)", re.DOTALL)


def _expression(pattern: str) -> str:
    anywhere = "" if "/" in pattern else "(?:.*/)?"
    position, parts = 0, [anywhere]
    pattern = pattern.removeprefix("/")
    for found in _WILDCARD.finditer(pattern):
        parts += [re.escape(pattern[position : found.start()]), _MEANING[found[0]]]
        position = found.end()
    return "".join([*parts, re.escape(pattern[position:])])
