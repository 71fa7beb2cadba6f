from __future__ import annotations

import pytest

from citewise.errors import NotFoundError, QuestionError
from citewise.registry import collections, documents, removal
from citewise.registry.database import Registry
from citewise.types import Collection
from tests.unit.registry.making import receive, save, serve


def test_a_collection_is_made_once(registry: Registry) -> None:
    with registry.write() as tx:
        first = collections.ensure(tx, "notes")
        assert collections.ensure(tx, "notes") == first == collections.find(tx, "notes")


def test_an_unknown_collection_is_told_with_those_that_there_are(registry: Registry) -> None:
    with registry.write() as tx:
        collections.ensure(tx, "reports")
        collections.ensure(tx, "notes")
        with pytest.raises(NotFoundError, match=r"'nots'.*notes, reports"):
            collections.find(tx, "nots")


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "two\nlines", " blank in front", "bell\a", "\ud800"])
def test_a_name_that_cannot_be_shown_is_refused(registry: Registry, name: str) -> None:
    with pytest.raises(QuestionError, match="1 to 100"), registry.write() as tx:
        collections.ensure(tx, name)


@pytest.mark.parametrize("name", ["x", "x" * 100, "Zürich 2024 – Ö", "研究"])
def test_any_other_name_is_fine(registry: Registry, name: str) -> None:
    with registry.write() as tx:
        collections.ensure(tx, name)
        assert [found.name for found in collections.list_all(tx)] == [name]


def test_only_what_answers_come_from_is_counted(registry: Registry) -> None:
    with registry.write() as tx:
        collections.ensure(tx, "empty")
        _, chunks = serve(tx, "a.txt", "twenty characters...")
        serve(tx, "b.txt", "four")
        removed, _ = serve(tx, "c.txt", "removed")
        removal.remove(tx, [removed])
        half, version = receive(tx, "half.txt")
        save(tx, half, version, "not published")
        failed, version = receive(tx, "failed.txt")
        documents.set_stage(tx, failed, version, "failed", error="It is broken.")
        found = collections.list_all(tx)
        assert found == [
            Collection(collections.find(tx, "default"), "default", 2, len(chunks) + 1),
            Collection(collections.find(tx, "empty"), "empty", 0, 0),
        ]
