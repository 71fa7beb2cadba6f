"""Whether one run is better than another: the same questions, paired, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from citewise.errors import IngestError

SAMPLES = 10_000
SEED = 20_240_229  # any number, the same every time
LEVEL = 0.95

_AT_ONCE = 4_000_000  # drawn numbers, about 32 MB
_LISTED = 50  # questions that changed
LESS_IS_BETTER = frozenset({"false_answers", "false_refusals", "errors"})
"""Figures of what went wrong."""


def paired_interval(differences: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of the mean of paired differences.

    Questions are drawn with replacement 10,000 times with a fixed seed, so the same
    differences always give the same interval; a single question gives its own difference twice.

    Args:
        differences: One for each question, at least one.
    """
    values = np.asarray(differences, dtype=np.float64)
    generator = np.random.default_rng(SEED)
    rows = max(1, _AT_ONCE // len(values))
    drawn: list[np.ndarray[Any, np.dtype[np.float64]]] = []
    for first in range(0, SAMPLES, rows):
        shape = (min(rows, SAMPLES - first), len(values))
        drawn.append(values[generator.integers(0, len(values), shape)].mean(axis=1))
    low, high = np.quantile(np.concatenate(drawn), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def compare_runs(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Compare two reports of ``evaluate_dataset`` on the questions that both asked.

    Returns:
        ``first``, ``second`` (their names), ``questions`` (in common), ``metrics`` (name →
        ``first``, ``second``, ``difference``, ``low``, ``high`` of the interval of the
        difference, ``questions`` that have this figure, ``better``, ``worse`` of them, and
        ``certain``: the interval leaves out 0), and ``changed``: those questions whose rank of
        the first right hit changed, the worst losses first.

    Raises:
        IngestError: They have no question in common.
    """
    old = {row["id"]: row for row in first["per_question"]}
    new = {row["id"]: row for row in second["per_question"]}
    common = [
        question for question in old if question in new and old[question]["question"] == new[question]["question"]
    ]
    if not common:
        raise IngestError(
            f"{name_of(first)} and {name_of(second)} have no question in common. Compare runs over the same set."
        )
    names = dict.fromkeys(name for question in common for name in old[question]["scores"])
    metrics = {}
    for name in names:
        pairs = [
            (old[one]["scores"][name], new[one]["scores"][name])
            for one in common
            if name in new[one]["scores"] and name in old[one]["scores"]
        ]
        if pairs:
            metrics[name] = _compared(pairs, sign=-1 if name in LESS_IS_BETTER else 1)
    moved = [_moved(old[one], new[one]) for one in common if old[one]["rank"] != new[one]["rank"]]
    moved.sort(key=lambda one: _reciprocal(one["second"]) - _reciprocal(one["first"]))
    return {
        "first": name_of(first),
        "second": name_of(second),
        "questions": len(common),
        "metrics": metrics,
        "changed": moved if len(moved) <= _LISTED else [*moved[: _LISTED // 2], *moved[-_LISTED // 2 :]],
    }


def name_of(report: Mapping[str, Any]) -> str:
    """What a report is called: by its variant, else by its set."""
    return str(report.get("name") or report["dataset"])


def sentence(name: str, compared: Mapping[str, Any]) -> str:
    """Say in a sentence what a comparison found of one figure."""
    interval = f"{compared['difference']:+.3f} (95 % interval {compared['low']:+.3f} to {compared['high']:+.3f})"
    over = f"{compared['questions']:,} question{'' if compared['questions'] == 1 else 's'}"
    if not compared["better"] and not compared["worse"]:
        return f"{name}: {compared['first']:.3f}, the same for every one of {over}"
    verdict = "" if compared["certain"] else "; that may be chance"
    return f"{name}: {compared['first']:.3f} → {compared['second']:.3f}, {interval} over {over}{verdict}"


def _compared(pairs: Sequence[tuple[float, float]], *, sign: int) -> dict[str, Any]:
    differences = [after - before for before, after in pairs]
    low, high = paired_interval(differences)
    count = len(pairs)
    return {
        "first": round(sum(before for before, _ in pairs) / count, 4),
        "second": round(sum(after for _, after in pairs) / count, 4),
        "difference": round(sum(differences) / count, 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "questions": count,
        "better": sum(sign * one > 0 for one in differences),
        "worse": sum(sign * one < 0 for one in differences),
        "certain": low > 0 or high < 0,
    }


def _moved(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": before["id"], "question": before["question"], "first": before["rank"], "second": after["rank"]}


def _reciprocal(rank: int | None) -> float:
    return 1 / rank if rank else 0.0
