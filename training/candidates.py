"""What hybrid search finds for the questions of public sets: ``python training/candidates.py --out DIR SET…``.

The first step of fitting and of training, see ``README.md``. A SET is a folder with ``corpus.jsonl``,
``queries.jsonl`` and ``qrels.tsv``, or with ``docs.jsonl`` and ``qa.jsonl``; ``A+B`` adds the documents of B to
those of A, as distractors. Documents are cut as by default, embedded with the bundled model and searched by our
own retriever, without the registry between them, so that ten thousand passages take some minutes.

For each set DIR gets ``NAME.jsonl`` and ``NAME.chunks.jsonl``. A line of the first is a question: ``question``,
``familiarity`` (see ``Wordwise``), ``units`` (what is to be found, with its grade) and ``candidates``, best of
plain fusion first: ``chunk``, ``unit``, ``dense`` and ``keyword`` (scores; null where that search did not find it
among its first ``--depth``). A unit is a document; where answers are marked exactly (``references``) it is a chunk
that shares half of the shorter with one. A line of the second is a chunk: ``id``, ``document``, ``ordinal``,
``title``, ``context`` and ``text``. Vectors are kept in DIR and used again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from citewise.embed.local import LocalEmbedder
from citewise.evaluate.datasets import Dataset, load_dataset, load_retrieval, read_records
from citewise.evaluate.metrics import overlaps
from citewise.index.exact import ExactIndex
from citewise.index.generations import Indexes
from citewise.index.tantivy import TantivyIndex
from citewise.ingest.parse.text import document_from_text
from citewise.ingest.prepare import cut, splitter_for
from citewise.retrieve.hybrid import Retriever
from citewise.settings import SplitSettings
from citewise.types import Chunk, Upload, Vectors

AT_ONCE = 512  # chunks embedded between two signs of life
COLLECTION = "c"
GENERATION = "g"


@dataclass(frozen=True, slots=True)
class Row:
    """A chunk as the retriever wants it joined."""

    chunk: Chunk
    source: str
    title: str
    content_hash: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("sets", nargs="+", metavar="SET")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--queries", type=int, default=300, help="questions of each set, at most, evenly over it")
    parser.add_argument("--depth", type=int, default=90, help="chunks from each kind of search")
    parser.add_argument(
        "--thin",
        type=int,
        default=1,
        metavar="N",
        help="of documents that nobody asks for keep every Nth; to save time",
    )
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    embedder = LocalEmbedder(models=given.out)
    for name in given.sets:
        folders = [Path(part) for part in name.split("+")]
        found(folders, embedder, given.out, queries=given.queries, depth=given.depth, thin=given.thin)
    embedder.close()


def found(folders: Sequence[Path], embedder: LocalEmbedder, out: Path, *, queries: int, depth: int, thin: int) -> None:
    """Write both files of a set."""
    name = "+".join(folder.resolve().name for folder in folders)
    first = folders[0]
    dataset = (load_retrieval if (first / "qrels.tsv").is_file() else load_dataset)(first).sample(queries)
    wanted = {
        name for question in dataset.questions for name in (*question.documents, *dataset.grades.get(question.id, ()))
    }
    records = [record for folder in folders for record in read_records(corpus_of(folder))]
    kept = [record for at, record in enumerate(records) if record.source in wanted or at % thin == 0]
    rows = list(chunks_of(kept, embedder))
    say(f"{name}: {len(rows)} chunks")
    vectors = vectors_of([row.chunk.full_text for row in rows], embedder, out, name)
    chunks = [row.chunk for row in rows]
    exact = ExactIndex.of(
        [chunk.id for chunk in chunks], [COLLECTION] * len(rows), [chunk.document_id for chunk in chunks], vectors
    )
    keywords = TantivyIndex(None, create=True)
    keywords.upsert(chunks, collection_id=COLLECTION)
    indexes = Indexes(GENERATION, exact, keywords, embedder)
    known = {row.chunk.id: row for row in rows}

    def join(ids: Collection[str], _collection: str, _generation: str) -> Mapping[str, Row]:
        return {chunk_id: known[chunk_id] for chunk_id in ids}

    retriever = Retriever(indexes=lambda: nullcontext(indexes), join=join, fetch_k=depth)
    seen: set[str] = set()
    with (out / f"{name}.jsonl").open("w") as lines:
        for question, units in asked(dataset, rows):
            result = retriever.search(question=question, collection_id=COLLECTION, k=1, rerank=False)
            candidates = [one for one in result.trace["candidates"] if one["chunk_id"] in known]
            seen.update(one["chunk_id"] for one in candidates)
            write(
                lines,
                {
                    "question": question,
                    "familiarity": embedder.familiarity(question),
                    "units": units,
                    "candidates": [
                        {
                            "chunk": one["chunk_id"],
                            "unit": one["chunk_id"] if one["chunk_id"] in units else known[one["chunk_id"]].source,
                            "dense": one["scores"].get("dense"),
                            "keyword": one["scores"].get("keyword"),
                        }
                        for one in candidates
                    ],
                },
            )
    with (out / f"{name}.chunks.jsonl").open("w") as lines:
        for row in rows:
            if row.chunk.id in seen:
                write(lines, as_json(row))
    retriever.close()
    indexes.close()


def corpus_of(folder: Path) -> Path:
    return next(path for name in ("corpus.jsonl", "docs.jsonl") if (path := folder / name).is_file())


def chunks_of(records: Iterable[Upload], embedder: LocalEmbedder) -> Iterator[Row]:
    """Cut documents as the settings' defaults do."""
    splitting = SplitSettings()
    splitter = splitter_for(embedder, strategy=splitting.strategy, size=splitting.size, overlap=splitting.overlap)
    for record in records:
        parsed = document_from_text(record.text or "", source=record.source, title=record.title or "")
        for chunk in cut(
            parsed,
            document_id=record.source,
            version=1,
            title=record.title or "",
            splitter=splitter,
            token_spans=embedder.token_spans,
            check=lambda: None,
        ):
            yield Row(chunk, record.source, record.title or "")


def asked(dataset: Dataset, rows: Sequence[Row]) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield questions with what is to be found, by grade."""
    chunks: dict[str, list[Chunk]] = {}
    for row in rows:
        chunks.setdefault(row.source, []).append(row.chunk)
    for question in dataset.questions:
        if dataset.grades:
            yield question.text, {unit: grade for unit, grade in dataset.grades[question.id].items() if grade > 0}
        elif question.references:
            yield (
                question.text,
                {
                    chunk.id: 1
                    for reference in question.references
                    for chunk in chunks[reference.document]
                    if overlaps(chunk.start, chunk.end, reference.start, reference.end)
                },
            )
        elif question.answerable and question.documents:
            yield question.text, dict.fromkeys(question.documents, 1)


def vectors_of(texts: Sequence[str], embedder: LocalEmbedder, out: Path, name: str) -> Vectors:
    """Embed texts, unless these were before."""
    digest = hashlib.sha256("\0".join([embedder.fingerprint, *texts]).encode()).hexdigest()[:12]
    path = out / f"{name}.{digest}.npy"
    if path.is_file():
        return np.asarray(np.load(path))
    parts = []
    for start in range(0, len(texts), AT_ONCE):
        parts.append(embedder.embed_documents(texts[start : start + AT_ONCE]))
        say(f"{name}: {min(start + AT_ONCE, len(texts))} of {len(texts)} embedded")
    vectors = np.concatenate(parts)
    np.save(path, vectors)
    return vectors


def as_json(row: Row) -> dict[str, Any]:
    chunk = row.chunk
    return {
        "id": chunk.id,
        "document": row.source,
        "ordinal": chunk.ordinal,
        "title": row.title,
        "context": chunk.context,
        "text": chunk.text,
    }


def write(file: Any, value: Mapping[str, Any]) -> None:
    file.write(json.dumps(value, ensure_ascii=False) + "\n")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
