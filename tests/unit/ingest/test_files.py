from __future__ import annotations

from pathlib import Path

import pytest

from citewise.errors import IngestError
from citewise.ingest.files import find_files, walk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "notes"
    for name in (
        "b.txt",
        "a.md",
        "~$a.docx",
        ".hidden.txt",
        "picture.png",
        "inner/deep/c.PDF",
        ".git/d.txt",
        "inner/a.txt",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("words")
    (root / "link.txt").symlink_to(root / "b.txt")
    (root / "linked").symlink_to(root / "inner")
    return root


def test_a_folder_gives_its_files_in_order_and_passes_over_what_is_no_document(folder: Path) -> None:
    found = list(walk(folder))
    assert [one.source for one in found] == ["a.md", "b.txt", "picture.png", "inner/a.txt", "inner/deep/c.PDF"]
    assert [one.source for one in found if one.reason] == ["picture.png"]
    assert all(one.path == folder / one.source for one in found)


def test_a_folder_that_cannot_be_listed_is_told_and_stops_nothing(folder: Path) -> None:
    errors: list[OSError] = []
    assert list(walk(folder / "none", on_error=errors.append)) == []
    assert [Path(error.filename) for error in errors] == [folder / "none"]


def test_files_named_are_taken_whatever_they_are(folder: Path) -> None:
    named = find_files([folder / "picture.png", folder / "inner"])
    assert [(one.source, one.reason) for one in named] == [("picture.png", None), ("a.txt", None), ("deep/c.PDF", None)]


def test_two_files_of_one_name_are_refused(folder: Path) -> None:
    with pytest.raises(IngestError, match=r"would both be called a\.txt"):
        find_files([folder / "inner", folder / "inner" / "a.txt"])
