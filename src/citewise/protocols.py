"""The seams: what a back-end must be able to do.

Each protocol has a second half in ``tests/contracts/`` that every back-end passes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from citewise.types import (
    Chunk,
    EmbeddedChunk,
    EmbedderState,
    Message,
    ParsedDocument,
    ScoredChunk,
    Usage,
    Vector,
    Vectors,
)


class Embedder(Protocol):
    """Turns text into unit vectors. May be called from any thread."""

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same text could get another vector."""
        ...

    @property
    def dimension(self) -> int: ...

    @property
    def max_tokens(self) -> int:
        """Tokens that the model reads of one text, special tokens included; the rest is cut off."""
        ...

    @property
    def state(self) -> EmbedderState:
        """Whether it can embed now; ``loading`` before ``start`` as well."""
        ...

    def start(self) -> None:
        """Begin to load in the background; further calls do nothing."""
        ...

    def close(self) -> None:
        """Give back what it holds; what still waits for vectors fails."""
        ...

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Embed texts to be found.

        Returns:
            Shape ``(len(texts), dimension)``, in order; shape ``(0, dimension)`` for none.

        Raises:
            ProviderError: The model cannot be loaded or reached.
        """
        ...

    def embed_query(self, text: str) -> Vector:
        """Embed one question; served before waiting documents."""
        ...

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Character spans ``(start, end)`` of the tokens of ``text``, in order, without special tokens."""
        ...


@runtime_checkable
class RoutedEmbedder(Protocol):
    """What an ``Embedder`` can be besides: one that chose among ways to run."""

    @property
    def route(self) -> object:
        """The way; as text, for a person."""
        ...


@runtime_checkable
class UrgentEmbedder(Protocol):
    """What an ``Embedder`` can be besides: able to let some texts pass others."""

    def embed_urgently(self, texts: Sequence[str]) -> Vectors:
        """As ``embed_documents``, but not behind the documents that wait there: somebody waits for an answer."""
        ...


@runtime_checkable
class Wordwise(Protocol):
    """What an ``Embedder`` can be besides: able to tell whether it knows the words of a text."""

    def familiarity(self, text: str) -> float:
        """From 0, the model never learnt such words or such writing, to 1."""
        ...


class VectorIndex(Protocol):
    """Nearest neighbours by cosine. Ids are chunk ids. Writes are durable on return."""

    def upsert(self, chunks: Sequence[EmbeddedChunk]) -> None:
        """Add chunks, or overwrite those with the same id. All or nothing for wrong input.

        Raises:
            DimensionMismatchError: A vector does not fit; nothing was written.
            StoreError: The write failed; whether anything was written is unknown.
        """
        ...

    def search(
        self, vector: Vector, *, k: int, collection_id: str, document_ids: Collection[str] | None = None
    ) -> list[tuple[str, float]]:
        """Return up to ``k`` ``(chunk id, cosine in -1..1)``, best first, equal scores in order of id.

        Args:
            document_ids: Only chunks of these documents; ``None`` means all of the collection.
        """
        ...

    def nearest(self, vectors: Vectors, *, k: int) -> list[list[tuple[str, float]]]:
        """Return for each row the ``k`` nearest of all collections as ``search`` does; for checks, not for answers."""
        ...

    def set_apart(self, ids: Sequence[str]) -> None:
        """Compare these chunks with each question one by one from now on; for few that are not found otherwise."""
        ...

    def delete(self, ids: Sequence[str]) -> None:
        """Remove chunks; unknown ids are ignored."""
        ...

    def present(self, ids: Sequence[str]) -> set[str]:
        """Return those of ``ids`` that the index holds."""
        ...

    def count(self) -> int: ...

    def close(self) -> None: ...


class KeywordIndex(Protocol):
    """Full-text search by BM25. Ids are chunk ids. Writes are durable and visible on return."""

    def upsert(self, chunks: Sequence[Chunk], *, collection_id: str) -> None: ...

    def search(
        self,
        text: str,
        *,
        k: int,
        collection_id: str,
        document_ids: Collection[str] | None = None,
        phrases: Sequence[str] = (),
    ) -> list[tuple[str, float]]:
        """Return up to ``k`` ``(chunk id, BM25)``, best first; empty when no word matches.

        Any text is a valid query: nothing in it is an operator.

        Args:
            document_ids: Only chunks of these documents; ``None`` means all of the collection.
            phrases: Only chunks that have all of these, their words in this order. Endings, case and
                punctuation may differ, so a caller that wants them verbatim looks at the text.
        """
        ...

    def delete(self, ids: Sequence[str]) -> None: ...

    def present(self, ids: Sequence[str]) -> set[str]: ...

    def count(self) -> int: ...

    def close(self) -> None: ...


class Reranker(Protocol):
    """Orders found chunks by how well they answer the question."""

    @property
    def name(self) -> str: ...

    def rerank(self, question: str, hits: Sequence[ScoredChunk]) -> list[ScoredChunk]: ...


class RelevanceModel(Protocol):
    """Judges how well texts answer a question. May be called from any thread."""

    @property
    def name(self) -> str:
        """As a query names it: ``cross-encoder:NAME``, ``cohere:NAME``."""
        ...

    def start(self, *, wait: bool = False) -> None:
        """Begin to load in the background, or load now; further calls do nothing. Failing is told by ``scores``."""
        ...

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Score ``texts``, higher for better, in order: the first of them, as many as there was time for.

        Raises:
            ProviderError: It is not loaded yet, cannot be reached, or failed.
        """
        ...

    def close(self) -> None:
        """Give back what it holds; calls that run fail."""
        ...


class Parser(Protocol):
    """Reads one family of formats. Runs in the sandbox; must not touch the network."""

    def __call__(self, path: Path, *, source: str) -> ParsedDocument:
        """Read the file at ``path``; ``source`` is its name, for titles and hints only.

        Raises:
            IngestError: The file cannot be read; the message is one sentence for a person.
        """
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """One numbered context as a chat model gets it."""

    marker: int
    hit: ScoredChunk


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Quoted:
    """The model itself tied the text before this to words of a source (native citations).

    ``start`` and ``end`` are characters of that source's ``chunk.text``.
    """

    marker: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of a stream."""

    stop: Literal["complete", "abstained", "truncated", "refused"]
    usage: Usage
    reason: str | None = None


ChatEvent = TextDelta | Quoted | Finished


class ChatModel(Protocol):
    """Writes an answer from numbered sources, with ``[n]`` markers or native citations."""

    @property
    def name(self) -> str:
        """``PROVIDER:NAME``."""
        ...

    @property
    def context_tokens(self) -> int:
        """What the model can read and write in one call."""
        ...

    def stream(
        self,
        question: str,
        sources: Sequence[Source],
        *,
        history: Sequence[Message] = (),
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[ChatEvent]:
        """Yield events, the last a ``Finished`` unless it was cancelled or raised.

        Raises:
            ProviderError: Before or during the stream; what was yielded stays valid.
        """
        ...


@runtime_checkable
class Writer(Protocol):
    """A chat model that writes any short text, for wording searches; one that only quotes is none."""

    @property
    def name(self) -> str: ...

    def write(
        self, instructions: str, text: str, *, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[TextDelta | Finished]:
        """Yield the reply to ``text``, the last event a ``Finished`` unless it was cancelled or raised.

        Raises:
            ProviderError: Before or during the reply.
        """
        ...


class Cache(Protocol):
    """Remembers what is dear to compute. May forget at any time."""

    def get(self, key: str) -> bytes | None: ...

    def set(self, key: str, value: bytes, *, ttl_s: float) -> None: ...
