"""Fits the weights by which quotes are taken for an answer: ``python training/abstention.py FILE``.

FILE is what ``benchmarks/answers.py --half fitted --json FILE`` wrote: the signs of every question, with and
without an answer. ``--leave-out ASKED:OF`` leaves out the questions of one set that were asked of another: where
both come from one encyclopedia, their subjects are not absent. Logistic regression; each kind of question
(answerable, subject absent, answer absent) weighs as much as the others, and within it each set as much as the
others. How much the weights are held back (``C``) is chosen by what they are worth on articles that they were not
fitted on: the articles are split ``--folds`` ways. Signs that are too rare in the sets to be fitted (``HELD``) keep
the weights that they have. The constant is set so that, on such articles, as large a share of answerable questions
is refused as is answered of those whose subject is absent.

Printed as Markdown: for each ``C`` the areas under the curve against either kind without an answer, and where both
errors meet; then the weights, to be copied into ``ANSWER_WEIGHTS`` of ``answer/abstain.py``.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from citewise.answer.abstain import ANSWER_WEIGHTS

HELD = ("a year that stands nowhere", "is a row without a name or number of the question")
STRENGTHS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.2)  # values of C

Array = NDArray[Any]


class Questions:
    """The signs of all questions, and what is known of each."""

    def __init__(self, path: Path, leave_out: Sequence[str]) -> None:
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        records = [record for record in records if f"{record['asked']}:{record['of']}" not in leave_out]
        records = [record for record in records if record["signals"]]  # without any sentence nothing is weighed
        names = list(ANSWER_WEIGHTS)[1:]
        signals = np.array([record["signals"] for record in records])
        held = [names.index(name) for name in HELD]
        self.names = [name for name in names if name not in HELD]
        self.signals = np.delete(signals, held, axis=1)
        self.held = signals[:, held] @ [ANSWER_WEIGHTS[name] for name in HELD]
        self.kind = np.array([record["kind"] for record in records])
        self.answerable = self.kind == "answerable"
        self.title = np.array([record["title"] for record in records])
        groups = [(record["kind"], record["asked"], record["of"]) for record in records]
        kinds = [kind for kind, _, _ in set(groups)]
        self.weight = np.array([1 / (groups.count(group) * kinds.count(group[0])) for group in groups])

    def fitted(self, rows: Array, strength: float) -> tuple[float, Array]:
        """The constant and the weights for some of the questions."""
        scaler = StandardScaler().fit(self.signals[rows])
        weight = self.weight[rows] * rows.sum() / self.weight[rows].sum()
        model = LogisticRegression(C=strength, max_iter=3000)
        model.fit(scaler.transform(self.signals[rows]), self.answerable[rows], sample_weight=weight)
        weights = model.coef_[0] / scaler.scale_
        return float(model.intercept_[0] - weights @ scaler.mean_), weights

    def values(self, constant: float, weights: Array) -> Array:
        return constant + self.signals @ weights + self.held

    def unseen(self, strength: float, folds: int) -> Array:
        """The value of each question by weights that were fitted without its article."""
        fold = np.array([zlib.crc32(title.encode()) % folds for title in self.title])
        values = np.zeros(len(fold))
        for number in range(folds):
            values[fold == number] = self.values(*self.fitted(fold != number, strength))[fold == number]
        return values

    def area(self, values: Array, kind: str) -> float:
        """How often an answerable question is above one of a kind without an answer."""
        rows = self.answerable | (self.kind == kind)
        return float(roc_auc_score(self.answerable[rows], values[rows], sample_weight=self.weight[rows]))

    def refused(self, values: Array, threshold: float) -> float:
        return self._share(self.answerable, values < threshold)

    def answered(self, values: Array, threshold: float) -> float:
        return self._share(self.kind == "absent", values >= threshold)

    def _share(self, of: Array, which: Array) -> float:
        return float(self.weight[of & which].sum() / self.weight[of].sum())

    def even(self, values: Array) -> float:
        """The threshold at which both errors meet."""
        candidates: Sequence[float] = np.quantile(values, np.linspace(0, 1, 1001)).tolist()
        return min(candidates, key=lambda at: abs(self.refused(values, at) - self.answered(values, at)))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--leave-out", action="append", default=[], metavar="ASKED:OF")
    parser.add_argument("--folds", type=int, default=8)
    parser.add_argument("--strength", type=float, help="this C, whatever the table says")
    given = parser.parse_args()
    questions = Questions(given.file, given.leave_out)
    print(f"{len(questions.kind)} questions about {len(set(questions.title))} articles\n")
    print("| C | area, subject absent | area, answer absent | both errors, subject absent |\n|---|---|---|---|")
    best: tuple[float, float] = (0.0, 0.0)
    for strength in STRENGTHS:
        values = questions.unseen(strength, given.folds)
        absent, deceptive = (questions.area(values, kind) for kind in ("absent", "unanswerable"))
        at = questions.even(values)
        print(f"| {strength} | {absent:.4f} | {deceptive:.4f} | {questions.refused(values, at):.3f} |")
        best = max(best, (absent + deceptive, strength))
    strength = given.strength or best[1]
    shift = questions.even(questions.unseen(strength, given.folds))
    constant, weights = questions.fitted(np.ones(len(questions.kind), dtype=bool), strength)
    print(f"\nC {strength}:\n\n    constant: {constant - shift:.2f}")
    for name, weight in zip(questions.names, weights, strict=True):
        print(f"    {name}: {weight:.2f}")


if __name__ == "__main__":
    main()
