"""What the readers of presentations share."""

from __future__ import annotations

import re

# What programs call a presentation that nobody gave a title.
_DEFAULT_TITLE = re.compile(
    r"(?:microsoft )?powerpoint[ -](?:presentation|präsentation|presentatie)|présentation powerpoint"
    r"|presentaci[oó]n de powerpoint|presentazione (?:standard di|di) powerpoint|slide 1|folie 1|untitled",
    re.IGNORECASE,
)


def own_title(title: str) -> str:
    """Return a presentation's title, and nothing for one that its program gave it."""
    return "" if _DEFAULT_TITLE.fullmatch(title.strip()) else title
