"""The program that works on index files in a process of its own; see ``index.process``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

from citewise.index.chroma import ChromaIndex
from citewise.index.generations import GenerationFiles
from citewise.index.process import Task, work
from citewise.index.tantivy import TantivyIndex


def main() -> None:
    """Do one task: ``verify`` or ``build``, then the data directory and the id of a generation."""
    task, home, generation_id = sys.argv[1:]
    files = GenerationFiles(Path(home) / "index", open_vectors=ChromaIndex, open_keywords=TantivyIndex)
    work(cast(Task, task), Path(home), generation_id, files=files)


if __name__ == "__main__":
    main()
