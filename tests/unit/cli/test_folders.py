from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.api.fake_engine import FakeEngine
from tests.unit.cli.conftest import Run


def test_a_folder_is_watched_listed_and_let_go(anywhere: Run, engine: FakeEngine, notes: Path) -> None:
    assert "No folder is watched" in anywhere("watch").out
    anywhere("add", notes)
    watched = anywhere("watch", notes, "--collection", "lab", "--json").json
    assert (watched["path"], watched["collection"]) == (str(notes), "lab")
    assert anywhere("watch", "--json").json == {"folders": [watched]}
    listed = anywhere("watch").out
    assert "lab" in listed
    assert "big.txt: It is too large." in listed
    stopped = anywhere("watch", notes, "--collection", "lab", "--stop", "--json").json
    assert stopped == {"folder_id": watched["folder_id"], "removed_documents": 0}
    assert engine.watched_folders() == []


def test_documents_are_removed_with_their_folder_only_on_demand(anywhere: Run, notes: Path) -> None:
    anywhere("add", notes)
    anywhere("watch", notes)
    assert "Its documents stay" in anywhere("watch", notes, "--stop").out
    anywhere("watch", notes)
    assert "2 documents removed" in anywhere("watch", notes, "--stop", "--remove-documents").out
    assert anywhere("list", "--json").json == {"documents": []}


def test_a_path_is_taken_from_where_the_person_is(anywhere: Run, notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(notes.parent)
    assert f"{notes} is watched" in anywhere("watch", notes.name).out
    assert anywhere("watch", notes.name, "--stop").code == 0


def test_a_folder_that_is_not_watched_cannot_be_let_go(anywhere: Run, notes: Path) -> None:
    anywhere("watch", notes, "--collection", "lab")
    ran = anywhere("watch", notes, "--stop")
    assert ran.code == 1
    ran.assert_one_sentence("There is no watched folder named")


def test_a_folder_that_is_not_there_is_a_sentence(anywhere: Run, tmp_path: Path) -> None:
    ran = anywhere("watch", tmp_path / "none")
    assert ran.code == 1
    ran.assert_one_sentence("There is no folder")


@pytest.mark.parametrize("arguments", [["--stop"], ["somewhere", "--remove-documents"]])
def test_half_a_command_is_wrong_use(run: Run, arguments: list[str]) -> None:
    ran = run("watch", *arguments)
    assert (ran.code, ran.out) == (2, "")
