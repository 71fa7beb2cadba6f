"""Every file of a collection of good and of hostile files, one by one through the real ingest.

    python -m benchmarks.files DIR [--only PART] [--model local:all-MiniLM-L6-v2]

DIR holds folders ``good``, ``evil`` and ``evil_derived``. Prints a table by format and
outcome, every good file that was not read, with its reason, the slowest files, how far the
parent's memory rose while one file was read, and what does not hold of what was read: blocks
in order, disjoint and covering; chunks slices of their text; boxes on their page.
"""

from __future__ import annotations

import argparse
import logging
import re
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from citewise.build import open_engine
from citewise.engine import Engine
from citewise.ingest import sandbox
from citewise.settings import Settings
from citewise.types import ARCHIVE, PDF, Document, Upload
from tests.fakes import HashEmbedder

SECONDS = 90  # that an evil file may take
MEMORY_MB = 50  # that the parent may need for one
READY = 0.97  # share of good files
ENDED = ("ready", "failed", "cancelled")


@dataclass
class Outcome:
    folder: str
    name: str
    status: str
    error: str
    seconds: float
    memory_mb: float
    broken: list[str] = field(default_factory=list)
    unread: int = 0
    members: int = 0

    @property
    def format(self) -> str:
        return Path(self.name).suffix.lower() or "(none)"


def add(engine: Engine, path: Path, folder: str) -> Outcome:
    """Add one file and wait for it, and for what comes out of it."""
    before = memory_mb(reset=True)
    started = time.perf_counter()
    with path.open("rb") as stream:
        (added,) = engine.add([Upload(f"{folder}/{path.name}", stream)])
    if added.document_id is None:
        seconds = time.perf_counter() - started
        return Outcome(folder, path.name, added.status, added.error or "", seconds, memory_mb(peak=True) - before)
    engine.wait([added.job_id] if added.job_id else [])
    document = engine.document(added.document_id)
    members = members_of(engine, document)
    rise, seconds = memory_mb(peak=True) - before, time.perf_counter() - started
    outcome = Outcome(folder, path.name, document.status, document.error or "", seconds, rise, members=len(members))
    for each in (document, *members):
        outcome.broken += [f"{each.source}: {what}" for what in broken(engine, each)]
    outcome.unread = len(document.report.unread) if document.report else 0
    return outcome


def members_of(engine: Engine, document: Document) -> list[Document]:
    if document.media_type != ARCHIVE:
        return []
    while True:
        found = [one for one in engine.documents() if one.source.startswith(f"{document.source}/")]
        if all(one.status in ENDED for one in found):
            return found
        time.sleep(0.05)


def broken(engine: Engine, document: Document) -> list[str]:
    """What ought to hold of a document and does not."""
    if document.status != "ready":
        return []
    shown = engine.show(document.id)
    text, found, position = shown.text, [], 0
    for block in shown.blocks:
        if not position <= block.start < block.end <= len(text):
            found.append(f"block {block.start}–{block.end} is out of order or empty")
        elif text[position : block.start].strip():
            found.append(f"no block covers {text[position : block.start].strip()[:40]!r}")
        position = max(position, block.end)
    if text[position:].strip():
        found.append(f"no block covers {text[position:].strip()[:40]!r}")
    found += [f"chunk {one.ordinal} is no slice" for one in shown.chunks if text[one.start : one.end] != one.text]
    if document.chunks != len(shown.chunks):
        found.append(f"{len(shown.chunks)} of {document.chunks} chunks are stored")
    return found + off_page(engine, document)


def off_page(engine: Engine, document: Document) -> list[str]:
    """Boxes of some passages of a PDF that do not lie on their page; those of recognised pages are stored apart."""
    if document.media_type != PDF:
        return []
    recognised = {page.page for page in document.report.pages if page.recognised} if document.report else set()
    shown = engine.show(document.id)
    sizes = {page.number: page for page in shown.pages}
    spans = []
    for block in shown.blocks[:: max(1, len(shown.blocks) // 4)]:
        if block.page and block.page not in recognised:
            start = sizes[block.page].start
            words = shown.text[block.start : block.end]
            spans.append((block.page, block.start - start, block.end - start, words))
    try:
        boxes = sandbox.page_boxes(engine.original(document.id).path, spans)
    except Exception as error:  # noqa: BLE001 - it is what is looked for
        return [f"boxes: {error}"]
    found = []
    for box in (box for each in boxes for box in each):
        page = sizes[box.page]
        width, height = page.width or 0, page.height or 0
        if not (-1 <= box.x0 <= box.x1 <= width + 1 and -1 <= box.y0 <= box.y1 <= height + 1):
            found.append(f"a box is off page {box.page}: {box}")
    return found


def memory_mb(*, reset: bool = False, peak: bool = False) -> float:
    """What this process holds, or the most that it held since the last reset."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"{'VmHWM' if peak else 'VmRSS'}:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def tell(outcomes: list[Outcome]) -> bool:
    """Print what was found; returns whether all that is asked for holds."""
    holds = True
    for folder in dict.fromkeys(one.folder for one in outcomes):
        here = [one for one in outcomes if one.folder == folder]
        ready = sum(one.status == "ready" for one in here)
        print(f"\n{folder}: {ready} of {len(here)} ready ({ready / len(here):.1%})")
        counts = Counter((one.format, one.status) for one in here)
        for form in sorted({one.format for one in here}):
            states = ", ".join(f"{counts[form, state]} {state}" for state in ENDED if counts[form, state])
            print(f"  {form:10} {states}")
        holds &= folder != "good" or ready / len(here) >= READY
    print("\nGood files that were not read:")
    for one in outcomes:
        if one.folder == "good" and one.status != "ready":
            print(f"  {one.name}: {one.error}")
    print("\nHostile files that were not read:")
    for one in outcomes:
        if one.folder != "good" and one.status != "ready":
            print(f"  {one.name}: {one.error}")
    print("\nSlowest:")
    for one in sorted(outcomes, key=lambda one: -one.seconds)[:10]:
        print(f"  {one.seconds:6.1f} s  {one.folder}/{one.name}")
    print("\nMemory of the parent rose most for:")
    for one in sorted(outcomes, key=lambda one: -one.memory_mb)[:10]:
        print(f"  {one.memory_mb:6.1f} MB  {one.folder}/{one.name}")
    wrong = [one for one in outcomes if one.broken]
    print(f"\nWhat does not hold of what was read: {len(wrong)} files")
    for one in wrong:
        print(f"  {one.folder}/{one.name}: {'; '.join(one.broken[:3])}")
    hostile = [one for one in outcomes if one.folder != "good"]
    slow = [one for one in hostile if one.seconds > SECONDS or one.memory_mb > MEMORY_MB or one.status not in ENDED]
    print(f"\nHostile files over {SECONDS} s, over {MEMORY_MB} MB or without an end: {len(slow)}")
    return holds and not wrong and not slow


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("directory", type=Path)
    asked.add_argument("--only", default="", help="files whose name holds this")
    asked.add_argument("--model", help="PROVIDER:NAME instead of a stand-in without a model")
    given = asked.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    paths = [
        path
        for folder in ("good", "evil", "evil_derived")
        for path in sorted((given.directory / folder).iterdir())
        if given.only in f"{folder}/{path.name}"
    ]
    outcomes = []
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home))
        if given.model:
            engine = open_engine(
                settings.model_copy(update={"embed": settings.embed.model_copy(update={"model": given.model})})
            )
        else:
            engine = open_engine(settings, open_embedder=lambda _: HashEmbedder())
        try:
            # What is loaded and opened for the first document is no cost of a file.
            warm = engine.add([Upload("warm-up.txt", text="Words to begin with.")])
            engine.wait([one.job_id for one in warm if one.job_id])
            for number, path in enumerate(paths, 1):
                print(f"\r{number}/{len(paths)} {path.name[:60]:60}", end="", file=sys.stderr)
                outcomes.append(add(engine, path, path.parent.name))
        finally:
            engine.close()
    print("", file=sys.stderr)
    return 0 if tell(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
