"""Dense, keyword and hybrid search on retrieval sets: ``python benchmarks/retrieval.py --home DIR SET…``.

A SET is a folder with ``corpus.jsonl``, ``queries.jsonl`` and ``qrels.tsv``; ``A+B`` adds the
documents of B (``corpus.jsonl`` or ``docs.jsonl``) to those of A, as distractors. Everything goes
through the real engine: documents are parsed, cut, embedded and indexed as always, each set in a
collection of its own in the data directory ``--home``, so that a second run embeds nothing.

Printed as Markdown: nDCG@10 and recall@10 (documents, ir-measures) of

* ``dense``, ``keyword``: one search alone;
* ``ranks``: both, merged by reciprocal ranks (k 60), the plain way;
* ``fused``: both, merged as the settings say, without a reranker;
* ``default``: the same, then reranked as the settings say,

and the mean time of a search of the last one. ``--queries N`` takes N questions of each set, evenly.
For candidates to fit on, see ``training/candidates.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from statistics import fmean

from citewise.build import open_engine
from citewise.engine import Engine
from citewise.evaluate.datasets import Dataset, fingerprint, load_retrieval, read_records
from citewise.evaluate.metrics import graded, means
from citewise.evaluate.run import CHUNKS_PER_DOCUMENT, add_all
from citewise.observe.logs import configure_logging
from citewise.settings import Settings, load_settings
from citewise.types import Query, SearchMode

K = 10
SYSTEMS: dict[str, tuple[SearchMode, bool, bool]] = {  # mode, reranked, merged by plain ranks
    "dense": ("dense", False, False),
    "keyword": ("keyword", False, False),
    "ranks": ("hybrid", False, True),
    "fused": ("hybrid", False, False),
    "default": ("hybrid", True, False),
}
FIGURES = ("ndcg@10", "recall@10")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("sets", nargs="+", metavar="SET")
    parser.add_argument("--home", type=Path, required=True, help="data directory, kept")
    parser.add_argument("--queries", type=int, help="questions of each set, at most")
    parser.add_argument("--json", type=Path, help="write every question's figures to this file")
    given = parser.parse_args()
    settings = load_settings(home=given.home)
    configure_logging(level="warning", secrets=settings.secrets())
    datasets = {name: load_retrieval(Path(name.split("+")[0])).sample(given.queries) for name in given.sets}
    figures: dict[str, dict[str, dict[str, dict[str, float]]]] = {name: {} for name in datasets}
    times: dict[str, float] = {}
    with opened(settings) as engine:
        names = {name: indexed(engine, [Path(part) for part in name.split("+")]) for name in datasets}
        for name, dataset in datasets.items():
            for system, (mode, rerank, plain) in SYSTEMS.items():
                if not plain:
                    figures[name][system], times[name] = measure(engine, dataset, names[name], mode, rerank=rerank)
                    say(f"{name}: {system} {means(list(figures[name][system].values()))['ndcg@10']}")
    plain = settings.model_copy(update={"search": settings.search.model_copy(update={"fusion": "ranks"})})
    with opened(plain) as engine:
        for name, dataset in datasets.items():
            figures[name]["ranks"], _ = measure(engine, dataset, names[name], "hybrid", rerank=False)
    if given.json:
        given.json.write_text(json.dumps(figures))
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {settings.embed.model}\n")
    for figure in FIGURES:
        table(figure, figures, times)


@contextmanager
def opened(settings: Settings) -> Iterator[Engine]:
    engine = open_engine(settings)
    try:
        while engine.index_status().state != "ok":  # meanwhile answers come by exact search
            time.sleep(0.5)
        yield engine
    finally:
        engine.close()


def indexed(engine: Engine, folders: list[Path]) -> str:
    """Bring the documents of the folders into one collection, once; returns its name."""
    files = [
        next(path for name in ("corpus.jsonl", "docs.jsonl") if (path := folder / name).is_file()) for folder in folders
    ]
    name = f"bench-{sha256(''.join(map(fingerprint, files)).encode()).hexdigest()[:12]}"
    total = sum(1 for file in files for _ in read_records(file))
    ready = (
        sum(document.status == "ready" for document in engine.documents(collection=name)) if known(engine, name) else 0
    )
    started = time.monotonic()
    if ready < total:
        records = (record for file in files for record in read_records(file))
        add_all(engine, records, collection=name, total=total, progress=every(500), stopping=lambda: False)
        say(f"{total - ready} documents took {time.monotonic() - started:.0f} s")
    return name


def known(engine: Engine, name: str) -> bool:
    return any(one.name == name for one in engine.collections())


def every(count: int) -> Callable[[str, int, int], None]:
    return lambda what, done, total: say(f"{what}: {done} of {total}") if done % count == 0 else None


def measure(
    engine: Engine, dataset: Dataset, collection: str, mode: SearchMode, *, rerank: bool
) -> tuple[dict[str, dict[str, float]], float]:
    """Return each query's figures, and the mean time of a search in milliseconds."""
    run: dict[str, list[str]] = {}
    times = []
    for question in dataset.questions:
        query = Query(question.text, collection, k=K * CHUNKS_PER_DOCUMENT, mode=mode, rerank=rerank)
        found = engine.search(query)
        times.append(found.timings_ms["total"])
        run[question.id] = list(dict.fromkeys(hit.source for hit in found.hits))[:K]
    return graded(run, {question.id: dataset.grades[question.id] for question in dataset.questions}, k=K), fmean(times)


def table(figure: str, figures: dict[str, dict[str, dict[str, dict[str, float]]]], times: dict[str, float]) -> None:
    print(f"| {figure} | questions | {' | '.join(SYSTEMS)} | ms |\n|---|---|{'---|' * len(SYSTEMS)}---|")
    rows = []
    for name, by_system in figures.items():
        row = [means(list(by_system[system].values()))[figure] for system in SYSTEMS]
        rows.append(row)
        short = "+".join(Path(part).name for part in name.split("+"))
        shown = " | ".join(f"{value:.3f}" for value in row)
        print(f"| {short} | {len(by_system['dense'])} | {shown} | {times[name]:.0f} |")
    print(f"| mean | | {' | '.join(f'{fmean(column):.3f}' for column in zip(*rows, strict=True))} | |\n")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
