"""Work on index files in a process of its own.

Damaged files can end the process that opens them (a segmentation fault in native code), and
building takes memory that is given back only at its end. So both are done by a child, which
the program starts with ``command`` and which answers with one JSON document per line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from citewise.errors import CitewiseError, StoreError
from citewise.index.generations import GenerationFiles
from citewise.index.update import write_words
from citewise.index.verify import damaged_files, verify
from citewise.registry import generations, held
from citewise.registry.database import Registry
from citewise.types import EmbeddedChunk

Task = Literal["verify", "build"]

_BATCH = 1_000  # chunks written at once
_DOCUMENTS = 50  # read at once
_MEMORY = 2 << 30  # bytes that a check may use, which takes 140 MB for 1,100 chunks,
_TIMES_FILES = 10  # and so many times the size of the files beyond that
_WORDS_COMMIT = 5_000  # chunks between two commits of the keyword index


@dataclass(frozen=True, slots=True)
class IndexProcess:
    """How a child is started.

    Args:
        command: The program and its first arguments; task, data directory and generation follow.
        inherited: File descriptors that the child keeps open: while it lives, a new owner of
            the data directory has to wait.
    """

    command: Sequence[str]
    inherited: Sequence[int] = ()

    def run(
        self,
        task: Task,
        home: Path,
        generation_id: str,
        *,
        on_progress: Callable[[str, int], None],
        stopping: Callable[[], bool],
    ) -> list[str]:
        """Let a child verify or build a generation; returns what is wrong with it, nothing if it is whole.

        Args:
            task: What to do.
            home: The data directory.
            generation_id: Nothing may have its files open meanwhile.
            on_progress: Gets the stage and the number of chunks done.
            stopping: Asked now and then; the child is ended when it says so.

        Raises:
            StoreError: The child was ended, or could not build.
        """
        child = subprocess.Popen(
            [*self.command, task, str(home), generation_id],
            stdin=subprocess.PIPE,  # its end tells the child that this process is gone
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            pass_fds=tuple(self.inherited) if os.name != "nt" else (),
            close_fds=os.name != "nt",
        )
        ended = threading.Event()
        watcher = threading.Thread(target=_end_when, args=(child, stopping, ended), daemon=True)
        watcher.start()
        said: dict[str, Any] = {}
        try:
            assert child.stdout is not None  # noqa: S101 - as it was asked for
            for line in child.stdout:
                try:
                    said = json.loads(line)
                except ValueError:
                    continue
                if "done" in said:
                    on_progress(str(said["stage"]), int(said["done"]))
            code = child.wait()
        finally:
            ended.set()
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe:
                    pipe.close()
            watcher.join()
        if stopping():
            raise StoreError("The check of the index was ended.")
        if "error" in said:
            raise StoreError(str(said["error"]))
        if "problems" in said and code == 0:
            return [str(problem) for problem in said["problems"]]
        return [f"The process that opened the index files was ended by {_reason(code)}: the files are damaged."]


def work(task: Task, home: Path, generation_id: str, *, files: GenerationFiles) -> None:
    """What the child does; its results go to standard output."""
    try:
        with Registry.read_only(home) as registry:
            if task == "build":
                _build(registry, generation_id, files)
            _say(problems=_verify(registry, generation_id, files))
    except CitewiseError as error:
        if task == "verify":
            _say(problems=[str(error)])
        else:
            _say(error=str(error))
    except Exception as error:  # noqa: BLE001 - the parent turns it into a sentence
        _say(error=f"The index could not be built: {error}. Free memory or disk space and try again.")


def _build(registry: Registry, generation_id: str, files: GenerationFiles) -> None:
    with registry.read() as rx:
        generation = generations.get(rx, generation_id)
        entries = list(held.entries(rx, generation_id).values())
    vectors, keywords = files.open(generation, create=True)
    try:
        done = 0
        waiting: list[EmbeddedChunk] = []
        words: list[EmbeddedChunk] = []
        for start in range(0, len(entries), _DOCUMENTS):
            with registry.read() as rx:
                waiting += held.embedded_chunks(rx, entries[start : start + _DOCUMENTS], generation.embedder)
            last = start + _DOCUMENTS >= len(entries)
            while len(waiting) >= _BATCH or (last and waiting):  # each call is synced to the disk: a few large ones
                part, waiting = waiting[:_BATCH], waiting[_BATCH:]
                vectors.upsert(part)
                words += part
                done += len(part)
                _say(stage="building", done=done)
            if len(words) >= _WORDS_COMMIT or last:
                write_words(keywords, [(item.collection_id, item.chunk) for item in words])
                words = []
    finally:
        vectors.close()
        keywords.close()


def _verify(registry: Registry, generation_id: str, files: GenerationFiles) -> list[str]:
    with registry.read() as rx:
        generation = generations.get(rx, generation_id)
    problems = damaged_files(files.folder(generation_id))
    if problems:
        return problems
    _limit_memory(_MEMORY + _TIMES_FILES * files.bytes(generation_id))
    vectors, keywords = files.open(generation, create=False)
    try:
        return verify(
            vectors,
            keywords,
            registry,
            generation,
            on_progress=lambda done: _say(stage="verifying", done=done),
        )
    finally:
        vectors.close()
        keywords.close()


def _limit_memory(size: int) -> None:
    """Let this process have no more than ``size`` bytes of memory, where the system can do that.

    With damaged links the vector index asks for all there is: 24 GB within a minute.
    """
    try:
        import resource  # noqa: PLC0415 - Windows has none

        # Not RLIMIT_AS: address space is reserved for each thread, and threads go by the number of processors.
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (size, most))
    except (ImportError, ValueError, OSError):  # the most that is allowed is less already
        return


def _say(**said: Any) -> None:
    sys.stdout.write(f"{json.dumps(said)}\n")
    sys.stdout.flush()


def _end_when(child: subprocess.Popen[str], stopping: Callable[[], bool], ended: threading.Event) -> None:
    while not ended.wait(0.1):
        if stopping():
            child.kill()
            return


def _reason(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
