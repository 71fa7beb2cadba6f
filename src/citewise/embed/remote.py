"""What the adapters of remote embedding models share: batches, checks, one call after the other.

Nothing of a text's vector is kept here: whoever embeds documents stores what came back before
it asks for more, so that a failure costs one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from citewise.errors import ProviderError
from citewise.language.tokens import TokenCounter, encodable
from citewise.providers.calls import Caller, Effort
from citewise.providers.endpoint import Endpoint, TooLongError, unreadable, without_key
from citewise.types import EmbedderState, Vector, Vectors

Kind = Literal["document", "query"]

QUESTION = Effort(attempts=3, call_s=8, total_s=8, longest_wait_s=4)
"""Somebody waits, and search by words can stand in."""

DOCUMENTS = Effort(attempts=8, call_s=120, total_s=900, longest_wait_s=300)
"""Nobody waits, and giving up costs a person a second look. Without advice from the provider it
is tried for a good minute, which is how long a limit a minute lasts."""

TOO_LONG = (
    "A text is longer than {model} can read. Lower CITEWISE_SPLIT__SIZE, or choose a model that reads longer texts."
)


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """What is known of a model before it is asked anything."""

    name: str  # PROVIDER:NAME, and @DIMENSIONS where they are not the model's own
    fingerprint: str
    dimension: int
    max_tokens: int
    batch_texts: int  # in one call, at most
    batch_tokens: int
    needs_key: bool
    counter: TokenCounter


class Wire(Protocol):
    """How a provider is asked, and how it answers."""

    @property
    def path(self) -> str: ...

    def body(self, texts: Sequence[str], kind: Kind) -> dict[str, Any]: ...

    def read(self, answer: Any) -> tuple[list[Any], int]:
        """Return the vectors in the order of the texts, and the tokens that were paid for.

        Raises:
            KeyError, TypeError, ValueError, IndexError, AttributeError: This is no such answer.
        """
        ...


class RemoteEmbedder:
    """An ``Embedder`` behind HTTP.

    There is nothing to load, so it is ready at once; a provider that is away is met at the
    first call. Texts that are longer than the model reads are cut to what it does.

    Args:
        model: What is known of it.
        endpoint: Where it is.
        wire: How it is asked.
        caller: Sends the calls; closed with this.
        on_tokens: Told of tokens that were paid for.
    """

    def __init__(
        self,
        model: RemoteModel,
        *,
        endpoint: Endpoint,
        wire: Wire,
        caller: Caller,
        on_tokens: Callable[[int], None],
    ) -> None:
        self._model = model
        self._endpoint = endpoint
        self._wire = wire
        self._caller = caller
        self._on_tokens = on_tokens

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def fingerprint(self) -> str:
        return self._model.fingerprint

    @property
    def dimension(self) -> int:
        return self._model.dimension

    @property
    def max_tokens(self) -> int:
        return self._model.max_tokens

    @property
    def state(self) -> EmbedderState:
        return "failed" if self._lacks_key else "ready"

    def start(self) -> None:
        """There is nothing to load."""

    def close(self) -> None:
        self._caller.close()

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts, kind="document")

    def embed_query(self, text: str) -> Vector:
        vector: Vector = self._embed([text], kind="query")[0]
        return vector

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Exact for OpenAI's own models where tiktoken's files are at hand, else as near as an estimate is."""
        return self._model.counter.spans(text)

    @property
    def _lacks_key(self) -> bool:
        return self._model.needs_key and not self._endpoint.key

    def _embed(self, texts: Sequence[str], *, kind: Kind) -> Vectors:
        if self._lacks_key:
            raise without_key(self._endpoint)
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        done = 0
        for batch, tokens in self._batches([self._readable(text) for text in texts]):
            vectors[done : done + len(batch)] = self._ask(batch, tokens, kind)
            done += len(batch)
        return vectors

    def _readable(self, text: str) -> str:
        """Cut a text to what the model reads, without the lone surrogates that no server takes."""
        text = encodable(text) or " "  # an empty text is refused
        count = self._model.counter.count
        while (tokens := count(text)) > self.max_tokens:
            text = text[: int(len(text) * self.max_tokens / tokens * 0.98)]
        return text

    def _batches(self, texts: Sequence[str]) -> Iterator[tuple[list[str], int]]:
        """Texts in order in batches, each with its tokens."""
        batch: list[str] = []
        held = 0
        for text in texts:
            tokens = self._model.counter.count(text)
            if batch and (len(batch) == self._model.batch_texts or held + tokens > self._model.batch_tokens):
                yield batch, held
                batch, held = [], 0
            batch.append(text)
            held += tokens
        if batch:
            yield batch, held

    def _ask(self, texts: list[str], tokens: int, kind: Kind) -> Vectors:
        try:
            answer = self._caller.post(
                self._wire.path,
                self._wire.body(texts, kind),
                effort=QUESTION if kind == "query" else DOCUMENTS,
                tokens=tokens,
                urgent=kind == "query",
            )
        except TooLongError:
            if len(texts) == 1:
                raise
            # A server's own limits cannot be known before: take smaller bites.
            middle = len(texts) // 2
            halves = (texts[:middle], texts[middle:])
            return np.concatenate([self._ask(half, tokens // 2, kind) for half in halves])
        try:
            rows, used = self._wire.read(answer)
            vectors = np.array(rows, dtype=np.float32)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
            raise unreadable(self._endpoint) from error
        self._on_tokens(used)
        return self._checked(vectors, count=len(texts))

    def _checked(self, vectors: Vectors, *, count: int) -> Vectors:
        """Scale rows to unit length, refusing what is no vector of this model."""
        label, model = self._endpoint.label, self._endpoint.model
        if len(vectors) != count or vectors.ndim != 2:
            problem = f"gave {len(vectors)} vectors for {count} texts. Try again, or choose another model."
        elif vectors.shape[1] != self.dimension:
            problem = (
                f"gave vectors of {vectors.shape[1]} numbers where {self.dimension} were expected. "
                f"Set CITEWISE_EMBED__DIMENSIONS={vectors.shape[1]} if that is what this model gives."
            )
        elif not np.isfinite(lengths := np.linalg.norm(vectors, axis=1, keepdims=True)).all() or (lengths == 0).any():
            problem = "gave a vector without direction. Try again, or choose another model."
        else:
            unit: Vectors = (vectors / lengths).astype(np.float32, copy=False)
            return unit
        raise ProviderError(f"{label} ({self._endpoint.host}), asked for {model}, {problem}", provider=self.provider)

    @property
    def provider(self) -> str:
        """Who is named in errors."""
        return self._endpoint.provider
