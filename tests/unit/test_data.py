"""The sample library and the evaluation questions hold together."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import docx
import pypdfium2
import pytest
from selectolax.lexbor import LexborHTMLParser

DATA = Path(__file__).parents[2] / "data"
LIBRARY = DATA / "library"
QUESTIONS: list[dict[str, Any]] = [
    json.loads(line) for line in (DATA / "eval" / "qa.jsonl").read_text(encoding="utf-8").splitlines()
]
ANSWERABLE = [question for question in QUESTIONS if question["answerable"]]
HANDBOOK = "Station Handbook 7th edition.pdf"
GENERATED = sorted(path.name for path in LIBRARY.iterdir() if path.suffix in {".pdf", ".docx"})


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\ufffe", "-"))  # pdfium's mark for a hyphen at the end of a line


@cache
def pages(name: str) -> tuple[str, ...]:
    """The text of a document, page by page; formats without pages have one."""
    path = LIBRARY / name
    match path.suffix:
        case ".pdf":
            with pypdfium2.PdfDocument(path) as pdf:
                return tuple(_plain(page.get_textpage().get_text_range()) for page in pdf)
        case ".docx":
            word = docx.Document(str(path))
            cells = [cell.text for table in word.tables for row in table.rows for cell in row.cells]
            return (_plain("\n".join([*(paragraph.text for paragraph in word.paragraphs), *cells])),)
        case ".html":
            tree = LexborHTMLParser(path.read_text(encoding="utf-8"))
            tree.strip_tags(["script", "style"])
            assert tree.body is not None
            return (_plain(tree.body.text(separator=" ")),)
        case _:
            return (_plain(path.read_text(encoding="utf-8")),)


@pytest.mark.parametrize("question", ANSWERABLE, ids=lambda question: question["id"])
def test_every_accepted_answer_stands_in_its_document_and_on_its_page(question: dict[str, Any]) -> None:
    found = pages(question["document"])
    if question["document"].endswith(".pdf"):
        found = (found[question["page"] - 1],)
    else:
        assert question["page"] is None
    assert question["answers"]
    for answer in question["answers"]:
        assert answer in found[0]


def test_questions_without_an_answer_name_no_document() -> None:
    for question in QUESTIONS:
        if not question["answerable"]:
            assert (question["answers"], question["document"], question["page"]) == ([], None, None)
            assert question["kind"] == "absent"


def test_ids_and_questions_are_unique() -> None:
    assert len({question["id"] for question in QUESTIONS}) == len(QUESTIONS)
    alone = [question["question"] for question in QUESTIONS if "history" not in question]
    assert len(set(alone)) == len(alone)


def test_follow_ups_end_with_an_answer_and_start_with_a_question() -> None:
    for question in QUESTIONS:
        roles = [turn["role"] for turn in question.get("history", [])]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert question["kind"] != "followup" or roles


def test_several_documents_are_named_where_several_are_needed() -> None:
    for question in QUESTIONS:
        documents = question.get("documents", [])
        assert (len(documents) >= 2) == (question["kind"] == "multi")
        assert all((LIBRARY / name).is_file() for name in documents)
        assert not documents or documents[0] == question["document"]


def test_there_are_enough_questions_of_every_kind() -> None:
    kinds = Counter(question["kind"] for question in QUESTIONS)
    assert len(QUESTIONS) >= 70
    assert kinds["absent"] >= 16
    assert kinds["followup"] >= 10
    assert min(kinds[kind] for kind in ("fact", "table", "procedure", "definition", "multi")) >= 4
    asked_of = Counter(question["document"] for question in ANSWERABLE)
    assert asked_of[HANDBOOK] >= 20
    assert set(asked_of) == {path.name for path in LIBRARY.iterdir()}


def test_the_library_has_every_format_and_a_long_pdf() -> None:
    formats = Counter(path.suffix for path in LIBRARY.iterdir())
    assert formats == {".pdf": 4, ".docx": 3, ".md": 3, ".txt": 4, ".html": 3}
    assert len(pages(HANDBOOK)) >= 20
    assert sum(len(" ".join(pages(path.name)).split()) for path in LIBRARY.iterdir()) >= 25_000
    assert sum(path.stat().st_size for path in LIBRARY.iterdir()) < 3_000_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library")
    subprocess.run([sys.executable, str(DATA / "make_library.py"), "--output", str(folder)], check=True)
    return folder


def test_the_generator_makes_every_pdf_and_docx_and_nothing_else(made: Path) -> None:
    assert sorted(path.name for path in made.iterdir()) == GENERATED


@pytest.mark.parametrize("name", GENERATED)
def test_the_generator_makes_the_committed_bytes(made: Path, name: str) -> None:
    assert (made / name).read_bytes() == (LIBRARY / name).read_bytes()
