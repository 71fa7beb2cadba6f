"""Reading untrusted files at arm's length.

Each call runs one throw-away child process with limits on memory, processor time, wall
time and output. A parser that crashes, hangs or swallows memory costs its own file only.
The child gets none of the parent's environment but what an interpreter needs, so no keys.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from citewise.errors import IngestError
from citewise.ingest.serial import boxes_from_json, boxes_to_json, document_from_json
from citewise.types import PDF, Box, ParsedDocument

Task = Literal["parse", "unpack", "boxes", "render"]

OUTPUT_LIMIT = 64 * 1024 * 1024  # bytes; the child's own limits come first, unless it is not itself any more
_POLL_S = 0.1  # how soon a cancellation is seen
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT", "TESSDATA_PREFIX")
_DEFAULT_SECONDS = 20  # for one page
_DEFAULT_MEMORY_MB = 1024


def parse_file(
    path: Path,
    *,
    source: str,
    seconds: float,
    memory_mb: int,
    ocr_languages: str = "eng",
    ocr_seconds: float = 0,
    cancelled: Callable[[], bool] | None = None,
) -> ParsedDocument:
    """Read a file of any supported format.

    Args:
        path: The file.
        source: Its name as the person knows it, for titles and messages.
        seconds: Limit on wall time and on processor time.
        memory_mb: Limit on address space, in MiB.
        ocr_languages: Tesseract's names, joined by ``+``.
        ocr_seconds: Wall time for recognising pages, on top of ``seconds``; what is left then is reported as
            unread. 0 recognises none.
        cancelled: Asked a few times a second; ``True`` kills the child.

    Raises:
        IngestError: The file cannot be read, went over a limit, or the reading was cancelled.
    """
    header, text = run(
        "parse",
        {"path": str(path), "source": source, "ocr_languages": ocr_languages, "ocr_seconds": ocr_seconds},
        seconds=seconds,
        waiting_seconds=ocr_seconds,
        memory_mb=memory_mb,
        cancelled=cancelled,
    )
    return document_from_json(header | {"text": text.decode()})


def unpack(
    path: Path,
    into: Path,
    *,
    source: str,
    seconds: float,
    memory_mb: int,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, Path]:
    """Unpack what can be read of an archive.

    Args:
        path: The archive.
        into: An empty folder for its files.
        source: Its name as the person knows it, for messages.
        seconds: Limit on wall time and on processor time.
        memory_mb: Limit on address space, in MiB.
        cancelled: Asked a few times a second; ``True`` kills the child.

    Returns:
        Where the files are, by their names in the archive, in its order.

    Raises:
        IngestError: The archive cannot be read, went over a limit, or the reading was cancelled.
    """
    header, _ = run(
        "unpack",
        {"path": str(path), "source": source, "into": str(into)},
        seconds=seconds,
        memory_mb=memory_mb,
        cancelled=cancelled,
    )
    return {name: into / file for name, file in header["files"]}


def page_boxes(
    path: Path,
    spans: Sequence[tuple[int, int, int, str]],
    *,
    source: str = "",
    seconds: float = _DEFAULT_SECONDS,
    memory_mb: int = _DEFAULT_MEMORY_MB,
) -> list[tuple[Box, ...]]:
    """Find where pieces of a PDF's text stand, all in one child.

    Args:
        path: The PDF.
        spans: ``(page, start, end, words)``: a 1-based page, characters counted from the page's start,
            and what the stored text says there.

    Returns:
        For each span one box per line, in order.
    """
    if not spans:
        return []
    header, _ = run(
        "boxes",
        {"path": str(path), "source": source or path.name, "spans": [list(span) for span in spans]},
        seconds=seconds,
        memory_mb=memory_mb,
    )
    return [boxes_from_json(boxes) for boxes in header["boxes"]]


def page_image(
    path: Path,
    page: int,
    *,
    media_type: str = PDF,
    width: int = 1000,
    boxes: Sequence[Box] = (),
    source: str = "",
    seconds: float = _DEFAULT_SECONDS,
    memory_mb: int = _DEFAULT_MEMORY_MB,
) -> bytes:
    """Render a page of a PDF or a picture as PNG, ``width`` pixels wide, as a reader sees it, ``boxes`` marked."""
    arguments = {
        "media_type": media_type,
        "path": str(path),
        "source": source or path.name,
        "page": page,
        "width": width,
        "boxes": boxes_to_json(boxes),
    }
    return bytes(run("render", arguments, seconds=seconds, memory_mb=memory_mb)[1])


def run(
    task: Task,
    arguments: dict[str, Any],
    *,
    seconds: float,
    memory_mb: int,
    waiting_seconds: float = 0,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[dict[str, Any], bytearray]:
    """Run one task in a child of its own.

    Args:
        waiting_seconds: Wall time on top of ``seconds`` for programs that the child waits for.
        arguments: What the task takes, as JSON values; ``source`` is the name for messages.

    Returns:
        The task's answer, and its bytes if it makes any.

    Raises:
        IngestError: The task refused, failed, went over a limit, or was cancelled.
    """
    # What the child unpacks goes with it, however it ends.
    with tempfile.TemporaryDirectory(prefix="citewise-") as scratch:
        request = {"task": task, "arguments": arguments, "seconds": seconds, "memory_mb": memory_mb}
        deadline = time.monotonic() + seconds + waiting_seconds
        return _run(request, scratch, deadline=deadline, cancelled=cancelled)


def _run(
    request: dict[str, Any], scratch: str, *, deadline: float, cancelled: Callable[[], bool] | None
) -> tuple[dict[str, Any], bytearray]:
    source, seconds = str(request["arguments"]["source"]), request["seconds"]
    child = subprocess.Popen(
        # Not -I: that would also hide packages of the user's own site directory.
        [sys.executable, "-E", "-P", "-m", "citewise.ingest.sandbox_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment() | {"TMPDIR": scratch},
        start_new_session=True,
    )
    try:
        _send(child, json.dumps(request).encode())
        output = bytearray()
        for piece in _pieces(child, deadline=deadline, cancelled=cancelled):
            output += piece
            if len(output) > OUTPUT_LIMIT:
                raise IngestError(
                    f"{source} unfolds to more than {OUTPUT_LIMIT // 2**20} MB of text, which is the limit. "
                    "Split it into smaller files and add those."
                )
        code = child.wait(timeout=max(0.0, deadline - time.monotonic()))
    except (TimeoutError, subprocess.TimeoutExpired) as error:
        raise IngestError(_too_slow(source, seconds)) from error
    except InterruptedError as error:
        raise IngestError(f"Reading {source} was cancelled.") from error
    finally:
        _kill(child)
    return _answer(output, code, source=source, seconds=seconds, memory_mb=request["memory_mb"])


def _environment() -> dict[str, str]:
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    # numpy's linear algebra reserves address space per thread, out of the parser's share.
    return environment | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _send(child: subprocess.Popen[bytes], request: bytes) -> None:
    assert child.stdin is not None  # noqa: S101 - Popen was asked for a pipe
    with suppress(BrokenPipeError):  # the child died at once; its exit status tells
        child.stdin.write(request)
        child.stdin.close()


def _pieces(
    child: subprocess.Popen[bytes], *, deadline: float, cancelled: Callable[[], bool] | None
) -> Iterator[bytes]:
    """Yield what the child writes until it stops.

    Raises:
        TimeoutError: The deadline has passed.
        InterruptedError: ``cancelled`` said so.
    """
    assert child.stdout is not None  # noqa: S101 - Popen was asked for a pipe
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while True:
            if cancelled is not None and cancelled():
                raise InterruptedError
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            if not selector.select(min(left, _POLL_S)):
                continue
            piece = os.read(child.stdout.fileno(), 1 << 20)
            if not piece:
                return
            yield piece


def _kill(child: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS answers EPERM for a group that has ended
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()


def _answer(
    output: bytearray, code: int, source: str, seconds: float, memory_mb: int
) -> tuple[dict[str, Any], bytearray]:
    """Take the child's answer apart: the length of a JSON header, the header, then bytes."""
    if code == -signal.SIGXCPU:
        raise IngestError(_too_slow(source, seconds))
    if code == -signal.SIGKILL:
        raise IngestError(_too_large(source, memory_mb))
    size = int.from_bytes(output[:8], "big")
    if code != 0 or len(output) < 8 + size:
        raise IngestError(
            f"{source} made the program that reads it stop (status {code}): the file is probably damaged. "
            "Open it in its own program, save it again, and add that."
        )
    header = json.loads(output[8 : 8 + size])
    del output[: 8 + size]  # in place: what follows may be large
    if header.get("out_of_memory"):
        raise IngestError(_too_large(source, memory_mb))
    if "error" in header:
        raise IngestError(header["error"])
    return header["result"], output


def _too_slow(source: str, seconds: float) -> str:
    return (
        f"Reading {source} took longer than {seconds:g} seconds, which is the limit. "
        "Split it into smaller files, or raise CITEWISE_INGEST__PARSE_SECONDS."
    )


def _too_large(source: str, memory_mb: int) -> str:
    return (
        f"Reading {source} needed more than {memory_mb} MiB of memory, which is the limit. "
        "Split it into smaller files, or raise CITEWISE_INGEST__PARSE_MEMORY_MB."
    )
