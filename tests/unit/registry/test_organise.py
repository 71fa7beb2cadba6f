from __future__ import annotations

import pytest
from sqlalchemy import event

from citewise.errors import NotAllowedError, NotFoundError, QuestionError
from citewise.registry import collections, documents, removal, serving
from citewise.registry.database import Registry
from tests.unit.registry.making import join, receive, serve


def test_a_disabled_document_is_kept_but_chosen_for_no_answer(registry: Registry) -> None:
    with registry.write() as tx:
        off, chunks_off = serve(tx, "off.txt")
        on, chunks_on = serve(tx, "on.txt")
        gone, _ = serve(tx, "gone.txt")
        removal.remove(tx, [gone])
        here = collections.find(tx, "default")
        assert documents.set_enabled(tx, [off, gone, "unknown"], enabled=False) == 1
        assert serving.match(tx, here, {}) == {on}
        ids = [chunk.id for chunk in (*chunks_off, *chunks_on)]
        assert set(join(tx, ids, here)) == {chunk.id for chunk in chunks_on}
        assert {one.source: one.enabled for one in documents.list_documents(tx)} == {"off.txt": False, "on.txt": True}
        assert documents.set_enabled(tx, [off], enabled=False) == 0
        assert documents.set_enabled(tx, [off, on], enabled=True) == 1
        assert serving.match(tx, here, {}) == {on, off}
        assert set(join(tx, ids, here)) == set(ids)


def test_a_new_version_of_a_disabled_document_is_disabled_too(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "a.txt")
        documents.set_enabled(tx, [document_id], enabled=False)
        serve(tx, "a.txt", "other words", content_hash="beef")
        assert documents.get(tx, document_id).enabled is False
        assert serving.match(tx, collections.find(tx, "default"), {}) == set()


def test_tags_are_kept_trimmed_once_and_in_alphabetical_order(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "a.txt")
        documents.set_tags(tx, document_id, [" zebra", "Äpfel 2024", "apple", "apple ", "Zoo"])
        assert documents.get(tx, document_id).tags == ("apple", "zebra", "Zoo", "Äpfel 2024")
        serve(tx, "a.txt", "the next version", content_hash="beef")
        assert documents.get(tx, document_id).tags == ("apple", "zebra", "Zoo", "Äpfel 2024")
        documents.set_tags(tx, document_id, ["one"])
        assert documents.get(tx, document_id).tags == ("one",)
        documents.set_tags(tx, document_id, [])
        assert documents.get(tx, document_id).tags == ()


@pytest.mark.parametrize("tag", ["", "  ", "x" * 51, "two\nlines", "nul\0", "\ud800", "direction\u202e"])
def test_what_cannot_be_a_tag_is_told_and_changes_nothing(registry: Registry, tag: str) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "a.txt")
        documents.set_tags(tx, document_id, ["kept"])
    with pytest.raises(QuestionError, match="cannot be a tag"), registry.write() as tx:
        documents.set_tags(tx, document_id, ["fine", tag])
    with registry.read() as rx:
        assert documents.get(rx, document_id).tags == ("kept",)


def test_a_document_has_at_most_fifty_tags(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "a.txt")
        documents.set_tags(tx, document_id, [f"tag {number}" for number in range(50)])
        with pytest.raises(QuestionError, match="these are 51"):
            documents.set_tags(tx, document_id, [f"tag {number}" for number in range(51)])


def test_a_removed_document_cannot_be_tagged(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "a.txt")
        removal.remove(tx, [document_id])
        with pytest.raises(NotFoundError):
            documents.set_tags(tx, document_id, ["late"])


def test_the_tags_of_a_whole_library_cost_one_query(registry: Registry) -> None:
    with registry.write() as tx:
        for number in range(20):
            document_id, _ = serve(tx, f"{number}.txt", content_hash=str(number))
            documents.set_tags(tx, document_id, ["all", f"number {number}"])
        other, _ = serve(tx, "other.txt", collection="other")
        documents.set_tags(tx, other, ["elsewhere"])
        asked: list[str] = []
        event.listen(tx, "before_cursor_execute", lambda *arguments: asked.append(arguments[2]))
        listed = documents.list_documents(tx, collections.find(tx, "default"))
        assert [one.tags for one in listed] == [("all", f"number {number}") for number in reversed(range(20))]
        assert len(asked) == 3, "the collection, the tags, the documents"


def test_documents_are_chosen_by_tag(registry: Registry) -> None:
    with registry.write() as tx:
        both, _ = serve(tx, "both.txt")
        one, _ = serve(tx, "one.txt")
        serve(tx, "none.txt")
        other, _ = serve(tx, "other.txt", collection="other")
        documents.set_tags(tx, both, ["draft", "2024"])
        documents.set_tags(tx, one, ["draft"])
        documents.set_tags(tx, other, ["draft"])
        here = collections.find(tx, "default")
        assert serving.match(tx, here, {"tag": "draft"}) == {both, one}
        assert serving.match(tx, here, {"tag": "2024", "type": "text"}) == {both}
        assert serving.match(tx, here, {"tag": "Draft"}) == set()


def test_a_moved_document_belongs_to_the_other_collection_only(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "a.txt")
        documents.set_tags(tx, document_id, ["kept"])
        here, there = collections.find(tx, "default"), collections.ensure(tx, "other")
        assert documents.move(tx, [document_id, "unknown"], there) == 1
        assert documents.list_documents(tx, here) == []
        (moved,) = documents.list_documents(tx, there)
        assert (moved.id, moved.collection, moved.tags) == (document_id, "other", ("kept",))
        assert serving.match(tx, there, {}) == {document_id}
        assert documents.move(tx, [document_id], there) == 0


def test_a_document_is_moved_while_it_is_being_read(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, version = receive(tx, "a.txt")
        documents.set_stage(tx, document_id, version, "embedding")
        assert documents.move(tx, [document_id], collections.ensure(tx, "other")) == 1
        assert documents.version(tx, document_id, version).collection_id == collections.find(tx, "other")


def test_a_name_that_is_taken_there_stops_the_whole_move(registry: Registry) -> None:
    with registry.write() as tx:
        free, _ = serve(tx, "free.txt")
        taken, _ = serve(tx, "taken.txt")
        first, _ = serve(tx, "twin.txt")
        second, _ = serve(tx, "twin.txt", collection="second")
        blocking, _ = serve(tx, "taken.txt", collection="other")
        there = collections.find(tx, "other")
    with (
        pytest.raises(NotAllowedError, match=r"taken\.txt cannot be moved: .* in other already"),
        registry.write() as tx,
    ):
        documents.move(tx, [free, taken], there)
    with pytest.raises(NotAllowedError, match=r"twin\.txt"), registry.write() as tx:
        documents.move(tx, [first, second], there)
    with registry.write() as tx:
        assert {one.id: one.collection for one in documents.list_documents(tx)} == {
            free: "default",
            taken: "default",
            first: "default",
            second: "second",
            blocking: "other",
        }
        removal.remove(tx, [blocking])
        assert documents.move(tx, [taken], there) == 1, "the name of a removed document is free"


def test_a_document_is_renamed_where_the_name_is_free(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "a.txt")
        taken, _ = serve(tx, "b.txt")
        serve(tx, "c.txt", collection="other")
        assert documents.rename(tx, document_id, "c.txt"), "another collection does not count"
        assert documents.get(tx, document_id).source == "c.txt"
        assert not documents.rename(tx, document_id, "b.txt")
        removal.remove(tx, [taken])
        assert not documents.rename(tx, taken, "d.txt")
        assert documents.rename(tx, document_id, "b.txt")
        assert not documents.rename(tx, "unknown", "e.txt")


def test_the_versions_of_a_document_are_told_newest_first(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "a.txt", content_hash="one")
        serve(tx, "a.txt", "the second text", content_hash="two")
        receive(tx, "a.txt", content_hash="three")
        documents.set_stage(tx, document_id, 3, "failed", error="It is broken.")
        third, second, first = documents.versions_of(tx, document_id)
        assert [one.content_hash for one in (first, second, third)] == ["one", "two", "three"]
        assert [one.serves for one in (first, second, third)] == [False, True, False]
        assert (third.version, third.status, third.error) == (3, "failed", "It is broken.")
        assert first.added_at <= second.added_at <= third.added_at
        assert (second.bytes, second.pages) == (7, 1)


def test_versions_of_what_is_not_there_or_does_not_serve_yet(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = receive(tx, "a.txt")
        (only,) = documents.versions_of(tx, document_id)
        assert only.serves is False
        removal.remove(tx, [document_id])
        for missing in (document_id, "unknown"):
            with pytest.raises(NotFoundError):
                documents.versions_of(tx, missing)
