"""A person's own test cases as a question set: kept with places, carried elsewhere with words."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from sqlalchemy import Connection

from citewise.errors import IngestError, NotFoundError, QuestionError
from citewise.evaluate.datasets import Dataset, Question, Reference
from citewise.registry import cases, collections, documents
from citewise.registry.cases import Case, Place

NAME = "Your own cases"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a case stands with the documents as they are now."""

    case: Case
    places: tuple[Place, ...]  # in the versions that serve
    words: tuple[str, ...]  # of each of these places
    sources: tuple[str, ...]  # of the document of each of these places
    lost: int  # places whose words are gone: removed with their document, or changed

    @property
    def usable(self) -> bool:
        """Whether it can still be told right from wrong."""
        return not self.case.places or bool(self.places)


def standing(rx: Connection, case: Case) -> Standing:
    """Look a case's places up; one whose document has a newer version is found again by its words."""
    found: list[tuple[Place, str, str]] = []
    for place in case.places:
        try:
            document = documents.get(rx, place.document_id)
            words = documents.slice_text(rx, place.document_id, place.version, place.start, place.end)
            now = document.serving_version
            if now is None or not document.enabled or not words:
                continue
            start = place.start
            if now != place.version:
                start = documents.text(rx, place.document_id, now).find(words)
        except NotFoundError:
            continue
        if start >= 0:
            found.append((Place(place.document_id, now, start, start + len(words)), words, document.source))
    return Standing(
        case,
        tuple(place for place, _, _ in found),
        tuple(words for _, words, _ in found),
        tuple(source for _, _, source in found),
        len(case.places) - len(found),
    )


def dataset_of(rx: Connection, *, collection: str) -> Dataset:
    """Return the usable cases of a collection as a question set; their order is that of their making."""
    questions = []
    for case in reversed(cases.list_all(rx, collection=collection)):
        now = standing(rx, case)
        if now.usable:
            references = tuple(Reference(place.document_id, place.start, place.end) for place in now.places)
            questions.append(Question(case.id, case.question, answerable=bool(case.places), references=references))
    return Dataset(NAME, tuple(questions))


# --- elsewhere and back ---------------------------------------------------------------


def export_cases(rx: Connection, *, collection: str) -> bytes:
    """Return a ZIP with ``qa.jsonl`` and ``docs.jsonl``: a question set that ``citewise eval`` runs.

    All documents of the collection that serve go with it as text, since what is right has to
    be found among the others.

    Raises:
        NotFoundError: There is no such collection.
    """
    collection_id = collections.find(rx, collection)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("qa.jsonl", _lines(_exported(rx, collection)))
        archive.writestr("docs.jsonl", _lines(_documents(rx, collection_id)))
    return held.getvalue()


def _exported(rx: Connection, collection: str) -> Iterator[dict[str, Any]]:
    for case in reversed(cases.list_all(rx, collection=collection)):
        now = standing(rx, case)
        if now.usable:
            yield {
                "id": case.id,
                "question": case.question,
                "answers": [],
                "answerable": bool(case.places),
                "references": [
                    {"document": source, "content": words, "start_index": place.start, "end_index": place.end}
                    for place, words, source in zip(now.places, now.words, now.sources, strict=True)
                ],
            }


def _documents(rx: Connection, collection_id: str) -> Iterator[dict[str, Any]]:
    for document in reversed(documents.list_documents(rx, collection_id)):
        if document.serving_version is not None and document.enabled:
            text = documents.text(rx, document.id, document.serving_version)
            yield {"_id": document.source, "title": document.title, "text": text}


def _lines(values: Iterable[Mapping[str, Any]]) -> str:
    return "".join(f"{json.dumps(value, ensure_ascii=False)}\n" for value in values)


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the lines of a file."""

    made: int
    known: int  # the same question is a case already
    left_out: tuple[str, ...]  # sentences


def import_cases(tx: Connection, stream: BinaryIO, *, collection: str) -> Imported:
    """Make cases of ``qa.jsonl``, or of a ZIP with one, for documents that the collection has.

    Raises:
        NotFoundError: There is no such collection.
        IngestError: It is no such file.
    """
    collection_id = collections.find(tx, collection)
    known = {case.question for case in cases.list_all(tx, collection=collection)}
    made = again = 0
    left_out = []
    for number, line in enumerate(_read(stream), 1):
        try:
            question = " ".join(str(line["question"]).split())
            if question in known:
                again += 1
                continue
            places = [] if line.get("answerable") is False else _places(tx, line, collection_id)
            cases.create(tx, question=question, collection=collection, places=places)
            known.add(question)
            made += 1
        except (KeyError, TypeError, AttributeError):
            left_out.append(f"Line {number} is no question with references.")
        except (QuestionError, NotFoundError) as error:
            left_out.append(f"Line {number}: {error}")
    return Imported(made, again, tuple(left_out))


def _read(stream: BinaryIO) -> Sequence[Any]:
    try:
        data = stream.read()
        if zipfile.is_zipfile(io.BytesIO(data)):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                name = next(name for name in archive.namelist() if name.rpartition("/")[2] == "qa.jsonl")
                data = archive.read(name)
        return [json.loads(line) for line in data.decode("utf-8-sig").splitlines() if line.strip()]
    except (ValueError, OSError, StopIteration, zipfile.BadZipFile) as error:
        raise IngestError(
            "The file has no test cases. Choose qa.jsonl of a question set, or a ZIP that was exported here."
        ) from error


def _places(tx: Connection, line: Mapping[str, Any], collection_id: str) -> list[Place]:
    found = []
    for reference in line["references"]:
        name, words = str(reference.get("document") or line.get("doc_id")), str(reference["content"])
        document = documents.find_by_source(tx, collection_id, name)
        if document is None or document.serving_version is None:
            raise NotFoundError("document", name, hint="Add it first.")
        text = documents.text(tx, document.id, document.serving_version)
        start = reference.get("start_index", -1)
        if text[start : start + len(words)] != words:
            start = text.find(words)
        if start < 0 or not words:
            raise QuestionError(f"{name} does not have the words of its reference.")
        found.append(Place(document.id, document.serving_version, start, start + len(words)))
    if not found:
        raise QuestionError("It says not where its answer stands.")
    return found
