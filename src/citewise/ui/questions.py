"""Questions to start with, made of the documents' own headings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from citewise.errors import CitewiseError
from citewise.types import Document
from citewise.ui.text import file_name, shortened

if TYPE_CHECKING:
    from citewise.engine import Engine

_NUMBER = re.compile(r"^(?:§?\s*\d+(?:\.\d+)*[.)]?|[A-Z]{1,3}[.)])\s+")
_GENERAL = {"introduction", "contents", "table of contents", "summary", "overview", "appendix", "references", "notes"}


def suggested(engine: Engine, documents: Sequence[Document], *, most: int = 4) -> list[str]:
    """Return up to ``most`` questions, one per document first, then second ones."""
    perhaps = [_questions(engine, document, most=most) for document in documents[:most]]
    in_turn = [questions[index] for index in range(most) for questions in perhaps if index < len(questions)]
    return list(dict.fromkeys(in_turn))[:most]


def _questions(engine: Engine, document: Document, *, most: int) -> list[str]:
    try:
        shown = engine.show(document.id)
    except CitewiseError:
        return []
    title = shortened(document.title or file_name(document.source), 50)
    topics = []
    for block in shown.blocks:
        if block.kind != "heading":
            continue
        topic = _NUMBER.sub("", " ".join(shown.text[block.start : block.end].lstrip("# ").split()))
        words = topic.split()
        if topic.lower() not in _GENERAL and topic != document.title and 1 < len(words) < 9 and len(topic) < 60:
            topics.append(topic)
    # Spread over the document: the first headings alone are often its front matter.
    step = max(1, len(topics) // most)
    questions = [f"What does “{title}” say about {topic}?" for topic in topics[::step][:most]]
    return questions or [f"What is “{title}” about?"]
