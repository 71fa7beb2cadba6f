"""The sandbox's child: one request on standard input, one answer on standard output.

Runs as ``python -m citewise.ingest.sandbox_child``; see :mod:`citewise.ingest.sandbox`.
Imports as little as it can: every file pays for its start.
"""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path
from typing import Any

from citewise.ingest.limits import MAX_MEMBER_MB, MAX_PIECES, MAX_TEXT_MB

# What one file may hold that it writes: a compiled module, a member of an archive, an attachment.
_FILE_BYTES = MAX_MEMBER_MB * 10**6


def main() -> None:
    """Answer one request within its limits."""
    request = json.loads(sys.stdin.buffer.read())
    # Anything that a library prints must not get between the bytes of the answer.
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _limit(seconds=request["seconds"], memory_mb=request["memory_mb"])
    payload = b""
    try:
        header, payload = _perform(request["task"], request["arguments"])
    except MemoryError:
        header = {"out_of_memory": True}
    encoded = json.dumps(header).encode()
    answer.write(len(encoded).to_bytes(8, "big") + encoded + payload)
    answer.flush()
    # Parsers' own clean-up can crash on a damaged file, after all is said.
    os._exit(0)


def _limit(*, seconds: float, memory_mb: int) -> None:
    try:
        import resource  # noqa: PLC0415 - not on every platform
    except ImportError:
        return
    wanted = [
        ("RLIMIT_CORE", 0, 0),
        ("RLIMIT_FSIZE", _FILE_BYTES, _FILE_BYTES),
        # The hard limit kills a parser that blocks the signal of the soft one.
        ("RLIMIT_CPU", math.ceil(seconds), math.ceil(seconds) + 1),
        ("RLIMIT_AS", memory_mb * 2**20, memory_mb * 2**20),
    ]
    for name, soft, hard in wanted:
        try:
            resource.setrlimit(getattr(resource, name), (soft, hard))
        except (AttributeError, ValueError, OSError):
            continue  # macOS has no usable RLIMIT_AS; the other limits still hold


def _perform(task: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    from citewise.errors import IngestError  # noqa: PLC0415 - after the limits

    source = arguments["source"]
    try:
        return _TASKS[task](Path(arguments["path"]), source, arguments)
    except IngestError as error:
        return {"error": str(error)}, b""
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - the boundary: a parser may raise anything on a damaged file
        return {
            "error": f"{source} could not be read: it seems to be damaged ({type(error).__name__}). "
            "Open it in its own program, save it again, and add that."
        }, b""


def _parse(path: Path, source: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    from citewise.errors import IngestError  # noqa: PLC0415
    from citewise.ingest.parse import parse  # noqa: PLC0415 - only what the task needs
    from citewise.ingest.parse.ocr import recognising  # noqa: PLC0415
    from citewise.ingest.serial import document_to_json  # noqa: PLC0415

    with recognising(languages=arguments.get("ocr_languages", "eng"), seconds=arguments.get("ocr_seconds", 0)):
        document = parse(path, source=source, media_type=arguments.get("media_type"))
    header = document_to_json(document)
    # The text goes beside the JSON: escaped in it, it would be several times as long.
    text = header.pop("text").encode()
    pieces = len(document.blocks) + len(document.places) + len(document.words)
    if len(text) > MAX_TEXT_MB * 10**6 or pieces > MAX_PIECES:
        raise IngestError(
            f"{source} holds {len(text) / 1e6:.0f} MB of text in {pieces:,} pieces; the limit is "
            f"{MAX_TEXT_MB} MB in {MAX_PIECES:,}. Split it into smaller files and add those."
        )
    return {"result": header}, text


def _unpack(path: Path, source: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    from citewise.ingest.parse.archive import unpack  # noqa: PLC0415

    members = unpack(path, Path(arguments["into"]), source=source)
    return {"result": {"files": [[member.name, member.file] for member in members if member.file]}}, b""


def _boxes(path: Path, source: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    from citewise.ingest.parse.pdf_view import boxes  # noqa: PLC0415
    from citewise.ingest.serial import boxes_to_json  # noqa: PLC0415

    found = boxes(path, [tuple(span) for span in arguments["spans"]], source=source)
    return {"result": {"boxes": [boxes_to_json(each) for each in found]}}, b""


def _render(path: Path, source: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    from citewise.ingest.parse import image_view, pdf_view  # noqa: PLC0415
    from citewise.ingest.serial import boxes_from_json  # noqa: PLC0415
    from citewise.types import PDF  # noqa: PLC0415

    marked = boxes_from_json(arguments["boxes"])
    render = pdf_view.render if arguments["media_type"] == PDF else image_view.render
    return {"result": {}}, render(path, arguments["page"], width=arguments["width"], boxes=marked, source=source)


_TASKS = {"parse": _parse, "unpack": _unpack, "boxes": _boxes, "render": _render}


if __name__ == "__main__":
    main()
