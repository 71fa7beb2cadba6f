"""Models of the Hugging Face hub that are in its cache on this machine, and fetching more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from citewise.embed.files import PROVIDER
from citewise.errors import ProviderError

ModelKind = Literal["embedding", "reranking"]

# Weights in one format only: repositories hold the same ones in up to six.
_WANTED = ("*.json", "*.txt", "*.model", "*.safetensors")
_UNWANTED = ("onnx/*", "openvino/*", "*/onnx/*", "*/openvino/*")


@dataclass(frozen=True, slots=True)
class CachedModel:
    """A model in the hub's cache."""

    name: str  # OWNER/NAME
    kind: ModelKind
    folder: Path
    bytes: int


def cached_models() -> Iterator[CachedModel]:
    """What the hub's cache holds that can embed or rerank, in order of name."""
    from huggingface_hub import scan_cache_dir  # noqa: PLC0415 - half a second, for few commands
    from huggingface_hub.errors import CacheNotFound  # noqa: PLC0415 - as above

    try:
        repositories = scan_cache_dir().repos
    except CacheNotFound:
        return
    for repository in sorted(repositories, key=lambda one: one.repo_id):
        revision = max(repository.revisions, key=lambda one: one.last_modified, default=None)
        if repository.repo_type != "model" or revision is None:
            continue
        if kind := _kind(revision.snapshot_path):
            yield CachedModel(repository.repo_id, kind, revision.snapshot_path, repository.size_on_disk)


def pull(name: str) -> CachedModel:
    """Fetch a model into the hub's cache, or find it there.

    Args:
        name: OWNER/NAME; without an owner, one of sentence-transformers' own.

    Raises:
        ProviderError: It cannot be fetched, or is neither an embedding nor a reranking model.
    """
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - as above
    from huggingface_hub.errors import (  # noqa: PLC0415 - as above
        GatedRepoError,
        HFValidationError,
        RepositoryNotFoundError,
    )

    full = name if "/" in name else f"sentence-transformers/{name}"
    try:
        folder = Path(snapshot_download(full, allow_patterns=list(_WANTED), ignore_patterns=list(_UNWANTED)))
    except GatedRepoError as error:
        raise _error(f"The model {full} asks for consent. Accept its terms on the hub and set HF_TOKEN.") from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise _error(f"The hub has no model {full!r}. Check the name: it looks like OWNER/NAME.") from error
    except Exception as error:
        raise _error(
            f"The model {full} could not be fetched from the hub: {_first_line(error)}. Check the connection to the "
            "network, or copy the model's folder here and name that instead."
        ) from error
    kind = _kind(folder)
    if kind is None:
        raise _error(f"{full} was fetched, but it is neither an embedding model nor a cross-encoder. Choose another.")
    if not any(folder.glob("**/*.safetensors")):
        raise _error(f"{full} was fetched, but it has no weights as .safetensors. Choose another model.")
    return CachedModel(full, kind, folder, sum(file.stat().st_size for file in folder.glob("**/*") if file.is_file()))


def _kind(folder: Path) -> ModelKind | None:
    if (folder / "modules.json").is_file():
        return "embedding"
    try:
        architectures = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("architectures") or []
    except (OSError, ValueError):
        return None
    return "reranking" if any(str(name).endswith("ForSequenceClassification") for name in architectures) else None


def _first_line(error: Exception) -> str:
    said = str(error).strip().splitlines() or [type(error).__name__]
    return said[0].rstrip(".")


def _error(message: str) -> ProviderError:
    return ProviderError(message, provider=PROVIDER)
