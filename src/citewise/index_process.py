"""The program that works on index files in a process of its own; see ``index.process``."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import cast


def main() -> None:
    """Do one task: ``verify`` or ``build``, then the data directory and the id of a generation."""
    # First of all: what is imported next takes seconds, in which the next owner would wait for this process.
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    from citewise.index.chroma import ChromaIndex  # noqa: PLC0415
    from citewise.index.generations import GenerationFiles  # noqa: PLC0415
    from citewise.index.process import Task, work  # noqa: PLC0415
    from citewise.index.tantivy import TantivyIndex  # noqa: PLC0415

    task, home, generation_id = sys.argv[1:]
    files = GenerationFiles(Path(home) / "index", open_vectors=ChromaIndex, open_keywords=TantivyIndex)
    work(cast(Task, task), Path(home), generation_id, files=files)


def _exit_with_parent() -> None:
    """End this process as soon as the one that started it is gone, so that it writes to nobody's files."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
