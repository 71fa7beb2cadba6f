"""The same commands in this process and on a server, over an engine in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run

TIDE = "How high is the spring tide?"
FERRY = "When does the ferry leave?"


@pytest.fixture
def turn(anywhere: Run, tmp_path: Path) -> str:
    """An answered question."""
    file = tmp_path / "tides.txt"
    file.write_text("The spring tide reaches 4.2 metres.\n\nThe ferry leaves at noon on Sundays.\n", encoding="utf-8")
    assert anywhere("add", file).code == 0
    return str(anywhere("ask", TIDE, "--json").json["turn_id"])


def test_an_answer_is_given_again_and_one_of_both_is_shown(anywhere: Run, turn: str) -> None:
    again = anywhere("again", turn, "--model", "extractive", "--json").json
    assert (again["question"], again["versions"]) == (TIDE, [turn, again["turn_id"]])
    assert [one["shown"] for one in anywhere("versions", turn, "--json").json["versions"]] == [False, True]
    told = anywhere("versions", turn, "--show").out.splitlines()
    assert told[0].startswith(f"* {turn}  {TIDE} (extractive, complete) ")
    assert told[1].startswith(f"  {again['turn_id']}")
    assert "4.2 metres" in anywhere("again", turn).out


def test_a_question_is_asked_in_the_place_of_another(anywhere: Run, turn: str) -> None:
    asked = anywhere("ask", FERRY, "--instead-of", turn, "--json").json
    assert asked["versions"] == [turn, asked["turn_id"]]
    more = anywhere("ask", TIDE, "--conversation", asked["conversation_id"], "--json").json
    assert more["conversation_id"] == asked["conversation_id"]


def test_what_one_thinks_is_kept_and_forgotten(anywhere: Run, turn: str) -> None:
    kept = anywhere("feedback", turn, "--bad", "--reason", "missing", "--note", "The fee", "--json").json
    assert kept["feedback"] | {"at": 0} == {"good": False, "reason": "missing", "note": "The fee", "at": 0}
    assert anywhere("feedback", turn, "--good").out == "Kept.\n"
    assert anywhere("feedback", turn, "--remove").out == "Forgotten.\n"
    assert anywhere("versions", turn, "--json").json["versions"][0]["feedback"] is None


@pytest.mark.parametrize("options", [[], ["--good", "--remove"], ["--bad", "--reason", "ugly"]])
def test_feedback_that_says_nothing_is_wrong_use(anywhere: Run, turn: str, options: list[str]) -> None:
    assert anywhere("feedback", turn, *options).code == 2


def test_turns_that_are_not_there_end_with_a_sentence(anywhere: Run) -> None:
    for command in (["again", "nowhere"], ["versions", "nowhere"], ["feedback", "nowhere", "--good"]):
        ran = anywhere(*command)
        assert ran.code == 1
        ran.assert_one_sentence("nowhere")


@pytest.mark.usefixtures("turn")
def test_questions_to_begin_with_name_their_document(anywhere: Run) -> None:
    assert anywhere("suggest").out == "What is in tides.txt?  (tides.txt)\n"
    assert anywhere("suggest", "--json").json["complete"] is True
    ran = anywhere("suggest", "--collection", "nowhere")
    ran.assert_one_sentence("nowhere")
