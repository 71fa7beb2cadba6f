"""What commands and both of their sessions share: JSON documents, and a question as it was typed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from citewise.types import UNFINISHED, Message, SearchMode, Variants, Where

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the command line got it."""

    text: str
    collection: str = "default"
    k: int | None = None
    where: Where = field(default_factory=dict)
    history: tuple[Message, ...] = ()
    mode: SearchMode = "hybrid"
    rerank: bool | str = True
    rewrite: bool = True
    variants: Variants | None = None
    model: str | None = None
    explain: bool = False
    conversation_id: str | None = None
    instead_of: str | None = None  # a turn


def is_finished(document: Json) -> bool:
    """Whether no work goes on for a document."""
    return document["status"] not in UNFINISHED


def is_over(job: Json) -> bool:
    """Whether work on the index has ended, well or not."""
    return job["state"] not in ("queued", "running")
