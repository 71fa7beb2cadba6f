"""Cross-encoders on this machine: models that read question and text together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from citewise.errors import ProviderError
from citewise.language.tokens import encodable

DEFAULT_MODEL = "cross-encoder/ms-marco-MiniLM-L6-v2"
PROVIDER = "cross-encoder"

_AT_ONCE = 8  # texts between two looks at the clock
_LOADING_S = 120.0  # longest that a patient caller waits

Score = Callable[[Sequence[tuple[str, str]]], Sequence[float]]


class CrossEncoderModel:
    """A ``RelevanceModel`` of sentence-transformers. Never downloads anything.

    Args:
        name_or_folder: A folder that holds one, or a name in the hub's cache; empty for ``DEFAULT_MODEL``.
        budget_ms: How long one question may take. Texts that are read when it ends are finished, so
            it may be over by a few of them.

    Raises:
        ProviderError: There is no such model here.
    """

    def __init__(self, name_or_folder: str = "", *, budget_ms: int) -> None:
        wanted = name_or_folder or DEFAULT_MODEL
        self._folder = _find_folder(wanted)
        self.name = f"{PROVIDER}:{wanted}"
        self._budget_s = budget_ms / 1000
        self._lock = threading.Lock()
        self._reading = threading.Lock()  # fast tokenizers fail when threads share them
        self._thread: threading.Thread | None = None
        self._loaded = threading.Event()
        self._score: Score | None = None
        self._problem: str | None = None

    def start(self, *, wait: bool = False) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._load_it, name="cross-encoder", daemon=True)
                self._thread.start()
        if wait:
            self._loaded.wait(_LOADING_S)

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        deadline = time.monotonic() + self._budget_s
        if not self._loaded.is_set():
            raise self._error("The model is still being loaded. Ask again in some seconds.", retryable=True)
        if self._score is None:
            raise self._error(self._problem or "It was closed.")
        if not self._reading.acquire(timeout=self._budget_s):
            return []  # it reads for somebody else
        try:
            found: list[float] = []
            while len(found) < len(texts) and (not found or time.monotonic() < deadline):
                batch = texts[len(found) : len(found) + _AT_ONCE]
                pairs = [(encodable(question), encodable(text)) for text in batch]
                found += self._read(self._score, pairs)
        finally:
            self._reading.release()
        return found

    def close(self) -> None:
        self._score, self._problem = None, "It was closed."

    def _read(self, score: Score, pairs: Sequence[tuple[str, str]]) -> list[float]:
        try:
            found = np.asarray(score(pairs), dtype=np.float64)
        except Exception as error:  # whatever a model raises must not end the search
            raise self._error(f"The model failed: {error}. Choose another reranker.") from error
        if found.shape != (len(pairs),) or not np.isfinite(found).all():
            raise self._error("It gave no score for each text. Choose another reranker.")
        return [float(value) for value in found]

    def _load_it(self) -> None:
        try:
            self._score = _load(self._folder)
        except Exception as error:  # noqa: BLE001 - the thread's end: whoever asks is told
            self._problem = f"The model in {self._folder} could not be loaded: {error}. Choose another reranker."
        self._loaded.set()

    def _error(self, sentence: str, *, retryable: bool = False) -> ProviderError:
        return ProviderError(sentence, provider=PROVIDER, retryable=retryable)


def _load(folder: Path) -> Score:
    from sentence_transformers import CrossEncoder  # noqa: PLC0415 - seconds to import
    from transformers.utils.logging import disable_progress_bar  # noqa: PLC0415 - as above

    disable_progress_bar()  # type: ignore[no-untyped-call]
    model = CrossEncoder(str(folder), device="cpu", local_files_only=True, model_kwargs={"use_safetensors": True})
    labels: Any = model.config.num_labels
    if labels != 1:
        raise ValueError(f"it gives {labels} figures for each text, and a reranker gives one")

    def score(pairs: Sequence[tuple[str, str]]) -> Sequence[float]:
        found: Sequence[float] = model.predict(list(pairs), batch_size=_AT_ONCE, show_progress_bar=False)
        return found

    return score


def _find_folder(name_or_folder: str) -> Path:
    folder = Path(name_or_folder).expanduser()
    if (folder / "config.json").is_file():
        return folder.resolve()
    from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415 - only for models of the hub
    from huggingface_hub.errors import HFValidationError  # noqa: PLC0415 - as above

    try:
        cached = try_to_load_from_cache(name_or_folder, "config.json")
    except HFValidationError:
        cached = None
    if isinstance(cached, str):
        return Path(cached).parent
    raise ProviderError(
        f"The reranking model {name_or_folder!r} is not on this machine. "
        f"Fetch it with `citewise models pull {name_or_folder}`, or give the folder that holds it.",
        provider=PROVIDER,
    )
