"""Documents and their versions.

A document is known within its collection by its source; a changed file is its next version.
One version at a time serves answers. Ids are never used again: a document that is added
after it was removed is another document.
"""

from citewise.registry.documents.contents import blocks, chunks, neighbours, pages, slice_text, text
from citewise.registry.documents.listing import find_by_hash, find_by_source, get, list_documents
from citewise.registry.documents.versions import (
    VersionRecord,
    add_version,
    publish,
    save_parsed,
    set_media_type,
    set_progress,
    set_stage,
    unfinished,
    version,
)

__all__ = [
    "VersionRecord",
    "add_version",
    "blocks",
    "chunks",
    "find_by_hash",
    "find_by_source",
    "get",
    "list_documents",
    "neighbours",
    "pages",
    "publish",
    "save_parsed",
    "set_media_type",
    "set_progress",
    "set_stage",
    "slice_text",
    "text",
    "unfinished",
    "version",
]
