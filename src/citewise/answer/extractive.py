"""Answers without a language model: the documents' own sentences, word for word."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from citewise.answer.abstain import answer_signals, probability
from citewise.answer.arrange import Quote, arranged
from citewise.answer.choose import choose, features, scores, shortlist
from citewise.answer.quotable import BlocksOf, candidates
from citewise.language.question import read_question
from citewise.protocols import ChatEvent, Embedder, Finished, Quoted, Source, TextDelta, UrgentEmbedder
from citewise.types import Message, Usage, Vector

LEAST_PROBABILITY = 0.5
"""Below this the model says that the documents do not answer; see docs/answers.md."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the sources have to say to a question."""

    quotes: Sequence[Quote]
    probability: float  # 0..1, of the sources answering it
    reason: str  # why there is no answer; "" where there is one
    signals: tuple[float, ...] = ()  # that the probability is of; see ``answer_signals``

    @property
    def answers(self) -> bool:
        """Whether it is good enough to be an answer."""
        return bool(self.quotes) and self.probability >= LEAST_PROBABILITY


class ExtractiveModel:
    """Quotes the few sentences of the sources that answer the question, or abstains.

    Nothing is generated: every sentence is the document's own, with blanks put in order and
    the document's own reference numbers (``[12]``) left out, and comes with its exact span.

    Args:
        embedder: Compares question and sentences.
        blocks_of: Tells lists, tables and code from prose; without it the lines of the text do.
    """

    def __init__(self, embedder: Embedder, *, blocks_of: BlocksOf | None = None) -> None:
        self._embedder = embedder
        self._blocks_of = blocks_of

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
        choice = self.choose(question, sources)
        if cancelled():
            return
        if not choice.answers:
            yield Finished("abstained", Usage(), choice.reason)
            return
        for quote in choice.quotes:
            if cancelled():
                return
            yield TextDelta(quote.before + quote.text)
            yield Quoted(sources[quote.source].marker, quote.start, quote.end)
        yield Finished("complete", Usage())

    def choose(self, question: str, sources: Sequence[Source]) -> Choice:
        """Return what would be quoted, and how likely it answers.

        Raises:
            ProviderError: The embedding model failed.
        """
        asked = read_question(question)
        found = shortlist(asked, candidates(sources, blocks_of=self._blocks_of))
        if not found or not asked.weights:
            return Choice((), 0.0, "The passages that were found hold nothing that could be quoted.")
        vector = self._embedder.embed_query(question)
        similarities = self._similarities(vector, [candidate.meaning or candidate.text for candidate in found])
        scored = scores(features(asked, found, similarities, sources))
        signals = answer_signals(asked, found, similarities, scored, sources, closest=self._closest(vector, sources))
        quotes = arranged(asked, found, choose(asked, found, scored), [source.hit.chunk.text for source in sources])
        reason = "The passages that came closest do not answer this question."
        return Choice(quotes, probability(signals), reason, signals)

    def _similarities(self, vector: Vector, texts: Sequence[str]) -> list[float]:
        embedder = self._embedder
        embed = embedder.embed_urgently if isinstance(embedder, UrgentEmbedder) else embedder.embed_documents
        return [float(value) for value in embed(texts) @ vector]

    def _closest(self, vector: Vector, sources: Sequence[Source]) -> float:
        """Similarity of the closest passage: the search knows it, unless it went by words alone."""
        known = [source.hit.scores["dense"] for source in sources if "dense" in source.hit.scores]
        return max(known or self._similarities(vector, [source.hit.chunk.full_text for source in sources]))
