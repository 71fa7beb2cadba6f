"""The files of an index generation: one self-contained build of both indexes, with a manifest.

::

    index/<generation id>/
      manifest.json   what it was built with
      chroma/         vectors
      keyword/        words
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from citewise.errors import StoreError
from citewise.protocols import KeywordIndex, VectorIndex
from citewise.types import Generation

_MANIFEST = "manifest.json"
_MUST_AGREE = ("id", "embedder", "splitter", "dimension")


@dataclass(frozen=True, slots=True)
class Indexes:
    """The two indexes of one generation, open."""

    generation: str  # id
    vectors: VectorIndex
    keywords: KeywordIndex

    def close(self) -> None:
        """Release both."""
        self.vectors.close()
        self.keywords.close()


class OpenVectors(Protocol):
    """How a vector index is opened, for example ``ChromaIndex``."""

    def __call__(self, directory: Path, *, dimension: int, create: bool) -> VectorIndex: ...


class OpenKeywords(Protocol):
    """How a keyword index is opened, for example ``TantivyIndex``."""

    def __call__(self, directory: Path, *, create: bool) -> KeywordIndex: ...


def open_indexes(
    directory: Path,
    generation: Generation,
    *,
    create: bool,
    open_vectors: OpenVectors,
    open_keywords: OpenKeywords,
) -> Indexes:
    """Open the indexes of ``generation``.

    Args:
        directory: The folder of all generations.
        generation: As the registry knows it; the manifest must agree.
        create: Make what is missing. Otherwise a missing part is an error.
        open_vectors: Opens the vector index in a folder.
        open_keywords: Opens the keyword index in a folder.

    Raises:
        StoreError: A part is missing, damaged, or was built with something else.
    """
    folder = directory / generation.id
    if create and not (folder / _MANIFEST).is_file():
        _write_manifest(folder, generation)
    _check_manifest(folder, generation)
    vectors = open_vectors(folder / "chroma", dimension=generation.dimension, create=create)
    try:
        keywords = open_keywords(folder / "keyword", create=create)
    except StoreError:
        vectors.close()
        raise
    return Indexes(generation=generation.id, vectors=vectors, keywords=keywords)


def _write_manifest(folder: Path, generation: Generation) -> None:
    values = {key: value for key, value in asdict(generation).items() if key != "state"}
    temporary = folder / f"{_MANIFEST}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(values, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / _MANIFEST)
    except OSError as error:
        raise StoreError(
            f"The index folder {folder} cannot be written: {error}. Free some space or correct its permissions."
        ) from error


def _check_manifest(folder: Path, generation: Generation) -> None:
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        found = {key: manifest[key] for key in _MUST_AGREE}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"The index in {folder} has no readable manifest: {error}. Build it again with `citewise index rebuild`."
        ) from error
    expected = asdict(generation)
    wrong = [f"{key} {found[key]!r} instead of {expected[key]!r}" for key in _MUST_AGREE if found[key] != expected[key]]
    if wrong:
        raise StoreError(
            f"The index in {folder} was built with {', '.join(wrong)}. Build it again with `citewise index rebuild`."
        )
