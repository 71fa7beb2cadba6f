"""The engine over real parts: SQLite, Chroma, tantivy and the sandbox; only the embedder is small."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from citewise.answer.incomplete import incomplete_of
from citewise.build import open_engine
from citewise.engine import Engine
from citewise.errors import DirectoryInUseError, NotFoundError, QuestionError
from citewise.registry.tables import versions
from citewise.settings import Settings
from citewise.types import Added, OnDuplicate, Query, Turn, Upload
from tests.fakes import HashEmbedder

LIGHTHOUSE = """# The lighthouse

The lighthouse on Brannoch was built in 1874 by Margaret Stewart.

## The lamp

Its lamp burns paraffin and is lit at dusk by the keeper.
"""
FERRY = "The ferry to Brannoch leaves Oban at 07:30 on Tuesdays and takes four hours."


def opened(home: Path) -> Engine:
    return open_engine(Settings(home=home), open_embedder=lambda _: HashEmbedder())


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = opened(tmp_path / "data")
    yield engine
    engine.close()


def add(engine: Engine, source: str, content: str | bytes, *, on_duplicate: OnDuplicate = "skip") -> Added:
    data = content.encode() if isinstance(content, str) else content
    (added,) = engine.add([Upload(source, io.BytesIO(data))], on_duplicate=on_duplicate)
    assert engine.wait([added.job_id] if added.job_id else [], timeout_s=60)
    return added


def found(engine: Engine, question: str) -> list[str]:
    return [hit.chunk.text for hit in engine.search(Query(question)).hits]


def answered(engine: Engine, question: str, **options: str) -> Turn:
    turn = engine.ask(question, **options)  # type: ignore[arg-type]
    *_, last = engine.watch(turn.id)
    return last


def test_an_added_file_is_ready_and_found(engine: Engine) -> None:
    added = add(engine, "lighthouse.md", LIGHTHOUSE)
    (document,) = engine.documents()
    assert (document.id, document.status, document.error) == (added.document_id, "ready", None)
    assert document.title == "The lighthouse"
    assert "1874" in found(engine, "When was the lighthouse built?")[0]


def test_every_chunk_is_the_exact_slice_of_its_document(engine: Engine) -> None:
    added = add(engine, "lighthouse.md", LIGHTHOUSE)
    shown = engine.show(added.document_id or "")
    assert shown.text == LIGHTHOUSE
    assert [chunk.text for chunk in shown.chunks] == [shown.text[chunk.start : chunk.end] for chunk in shown.chunks]


def test_the_same_file_again_is_skipped(engine: Engine) -> None:
    first = add(engine, "ferry.txt", FERRY)
    again = add(engine, "ferry.txt", FERRY)
    assert (again.status, again.document_id, again.job_id) == ("skipped", first.document_id, None)


def test_a_changed_file_is_a_new_version_and_the_old_words_are_gone(engine: Engine) -> None:
    first = add(engine, "ferry.txt", FERRY)
    second = add(engine, "ferry.txt", FERRY.replace("07:30", "09:45"))
    assert (second.document_id, second.version) == (first.document_id, 2)
    assert not any("07:30" in text for text in found(engine, "When does the ferry leave Oban?"))
    assert any("09:45" in text for text in found(engine, "When does the ferry leave Oban?"))


def test_of_two_versions_taken_in_together_the_newer_one_is_found(engine: Engine) -> None:
    added = engine.add([Upload("ferry.txt", text=text) for text in (FERRY, FERRY.replace("07:30", "09:45"))])
    assert engine.wait([item.job_id for item in added if item.job_id], timeout_s=60)
    assert [text for text in found(engine, "When does the ferry leave Oban?") if "09:45" in text]


@pytest.mark.parametrize(
    ("on_duplicate", "expected"), [("skip", ["a.txt"]), ("replace", ["b.txt"]), ("keep", ["b.txt", "a.txt"])]
)
def test_the_same_bytes_under_another_name_are_treated_as_asked(
    engine: Engine, on_duplicate: OnDuplicate, expected: list[str]
) -> None:
    add(engine, "a.txt", FERRY)
    add(engine, "b.txt", FERRY, on_duplicate=on_duplicate)
    assert [document.source for document in engine.documents()] == expected


def test_a_bad_file_fails_with_a_reason_and_stops_nothing_else(engine: Engine) -> None:
    added = engine.add(
        [
            Upload("empty.txt", io.BytesIO(b"")),
            Upload("junk.pdf", io.BytesIO(b"%PDF-1.7 this is not a PDF at all")),
            Upload("ferry.txt", io.BytesIO(FERRY.encode())),
        ]
    )
    assert engine.wait([item.job_id for item in added if item.job_id], timeout_s=60)
    assert added[0].status == "failed"
    assert added[0].error
    states = {document.source: (document.status, bool(document.error)) for document in engine.documents()}
    assert states == {"junk.pdf": ("failed", True), "ferry.txt": ("ready", False)}


def test_a_failed_document_can_be_tried_again(engine: Engine) -> None:
    added = add(engine, "junk.pdf", b"%PDF-1.7 this is not a PDF at all")
    job_id = engine.retry(added.document_id or "")
    assert engine.wait([job_id], timeout_s=60)
    assert engine.document(added.document_id or "").status == "failed"


def test_a_removed_document_is_out_of_every_answer_and_can_come_back(engine: Engine) -> None:
    added = add(engine, "ferry.txt", FERRY)
    assert engine.remove([added.document_id or ""]) == 1
    assert found(engine, "When does the ferry leave Oban?") == []
    assert engine.restore([added.document_id or ""]) == 1
    assert found(engine, "When does the ferry leave Oban?") == [FERRY]


def test_a_purged_document_leaves_no_text_and_no_bytes(engine: Engine, tmp_path: Path) -> None:
    add(engine, "lighthouse.md", LIGHTHOUSE)
    added = add(engine, "ferry.txt", FERRY)
    assert engine.remove([added.document_id or ""], purge=True) == 1
    engine.close()
    held = [path for path in (tmp_path / "data").rglob("*") if path.is_file() and b"07:30" in path.read_bytes()]
    assert held == []


def test_what_was_acknowledged_goes_on_after_a_restart(tmp_path: Path) -> None:
    first = opened(tmp_path)
    added = first.add([Upload(f"{n}.txt", io.BytesIO(f"{FERRY} {n}".encode())) for n in range(5)])
    first.close()
    second = opened(tmp_path)
    try:
        assert second.wait([item.job_id for item in added if item.job_id], timeout_s=60)
        assert {document.status for document in second.documents()} == {"ready"}
    finally:
        second.close()


def test_a_second_engine_is_told_who_owns_the_directory(engine: Engine, tmp_path: Path) -> None:
    engine.announce("http://127.0.0.1:8501")
    with pytest.raises(DirectoryInUseError, match=r"http://127\.0\.0\.1:8501"):
        opened(tmp_path / "data")


def test_an_answer_quotes_the_document_word_for_word(engine: Engine) -> None:
    add(engine, "lighthouse.md", LIGHTHOUSE)
    add(engine, "ferry.txt", FERRY)
    turn = answered(engine, "When was the lighthouse on Brannoch built?")
    assert turn.answer.status == "complete"
    assert turn.answer.citations
    for citation in turn.answer.citations:
        text = engine.show(citation.document_id, version=citation.version).text
        assert text[citation.start : citation.end] == citation.quote


def test_a_question_about_nothing_here_is_declined(engine: Engine) -> None:
    add(engine, "ferry.txt", FERRY)
    turn = answered(engine, "Who won the chess olympiad?")
    assert (turn.answer.status, turn.answer.text) == ("abstained", "")
    assert turn.answer.reason


def test_turns_of_a_conversation_are_kept_over_a_restart(tmp_path: Path) -> None:
    first = opened(tmp_path)
    add(first, "ferry.txt", FERRY)
    turn = answered(first, "When does the ferry leave Oban?")
    first.close()
    second = opened(tmp_path)
    try:
        conversation, turns = second.conversation(turn.conversation_id)
        assert conversation.title == "When does the ferry leave Oban?"
        assert turns == [turn]
    finally:
        second.close()


def test_a_cancelled_ingest_ends_as_cancelled(tmp_path: Path) -> None:
    engine = open_engine(Settings(home=tmp_path), open_embedder=lambda _: SlowEmbedder())
    try:
        (added,) = engine.add([Upload("long.txt", io.BytesIO(("One more sentence stands here. " * 5000).encode()))])
        while engine.document(added.document_id or "").status not in ("embedding", "ready"):
            time.sleep(0.01)
        engine.cancel(added.document_id or "")
        assert engine.wait([added.job_id or ""], timeout_s=30)
        assert engine.document(added.document_id or "").status == "cancelled"
        assert found(engine, "sentence") == []
    finally:
        engine.close()


class SlowEmbedder(HashEmbedder):
    def embed_documents(self, texts):  # type: ignore[no-untyped-def]
        time.sleep(0.2)
        return super().embed_documents(texts)


@pytest.mark.parametrize("question", ["", "  \n ", "a" * 100_000])
def test_a_question_that_cannot_be_asked_is_refused(engine: Engine, question: str) -> None:
    add(engine, "ferry.txt", FERRY)
    with pytest.raises(QuestionError):
        engine.ask(question)
    with pytest.raises(QuestionError):
        engine.search(Query(question))


def test_unknown_names_are_refused_before_anything_is_stored(engine: Engine) -> None:
    add(engine, "ferry.txt", FERRY)
    with pytest.raises(NotFoundError):
        engine.ask("When?", collection="nowhere")
    with pytest.raises(NotFoundError):
        engine.ask("When?", model="nobody:knows")
    assert engine.conversations() == []


def test_citations_and_hits_say_where_they_stand(engine: Engine) -> None:
    add(engine, "ferry.txt", f"Timetable\n\n{FERRY}\n")
    (hit,) = engine.search(Query("When does the ferry leave Oban?")).hits
    assert hit.locator == "lines 1–3"
    (citation,) = answered(engine, "When does the ferry leave Oban?").answer.citations
    assert (citation.quote, citation.locator) == (FERRY, "line 3")
    assert engine.conversations()  # and the snapshot keeps it
    assert engine.turn(engine.conversation(engine.conversations()[0].id)[1][0].id).answer.citations == (citation,)


def test_an_answer_names_the_incomplete_documents_that_it_draws_on(
    engine: Engine,
) -> None:
    added = add(engine, "ferry.txt", FERRY)
    whole = answered(engine, "When does the ferry leave Oban?")
    assert whole.answer.trace["incomplete"] == []
    with engine._registry.write() as tx:
        report = {"characters": 80, "unread": ["The attachment plan.dwg was not read."]}
        tx.execute(update(versions).values(report=report))
    found = answered(engine, "When does the ferry leave Oban?").answer
    (gap,) = incomplete_of(found)
    assert (gap.document_id, gap.source, gap.missing) == (added.document_id, "ferry.txt", "1 part was not read")
    assert "plan.dwg" not in str(found.trace["incomplete"])  # nothing of a document outlives it in a trace
