"""Everything that the command line writes."""

from __future__ import annotations

import io
import json
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

PIPE_WIDTH = 160  # characters of a table's line where no terminal says how many

_LINE_ENDS = frozenset("\n\t")


def prepare() -> None:
    """Make the standard streams take any text, whatever the locale."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Names of files may hold bytes that are no text; in JSON the escape is valid.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def document(value: Mapping[str, Any]) -> None:
    """Write one JSON document as one line, at once."""
    line(json.dumps(value, ensure_ascii=False))


def line(text: str = "") -> None:
    """Write a line of a result."""
    write(f"{text}\n")


def write(text: str) -> None:
    """Write a piece of a result, at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def note(text: str) -> None:
    """Tell the person something that is no result."""
    sys.stderr.write(f"{plain(text)}\n")
    sys.stderr.flush()


def plain(text: str) -> str:
    """Remove what would steer a terminal: documents and their names are not trusted.

    Control and formatting characters go, line ends and tabs stay.
    """
    return "".join(
        character
        for character in text
        if character in _LINE_ENDS or unicodedata.category(character) not in ("Cc", "Cf")
    )


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """Write a table, as wide as the terminal; wide where there is none.

    Args:
        columns: Headings.
        rows: Cells by row; ``None`` is left empty.
        right: Headings of columns to be aligned right, for numbers.
    """
    from rich.console import Console  # noqa: PLC0415 - only where a person reads
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    laid_out = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        laid_out.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        laid_out.add_row(*(Text("" if cell is None else plain(str(cell))) for cell in row))
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    Console(file=sys.stdout, width=width, highlight=False, markup=False).print(laid_out)


def size(count: int) -> str:
    """Say a number of bytes as a person would: ``4.2 MB``."""
    number = float(count)
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" or number >= 100 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def amount(count: int, noun: str) -> str:
    """Say how many: ``1 document``, ``2 documents``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
