"""Words and numbers as the pages show them."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import datetime
from html import escape

from citewise.types import Citation, Document, DocumentStatus, ScoredChunk

STAGES: dict[DocumentStatus, str] = {
    "received": "Waiting",
    "parsing": "Reading",
    "chunking": "Splitting",
    "embedding": "Embedding",
    "indexing": "Indexing",
    "ready": "Ready",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
_STAGE_ORDER: tuple[DocumentStatus, ...] = ("received", "parsing", "chunking", "embedding", "indexing", "ready")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|$~<>&:])")
_CODE = re.compile("`([^`]+)`")
_COUNTED = re.compile(r"^(?:page|slide|line)s?(?= \d)")
_SHORTCODE = re.compile(r":(?=[\w+/-]+[:\[])")


def escaped(text: str) -> str:
    """Escape text for a Streamlit label or message, so that nothing in it acts as Markdown.

    Backslashes do not stop emoji shortcodes, so a word joiner is put behind their first colon.
    """
    return _MARKDOWN.sub(r"\\\1", _SHORTCODE.sub(":\u2060", " ".join(text.split())))


def prose(text: str) -> str:
    """Sentences as safe HTML; what stands between backticks is shown as code."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def shortened(text: str, length: int) -> str:
    """Cut ``text`` to at most ``length`` characters, at a word where possible."""
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    head, _, _ = cut.rpartition(" ")
    return f"{(head if len(head) > length // 2 else cut).rstrip(' ,;:.')}…"


def excerpt(passage: str, length: int) -> str:
    """The first words of a passage; of one that was erased with its document a sentence."""
    return shortened(passage, length) or "Its words were erased with it."


def file_name(source: str) -> str:
    """The last part of a document's source; of an erased document nothing is left but this name."""
    return source.replace("\\", "/").rstrip("/").rpartition("/")[2] or source or "Erased document"


def locator_of(found: Citation | ScoredChunk) -> str:
    """Where a passage stands in its original; of answers from before there were locators the page."""
    page = found.page if isinstance(found, Citation) else found.chunk.page_first
    return found.locator or (f"page {page}" if page else "")


def place(locator: str, headings: Sequence[str]) -> str:
    """Where a passage stands: ``Page 9 · Travel › Meals``; empty when the format tells nothing."""
    path = " › ".join(headings)
    if path in locator:  # the name of a sheet, or the locator itself
        path = ""
    where = _COUNTED.sub(lambda found: found[0].capitalize(), locator)
    return " · ".join(part for part in (where, path) if part)


def source_label(marker: int, source: str, locator: str) -> str:
    """The name of a source button: ``[2] b.pdf, page 9``."""
    where = f", {shortened(locator, 40)}" if locator else ""
    return f"[{marker}] {shortened(file_name(source), 44)}{where}"


def size(count: int) -> str:
    """Bytes for a person, in powers of ten as file managers show them."""
    if count < 1_000:
        return f"{count} B"
    value, unit = (
        (count / 1e3, "kB") if count < 999_500 else (count / 1e6, "MB") if count < 999_500_000 else (count / 1e9, "GB")
    )
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"


def counted(count: int, noun: str) -> str:
    """``1 page``, ``2 pages``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def day(moment: float, *, now: float | None = None) -> str:
    """A date as short as it can be: ``14:05`` today, ``3 Mar`` this year, ``3 Mar 2024`` before."""
    then, today = datetime.fromtimestamp(moment), datetime.fromtimestamp(time.time() if now is None else now)
    if then.date() == today.date():
        return f"{then:%H:%M}"
    return f"{then.day} {then:%b}" if then.year == today.year else f"{then.day} {then:%b %Y}"


def percent_done(document: Document) -> int:
    """How far a document is through the stage it is in, 0 to 100."""
    if document.status == "ready":
        return 100
    return min(100, 100 * document.done // document.total) if document.total else 0


def overall_percent(document: Document) -> int:
    """How far a document is on its whole way, 0 to 100: each stage counts the same."""
    if document.status not in _STAGE_ORDER:
        return 0
    stages = len(_STAGE_ORDER) - 1
    return min(100, (100 * _STAGE_ORDER.index(document.status) + percent_done(document)) // stages)


def seconds_left(document: Document, *, now: float | None = None) -> float | None:
    """Time that the current stage still takes at its pace so far; ``None`` while that is a guess."""
    if not document.total or not document.done or document.stage_started_at is None:
        return None
    elapsed = (time.time() if now is None else now) - document.stage_started_at
    if elapsed < 1:
        return None
    return elapsed / document.done * (document.total - document.done)


def duration(seconds: float) -> str:
    """``12 s``, ``3 min``."""
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"


def progress_line(document: Document) -> str:
    """``Embedding · 40 % · 12 s left``."""
    parts = [STAGES[document.status]]
    if document.total:
        parts.append(f"{percent_done(document)} %")
    left = seconds_left(document)
    if left is not None:
        parts.append(f"{duration(left)} left")
    return " · ".join(parts)
