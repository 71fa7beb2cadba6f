from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.api.fake_engine import FakeEngine
from tests.unit.cli.conftest import Run


def test_documents_are_disabled_and_enabled(anywhere: Run, notes: Path) -> None:
    anywhere("add", notes)
    off = anywhere("disable", "tides.txt", "boats/ferry.md", "--json").json["documents"]
    assert [(one["source"], one["enabled"]) for one in off] == [("tides.txt", False), ("boats/ferry.md", False)]
    assert "ready, disabled" in anywhere("list").out
    assert anywhere("search", "spring tide", "--json").json["hits"] == []
    assert anywhere("enable", "tides.txt").out == "1 document enabled.\n"
    assert [hit["source"] for hit in anywhere("search", "spring tide", "--json").json["hits"]] == ["tides.txt"]


def test_tags_are_added_and_taken_off(anywhere: Run, notes: Path) -> None:
    anywhere("add", notes)
    (first,) = anywhere("tag", "tides.txt", "--add", "sea", "--add", "2024", "--json").json["documents"]
    assert first["tags"] == ["2024", "sea"]
    changed = anywhere("tag", "tides.txt", "boats/ferry.md", "--add", "north", "--remove", "sea", "--json").json
    assert [one["tags"] for one in changed["documents"]] == [["2024", "north"], ["north"]]
    assert "2024, north" in anywhere("list").out
    assert "2024, north" in anywhere("tag", "tides.txt", "--add", "north").out
    found = anywhere("search", "spring tide", "--where", "tag=2024", "--json").json["hits"]
    assert [hit["source"] for hit in found] == ["tides.txt"]
    assert anywhere("search", "spring tide", "--where", "tag=none", "--json").json["hits"] == []


def test_documents_are_moved_into_another_collection(anywhere: Run, notes: Path) -> None:
    anywhere("add", notes)
    assert anywhere("move", "tides.txt", "--to", "lab").out == "1 document moved to lab.\n"
    assert [one["source"] for one in anywhere("list", "--collection", "lab", "--json").json["documents"]] == [
        "tides.txt"
    ]
    anywhere("add", notes / "tides.txt")
    refused = anywhere("move", "tides.txt", "--collection", "default", "--to", "lab")
    assert refused.code == 1
    refused.assert_one_sentence("that name is taken")


@pytest.mark.parametrize("command", [["disable"], ["enable"], ["tag", "--add", "x"], ["move", "--to", "lab"]])
def test_an_unknown_document_is_named_before_anything_changes(
    anywhere: Run, engine: FakeEngine, notes: Path, command: list[str]
) -> None:
    anywhere("add", notes)
    before = engine.documents()
    ran = anywhere(command[0], "tides.txt", "none", *command[1:])
    assert (ran.code, ran.out, engine.documents()) == (1, "", before)
    ran.assert_one_sentence("There is no document named 'none'")


def test_a_bad_tag_is_a_sentence(anywhere: Run, notes: Path) -> None:
    anywhere("add", notes)
    ran = anywhere("tag", "tides.txt", "--add", " ")
    assert ran.code == 1
    assert "tag" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("arguments", [["tag", "x"], ["tag", "--add", "x"], ["move", "x"], ["disable"], ["enable"]])
def test_commands_without_what_they_need_are_wrong_use(run: Run, arguments: list[str]) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
