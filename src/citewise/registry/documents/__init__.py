"""Documents and their versions.

A document is known within its collection by its source; a changed file is its next version.
One version at a time serves answers. Ids are never used again: a document that is added
after it was removed is another document.
"""

from citewise.registry.documents.contents import (
    blocks,
    chunks,
    layouts,
    neighbours,
    pages,
    parsed,
    places,
    slice_text,
    text,
    texts_of,
    words,
)
from citewise.registry.documents.listing import find_by_hash, find_by_source, get, list_documents, versions_of
from citewise.registry.documents.organise import move, rename, set_enabled, set_tags
from citewise.registry.documents.versions import (
    VersionRecord,
    add_version,
    check_name,
    publish,
    save_chunks,
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
    "check_name",
    "chunks",
    "find_by_hash",
    "find_by_source",
    "get",
    "layouts",
    "list_documents",
    "move",
    "neighbours",
    "pages",
    "parsed",
    "places",
    "publish",
    "rename",
    "save_chunks",
    "save_parsed",
    "set_enabled",
    "set_media_type",
    "set_progress",
    "set_stage",
    "set_tags",
    "slice_text",
    "text",
    "texts_of",
    "unfinished",
    "version",
    "versions_of",
    "words",
]
