"""Sources that differ and a model that judges, through the whole program."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from citewise.api import wire
from citewise.build import open_engine
from citewise.engine import Engine
from citewise.errors import NotFoundError, SettingsError
from citewise.settings import Settings, load_settings
from tests.fake_models import FakeModels
from tests.fakes import HashEmbedder
from tests.unit.engine.test_engine import add, answered, opened

HANDBOOK = "Station handbook, in force from 1 May 2024.\n\nThe Trust's own working channel is channel 8."
CARD = "CHANNELS\n  16   distress and calling\n  10   Trust working channel, through the repeater on the hill\n"
ASKED = "What is the working channel of the Trust?"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = opened(tmp_path / "data")
    add(engine, "handbook.txt", HANDBOOK)
    add(engine, "Radio Card 2021.txt", CARD)
    yield engine
    engine.close()


def test_sources_that_differ_are_kept_with_the_answer_and_say_which_is_newer(engine: Engine) -> None:
    turn = answered(engine, ASKED)
    (conflict,) = turn.answer.conflicts
    sides = {side.citation.source: side for side in conflict.sides}
    assert (sides["handbook.txt"].value, sides["Radio Card 2021.txt"].value) == ("8", "10")
    assert sides["handbook.txt"].dated == "2024-05-01"
    assert sides["Radio Card 2021.txt"].dated_by == "in its name"
    assert conflict.newer is not None
    assert getattr(conflict, conflict.newer).citation.source == "handbook.txt"
    for side in conflict.sides:
        citation = side.citation
        assert engine.show(citation.document_id).text[citation.start : citation.end] == citation.quote
        assert citation.locator
    assert [one.marker for one in turn.answer.citations] == list(range(1, len(turn.answer.citations) + 1))
    assert engine.turn(turn.id).answer.conflicts == turn.answer.conflicts, "as stored"
    said = wire.ask_json(turn)["conflicts"][0]
    assert [side["value"] for side in said["sides"]] == [side.value for side in conflict.sides]
    assert said["sides"][said["newer"]]["source"] == "handbook.txt"


def test_erasing_one_of_them_takes_its_words_out_of_the_answer(engine: Engine) -> None:
    turn = answered(engine, ASKED)
    (card,) = [one.id for one in engine.documents() if one.source.startswith("Radio")]
    engine.remove([card], purge=True)
    after = engine.turn(turn.id).answer
    assert "repeater" not in repr((after.conflicts, after.text, after.citations, after.contexts))
    assert sum(side.citation.erased for side in after.conflicts[0].sides) == 1


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeModels]:
    with FakeModels() as fake:
        monkeypatch.setenv("OPENAI_BASE_URL", fake.openai_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        yield fake


def judging(home: Path, judge: str) -> Engine:
    settings = load_settings(home=home, answer={"judge": judge, "model": "extractive"})
    return open_engine(settings, open_embedder=lambda _: HashEmbedder())


SENTENCE = "The press, a marvel for visitors and children, weighs 900 kg."
QUOTES = ["The press weighs 900 kg."]


def test_a_single_sentence_is_judged_too_where_the_rules_leave_it_open(tmp_path: Path, models: FakeModels) -> None:
    engine = judging(tmp_path / "data", "openai:judge-unsupported")
    try:
        assert engine.verify(SENTENCE, QUOTES) == (
            "unsupported",
            "judged by openai:judge-unsupported: so says the fake",
        )
        assert engine.verify("The press weighs 950 kg.", QUOTES)[1].startswith("950 kg does not stand")
        assert models.asked == ["judge-unsupported"], "the rules decided the second alone"
    finally:
        engine.close()


def test_a_failing_judge_leaves_the_verdict_of_the_rules(tmp_path: Path, models: FakeModels) -> None:
    engine = judging(tmp_path / "data", "openai:wrong-key")
    try:
        assert engine.verify(SENTENCE, QUOTES)[0] == "partial"
        assert "judged by" not in engine.verify(SENTENCE, QUOTES)[1]
    finally:
        engine.close()


def test_a_judge_that_is_no_chat_model_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="CITEWISE_ANSWER__JUDGE"):
        open_engine(
            Settings(home=tmp_path, answer={"judge": "extractive"}),  # type: ignore[arg-type]
            open_embedder=lambda _: HashEmbedder(),
        )
    with pytest.raises(NotFoundError):
        open_engine(
            Settings(home=tmp_path, answer={"judge": "nobody:x"}),  # type: ignore[arg-type]
            open_embedder=lambda _: HashEmbedder(),
        )
