from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from citewise.errors import IngestError, NotAllowedError, NotFoundError, QuestionError
from citewise.evaluate.datasets import Dataset, Question, load_dataset
from citewise.evaluate.run import How
from citewise.evaluate.runner import Evaluations
from citewise.registry import removal
from citewise.registry.cases import Place
from citewise.registry.database import Registry
from citewise.types import Chunk, Query, ScoredChunk, SearchResult
from tests.unit.registry.making import serve

TEXT = "The spring tide reaches 4.2 metres. The ferry leaves at noon. Nobody lands in fog."
FERRY = (TEXT.index("The ferry"), TEXT.index(" Nobody"))


class Subject:
    """Finds one passage of one document, whatever is asked; waits at ``gate`` questions."""

    def __init__(self) -> None:
        self.hit = ("", 0, 0)
        self.asked: list[str] = []
        self.wait_s = 0.0

    def search(self, query: Query) -> SearchResult:
        self.asked.append(query.text)
        time.sleep(self.wait_s)
        document_id, start, end = self.hit
        chunk = Chunk("c", document_id, 1, 0, start, end, None, None, (), TEXT[start:end], "")
        hits = (ScoredChunk(chunk, 1.0, 1, {}, "secret name.txt", "", ""),)
        return SearchResult(query.text, query.text, hits, {"total": 2.0}, "g1")


@pytest.fixture
def subject() -> Subject:
    return Subject()


@pytest.fixture
def evaluations(registry: Registry, subject: Subject) -> Iterator[Evaluations]:
    made = Evaluations(registry, subject)  # type: ignore[arg-type] - it is only searched
    yield made
    made.close()


def add(registry: Registry, source: str, text: str = TEXT) -> tuple[str, int]:
    with registry.write() as tx:
        document_id, *_ = serve(tx, source, text)
    return document_id, 1


def finished(evaluations: Evaluations) -> Any:
    until = time.monotonic() + 20
    while evaluations.running():
        assert time.monotonic() < until
        time.sleep(0.01)
    return evaluations.list_all()[0]


def test_a_case_is_asked_and_its_run_keeps_no_word_of_a_document(
    evaluations: Evaluations, registry: Registry, subject: Subject
) -> None:
    document_id, version = add(registry, "ferry.txt")
    evaluations.add_case("When does it leave?", [Place(document_id, version, *FERRY)], collection="default")
    evaluations.add_case("Who won?", [], collection="default")
    evaluations.add_case("Elsewhere?", [], collection="other")
    subject.hit = (document_id, FERRY[0], FERRY[1] + 5)
    begun = evaluations.start(evaluations.own(collection="default"), collection="default", how=How(answers=False))
    run = finished(evaluations)
    assert (run.id, run.state, run.generation_id, run.error) == (begun.id, "done", "g1", None)
    assert subject.asked == ["When does it leave?", "Who won?"]
    assert (run.report["metrics"]["recall@1"], run.report["metrics"]["unanswerable"]) == (1.0, 1)
    assert run.report["metrics"]["span_recall@10"] == 1.0
    assert (run.settings["k"], run.settings["collection"]) == (10, "default")
    stored = json.dumps(run.report)
    assert "secret name" not in stored
    assert "ferry leaves" not in stored
    evaluations.remove(run.id)
    assert evaluations.list_all() == []


def test_one_run_goes_on_at_a_time_and_can_be_cancelled(
    evaluations: Evaluations, registry: Registry, subject: Subject
) -> None:
    add(registry, "ferry.txt")
    subject.wait_s = 0.02
    many = Dataset("many", tuple(Question(str(n), f"Number {n}?") for n in range(500)))
    begun = evaluations.start(many, collection="default", how=How(answers=False))
    with pytest.raises(NotAllowedError, match="runs already"):
        evaluations.start(many, collection="default", how=How())
    with pytest.raises(NotAllowedError, match="Cancel it first"):
        evaluations.remove(begun.id)
    evaluations.cancel()
    running = evaluations.running()
    assert running is None or running.stopping
    run = finished(evaluations)
    assert (run.state, run.report["complete"]) == ("cancelled", False)
    assert 0 < len(subject.asked) < 500
    with pytest.raises(QuestionError, match="no question"):
        evaluations.start(Dataset("none", ()), collection="default", how=How())
    with pytest.raises(NotFoundError):
        evaluations.start(many, collection="nowhere", how=How())
    assert evaluations.running() is None


def test_a_run_that_fails_says_why(evaluations: Evaluations, registry: Registry, subject: Subject) -> None:
    add(registry, "ferry.txt")

    def broken(_query: Query) -> SearchResult:
        raise NotFoundError("collection", "default")

    subject.search = broken  # type: ignore[method-assign]
    evaluations.start(Dataset("one", (Question("1", "Why?"),)), collection="default", how=How(answers=False))
    run = finished(evaluations)
    assert (run.state, run.report) == ("failed", None)
    assert "There is no collection" in run.error


def test_a_case_follows_its_words_into_a_newer_version_and_is_left_out_without_them(
    evaluations: Evaluations, registry: Registry
) -> None:
    document_id, version = add(registry, "ferry.txt")
    evaluations.add_case("When?", [Place(document_id, version, *FERRY)], collection="default")
    with registry.write() as tx:
        serve(tx, "ferry.txt", f"A new first sentence. {TEXT}")
    (standing,) = evaluations.cases()
    assert standing.words == ("The ferry leaves at noon.",)
    assert (standing.places[0].version, standing.places[0].start) == (2, FERRY[0] + 22)
    (question,) = evaluations.own(collection="default").questions
    assert question.references[0].start == FERRY[0] + 22
    with registry.write() as tx:
        serve(tx, "ferry.txt", "Something else.")
    (standing,) = evaluations.cases()
    assert (standing.usable, standing.lost) == (False, 1)
    assert evaluations.own(collection="default").questions == ()
    with registry.write() as tx:
        removal.remove(tx, [document_id])
    assert not evaluations.cases()[0].usable


def test_cases_go_elsewhere_as_a_question_set_and_come_back(
    evaluations: Evaluations, registry: Registry, tmp_path: Path
) -> None:
    document_id, version = add(registry, "boats/ferry.txt")
    add(registry, "other.txt", "Nothing of interest.")
    evaluations.add_case("When?", [Place(document_id, version, *FERRY)], collection="default")
    evaluations.add_case("Who won?", [], collection="default")
    packed = evaluations.export_cases(collection="default")
    folder = tmp_path / "set"
    zipfile.ZipFile(io.BytesIO(packed)).extractall(folder)
    dataset = load_dataset(folder)
    assert [(one.text, one.answerable) for one in dataset.questions] == [("When?", True), ("Who won?", False)]
    reference = dataset.questions[0].references[0]
    assert (reference.document, reference.start, reference.end) == ("boats/ferry.txt", *FERRY)
    assert dataset.questions[0].documents == ("boats/ferry.txt",)
    assert len((folder / "docs.jsonl").read_text().splitlines()) == 2

    assert evaluations.import_cases(packed, collection="default").known == 2
    for standing in evaluations.cases():
        evaluations.remove_case(standing.case.id)
    imported = evaluations.import_cases(packed, collection="default")
    assert (imported.made, imported.known, imported.left_out) == (2, 0, ())
    assert {one.words for one in evaluations.cases()} == {("The ferry leaves at noon.",), ()}


def test_lines_that_fit_no_document_are_left_out_with_a_reason(evaluations: Evaluations, registry: Registry) -> None:
    add(registry, "ferry.txt")
    lines = [
        {"question": "Gone?", "references": [{"document": "gone.txt", "content": "x", "start_index": 0}]},
        {"question": "Words?", "doc_id": "ferry.txt", "references": [{"content": "never said"}]},
        {"question": "Where?", "references": []},
        {"question": "No place?"},
        {"question": "Moved?", "doc_id": "ferry.txt", "references": [{"content": "at noon", "start_index": 3}]},
    ]
    imported = evaluations.import_cases("\n".join(map(json.dumps, lines)).encode(), collection="default")
    assert (imported.made, len(imported.left_out)) == (1, 4)
    assert evaluations.cases()[0].words == ("at noon",)
    with pytest.raises(IngestError, match="has no test cases"):
        evaluations.import_cases(b"\x00\xff", collection="default")


def test_a_case_is_worded_anew_deleted_and_brought_back(evaluations: Evaluations) -> None:
    case = evaluations.add_case("Whn?", [], collection="default")
    assert evaluations.change_case(case.id, question="When?").question == "When?"
    evaluations.restore_case(evaluations.remove_case(case.id))
    assert [one.case.question for one in evaluations.cases()] == ["When?"]
