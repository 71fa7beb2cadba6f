from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.api.fake_engine import FakeEngine
from tests.unit.cli.conftest import Run


def test_a_folder_is_added_in_order_with_relative_names(anywhere: Run, notes: Path) -> None:
    ran = anywhere("add", notes, "--json")
    assert ran.code == 0, ran.err
    entries = ran.json["documents"]
    assert sorted(entry["source"] for entry in entries) == ["boats/ferry.md", "tides.txt", "tune.ogg"]
    by_source = {entry["source"]: entry for entry in entries}
    tides = by_source["tides.txt"]
    assert (tides["status"], tides["version"], tides["chunks"], tides["bytes"]) == ("ready", 1, 2, 74)
    assert tides["report"]["characters"] == 74
    assert tides["timings_ms"]["total"] >= 0
    tune = by_source["tune.ogg"]
    assert (tune["status"], tune["document_id"]) == ("skipped", None)
    assert "Name this file itself" in tune["error"]
    totals = ran.json["totals"]
    assert totals.pop("seconds") >= 0
    assert totals == {
        "documents": 3,
        "ready": 2,
        "skipped": 1,
        "failed": 0,
        "chunks": 3,
        "pages": 2,
        "bytes": 115,
    }


def test_adding_again_skips_and_a_changed_file_is_a_new_version(anywhere: Run, notes: Path) -> None:
    anywhere("add", notes / "tides.txt", "--json")
    again = anywhere("add", notes / "tides.txt", "--json").json["documents"][0]
    assert (again["status"], again["version"], again["chunks"]) == ("skipped", 1, 2)
    (notes / "tides.txt").write_text("Other words.")
    changed = anywhere("add", notes / "tides.txt", "--json").json["documents"][0]
    assert (changed["status"], changed["version"]) == ("ready", 2)


def test_a_bad_file_stops_no_other_and_the_exit_says_so(anywhere: Run, notes: Path) -> None:
    (notes / "empty.txt").write_text("")
    (notes / "big.txt").write_text("x" * 2000)
    (notes / "binary.txt").write_bytes(b"\x00\x01")
    ran = anywhere("add", notes, "--json")
    assert ran.code == 1
    errors = {entry["source"]: entry["error"] for entry in ran.json["documents"] if entry["status"] == "failed"}
    assert set(errors) == {"empty.txt", "big.txt", "binary.txt"}
    assert "empty" in errors["empty.txt"]
    assert "too large" in errors["big.txt"]
    assert "cannot read" in errors["binary.txt"]
    assert (ran.json["totals"]["ready"], ran.json["totals"]["failed"]) == (2, 3)
    ran.assert_one_sentence("3 documents could not be added")


def test_nothing_but_bad_files_still_prints_the_whole_json(anywhere: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    ran = anywhere("add", tmp_path / "empty.txt", "--json")
    assert ran.code == 1
    assert ran.json["documents"][0]["status"] == "failed"


def test_a_named_file_of_an_unknown_type_is_tried(anywhere: Run, notes: Path) -> None:
    ran = anywhere("add", notes / "tune.ogg", "--json")
    assert (ran.code, ran.json["documents"][0]["status"]) == (1, "failed")


def test_records_are_added_by_their_id_and_a_bad_line_stops_no_other(anywhere: Run, tmp_path: Path) -> None:
    lines = ['{"_id": "r1", "title": "Tides", "text": "one"}', "{", '{"_id": "r2"}', '{"_id": 3, "text": "three"}', ""]
    (tmp_path / "records.jsonl").write_text("\n".join(lines))
    ran = anywhere("add", "--jsonl", tmp_path / "records.jsonl", "--collection", "lab", "--json")
    assert ran.code == 1
    found = {entry["source"]: entry["status"] for entry in ran.json["documents"]}
    assert found == {"r1": "ready", "3": "ready", "records.jsonl:2": "failed", "records.jsonl:3": "failed"}
    listed = anywhere("list", "--collection", "lab", "--json").json["documents"]
    assert [(one["source"], one["title"]) for one in listed] == [("3", "3"), ("r1", "Tides")]


def test_many_records_go_in_batches(run: Run, engine: FakeEngine, tmp_path: Path) -> None:
    sizes = []
    add = engine.add
    engine.add = lambda uploads, **options: sizes.append(len(uploads)) or add(uploads, **options)  # type: ignore
    lines = [json.dumps({"_id": f"r{number}", "text": f"text {number}"}) for number in range(600)]
    (tmp_path / "records.jsonl").write_text("\n".join(lines))
    assert run("add", "--jsonl", tmp_path / "records.jsonl", "--json").json["totals"]["ready"] == 600
    assert sizes == [256, 256, 88]


def test_two_files_of_one_name_are_not_mixed_up(run: Run, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.txt").write_text(folder)
    ran = run("add", tmp_path / "a", tmp_path / "b")
    assert ran.code == 1
    ran.assert_one_sentence("would both be called same.txt")


@pytest.mark.parametrize(
    "arguments", [["add"], ["add", "none.txt"], ["add", "--jsonl", "none.jsonl"], ["add", ".", "--on-duplicate", "x"]]
)
def test_adding_nothing_or_what_is_not_there_is_wrong_use(run: Run, arguments: list[str]) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "Error:" in ran.err


def test_people_get_a_summary(run: Run, notes: Path) -> None:
    ran = run("add", notes)
    assert "2 documents ready (3 chunks, 115 B), 1 skipped, 0 failed" in ran.out
    assert "tune.ogg" in ran.out
    assert "tides.txt" not in ran.out


def test_documents_are_shown_as_stored_one_a_line(anywhere: Run, notes: Path) -> None:
    added = anywhere("add", notes, "--json").json["documents"]
    ids = [entry["document_id"] for entry in added if entry["document_id"]]
    first, second = anywhere("show", ids[0], "tides.txt", "--json").lines
    assert first["document_id"] == ids[0]
    assert second["source"] == "tides.txt"
    assert {"title", "version", "status", "content_hash", "text", "pages", "chunks", "report"} <= set(second)
    for chunk in second["chunks"]:
        assert second["text"][chunk["start"] : chunk["end"]] == chunk["text"]
    assert "The moon does it." in anywhere("show", "tides.txt").out


def test_removed_documents_are_gone_and_unknown_ones_are_named(anywhere: Run, notes: Path) -> None:
    anywhere("add", notes)
    unknown = anywhere("remove", "tides.txt", "none", "--json")
    assert (unknown.code, unknown.out) == (1, "")
    unknown.assert_one_sentence("There is no document named 'none'")
    removed = anywhere("remove", "tides.txt", "--json").json
    assert (removed["removed"], removed["purged"], len(removed["documents"])) == (1, False, 1)
    assert [one["source"] for one in anywhere("list", "--json").json["documents"]] == ["boats/ferry.md"]
    assert anywhere("remove", "boats/ferry.md", "--purge", "--json").json["purged"] is True
    assert anywhere("list", "--json").json == {"documents": []}
    assert anywhere("remove", "boats/ferry.md", "--purge").code == 1


def test_removing_says_which_quotes_old_answers_keep_and_erasing_how_many_it_blanked(
    anywhere: Run, notes: Path
) -> None:
    anywhere("add", notes)
    anywhere("ask", "How high is the spring tide?")
    (quote,) = anywhere("remove", "tides.txt", "--json").json["quotes_kept"]
    assert (quote["marker"], quote["source"]) == (1, "tides.txt")
    anywhere("add", notes)
    anywhere("ask", "How high is the spring tide?")
    said = anywhere("remove", "tides.txt").out
    assert "1 quote in 1 old answer kept; `--purge` blanks those too:" in said
    assert "[1] tides.txt" in said
    anywhere("add", notes)
    anywhere("ask", "How high is the spring tide?")
    said = anywhere("remove", "tides.txt", "--purge").out
    assert "1 document erased.\n1 quote in 1 old answer blanked.\n" in said
    assert "citewise index compact" in said
    assert "old answer" not in anywhere("remove", "boats/ferry.md", "--purge").out


def test_a_name_in_two_collections_must_be_told_apart(run: Run, notes: Path) -> None:
    run("add", notes / "tides.txt")
    run("add", notes / "tides.txt", "--collection", "lab")
    ran = run("show", "tides.txt")
    assert ran.code == 1
    ran.assert_one_sentence("2 documents are named 'tides.txt'")
    assert run("show", "tides.txt", "--collection", "lab", "--json").json["source"] == "tides.txt"


def test_collections_are_listed_with_what_they_hold(anywhere: Run, notes: Path) -> None:
    anywhere("add", notes / "tides.txt")
    (found,) = anywhere("collections", "--json").json["collections"]
    assert (found["name"], found["documents"], found["chunks"]) == ("default", 1, 2)
    assert "default" in anywhere("collections").out


def test_an_unknown_collection_is_a_sentence(anywhere: Run) -> None:
    ran = anywhere("list", "--collection", "none")
    assert ran.code == 1
    ran.assert_one_sentence("There is no collection named 'none'")


def test_an_empty_library_says_what_to_do(run: Run) -> None:
    assert "citewise add" in run("list").out


def test_names_cannot_steer_the_terminal(run: Run, tmp_path: Path) -> None:
    (tmp_path / "records.jsonl").write_text(json.dumps({"_id": "evil\x1b[2J\u202etxt", "text": "words\x1b]0;x\x07"}))
    run("add", "--jsonl", tmp_path / "records.jsonl")
    assert "evil" in run("list").out
    for command in (["list"], ["show", "evil\x1b[2J\u202etxt"], ["search", "words"], ["ask", "words evil"]):
        ran = run(*command)
        assert "\x1b" not in ran.out
        assert "\u202e" not in ran.out
