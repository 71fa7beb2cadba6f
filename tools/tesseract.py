"""Bring Tesseract for the tests that recognise text, where that is easy; they are skipped without it.

``python -m tools.tesseract`` prints the path of the program, or one sentence on standard error. It
takes the one on ``PATH``, else installs Debian's package (as root).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = ("tesseract-ocr", "tesseract-ocr-eng", "tesseract-ocr-osd")
NOTHING_FOUND = (
    "Tesseract was not found and could not be installed, so the tests of OCR by it are skipped: "
    "install it with your system's package manager to run them."
)


def bring_tesseract() -> Path | None:
    """Return the program, installing it where there is none; ``None`` if it could not be had."""
    if (program := shutil.which("tesseract")) is None and hasattr(os, "geteuid") and os.geteuid() == 0:
        # The lists of a fresh machine are old or empty, and the versions in them are gone.
        for command in (["update"], ["install", "--yes", "--no-install-recommends", *PACKAGES]):
            if not _succeeds(["apt-get", *command]):
                break
        program = shutil.which("tesseract")
    return Path(program) if program else None


def _succeeds(command: list[str]) -> bool:
    if shutil.which(command[0]) is None:
        return False
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Progress belongs on standard error: standard output carries the path alone.
    return subprocess.run(command, check=False, env=environment, stdout=sys.stderr).returncode == 0


def main() -> int:
    """Print the program's path; nothing depends on it, so that its lack is no error."""
    program = bring_tesseract()
    print(program or NOTHING_FOUND, file=sys.stdout if program else sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
