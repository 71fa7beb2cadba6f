"""One thread owns a model; everybody else asks it.

Fast tokenizers and models fail or slow down when threads share them, so texts go
through a queue. Questions are served before waiting documents, and documents are
embedded in small batches, so that a question waits for one such batch at most. Where
several threads may use a model, questions do not even wait for that.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from citewise.errors import ProviderError
from citewise.types import Vectors

Encode = Callable[[Sequence[str]], Vectors]
"""Texts to vectors of shape ``(n, dimension)``, in order."""


@dataclass(frozen=True, slots=True)
class SharedModel:
    """A loaded model that several threads may use at once."""

    documents: Encode  # called by the worker's thread
    urgent: Encode  # called by whoever waits, also while ``documents`` runs
    close: Callable[[], None]


State = Literal["loading", "ready", "failed"]

# Attention costs most on long texts: 8,000 characters are about 8 full inputs of the
# default model, a third of a second on two cores, which is how long a question may wait.
_BATCH_CHARACTERS = 8_000
_SHARED_BATCH_CHARACTERS = 64_000  # nobody urgent waits, and cores that are ready first wait less often
_WAITING_REQUESTS = 1_000


@dataclass(eq=False)
class _Request:
    """Texts of one caller and what became of them."""

    texts: Sequence[str]
    batches: deque[list[int]]  # positions in ``texts``, still to do
    parts: list[tuple[list[int], Vectors]] = field(default_factory=list)
    error: ProviderError | None = None
    done: threading.Event = field(default_factory=threading.Event)

    def fail(self, error: ProviderError) -> None:
        self.error = error
        self.done.set()


class ModelWorker:
    """Runs a model in a thread of its own.

    Args:
        load: Loads the model and returns its encode function, which only the worker's thread
            calls, or one that may be shared; runs in the worker's thread.
        provider: Who is named in errors.
        batch: Texts in one call of the model, at most.
        on_state: Told of every change of state with an error sentence or ``None``; called
            from the worker's thread.
    """

    def __init__(
        self,
        load: Callable[[], Encode | SharedModel],
        *,
        provider: str,
        batch: int = 32,
        on_state: Callable[[State, str | None], None] | None = None,
    ) -> None:
        self._load = load
        self._provider = provider
        self._batch = batch
        self._on_state = on_state
        self._changed = threading.Condition()
        self._questions: deque[_Request] = deque()
        self._documents: deque[_Request] = deque()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._shared: SharedModel | None = None
        self._state: State = "loading"
        self._error: ProviderError | None = None

    @property
    def state(self) -> State:
        """Where the model is; ``loading`` before ``start`` as well."""
        return self._state

    @property
    def error(self) -> str | None:
        """Why the model could not be loaded, in a sentence."""
        return str(self._error) if self._error else None

    def start(self) -> None:
        """Begin loading in the background; further calls do nothing."""
        with self._changed:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="citewise-model", daemon=True)
                self._thread.start()

    def encode(self, texts: Sequence[str], *, urgent: bool) -> Vectors:
        """Embed ``texts`` (at least one) and return their vectors in order; blocks, also while loading.

        Args:
            texts: What to embed.
            urgent: Serve before everything that is not.

        Raises:
            ProviderError: The model cannot be loaded, failed, has too much to do, or was closed.
        """
        self.start()
        shared = self._shared
        if shared and urgent and not self._closed:
            try:
                return shared.urgent(texts)
            except Exception as error:
                raise self._closing() if self._closed else self._failure(error) from error
        characters = _SHARED_BATCH_CHARACTERS if shared else _BATCH_CHARACTERS
        request = _Request(texts, deque(_batches(texts, size=self._batch, characters=characters)))
        with self._changed:
            if self._closed:
                raise self._closing()
            if self._error:
                raise _again(self._error)
            if len(self._questions) + len(self._documents) >= _WAITING_REQUESTS:
                raise ProviderError(
                    f"The embedding model already has {_WAITING_REQUESTS} requests waiting. Try again in a moment.",
                    provider=self._provider,
                    retryable=True,
                )
            (self._questions if urgent else self._documents).append(request)
            self._changed.notify_all()
        request.done.wait()
        if request.error:
            raise _again(request.error)
        vectors = np.empty((len(texts), request.parts[0][1].shape[1]), dtype=np.float32)
        for positions, part in request.parts:
            vectors[positions] = part
        return vectors

    def close(self) -> None:
        """End the thread after its current batch; whoever still waits gets a ``ProviderError``."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        if self._shared:
            self._shared.close()
        self._fail_waiting(self._closing())

    def _run(self) -> None:
        try:
            loaded = self._load()
        except ProviderError as error:
            return self._give_up(error)
        except Exception as error:  # noqa: BLE001 - the job boundary: whatever a model raises must reach the callers
            return self._give_up(
                ProviderError(
                    f"The embedding model could not be loaded: {error}. "
                    "Check its files with `citewise doctor`, or choose another model with CITEWISE_EMBED__MODEL.",
                    provider=self._provider,
                )
            )
        if isinstance(loaded, SharedModel):
            self._shared = loaded
            documents, urgent = loaded.documents, loaded.urgent
        else:
            documents = urgent = loaded
        self._become("ready")
        while (work := self._next()) is not None:
            of_questions, batches = work
            self._serve(urgent if of_questions else documents, batches)
        return None

    def _next(self) -> tuple[bool, list[tuple[_Request, list[int]]]] | None:
        """Wait for work: (``True``, some questions), else (``False``, one batch of documents); ``None`` at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or bool(self._questions or self._documents))
            if self._closed:
                return None
            if self._questions:
                work: list[tuple[_Request, list[int]]] = []
                while self._questions and sum(len(positions) for _, positions in work) < self._batch:
                    work.append(_take(self._questions))
                return True, work
            return False, [_take(self._documents)]

    def _serve(self, encode: Encode, work: list[tuple[_Request, list[int]]]) -> None:
        texts = [request.texts[position] for request, positions in work for position in positions]
        try:
            vectors = encode(texts)
        except Exception as error:  # noqa: BLE001 - the job boundary: the thread must outlive a failed batch
            failure = self._failure(error)
            with self._changed:
                for request, _ in work:
                    request.batches.clear()
                    _forget(self._documents, request)
                    _forget(self._questions, request)
                    request.fail(failure)
            return
        start = 0
        for request, positions in work:
            request.parts.append((positions, vectors[start : start + len(positions)]))
            start += len(positions)
            if sum(len(done) for done, _ in request.parts) == len(request.texts):
                request.done.set()

    def _give_up(self, error: ProviderError) -> None:
        with self._changed:
            self._error = error
        self._become("failed")
        self._fail_waiting(error)

    def _become(self, state: State) -> None:
        self._state = state
        if self._on_state:
            self._on_state(state, self.error)

    def _fail_waiting(self, error: ProviderError) -> None:
        with self._changed:
            for request in (*self._questions, *self._documents):
                request.fail(error)
            self._questions.clear()
            self._documents.clear()

    def _failure(self, error: Exception) -> ProviderError:
        if isinstance(error, ProviderError):
            return error
        return ProviderError(f"The embedding model failed: {error}. Try again.", provider=self._provider)

    def _closing(self) -> ProviderError:
        return ProviderError("The embedding model was closed because Citewise is stopping.", provider=self._provider)


def _batches(texts: Sequence[str], *, size: int, characters: int) -> Iterator[list[int]]:
    """Positions of ``texts``, longest first, in batches of similar length and bounded cost."""
    # Sorted, because a batch is padded to its longest text: mixed lengths waste most of the work.
    order = sorted(range(len(texts)), key=lambda position: -len(texts[position]))
    start = 0
    while start < len(order):
        longest = max(1, len(texts[order[start]]))
        end = start + max(1, min(size, characters // longest))
        yield order[start:end]
        start = end


def _take(queue: deque[_Request]) -> tuple[_Request, list[int]]:
    """Take the next batch of the first request; documents of several callers take turns."""
    request = queue.popleft()
    positions = request.batches.popleft()
    if request.batches:
        queue.append(request)
    return request, positions


def _again(error: ProviderError) -> ProviderError:
    """A copy to raise: one exception raised by many threads would collect all their tracebacks."""
    return ProviderError(str(error), provider=error.provider, retryable=error.retryable, retry_after=error.retry_after)


def _forget(queue: deque[_Request], request: _Request) -> None:
    if request in queue:
        queue.remove(request)
