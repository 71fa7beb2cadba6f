"""Who orders what was found once more: the built-in reranker, alone or before a model.

A model reads the best of what the built-in one put in front. So whatever becomes of the model,
there is an order to fall back on, and whoever asked is told.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from citewise.errors import NotFoundError, ProviderError
from citewise.protocols import RelevanceModel, Reranker
from citewise.types import ScoredChunk

BUILT_IN = "linear"
NONE = "none"
NAMES = "linear, cross-encoder:NAME, cohere:NAME or none"

CANDIDATES = 30
"""Chunks that a model reads, at most: each costs it some milliseconds, and what is further down is seldom right."""

_OPEN = 3  # models held at a time, besides the default


@dataclass(frozen=True, slots=True)
class Reranked:
    """Hits in a new order."""

    hits: list[ScoredChunk]
    name: str | None  # who ordered them; None: nobody
    notes: tuple[str, ...] = ()  # sentences: what did not go as it was asked


Rerank = Callable[[str, Sequence[ScoredChunk]], Reranked]
"""Orders the hits of a question."""


class Rerankers:
    """All that can be asked for by name. May be used from any thread.

    Args:
        built_in: Takes some milliseconds and never fails.
        open_model: From a name to a model that is not started; raises ``NotFoundError`` for one that
            there is not, ``ProviderError`` for one that cannot be had here.
        default: Who is asked when a query does not say.
        patient: Wait for a model to be loaded instead of doing without it, for a process that
            answers one question and ends.

    Raises:
        NotFoundError, ProviderError: The default cannot be had.
    """

    def __init__(
        self,
        built_in: Reranker,
        *,
        open_model: Callable[[str], RelevanceModel] | None = None,
        default: str = BUILT_IN,
        patient: bool = False,
    ) -> None:
        self._built_in = built_in
        self._open_model = open_model or _unknown
        self._default = default
        self._patient = patient
        self._lock = threading.Lock()
        self._models: dict[str, RelevanceModel] = {}
        if default not in (BUILT_IN, NONE):
            self._model(default)

    def start(self) -> None:
        """Begin to load the default in the background."""
        for model in self._models.values():
            model.start()

    def close(self) -> None:
        """Close all models."""
        with self._lock:
            for model in self._models.values():
                model.close()

    def named(self, choice: bool | str) -> Rerank | None:
        """Return who orders the hits of a query.

        Args:
            choice: ``True`` for the default, ``False`` or ``none`` for nobody, else a name.

        Raises:
            NotFoundError: There is no reranker of that name.
            ProviderError: It cannot be had here.
        """
        name = self._default if choice is True else NONE if choice is False else choice
        if name == NONE:
            return None
        if name == BUILT_IN:
            return lambda question, hits: Reranked(self._built_in.rerank(question, hits), self._built_in.name)
        model = self._model(name)
        return lambda question, hits: self._by_model(model, question, hits)

    def _model(self, name: str) -> RelevanceModel:
        with self._lock:
            if name not in self._models:
                opened = self._open_model(name)
                spare = [other for other in self._models if other != self._default]
                if len(spare) >= _OPEN:
                    self._models.pop(spare[0]).close()
                self._models[name] = opened
            return self._models[name]

    def _by_model(self, model: RelevanceModel, question: str, hits: Sequence[ScoredChunk]) -> Reranked:
        ordered = self._built_in.rerank(question, hits)
        read = ordered[:CANDIDATES]
        if not read:
            return Reranked(ordered, model.name)
        model.start(wait=self._patient)
        try:
            scores = model.scores(question, [hit.chunk.full_text for hit in read])
        except ProviderError as error:
            note = f"The built-in reranker stood in for {model.name}: {error}"
            return Reranked(ordered, self._built_in.name, (note,))
        if not scores:
            note = f"{model.name} read nothing in its time, so the built-in reranker's order was kept. {_MORE_TIME}"
            return Reranked(ordered, self._built_in.name, (note,))
        notes: tuple[str, ...] = ()
        if len(scores) < len(read):
            notes = (
                f"{model.name} had time for {len(scores)} of {len(read)} chunks; the others follow in the order of "
                f"the built-in reranker. {_MORE_TIME}",
            )
        return Reranked(_merged(ordered, scores), model.name, notes)


_MORE_TIME = "Raise CITEWISE_SEARCH__RERANK_MS to give it more."


def _merged(ordered: Sequence[ScoredChunk], scores: Sequence[float]) -> list[ScoredChunk]:
    """The hits that were scored, best first, then the others in the order they had."""
    best = sorted(zip(scores, ordered, strict=False), key=lambda pair: -pair[0])  # stable: equal ones as they were
    hits = [replace(hit, score=score, scores={**hit.scores, "rerank": score}) for score, hit in best]
    rest = ordered[len(scores) :]
    if rest:
        # Both rerankers have scales of their own: the second list begins just below the first.
        below = min(scores) - rest[0].score - 1e-6
        hits += [
            replace(hit, score=hit.score + below, scores={k: v for k, v in hit.scores.items() if k != "rerank"})
            for hit in rest
        ]
    return [replace(hit, rank=rank) for rank, hit in enumerate(hits, start=1)]


def unknown_reranker(name: str) -> NotFoundError:
    """There is no reranker of that name."""
    return NotFoundError("reranker", name, hint=f"Choose {NAMES}.")


def _unknown(name: str) -> RelevanceModel:
    raise unknown_reranker(name)
