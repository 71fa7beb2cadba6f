"""The bundled model on onnxruntime: kept below ``models/`` in the form that it reads, and run.

A model is converted once, by a process of its own, so that what conversion needs never enters this
one's memory. A file is named by what it was made from and by the hash of its bytes: one that was
cut off or damaged does not fit its name, and is made again.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import structlog

from citewise.embed.files import PROVIDER, ModelFiles
from citewise.embed.onnx_session import Weights, open_session
from citewise.errors import ProviderError
from citewise.types import Vectors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

log = structlog.get_logger(__name__)

VERSION = 3
"""Of the conversion; raised whenever the same weights get other vectors."""

_CONVERSION_S = 300  # it takes 2 s
_UNFINISHED = ".tmp"


class OnnxModel:
    """Turns texts into vectors, one at a time on as many threads as there are cores.

    May be used from any thread. A text is never padded and never shares a call with another: its
    vector depends on nothing else, and each call does only work that counts.

    Args:
        model: A serialised ONNX model, from ``open_converted``.
        tokenizer: Of the same model, without truncation and padding.
        max_tokens: Of one text, special tokens included.
        threads: Texts that are calculated at once.
    """

    def __init__(self, model: bytes, tokenizer: Tokenizer, *, max_tokens: int, threads: int) -> None:
        self._session = open_session(model)
        self._tokenizer = tokenizer
        self._max_tokens = max_tokens
        self._documents = ThreadPoolExecutor(threads, thread_name_prefix="citewise-embed")
        self._urgent = ThreadPoolExecutor(threads, thread_name_prefix="citewise-embed-urgent")

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Embed texts; shape ``(len(texts), dimension)``, in order."""
        return np.concatenate(list(self._documents.map(self._encode_one, texts)))

    def encode_urgently(self, texts: Sequence[str]) -> Vectors:
        """As ``encode``, but beside the texts that wait there, not after them."""
        if len(texts) == 1:
            return self._encode_one(texts[0])
        return np.concatenate(list(self._urgent.map(self._encode_one, texts)))

    def close(self) -> None:
        """End the threads."""
        self._documents.shutdown(cancel_futures=True)
        self._urgent.shutdown(cancel_futures=True)

    def _encode_one(self, text: str) -> Vectors:
        ids = self._tokenizer.encode(text).ids
        if len(ids) > self._max_tokens:
            ids = [*ids[: self._max_tokens - 1], ids[-1]]
        vectors: Vectors = self._session.run(["vectors"], {"ids": np.array([ids], dtype=np.int64)})[0]
        return vectors


def open_converted(files: ModelFiles, weights: Weights, models: Path | None) -> bytes:
    """Return the model in the form that ``OnnxModel`` reads, converted first where that was not done.

    Args:
        files: The model.
        weights: How its weights are held.
        models: Where converted models are kept; with ``None``, or where nothing can be written, it
            is converted for this process only.

    Raises:
        ProviderError: It cannot be converted.
    """
    key = _key(files, weights)
    kept = _read_kept(models, key) if models else None
    if kept is not None:
        return kept
    model = _convert(files, weights)
    if models:
        try:
            _keep(model, models, key)
        except OSError as error:
            log.warning("the converted model cannot be kept and is made at every start", error=str(error))
        else:
            _forget_others(models, files, weights, key)
    return model


def is_kept(files: ModelFiles, weights: Weights, models: Path) -> bool:
    """Whether the converted model is below ``models``; its bytes are not looked at."""
    return any(models.glob(f"{_key(files, weights)}-*.onnx"))


def _key(files: ModelFiles, weights: Weights) -> str:
    return f"{_prefix(files, weights)}{VERSION}-{files.digest[:16]}"


def _prefix(files: ModelFiles, weights: Weights) -> str:
    return f"{files.name.rpartition('/')[2]}-{weights}-"


def _read_kept(models: Path, key: str) -> bytes | None:
    """The kept model, if its bytes fit its name; what does not is deleted."""
    for path in sorted(models.glob(f"{key}-*.onnx")):
        try:
            model = path.read_bytes()
            if path.stem == f"{key}-{_hash(model)}":
                return model
            log.warning("a converted model is damaged and is made again", file=path.name)
            path.unlink()
        except OSError as error:
            log.warning("a converted model cannot be read and is made again", file=path.name, error=str(error))
    return None


def _keep(model: bytes, models: Path, key: str) -> None:
    models.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=models, prefix=key, suffix=_UNFINISHED)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(model)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(models / f"{key}-{_hash(model)}.onnx")
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _forget_others(models: Path, files: ModelFiles, weights: Weights, key: str) -> None:
    """Delete what this model was converted to before an upgrade, and what a crash cut off."""
    for path in models.glob(f"{_prefix(files, weights)}*"):
        if path.suffix == _UNFINISHED or not path.name.startswith(key):
            path.unlink(missing_ok=True)


def _hash(model: bytes) -> str:
    return hashlib.sha256(model).hexdigest()[:16]


def _convert(files: ModelFiles, weights: Weights) -> bytes:
    started = time.monotonic()
    command = [sys.executable, "-m", "citewise.embed.onnx_graph", str(files.folder), weights]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_CONVERSION_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProviderError(f"The model {files.name} could not be converted: {error}.", provider=PROVIDER) from error
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
        raise ProviderError(f"The model {files.name} could not be converted: {said[-1]}.", provider=PROVIDER)
    log.info("model converted", model=files.name, weights=weights, seconds=round(time.monotonic() - started, 1))
    return done.stdout
