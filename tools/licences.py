"""Check that everything in the lock files has a permissive licence.

``python -m tools.licences`` fails, naming the package, where a licence is neither on the
list nor excepted with a reason.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
from pathlib import Path
from typing import Protocol

from tools.lock import DEVELOPMENT_LOCK, RUNTIME_LOCK

# Each pattern is matched against the whole name of one licence, in lower case.
PERMITTED = tuple(
    re.compile(pattern)
    for pattern in (
        r"mit( license)?|mit-cmu|mit-0",
        r"(new |simplified )?bsd( license)?|bsd[- ][23][- ]clause|[23]-clause bsd license|0bsd",
        r"apache([- ]2\.0)?( license)?|apache (software )?license(,? (version )?2\.0)?|llvm-exception",
        r"isc( license \(iscl\))?",
        r"(python software foundation|psf)( license)?|psf-2\.0|python-2\.0|cnri-python",
        # Weak copyleft of single files, which we neither change nor copy.
        r"mpl-2\.0|mozilla public license 2\.0 \(mpl 2\.0\)",
        r"zlib|bsl-1\.0|cc0-1\.0|unlicense|the unlicense \(unlicense\)|hpnd",
    )
)

EXCEPTIONS = {
    "pypdfium2": "BSD-3-Clause and Apache-2.0; 'dependency licenses' are those of PDFium's parts, all permissive",
}

_NO_LICENCE = {"OSI Approved", "DFSG approved"}  # classifiers that name none


class Metadata(Protocol):
    """The part of ``importlib.metadata.PackageMetadata`` that is read here."""

    def get_all(self, name: str, /) -> list[str] | None: ...


def licences(metadata: Metadata) -> list[str]:
    """Return the names of all licences that a distribution declares, alternatives included; empty for none."""
    if expression := _first(metadata, "License-Expression"):
        return _split(expression)
    classifiers = [
        text.rpartition(" :: ")[2] for text in metadata.get_all("Classifier") or () if text.startswith("License ::")
    ]
    if named := [name for name in classifiers if name not in _NO_LICENCE]:
        return named
    # An old field of free form: a name, a list of names, or the whole text with its name on the first line.
    return _split(_first(metadata, "License").strip().partition("\n")[0])


def is_permitted(licence: str) -> bool:
    """Whether a licence, by its SPDX identifier or usual name, is on the list."""
    return any(pattern.fullmatch(licence.lower()) for pattern in PERMITTED)


def problem(name: str, metadata: Metadata) -> str | None:
    """Return a sentence where the licence of a distribution is not permitted, else ``None``."""
    if name in EXCEPTIONS:
        return None
    declared = licences(metadata)
    if not declared:
        return f"{name} declares no licence."
    refused = [licence for licence in declared if not is_permitted(licence)]
    return f"{name} is under {', '.join(refused)}." if refused else None


def locked_names(lock: Path) -> list[str]:
    """Return the names that a lock file pins, in its order."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    return [line.partition("==")[0] for line in lines if line and not line.startswith("#")]


def _split(names: str) -> list[str]:
    parts = re.split(r"[();]|\b(?:AND|OR|WITH)\b|, (?!Version)", names)
    return [part.strip() for part in parts if part.strip()]


def _first(metadata: Metadata, field: str) -> str:
    return (metadata.get_all(field) or [""])[0]


def main() -> int:
    """Print what is not permitted; 1 if there is anything."""
    names = [*locked_names(RUNTIME_LOCK), *locked_names(DEVELOPMENT_LOCK)]
    found = [problem(name, importlib.metadata.metadata(name)) for name in names]
    problems = [sentence for sentence in found if sentence]
    for sentence in problems:
        print(f"{sentence} Replace it, or except it in tools/licences.py with a reason.", file=sys.stderr)
    if not problems:
        print(f"Licences: {len(names)} packages, all permissive.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
