from __future__ import annotations

from dataclasses import replace

import pytest

from citewise.errors import NotFoundError
from citewise.registry import removal, watched
from citewise.registry.database import Registry
from citewise.registry.watched import WatchedFile
from tests.unit.registry.making import serve

FILE = WatchedFile("a.txt", stamp="7 1", device="64", content_hash="c0ffee")


def test_a_folder_is_watched_once_for_each_collection(registry: Registry) -> None:
    with registry.write() as tx:
        first = watched.add_folder(tx, "/notes", "default")
        assert watched.add_folder(tx, "/notes", "default") == first
        second = watched.add_folder(tx, "/notes", "lab")
        assert [(one.id, one.path, one.collection) for one in watched.list_folders(tx)] == [
            (first, "/notes", "default"),
            (second, "/notes", "lab"),
        ]
        watched.looked(tx, first, at=12.5, error="It is not there.")
        looked, fresh = watched.list_folders(tx)
        assert (looked.looked_at, looked.error) == (12.5, "It is not there.")
        assert (fresh.looked_at, fresh.error, fresh.documents, fresh.refused) == (None, None, 0, ())


def test_what_is_known_of_a_file_is_replaced_and_forgotten(registry: Registry) -> None:
    with registry.write() as tx:
        folder_id = watched.add_folder(tx, "/notes", "default")
        watched.put_file(tx, folder_id, FILE)
        changed = replace(FILE, stamp="8 2", device="65", missing=True, content_hash=None, error="It is too large.")
        watched.put_file(tx, folder_id, changed)
        assert watched.files(tx, folder_id)["a.txt"].file == changed
        assert watched.list_folders(tx)[0].refused == (("a.txt", "It is too large."),)
        assert watched.files(tx, folder_id, source="b.txt") == {}
        watched.forget_file(tx, folder_id, "a.txt")
        assert watched.files(tx, folder_id) == {}


def test_it_is_known_what_became_of_the_document_of_a_file(registry: Registry) -> None:
    with registry.write() as tx:
        folder_id = watched.add_folder(tx, "/notes", "default")
        kept, _ = serve(tx, "kept.txt")
        removed, _ = serve(tx, "removed.txt")
        purged, _ = serve(tx, "purged.txt")
        for source, document_id in (("kept", kept), ("removed", removed), ("purged", purged), ("none", None)):
            watched.put_file(tx, folder_id, replace(FILE, source=source, document_id=document_id))
        removal.remove(tx, [removed])
        removal.purge(tx, [purged])
        known = watched.files(tx, folder_id)
        assert {source: one.in_library for source, one in known.items()} == {
            "kept": True,
            "removed": False,
            "purged": False,
            "none": False,
        }
        assert [source for source, one in known.items() if one.turned_away] == ["purged", "removed"]
        assert [source for source, one in known.items() if one.collection_id is None] == ["none", "purged"]
        assert watched.list_folders(tx)[0].documents == 1
        watched.put_file(tx, folder_id, replace(FILE, source="removed", document_id=removed, missing=True))
        assert not watched.files(tx, folder_id)["removed"].turned_away


def test_a_folder_that_is_watched_no_more_names_its_documents(registry: Registry) -> None:
    with registry.write() as tx:
        folder_id = watched.add_folder(tx, "/notes", "default")
        kept, _ = serve(tx, "kept.txt")
        removed, _ = serve(tx, "removed.txt")
        for document_id in (kept, removed):
            watched.put_file(tx, folder_id, replace(FILE, source=document_id, document_id=document_id))
        removal.remove(tx, [removed])
        assert watched.is_watched(tx, folder_id)
        assert watched.remove_folder(tx, folder_id) == [kept]
        assert not watched.is_watched(tx, folder_id)
        assert watched.files(tx, folder_id) == {}
        with pytest.raises(NotFoundError, match="citewise watch"):
            watched.remove_folder(tx, folder_id)


def test_another_folder_that_has_a_document_is_found(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "a.txt")
        one, other = watched.add_folder(tx, "/one", "default"), watched.add_folder(tx, "/other", "default")
        watched.put_file(tx, one, replace(FILE, document_id=document_id))
        assert watched.holder(tx, document_id, besides=other) == "/one"
        assert watched.holder(tx, document_id, besides=one) is None
        watched.put_file(tx, one, replace(FILE, document_id=document_id, missing=True))
        assert watched.holder(tx, document_id, besides=other) is None
