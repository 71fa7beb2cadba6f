"""The last thing that the process imports which lives are forked from."""

from __future__ import annotations

import os

# Lives have the shim already; processes that they start (the sandbox, a check of the index) run without it.
os.environ.pop("LD_PRELOAD", None)
