"""How well each splitter's chunks are found: ``python benchmarks/splitters.py DIR [--files DIR] [--join] …``.

DIR holds ``qa.jsonl``, and ``docs.jsonl`` or ``corpus.jsonl`` unless ``--files`` names a folder of the documents
themselves, which are then read as they would be when added. A question that has no ``references`` asks for the
first of its ``answers`` that stands in its document, and one that has neither is left out. ``--join`` makes one
long document of all records with the same title, since a splitter has nothing to do where records are short.

Every strategy cuts the documents at every size. Chunks are ranked by vector alone. The first columns are those of
``evaluate_splitter``: characters recalled, precision and IoU of the first ``-k`` chunks, and the best precision
that the cut allows. Then, for sizes to be fair to each other, the recall of the first 2,000 and 4,000 characters,
and the recall when the first ``-k`` hits are grown by their neighbours as a search does, with the characters that
an answer is then written from.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import TypeVar, cast, get_args

import numpy as np

from citewise.embed.local import LocalEmbedder
from citewise.evaluate.datasets import Dataset, Question, Reference, load_dataset, read_records
from citewise.evaluate.spans import Place, evaluate_splitter, span_scores
from citewise.ingest.parse import parse
from citewise.ingest.parse.text import document_from_text
from citewise.ingest.prepare import Splitter, cut, splitter_for
from citewise.ingest.split import split_document
from citewise.protocols import Embedder
from citewise.retrieve.expand import expand
from citewise.settings import SplitSettings
from citewise.types import Chunk, ParsedDocument, ScoredChunk, SplitStrategy, Vector, Vectors

T = TypeVar("T")

FETCHED = 50  # chunks that grow into passages
CHARACTERS = (2_000, 4_000)
Stretches = dict[tuple[str, int | None], tuple[str, int, str]]
"""For each record, and each page of it: its document, where it begins there, and its text."""

_HEADS = "strategy size chunks mean recall precision IoU best R2000 R4000 grown chars"


class Remembering:
    """An embedder that embeds no text twice, since strategies often cut alike."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, Vector] = {}
        self.token_spans = embedder.token_spans
        self.max_tokens = embedder.max_tokens
        self.fingerprint = embedder.fingerprint

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        if new := [text for text in dict.fromkeys(texts) if text not in self._known]:
            self._known |= zip(new, self._embedder.embed_documents(new), strict=True)
        return np.stack([self._known[text] for text in texts])

    def embed_query(self, text: str) -> Vector:
        if text not in self._known:
            self._known[text] = self._embedder.embed_query(text)
        return self._known[text]


def read_set(folder: Path, *, files: Path | None, join: bool) -> tuple[dict[str, ParsedDocument], list[Question]]:
    """Return documents by source, and the questions of which it is known where their answers stand."""
    dataset = load_dataset(folder)
    if files:
        documents = {path.name: parse(path, source=path.name) for path in sorted(files.iterdir()) if path.is_file()}
        stretches: Stretches = {
            (name, page.number): (name, page.start, document.text[page.start : page.end])
            for name, document in documents.items()
            for page in document.pages
        }
        stretches |= {(name, None): (name, 0, document.text) for name, document in documents.items()}
        return documents, list(_placed(dataset, stretches))
    records_file = dataset.records or folder / "corpus.jsonl"
    where: dict[str, Place] = {}
    texts: dict[str, str] = {}
    titles: dict[str, str] = {}
    for record in read_records(records_file):
        name = record.title if join and record.title else record.source
        start = len(texts.get(name, ""))
        texts[name] = texts.get(name, "") + (record.text or "") + "\n\n"
        titles[name] = record.title or ""
        where[record.source] = (name, start, start + len(record.text or ""))
    documents = {name: document_from_text(text, source=name, title=titles[name]) for name, text in texts.items()}
    stretches = {(source, None): (name, start, texts[name][start:end]) for source, (name, start, end) in where.items()}
    return documents, list(_placed(dataset, stretches))


def _placed(dataset: Dataset, stretches: Stretches) -> Iterator[Question]:
    """Yield questions with references into the documents."""
    for question in dataset.questions:
        found = []
        for each in question.references:
            name, offset, _ = stretches[each.document, None]
            found.append(Reference(name, offset + each.start, offset + each.end))
        if not found and question.answerable:
            for source in question.documents:
                name, offset, text = stretches.get((source, question.page)) or stretches.get(
                    (source, None), ("", 0, "")
                )
                starts = ((text.lower().find(answer.lower()), answer) for answer in question.answers)
                place = next(((start, answer) for start, answer in starts if start >= 0), None)
                if place:
                    found.append(Reference(name, offset + place[0], offset + place[0] + len(place[1])))
                    break
        if found:
            yield replace(question, references=tuple(found))


def measure(
    documents: Mapping[str, ParsedDocument],
    questions: Sequence[Question],
    *,
    strategy: SplitStrategy,
    size: int,
    overlap: int,
    k: int,
    embedder: Embedder,
) -> list[str]:
    """Return a row of the table."""
    splitter = splitter_for(embedder, strategy=strategy, size=size, overlap=overlap)
    scores = evaluate_splitter(
        documents,
        questions,
        cut=lambda document: split_document(
            document,
            strategy=splitter.strategy,
            size=splitter.size,
            overlap=splitter.overlap,
            token_spans=embedder.token_spans,
            embed=embedder.embed_documents,
        ),
        embedder=embedder,
        k=k,
    )
    shares = (scores.recall, scores.precision, scores.iou, scores.best_precision)
    grown, characters, within = _as_searched(documents, questions, splitter, embedder, k=k)
    return [
        strategy,
        str(splitter.size),
        str(scores.chunks),
        f"{scores.mean_characters:.0f}",
        *(f"{100 * share:.1f}" for share in (*shares, *within, grown)),
        f"{characters:.0f}",
    ]


def _as_searched(
    documents: Mapping[str, ParsedDocument],
    questions: Sequence[Question],
    splitter: Splitter,
    embedder: Embedder,
    *,
    k: int,
) -> tuple[float, float, list[float]]:
    """Return recall and characters of the first hits with their neighbours, and recall within so many characters."""
    of: dict[str, list[Chunk]] = {}
    for name, document in documents.items():
        of[name] = cut(
            document,
            document_id=name,
            version=1,
            title="",
            splitter=splitter,
            token_spans=embedder.token_spans,
            check=lambda: None,
        )
    chunks = [chunk for group in of.values() for chunk in group]
    texts = [f"{each.context}\n{each.text}" if each.context else each.text for each in chunks]
    vectors = embedder.embed_documents(texts)
    grown, characters = [], []
    within: list[list[float]] = [[] for _ in CHARACTERS]
    for question in questions:
        likeness = vectors @ embedder.embed_query(question.text)
        nearest = [chunks[index] for index in np.argsort(-likeness, kind="stable")[:FETCHED]]
        hits = expand(
            [ScoredChunk(chunk, -rank, rank, {}, chunk.document_id, "", "") for rank, chunk in enumerate(nearest, 1)],
            k=k,
            neighbours=lambda chunk, reach: _around(of[chunk.document_id], chunk.ordinal, reach),
            slice_text=lambda chunk, start, end: documents[chunk.document_id].text[start:end],
        )
        places = [(hit.chunk.document_id, hit.chunk.start, hit.chunk.end) for hit in hits]
        grown.append(span_scores(places, question.references).recall)
        characters.append(sum(end - start for _, start, end in places))
        for most, found in zip(CHARACTERS, within, strict=True):
            found.append(span_scores(_first(nearest, most), question.references).recall)
    return fmean(grown), fmean(characters), [fmean(each) for each in within]


def _around(chunks: Sequence[Chunk], ordinal: int, reach: int) -> Sequence[Chunk]:
    return chunks[max(0, ordinal - reach) : ordinal + reach + 1]


def _first(chunks: Sequence[Chunk], most: int) -> Iterator[Place]:
    """The first ``most`` characters of what was found."""
    for chunk in chunks:
        length = min(most, chunk.end - chunk.start)
        yield chunk.document_id, chunk.start, chunk.start + length
        most -= length


def _evenly(items: Sequence[T], most: int | None) -> list[T]:
    count = min(most or len(items), len(items))
    return [items[number * len(items) // count] for number in range(count)]


def _is_in(documents: Mapping[str, ParsedDocument], reference: Reference) -> bool:
    return reference.document in documents and reference.end <= len(documents[reference.document].text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--files", type=Path, help="a folder of the documents themselves")
    parser.add_argument("--join", action="store_true", help="one document of all records with one title")
    parser.add_argument("--strategies", nargs="*", choices=get_args(SplitStrategy), default=get_args(SplitStrategy))
    parser.add_argument("--sizes", nargs="*", type=int, default=[120, 200, 254])
    parser.add_argument("--overlap", type=int, default=SplitSettings().overlap)
    parser.add_argument("--documents", type=int, help="at most so many, evenly over the set")
    parser.add_argument("--characters", type=int, help="at most so many of each document, from its beginning")
    parser.add_argument("--questions", type=int, help="at most so many, evenly over the set")
    parser.add_argument("-k", type=int, default=5)
    given = parser.parse_args()
    documents, questions = read_set(given.folder, files=given.files, join=given.join)
    documents = {name: documents[name] for name in _evenly(list(documents), given.documents)}
    if given.characters:
        documents = {
            name: document_from_text(document.text[: given.characters], source=name, title=document.title)
            for name, document in documents.items()
        }
    questions = [question for question in questions if all(_is_in(documents, each) for each in question.references)]
    questions = _evenly(questions, given.questions)
    length = sum(len(document.text) for document in documents.values())
    print(f"{given.folder.name}: {len(questions)} questions, {length:,} characters")
    print(" ".join(f"{head:>9}" for head in _HEADS.split()))
    embedder = cast(Embedder, Remembering(LocalEmbedder()))  # as much of one as is used here
    for size in given.sizes:
        for strategy in given.strategies:
            row = measure(
                documents,
                questions,
                strategy=strategy,
                size=size,
                overlap=given.overlap,
                k=given.k,
                embedder=embedder,
            )
            print(" ".join(f"{cell:>9}" for cell in row), flush=True)


if __name__ == "__main__":
    main()
