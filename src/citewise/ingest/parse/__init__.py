"""Reading files: which format a file has, and who reads it.

A format is one entry of :data:`FORMATS` and one parser; the parser's module is imported
when the first file of its kind is read, so that a sandbox loads nothing it does not need.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from citewise.errors import IngestError
from citewise.ingest.parse.detect import detect
from citewise.ingest.parse.formats import FORMATS, SUPPORTED, Format, format_of, media_type_of
from citewise.types import ParsedDocument

if TYPE_CHECKING:
    from citewise.protocols import Parser

WORDLESS = "It holds no words, so nothing in it can be found or cited."

__all__ = ["FORMATS", "SUPPORTED", "Format", "detect", "format_of", "media_type_of", "parse"]


def parse(path: Path, *, source: str, media_type: str | None = None) -> ParsedDocument:
    """Read a file in this process; :mod:`citewise.ingest.sandbox` does it at arm's length.

    Args:
        path: The file.
        source: Its name as the person knows it, for titles and messages.
        media_type: Its kind; ``None`` looks at the content.

    Returns:
        What was read; of a file without words, such as a photograph, an empty text and a warning.

    Raises:
        IngestError: The file cannot be read.
    """
    chosen = media_type or detect(path, source)
    module, _, function = format_of(chosen).parser.partition(":")
    parser = cast("Parser", getattr(import_module(f"{__name__}.{module}"), function))
    document = parser(path, source=source)
    report = document.report
    if not document.text.strip():
        if report.incomplete:
            reasons = " ".join(report.unread)
            raise IngestError(f"No text could be read from {source}. {reasons}".rstrip())
        report = replace(report, warnings=(WORDLESS, *report.warnings))
    return replace(document, media_type=chosen, report=report)  # some parsers read several formats
