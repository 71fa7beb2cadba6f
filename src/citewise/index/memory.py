"""Keeping what this process forgot out of the files that a vector index writes.

The graph of ``hnswlib`` is written to disk with the slots that are not used yet, and their
memory comes from ``malloc`` as it was left: text of documents, questions or keys that some
other part of the program freed would end up in ``data_level0.bin``, and stay after an erasure.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_M_PERTURB = -6  # of <malloc.h>: fill memory when it is handed out
_FILL = 0xFF  # memory is filled with the complement, zeros

_lock = threading.Lock()
_wanted = 0


@contextmanager
def blank_memory() -> Iterator[None]:
    """Have memory zeroed that is handed out meanwhile, where the C library can do that (glibc).

    Only meanwhile: for good, it makes embedding 7 % slower. macOS zeroes freed memory by itself.
    """
    _change(+1)
    try:
        yield
    finally:
        _change(-1)


def _change(by: int) -> None:
    global _wanted
    if not sys.platform.startswith("linux"):
        return
    with _lock:
        before, _wanted = _wanted, _wanted + by
        if bool(before) != bool(_wanted):
            mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
            if mallopt:
                mallopt(_M_PERTURB, _FILL if _wanted else 0)
