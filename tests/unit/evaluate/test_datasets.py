from __future__ import annotations

from pathlib import Path

import pytest

from citewise.errors import IngestError
from citewise.evaluate.datasets import fingerprint, load_dataset, read_records
from citewise.types import Message


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return folder


def test_questions_with_answers_are_read_in_all_their_forms(tmp_path: Path) -> None:
    lines = [
        '{"id": "1", "question": "How high?", "answers": ["4 m"], "document": "tide.pdf", "page": 3, "kind": "fact"}',
        '{"id": 2, "question": "Who?", "answers": [], "documents": ["a.md", "b.md"], "answerable": false}',
        '{"id": "3", "question": "And?", "answers": [7], "doc_id": "d1", "history": [{"role": "user", "content": ""}]}',
        "",
    ]
    dataset = load_dataset(write(tmp_path, qa__jsonl="\n".join(lines)))
    first, second, third = dataset.questions
    assert (first.documents, first.page, first.kind, first.answerable) == (("tide.pdf",), 3, "fact", True)
    assert (second.id, second.documents, second.answerable) == ("2", ("a.md", "b.md"), False)
    assert (third.documents, third.answers, third.history) == (("d1",), ("7",), (Message("user", ""),))
    assert (dataset.name, dataset.records, dataset.grades) == (tmp_path.name, None, {})


def test_a_set_with_documents_of_its_own_says_so(tmp_path: Path) -> None:
    write(tmp_path, qa__jsonl="", docs__jsonl='{"_id": "d1", "title": "", "text": "x"}\n')
    records = load_dataset(tmp_path).records
    assert records == tmp_path / "docs.jsonl"
    (upload,) = read_records(records)
    assert (upload.source, upload.text, upload.title) == ("d1", "x", None)


def test_a_retrieval_set_keeps_only_graded_queries(tmp_path: Path) -> None:
    write(
        tmp_path,
        corpus__jsonl='{"_id": "d1", "title": "T", "text": "x"}\n',
        queries__jsonl='{"_id": "q1", "text": "one"}\n{"_id": "q2", "text": "two"}\n',
        qrels__tsv="query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n",
    )
    dataset = load_dataset(tmp_path)
    assert [question.id for question in dataset.questions] == ["q1"]
    assert dataset.grades == {"q1": {"d1": 2, "d2": 0}}


def test_qrels_in_the_four_column_form_are_read_too(tmp_path: Path) -> None:
    write(tmp_path, corpus__jsonl="", queries__jsonl='{"_id": "q1", "text": "one"}', qrels__tsv="q1\t0\td1\t1\n")
    assert load_dataset(tmp_path).grades == {"q1": {"d1": 1}}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "is not a question set"),
        ({"qa__jsonl": "{"}, "line 1 of qa.jsonl is not JSON"),
        ({"qa__jsonl": "[]"}, "line 1 of qa.jsonl is not a JSON object"),
        ({"qa__jsonl": '\n{"id": "1"}'}, "'question' is missing in line 2 of qa.jsonl"),
        ({"corpus__jsonl": "", "queries__jsonl": "", "qrels__tsv": "h\th\th\nq1\td1\tgood\n"}, "Line 2 of"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, files: dict[str, str], words: str) -> None:
    with pytest.raises(IngestError, match=words):
        load_dataset(write(tmp_path, **files))


def test_a_fingerprint_follows_the_content(tmp_path: Path) -> None:
    write(tmp_path, a="one", b="one", c="two")
    assert fingerprint(tmp_path / "a") == fingerprint(tmp_path / "b") != fingerprint(tmp_path / "c")
