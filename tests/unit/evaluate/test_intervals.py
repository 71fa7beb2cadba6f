from __future__ import annotations

from typing import Any

import pytest

from citewise.errors import IngestError
from citewise.evaluate.intervals import compare_runs, paired_interval, sentence


def run(name: str, **questions: tuple[float, int | None]) -> dict[str, Any]:
    rows = [
        {"id": key, "question": f"{key}?", "scores": {"mrr@10": score}, "rank": rank}
        for key, (score, rank) in questions.items()
    ]
    return {"name": name, "dataset": "set", "per_question": rows}


def test_an_interval_is_the_same_every_time_and_holds_the_mean() -> None:
    differences = [0.1, 0.3, -0.2, 0.4, 0.0, 0.2] * 5
    low, high = paired_interval(differences)
    assert (low, high) == paired_interval(differences)
    assert low < sum(differences) / len(differences) < high
    assert paired_interval([0.25]) == (0.25, 0.25)
    narrow = paired_interval(differences * 20)
    assert narrow[1] - narrow[0] < (high - low) / 3


def test_runs_are_compared_on_the_questions_they_share() -> None:
    first = run("a", q1=(0.5, 2), q2=(0.0, None), q3=(1.0, 1), only=(1.0, 1))
    second = run("b", q1=(1.0, 1), q2=(0.5, 2), q3=(1.0, 1))
    found = compare_runs(first, second)
    assert (found["first"], found["second"], found["questions"]) == ("a", "b", 3)
    figure = found["metrics"]["mrr@10"]
    assert (figure["first"], figure["second"], figure["difference"]) == (0.5, 0.8333, 0.3333)
    assert (figure["better"], figure["worse"], figure["questions"]) == (2, 0, 3)
    assert [one["id"] for one in found["changed"]] == ["q1", "q2"]
    back = compare_runs(second, first)
    assert (back["metrics"]["mrr@10"]["low"], back["metrics"]["mrr@10"]["worse"]) == (-figure["high"], 2)


def test_a_difference_that_may_be_chance_is_told_as_such() -> None:
    mixed = {f"q{n}": (float(n % 2), 1) for n in range(40)}
    flipped = {f"q{n}": (float((n + 1) % 2), 1) for n in range(40)}
    chance = compare_runs(run("a", **mixed), run("b", **flipped))["metrics"]["mrr@10"]
    assert not chance["certain"]
    assert sentence("mrr@10", chance).endswith("over 40 questions; that may be chance")
    better = compare_runs(run("a", **dict.fromkeys(mixed, (0.2, 5))), run("b", **dict.fromkeys(mixed, (0.5, 2))))
    assert better["metrics"]["mrr@10"]["certain"]


def test_fewer_false_answers_are_better() -> None:
    first, second = run("a", q=(1.0, None)), run("b", q=(0.0, None))
    for one in (first, second):
        row = one["per_question"][0]
        row["scores"] = {"false_answers": row["scores"]["mrr@10"]}
    assert compare_runs(first, second)["metrics"]["false_answers"]["better"] == 1


def test_runs_over_other_questions_cannot_be_compared() -> None:
    with pytest.raises(IngestError, match="a and b have no question in common"):
        compare_runs(run("a", q1=(1.0, 1)), run("b", q2=(1.0, 1)))


def test_no_difference_is_told_as_none() -> None:
    same = compare_runs(run("a", q1=(0.5, 2), q2=(1.0, 1)), run("b", q1=(0.5, 2), q2=(1.0, 1)))
    assert sentence("mrr@10", same["metrics"]["mrr@10"]) == "mrr@10: 0.750, the same for every one of 2 questions"
