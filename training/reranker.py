"""Fits the weights of the built-in reranker: ``python training/reranker.py --from DIR --fit NAME… --report NAME…``.

DIR is what ``candidates.py`` wrote. A NAME with ``:half`` stands for one half of its questions, told apart by a
checksum: the one that is fitted on, or the other that is reported.

What is maximised is nDCG@10 itself, by coordinate ascent (Metzler and Croft, "Linear feature-based models for
information retrieval", 2007), the mean over the sets, however many questions each has. One ascent stops wherever
its start and a few questions lead it; so there are ``--runs``, each with its questions drawn anew with repeats and
a start of its own around the weights of now, and the mean of their directions is the result. Fitting by listwise
softmax was tried and lost 1.1 points to this: it cares most about the questions that nothing helps.

Printed as Markdown, for the sets reported: nDCG@10 and recall@10 of each search alone, of reciprocal ranks (k 60),
of what ``hybrid.py`` does without a reranker, and reranked with the weights of now and with those fitted; and
those, to be copied into ``WEIGHTS`` of ``retrieve/rerank.py``.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citewise.retrieve.fuse import reciprocal_rank_fusion, score_fusion, weight_of_meaning
from citewise.retrieve.rerank import WEIGHTS, features
from citewise.types import Chunk, ScoredChunk

K = 10
UNFOUND = -1e9
STEPS = (0.4, 0.2, 0.1, 0.05, 0.05, 0.05)  # of the largest weight, round by round
DISCOUNTS = 1 / np.log2(np.arange(2, K + 2))

Array = NDArray[Any]
Ranking = list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its candidates."""

    question: str
    units: Mapping[str, int]  # what is to be found, with its grade
    unit_of: Mapping[str, str]  # by chunk
    rankings: Mapping[str, Ranking]  # by name of the system
    rows: Array  # features of the fused candidates, in their order


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--from", type=Path, required=True, metavar="DIR", dest="folder")
    parser.add_argument("--fit", nargs="+", required=True, metavar="NAME")
    parser.add_argument("--report", nargs="+", required=True, metavar="NAME")
    parser.add_argument("--depth", type=int, default=50, help="candidates from each kind of search")
    parser.add_argument(
        "--only", nargs="*", default=list(WEIGHTS), metavar="WEIGHT", help="leave the others as they are"
    )
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    now = np.array(list(WEIGHTS.values()))
    fitted_on = [read(given.folder, name, given.depth, half=0) for name in given.fit]
    chosen = [number for number, name in enumerate(WEIGHTS) if name in given.only]
    weights = fit(Sets(fitted_on), now, chosen, runs=given.runs, random=np.random.default_rng(given.seed))
    print("\n".join(f'    "{name}": {weight:.2f},' for name, weight in zip(WEIGHTS, weights, strict=True)))
    table({name: read(given.folder, name, given.depth, half=1) for name in given.report}, now, weights)


def read(folder: Path, name: str, depth: int, *, half: int) -> list[Asked]:
    """The questions of a set, or a half of them, with features."""
    name, _, halved = name.partition(":")
    chunks = {line["id"]: line for line in lines(folder / f"{name}.chunks.jsonl")}
    return [
        asked(line, chunks, depth)
        for line in lines(folder / f"{name}.jsonl")
        if line["units"] and (not halved or zlib.crc32(line["question"].encode()) % 2 == half)
    ]


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open() as file:
        yield from map(json.loads, file)


def asked(line: Mapping[str, Any], chunks: Mapping[str, Mapping[str, Any]], depth: int) -> Asked:
    found = {
        kind: sorted(
            ((one["chunk"], one[kind]) for one in line["candidates"] if one[kind] is not None),
            key=lambda pair: -pair[1],
        )[:depth]
        for kind in ("dense", "keyword")
    }
    meaning = weight_of_meaning([score for _, score in found["keyword"]])
    fused = score_fusion(list(found.values()), weights=[meaning, 1 - meaning])
    scores = {kind: dict(ranking) for kind, ranking in found.items()}
    hits = []
    for rank, (chunk_id, score) in enumerate(fused, 1):
        about = chunks[chunk_id]
        chunk = Chunk(
            chunk_id,
            about["document"],
            1,
            about["ordinal"],
            0,
            len(about["text"]),
            None,
            None,
            (),
            about["text"],
            about["context"],
        )
        own = {kind: by_id[chunk_id] for kind, by_id in scores.items() if chunk_id in by_id}
        hits.append(ScoredChunk(chunk, score, rank, own, about["document"], about["title"], ""))
    ranks = reciprocal_rank_fusion([[chunk_id for chunk_id, _ in ranking] for ranking in found.values()])
    return Asked(
        question=line["question"],
        units=line["units"],
        unit_of={one["chunk"]: one["unit"] for one in line["candidates"]},
        rankings={**found, "ranks": ranks, "fused": fused},
        rows=np.array(features(line["question"], hits[:depth])),
    )


class Sets:
    """The features of several sets in one array, so that all questions are ranked at once."""

    def __init__(self, sets: Sequence[Sequence[Asked]]) -> None:
        questions = [question for one in sets for question in one]
        places = [units_of(question) for question in questions]
        most = max(map(len, places))
        widest = max(len(own) for units in places for own in units.values())
        self.values = np.zeros((len(WEIGHTS), len(questions), most, widest), dtype=np.float32)
        self.unfound = np.full((len(questions), most, widest), UNFOUND, dtype=np.float32)
        self.grades = np.zeros((len(questions), most))
        self.ideal = np.array([ideal(question.units) for question in questions])
        for number, (question, units) in enumerate(zip(questions, places, strict=True)):
            for column, (unit, own) in enumerate(units.items()):
                self.values[:, number, column, : len(own)] = question.rows[own].T
                self.unfound[number, column, : len(own)] = 0
                self.grades[number, column] = question.units.get(unit, 0)
        self.sizes = [len(one) for one in sets]
        self.spread = self.values[:, self.unfound == 0].std(axis=1) + 1e-6

    def scores(self, weights: Array) -> Array:
        scores: Array = np.tensordot(weights.astype(np.float32), self.values, 1) + self.unfound
        return scores

    def gains(self, scores: Array) -> Array:
        """nDCG@10 of every question; of a unit its best chunk counts."""
        order = np.argsort(-scores.max(axis=-1), axis=1, kind="stable")[:, :K]
        gained = np.take_along_axis(self.grades, order, 1)
        gains: Array = (gained * DISCOUNTS[: gained.shape[1]]).sum(axis=1) / self.ideal
        return gains


def units_of(question: Asked) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, (chunk_id, _) in enumerate(question.rankings["fused"][: len(question.rows)]):
        places.setdefault(question.unit_of[chunk_id], []).append(place)
    return places


def ideal(units: Mapping[str, int]) -> float:
    best = np.array(sorted(units.values(), reverse=True)[:K], dtype=float)
    return float((best * DISCOUNTS[: len(best)]).sum())


def fit(sets: Sets, start: Array, chosen: Sequence[int], *, runs: int, random: np.random.Generator) -> Array:
    """Return the mean direction of several ascents that change the chosen weights, as long as the start."""
    found = []
    for _ in range(runs):
        drawn = [np.bincount(random.integers(0, size, size), minlength=size) / size for size in sets.sizes]
        moved = start.copy()
        moved[chosen] *= random.uniform(0.5, 1.5, len(chosen))
        weights = ascended(sets, moved, chosen, np.concatenate(drawn) / len(drawn))
        found.append(weights / np.linalg.norm(weights * sets.spread))
    mean: Array = np.mean(found, axis=0)
    return mean * np.linalg.norm(start * sets.spread) / np.linalg.norm(mean * sets.spread)


def ascended(sets: Sets, weights: Array, chosen: Sequence[int], shares: Array) -> Array:
    """Change one weight after the other for as long as nDCG@10 rises, in ever smaller steps."""
    weights = weights.copy()
    scores = sets.scores(weights)
    best = float(sets.gains(scores) @ shares)
    largest = np.abs(weights * sets.spread).max()
    for step in STEPS:
        for number in chosen:
            spread = sets.spread[number]
            for change in (step * largest / spread, -step * largest / spread):
                while True:
                    tried = scores + np.float32(change) * sets.values[number]
                    value = float(sets.gains(tried) @ shares)
                    if value <= best + 1e-5:
                        break
                    best, scores = value, tried
                    weights[number] += change
    return weights


def table(sets: Mapping[str, Sequence[Asked]], now: Array, fitted: Array) -> None:
    systems = ("dense", "keyword", "ranks", "fused", "now", "fitted")
    for figure in (f"ndcg@{K}", f"recall@{K}"):
        print(f"\n| {figure} | questions | {' | '.join(systems)} |\n|---|---|{'---|' * len(systems)}")
        columns = []
        for name, questions in sets.items():
            values = [
                np.mean([measured(question, order(question, system, now, fitted), figure) for question in questions])
                for system in systems
            ]
            columns.append(values)
            print(f"| {name} | {len(questions)} | {' | '.join(f'{value:.3f}' for value in values)} |")
        print(f"| mean | | {' | '.join(f'{value:.3f}' for value in np.mean(columns, axis=0))} |")


def order(question: Asked, system: str, now: Array, fitted: Array) -> list[str]:
    """Chunk ids, best first."""
    if system in question.rankings:
        return [chunk_id for chunk_id, _ in question.rankings[system]]
    scores = question.rows @ (now if system == "now" else fitted)
    fused = question.rankings["fused"]
    return [fused[place][0] for place in np.argsort(-scores, kind="stable")]


def measured(question: Asked, chunk_ids: Sequence[str], figure: str) -> float:
    units = list(dict.fromkeys(question.unit_of[chunk_id] for chunk_id in chunk_ids))[:K]
    grades = np.array([question.units.get(unit, 0) for unit in units], dtype=float)
    if figure.startswith("recall"):
        return float((grades > 0).sum() / len(question.units))
    return float((grades * DISCOUNTS[: len(grades)]).sum() / ideal(question.units))


if __name__ == "__main__":
    main()
