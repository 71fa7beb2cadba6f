"""The files of an index generation: one self-contained build of both indexes, with a manifest.

::

    index/<generation id>/
      manifest.json   what it was built with
      sealed.json     what its files were when the program last ended well
      chroma/         vectors
      keyword/        words
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Protocol

from citewise.errors import StoreError
from citewise.index import seal
from citewise.protocols import Embedder, KeywordIndex, VectorIndex
from citewise.registry.folders import sync_directory
from citewise.types import Generation

_MANIFEST = "manifest.json"
_MUST_AGREE = ("id", "embedder", "splitter", "dimension")
_KEYWORDS = "keywords"
_FIRST_FORMAT = 1  # of manifests that do not say


@dataclass(frozen=True, slots=True)
class Indexes:
    """The two indexes of one generation, open, and the model they were built with."""

    generation: str  # id
    vectors: VectorIndex
    keywords: KeywordIndex
    embedder: Embedder
    degraded: str | None = None  # a sentence, while something stands in for the real indexes
    fallback: Callable[[StoreError], Indexes] | None = None  # gives what answers when these fail

    def close(self) -> None:
        """Release both."""
        self.vectors.close()
        self.keywords.close()


class OpenVectors(Protocol):
    """How a vector index is opened, for example ``ChromaIndex``."""

    def __call__(self, directory: Path, *, dimension: int, create: bool) -> VectorIndex: ...


class OpenKeywords(Protocol):
    """How a keyword index is opened, for example ``TantivyIndex``; in memory where there is no directory."""

    FORMAT: int  # counts up when the same text is indexed in another way; what was written before is built anew

    def __call__(self, directory: Path | None, *, create: bool) -> KeywordIndex: ...


class GenerationFiles:
    """The folders of all generations of one data directory.

    Args:
        directory: Holds a folder for each.
        open_vectors: Opens the vector index in a folder.
        open_keywords: Opens the keyword index in a folder.
    """

    def __init__(self, directory: Path, *, open_vectors: OpenVectors, open_keywords: OpenKeywords) -> None:
        self.directory = directory
        self.open_keywords = open_keywords
        self._open_vectors = open_vectors

    def folder(self, generation_id: str) -> Path:
        """Where the files of a generation are."""
        return self.directory / generation_id

    def open(self, generation: Generation, *, create: bool) -> tuple[VectorIndex, KeywordIndex]:
        """Open the indexes of a generation; its seal is broken by that.

        Args:
            generation: As the registry knows it; the manifest must agree.
            create: Make what is missing. Otherwise a missing part is an error.

        Raises:
            StoreError: A part is missing, damaged, or was built with something else.
        """
        folder = self.folder(generation.id)
        if create and not (folder / _MANIFEST).is_file():
            _write_manifest(folder, generation, keywords=self.open_keywords.FORMAT)
        _check_manifest(folder, generation)
        if self.outdated(generation.id):
            raise StoreError(
                f"The index in {folder} was written by an earlier Citewise, which kept words in another way. "
                "Build it again with `citewise index rebuild`."
            )
        try:
            seal.unseal(folder)
        except OSError as error:
            raise StoreError(_not_written(folder, error)) from error
        vectors = self._open_vectors(folder / "chroma", dimension=generation.dimension, create=create)
        try:
            return vectors, self.open_keywords(folder / "keyword", create=create)
        except StoreError:
            vectors.close()
            raise

    def outdated(self, generation_id: str) -> bool:
        """Whether the words of a generation were indexed in another way than they are now."""
        try:
            manifest = json.loads((self.folder(generation_id) / _MANIFEST).read_text(encoding="utf-8"))
            return bool(manifest.get(_KEYWORDS, _FIRST_FORMAT) != self.open_keywords.FORMAT)
        except (OSError, ValueError, AttributeError):
            return False  # it is damaged, which opening it says

    def sealed(self, generation_id: str) -> Literal["whole", "absent", "broken"]:
        """How the files are compared with when they were last closed well; see ``seal.state``."""
        return seal.state(self.folder(generation_id))

    def seal(self, generation_id: str) -> None:
        """Note what the files are now that they are closed; without it the next start verifies them."""
        try:
            seal.seal(self.folder(generation_id))
        except OSError:
            return

    def remove(self, generation_id: str) -> None:
        """Delete the files of a generation that nothing has open.

        Raises:
            StoreError: They could not be deleted.
        """
        folder = self.folder(generation_id)
        if not folder.is_dir():
            return
        # Renamed first: half a folder must not look like a generation.
        doomed = folder.with_name(f"{folder.name}.removed")
        try:
            if doomed.exists():
                shutil.rmtree(doomed)
            folder.rename(doomed)
            shutil.rmtree(doomed)
        except OSError as error:
            raise StoreError(
                f"The index folder {folder} could not be deleted: {error}. Correct its permissions and try again."
            ) from error

    def remove_strangers(self, known: set[str]) -> None:
        """Delete the folders of generations that the registry does not know (any more)."""
        if not self.directory.is_dir():
            return
        for folder in self.directory.iterdir():
            if folder.is_dir() and folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)

    def bytes(self, generation_id: str | None = None) -> int:
        """What a generation takes on the disk, or all of them."""
        total = 0
        top = self.folder(generation_id) if generation_id else self.directory
        for folder, _, names in os.walk(top):  # passes over folders that are being deleted
            for name in names:
                with suppress(OSError):  # just deleted
                    total += (Path(folder) / name).stat().st_size
        return total


def _write_manifest(folder: Path, generation: Generation, *, keywords: int) -> None:
    kept = (*_MUST_AGREE, "model", "created_at")
    values = {**{key: value for key, value in asdict(generation).items() if key in kept}, _KEYWORDS: keywords}
    temporary = folder / f"{_MANIFEST}.tmp"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(values, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / _MANIFEST)
        sync_directory(folder)
        sync_directory(folder.parent)
    except OSError as error:
        raise StoreError(_not_written(folder, error)) from error


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


def _not_written(folder: Path, error: OSError) -> str:
    return f"The index folder {folder} cannot be written: {error}. Free some space or correct its permissions."
