"""Whether tables survive reading and cutting: ``python benchmarks/tables.py DIR``.

DIR holds TAT-QA in two files: ``docs.dev.jsonl`` (``_id``, ``paragraphs``, ``table`` as rows of cells,
``text`` as Markdown) and ``qa.dev.jsonl`` (``doc_id``, ``answers``, ``answer_from``).

Every table that a question's answer is a cell of is written as Markdown (the set's own text), HTML
(only ``td``, as pages of reports have them), CSV, XLSX and DOCX (no row marked as header), with the
paragraphs before it where the format has any. Each file goes through the real parser and the real
splitter with the tokenizer of the default model. An answer counts if some chunk has a line with the
cell and the first cell of its row, and has, in its text or its context, every cell that stands above
it before the first row of figures. So that this cannot be had by taking rows of figures for headers,
tables with such headers are counted too. The same is done for every cell of tables of 300 rows, which are
made here.
"""

from __future__ import annotations

import csv
import html
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import docx as python_docx
import openpyxl

from citewise.embed.local import LocalEmbedder
from citewise.ingest.parse import parse
from citewise.ingest.prepare import splitter_for
from citewise.ingest.split import split_document
from citewise.ingest.split.context import RULE
from citewise.settings import SplitSettings

Table = Sequence[Sequence[str]]
Write = Callable[[Path, Sequence[str], Table, str], None]

_FIGURE = re.compile(r"[^A-Za-z]*\d[^A-Za-z]*(?:[mM]|bn|pp|x)?|[-–—]")
_LABEL = re.compile(r"\D*(?:19|20) ?\d ?\d(?:\D.*)?|\D*['’]?000|[^\w\d]")  # a year, a unit
_LONG_ROWS = 300


def write_markdown(path: Path, _paragraphs: Sequence[str], _table: Table, own_text: str) -> None:
    path.write_text(own_text)


def write_html(path: Path, paragraphs: Sequence[str], table: Table, _own_text: str) -> None:
    words = "".join(f"<p>{html.escape(each)}</p>\n" for each in paragraphs)
    rows = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>\n" for row in table)
    path.write_text(f"<html><body>{words}<table>\n{rows}</table></body></html>")


def write_csv(path: Path, _paragraphs: Sequence[str], table: Table, _own_text: str) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(table)


def write_xlsx(path: Path, _paragraphs: Sequence[str], table: Table, _own_text: str) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.worksheets[0]
    for number, row in enumerate(table, 1):
        for column, cell in enumerate(row, 1):
            if cell:
                sheet.cell(number, column).value = cell
    workbook.save(path)


def write_docx(path: Path, paragraphs: Sequence[str], table: Table, _own_text: str) -> None:
    document = python_docx.Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    made = document.add_table(rows=len(table), cols=max(map(len, table)))
    # ``made.cell`` counts all cells anew each time, which takes minutes for 300 rows.
    for row, cells in zip(made.rows, table, strict=True):
        for cell, words in zip(row.cells, cells, strict=False):
            cell.text = words
    document.save(str(path))


FORMATS: dict[str, Write] = {
    "md": write_markdown,
    "html": write_html,
    "csv": write_csv,
    "xlsx": write_xlsx,
    "docx": write_docx,
}


class Cutter:
    """Reads and cuts files as ingestion does."""

    def __init__(self) -> None:
        self._embedder = LocalEmbedder()
        sizes = SplitSettings()
        self._splitter = splitter_for(self._embedder, strategy=sizes.strategy, size=sizes.size, overlap=sizes.overlap)

    def chunks(self, path: Path) -> tuple[list[tuple[list[str], str]], int]:
        """Return the lines of every chunk with everything that it is embedded as, and the rows of all headers."""
        document = parse(path, source=path.name)
        spans = split_document(
            document,
            strategy=self._splitter.strategy,
            size=self._splitter.size,
            overlap=self._splitter.overlap,
            token_spans=self._embedder.token_spans,
            embed=self._embedder.embed_documents,
        )
        headers = [line for block in document.blocks for line in block.header.split("\n") if line.strip(RULE)]
        pieces = [(document.text[span.start : span.end], span.context) for span in spans]
        return [
            ([plain(line) for line in text.split("\n")], plain(f"{context}\n{text}")) for text, context in pieces
        ], len(headers)


def plain(text: str) -> str:
    """Leave only what a word or figure is made of apart from space: formats pad cells differently."""
    return "".join(text.split())


def header_of(table: Table) -> int:
    """Return how many rows stand before the first with a figure that is neither year nor unit."""
    for index, row in enumerate(table):
        if any(
            _FIGURE.fullmatch(cell.strip()) and not _LABEL.fullmatch(cell.strip()) for cell in row[1:] if cell.strip()
        ):
            return index
    return 0


def is_kept(table: Table, row: int, column: int, chunks: Sequence[tuple[list[str], str]]) -> bool:
    """Whether a chunk holds a cell with its row's first cell, and its column's headers."""
    cell, label = plain(table[row][column]), plain(table[row][0])
    above = [plain(line[column]) for line in table[: min(header_of(table), row)] if column < len(line)]
    return any(
        any(cell in line and label in line for line in lines) and all(words in whole for words in above)
        for lines, whole in chunks
    )


def answers(folder: Path) -> Iterator[tuple[dict[str, object], list[tuple[int, int]]]]:
    """Yield documents, each with the cells that answer one of its questions."""
    with (folder / "docs.dev.jsonl").open() as lines:
        documents = {record["_id"]: record for record in map(json.loads, lines)}
    wanted: dict[str, list[tuple[int, int]]] = {}
    with (folder / "qa.dev.jsonl").open() as lines:
        for question in map(json.loads, lines):
            if not question["answer_from"].startswith("table"):
                continue
            table = documents[question["doc_id"]]["table"]
            for answer in question["answers"]:
                places = [
                    (row, column)
                    for row, cells in enumerate(table)
                    for column, cell in enumerate(cells)
                    if column and row >= header_of(table) and plain(cell).strip("$%") == plain(answer).strip("$%")
                ]
                wanted.setdefault(question["doc_id"], []).extend(places)
    for document_id, places in wanted.items():
        if places:
            yield documents[document_id], places


def long_table() -> list[list[str]]:
    """Return a table of 300 rows, no two of which are alike."""
    months = ("January", "February", "March", "April")
    head = ["Station", "Island", *(f"{month} rainfall" for month in months), "Warden"]
    return [head] + [
        [
            f"Post {number:03}",
            f"Isle of {number * 7 % 41}",
            *(str(number * 17 + index) for index in range(4)),
            f"W{number}",
        ]
        for number in range(_LONG_ROWS)
    ]


def as_markdown(table: Table) -> str:
    """Write a table as GitHub reads it."""
    head, *rows = [f"| {' | '.join(row)} |" for row in table]
    return "\n".join(["# Rain", "", head, "|" + "---|" * len(table[0]), *rows]) + "\n"


def main(folder: Path) -> None:
    cutter = Cutter()
    tables = list(answers(folder))
    long = long_table()
    print(f"{len(tables)} documents, {sum(len(cells) for _, cells in tables)} cells that answer a question")
    with tempfile.TemporaryDirectory() as scratch:
        for extension, write in FORMATS.items():
            path = Path(scratch) / f"table.{extension}"
            kept = total = long_headers = 0
            lost = []
            for document, cells in tables:
                table: Table = document["table"]  # type: ignore[assignment]
                write(path, document["paragraphs"], table, str(document["text"]))  # type: ignore[arg-type]
                chunks, headers = cutter.chunks(path)
                long_headers += headers > header_of(table)
                for row, column in cells:
                    total += 1
                    if is_kept(table, row, column, chunks):
                        kept += 1
                    else:
                        lost.append(f"{document['_id']} row {row} column {column}: {table[row][column]!r}")
            write(path, ["Rain by station."], long, as_markdown(long))
            chunks, _ = cutter.chunks(path)
            places = [(row, column) for row in range(1, len(long)) for column in range(len(long[0]))]
            long_kept = sum(is_kept(long, row, column, chunks) for row, column in places)
            print(
                f"{extension:5} TAT-QA {kept:4} of {total} ({kept / total:.1%}), "
                f"{long_headers} headers hold figures   "
                f"{_LONG_ROWS} rows: {long_kept} of {len(places)} ({long_kept / len(places):.1%}), {len(chunks)} chunks"
            )
            for line in lost[:5]:
                print("      lost:", line)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
