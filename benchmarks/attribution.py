"""What the sentence check is worth: ``python benchmarks/attribution.py DIR TRAPS [--report]``.

DIR holds ExpertQA's claims with evidence as judged by people (``claims.jsonl``), TRAPS our own pairs
(``*.jsonl``). Claims whose evidence is text, and those without any, count; those judged N/A or whose evidence
is only an address do not. Their questions are halved by the first byte of their SHA-256: thresholds are fitted
on the half with even ones, which is what is measured here; the other half is for one look at the end
(``--report``). *Supported* against all else, Complete against Partial, Incomplete and Missing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from citewise.answer.verify import verify
from citewise.embed.local import LocalEmbedder

_ADDRESS = 200  # characters of evidence on average, below which it is no text

Json = dict[str, Any]


def main() -> None:
    """Print tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("traps", type=Path)
    parser.add_argument("--report", action="store_true", help="Measure the half that nothing was fitted on.")
    parser.add_argument("--words", action="store_true", help="Without the embedding model.")
    given = parser.parse_args()
    embedder = LocalEmbedder()
    embed = None if given.words else embedder.embed_urgently
    try:
        embedder.embed_query("warm up")
        took: list[float] = []
        for file in sorted(given.traps.glob("*.jsonl")):
            _traps(file.stem, [json.loads(line) for line in file.open(encoding="utf-8")], embed, took)
        _time("traps", took)
        took = []
        claims = _claims(given.folder, report=given.report)
        _judged(claims, [_verdict(claim, embed, took) for claim in claims])
        _time("claims", took)
    finally:
        embedder.close()


def _traps(name: str, pairs: Sequence[Json], embed: Any, took: list[float]) -> None:
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for pair in pairs:
        began = time.process_time()
        verdict, reason = verify(pair["sentence"], pair["quotes"], embed=embed)
        took.append(time.process_time() - began)
        is_right = (verdict == "supported") == (pair["expected"] == "supported") and verdict != "not_checked"
        total[pair["kind"]] += 1
        right[pair["kind"]] += is_right
        if not is_right:
            print(f"- {pair['_id']}: {verdict} ({reason}): {pair['sentence']} | {' | '.join(pair['quotes'])}")
    print(f"\n| {name} | right | of |\n|---|---|---|")
    for kind in sorted(total):
        print(f"| {kind} | {right[kind]} | {total[kind]} |")
    print(f"| all | {right.total()} | {total.total()} |\n")


def _claims(folder: Path, *, report: bool) -> list[Json]:
    with (folder / "claims.jsonl").open(encoding="utf-8") as file:
        claims = [json.loads(line) for line in file]
    return [claim for claim in claims if _in_half(claim["question"], report=report) and _counts(claim)]


def _in_half(question: str, *, report: bool) -> bool:
    return hashlib.sha256(question.encode()).digest()[0] % 2 == int(report)


def _counts(claim: Json) -> bool:
    evidence = claim["evidence"]
    is_text = not evidence or sum(map(len, evidence)) / len(evidence) >= _ADDRESS
    return claim["support"] != "N/A" and is_text


def _verdict(claim: Json, embed: Any, took: list[float]) -> str:
    began = time.process_time()
    verdict, _ = verify(claim["claim"], claim["evidence"], embed=embed)
    took.append(time.process_time() - began)
    return verdict


def _judged(claims: Sequence[Json], verdicts: Sequence[str]) -> None:
    table = Counter(zip((claim["support"] for claim in claims), verdicts, strict=True))
    columns = ("supported", "partial", "unsupported", "not_checked")
    print(f"| judged | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for support in ("Complete", "Partial", "Incomplete", "Missing"):
        print(f"| {support} | {' | '.join(str(table[support, column]) for column in columns)} |")
    print()
    for name, chosen in (("all claims", lambda claim: True), ("claims with evidence", lambda claim: claim["evidence"])):
        pairs = [
            (claim, verdict == "supported") for claim, verdict in zip(claims, verdicts, strict=True) if chosen(claim)
        ]
        accuracy, low, high = _balanced(pairs)
        print(f"{name}: {len(pairs)}, balanced accuracy {accuracy:.3f} (95 % over questions {low:.3f} to {high:.3f})")
    print()


def _balanced(pairs: Sequence[tuple[Json, bool]]) -> tuple[float, float, float]:
    """The mean of both rates of being right, with an interval from drawing questions anew."""
    questions = sorted({claim["question"] for claim, _ in pairs})
    counts = {question: np.zeros((2, 2)) for question in questions}
    for claim, supported in pairs:
        counts[claim["question"]][int(claim["support"] == "Complete"), int(supported)] += 1
    stacked = np.stack([counts[question] for question in questions])
    random = np.random.default_rng(0)
    drawn = [_rate(stacked[random.integers(0, len(questions), len(questions))]) for _ in range(2_000)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return _rate(stacked), float(low), float(high)


def _rate(counts: Any) -> float:
    summed = counts.sum(axis=0)
    return float((summed[0, 0] / summed[0].sum() + summed[1, 1] / summed[1].sum()) / 2)


def _time(name: str, took: Iterable[float]) -> None:
    milliseconds = [seconds * 1000 for seconds in took]
    middle, late = np.percentile(milliseconds, [50, 95])
    print(f"{name}: {middle:.0f} ms of processor time a sentence (median), {late:.0f} ms (95 %)\n")


if __name__ == "__main__":
    main()
