from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from citewise.types import IndexJob
from tests.fake_index import ERASED, NEW, OLD, generation
from tests.unit.api.fake_engine import FakeEngine
from tests.unit.cli.conftest import Run


def test_the_state_is_told_at_a_glance(anywhere: Run, engine: FakeEngine) -> None:
    ran = anywhere("index", "status")
    assert ran.code == 0
    assert "The index is whole." in ran.out
    assert "1 document in 48 chunks, made with fake:hash-64, recursive, 200 tokens a chunk" in ran.out
    assert OLD[:8] in ran.out
    index = anywhere("index", "status", "--json").json
    assert (index["state"], index["generation"]["generation"]) == ("ok", OLD)


@pytest.mark.parametrize(
    ("model", "whole", "remedy"), [("fake:hash-128", True, "reembed"), ("fake:hash-64", False, "update")]
)
def test_stale_chunks_are_told_with_what_to_do(
    run: Run, engine: FakeEngine, model: str, whole: bool, remedy: str
) -> None:
    engine.change_index(stale_chunks=12, stale_share=0.25, needs_full_rebuild=whole, model=model)
    said = run("index", "status").out
    assert "12 of 48 chunks were made with another model or another cut" in said
    assert f"`citewise index {remedy}`" in said
    assert ("than the settings name (fake:hash-128)" in said) == whole


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("verify", "48 chunks were looked for in the index and found."),
        ("rebuild", "48 chunks were written to new files and verified."),
        ("update", "1 document was cut and embedded anew."),
        ("compact", ERASED["sentence"]),
    ],
)
def test_work_is_waited_for_and_says_what_came_of_it(anywhere: Run, command: str, said: str) -> None:
    ran = anywhere("index", command)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(said)
    job = anywhere("index", command, "--json").json
    assert (job["kind"], job["state"]) == (command, "done")


def test_reembed_shows_both_generations_and_what_to_do_next(anywhere: Run, engine: FakeEngine, notes: Path) -> None:
    anywhere("add", notes / "tides.txt")
    ran = anywhere("index", "reembed", "--model", "fake:hash-128")
    assert ran.code == 0
    rows = {" ".join(line.split()) for line in ran.out.splitlines()}
    assert {"recall@5 0.864 0.932", "mean, ms 8.4 10.1", "chunks 48 61"} <= rows
    assert "When does the <ferry> leave? 1 not found" in rows
    assert "a sentence of tides.txt, characters 0 to 32 2 7" in rows
    assert "Of 43 questions 6 got better and 2 worse." in rows
    assert "Set CITEWISE_EMBED__MODEL=fake:hash-128 to keep it: the settings name fake:hash-64." in ran.out
    assert ran.out.endswith("Let answers come from it with `citewise index switch`.\n")
    assert engine.index.jobs[0].options == {"model": "fake:hash-128"}


def test_a_generation_is_switched_to_by_the_start_of_its_id_and_rolled_back_from(
    anywhere: Run, engine: FakeEngine
) -> None:
    anywhere("index", "reembed")
    assert "Answers come from generation b2b2b2b2." in anywhere("index", "switch", NEW[:4]).out
    assert anywhere("index", "status", "--json").json["generation"]["generation"] == NEW
    assert "Answers come from generation a1a1a1a1 again." in anywhere("index", "rollback").out
    assert engine.index.generation is not None
    assert engine.index.generation.id == OLD
    unknown = anywhere("index", "switch", "zz")
    assert unknown.code == 1
    unknown.assert_one_sentence("There is no index generation named 'zz'")


def test_options_reach_the_engine(anywhere: Run, engine: FakeEngine, tmp_path: Path) -> None:
    anywhere("index", "compact", "--quotes")
    anywhere("index", "reembed", "--switch", "--questions", tmp_path, "--collection", "lab")
    anywhere("index", "compact")
    assert [job.options for job in engine.index.jobs] == [
        {},
        {"switch": True, "questions": str(tmp_path), "collection": "lab"},
        {"quotes": True},
    ]


def test_failed_work_is_its_sentence_and_exit_1(anywhere: Run, engine: FakeEngine) -> None:
    engine.ending, engine.error = "failed", "The disk is full. Free some space."
    ran = anywhere("index", "rebuild")
    assert (ran.code, ran.out) == (1, "")
    ran.assert_one_sentence("The disk is full. Free some space.")
    ran = anywhere("index", "rebuild", "--json")
    assert (ran.code, ran.json["error"]) == (1, "The disk is full. Free some space.")


def test_verify_waits_for_a_repair_that_goes_on(anywhere: Run, engine: FakeEngine) -> None:
    def damaged() -> None:
        engine.change_index(state="degraded", detail="It is being built anew.")

    engine.changes = [damaged, damaged, lambda: engine.change_index(state="ok")]
    ran = anywhere("index", "verify")
    assert (ran.code, ran.out) == (0, "48 chunks were looked for in the index and found.\n")
    assert engine.changes == []


def test_verify_waits_until_a_damaged_index_is_whole_again(anywhere: Run, engine: FakeEngine) -> None:
    def built_anew() -> None:
        engine.change_index(state="ok", generation=generation(NEW, "active"))

    engine.problems = ["A chunk was not found by its own vector."]
    engine.changes = [lambda: None, lambda: None, lambda: engine.change_index(state="checking"), built_anew]
    ran = anywhere("index", "verify")
    assert ran.code == 0
    assert ran.out == (
        "The index was found damaged, and is built anew from the stored vectors: "
        "A chunk was not found by its own vector.\nIt is whole again.\n"
    )
    assert engine.changes == []


def test_a_repair_that_fails_is_its_sentence(anywhere: Run, engine: FakeEngine) -> None:
    def failed() -> None:
        job = engine.index_job("rebuild")
        for _ in range(engine.looks + 1):
            engine.index_job_now(job.id)

    engine.ending, engine.error = "failed", "There is not enough memory. Close other programs."
    engine.changes = [failed, lambda: engine.change_index(state="degraded"), failed]
    ran = anywhere("index", "verify")
    assert (ran.code, ran.out) == (1, "")
    ran.assert_one_sentence("There is not enough memory.")


def test_what_cannot_be_done_now_is_a_sentence(anywhere: Run, engine: FakeEngine) -> None:
    engine.index_job("verify")
    for command, words in (("verify", "runs already"), ("switch", "No generation waits")):
        ran = anywhere("index", command)
        assert (ran.code, ran.out) == (1, "")
        ran.assert_one_sentence(words)


class Interrupted(FakeEngine):
    """Ctrl-C is pressed while a job is looked at, as many times as ``presses``."""

    presses = 1

    def index_job_now(self, job_id: str, *, wait_s: float | None = 0) -> IndexJob:
        if wait_s and Interrupted.presses:
            Interrupted.presses -= 1
            raise KeyboardInterrupt
        return super().index_job_now(job_id, wait_s=wait_s)


@pytest.mark.parametrize(("presses", "state"), [(1, "cancelled"), (2, "running")])
def test_an_interruption_cancels_the_work_and_a_second_one_leaves(
    run: Run, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, presses: int, state: Any
) -> None:
    engine.looks = 100
    engine.__class__ = Interrupted
    monkeypatch.setattr(Interrupted, "presses", presses)
    ran = run("index", "rebuild")
    assert ran.code == 130
    assert "Press Ctrl-C again to leave at once." in ran.err
    assert "Traceback" not in ran.err
    (job,) = engine.index.jobs
    assert (job.cancel_requested, job.state) == (True, state)
    assert engine.closed


def test_work_that_somebody_else_cancels_is_no_success(run: Run, engine: FakeEngine) -> None:
    class Cancelled(FakeEngine):
        def index_job(self, *arguments: Any, **options: Any) -> IndexJob:
            job = super().index_job(*arguments, **options)
            self.cancel_index_job(job.id)
            return job

    engine.__class__ = Cancelled
    ran = run("index", "rebuild")
    assert (ran.code, ran.out) == (1, "")
    ran.assert_one_sentence("It was cancelled.")


@pytest.mark.parametrize("arguments", [[], ["polish"], ["verify", "x"], ["reembed", "--questions"]])
def test_wrong_use_is_told(run: Run, arguments: list[str]) -> None:
    ran = run("index", *arguments)
    assert ran.code == 2
