"""Answers of the model that only quotes, and when it abstains: ``python benchmarks/answers.py --home DIR SET…``.

A SET is a folder with ``docs.jsonl`` or ``corpus.jsonl`` and ``qa.jsonl`` (``question``, ``answers`` or
``references``, ``doc_id``, ``answerable``; ``selected_sentences`` where answers are long), or with
``docs.dev.jsonl`` and ``qa.dev.jsonl``; ``A+B`` adds the documents of B to those of A.
Everything goes through the real engine: each set in a collection of its own in the data directory ``--home``, which
is kept, searched as always, and answered by ``ExtractiveModel``.

Articles are halved by a hash of their title. The weights were fitted on the questions of one half; this asks those of
the other, unless ``--half fitted``. Printed as Markdown:

* answers: how many answerable questions have their answer among the quotes, how many are refused, how long answers are,
  and whether every quote stands verbatim at its place and passes the sentence check;
* abstention: the questions of each set that have no answer although their subject is there, and those of one set asked
  of the collection of another that has no article of that title;
* the curve of both errors over the threshold.

``--questions N`` takes N questions of each set that have an answer, and N that have none; ``--json FILE`` keeps every
question's outcome.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from statistics import fmean
from typing import Any, cast

import numpy as np

from citewise.answer.blocks import BlocksOfChunks
from citewise.answer.extractive import LEAST_PROBABILITY, ExtractiveModel
from citewise.answer.generate import generate
from citewise.build import embedder_opener, open_engine
from citewise.embed.embedders import Embedders
from citewise.engine import Engine
from citewise.evaluate.datasets import fingerprint, read_records
from citewise.evaluate.run import add_all
from citewise.observe.logs import configure_logging
from citewise.protocols import Embedder, Source
from citewise.registry.database import Registry
from citewise.settings import Settings, load_settings
from citewise.types import Query, Vector, Vectors

K = 8  # the default
THRESHOLDS = (0.1, 0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9)


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of one question."""

    id: str
    question: str
    asked: str  # set
    of: str  # set whose collection was asked
    kind: str  # answerable; unanswerable: the subject is there; absent: it is not
    title: str  # of the article that the question was asked about
    probability: float
    signals: tuple[float, ...]  # see ``abstain.answer_signals``
    holds: bool  # the answer is among the quotes, whether or not it abstained
    sentences: int
    verbatim: bool
    supported: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("sets", nargs="+", metavar="SET")
    parser.add_argument("--home", type=Path, required=True, help="data directory, kept")
    parser.add_argument("--questions", type=int, default=300, help="of each set with an answer, and without, at most")
    parser.add_argument("--half", choices=("reported", "fitted", "both"), default="reported")
    parser.add_argument("--json", type=Path, help="write every question's outcome to this file")
    parser.add_argument("--vectors", type=Path, help="remember the vectors of sentences in this file (.npz)")
    given = parser.parse_args()
    settings = load_settings(home=given.home)
    configure_logging(level="warning", secrets=settings.secrets())
    sets = [Set(name, given.half, given.questions) for name in given.sets]
    outcomes: list[Asked] = []
    with opened(settings, given.vectors) as (engine, model):
        for one in sets:
            index(engine, one)
        for one in sets:
            for kind in ("answerable", "unanswerable"):
                outcomes += ask(engine, model, one, one, kind)
            for other in sets:
                if other is not one:
                    outcomes += ask(engine, model, one, other, "absent")
    if given.json:
        given.json.write_text("".join(f"{json.dumps(asdict(outcome))}\n" for outcome in outcomes))
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {settings.embed.model}\n")
    report(outcomes)


class Set:
    """Documents and questions of one set."""

    def __init__(self, name: str, half: str, most: int) -> None:
        folders = [Path(part) for part in name.split("+")]
        self.files = [first(folder, "corpus.jsonl", "docs.jsonl", "docs.dev.jsonl") for folder in folders]
        self.name = "+".join(folder.name for folder in folders)
        self.collection = f"bench-{sha256(''.join(map(fingerprint, self.files)).encode()).hexdigest()[:12]}"
        titles = {record["_id"]: record.get("title") or record["_id"] for file in self.files for record in lines(file)}
        self.titles = set(titles.values())
        questions = [
            record | {"title": titles[record["doc_id"]]}
            for record in lines(first(folders[0], "qa.jsonl", "qa.dev.jsonl"))
        ]
        questions = [question for question in questions if half in ("both", half_of(question["title"]))]
        self.questions = {
            kind: evenly([question for question in questions if question["answerable"] == (kind == "answerable")], most)
            for kind in ("answerable", "unanswerable")
        }

    def about(self, kind: str, other: Set) -> list[dict[str, Any]]:
        """The questions of a kind, to be asked of the collection of ``other``."""
        if kind != "absent":
            return self.questions[kind]
        return [question for question in self.questions["answerable"] if question["title"] not in other.titles]


def first(folder: Path, *names: str) -> Path:
    return next(path for name in names if (path := folder / name).is_file())


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def half_of(title: str) -> str:
    return "fitted" if sha256(title.encode()).digest()[0] % 2 else "reported"


def evenly(questions: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    step = max(1.0, len(questions) / most)
    return [questions[int(at * step)] for at in range(min(most, len(questions)))]


@contextmanager
def opened(settings: Settings, vectors: Path | None) -> Iterator[tuple[Engine, ExtractiveModel]]:
    engine = open_engine(settings)
    embedders = Embedders(embedder_opener(settings))
    registry = Registry(settings.home)
    try:
        while engine.index_status().state != "ok":
            time.sleep(0.5)
        embedder = Remembering(embedders.get(settings.embed.model), vectors)
        yield engine, ExtractiveModel(cast(Embedder, embedder), blocks_of=BlocksOfChunks(registry))
        embedder.save()
    finally:
        registry.close()
        embedders.close()
        engine.close()


class Remembering:
    """An embedder that embeds each text once: a question's passages are many other questions' too."""

    def __init__(self, embedder: Embedder, file: Path | None) -> None:
        self._embedder = embedder
        self._file = file
        self._known: dict[str, Vector] = {}
        if file and file.is_file():
            with np.load(file) as kept:
                self._known = dict(zip(kept["texts"].tolist(), kept["vectors"], strict=True))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._embedder, name)

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        missing = [text for text in dict.fromkeys(texts) if text not in self._known]
        if missing:
            self._known |= dict(zip(missing, self._embedder.embed_documents(missing), strict=True))
        return np.array([self._known[text] for text in texts], dtype=np.float32)

    embed_urgently = embed_documents

    def save(self) -> None:
        if self._file:
            np.savez(self._file, texts=np.array(list(self._known)), vectors=np.array(list(self._known.values())))


def index(engine: Engine, one: Set) -> None:
    total = sum(1 for file in one.files for _ in read_records(file))
    if any(found.name == one.collection and found.documents >= total for found in engine.collections()):
        return
    records = (record for file in one.files for record in read_records(file))
    add_all(
        engine,
        records,
        collection=one.collection,
        total=total,
        progress=lambda what, done, of: say(f"{one.name}: {what}: {done} of {of}") if done % 500 == 0 else None,
        stopping=lambda: False,
    )


def ask(engine: Engine, model: ExtractiveModel, one: Set, other: Set, kind: str) -> list[Asked]:
    outcomes = []
    texts: dict[str, str] = {}
    for question in one.about(kind, other):
        hits = engine.search(Query(question["question"], other.collection, k=K)).hits
        choice = model.choose(question["question"], [Source(number, hit) for number, hit in enumerate(hits, 1)])
        answer = generate(
            question=question["question"],
            standalone_question=question["question"],
            hits=hits,
            model=model,
            page_of=lambda _document, _version, _position: None,
        )
        for citation in answer.citations:
            if citation.document_id not in texts:
                texts[citation.document_id] = engine.show(citation.document_id).text
        outcomes.append(
            Asked(
                id=question["id"],
                question=question["question"],
                asked=one.name,
                of=other.name,
                kind=kind,
                title=question["title"],
                probability=choice.probability,
                signals=choice.signals,
                holds=kind == "answerable" and holds(question, [quote.text for quote in choice.quotes]),
                sentences=len(choice.quotes),
                verbatim=all(texts[one.document_id][one.start : one.end] == one.quote for one in answer.citations),
                supported=all(evidence.verdict == "supported" for evidence in answer.evidence),
            )
        )
    if outcomes:
        say(f"{one.name} of {other.name}, {kind}: {len(outcomes)} asked")
    return outcomes


def holds(question: dict[str, Any], quotes: Sequence[str]) -> bool:
    """Whether a right answer is among the quotes, word for word; of a long one, a sentence that it rests on."""
    whole = f" {plain(' '.join(quotes))} "
    selected = [sentence for group in question.get("selected_sentences") or () for sentence in group]
    references = [reference["content"] for reference in question.get("references") or ()]
    wanted = [plain(answer) for answer in selected or references or question["answers"]]
    return any(answer and f" {answer} " in whole for answer in wanted)


def plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(word for word in re.findall(r"\w+", folded) if word not in {"a", "an", "the"})


def report(outcomes: Sequence[Asked]) -> None:
    print("| Set | answerable | answer among the quotes | … and given | refused | sentences |")
    print("|---|---|---|---|---|---|")
    for name in dict.fromkeys(outcome.asked for outcome in outcomes):
        own = [outcome for outcome in outcomes if outcome.asked == name and outcome.kind == "answerable"]
        given = [outcome for outcome in own if outcome.probability >= LEAST_PROBABILITY]
        if own and given:
            print(
                f"| {name} | {len(own)} | {fmean(one.holds for one in own):.3f} "
                f"| {sum(one.holds for one in given) / len(own):.3f} | {1 - len(given) / len(own):.3f} "
                f"| {fmean(one.sentences for one in given):.2f} |"
            )
    given = [outcome for outcome in outcomes if outcome.probability >= LEAST_PROBABILITY]
    print(
        f"\nOf {len(given)} answers, all quotes verbatim in {sum(one.verbatim for one in given)}, all sentences "
        f"supported in {sum(one.supported for one in given)}; most sentences {max(one.sentences for one in given)}.\n"
    )
    pairs = dict.fromkeys((one.asked, one.of, one.kind) for one in outcomes if one.kind != "answerable")
    print("| Without an answer | questions | answered all the same |\n|---|---|---|")
    for asked, of, kind in pairs:
        rows = [one for one in outcomes if (one.asked, one.of, one.kind) == (asked, of, kind)]
        wrong = fmean(one.probability >= LEAST_PROBABILITY for one in rows)
        print(f"| {asked}{f' asked of {of}' if of != asked else ', its own articles'} | {len(rows)} | {wrong:.3f} |")
    for name in dict.fromkeys(outcome.asked for outcome in outcomes):
        curve(name, [outcome for outcome in outcomes if outcome.asked == name])


def curve(name: str, outcomes: Sequence[Asked]) -> None:
    print(f"\n{name}, by threshold:\n")
    print("| Threshold | answerable refused | subject absent, answered | answer absent, answered | balanced accuracy |")
    print("|---|---|---|---|---|")
    for threshold in THRESHOLDS:
        shares = {
            kind: fmean(one.probability >= threshold for one in rows) if rows else None
            for kind in ("answerable", "absent", "unanswerable")
            for rows in [[one for one in outcomes if one.kind == kind]]
        }
        answered, absent, unanswerable = shares["answerable"], shares["absent"], shares["unanswerable"]
        refused = None if answered is None else 1 - answered
        balanced = None if answered is None or unanswerable is None else (answered + 1 - unanswerable) / 2
        cells = (cell(value) for value in (refused, absent, unanswerable, balanced))
        print(f"| {threshold}{' (default)' if threshold == LEAST_PROBABILITY else ''} | {' | '.join(cells)} |")


def cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
