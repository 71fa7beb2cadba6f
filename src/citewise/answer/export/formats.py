"""The formats that a conversation is exported in. Apart from what writes them, which takes a while to load."""

from __future__ import annotations

from typing import Literal

ExportFormat = Literal["md", "html", "docx", "json"]
NAMES: dict[ExportFormat, str] = {
    "docx": "Word",
    "html": "Web page (HTML)",
    "md": "Markdown",
    "json": "JSON, which can be imported",
}
"""How a person chooses one."""

MEDIA_TYPES: dict[ExportFormat, str] = {
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "json": "application/json",
}
