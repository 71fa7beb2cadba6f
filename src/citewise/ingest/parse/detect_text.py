"""Telling kinds of text apart, by their first lines and by their names."""

from __future__ import annotations

import csv
import json
import re
from pathlib import PurePosixPath

from citewise.errors import IngestError
from citewise.ingest.parse.formats import BY_EXTENSION
from citewise.ingest.parse.text import wide_encoding

_OFTEN_TEXT = frozenset({"doc", "xls", "ppt", "rtf"})
"""Names under which programs save HTML, tables and text as well."""

_MAIL_HEADERS = re.compile(
    r"(?:from|to|cc|subject|date|received|return-path|mime-version|message-id|delivered-to|content-type|reply-to|sender"
    r"|newsgroups|path|dkim-signature|authentication-results|in-reply-to|references|content-transfer-encoding"
    r"|x-[\w-]+):",
    re.IGNORECASE,
)
_HEADER_LINE = re.compile(r"[\x21-\x39\x3b-\x7e]+:")
_MAILBOX_LINE = re.compile(r"From \S+.*\d{2}:\d{2}.*\d{4}|From - ")
_HTML_START = re.compile(
    r"(?:<!--(?:(?!-->).)*-->\s*|<\?xml[^>]*>\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.S
)
_XML_START = re.compile(r"<\?xml\s|(?:<!--(?:(?!-->).)*-->\s*)*<!doctype\s+\w", re.IGNORECASE | re.S)
_SHEBANG = re.compile(r"#!\s*/\S+")
_CODE_NAMES = frozenset(
    {"makefile", "dockerfile", "jenkinsfile", "rakefile", "gemfile", "vagrantfile", "cmakelists.txt", "justfile"}
)


def extension_of(source: str) -> str:
    """Return the extension of a file's name, in lower case and with its dot; empty for none."""
    return PurePosixPath(source.replace("\\", "/")).suffix.lower()


def looks_like_text(head: bytes) -> bool:
    """Whether bytes read as text, in whatever encoding."""
    if wide_encoding(head):
        return True
    control = sum(head.count(bytes([code])) for code in range(32) if code not in (8, 9, 10, 12, 13, 26, 27))
    return control <= len(head) * 0.01


def decoded(head: bytes) -> str:
    """The head as text, good enough to find marks of ASCII in it."""
    text = head.decode(wide_encoding(head) or "latin-1", errors="replace")
    return text.removeprefix("\ufeff").removeprefix("ï»¿").lstrip()


def name_of_text(source: str, head: bytes, *, whole: bool) -> str:
    """Name the format of a text.

    Args:
        source: Its name.
        head: How it begins.
        whole: Whether that is all of it.

    Raises:
        IngestError: Its name claims another kind, under which nobody saves text.
    """
    text = decoded(head)
    named = BY_EXTENSION.get(extension_of(source))
    chosen = named.name if named and named.textual else ""
    if PurePosixPath(source).name.lower() in _CODE_NAMES:
        return "code"
    if chosen not in ("", "text", "eml", "mbox", "xml", "html"):
        return chosen
    if marked := _by_marks(text, chosen):
        return marked
    if chosen:
        is_sheet = chosen == "text" and _is_delimited(_first_lines(text, whole=whole), "\t", fields=3)
        return "tsv" if is_sheet else chosen
    if found := _by_shape(text, whole=whole):
        return found
    if named and not named.textual and named.name not in _OFTEN_TEXT:
        raise IngestError(
            f"{source} is named {extension_of(source)} but holds plain text. "
            "Rename it to .txt to read it as text, or add the original file."
        )
    return "text"


def _by_marks(text: str, chosen: str) -> str | None:
    """Name a kind of text whose first lines leave no doubt."""
    if chosen in ("mbox", "eml", "html"):
        return chosen
    if _MAILBOX_LINE.match(text):
        return "mbox"
    if is_mail(text):
        return "eml"
    if _HTML_START.match(text) and chosen != "xml":
        return "html"
    if chosen == "xml" or (not chosen and _XML_START.match(text)):
        return "html" if "http://www.w3.org/1999/xhtml" in text[:1000] and "<html" in text[:1000] else "xml"
    return None


def is_mail(text: str) -> bool:
    """Whether a text begins as mail does: with lines that are headers, and at least three of the usual ones."""
    usual: set[str] = set()
    for line in text.splitlines()[:60]:
        if line.startswith((" ", "\t")):
            continue
        if not line.strip():
            if len(usual) == 1:  # some programs leave blank lines between headers
                continue
            break
        if not _HEADER_LINE.match(line):
            break
        if found := _MAIL_HEADERS.match(line):
            usual.add(found[0].lower())
    return len(usual) >= 3 or usual >= {"mime-version:", "content-type:"}


def _by_shape(text: str, *, whole: bool) -> str | None:
    """Name a kind of text that no name tells, by how all of its first lines look."""
    if _SHEBANG.match(text):
        return "code"
    lines = _first_lines(text, whole=whole)
    if text.startswith(("{", "[")):
        if _is_json_lines(lines):
            return "jsonl"
        if (whole and _is_json(text)) or (not whole and re.match(r"[\[{]\s*[\[{\"\]}\d-]", text)):
            return "ipynb" if '"cells"' in text and '"cell_type"' in text else "json"
    if _is_delimited(lines, "\t", fields=2):
        return "tsv"
    if any(_is_delimited(lines, delimiter, fields=3) for delimiter in ",;|"):
        return "csv"
    return None


def _first_lines(text: str, *, whole: bool) -> list[str]:
    lines = text.splitlines()
    if not whole:
        lines.pop()  # cut off
    return [line for line in lines[:50] if line.strip()]


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_json_lines(lines: list[str]) -> bool:
    return len(lines) > 1 and all(line.lstrip().startswith("{") and _is_json(line) for line in lines[:3])


def _is_delimited(lines: list[str], delimiter: str, *, fields: int) -> bool:
    """Whether at least three lines, and all of them, hold the same number of fields."""
    if len(lines) < 3:
        return False
    try:
        widths = {len(row) for row in csv.reader(lines, delimiter=delimiter)}
    except csv.Error:
        return False
    return len(widths) == 1 and widths.pop() >= fields
