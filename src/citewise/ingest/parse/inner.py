"""Files within files: attachments and members are read by their own parsers, into the text around them."""

from __future__ import annotations

import tempfile
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from citewise.errors import IngestError
from citewise.ingest.limits import MAX_INNER_DEPTH, MAX_INNER_FILES
from citewise.ingest.parse.compose import Composer
from citewise.types import ParsedDocument

_depth: ContextVar[int] = ContextVar("depth of the file that is being read", default=0)
_files: ContextVar[list[int]] = ContextVar("count of inner files")  # of one outermost file


@dataclass(slots=True)
class Notes:
    """What the report of the outer file says of the inner ones. Those of an outermost file begin a new count."""

    warnings: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    images: int = 0

    def __post_init__(self) -> None:
        if _depth.get() == 0:
            _files.set([0])


def is_inner() -> bool:
    """Whether the file that is being read is part of another."""
    return _depth.get() > 0


def read_inner(content: bytes, name: str) -> ParsedDocument:
    """Read a file that is part of another.

    Raises:
        IngestError: It cannot be read, or stands too deep, or too many were read already.
    """
    depth = _depth.get()
    if depth == MAX_INNER_DEPTH:
        raise IngestError(f"{name} is not read: files in files are read to a depth of {MAX_INNER_DEPTH}.")
    count = _files.get()
    count[0] += 1
    if count[0] > MAX_INNER_FILES:
        raise IngestError(f"{name} is not read: of one file no more than {MAX_INNER_FILES:,} inner ones are.")
    return read_content(content, name)


def read_content(content: bytes, name: str, *, media_type: str | None = None) -> ParsedDocument:
    """Read what is at hand as bytes by the parser of its kind: also the file's own text in another form.

    Args:
        content: Its bytes.
        name: Its name, for messages; its extension chooses between kinds of text.
        media_type: Its kind; ``None`` looks at the content.

    Raises:
        IngestError: It cannot be read.
    """
    from citewise.ingest.parse import parse  # noqa: PLC0415 - which imports the parsers that import this

    token = _depth.set(_depth.get() + 1)
    try:
        with tempfile.TemporaryDirectory(prefix="citewise-") as folder:
            path = Path(folder, "content")
            path.write_bytes(content)
            return parse(path, source=name, media_type=media_type)
    except OSError as error:
        raise IngestError(f"{name} could not be unpacked: {error.strerror}. Add it as a file of its own.") from error
    finally:
        _depth.reset(token)


def add_inner(
    composer: Composer, notes: Notes, content: bytes, *, part: str, name: str, within: str = "", level: int = 2
) -> bool:
    """Append an inner file under a heading of its own, or note why it could not be read.

    Args:
        part: What it is of the place around it, for people: "Attachment offer.pdf".
        name: Its file name, which becomes the heading.
        within: What that place is called, for the report: "Message 3, ".

    Returns:
        Whether it was read.
    """
    label = f"{within}{part}"
    try:
        document = read_inner(content, name)
    except IngestError as error:
        notes.unread.append(f"{label}: {error}")
        return False
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:  # noqa: BLE001 - a parser may raise anything on a damaged file
        notes.unread.append(f"{label}: it seems to be damaged ({type(error).__name__}).")
        return False
    with composer.place(part):
        composer.add("heading", name, level=level)
        composer.add_document(document)
    report = document.report
    notes.images += report.images
    notes.warnings += [f"{label}: {each}" for each in report.warnings]
    notes.left_out += [f"{label}: {each}" for each in report.left_out]
    notes.unread += [f"{label}: {each}" for each in report.unread]
    bad = [str(page.page) for page in report.pages if page.needs_ocr or page.garbled]
    if bad:
        pages = ", ".join(bad[:20]) + (", …" if len(bad) > 20 else "")
        notes.unread.append(f"{label}: no text could be read on page {pages}.")
    return True
