"""How fast the local embedder is beside ``SentenceTransformer.encode`` as installed, and whether it finds as well.

    python benchmarks/embedding.py DIR [--texts 256] [--rounds 3] [--only-speed]

DIR holds corpus.jsonl, queries.jsonl and qrels.tsv. Both embed the same texts, drawn at random, in turns within
one run; the ratio is of the best round of each. nDCG@10 is of dense search alone, over the whole corpus, which
takes some minutes. "CPU" is the processor's time of the whole process, which other work on the machine hardly
changes; it is the same as wall time times cores where nothing else runs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from citewise.embed.local import LocalEmbedder
from citewise.evaluate.metrics import graded

Encode = Callable[[Sequence[str]], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--texts", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only-speed", action="store_true")
    options = parser.parse_args()
    corpus = _lines(options.directory / "corpus.jsonl")
    texts = [f"{one.get('title', '')} {one['text']}".strip() for one in corpus]
    print(f"{_processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as models:
        ours = LocalEmbedder(models=Path(models))
        ours.embed_query("load")
        installed = _installed()
        ways: dict[str, Encode] = {"as installed": installed, str(ours.route): ours.embed_documents}
        speeds = _speeds(ways, _drawn(texts, options.texts), options.rounds)
        first = next(iter(speeds))
        for way, (wall, cpu) in speeds.items():
            print(
                f"{way:24} {wall:6.1f} texts/s ({wall / speeds[first][0]:.2f} x), "
                f"{cpu:6.1f} texts per CPU second ({cpu / speeds[first][1]:.2f} x)"
            )
        print(f"one question: {_question_ms(ours.embed_query):.2f} ms, as installed {_question_ms(installed):.2f} ms")
        if not options.only_speed:
            for way, encode in ways.items():
                print(f"{way:24} nDCG@10 {_ndcg(encode, options.directory, corpus, texts):.4f}")
        ours.close()


def _installed() -> Encode:
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - seconds

    from citewise.embed.files import find_folder  # noqa: PLC0415

    model = SentenceTransformer(str(find_folder("all-MiniLM-L6-v2")[0]), device="cpu")
    return lambda texts: model.encode(texts if isinstance(texts, str) else list(texts), show_progress_bar=False)


def _speeds(ways: dict[str, Encode], texts: list[str], rounds: int) -> dict[str, tuple[float, float]]:
    """Texts in a second of wall time and of processor time, the best round of each way."""
    best: dict[str, tuple[float, float]] = {}
    for _ in range(rounds):
        for way, encode in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            encode(texts)
            took = time.perf_counter() - wall, time.process_time() - cpu
            before = best.get(way, (0.0, 0.0))
            best[way] = max(before[0], len(texts) / took[0]), max(before[1], len(texts) / took[1])
    return best


def _question_ms(encode: Callable[[str], Any]) -> float:
    took = []
    for number in range(100):
        started = time.perf_counter()
        encode(f"does treatment {number} lower the risk of disease in elderly patients?")
        took.append(time.perf_counter() - started)
    return float(np.median(took)) * 1000


def _ndcg(encode: Encode, directory: Path, corpus: list[dict[str, Any]], texts: list[str]) -> float:
    judged: dict[str, dict[str, int]] = {}
    for line in (directory / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query, document, grade = line.split("\t")
        judged.setdefault(query, {})[document] = int(grade)
    queries = [one for one in _lines(directory / "queries.jsonl") if one["_id"] in judged]
    vectors = np.concatenate([encode(texts[start : start + 512]) for start in range(0, len(texts), 512)])
    # A question is embedded alone, as it comes.
    asked = np.concatenate([encode([one["text"]]) for one in queries])
    run = {
        query["_id"]: [corpus[row]["_id"] for row in np.argsort(-similarities, kind="stable")[:10]]
        for query, similarities in zip(queries, asked @ vectors.T, strict=True)
    }
    return float(np.mean([figures["ndcg@10"] for figures in graded(run, judged, k=10).values()]))


def _drawn(texts: list[str], count: int) -> list[str]:
    rows = np.random.default_rng(1).permutation(len(texts))[:count]
    return [texts[row] for row in rows]


def _lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
