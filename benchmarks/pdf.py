"""How fast PDFs are read and what that takes: ``python benchmarks/pdf.py [DIR]``.

Makes PDFs of 500 and 5,000 pages (text in one column, in two columns, tables of figures), reads each in a
process of its own, and prints pages per second of processor time and the most memory beyond what the
process held once its libraries were loaded. The 5,000 pages go through the sandbox with its default limits.

With DIR, reads every PDF below it as well and checks: blocks in order, disjoint and covering;
the boxes of each page's lines on the page.
"""

from __future__ import annotations

import multiprocessing
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

from reportlab.lib.pagesizes import letter
from reportlab.pdfgen.canvas import Canvas

from citewise.errors import IngestError
from citewise.ingest import sandbox
from citewise.ingest.parse import pdf, pdf_view
from citewise.settings import IngestSettings
from citewise.types import ParsedDocument

_WORDS = ("tide", "harbour", "landing", "rope", "of", "the", "and", "weather", "log", "station", "keeper", "net")


def write(path: Path, kind: str, pages: int) -> Path:
    """Make a PDF of about 3,000 characters a page, with a running header and page numbers."""
    choice = random.Random(1)  # noqa: S311 - words for a benchmark
    canvas = Canvas(str(path), pagesize=letter)
    for number in range(1, pages + 1):
        canvas.setFont("Helvetica", 8)
        canvas.drawString(72, 760, "Harbour Station: Annual Report")
        canvas.drawString(300, 30, str(number))
        canvas.setFont("Times-Roman", 10)
        for line in range(48):
            y = 730 - 14 * line
            if kind == "columns":
                for x in (60, 320):
                    canvas.drawString(x, y, " ".join(choice.choices(_WORDS, k=8)))
            elif kind == "tables" and line % 12:
                canvas.drawString(60, y, " ".join(choice.choices(_WORDS, k=4)).capitalize())
                for x in (300, 380, 460, 540):
                    canvas.drawRightString(x, y, f"{choice.randrange(10**6):,}")
            else:
                canvas.drawString(60, y, " ".join(choice.choices(_WORDS, k=14)))
        canvas.showPage()
    canvas.save()
    return path


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def measure(path: Path) -> None:
    before, started = peak_mb(), time.process_time()
    document = pdf.parse(path, source=path.name)
    seconds = time.process_time() - started
    report = document.report
    print(
        f"{path.stem:16} {len(document.pages):5} pages {len(document.pages) / seconds:6.0f} pages/s "
        f"{peak_mb() - before:5.0f} MB beyond {before:.0f}   tables {report.tables}"
    )


def sandboxed(path: Path) -> None:
    limits = IngestSettings()
    started = time.perf_counter()
    try:
        pages = len(
            sandbox.parse_file(
                path, source=path.name, seconds=limits.parse_seconds, memory_mb=limits.parse_memory_mb
            ).pages
        )
        outcome = f"{pages} pages"
    except IngestError as error:
        outcome = str(error)
    print(f"{path.stem:16} in the sandbox: {outcome} in {time.perf_counter() - started:.1f} s, {peak_mb():.0f} MB here")


def check(path: Path) -> str:
    """Read a file and check what holds for every one; returns what is to be said of it."""
    try:
        document = pdf.parse(path, source=path.name)
    except IngestError as error:
        return f"refused: {error}"
    wrong = [*_blocks_astray(document), *_boxes_off_page(path, document)]
    return f"WRONG: {wrong[:3]}" if wrong else f"{len(document.pages)} pages, {document.report.tables} tables"


def _blocks_astray(document: ParsedDocument) -> list[str]:
    astray = []
    position = 0
    for block in document.blocks:
        if not position <= block.start < block.end <= len(document.text):
            astray.append(f"block at {block.start} overlaps")
        if document.text[position : block.start].strip():
            astray.append(f"text at {position} is in no block")
        position = block.end
    if document.text[position:].strip():
        astray.append(f"text at {position} is in no block")
    return astray


def _boxes_off_page(path: Path, document: ParsedDocument) -> list[str]:
    spans = [
        (block.page, block.start - page.start, block.end - page.start, document.text[block.start : block.end])
        for block in document.blocks
        if block.page is not None and (page := document.pages[block.page - 1])
    ]
    off = []
    for (number, _, _, words), boxes in zip(spans, pdf_view.boxes(path, spans, source=path.name), strict=True):
        page = document.pages[number - 1]
        if any(
            not (0 <= box.x0 < box.x1 <= (page.width or 0) + 0.01 and 0 <= box.y0 < box.y1 <= (page.height or 0) + 0.01)
            for box in boxes
        ):
            off.append(f"page {number}: {words[:40]!r}")
    return off


def main(folder: Path | None) -> None:
    new_process = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as scratch:
        for kind, pages in (("text", 500), ("columns", 500), ("tables", 500), ("text", 5_000)):
            path = write(Path(scratch) / f"{kind}-{pages}.pdf", kind, pages)
            child = new_process.Process(target=measure, args=(path,))
            child.start()
            child.join()
        child = new_process.Process(target=sandboxed, args=(path,))
        child.start()
        child.join()
    for path in sorted(folder.rglob("*.pdf")) if folder else ():
        print(f"{path.name[:50]:50} {check(path)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
