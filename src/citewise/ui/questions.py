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

_READ = 8  # documents looked into
_NUMBER = re.compile(r"^(?:§?\s*\d+(?:\.\d+)*[.)]?|[A-Z]{1,3}[.)])\s+")
_VERB = r"(?:is|are|was|were|do|does|did|can|may|must|should|will|has|have)"
_ASKS = re.compile(rf"(?:{_VERB}|(?:who|what|when|where|why|how|which)(?: \w+)? {_VERB})\b[^,]*$", re.IGNORECASE)
_HALF_ASKS = re.compile(r"(?:who|what|when|where|why|how|which)\b", re.IGNORECASE)
_GENERAL = {"introduction", "contents", "table of contents", "summary", "overview", "appendix", "references", "notes"}


def suggested(engine: Engine, documents: Sequence[Document], *, most: int = 4) -> list[str]:
    """Return up to ``most`` questions: one of each document first, those with the most headings leading."""
    perhaps = sorted((_questions(engine, document) for document in documents[:_READ]), key=len, reverse=True)
    in_turn = [questions[index] for index in range(most) for questions in perhaps if index < len(questions)]
    chosen = list(dict.fromkeys(in_turn))[:most]
    return chosen or [f"What is “{_title(document)}” about?" for document in documents[:most]]


def _questions(engine: Engine, document: Document) -> list[str]:
    try:
        shown = engine.show(document.id)
    except CitewiseError:
        return []
    title = _title(document)
    questions = []
    for block in shown.blocks:
        if block.kind != "heading":
            continue
        topic = _NUMBER.sub("", " ".join(shown.text[block.start : block.end].lstrip("# ").split())).rstrip(":")
        fits = 1 < len(topic.split()) < 9 and len(topic) < 60
        if fits and topic.lower() not in _GENERAL and topic.lower() not in title.lower():
            question = _question(topic, title)
            if question:
                questions.append(question)
    # From the middle outwards: the first headings of a document are often its front matter.
    middle = len(questions) // 2
    return questions[middle:] + questions[:middle]


def _question(topic: str, title: str) -> str | None:
    if _ASKS.match(topic):
        return f"{topic.rstrip('?')}?"
    if _HALF_ASKS.match(topic):
        return None  # "What to bring": neither a question nor something that one can ask about
    return f"What does “{title}” say about {topic}?"


def _title(document: Document) -> str:
    title = document.title or file_name(document.source)
    return shortened(re.split(r" [|–—] ", title)[0], 50)
