"""What an upload becomes, whatever is here already; nothing is read, only queued."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from citewise.ingest import intake
from citewise.registry import collections, documents, jobs, removal
from citewise.registry.blobs import Blobs
from citewise.registry.database import Registry
from citewise.types import Added, DocumentStatus, OnDuplicate, Upload

ONE, OTHER = b"the bytes", b"other bytes"
CHOICES: tuple[OnDuplicate, ...] = ("skip", "replace", "keep")


class Library:
    def __init__(self, home: Path) -> None:
        self.registry = Registry(home)
        self.blobs = Blobs(home)

    def add(self, source: str, content: bytes = ONE, on_duplicate: OnDuplicate = "skip") -> Added:
        (added,) = self.add_all([Upload(source, io.BytesIO(content))], on_duplicate)
        return added

    def add_all(self, uploads: list[Upload], on_duplicate: OnDuplicate = "skip") -> list[Added]:
        return intake.add(
            self.registry, self.blobs, uploads, collection="default", on_duplicate=on_duplicate, limit_bytes=1000
        )

    def end(self, added: Added, status: DocumentStatus) -> None:
        """End the reading of what was added."""
        with self.registry.write() as tx:
            documents.set_stage(tx, added.document_id or "", added.version or 0, status)
            jobs.finish(tx, added.job_id or "")

    def names(self) -> dict[str, int]:
        """The version of each document."""
        with self.registry.read() as rx:
            return {one.source: one.version for one in documents.list_documents(rx)}


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    made = Library(tmp_path)
    yield made
    made.registry.close()


@pytest.mark.parametrize("on_duplicate", CHOICES)
def test_the_same_bytes_under_the_same_name_are_nothing_to_do(library: Library, on_duplicate: OnDuplicate) -> None:
    first = library.add("a.txt")
    again = library.add("a.txt", on_duplicate=on_duplicate)
    assert (again.status, again.document_id, again.job_id) == ("skipped", first.document_id, None)
    assert again.error == "The same file is here already."
    assert library.names() == {"a.txt": 1}


@pytest.mark.parametrize(
    ("on_duplicate", "status", "names"),
    [
        ("skip", "skipped", {"a.txt": 1}),
        ("replace", "received", {"b.txt": 1}),
        ("keep", "received", {"a.txt": 1, "b.txt": 1}),
    ],
)
def test_the_same_bytes_under_another_name_are_treated_as_asked(
    library: Library, on_duplicate: OnDuplicate, status: str, names: dict[str, int]
) -> None:
    library.add("a.txt")
    added = library.add("b.txt", on_duplicate=on_duplicate)
    assert (added.status, library.names()) == (status, names)
    if status == "skipped":
        assert added.error == "The same file is here already as a.txt."


@pytest.mark.parametrize("on_duplicate", ["skip", "replace"])
def test_other_bytes_under_the_same_name_are_its_next_version(library: Library, on_duplicate: OnDuplicate) -> None:
    first = library.add("a.txt")
    second = library.add("a.txt", OTHER, on_duplicate)
    assert (second.status, second.document_id, second.version) == ("received", first.document_id, 2)


def test_other_bytes_under_the_same_name_are_kept_beside_it(library: Library) -> None:
    first = library.add("notes/a.b.txt")
    beside = library.add("notes/a.b.txt", OTHER, "keep")
    assert (beside.status, beside.source, beside.version) == ("received", "notes/a.b (2).txt", 1)
    assert beside.document_id != first.document_id
    third = library.add("notes/a.b.txt", b"third bytes", "keep")
    assert third.source == "notes/a.b (3).txt"
    again = library.add("notes/a.b.txt", OTHER, "keep")
    assert (again.status, again.document_id) == ("skipped", beside.document_id)
    assert library.names() == {"notes/a.b.txt": 1, "notes/a.b (2).txt": 1, "notes/a.b (3).txt": 1}


@pytest.mark.parametrize(("name", "beside"), [("README", "README (2)"), (".txt", ".txt (2)"), ("a/b/", "a/b/ (2)")])
def test_names_without_an_ending_are_told_apart_too(library: Library, name: str, beside: str) -> None:
    library.add(name)
    assert library.add(name, OTHER, "keep").source == beside


@pytest.mark.parametrize("on_duplicate", CHOICES)
def test_a_file_whose_reading_failed_is_read_again(library: Library, on_duplicate: OnDuplicate) -> None:
    first = library.add("a.txt")
    library.end(first, "failed")
    again = library.add("a.txt", on_duplicate=on_duplicate)
    assert (again.status, again.document_id, again.version) == ("received", first.document_id, 1)
    assert again.job_id not in (None, first.job_id)


def test_a_file_that_failed_under_another_name_is_no_reason_to_skip_this_one(library: Library) -> None:
    library.end(library.add("a.pdf"), "failed")
    named_right = library.add("a.txt")
    assert named_right.status == "received"
    assert library.add("b.txt").error == "The same file is here already as a.txt."


def test_a_file_that_is_here_but_disabled_is_told_so(library: Library) -> None:
    first = library.add("a.txt")
    with library.registry.write() as tx:
        documents.set_enabled(tx, [first.document_id or ""], enabled=False)
    assert library.add("a.txt").error == "The same file is here already, but disabled."


def test_a_removed_document_is_not_here(library: Library) -> None:
    first = library.add("a.txt")
    with library.registry.write() as tx:
        removal.remove(tx, [first.document_id or ""])
    assert library.add("a.txt").document_id != first.document_id


def test_other_collections_do_not_count(library: Library) -> None:
    library.add("a.txt")
    with library.registry.write() as tx:
        other = collections.ensure(tx, "other")
        blob = library.blobs.put(io.BytesIO(ONE), limit_bytes=1000)
        assert intake.take_in(tx, Upload("b.txt", io.BytesIO(ONE)), blob, other, "skip").status == "received"


@pytest.mark.parametrize("on_duplicate", CHOICES)
def test_what_cannot_be_taken_stops_nothing_else(library: Library, on_duplicate: OnDuplicate) -> None:
    bad = [
        Upload("empty.txt", io.BytesIO(b"")),
        Upload("big.txt", io.BytesIO(b"x" * 1001)),
        Upload("\udcff.txt", io.BytesIO(b"name")),
        Upload("titled.txt", io.BytesIO(b"title"), title="nul\0"),
    ]
    added = library.add_all([*bad, Upload("good.txt", io.BytesIO(ONE))], on_duplicate)
    assert [one.status for one in added] == ["failed", "failed", "failed", "failed", "received"]
    assert all(one.error for one in added[:4])
    assert library.names() == {"good.txt": 1}


def test_a_name_that_grows_too_long_fails_and_the_old_document_stays(library: Library) -> None:
    longest = "x" * 1000
    library.add(longest)
    failed, fine = library.add_all([Upload(longest, io.BytesIO(OTHER)), Upload("b.txt", io.BytesIO(b"b"))], "keep")
    assert (failed.status, fine.status) == ("failed", "received")
    assert library.names() == {longest: 1, "b.txt": 1}


def test_two_files_of_the_same_bytes_in_one_go_are_seen(library: Library) -> None:
    first, second = library.add_all([Upload("a.txt", io.BytesIO(ONE)), Upload("b.txt", io.BytesIO(ONE))])
    assert (first.status, second.status) == ("received", "skipped")
