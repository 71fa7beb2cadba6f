from __future__ import annotations

from dataclasses import replace

import pytest

from citewise.errors import IngestError, NotFoundError
from citewise.registry import collections, documents
from citewise.registry.database import Registry
from citewise.types import ParsedDocument
from tests.unit.registry.making import SPLITTER, cut, join, parsed, publish, receive, save, serve


def test_a_changed_file_is_the_next_version_of_the_same_document(registry: Registry) -> None:
    with registry.write() as tx:
        first = receive(tx, "a.txt", content_hash="one")
        second = receive(tx, "a.txt", content_hash="two")
        other = receive(tx, "a.txt", collection="other")
    assert second == (first[0], 2)
    assert other[0] != first[0]
    with registry.read() as rx:
        assert documents.get(rx, first[0]).content_hash == "two"
        assert documents.get(rx, first[0], version=1).content_hash == "one"


def test_a_new_version_does_not_serve_before_it_is_published(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, old = serve(tx, "a.txt", "the old text")
        _, version = receive(tx, "a.txt")
        new = save(tx, document_id, version, "the new text")
        collection_id = collections.find(tx, "default")
        ids = [chunk.id for chunk in (*old, *new)]
        assert set(join(tx, ids, collection_id)) == {chunk.id for chunk in old}
        shown = documents.get(tx, document_id)
        assert (shown.version, shown.serving_version, shown.status) == (2, 1, "received")
        assert publish(tx, document_id, version)
        assert set(join(tx, ids, collection_id)) == {chunk.id for chunk in new}


def test_an_old_version_that_is_ready_late_does_not_push_out_a_newer_one(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, first = receive(tx, "a.txt")
        save(tx, document_id, first, "the old text")
        serve(tx, "a.txt", "the new text")
        assert not publish(tx, document_id, first)
        assert documents.get(tx, document_id).serving_version == 2


def test_everything_that_was_read_comes_back(registry: Registry) -> None:
    text = "Ein Satz – ganz kurz. 🙂 Und noch einer."
    with registry.write() as tx:
        document_id, version = receive(tx, "folder/a.pdf")
        chunks = cut(text, document_id, version)
        documents.save_parsed(
            tx, document_id, version, parsed(text, title="A title", media_type="application/pdf"), chunks, splitter="s"
        )
    with registry.read() as rx:
        assert documents.text(rx, document_id, version) == text
        assert documents.pages(rx, document_id, version) == parsed(text).pages
        assert documents.blocks(rx, document_id, version) == parsed(text).blocks
        assert documents.chunks(rx, document_id, version) == chunks
        document = documents.get(rx, document_id)
        assert document.report == parsed(text).report
        assert (document.title, document.media_type, document.pages) == ("A title", "application/pdf", 1)
        assert document.chunks == len(chunks)
        assert documents.version(rx, document_id, version).splitter == "s"


@pytest.mark.parametrize(("start", "end"), [(0, 3), (8, 13), (4, 4), (9, 5), (0, 99), (99, 120), (-3, 4)])
def test_a_slice_is_the_slice_of_the_text(registry: Registry, start: int, end: int) -> None:
    text = "aé🙂 ß\n漢字 \u0301x"
    with registry.write() as tx:
        document_id, version = receive(tx, "a.txt")
        save(tx, document_id, version, text)
        assert documents.slice_text(tx, document_id, version, start, end) == text[max(start, 0) : max(end, 0)]


def test_saving_again_replaces_what_an_earlier_attempt_stored(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, version = receive(tx, "a.txt")
        first = save(tx, document_id, version, "the first attempt")
        documents.save_parsed(tx, document_id, version, parsed("the first attempt"), first, splitter=SPLITTER)
        assert documents.chunks(tx, document_id, version) == first
        other = cut("another text", document_id, version)
        documents.save_parsed(tx, document_id, version, parsed("another text"), other, splitter=SPLITTER)
        assert documents.chunks(tx, document_id, version) == other
        assert documents.text(tx, document_id, version) == "another text"


def test_a_version_keeps_one_set_of_chunks_for_each_way_of_cutting(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, first = serve(tx, "a.txt", "the text that is cut twice")
        other = cut("the text that is cut twice", document_id, 1, splitter="other", size=5)
        documents.save_chunks(tx, document_id, 1, other, splitter="other")
        assert documents.chunks(tx, document_id, 1) == first
        assert documents.chunks(tx, document_id, 1, splitter="other") == other
        assert documents.neighbours(tx, other[2], 1) == other[1:4]
        assert set(join(tx, [one.id for one in (*first, *other)], collections.find(tx, "default"))) == {
            one.id for one in first
        }


def test_the_title_of_the_upload_wins_and_the_file_name_stands_in_for_none(registry: Registry) -> None:
    with registry.write() as tx:
        titled, version = receive(tx, "a.txt", title="Given")
        documents.save_parsed(tx, titled, version, parsed("text", title="Own"), [], splitter="s")
        assert documents.get(tx, titled).title == "Given"
        untitled, _ = receive(tx, "folder/b.txt")
        assert documents.get(tx, untitled).title == "b.txt"


@pytest.mark.parametrize("document", [parsed("nul \0"), replace(parsed("text"), text="lone \ud800")])
def test_text_that_no_database_holds_is_a_failed_file(registry: Registry, document: ParsedDocument) -> None:
    with pytest.raises(IngestError, match="cannot be stored"), registry.write() as tx:
        document_id, version = receive(tx, "a.txt")
        documents.save_parsed(tx, document_id, version, document, [], splitter="s")


@pytest.mark.parametrize("source", ["", "  ", "\udcff.txt", "nul\0.txt", "x" * 1001])
def test_a_name_that_cannot_be_stored_is_a_failed_file(registry: Registry, source: str) -> None:
    with pytest.raises(IngestError, match="Rename the file"), registry.write() as tx:
        receive(tx, source)


def test_stage_and_progress_are_shown(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, version = receive(tx, "a.txt")
        documents.set_stage(tx, document_id, version, "embedding", total=40)
        documents.set_progress(tx, document_id, version, done=13)
        documents.set_media_type(tx, document_id, version, "text/html")
        document = documents.get(tx, document_id)
        assert (document.status, document.done, document.total) == ("embedding", 13, 40)
        assert document.media_type == "text/html"
        assert document.stage_started_at is not None
        assert document.stage_started_at >= document.added_at
        documents.set_stage(tx, document_id, version, "failed", error="It is encrypted.")
        document = documents.get(tx, document_id)
        assert (document.status, document.error, document.done) == ("failed", "It is encrypted.", 0)


def test_work_on_a_version_that_was_purged_meanwhile_stores_nothing(registry: Registry) -> None:
    with registry.write() as tx:
        documents.set_stage(tx, "gone", 1, "parsing")
        documents.set_progress(tx, "gone", 1, done=1)
        assert not documents.publish(tx, "gone", 1, timings_ms={})
        with pytest.raises(NotFoundError, match="gone"):
            documents.save_parsed(tx, "gone", 1, parsed("text"), [], splitter="s")
        assert documents.list_documents(tx) == []


def test_the_list_is_newest_first_and_by_collection(registry: Registry) -> None:
    with registry.write() as tx:
        first, _ = serve(tx, "a.txt")
        second, _ = serve(tx, "b.txt", collection="other")
        receive(tx, "a.txt", content_hash="new")
        listed = documents.list_documents(tx)
        assert [document.id for document in listed] == [first, second]
        assert [document.collection for document in listed] == ["default", "other"]
        other = collections.find(tx, "other")
        assert [document.id for document in documents.list_documents(tx, other)] == [second]


def test_the_list_tells_warnings_but_leaves_the_pages_of_reports_out(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "a.txt")
        (listed,) = documents.list_documents(tx)
        full = documents.get(tx, document_id)
        assert full.report is not None
        assert full.report.pages != ()
        assert listed == replace(full, report=replace(full.report, pages=()))


def test_a_document_is_found_by_its_name_and_by_its_bytes(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = receive(tx, "a.txt", content_hash="one")
        default, other = collections.find(tx, "default"), collections.ensure(tx, "other")
        by_source = documents.find_by_source(tx, default, "a.txt")
        assert by_source is not None
        assert by_source.id == document_id
        assert documents.find_by_hash(tx, default, "one") == by_source
        assert documents.find_by_source(tx, other, "a.txt") is None
        assert documents.find_by_hash(tx, other, "one") is None
        receive(tx, "a.txt", content_hash="two")
        assert documents.find_by_hash(tx, default, "one") is None, "only the newest version counts"


def test_what_is_unfinished_is_listed_oldest_first(registry: Registry) -> None:
    with registry.write() as tx:
        serve(tx, "ready.txt")
        first, second, failed = (receive(tx, source) for source in ("a.txt", "b.txt", "c.txt"))
        documents.set_stage(tx, *failed, "failed", error="It is broken.")
        documents.set_stage(tx, *first, "indexing")
        assert documents.unfinished(tx) == [first, second]


def test_what_is_not_there_is_told_as_a_sentence(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, version = receive(tx, "a.txt")
        for missing in (
            lambda: documents.get(tx, "gone"),
            lambda: documents.get(tx, document_id, version=2),
            lambda: documents.version(tx, document_id, 2),
            lambda: documents.text(tx, document_id, version),
            lambda: documents.pages(tx, document_id, version),
            lambda: documents.slice_text(tx, document_id, version, 0, 1),
        ):
            with pytest.raises(NotFoundError):
                missing()
        assert documents.chunks(tx, document_id, version) == []
