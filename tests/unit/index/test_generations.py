from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from citewise.errors import StoreError
from citewise.index.chroma import ChromaIndex
from citewise.index.exact import ExactIndex
from citewise.index.generations import GenerationFiles
from citewise.index.tantivy import TantivyIndex
from citewise.protocols import VectorIndex
from citewise.types import Generation

GENERATION = Generation(
    id="g1", state="building", embedder="model/3", splitter="split/200", dimension=3, created_at=1_700_000_000.0
)


def files(directory: Path, **others: Any) -> GenerationFiles:
    back_ends: dict[str, Any] = {"open_vectors": ChromaIndex, "open_keywords": TantivyIndex, **others}
    return GenerationFiles(directory, **back_ends)


class Opened:
    def __init__(self, directory: Path, generation: Generation = GENERATION, *, create: bool, **others: Any) -> None:
        self.vectors, self.keywords = files(directory, **others).open(generation, create=create)

    def close(self) -> None:
        self.vectors.close()
        self.keywords.close()


opened = Opened


def test_a_generation_is_made_once_and_opened_again(tmp_path: Path) -> None:
    opened(tmp_path, create=True).close()
    manifest = json.loads((tmp_path / "g1" / "manifest.json").read_text())
    assert manifest == {
        "id": "g1",
        "embedder": "model/3",
        "splitter": "split/200",
        "dimension": 3,
        "created_at": 1_700_000_000.0,
        "model": "",
        "keywords": TantivyIndex.FORMAT,
    }
    for create in (False, True):
        indexes = opened(tmp_path, replace(GENERATION, state="active"), create=create)
        assert (indexes.vectors.count(), indexes.keywords.count()) == (0, 0)
        indexes.close()


@pytest.mark.parametrize(
    "other",
    [
        replace(GENERATION, embedder="another/3"),
        replace(GENERATION, splitter="split/300"),
        replace(GENERATION, dimension=4),
    ],
)
def test_a_generation_built_with_something_else_is_refused(tmp_path: Path, other: Generation) -> None:
    opened(tmp_path, create=True).close()
    with pytest.raises(StoreError, match=r"was built with .* instead of .*citewise index rebuild"):
        opened(tmp_path, other, create=False)


@pytest.mark.parametrize("part", ["manifest.json", "chroma/chroma.sqlite3", "keyword/meta.json"])
def test_a_missing_part_is_an_error_and_leaves_nothing_open(tmp_path: Path, part: str) -> None:
    opened(tmp_path, create=True).close()
    missing = tmp_path / "g1" / part
    kept = missing.read_bytes()
    missing.unlink()
    with pytest.raises(StoreError, match="citewise index rebuild"):
        opened(tmp_path, create=False)
    missing.write_bytes(kept)
    opened(tmp_path, create=False).close()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"id": "g1"}'])
def test_a_damaged_manifest_is_an_error(tmp_path: Path, content: str) -> None:
    opened(tmp_path, create=True).close()
    (tmp_path / "g1" / "manifest.json").write_text(content)
    with pytest.raises(StoreError, match="no readable manifest"):
        opened(tmp_path, create=False)


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be written"):
        opened(tmp_path / "file", create=True)


def test_the_back_ends_are_the_callers_choice(tmp_path: Path) -> None:
    def in_memory(directory: Path, *, dimension: int, create: bool) -> VectorIndex:
        assert (directory, create) == (tmp_path / "g1" / "chroma", True)
        return ExactIndex(dimension)

    indexes = opened(tmp_path, create=True, open_vectors=in_memory)
    assert isinstance(indexes.vectors, ExactIndex)
    indexes.close()


def test_a_seal_holds_until_a_file_changes_or_the_generation_is_opened(tmp_path: Path) -> None:
    opened(tmp_path, create=True).close()
    here = files(tmp_path)
    assert here.sealed("g1") == "absent"
    here.seal("g1")
    assert here.sealed("g1") == "whole"
    database = tmp_path / "g1" / "chroma" / "chroma.sqlite3"
    kept = database.read_bytes()
    database.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    assert here.sealed("g1") == "broken"
    database.write_bytes(kept)
    assert here.sealed("g1") == "whole"
    (tmp_path / "g1" / "chroma" / "more").write_text("a file that was not there")
    assert here.sealed("g1") == "broken"
    (tmp_path / "g1" / "chroma" / "more").unlink()
    opened(tmp_path, create=False).close()
    assert here.sealed("g1") == "absent"


def test_removed_files_and_strangers_are_gone(tmp_path: Path) -> None:
    opened(tmp_path, create=True).close()
    here = files(tmp_path)
    (tmp_path / "stranger").mkdir()
    here.remove_strangers({"g1"})
    assert [path.name for path in tmp_path.iterdir()] == ["g1"]
    assert here.bytes() > 0
    here.remove("g1")
    here.remove("g1")
    assert list(tmp_path.iterdir()) == []
    assert here.bytes() == 0


@pytest.mark.parametrize("former", [1, None])
def test_words_that_were_indexed_in_another_way_are_refused_and_untouched(tmp_path: Path, former: int | None) -> None:
    opened(tmp_path, create=True).close()
    path = tmp_path / "g1" / "manifest.json"
    manifest = {**json.loads(path.read_text()), "keywords": former}
    path.write_text(json.dumps({key: value for key, value in manifest.items() if value is not None}))
    files(tmp_path).seal("g1")
    assert files(tmp_path).outdated("g1")
    for create in (False, True):
        with pytest.raises(StoreError, match=r"earlier Citewise.*citewise index rebuild"):
            opened(tmp_path, create=create)
    assert files(tmp_path).sealed("g1") == "whole"
    assert not files(tmp_path).outdated("another")
