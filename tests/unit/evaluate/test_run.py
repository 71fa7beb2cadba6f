from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from citewise.errors import NotFoundError
from citewise.evaluate.run import evaluate
from citewise.types import Upload
from tests.unit.api.fake_engine import FakeEngine

DOCUMENTS = [
    {"_id": "tides.txt", "title": "Tides", "text": "The spring tide reaches 4.2 metres at the old harbour."},
    {"_id": "ferry.txt", "title": "Ferry", "text": "The ferry leaves the north pier at noon on Sundays."},
]
QUESTIONS = [
    {
        "id": "1",
        "question": "How high is a spring tide?",
        "answers": ["4.2 metres"],
        "doc_id": "tides.txt",
        "kind": "fact",
    },
    {"id": "2", "question": "Who won the chess match?", "answers": [], "answerable": False, "kind": "none"},
    {
        "id": "3",
        "question": "and the pier?",
        "answers": ["noon"],
        "doc_id": "ferry.txt",
        "kind": "follow-up",
        "history": [{"role": "user", "content": "When does the ferry leave?"}],
    },
    {"id": "4", "question": "spring tide harbour colour", "answerable": False, "kind": "none"},
]


def lines(records: list[dict[str, object]]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    return FakeEngine(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "harbour"
    folder.mkdir()
    (folder / "qa.jsonl").write_text(lines(QUESTIONS))
    (folder / "docs.jsonl").write_text(lines(DOCUMENTS))
    return folder


def test_a_set_is_indexed_apart_and_measured_with_its_kinds(engine: FakeEngine, folder: Path) -> None:
    report = evaluate(engine, folder)
    assert (report["dataset"], report["questions"], report["k"]) == ("harbour", 4, 10)
    assert report["collection"].startswith("eval-")
    metrics = report["metrics"]
    assert (metrics["recall@5"], metrics["answer_contains"], metrics["false_refusals"]) == (1.0, 1.0, 0.0)
    assert (metrics["false_answers"], metrics["abstained_on_unanswerable"]) == (0.5, 1)
    assert metrics["citations_verbatim"] == 1.0
    assert report["by_kind"]["none"]["unanswerable"] == 2
    assert report["by_kind"]["follow-up"]["recall@5"] == 1.0
    (failure,) = report["failures"]
    assert (failure["id"], failure["why"]) == ("4", "It was answered, although the documents do not say.")


def test_a_second_run_does_not_index_again(engine: FakeEngine, folder: Path) -> None:
    said: list[str] = []
    evaluate(engine, folder, progress=lambda stage, _done, _total: said.append(stage))
    assert "adding documents" in said
    said.clear()
    evaluate(engine, folder, progress=lambda stage, _done, _total: said.append(stage))
    assert set(said) == {"asking"}


def test_asking_leaves_no_conversations_in_the_list(engine: FakeEngine, folder: Path) -> None:
    evaluate(engine, folder)
    assert engine.conversations() == []


def test_a_set_without_documents_asks_the_default_collection(engine: FakeEngine, folder: Path) -> None:
    (folder / "docs.jsonl").unlink()
    with pytest.raises(NotFoundError, match="default"):
        evaluate(engine, folder)
    engine.add([Upload(f"data/{line['_id']}", text=line["text"]) for line in DOCUMENTS])
    report = evaluate(engine, folder)
    assert (report["collection"], report["metrics"]["recall@1"]) == ("default", 1.0)


def test_a_quote_that_is_not_the_documents_own_is_counted(
    engine: FakeEngine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = engine.show

    def altered(document_id: str, *, version: int | None = None) -> object:
        shown = show(document_id, version=version)
        return replace(shown, text=shown.text.upper())

    monkeypatch.setattr(engine, "show", altered)
    report = evaluate(engine, folder)
    assert report["metrics"]["citations_verbatim"] == 0.0
    assert any("not the document's own words" in failure["why"] for failure in report["failures"])


def test_a_failing_model_is_a_failure_of_its_questions_only(engine: FakeEngine, folder: Path) -> None:
    engine.model_failure = "The key was refused."
    report = evaluate(engine, folder)
    assert report["metrics"]["errors"] == 4
    assert report["failures"][0]["why"] == "It ended as error: The key was refused."


def test_a_question_that_cannot_be_asked_stops_nothing(engine: FakeEngine, folder: Path) -> None:
    (folder / "qa.jsonl").write_text(lines([{"id": "0", "question": " "}, QUESTIONS[0]]))
    report = evaluate(engine, folder)
    assert report["metrics"]["errors"] == 1
    assert "There is no question" in report["failures"][0]["why"]


def test_a_retrieval_set_is_ranked_by_document(engine: FakeEngine, tmp_path: Path) -> None:
    folder = tmp_path / "beir"
    folder.mkdir()
    (folder / "corpus.jsonl").write_text(lines(DOCUMENTS))
    queries = [{"_id": "q1", "text": "spring tide"}, {"_id": "q2", "text": "chess"}, {"_id": "q3", "text": "ferry"}]
    (folder / "queries.jsonl").write_text(lines(queries))
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\ttides.txt\t1\nq2\tferry.txt\t1\n")
    report = evaluate(engine, folder)
    assert report["questions"] == 2
    assert report["metrics"]["ndcg@10"] == 0.5
    assert [failure["id"] for failure in report["failures"]] == ["q2"]
