"""Find a Chromium for the browser tests, or bring one.

``python -m tools.chromium`` prints the path of the program. It takes the one on ``PATH``,
else installs Debian's package (as root), else lets Playwright download its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_PROGRAM = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
NOTHING_FOUND = (
    "The browser tests need Chromium, and none was found or could be installed: "
    "install Chromium or Google Chrome with your system's package manager, then run `make test` again."
)


class NoChromiumError(Exception):
    """There is no Chromium on this machine."""


def find_chromium() -> Path:
    """Return the program that the tests drive.

    Raises:
        NoChromiumError: There is none; the message says what to do.
    """
    for name in NAMES:
        if program := shutil.which(name):
            return Path(program)
    if MAC_PROGRAM.is_file():
        return MAC_PROGRAM
    if own := _playwrights_own():
        return own
    raise NoChromiumError(NOTHING_FOUND)


def bring_chromium() -> Path:
    """Return the program that the tests drive, installing one where there is none.

    Raises:
        NoChromiumError: None could be had.
    """
    try:
        return find_chromium()
    except NoChromiumError:
        pass
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        # The lists of a fresh machine are old or empty, and the versions in them are gone.
        install = ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"]
        if _succeeds(["apt-get", "update"]) and _succeeds(install) and (program := shutil.which("chromium")):
            return Path(program)
    _succeeds([sys.executable, "-m", "playwright", "install", "chromium"])
    return find_chromium()


def _playwrights_own() -> Path | None:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 most machines have a browser on PATH

    with sync_playwright() as playwright:
        program = Path(playwright.chromium.executable_path)
    return program if program.is_file() else None


def _succeeds(command: list[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Progress belongs on standard error: standard output carries the path alone.
    return subprocess.run(command, check=False, env=environment, stdout=sys.stderr).returncode == 0


def main() -> int:
    """Print the program's path, or one sentence on standard error."""
    try:
        print(bring_chromium())
    except NoChromiumError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
