"""Names of documents as clients send them."""

from __future__ import annotations

import unicodedata

from citewise.errors import IngestError


def clean_source(name: str) -> str:
    """Turn the name that a client sent into one that identifies a document.

    Folders are kept, with ``/`` between them; steps upwards, drive letters' backslashes
    and characters that do not print are not.

    Raises:
        IngestError: Nothing is left of the name.
    """
    printable = "".join(character for character in name if unicodedata.category(character) not in ("Cc", "Cs", "Cf"))
    parts = [part.strip() for part in printable.replace("\\", "/").split("/")]
    source = "/".join(part for part in parts if part not in ("", ".", ".."))
    if not source:
        raise IngestError(f"A file came without a usable name ({name[:100]!r}). Name it and send it again.")
    return source
