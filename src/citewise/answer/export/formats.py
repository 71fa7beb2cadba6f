"""The formats that a conversation is exported in. Apart from what writes them, which takes a while to load."""

from __future__ import annotations

import re
from typing import Literal

ExportFormat = Literal["md", "html", "docx", "json"]
NAMES: dict[ExportFormat, str] = {"docx": "Word", "html": "Web page", "md": "Markdown", "json": "JSON"}
"""How a person calls them."""

EXPLANATIONS: dict[ExportFormat, str] = {
    "docx": "With real footnotes.",
    "html": "One file without scripts, fit to be printed.",
    "md": "With footnotes, for GitHub, Pandoc and the like.",
    "json": "Everything, every branch too. Can be imported again.",
}

MEDIA_TYPES: dict[ExportFormat, str] = {
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "json": "application/json",
}

_NAME = re.compile(r"[^\w-]+")
_NAME_CHARACTERS = 60


def file_name(title: str, export_format: ExportFormat) -> str:
    """Name the file of a conversation: letters, digits and hyphens of its title, and the ending."""
    return f"{_NAME.sub('-', title)[:_NAME_CHARACTERS].strip('-_') or 'conversation'}.{export_format}"
