"""Exact against approximate search: ``python benchmarks/nearest.py [--rows 100000] [--plot FILE.svg]``.

Recall@10 (share of the ten nearest by exact comparison that an index returns) over the time of one search, for

* ``exact``: every vector compared, by numpy; the truth;
* ``FAISS flat``: the same by FAISS;
* ``FAISS IVF``: vectors in 4 √rows lists, of which ``nprobe`` are looked through;
* ``FAISS HNSW``: a graph with 32 neighbours, ``efSearch`` candidates kept;
* ``Chroma``: what Citewise uses (HNSW with 32 neighbours), ``ef_search`` candidates kept; the whole adapter is
  timed, with the ids and the ties that it sorts out, for the ten nearest.

Vectors are those of ``synthetic.py``; ``--vectors FILE.npy`` takes others (float32, unit length, a row each), of
which every hundredth, moved a little, is a question. One thread, one question at a time. FAISS is installed with
the development tools (``faiss-cpu``); without it only the others are measured.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import log10
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded

import chromadb
import numpy as np
from chromadb.config import Settings
from latency import machine
from synthetic import vectors

from citewise.index.chroma import ChromaIndex
from citewise.types import Chunk, EmbeddedChunk

K = 10
NPROBES = (1, 2, 4, 8, 16, 32, 64, 128)
EFS = (10, 20, 40, 80, 100, 160, 320)
BATCH = 1_000


@dataclass(frozen=True)
class Point:
    """One way to search, measured."""

    index: str
    setting: str
    recall: float
    mean_ms: float
    p95_ms: float


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument("--vectors", type=Path, help="vectors of your own")
    parser.add_argument("--plot", type=Path, help="where to write the plot, as SVG")
    arguments = parser.parse_args()
    rows, questions = data(arguments.rows, arguments.questions, arguments.vectors)
    print(f"{machine()}\n\n{len(rows):,} vectors of {rows.shape[1]} numbers, {len(questions)} questions\n")
    print("| index | setting | recall@10 | mean ms | p95 ms | of exact |\n|---|---|---|---|---|---|")
    points: list[Point] = []

    def add(index: str, setting: str, search: Callable[[np.ndarray], list[int]]) -> None:
        point = measured(index, setting, search, questions, truth)
        points.append(point)
        share = point.mean_ms / points[0].mean_ms
        print(
            f"| {index} | {setting} | {point.recall:.4f} | {point.mean_ms:.3f} | {point.p95_ms:.3f} | {share:.3f} |",
            flush=True,
        )

    truth = [exact(rows, question) for question in questions]
    add("exact", "numpy", lambda question: exact(rows, question))
    with_faiss(rows, add)
    with_chroma(rows, add)
    if arguments.plot:
        arguments.plot.write_text(plot(points, f"{len(rows):,} vectors of {rows.shape[1]} numbers"))
        print(f"\nThe plot is in {arguments.plot}.")


def data(rows: int, questions: int, own: Path | None) -> tuple[np.ndarray, np.ndarray]:
    if own is None:
        return vectors(rows, questions=questions)
    stored = np.load(own)[:rows].astype(np.float32)
    random = np.random.default_rng(0)
    chosen = stored[:: max(1, len(stored) // questions)][:questions]
    asked = chosen + 0.3 * random.normal(size=chosen.shape) / np.sqrt(chosen.shape[1])
    return stored, (asked / np.linalg.norm(asked, axis=1, keepdims=True)).astype(np.float32)


def measured(
    index: str,
    setting: str,
    search: Callable[[np.ndarray], list[int]],
    questions: np.ndarray,
    truth: list[list[int]],
) -> Point:
    for question in questions[:20]:
        search(question)
    taken, found = [], 0
    for question, wanted in zip(questions, truth, strict=True):
        began = time.perf_counter()
        got = search(question)
        taken.append((time.perf_counter() - began) * 1000)
        found += len(set(got) & set(wanted))
    recall = found / (K * len(questions))
    return Point(index, setting, recall, float(np.mean(taken)), float(np.percentile(taken, 95)))


def exact(rows: np.ndarray, question: np.ndarray) -> list[int]:
    scores = rows @ question
    best = np.argpartition(-scores, K)[:K]
    return [int(row) for row in best[np.argsort(-scores[best])]]


def with_faiss(rows: np.ndarray, add: Callable[[str, str, Callable[[np.ndarray], list[int]]], None]) -> None:
    try:
        import faiss  # noqa: PLC0415 - a development tool
    except ImportError:
        return
    faiss.omp_set_num_threads(1)

    def search(index: Any) -> Callable[[np.ndarray], list[int]]:
        return lambda question: index.search(question[np.newaxis], K)[1][0].tolist()

    dimension = rows.shape[1]
    flat = faiss.IndexFlatIP(dimension)
    flat.add(rows)
    add("FAISS flat", "", search(flat))
    lists = int(4 * len(rows) ** 0.5)
    inverted = faiss.IndexIVFFlat(faiss.IndexFlatIP(dimension), dimension, lists, faiss.METRIC_INNER_PRODUCT)
    inverted.train(rows[:: max(1, len(rows) // (40 * lists))])
    inverted.add(rows)
    for nprobe in NPROBES:
        inverted.nprobe = nprobe
        add("FAISS IVF", f"nprobe {nprobe} of {lists}", search(inverted))
    graph = faiss.IndexHNSWFlat(dimension, 32, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = 100
    graph.add(rows)
    for ef in EFS:
        graph.hnsw.efSearch = ef
        add("FAISS HNSW", f"efSearch {ef}", search(graph))


def with_chroma(rows: np.ndarray, add: Callable[[str, str, Callable[[np.ndarray], list[int]]], None]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, dimension = Path(name), rows.shape[1]
        index = ChromaIndex(folder, dimension=dimension, create=True)
        for start in range(0, len(rows), BATCH):
            part = range(start, min(len(rows), start + BATCH))
            index.upsert([EmbeddedChunk(chunk(row), "c", rows[row]) for row in part])
        index.close()
        for ef in EFS:
            set_ef(folder, ef)
            index = ChromaIndex(folder, dimension=dimension, create=False)

            def search(question: np.ndarray, index: ChromaIndex = index) -> list[int]:
                return [int(chunk_id) for chunk_id, _ in index.search(question, k=K, collection_id="c")]

            add("Chroma", f"ef_search {ef}", search)
            index.close()


def chunk(row: int) -> Chunk:
    return Chunk(str(row), str(row // 20), 1, row % 20, 0, 1, None, None, (), "a", "")


def set_ef(folder: Path, ef: int) -> None:
    client = chromadb.PersistentClient(path=str(folder), settings=Settings(_env_file=None, anonymized_telemetry=False))
    client.get_collection("chunks", embedding_function=None).modify(configuration={"hnsw": {"ef_search": ef}})
    client.close()


# --- the plot -------------------------------------------------------------------------

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 760, 460, 70, 50, 150, 60
COLOURS = {
    "exact": "#333333",
    "FAISS flat": "#888888",
    "FAISS IVF": "#1b6ca8",
    "FAISS HNSW": "#c8553d",
    "Chroma": "#2a7f4f",
}


def plot(points: list[Point], title: str) -> str:
    """Recall over the time of a search (logarithmic), as SVG."""
    times = [point.mean_ms for point in points]
    low, high = log10(min(times) / 1.3), log10(max(times) * 1.3)
    floor = min(0.99, *(point.recall for point in points)) - 0.02

    def at(point: Point) -> tuple[float, float]:
        across = (log10(point.mean_ms) - low) / (high - low)
        up = (point.recall - floor) / (1.005 - floor)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="25" font-size="15">Recall@10 over the time of one search: {title}</text>',
    ]
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for step in range(11):
        recall = floor + (1 - floor) * step / 10
        y = at(Point("", "", recall, times[0], 0))[1]
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#dddddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{recall:.3f}</text>')
    for power in range(-3, 4):
        for digit in (1, 2, 5):
            value = digit * 10.0**power
            if low <= log10(value) <= high:
                x = at(Point("", "", 1, value, 0))[0]
                parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}" stroke="#eeeeee"/>')
                parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{value:g}</text>')
    parts.append(f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 15}" text-anchor="middle">mean, ms</text>')
    for place, name in enumerate(dict.fromkeys(point.index for point in points)):
        places = [at(point) for point in points if point.index == name]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{COLOURS[name]}"/>' for x, y in places]
        y = TOP + 10 + 20 * place
        parts.append(f'<circle cx="{right + 18}" cy="{y}" r="5" fill="{COLOURS[name]}"/>')
        parts.append(f'<text x="{right + 30}" y="{y + 4}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    main()
