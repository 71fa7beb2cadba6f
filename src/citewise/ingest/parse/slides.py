"""What the readers of presentations share."""

from __future__ import annotations

import re
from dataclasses import replace

from citewise.types import ParsedDocument

# What programs call a presentation that nobody gave a title.
_DEFAULT_TITLE = re.compile(
    r"(?:microsoft )?powerpoint[ -](?:presentation|präsentation|presentatie)|présentation powerpoint"
    r"|presentaci[oó]n de powerpoint|presentazione (?:standard di|di) powerpoint|slide 1|folie 1|untitled",
    re.IGNORECASE,
)
_GENERATED = re.compile(
    r"(?:\.?\s*)(?:Description automatically generated.*|Automatisch generierte Beschreibung.*)", re.DOTALL
)
_FILE_NAME = re.compile(r"\S*[/\\]\S*|[^\n]*\.(?:png|jpe?g|gif|bmp|tiff?|emf|wmf|svg|webp)", re.IGNORECASE)


ON_MASTERS = "Words on the master, which stand on every slide."


def with_footers_as_text(document: ParsedDocument) -> ParsedDocument:
    """Make paragraphs of the footers of a presentation that has no other words."""
    if any(block.kind != "furniture" for block in document.blocks):
        return document
    return replace(document, blocks=tuple(replace(block, kind="paragraph") for block in document.blocks))


def own_title(title: str) -> str:
    """Return a presentation's title, and nothing for one that its program gave it."""
    return "" if _DEFAULT_TITLE.fullmatch(title.strip()) else title


def alternative_text(description: str | None) -> str:
    """Return what a person wrote about a picture; empty for what programs put there."""
    words = _GENERATED.sub("", description or "").strip()
    return "" if _FILE_NAME.fullmatch(words) else words
