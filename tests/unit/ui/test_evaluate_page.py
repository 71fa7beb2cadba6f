from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from citewise.evaluate.runner import Evaluations
from citewise.registry import collections
from citewise.registry.cases import Place
from citewise.registry.database import Registry
from citewise.types import Query, SearchResult
from tests.unit.ui.conftest import words
from tests.unit.ui.fake_engine import HANDBOOK as TEXT
from tests.unit.ui.fake_engine import FakeEngine

_PAGE = "from citewise.ui import evaluate\nevaluate.page()\n"
MEALS = (TEXT.index("Meals on trips are"), TEXT.index(" Receipts"))
Open = Callable[[], AppTest]


class Measured(FakeEngine):
    """Finds the fake engine's passages, and has evaluations of its own."""

    evaluations: Evaluations
    wait_s = 0.0

    def search(self, query: Query) -> SearchResult:
        time.sleep(self.wait_s)
        hits = tuple(self._context(number) for number in range(1, 4))
        return SearchResult(query.text, query.text, hits, {"total": 3.0}, "0123456789", reranker="linear-1")


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Measured]:
    fake = Measured(folder=tmp_path)
    registry = Registry(tmp_path / "home")
    with registry.write() as tx:
        collections.ensure(tx, "default")
    fake.evaluations = Evaluations(registry, fake)  # type: ignore[arg-type] - a fake
    monkeypatch.setattr("citewise.ui.state._engine", fake)
    monkeypatch.setattr("citewise.evaluate.own.standing", _standing)
    yield fake
    fake.evaluations.close()
    registry.close()


def _standing(_rx: object, case: object) -> object:
    """All documents are as they were: the fake engine keeps them, not the registry."""
    from citewise.evaluate.own import Standing  # noqa: PLC0415

    places = case.places  # type: ignore[attr-defined]
    said = tuple(TEXT[place.start : place.end] for place in places)
    return Standing(case, places, said, ("handbook.pdf",) * len(places), 0)  # type: ignore[arg-type]


@pytest.fixture
def open_page() -> Open:
    return lambda: AppTest.from_string(_PAGE, default_timeout=60).run()


def finished(engine: Measured) -> None:
    until = time.monotonic() + 30
    while engine.evaluations.running():
        assert time.monotonic() < until
        time.sleep(0.02)


def keep_cases(engine: Measured) -> None:
    engine.evaluations.add_case("What is paid for meals?", [Place("d1", 1, *MEALS)], collection="default")
    engine.evaluations.add_case("Who painted the door?", [Place("d1", 1, 0, 10)], collection="default")


def test_without_documents_the_page_says_what_to_do(engine: Measured, open_page: Open) -> None:
    app = open_page()
    assert not app.exception
    assert "Nothing to measure yet" in words(app)


def test_without_cases_the_page_says_how_to_make_one(with_document: Measured, open_page: Open) -> None:
    app = open_page()
    assert not app.exception
    assert "choose <b>Use as a test case</b>" in words(app).replace("\n", " ")
    assert {button.key for button in app.button} >= {"evaluate_run"}


def test_own_cases_are_run_and_told_question_by_question(with_document: Measured, open_page: Open) -> None:
    keep_cases(with_document)
    app = open_page()
    assert app.button(key="evaluate_run").disabled is False
    app.button(key="evaluate_run").click().run()
    finished(with_document)
    app.run()
    said = words(app)
    assert not app.exception
    assert "Recall @5" in said
    assert "0.500" in said
    assert "generation 01234567" in said
    assert "reranked by linear-1" in said
    assert "Rank of the first right passage" in said
    app.expander[0]  # one went wrong
    (run,) = with_document.evaluations.list_all()
    assert run.report is not None
    assert [row["rank"] for row in run.report["per_question"]] == [1, None]


def test_two_runs_are_compared_with_intervals(with_document: Measured, open_page: Open) -> None:
    keep_cases(with_document)
    app = open_page()
    app.button(key="evaluate_run").click().run()
    finished(with_document)
    app.run()
    first = with_document.evaluations.list_all()[0]
    app.number_input(key="evaluate_k").set_value(2).run()
    app.button(key="evaluate_run").click().run()
    finished(with_document)
    app.run()
    second = with_document.evaluations.list_all()[0]
    app.selectbox(key=f"compare_{second.id}").set_value(first.id).run()
    assert not app.exception
    assert "Paired bootstrap" in words(app)
    assert "95 % interval" in words(app)


def test_a_run_is_watched_and_cancelled(with_document: Measured, open_page: Open) -> None:
    keep_cases(with_document)
    with_document.wait_s = 0.5
    app = open_page()
    app.button(key="evaluate_run").click().run()
    assert "Asking" in words(app)
    app.button(key="evaluate_cancel").click().run()
    finished(with_document)
    app.run()
    assert with_document.evaluations.list_all()[0].state == "cancelled"
    assert "the figures are of 1 of 2 questions" in words(app)


def test_an_answer_becomes_a_case_after_a_look_at_its_passages(
    with_document: Measured, open_chat: Callable[..., AppTest]
) -> None:
    turn = with_document.ask("What is paid for meals?")
    app = open_chat(c=turn.conversation_id)
    app.button(key=f"case_{turn.id}").click().run()
    assert app.button(key="keep_case").disabled
    app.checkbox(key=f"case_{turn.id}_0").check().run()
    app.button(key="keep_case").click().run()
    assert not app.exception
    (kept,) = with_document.evaluations.cases()
    assert (kept.case.question, kept.words) == ("What is paid for meals?", (TEXT[slice(*MEALS)],))
    assert "Kept as a test case" in words(app)
    app.button(key="undo_0").click().run()
    assert with_document.evaluations.cases() == []


def test_an_answer_that_should_not_be_is_a_case_without_a_passage(
    with_document: Measured, open_chat: Callable[..., AppTest]
) -> None:
    turn = with_document.ask("Who won?")
    app = open_chat(c=turn.conversation_id)
    app.button(key=f"case_{turn.id}").click().run()
    app.checkbox(key=f"case_none_{turn.id}").check().run()
    app.button(key="keep_case").click().run()
    assert with_document.evaluations.cases()[0].case.places == ()
