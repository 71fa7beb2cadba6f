from __future__ import annotations

from pathlib import Path

import pytest

from citewise.errors import IngestError
from citewise.ingest.files import find_files, walk
from citewise.ingest.ignore import IGNORE_FILE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "notes"
    for name in (
        "b.txt",
        "a.md",
        "~$a.docx",
        ".hidden.txt",
        "program.exe",
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
    assert [one.source for one in found] == ["a.md", "b.txt", "program.exe", "inner/a.txt", "inner/deep/c.PDF"]
    assert [one.source for one in found if one.reason] == ["program.exe"]
    assert all(one.path == folder / one.source for one in found)


def test_a_folder_that_cannot_be_listed_is_told_and_stops_nothing(folder: Path) -> None:
    errors: list[OSError] = []
    assert list(walk(folder / "none", on_error=errors.append)) == []
    assert [Path(error.filename) for error in errors] == [folder / "none"]


def test_files_named_are_taken_whatever_they_are(folder: Path) -> None:
    named = find_files([folder / "program.exe", folder / "inner"])
    assert [(one.source, one.reason) for one in named] == [("program.exe", None), ("a.txt", None), ("deep/c.PDF", None)]


def test_two_files_of_one_name_are_refused(folder: Path) -> None:
    with pytest.raises(IngestError, match=r"would both be called a\.txt"):
        find_files([folder / "inner", folder / "inner" / "a.txt"])


IGNORE = """
# not these
*.log
/a.md
drafts/
inner/**/c.*
"""


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a.md", False),
        ("inner/a.md", True),
        ("x.log", False),
        ("inner/deep/x.log", False),
        ("x.log.txt", True),
        ("drafts/new.txt", False),
        ("inner/drafts/new.txt", False),
        ("drafts.txt", True),
        ("inner/c.txt", False),
        ("inner/deep/c.txt", False),
        ("c.txt", True),
    ],
)
def test_an_ignore_file_keeps_files_and_folders_out(tmp_path: Path, name: str, kept: bool) -> None:
    (tmp_path / IGNORE_FILE).write_text(IGNORE)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("words")
    assert [one.source for one in walk(tmp_path)] == [name] * kept
    assert [one.source for one in find_files([tmp_path / name])] == [Path(name).name]


def test_an_inner_ignore_file_holds_for_its_own_folder_only(tmp_path: Path) -> None:
    for name in ("a.txt", "inner/a.txt", "inner/b.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("words")
    (tmp_path / "inner" / IGNORE_FILE).write_text("a.txt")
    assert [one.source for one in walk(tmp_path)] == ["a.txt", "inner/b.txt"]


def test_a_folder_whose_ignore_file_cannot_be_read_is_told(folder: Path) -> None:
    (folder / "inner" / IGNORE_FILE).mkdir()
    errors: list[OSError] = []
    assert "inner/a.txt" not in [one.source for one in walk(folder, on_error=errors.append)]
    assert [Path(error.filename) for error in errors] == [folder / "inner"]


def test_the_sample_data_brings_no_questions_and_no_sources_of_its_documents() -> None:
    found = find_files([Path(__file__).parents[3] / "data"])
    brought = {one.source for one in found if not one.reason and not one.source.startswith("library/")}
    assert brought == {"README.md", "eval/README.md"}
