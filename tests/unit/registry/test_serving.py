from __future__ import annotations

import pytest

from citewise.errors import QuestionError
from citewise.registry import collections, documents, held, removal, serving
from citewise.registry.database import Registry
from tests.unit.registry.making import generation, join, receive, save, serve

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def test_a_hit_comes_back_with_its_chunk_and_the_name_of_its_document(registry: Registry) -> None:
    with registry.write() as tx:
        _, chunks = serve(tx, "folder/a.txt", "some text that is longer", content_hash="beef")
        found = join(tx, [chunk.id for chunk in chunks], collections.find(tx, "default"))
        assert found == {
            chunk.id: serving.Joined(chunk, source="folder/a.txt", title="a.txt", content_hash="beef")
            for chunk in chunks
        }


def test_more_ids_than_fit_one_query_are_joined(registry: Registry) -> None:
    with registry.write() as tx:
        _, chunks = serve(tx, "a.txt", "x" * 8 * 1_203)
        ids = [chunk.id for chunk in chunks]
        assert set(join(tx, [*ids, "unknown"], collections.find(tx, "default"))) == set(ids)
        assert join(tx, [], collections.find(tx, "default")) == {}


def test_chunks_that_answers_must_not_use_are_left_out(registry: Registry) -> None:
    with registry.write() as tx:
        removed, of_removed = serve(tx, "removed.txt")
        removal.remove(tx, [removed])
        _, foreign = serve(tx, "foreign.txt", collection="other")
        half, version = receive(tx, "half.txt")
        unpublished = save(tx, half, version, "not yet")
        again, of_again = serve(tx, "again.txt")
        documents.set_stage(tx, again, 1, "failed", error="The index lost it.")
        off, of_off = serve(tx, "off.txt")
        documents.set_enabled(tx, [off], enabled=False)
        moved, of_moved = serve(tx, "moved.txt")
        held.drop(tx, generation(tx), [moved])
        ids = [chunk.id for chunk in (*of_removed, *foreign, *unpublished, *of_again, *of_off, *of_moved)]
        assert join(tx, ids, collections.find(tx, "default")) == {}
        assert set(join(tx, ids, collections.find(tx, "other"))) == {chunk.id for chunk in foreign}


def test_documents_are_chosen_by_their_fields_and_metadata(registry: Registry) -> None:
    with registry.write() as tx:
        pdf, _ = serve(tx, "a.pdf", media_type="application/pdf", metadata={"year": 2023, "draft": True})
        text, _ = serve(tx, "b.txt", media_type="text/plain; charset=utf-8", metadata={"year": "2023"})
        docx, _ = serve(tx, "c.docx", media_type=DOCX, metadata={"year": None, "lang": "de"})
        serve(tx, "a.pdf", media_type="application/pdf", collection="other")
        receive(tx, "unread.txt")
        here = collections.find(tx, "default")
        assert serving.match(tx, here, {}) == {pdf, text, docx}
        assert serving.match(tx, here, {"document": pdf}) == {pdf}
        assert serving.match(tx, here, {"source": "b.txt"}) == {text}
        assert serving.match(tx, here, {"type": "pdf"}) == {pdf}
        assert serving.match(tx, here, {"type": "DOCX"}) == {docx}
        assert serving.match(tx, here, {"type": "text/plain"}) == {text}
        assert serving.match(tx, here, {"year": "2023"}) == {pdf, text}
        assert serving.match(tx, here, {"draft": "true"}) == {pdf}
        assert serving.match(tx, here, {"year": "2023", "type": "text"}) == {text}
        assert serving.match(tx, here, {"year": "2023", "lang": "de"}) == set()
        assert serving.match(tx, here, {"source": "nothing"}) == set()


def test_an_unknown_field_is_told_with_those_that_there_are(registry: Registry) -> None:
    with registry.write() as tx:
        serve(tx, "a.txt", metadata={"year": 2023})
        serve(tx, "b.txt", collection="other", metadata={"secret": 1})
        here = collections.find(tx, "default")
        with pytest.raises(QuestionError, match=r"'autor'.*document, source, tag, type, added, year\.$"):
            serving.match(tx, here, {"autor": "Me"})
        with pytest.raises(QuestionError, match=r"'odx'.*pdf"):
            serving.match(tx, here, {"type": "odx"})
