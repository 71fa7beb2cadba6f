"""Whether FinanceBench's evidence is in the text, and boxes on its words: ``python benchmarks/financebench.py DIR``.

DIR holds ``qa.jsonl`` (``evidence``: ``doc``, ``page0`` from 0, ``text``) and ``pdfs/``.

Texts are compared without white space, hyphens, dashes and quotation marks, after NFKC. A piece of
evidence is found if each of its lines stands in our text of its page. How much of it stands there in
one stretch is printed too: that is less, because who made the set left out bullets and the marks of
footnotes, and joined headers of two lines.

Boxes: of each page of evidence up to 20 passages (lines of paragraphs, rows of tables, and stretches
over several lines) are looked up in the file. A passage is covered if the text that PDFium finds in
its boxes is the passage, white space and hyphens at line ends apart.
"""

from __future__ import annotations

import json
import random
import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pypdfium2

from citewise.ingest.parse import pdf, pdf_view
from citewise.types import PageSpan, ParsedDocument

_PASSAGES = 20  # of a page
_IGNORED = re.compile("[\\s\\-\u00ad\u2010-\u2015“”‘’\"']")

Span = tuple[int, int, int, str]


def reduce(text: str) -> str:
    return _IGNORED.sub("", unicodedata.normalize("NFKC", text))


def evidence(folder: Path) -> Iterator[tuple[str, int, str]]:
    with (folder / "qa.jsonl").open() as file:
        for line in file:
            question = json.loads(line)
            for each in question["evidence"]:
                yield each["doc"], each["page0"], each["text"]


def passages(document: ParsedDocument, page: PageSpan, choice: random.Random) -> list[Span]:
    """Choose lines, and stretches of up to four lines, within blocks of a page."""
    spans = []
    for block in document.blocks:
        if block.page != page.number:
            continue
        lines = [match.span() for match in re.finditer(r"\S[^\n]*(?<!\s)", document.text[block.start : block.end])]
        for first in range(len(lines)):
            last = min(first + choice.randrange(4), len(lines) - 1)
            start, end = block.start + lines[first][0], block.start + lines[last][1]
            spans.append((page.number, start - page.start, end - page.start, document.text[start:end]))
    return choice.sample(spans, min(_PASSAGES, len(spans)))


def covered(path: Path, spans: list[Span]) -> tuple[int, list[str]]:
    """Count passages that their boxes cover; returns those that they do not."""
    opened = pypdfium2.PdfDocument(path)
    missed = []
    for (number, _, _, words), boxes in zip(spans, pdf_view.boxes(path, spans, source=path.name), strict=True):
        page = opened[number - 1]
        text_page = page.get_textpage()
        left, _, _, top = page.get_bbox()
        # Boxes are cut to hundredths of a point, and an edge must not lose its letter by that.
        read = "".join(
            text_page.get_text_bounded(box.x0 + left - 0.1, top - box.y1 - 0.1, box.x1 + left + 0.1, top - box.y0 + 0.1)
            for box in boxes
        )
        if reduce(read.replace("\ufffe", "").replace("\x02", "")) != reduce(words):
            missed.append(f"{path.name} page {number}: {words[:60]!r} is {read[:60]!r}")
        text_page.close()
        page.close()
    opened.close()
    return len(spans) - len(missed), missed


def main(folder: Path) -> None:
    choice = random.Random(4)  # noqa: S311 - a sample, not a secret
    documents: dict[str, ParsedDocument] = {}
    found = whole = total = boxed = passages_total = 0
    seen: set[tuple[str, int]] = set()
    missed: list[str] = []
    for name, page0, text in evidence(folder):
        path = folder / "pdfs" / f"{name}.pdf"
        if name not in documents:
            documents[name] = pdf.parse(path, source=path.name)
        document = documents[name]
        page = document.pages[page0]
        ours = reduce(document.text[page.start : page.end])
        absent = [line for line in text.split("\n") if reduce(line) not in ours]
        total += 1
        found += not absent
        whole += reduce(text) in ours
        missed += [f"{name} page {page.number} lacks {line!r}" for line in absent]
        if (name, page0) not in seen:
            seen.add((name, page0))
            spans = passages(document, page, choice)
            count, lost = covered(path, spans)
            boxed += count
            passages_total += len(spans)
            missed += lost
    print(f"evidence found: {found} of {total} ({found / total:.1%}); in one stretch: {whole}")
    print(f"passages covered by their boxes: {boxed} of {passages_total} ({boxed / passages_total:.1%})")
    for line in missed:
        print("  ", line)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
