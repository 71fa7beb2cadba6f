from __future__ import annotations

import numpy as np
import pytest

from citewise.errors import NotAllowedError, NotFoundError
from citewise.registry import collections, documents, embeddings, jobs, removal
from citewise.registry.database import Registry
from citewise.registry.ids import hash_text
from tests.unit.registry.making import join, receive, serve

SECRET = "The launch code is heliotrope-seventeen."


def test_a_removed_document_is_gone_everywhere_and_comes_back_whole(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, chunks = serve(tx, "a.txt")
        collection_id = collections.find(tx, "default")
        before = documents.get(tx, document_id)
        assert removal.remove(tx, [document_id, "unknown"]) == 1
        assert removal.remove(tx, [document_id]) == 0
        assert documents.list_documents(tx) == []
        assert documents.find_by_source(tx, collection_id, "a.txt") is None
        assert documents.find_by_hash(tx, collection_id, "c0ffee") is None
        with pytest.raises(NotFoundError):
            documents.get(tx, document_id)
        assert removal.restore(tx, [document_id]) == 1
        assert removal.restore(tx, [document_id]) == 0
        assert documents.get(tx, document_id) == before
        assert len(join(tx, [chunk.id for chunk in chunks], collection_id)) == len(chunks)


def test_work_on_a_removed_document_is_asked_to_end_and_queued_again_when_it_comes_back(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, version = receive(tx, "a.txt")
        job = jobs.create(tx, document_id=document_id, version=version)
        removal.remove(tx, [document_id])
        assert jobs.cancel_requested(tx, job.id)
        documents.set_stage(tx, document_id, version, "cancelled")
        jobs.cancel(tx, job.id)
        removal.restore(tx, [document_id])
        assert documents.get(tx, document_id).status == "received"
        (again,) = jobs.claim(tx, limit=5)
        assert (again.document_id, again.cancel_requested) == (document_id, False)


def test_a_file_added_after_its_removal_is_another_document(registry: Registry) -> None:
    with registry.write() as tx:
        old, _ = serve(tx, "a.txt")
        removal.remove(tx, [old])
        new, version = receive(tx, "a.txt")
        assert new != old
        assert version == 1
        with pytest.raises(NotAllowedError, match=r"a\.txt cannot be brought back"):
            removal.restore(tx, [old])
        removal.remove(tx, [new])
        assert removal.restore(tx, [old]) == 1


def test_of_two_removed_documents_of_one_name_only_one_comes_back(registry: Registry) -> None:
    with registry.write() as tx:
        first, _ = serve(tx, "a.txt")
        removal.remove(tx, [first])
        second, _ = serve(tx, "a.txt")
        removal.remove(tx, [second])
    with pytest.raises(NotAllowedError), registry.write() as tx:
        removal.restore(tx, [first, second])
    with registry.read() as rx:
        assert documents.list_documents(rx) == [], "it is both or none"


def test_purging_tells_what_indexes_and_blobs_must_let_go(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, first = serve(tx, "a.txt", "the first text", content_hash="one")
        _, second = serve(tx, "a.txt", "the second text", content_hash="shared")
        serve(tx, "b.txt", "another text", content_hash="shared")
        removal.remove(tx, [document_id])
        purged = removal.purge(tx, [document_id, "unknown"])
        assert purged.documents == 1
        assert set(purged.chunk_ids) == {chunk.id for chunk in (*first, *second)}
        assert purged.content_hashes == ("one",), "another document has the bytes of the second version"
        assert removal.purge(tx, [document_id]) == removal.Purged(0, (), ())
        assert removal.restore(tx, [document_id]) == 0
        with pytest.raises(NotFoundError):
            documents.version(tx, document_id, 1)


def test_purging_keeps_embeddings_that_another_document_needs(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, chunks = serve(tx, "a.txt", "same textonly here")
        serve(tx, "b.txt", "same text")
        hashes = [hash_text(chunk.full_text) for chunk in chunks]
        embeddings.put_many(tx, "model", {text_hash: np.ones(3, np.float32) for text_hash in hashes})
        removal.purge(tx, [document_id])
        assert set(embeddings.get_many(tx, "model", hashes)) == {hashes[0]}


def test_purging_cancels_jobs_and_forgets_what_they_said(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, version = receive(tx, "a.txt")
        failed = jobs.create(tx, document_id=document_id, version=version)
        jobs.fail(tx, failed.id, error="a.txt is broken.")
        queued = jobs.create(tx, document_id=document_id, version=version)
        kept = jobs.create(tx, document_id="another", version=1)
        removal.purge(tx, [document_id])
        assert jobs.states(tx, [failed.id, queued.id, kept.id]) == {
            failed.id: "failed",
            queued.id: "cancelled",
            kept.id: "queued",
        }
        assert jobs.get(tx, failed.id).error is None


def test_purged_words_are_in_no_file(registry: Registry) -> None:
    def on_disk() -> bool:
        return any(SECRET.encode() in path.read_bytes() for path in registry.path.parent.glob("registry.sqlite3*"))

    with registry.write() as tx:
        document_id, _ = serve(tx, "a.txt", SECRET * 500)
    registry.flush_log()
    assert on_disk()
    with registry.write() as tx:
        removal.remove(tx, [document_id])
    registry.flush_log()
    assert on_disk(), "a removed document can still be brought back"
    with registry.write() as tx:
        removal.purge(tx, [document_id])
    registry.flush_log()
    assert not on_disk()
