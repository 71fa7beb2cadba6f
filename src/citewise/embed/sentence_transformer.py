"""Models run by sentence-transformers: those that are not converted, and all on an accelerator."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from citewise.types import Vectors


def load_sentence_transformer(
    folder: Path, *, device: str, max_tokens: int, half: bool, threads: int
) -> Callable[[Sequence[str]], Vectors]:
    """Load a model from its folder; takes seconds, most of them to import torch.

    Args:
        folder: That holds it.
        device: As torch names it.
        max_tokens: Of one text.
        half: Whether it calculates with bfloat16.
        threads: On a CPU.

    Returns:
        A function for one thread at a time: texts to rows of float32, not of unit length yet.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # its threads fight with torch's
    import torch  # noqa: PLC0415 - seconds to import; the app must show a page before
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - as torch
    from transformers.utils.logging import disable_progress_bar  # noqa: PLC0415 - as torch

    disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.set_num_threads(threads)
    options: dict[str, Any] = {"use_safetensors": True}
    if half:
        options["dtype"] = torch.bfloat16
    model = SentenceTransformer(str(folder), device=device, local_files_only=True, model_kwargs=options)
    model.max_seq_length = max_tokens

    def encode(texts: Sequence[str]) -> Vectors:
        # Prompts stand before the texts already: an empty one keeps the model from adding its own.
        vectors = model.encode(
            list(texts), prompt="", batch_size=len(texts), show_progress_bar=False, convert_to_numpy=True
        )
        return np.asarray(vectors, dtype=np.float32)

    return encode
