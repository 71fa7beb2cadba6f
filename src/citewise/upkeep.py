"""What a data directory tells of itself: its health, its backups, what is wrong with it, what it keeps of the erased.

Units are those of ``citewise.types``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from citewise.types import EmbedderState


@dataclass(frozen=True, slots=True)
class KeptQuote:
    """A quote that an old answer keeps of a document, whatever becomes of the document."""

    conversation_id: str
    conversation: str  # its title
    turn_id: str
    marker: int  # of the citation
    document_id: str
    source: str
    words: str  # the first of the quote


@dataclass(frozen=True, slots=True)
class Erasable:
    """What the index job ``compact`` would erase for good."""

    documents: int  # removed, and until then they can be brought back
    quotes: int  # that old answers keep of them, and of documents erased before
    answers: int  # in which these stand


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the data directory that is not as it should be."""

    part: str  # "registry", "journal", "text", "chunks", "embeddings", "conversations" or "originals"
    what: str  # a sentence's worth, without its full stop


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What a backup holds."""

    path: Path
    bytes: int  # of the file
    created_at: float
    citewise: str  # version that wrote it
    schema: str  # revision of the registry
    counts: Mapping[str, int]  # documents, versions, chunks, conversations, originals
    missing: tuple[str, ...] = ()  # hashes of originals that could not be read and are not in it


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the program can do its work."""

    ready: bool
    checks: Mapping[str, str]  # name → "ok", or a sentence
    embedder: EmbedderState
    degraded: tuple[str, ...] = ()
    embedding: str = ""  # the model that questions are embedded with, and the way it runs
