"""Citations word for word, and conversations the same after export and import: ``python benchmarks/exports.py DIR``.

DIR is a folder with ``docs.jsonl`` and ``qa.jsonl``. Its first questions (``--questions``, 500) are asked of the
documents that they are about, in conversations of ``--turns`` (20), of the extractive model. Printed as
Markdown: how many citations quote the document's own words at their span; how many conversations are drawn the
same by a fresh start, and by an import of their JSON into the same library and into one with the same documents
under other ids; how many footnotes of each format are found again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import get_args

from citewise.answer.export.formats import ExportFormat
from citewise.build import open_engine
from citewise.engine import Engine
from citewise.evaluate.datasets import read_records
from citewise.observe.logs import configure_logging
from citewise.settings import Settings
from citewise.types import Turn
from citewise.ui.render import answer_html


def add(engine: Engine, folder: Path, wanted: Collection[str]) -> None:
    added = engine.add([one for one in read_records(folder / "docs.jsonl") if one.source in wanted])
    engine.wait([one.job_id for one in added if one.job_id], timeout_s=None)


def ask(engine: Engine, questions: Sequence[str], turns: int) -> list[str]:
    """Ask all, and return the conversations."""
    begun: list[str] = []
    for number, question in enumerate(questions):
        turn = engine.ask(question, conversation_id=begun[-1] if number % turns else None, rewrite=False)
        if not number % turns:
            begun.append(turn.conversation_id)
        for _ in engine.watch(turn.id):
            pass
    return begun


def drawn(turns: Sequence[Turn]) -> list[tuple[object, ...]]:
    """What the page draws of a conversation, without ids."""
    return [
        (
            turn.question,
            turn.answer.status,
            answer_html(
                turn.answer.text,
                labels={one.marker: f"{one.source}, {one.locator}" for one in turn.answer.citations},
                evidence=turn.answer.evidence,
            ),
            [(one.marker, one.source, one.title, one.page, one.boxes, one.quote) for one in turn.answer.citations],
            turn.answer.reason,
            turn.answer.error,
        )
        for turn in turns
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument("--turns", type=int, default=20)
    options = parser.parse_args()
    configure_logging(level="error")
    asked = [json.loads(line) for line in islice((options.folder / "qa.jsonl").open(), options.questions)]
    questions, wanted = [one["question"] for one in asked], {one["doc_id"] for one in asked}
    counts: Counter[str] = Counter()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        here, there = Settings(home=Path(scratch) / "here"), Settings(home=Path(scratch) / "there")
        with closing(open_engine(here)) as engine:
            add(engine, options.folder, wanted)
            conversations = ask(engine, questions, options.turns)
            before = {one: drawn(engine.conversation(one)[1]) for one in conversations}
            for one in conversations:
                for turn in engine.conversation(one)[1]:
                    counts[f"answers: {turn.answer.status}"] += 1
                    for citation in turn.answer.citations:
                        text = engine.show(citation.document_id).text
                        counts["citations"] += 1
                        counts["word for word"] += text[citation.start : citation.end] == citation.quote
        with closing(open_engine(here)) as engine, closing(open_engine(there)) as other:
            add(other, options.folder, wanted)
            for one in conversations:
                counts["conversations"] += 1
                counts["same after a start"] += drawn(engine.conversation(one)[1]) == before[one]
                for export_format in get_args(ExportFormat):
                    content = engine.exports.write(one, export_format).content
                    for name, library in (("here", engine), ("elsewhere", other)):
                        found = library.exports.resolve(content)
                        counts[f"footnotes ({export_format}, {name})"] += len(found.notes)
                        counts[f"found ({export_format}, {name})"] += found.at_place
                for name, library in (("here", engine), ("elsewhere", other)):
                    came = library.exports.read(content)
                    same = drawn(library.conversation(came.conversation.id)[1]) == before[one]
                    counts[f"same after an import {name}"] += same
    print("| What | |\n|---|---|")
    for name, count in counts.items():
        print(f"| {name} | {count:,} |")
    print(f"| minutes | {(time.perf_counter() - started) / 60:.1f} |")


if __name__ == "__main__":
    main()
