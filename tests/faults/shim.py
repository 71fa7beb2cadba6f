"""The shim from Python: file operations that fail, a disk that is full, a power cut."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOURCE = Path(__file__).with_name("failing_io.c")


def built(folder: Path) -> Path | None:
    """Compile the shim; ``None`` where that is not possible."""
    compiler = shutil.which("cc")
    if not sys.platform.startswith("linux") or compiler is None:
        return None
    library = folder / "failing_io.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl", "-lpthread"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the shim does not compile: {done.stderr}")
    return library


def _loaded() -> ctypes.CDLL:
    library = ctypes.CDLL(None)
    library.faults_disarm.restype = ctypes.c_long
    library.faults_failed.restype = ctypes.c_char_p
    return library


@contextmanager
def failing(folder: Path, at: int, error: int) -> Iterator[None]:
    """Let the ``at``-th file operation under ``folder`` fail with ``error``, in this process; 0 fails none."""
    library = _loaded()
    library.faults_arm(str(folder).encode(), ctypes.c_long(at), ctypes.c_int(error))
    try:
        yield
    finally:
        library.faults_disarm()


def operations() -> int:
    """File operations counted in the last ``failing`` block."""
    return int(_loaded().faults_disarm())


def failed_operation() -> str:
    """What was made to fail in the last ``failing`` block; empty if it did not get so far."""
    return bytes(_loaded().faults_failed()).decode()


def fill(folder: Path, *, full: bool) -> None:
    """From now on nothing more can be written under ``folder``, or it can again."""
    _loaded().faults_fill(str(folder).encode(), ctypes.c_int(full))


def remember_what_is_safe(folder: Path, beside: Path) -> None:
    """From now on keep beside ``folder`` what would outlast a power cut; see ``cut_power``."""
    shadow = beside / "shadow"
    shadow.mkdir(parents=True, exist_ok=True)
    _loaded().faults_remember(str(folder).encode(), str(beside / "journal").encode(), str(shadow).encode())


def journal(beside: Path) -> list[tuple[str, int, str, str]]:
    """What happened: ``(operation, inode, path, new path)``; operations are w(rite), s(ync), r(ename), u(nlink)."""
    lines = (beside / "journal").read_text(errors="surrogateescape").splitlines()
    cells = (line.split("\t") for line in lines)
    return [(operation, int(inode), path, to) for operation, inode, path, to in cells]


def cut_power(folder: Path, beside: Path) -> int:
    """Take back what a dead process wrote without syncing it; returns how many files lost something.

    Names are taken for safe at once, content once it was synced.
    """
    written: set[int] = set()
    for operation, inode, _, _ in journal(beside):
        if operation == "w":
            written.add(inode)
        elif operation == "u":
            written.discard(inode)
    lost = 0
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_ino in written:
            synced = beside / "shadow" / str(path.stat().st_ino)
            content = synced.read_bytes() if synced.exists() else b""
            lost += content != path.read_bytes()
            path.write_bytes(content)
    shutil.rmtree(beside)
    return lost
