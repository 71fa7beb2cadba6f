"""Answers without a language model: the documents' own sentences, word for word."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from citewise.answer.choose import (
    Candidate,
    answer_signals,
    candidates,
    choose,
    features,
    probability,
    reading_order,
    scores,
    shortlist,
)
from citewise.language.question import read_question
from citewise.protocols import ChatEvent, Embedder, Finished, Quoted, Source, TextDelta, UrgentEmbedder
from citewise.types import Message, Usage, Vector

LEAST_PROBABILITY = 0.5
"""Below this the model says that the documents do not answer."""

_REFERENCE = re.compile(r"[ \t]*\[\d{1,3}(?:\s*[,–-]\s*\d{1,3})*\]")
_BULLET = re.compile(r"^\s*[-*+•‣▪●◦]\s+")


class ExtractiveModel:
    """Quotes the few sentences of the sources that answer the question, or abstains.

    Nothing is generated: every sentence is the document's own, with blanks put in order and
    the document's own reference numbers (``[12]``) left out, and comes with its exact span.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    @property
    def name(self) -> str:
        return "extractive"

    @property
    def context_tokens(self) -> int:
        return 1_000_000  # it reads sentence by sentence

    def stream(
        self,
        question: str,
        sources: Sequence[Source],
        *,
        history: Sequence[Message] = (),
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[ChatEvent]:
        asked = read_question(question)
        found = shortlist(asked, candidates(sources))
        if not found or not asked.weights:
            yield Finished("abstained", Usage(), "The passages that were found hold nothing that could be quoted.")
            return
        vector = self._embedder.embed_query(question)
        similarities = self._similarities(vector, [candidate.text for candidate in found])
        if cancelled():
            return
        scored = scores(features(asked, found, similarities, sources))
        signals = answer_signals(asked, found, similarities, scored, sources, closest=self._closest(vector, sources))
        if probability(signals) < LEAST_PROBABILITY:
            yield Finished("abstained", Usage(), "The passages that came closest do not answer this question.")
            return
        before: Candidate | None = None
        for index in reading_order(found, choose(found, scored)):
            if cancelled():
                return
            candidate = found[index]
            yield TextDelta(_gap(before, candidate) + shown(candidate.text))
            yield Quoted(sources[candidate.source].marker, candidate.start, candidate.end)
            before = candidate
        yield Finished("complete", Usage())

    def _similarities(self, vector: Vector, texts: Sequence[str]) -> list[float]:
        embedder = self._embedder
        embed = embedder.embed_urgently if isinstance(embedder, UrgentEmbedder) else embedder.embed_documents
        return [float(value) for value in embed(texts) @ vector]

    def _closest(self, vector: Vector, sources: Sequence[Source]) -> float:
        """Similarity of the closest passage: the search knows it, unless it went by words alone."""
        known = [source.hit.scores["dense"] for source in sources if "dense" in source.hit.scores]
        return max(known or self._similarities(vector, [source.hit.chunk.full_text for source in sources]))


def _gap(before: Candidate | None, candidate: Candidate) -> str:
    """What stands between two quotes: a line each where running on would not read as prose."""
    if before is None:
        return ""
    return " " if before.source == candidate.source and before.whole and candidate.whole else "\n\n"


def shown(text: str) -> str:
    """Return a quoted sentence as it reads in an answer."""
    return " ".join(_BULLET.sub("", _REFERENCE.sub("", text)).split())
