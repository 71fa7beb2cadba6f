"""How much memory an index takes, and whether the machine has it.

Measured with chromadb 1.5.9 by the growth of resident memory, fresh process, one search:

====== ========= ================ ===================
rows   dimension after opening    peak while building
====== ========= ================ ===================
10,000 384       37 MB            69 MB
30,000 384       95 MB            125 MB
5,000  1,024     35 MB            102 MB
20,000 1,024     117 MB           170 MB
====== ========= ================ ===================

From row to row opening grows by 2,918 bytes at 384 dimensions and by 5,492 at 1,024: four
bytes for each number, and 1,400 for ids, metadata and links. Building takes up to 80 MB
besides.
"""

from __future__ import annotations

import os
from pathlib import Path

from citewise.errors import StoreError

SHARE = 0.6
"""Of the memory that is available, what an index may take."""

_ROW = 1_400  # bytes
_BUILDING = 80_000_000  # bytes


def index_bytes(rows: int, dimension: int) -> int:
    """Return the most memory, in bytes, that building an index of so many vectors takes."""
    return rows * (4 * dimension + _ROW) + _BUILDING


def require_memory(rows: int, dimension: int) -> None:
    """Pass if the machine has room for an index of so many vectors; where it does not say, too.

    Raises:
        StoreError: It would take more than 60 % of the memory that is available.
    """
    available = available_memory()
    needed = index_bytes(rows, dimension)
    if available is not None and needed > SHARE * available:
        raise StoreError(
            f"An index of {rows:,} chunks takes about {needed / 1e6:,.0f} MB of memory, and only "
            f"{available / 1e6:,.0f} MB are available, of which it may take {SHARE:.0%}. Close other programs, "
            "or use a machine with more memory; what serves now goes on."
        )


def available_memory() -> int | None:
    """Return how many bytes new work may take without swapping; ``None`` where that is not known."""
    found = [_of_machine(Path("/proc/meminfo")), _of_container(Path("/sys/fs/cgroup"))]
    known = [count for count in found if count is not None]
    return min(known) if known else None


def _of_machine(meminfo: Path) -> int | None:
    try:
        for line in meminfo.read_text(encoding="ascii").splitlines():
            name, _, rest = line.partition(":")
            if name == "MemAvailable":
                return int(rest.split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:  # not Linux: what is built in stands for what is free
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _of_container(group: Path) -> int | None:
    """What the limit of a container leaves (cgroup v2); file pages in it can be given back."""
    try:
        limit = int((group / "memory.max").read_text(encoding="ascii"))
        used = int((group / "memory.current").read_text(encoding="ascii"))
        statistics = (line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines())
        reclaimable = next(int(count) for name, count in statistics if name == "inactive_file")
    except (OSError, ValueError, StopIteration):  # ValueError: no limit, "max"
        return None
    return max(0, limit - used + reclaimable)
