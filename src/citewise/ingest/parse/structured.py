r"""JSON, JSON lines and notebooks.

JSON keeps its own text line by line, so that a line number found here is one of the file;
only ``\u00fc`` and the like become the characters they stand for, or no search would find them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from citewise.errors import IngestError
from citewise.ingest.limits import MAX_JSON_DEPTH, MAX_RECORDS
from citewise.ingest.parse.compose import Composer, finish
from citewise.ingest.parse.text import read_text
from citewise.ingest.parse.text_blocks import text_blocks
from citewise.types import Block, ParsedDocument

_LARGE = 1500  # characters; a value of more is cut into its own parts
_ESCAPED = re.compile(r"(?<!\\)((?:\\\\)*)((?:\\u[0-9a-fA-F]{4})+)")
_BLANK = re.compile(r"[\s,]*")
_KEY = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*')
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_MARKDOWN_HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*$")
_FENCE = re.compile(r"\s*(```|~~~)")

_DECODER = json.JSONDecoder(strict=False)


def parse_json(path: Path, *, source: str) -> ParsedDocument:
    """Read JSON: a block for each record of a list and for each key of an object."""
    text, warnings = read_text(path, source=source)
    text = _unescape(text)
    blocks: list[Block]
    try:
        blocks = _cover(text, list(_parts(text)))
    except (ValueError, RecursionError) as error:
        reason = f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else "nested too deep"
        warnings = (*warnings, f"This is no valid JSON ({reason}), so it is read as plain text.")
        blocks = text_blocks(text)
    return finish(text, blocks, media_type="application/json", source=source, warnings=warnings)


def parse_jsonl(path: Path, *, source: str) -> ParsedDocument:
    """Read JSON lines: a block for each line."""
    text, warnings = read_text(path, source=source)
    text = _unescape(text)
    blocks: list[Block] = []
    unread: tuple[str, ...] = ()
    start = 0
    for number, line in enumerate(text.split("\n")):
        if line.strip():
            first = start + len(line) - len(line.lstrip())
            blocks.append(Block("code", first, start + len(line.rstrip())))
        start += len(line) + 1
        if len(blocks) == MAX_RECORDS and start < len(text):
            unread = (f"Everything after line {number + 1}: more than {MAX_RECORDS:,} records are not read.",)
            text = text[:start]
            break
    return finish(text, blocks, media_type="application/jsonl", source=source, warnings=warnings, unread=unread)


def parse_notebook(path: Path, *, source: str) -> ParsedDocument:
    """Read a Jupyter notebook: its cells in order, with what they printed.

    Raises:
        IngestError: It is no notebook.
    """
    text, warnings = read_text(path, source=source)
    try:
        notebook = json.loads(text, strict=False)
        cells = notebook.get("cells")
        if cells is None:  # of before 2015
            cells = [cell for sheet in notebook["worksheets"] for cell in sheet["cells"]]
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError) as error:
        raise IngestError(
            f"{source} is no notebook that can be read: it is damaged or cut off. "
            "Open it in Jupyter, save it again, and add that."
        ) from error
    composer = Composer()
    images = 0
    for number, cell in enumerate(cells, 1):
        if not isinstance(cell, dict):
            continue
        with composer.place(f"Cell {number}"):
            content = _joined(cell.get("source", cell.get("input", "")))
            match cell.get("cell_type"):
                case "markdown":
                    _add_markdown(composer, content)
                case "heading":
                    composer.add("heading", content, level=int(cell.get("level") or 1))
                case "code":
                    composer.add("code", content)
                case _:
                    composer.add("paragraph", content)
        outputs = cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else ():
            if isinstance(output, dict):
                with composer.place(f"Output of cell {number}"):
                    composer.add("code", _printed(output))
                images += _is_image(output)
    left_out = (f"{images} {'image' if images == 1 else 'images'} in the outputs.",) if images else ()
    return composer.document(
        media_type="application/x-ipynb+json", source=source, images=images, warnings=warnings, left_out=left_out
    )


# --- JSON -----------------------------------------------------------------------------


def _unescape(text: str) -> str:
    def replaced(found: re.Match[str]) -> str:
        try:
            characters = json.loads(f'"{found[2]}"')
        except ValueError:
            return found[0]
        if not characters.isprintable() or '"' in characters or "\\" in characters:
            return found[0]
        return f"{found[1]}{characters}"

    return _ESCAPED.sub(replaced, text)


def _parts(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield where each part begins, and the keys that lead to it.

    Raises:
        ValueError: The text is no JSON.
    """
    start = _skip(text, 0)
    _, end = _DECODER.raw_decode(text, start)
    rest = _skip(text, end)
    if rest < len(text):
        raise json.JSONDecodeError("more text after the end", text, rest)
    yield from _parts_of(text, start, end, ())


def _parts_of(text: str, start: int, end: int, path: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the parts of the value that ``text[start:end]`` is."""
    records = text[start] == "["
    large = end - start > _LARGE or (not path and records)
    if text[start] not in "{[" or not large or len(path) == MAX_JSON_DEPTH:
        yield start, path
        return
    position = _skip(text, start + 1)
    while position < end - 1:
        first, inner = position, path
        if not records:
            key = _KEY.match(text, position)
            if key is None:
                raise json.JSONDecodeError("a key is missing", text, position)
            inner = (*path, str(json.loads(f'"{key[1]}"', strict=False)))
            position = key.end()
        _, stop = _DECODER.raw_decode(text, position)
        if stop - position > _LARGE and text[position] in "{[":
            parts = list(_parts_of(text, position, stop, inner))
            yield first, parts[0][1]
            yield from parts[1:]
        else:
            yield first, inner
        position = _skip(text, stop)


def _skip(text: str, position: int) -> int:
    found = _BLANK.match(text, position)
    return found.end() if found else position


def _cover(text: str, parts: list[tuple[int, tuple[str, ...]]]) -> list[Block]:
    """Make blocks of parts: each reaches to the next, so that brackets and commas have a place too."""
    starts = [0, *(start for start, _ in parts[1:]), len(text)]
    blocks = []
    for (_, path), start, stop in zip(parts, starts[:-1], starts[1:], strict=True):
        piece = text[start:stop]
        if piece.strip():
            first = start + len(piece) - len(piece.lstrip())
            blocks.append(Block("code", first, start + len(piece.rstrip()), headings=path))
    return blocks


# --- notebooks ------------------------------------------------------------------------


def _joined(value: Any) -> str:
    if isinstance(value, list):
        return "".join(str(each) for each in value)
    return value if isinstance(value, str) else ""


def _printed(output: dict[str, Any]) -> str:
    """The text of a cell's output; of several forms the plain one."""
    if output.get("output_type") in ("error", "pyerr"):
        return _ANSI.sub("", "\n".join(str(line) for line in output.get("traceback") or [output.get("evalue", "")]))
    data = output.get("data")
    value = data.get("text/plain") if isinstance(data, dict) else output.get("text")
    return _ANSI.sub("", _joined(value))


def _is_image(output: dict[str, Any]) -> bool:
    data = output.get("data")
    return any(kind.startswith("image/") for kind in data) if isinstance(data, dict) else "png" in output


def _add_markdown(composer: Composer, text: str) -> None:
    """Write a Markdown cell: headings, fenced code and paragraphs; its markup stays."""
    lines: list[str] = []
    fenced = False

    def flush(*, code: bool = False) -> None:
        for piece in ["\n".join(lines)] if code else re.split(r"\n\s*\n", "\n".join(lines)):
            composer.add("code" if code else "paragraph", piece)
        lines.clear()

    for line in text.splitlines():
        if _FENCE.match(line):
            if fenced:
                lines.append(line)
                flush(code=True)
            else:
                flush()
                lines.append(line)
            fenced = not fenced
        elif not fenced and (heading := _MARKDOWN_HEADING.match(line)):
            flush()
            composer.add("heading", heading[2], level=len(heading[1]))
        else:
            lines.append(line)
    flush(code=fenced)
