"""Question sets as folders, in the forms that are common.

* Retrieval, the form of BEIR: ``corpus.jsonl``, ``queries.jsonl`` and ``qrels.tsv``.
* Questions with answers: ``qa.jsonl``, and ``docs.jsonl`` unless the questions are about
  documents that were added already.

A line of ``qa.jsonl`` has ``id``, ``question``, ``answers`` (strings, any of which will
do), ``answerable``, and where the answer stands: ``document``, ``documents`` or ``doc_id``
(names of documents) and ``page``, or exactly: ``references``, each with ``start_index`` and
``end_index`` (characters of the document's text, end exclusive), its words as ``content``, and
``document`` where that is not the line's own. ``history`` makes it a follow-up; ``kind``
groups figures.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from citewise.errors import IngestError
from citewise.types import Message, Upload

BYTES_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class Reference:
    """A right passage, exactly."""

    document: str  # its id, or its source
    start: int  # characters of its text
    end: int


@dataclass(frozen=True, slots=True)
class Question:
    """A question and what is known of its answer."""

    id: str
    text: str
    history: tuple[Message, ...] = ()
    answers: tuple[str, ...] = ()  # any of them will do; empty: only the place is known
    documents: tuple[str, ...] = ()  # sources; any of them will do
    page: int | None = None  # 1-based
    answerable: bool = True
    kind: str | None = None
    references: tuple[Reference, ...] = ()  # all are to be found

    @property
    def placed(self) -> bool:
        """Whether it is known what is to be found."""
        return bool(self.documents or self.answers or self.references)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A folder of questions.

    ``grades`` is set for retrieval sets only: query id → document → relevance, > 0 for
    relevant. ``records`` is the file with the set's own documents, if it brings any.
    """

    name: str
    questions: tuple[Question, ...]
    grades: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    records: Path | None = None

    def sample(self, most: int | None) -> Dataset:
        """The same set with at most so many questions, evenly over it; ``None`` takes all."""
        count = len(self.questions)
        if most is None or most >= count:
            return self
        return replace(self, questions=tuple(self.questions[number * count // most] for number in range(most)))


def load_dataset(folder: Path) -> Dataset:
    """Read a folder.

    Raises:
        IngestError: It has none of the known forms, or a line cannot be read.
    """
    questions = folder / "qa.jsonl"
    if questions.is_file():
        records = folder / "docs.jsonl"
        read = tuple(_question(line, where) for where, line in _lines(questions))
        return Dataset(folder.resolve().name, read, records=records if records.is_file() else None)
    return load_retrieval(folder)


def load_retrieval(folder: Path) -> Dataset:
    """Read a retrieval set, also from a folder that has ``qa.jsonl`` too.

    Raises:
        IngestError: It is none, or a line cannot be read.
    """
    qrels = folder / "qrels.tsv"
    if not (qrels.is_file() and (folder / "queries.jsonl").is_file() and (folder / "corpus.jsonl").is_file()):
        raise IngestError(
            f"{folder} is not a question set: it needs qa.jsonl, or corpus.jsonl with queries.jsonl and qrels.tsv."
        )
    grades = _grades(qrels)
    asked = (_query(line, where) for where, line in _lines(folder / "queries.jsonl"))
    read = tuple(question for question in asked if question.id in grades)
    return Dataset(folder.resolve().name, read, grades=grades, records=folder / "corpus.jsonl")


def read_records(path: Path) -> Iterator[Upload]:
    """Yield the documents of ``corpus.jsonl`` or ``docs.jsonl``; ``_id`` becomes the source.

    Raises:
        IngestError: A line cannot be read.
    """
    for where, line in _lines(path):
        yield Upload(source=_text(line, "_id", where), text=_text(line, "text", where), title=line.get("title") or None)


def fingerprint(path: Path) -> str:
    """Twelve hex digits that change with the content of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(BYTES_AT_ONCE):
            digest.update(piece)
    return digest.hexdigest()[:12]


def _lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            where = f"line {number} of {path.name}"
            try:
                value = json.loads(line)
            except ValueError as error:
                raise IngestError(f"In {path.parent}, {where} is not JSON ({error}). Correct it.") from error
            if not isinstance(value, dict):
                raise IngestError(f"In {path.parent}, {where} is not a JSON object. Correct it.")
            yield where, value


def _question(line: Mapping[str, Any], where: str) -> Question:
    documents = line.get("documents") or [name for name in (line.get("document") or line.get("doc_id"),) if name]
    if not documents:
        documents = list(
            dict.fromkeys(one.get("document") for one in line.get("references") or () if one.get("document"))
        )
    page = line.get("page")
    return Question(
        id=_text(line, "id", where),
        text=_text(line, "question", where),
        history=_history(line),
        answers=tuple(str(answer) for answer in line.get("answers") or () if str(answer).strip()),
        documents=tuple(str(name) for name in documents),
        page=int(page) if page is not None else None,
        answerable=bool(line.get("answerable", True)),
        kind=line.get("kind"),
        references=tuple(_references(line, documents, where)),
    )


def _references(line: Mapping[str, Any], documents: Sequence[str], where: str) -> Iterator[Reference]:
    for reference in line.get("references") or ():
        try:
            document = reference.get("document") or documents[0]
            yield Reference(str(document), int(reference["start_index"]), int(reference["end_index"]))
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise IngestError(
                f"A reference in {where} has no document, start_index and end_index. Correct it."
            ) from error


def _query(line: Mapping[str, Any], where: str) -> Question:
    return Question(id=_text(line, "_id", where), text=_text(line, "text", where), history=_history(line))


def _history(line: Mapping[str, Any]) -> tuple[Message, ...]:
    return tuple(Message(role=said["role"], content=said["content"]) for said in line.get("history") or ())


def _text(line: Mapping[str, Any], key: str, where: str) -> str:
    value = line.get(key)
    if value is None:
        raise IngestError(f"The key {key!r} is missing in {where}. Add it.")
    return str(value)


def _grades(path: Path) -> dict[str, dict[str, int]]:
    grades: dict[str, dict[str, int]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE), 1):
            if not row:
                continue
            try:
                query, document, grade = row[0], row[-2], int(row[-1])
            except (IndexError, ValueError) as error:
                if number == 1:  # the heading
                    continue
                problem = f"Line {number} of {path} is not: query, document, grade. Correct it."
                raise IngestError(problem) from error
            grades.setdefault(query, {})[document] = grade
    return grades
