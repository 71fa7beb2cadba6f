"""A table of 300 rows keeps its meaning in every format: from the file to the chunks."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import docx as python_docx
import openpyxl
import pytest

from citewise.ingest.parse import parse
from citewise.ingest.split import split_document

HEADER = ("Station", "Island", "January rainfall", "April rainfall")
ROWS = [(f"Post {number:03}", f"Isle {number % 41}", str(number * 17), str(number * 17 + 3)) for number in range(300)]

Table = Sequence[Sequence[str]]


def tokens(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"\w{1,4}|[^\w\s]", text)]


def write_markdown(path: Path, table: Table) -> None:
    head, *rows = [f"| {' | '.join(row)} |" for row in table]
    path.write_text("\n".join(["# Rain", "", head, "|---|:--|--:|---|", *rows]))


def write_html(path: Path, table: Table) -> None:
    rows = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) for row in table)
    path.write_text(f"<html><body><h1>Rain</h1><table>{rows}</table></body></html>")


def write_csv(path: Path, table: Table) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=";").writerows(table)


def write_xlsx(path: Path, table: Table) -> None:
    workbook = openpyxl.Workbook()
    for row in table:
        workbook.worksheets[0].append(list(row))
    workbook.save(path)


def write_docx(path: Path, table: Table) -> None:
    document = python_docx.Document()
    document.add_heading("Rain", 1)
    made = document.add_table(rows=len(table), cols=len(table[0]))
    for row, cells in zip(made.rows, table, strict=True):
        for cell, words in zip(row.cells, cells, strict=True):
            cell.text = words
    document.save(str(path))


@pytest.mark.parametrize(
    ("extension", "write"),
    [
        ("md", write_markdown),
        ("html", write_html),
        ("csv", write_csv),
        ("xlsx", write_xlsx),
        ("docx", write_docx),
    ],
)
def test_every_row_of_a_long_table_is_whole_and_has_its_column_headers(
    tmp_path: Path, extension: str, write: Callable[[Path, Table], None]
) -> None:
    path = tmp_path / f"rain.{extension}"
    write(path, [HEADER, *ROWS])
    document = parse(path, source=path.name)
    assert document.report.tables == 1
    spans = split_document(document, strategy="recursive", size=200, overlap=24, token_spans=tokens)
    assert len(spans) > 10
    found = set()
    for span in spans:
        chunk = document.text[span.start : span.end]
        rows = {row for row in ROWS if " | ".join(row) in chunk}
        assert rows
        assert " | ".join(HEADER) in f"{span.context}\n{chunk}"
        found |= rows
    assert found == set(ROWS)
