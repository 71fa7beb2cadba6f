"""What standalone rewriting recovers: ``python benchmarks/followups.py MTRAG [TRECCAST] [--more CORPUS] [--home DIR]``.

MTRAG holds ``docs.jsonl``, ``tasks.jsonl`` (conversations with the ids of the passages that answer the
last turn) and ``rewrite_pairs.jsonl`` (the last turn as a person rewrote it). Every last turn that has
earlier ones is searched for three times over all documents: as it was said, as the rules rewrite it, and as
the person rewrote it; counted is recall@10 of its passages. ``--more`` adds documents that answer nothing, from a
``corpus.jsonl`` or ``docs.jsonl``; ``--home`` keeps the data directory for the next run.

TRECCAST holds ``pairs.jsonl``, questions without documents: how many of the terms of the person's
rewriting are in ours (recall), and how many of ours in the person's (precision).

Conversations are taken in the order of a checksum of their id, in turn for ``tune`` and ``report``. The
rules were made while looking at the half ``tune``; the figures that count are those of ``report``.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from citewise.build import open_engine
from citewise.engine import Engine
from citewise.language.terms import terms
from citewise.observe.logs import configure_logging
from citewise.retrieve.rewrite import standalone
from citewise.settings import Settings
from citewise.types import Message, Query, Upload

K = 10
HALVES = ("tune", "report")


@dataclass(frozen=True)
class Case:
    id: str
    history: tuple[Message, ...]
    question: str
    rewritten: str  # by a person
    relevant: frozenset[str] = frozenset()

    @property
    def conversation(self) -> str:
        return self.id.split("<::>")[0].rsplit("_", 1)[0]


def lines(path: Path) -> Iterator[dict]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def mtrag(folder: Path) -> list[Case]:
    people = {
        pair["id"]: pair["rewrite"].removeprefix("|user|:").strip() for pair in lines(folder / "rewrite_pairs.jsonl")
    }
    cases = []
    for task in lines(folder / "tasks.jsonl"):
        said = [Message(message["role"], message["text"]) for message in task["messages"]]
        if task["id"] in people and task["contexts"] and len(said) > 1:
            cases.append(
                Case(task["id"], tuple(said[:-1]), said[-1].content, people[task["id"]], frozenset(task["contexts"]))
            )
    return cases


def treccast(folder: Path) -> list[Case]:
    return [
        Case(
            pair["id"],
            tuple(Message("user", said["user"]) for said in pair["history"]),
            pair["utterance"],
            pair["rewrite"],
        )
        for pair in lines(folder / "pairs.jsonl")
        if pair["history"]
    ]


def halves(cases: Sequence[Case]) -> dict[str, str]:
    """Conversations to ``tune`` or ``report``."""
    ordered = sorted({case.conversation for case in cases}, key=lambda name: crc32(name.encode()))
    return {name: HALVES[place % 2] for place, name in enumerate(ordered)}


def fill(engine: Engine, paths: Sequence[Path]) -> None:
    uploads = {
        one["_id"]: Upload(one["_id"], text=one["text"], title=one.get("title"))
        for path in paths
        for one in lines(path)
    }
    added = engine.add(list(uploads.values()))
    engine.wait([one.job_id for one in added if one.job_id])


def recall(engine: Engine, case: Case, query: Query) -> float:
    found = [hit.source for hit in engine.search(query).hits]
    return len(case.relevant.intersection(found)) / len(case.relevant)


def words(cases: Sequence[Case], questions: Sequence[str]) -> str:
    shares = []
    for case, question in zip(cases, questions, strict=True):
        wanted, ours = set(terms(case.rewritten)), set(terms(question))
        if wanted and ours:
            shares.append((len(wanted & ours) / len(wanted), len(wanted & ours) / len(ours)))
    recalls, precisions = zip(*shares, strict=True)
    return f"recall {sum(recalls) / len(shares):.3f}, precision {sum(precisions) / len(shares):.3f}"


def table(name: str, figures: Mapping[str, Sequence[float]]) -> None:
    raw, rules, person = (sum(values) / len(values) for values in figures.values())
    share = (rules - raw) / (person - raw) if person > raw else float("nan")
    count = len(next(iter(figures.values())))
    print(
        f"{name:<16} {count:>4} questions  raw {raw:.3f}  rules {rules:.3f}  person {person:.3f}  "
        f"of the gap {share:.0%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mtrag", type=Path)
    parser.add_argument("treccast", type=Path, nargs="?")
    parser.add_argument("--more", type=Path, action="append", default=[])
    parser.add_argument("--home", type=Path)
    parser.add_argument(
        "--show", choices=HALVES, help="Print the questions of this half where rules and person differ."
    )
    given = parser.parse_args()
    configure_logging(level="error")
    cases = mtrag(given.mtrag)
    half_of = halves(cases)
    place = nullcontext(str(given.home)) if given.home else tempfile.TemporaryDirectory()
    with place as home, closing(open_engine(Settings(home=Path(home)))) as engine:
        fill(engine, [given.mtrag / "docs.jsonl", *given.more])
        results = []
        for case in cases:
            asked = (case.question, standalone(case.question, case.history), case.rewritten)
            queries = (Query(asked[0], k=K), Query(asked[0], k=K, history=case.history), Query(asked[2], k=K))
            results.append((case, asked, tuple(recall(engine, case, query) for query in queries)))
    for half in (*HALVES, "all"):
        of_half = [values for case, _, values in results if half in (half_of[case.conversation], "all")]
        table(
            f"mtrag {half}",
            {name: [values[i] for values in of_half] for i, name in enumerate(("raw", "rules", "person"))},
        )
    for case, asked, values in results:
        if half_of[case.conversation] == given.show and len(set(values)) > 1:
            said = " | ".join(message.content for message in case.history if message.role == "user")
            print(f"\n{said}\n", *(f"{value:.2f} {question}\n" for question, value in zip(asked, values, strict=True)))
    if given.treccast:
        everything = treccast(given.treccast)
        half_of = halves(everything)
        for half in HALVES:
            some = [case for case in everything if half_of[case.conversation] == half]
            print(f"treccast {half:<7} {len(some)} questions, terms of the person's rewriting")
            print("  raw  ", words(some, [case.question for case in some]))
            print("  rules", words(some, [standalone(case.question, case.history) for case in some]))


if __name__ == "__main__":
    main()
