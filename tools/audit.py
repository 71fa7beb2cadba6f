"""Look up the locked packages in the Python advisory database.

``python -m tools.audit`` fails where a package has a known vulnerability that is not
accepted below with a reason. Where the database cannot be reached it says so and passes:
what the network does must not decide whether a change is good.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from tools.lock import DEVELOPMENT_LOCK, RUNTIME_LOCK

ACCEPTED: Mapping[str, str] = {}  # advisory → why it does not concern us
TIMEOUT_S = 180
NOT_REACHABLE = "Audit skipped: advisory service not reachable."


def findings(report: str) -> list[str] | None:
    """Read the JSON that pip-audit prints.

    Returns:
        A sentence per vulnerability that is not accepted; ``None`` when nothing was looked up.
    """
    try:
        packages: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, KeyError):
        return None
    looked_up = [package for package in packages if "skip_reason" not in package]
    if not looked_up:
        return None
    return [
        f"{package['name']} {package['version']} has {finding['id']}, "
        f"mended in {', '.join(finding['fix_versions']) or 'no version yet'}."
        for package in looked_up
        for finding in package["vulns"]
        if finding["id"] not in ACCEPTED
    ]


def main() -> int:
    """Print what was found; 1 if there is anything."""
    locks = [argument for path in (RUNTIME_LOCK, DEVELOPMENT_LOCK) for argument in ("--requirement", str(path))]
    command = [sys.executable, "-m", "pip_audit", "--format=json", "--progress-spinner=off", "--no-deps"]
    try:
        result = subprocess.run(
            [*command, "--disable-pip", "--timeout=10", *locks],
            check=False,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        found = findings(result.stdout)
    except subprocess.TimeoutExpired:
        found = None
    if found is None:
        print(NOT_REACHABLE)
        return 0
    for sentence in found:
        print(f"{sentence} Update it, or accept it in tools/audit.py with a reason.", file=sys.stderr)
    if not found:
        print("Audit: no known vulnerabilities.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
