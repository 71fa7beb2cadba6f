"""Embedding models on this machine, by default the one that is installed with Citewise.

Everything but the vectors (name, fingerprint, dimension, token spans) is read from the
model's small files, so that nothing loads torch before a vector is needed. The bundled model
never needs it, except on an accelerator: it runs on onnxruntime.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import structlog

from citewise.embed.files import DEFAULT_MODEL, PROVIDER, read_model
from citewise.embed.onnx_model import VERSION, OnnxModel, is_kept, open_converted
from citewise.embed.routes import PRECISIONS, Machine, Precision, Route, choose_route, this_machine
from citewise.embed.sentence_transformer import load_sentence_transformer
from citewise.embed.vocabulary import familiarity
from citewise.embed.worker import Encode, ModelWorker, SharedModel, State
from citewise.errors import ProviderError
from citewise.types import Vector, Vectors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

log = structlog.get_logger(__name__)


class LocalEmbedder:
    """An ``Embedder`` and ``UrgentEmbedder`` that runs a model in threads of its own.

    Args:
        name_or_folder: ``all-MiniLM-L6-v2`` (installed with Citewise), a folder that holds a
            model, or the name of one in the hub's cache. Never downloads anything.
        batch: Texts in one call of the model, at most.
        models: Where the bundled model is kept in the form that onnxruntime reads; without it, it
            is converted at every start.
        precision: Of vectors that exist already; by default the fastest on this machine.
        machine: What to choose for, by default ``this_machine()``.
        on_state: See ``ModelWorker``.

    Raises:
        ProviderError: There is no such model here, or its files are not those of an embedding model.
    """

    def __init__(
        self,
        name_or_folder: str = DEFAULT_MODEL,
        *,
        batch: int = 32,
        models: Path | None = None,
        precision: Precision | None = None,
        machine: Machine | None = None,
        on_state: Callable[[State, str | None], None] | None = None,
    ) -> None:
        self._given = name_or_folder
        self._batch = batch
        self._models = models
        self._machine = machine or this_machine()
        self._files = read_model(name_or_folder)
        self._route = choose_route(self._files, self._machine, precision)
        self._settled = self._route.onnx is None
        self._converted: bytes | None = None
        self._settling = threading.Lock()
        self._tokenizer: Tokenizer | None = None
        self._tokenizer_lock = threading.Lock()
        self._worker = ModelWorker(self._load, provider=PROVIDER, batch=batch, on_state=on_state)

    @property
    def name(self) -> str:
        return f"{PROVIDER}:{self._files.name}"

    @property
    def fingerprint(self) -> str:
        return self._fingerprint(self._settled_route().precision)

    @property
    def dimension(self) -> int:
        return self._files.dimension

    @property
    def max_tokens(self) -> int:
        return self._files.max_tokens

    @property
    def route(self) -> Route:
        """How it runs here; what could not be done as chosen is known when the model is loaded."""
        return self._route

    @property
    def state(self) -> State:
        """Whether the weights are loaded."""
        return self._worker.state

    @property
    def error(self) -> str | None:
        """Why the model could not be loaded."""
        return self._worker.error

    def edition(self, fingerprint: str) -> LocalEmbedder | None:
        """The same model run with the precision of vectors that exist, if ``fingerprint`` is of such.

        Returns:
            An embedder of its own, to be closed like this one.
        """
        for precision in PRECISIONS:
            if self._fingerprint(precision) == fingerprint:
                other = LocalEmbedder(
                    self._given, batch=self._batch, models=self._models, precision=precision, machine=self._machine
                )
                return (
                    other if other.route.precision == precision and (other.route.onnx or precision != "int8") else None
                )
        return None

    def start(self) -> None:
        """Begin to load the weights in the background."""
        self._worker.start()

    def close(self) -> None:
        """End the model's threads."""
        self._worker.close()

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts, self._files.document_prompt, urgent=False)

    def embed_urgently(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts, self._files.document_prompt, urgent=True)

    def embed_query(self, text: str) -> Vector:
        vector: Vector = self._embed([text], self._files.query_prompt, urgent=True)[0]
        return vector

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        encoding = self._shared_tokenizer().encode(_encodable(text), add_special_tokens=False)
        return [(start, end) for start, end in encoding.offsets if end > start]

    def familiarity(self, text: str) -> float:
        encodable = _encodable(text)
        encoding = self._shared_tokenizer().encode(encodable, add_special_tokens=False)
        pairs = zip(encoding.tokens, encoding.offsets, strict=True)
        return familiarity(encodable, [(token, start, end) for token, (start, end) in pairs])

    def _embed(self, texts: Sequence[str], prompt: str, *, urgent: bool) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        return self._worker.encode([prompt + _encodable(text) for text in texts], urgent=urgent)

    def _fingerprint(self, precision: Precision) -> str:
        # The other two are what the published weights say; bytes are made from them by our conversion.
        return self._files.fingerprint(f"int8-{VERSION}" if precision == "int8" else precision)

    def _shared_tokenizer(self) -> Tokenizer:
        """An instance that is never changed after this, and so may be shared by threads."""
        with self._tokenizer_lock:
            if self._tokenizer is None:
                from tokenizers import Tokenizer  # noqa: PLC0415 - loaded when first needed

                tokenizer = Tokenizer.from_file(str(self._files.folder / "tokenizer.json"))
                tokenizer.no_truncation()
                tokenizer.no_padding()
                self._tokenizer = tokenizer
            return self._tokenizer

    def _settled_route(self) -> Route:
        """The route, once it is certain: the model is converted before it is said which vectors it makes."""
        with self._settling:
            route = self._route
            if not self._settled and route.onnx:
                try:
                    if not (self._models and is_kept(self._files, route.onnx, self._models)):
                        self._converted = open_converted(self._files, route.onnx, self._models)
                except ProviderError as error:
                    self._fall_back(error)
                self._settled = True
            return self._route

    def _fall_back(self, error: Exception) -> None:
        """Run on sentence-transformers; vectors of int8 do not come from there."""
        log.warning("the model runs on sentence-transformers, which is slower", model=self.name, error=str(error))
        self._route = replace(self._route, precision="float32", onnx=None, reason=f"onnxruntime cannot run it: {error}")

    def _load(self) -> Encode | SharedModel:
        route = self._settled_route()
        loaded: Encode | SharedModel | None = None
        if route.onnx:
            try:
                loaded = self._load_onnx(route)
            except Exception as error:
                if route.precision != "float32":  # whoever asked has been told that it is int8
                    raise
                self._fall_back(error)
                route = self._route
        if loaded is None:
            loaded = self._load_torch(route)
        log.info("embedding model loaded", model=self.name, route=str(route))
        return loaded

    def _load_onnx(self, route: Route) -> SharedModel:
        assert route.onnx is not None  # noqa: S101 - asked before
        converted, self._converted = self._converted, None
        model = OnnxModel(
            converted or open_converted(self._files, route.onnx, self._models),
            self._shared_tokenizer(),
            max_tokens=self.max_tokens,
            threads=_cores(),
        )
        documents: Encode = lambda texts: self._unit(model.encode(texts), texts)  # noqa: E731
        if route.accelerator:
            documents = self._on_accelerator(route, otherwise=documents)
        return SharedModel(
            documents=documents,
            urgent=lambda texts: self._unit(model.encode_urgently(texts), texts),
            close=model.close,
        )

    def _on_accelerator(self, route: Route, *, otherwise: Encode) -> Encode:
        """Encode with torch, which is loaded when the first documents come: questions do without."""
        encode: Encode | None = None

        def documents(texts: Sequence[str]) -> Vectors:
            nonlocal encode
            if encode is None:
                try:
                    encode = self._load_torch(route)
                    encode(["A text to begin with."])
                except Exception as error:  # noqa: BLE001 - drivers raise whatever they like
                    log.warning("the accelerator cannot be used", accelerator=route.accelerator, error=str(error))
                    self._route = replace(
                        route, accelerator=None, reason=f"{route.accelerator} cannot be used: {error}"
                    )
                    encode = otherwise
            return encode(texts)

        return documents

    def _load_torch(self, route: Route) -> Encode:
        encode = load_sentence_transformer(
            self._files.folder,
            device=route.accelerator or "cpu",
            max_tokens=self.max_tokens,
            half=route.precision == "bfloat16",
            threads=_cores(),
        )
        return lambda texts: self._unit(encode(texts), texts)

    def _unit(self, vectors: Vectors, texts: Sequence[str]) -> Vectors:
        """Scale rows to unit length, refusing what is no vector of this model."""
        shape = (len(texts), self.dimension)
        if vectors.shape != shape:
            raise ProviderError(
                f"The embedding model gave vectors of shape {vectors.shape} where {shape} was expected. "
                "Check its files with `citewise doctor`.",
                provider=PROVIDER,
            )
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or (lengths == 0).any():
            raise ProviderError(
                "The embedding model gave a vector without direction. Check its files with `citewise doctor`.",
                provider=PROVIDER,
            )
        unit: Vectors = (vectors / lengths).astype(np.float32, copy=False)
        return unit


def _encodable(text: str) -> str:
    """Replace lone surrogates, which tokenizers refuse, one for one, so that positions stay."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _cores() -> int:
    """Cores this process may use; beyond eight a small model gains nothing."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(8, available))
