"""How long a search takes, by stage: ``python benchmarks/latency.py [--sizes 1000,10000,100000] [--home DIR]``.

Libraries of each size are made (``synthetic.py``): documents, chunks and their vectors are written to the registry
directly, the indexes are built from it by the engine's own process, and the questions go through the real engine.
With ``--home`` they are kept in DIR, a folder for each size, and used again.

Printed as Markdown: p50, p95 and p99 in milliseconds over ``--questions`` questions (1,000) one after the other,
after 50 to warm up, without a cache.

* ``embed``, ``dense``, ``keyword``, ``fuse``, ``join``: the stages. Words are searched for beside the other two.
* ``path``: from the question to joined hits, all of these together, without reranking.
* ``expand``, ``rerank``: what comes on top, by the built-in reranker.
* ``filtered``: the path with a filter that leaves two documents; ``second collection``: in one of 1 % of the chunks.

Every question is embedded by the default model, which takes as long as ever; then a vector near those of the
library takes its place, so that the index has something to find.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from synthetic import CHUNKS, Made, documents

from citewise.build import open_engine
from citewise.embed.local import LocalEmbedder
from citewise.engine import Engine
from citewise.index.chroma import ChromaIndex
from citewise.index.generations import GenerationFiles
from citewise.index.process import IndexProcess
from citewise.index.tantivy import TantivyIndex
from citewise.registry import collections, embeddings, generations, held
from citewise.registry import documents as stored
from citewise.registry.database import Registry
from citewise.registry.held import Entry
from citewise.registry.ids import hash_text, make_chunk_id
from citewise.settings import Settings
from citewise.types import Block, Chunk, ParsedDocument, ParseReport, Query, Vector, Vectors

MODEL = "local:all-MiniLM-L6-v2"
CUT = "synthetic:130:0"
STAGES = ("embed", "dense", "keyword", "fuse", "join", "path", "expand", "rerank")
WARM_UP = 50


class Planned:
    """The default model, whose vectors of questions are replaced by those of the library."""

    def __init__(self, vectors: dict[str, Vector]) -> None:
        self._model = LocalEmbedder()
        self._vectors = vectors

    def embed_query(self, text: str) -> Vector:
        real = self._model.embed_query(text)
        return self._vectors.get(text, real)

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        raise AssertionError("Everything is embedded already.")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sizes", default="1000,10000,100000", help="chunks, by commas")
    parser.add_argument("--home", type=Path, help="keeps the libraries")
    parser.add_argument("--questions", type=int, default=1_000)
    arguments = parser.parse_args()
    print(f"{machine()}\n")
    with home(arguments.home) as top:
        for size in map(int, arguments.sizes.split(",")):
            measure(top / str(size), size, arguments.questions)


@contextmanager
def home(chosen: Path | None) -> Iterator[Path]:
    if chosen:
        yield chosen
    else:
        with tempfile.TemporaryDirectory() as made:
            yield Path(made)


def machine() -> str:
    """The processor, its cores, and how busy it is."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"
    return f"{name}, {cores} cores, {platform.system()}, Python {platform.python_version()}; load {load}"


def measure(folder: Path, size: int, count: int) -> None:
    questions = folder / "questions.json"
    if not questions.is_file():
        questions.parent.mkdir(parents=True, exist_ok=True)
        began = time.perf_counter()
        make(folder, size, count + WARM_UP)
        print(f"{size:,} chunks were made and indexed in {time.perf_counter() - began:,.0f} s.\n", flush=True)
    asked = json.loads(questions.read_text())[: count + WARM_UP]
    vectors = {one["question"]: np.array(one["vector"], dtype=np.float32) for one in asked}
    settings = Settings(home=folder / "data", embed={"model": MODEL})  # type: ignore[arg-type]
    engine = open_engine(settings, open_embedder=lambda _: Planned(vectors))  # type: ignore[arg-type,return-value]
    try:
        while engine.index_status().state != "ok":
            time.sleep(0.1)
        table(engine, size, [one["question"] for one in asked])
    finally:
        engine.close()


def table(engine: Engine, size: int, questions: Sequence[str]) -> None:
    plain = [times(engine, Query(text, rerank=False)) for text in questions][WARM_UP:]
    reranked = [times(engine, Query(text)) for text in questions][WARM_UP:]
    sources = {"source": ("2.txt", "4.txt")}
    filtered = [times(engine, Query(text, where=sources, rerank=False)) for text in questions][WARM_UP:]
    second = [times(engine, Query(text, collection="second", rerank=False)) for text in questions][WARM_UP:]
    rows = {stage: [one[stage] for one in plain] for stage in STAGES if stage != "rerank"}
    rows["rerank"] = [one["rerank"] for one in reranked]
    rows["filtered"] = [one["path"] for one in filtered]
    rows["second collection"] = [one["path"] for one in second]
    print(f"{size:,} chunks, {len(plain):,} questions, ms:\n\n| | p50 | p95 | p99 |\n|---|---|---|---|")
    for name, values in rows.items():
        print(f"| {name} | {' | '.join(f'{np.percentile(values, one):.2f}' for one in (50, 95, 99))} |")
    print(f"\n{machine()}\n", flush=True)


def times(engine: Engine, query: Query) -> dict[str, float]:
    taken = dict(engine.search(query).timings_ms)
    taken["path"] = taken["total"] - taken["expand"] - taken["rerank"]
    return taken


# --- the library ----------------------------------------------------------------------


def make(folder: Path, size: int, questions: int) -> None:
    """Write the registry of a library, build its indexes, and keep questions about it."""
    data = folder / "data"
    embedder = LocalEmbedder()
    fingerprint, dimension = embedder.fingerprint, embedder.dimension
    embedder.close()
    registry = Registry(data)
    entries: list[Entry] = []
    kept: list[dict[str, Any]] = []
    made = enumerate(documents(-(-size // CHUNKS)))
    every = max(1, size // questions)
    with registry.write() as tx:
        ids = [collections.ensure(tx, "default"), collections.ensure(tx, "second")]
    while batch := list(itertools.islice(made, 100)):
        with registry.write() as tx:
            for number, one in batch:
                # One document of a hundred is in the second collection.
                entries.append(put(tx, one, number, ids[number % 100 == 99], fingerprint))
        for number, one in batch:
            for place in range(CHUNKS):
                if (number * CHUNKS + place) % every == 0:
                    vector = one.question_vectors[place].round(5).tolist()
                    kept.append({"question": one.questions[place], "vector": vector})
    with registry.write() as tx:
        generation = generations.create(tx, embedder=fingerprint, splitter=CUT, dimension=dimension, model=MODEL)
        held.put(tx, generation.id, entries)
    registry.close()
    build = IndexProcess([sys.executable, "-m", "citewise.index_process"])
    problems = build.run("build", data, generation.id, on_progress=lambda *_: None, stopping=lambda: False)
    if problems:
        raise SystemExit(problems[0])
    registry = Registry(data)
    with registry.write() as tx:
        generations.set_verified(tx, generation.id)
        generations.publish(tx, generation.id)
    registry.close()
    GenerationFiles(data / "index", open_vectors=ChromaIndex, open_keywords=TantivyIndex).seal(generation.id)
    (folder / "questions.json").write_text(json.dumps(kept))


def put(tx: Any, made: Made, number: int, collection_id: str, fingerprint: str) -> Entry:
    """Store one document as an ingest would leave it."""
    text = "\n\n".join(made.texts)
    document_id, version = stored.add_version(
        tx,
        collection_id=collection_id,
        source=f"{number}.txt",
        title=f"Document {number}",
        content_hash=hash_text(text),
        media_type="text/plain",
        bytes=len(text),
        metadata={},
    )
    chunks, at = [], 0
    for ordinal, each in enumerate(made.texts):
        span = {"start": at, "end": at + len(each)}
        chunk_id = make_chunk_id(document_id=document_id, version=version, ordinal=ordinal, splitter=CUT, **span)
        chunks.append(
            Chunk(
                chunk_id, document_id, version, ordinal, at, at + len(each), None, None, (), each, f"Document {number}"
            )
        )
        at += len(each) + 2
    parsed = ParsedDocument(
        text=text,
        blocks=tuple(Block("paragraph", chunk.start, chunk.end) for chunk in chunks),
        pages=(),
        report=ParseReport(characters=len(text)),
        media_type="text/plain",
    )
    stored.save_parsed(tx, document_id, version, parsed, chunks, splitter=CUT)
    hashes = [hash_text(chunk.full_text) for chunk in chunks]
    embeddings.put_many(tx, fingerprint, dict(zip(hashes, made.vectors, strict=True)))
    stored.publish(tx, document_id, version, timings_ms={})
    return Entry(document_id, version, CUT, collection_id)


if __name__ == "__main__":
    main()
