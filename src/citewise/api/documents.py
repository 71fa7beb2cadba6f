"""Routes for documents: take in, list, look at, change, remove."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Response, UploadFile
from fastapi.responses import FileResponse, JSONResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from citewise.api import wire
from citewise.api.dependencies import EngineOfApp
from citewise.api.sources import clean_source
from citewise.errors import NotFoundError
from citewise.types import LONGEST_TAG, MOST_TAGS, Added, OnDuplicate, Upload

router = APIRouter(tags=["documents"])

# What a person's document says it is must not run in this origin.
_HARMLESS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}


class Record(BaseModel):
    """A document that is plain text already."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(min_length=1, max_length=1000, description="Identifies it within its collection.")
    text: str
    title: str | None = None
    metadata: dict[str, Any] = {}


class Records(BaseModel):
    """Several records at once."""

    model_config = ConfigDict(extra="forbid")

    records: list[Record] = Field(min_length=1, max_length=1000)
    collection: str = "default"
    on_duplicate: OnDuplicate = "skip"


def _tag(tag: str) -> str:
    clean = tag.strip()
    if not 1 <= len(clean) <= LONGEST_TAG or not clean.isprintable():
        raise ValueError(f"a tag is 1 to {LONGEST_TAG} printable characters")
    return clean


class DocumentChange(BaseModel):
    """What is to be another way; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool | None = Field(None, description="False: kept, but in no answer.")
    tags: list[Annotated[str, AfterValidator(_tag)]] | None = Field(
        None, max_length=MOST_TAGS, description="All its tags from now on."
    )
    collection: str | None = Field(None, description="Made if need be.")


@router.post("/documents", status_code=202)
def upload(
    engine: EngineOfApp,
    files: Annotated[list[UploadFile], File(description="One or more files.")],
    collection: Annotated[str, Form()] = "default",
    on_duplicate: Annotated[OnDuplicate, Form()] = "skip",
) -> JSONResponse:
    """Take files in. When the answer comes they are safe on disk; reading them goes on.

    Each file has its own receipt. A file that cannot be taken is `failed` and stops no
    other; when none could be taken the status is 422, or 413 when they were too large.
    Follow a document's progress at `GET /documents/{document_id}`.
    """
    uploads = [Upload(source=clean_source(file.filename or ""), stream=file.file) for file in files]
    added = engine.add(uploads, collection=collection, on_duplicate=on_duplicate)
    too_large = all((file.size or 0) > engine.max_file_bytes for file in files)
    return _receipts(added, refused_status=413 if too_large else 422)


@router.post("/documents/records", status_code=202)
def add_records(engine: EngineOfApp, body: Records) -> JSONResponse:
    """Take records of plain text in; the receipts are those of an upload."""
    uploads = [
        Upload(source=clean_source(record.source), text=record.text, title=record.title, metadata=record.metadata)
        for record in body.records
    ]
    added = engine.add(uploads, collection=body.collection, on_duplicate=body.on_duplicate)
    return _receipts(added, refused_status=422)


def _receipts(added: Sequence[Added], *, refused_status: int) -> JSONResponse:
    body: dict[str, Any] = {"documents": [wire.added_json(one) for one in added]}
    if all(one.status == "failed" for one in added):
        reasons = dict.fromkeys(one.error for one in added if one.error)
        return JSONResponse({**wire.error_json(" ".join(reasons)), **body}, status_code=refused_status)
    return JSONResponse(body, status_code=202)


@router.get("/documents")
def list_documents(engine: EngineOfApp, collection: str | None = None) -> dict[str, Any]:
    """All documents, newest first; of every collection when none is named."""
    return wire.documents_json(engine.documents(collection=collection))


@router.get("/documents/{document_id}")
def get_document(engine: EngineOfApp, document_id: str) -> dict[str, Any]:
    """One document: how far its newest version got, and what could be read of it.

    `report` has each page with its characters, tables and images, and whether its text is missing
    (`needs_ocr`), `garbled` or `recognised`; `unread` is what should have been read and was not,
    `left_out` what is never read; `incomplete` says whether something that a reader sees is missing.
    """
    return wire.document_detail_json(engine.document(document_id))


@router.patch("/documents/{document_id}")
def change_document(engine: EngineOfApp, document_id: str, body: DocumentChange) -> dict[str, Any]:
    """Turn a document off or on for answers, tag it, or move it into another collection.

    What is left out stays as it is. When it cannot be moved, nothing is changed.
    """
    engine.document(document_id)
    if body.collection is not None:
        engine.move([document_id], body.collection)
    if body.tags is not None:
        engine.set_tags(document_id, body.tags)
    if body.enabled is not None:
        engine.set_enabled([document_id], body.enabled)
    return wire.document_json(engine.document(document_id))


@router.get("/documents/{document_id}/versions")
def get_versions(engine: EngineOfApp, document_id: str) -> dict[str, Any]:
    """Every version of a document, newest first."""
    return {"versions": [wire.version_json(version) for version in engine.versions(document_id)]}


@router.get("/documents/{document_id}/quotes")
def get_quotes(engine: EngineOfApp, document_id: str) -> dict[str, Any]:
    """The quotes that old answers keep of a document, also of a removed or erased one.

    They stay when it is removed; `DELETE` with `purge` blanks them.
    """
    return {"quotes": [wire.quote_json(quote) for quote in engine.quotes_of([document_id])]}


@router.get("/documents/{document_id}/text")
def get_text(engine: EngineOfApp, document_id: str, version: int | None = None) -> dict[str, Any]:
    """The text of one version with its pages, its places within the original, and its chunks."""
    return wire.show_json(engine.show(document_id, version=version))


@router.get("/documents/{document_id}/original", response_class=FileResponse)
def get_original(engine: EngineOfApp, document_id: str, version: int | None = None) -> FileResponse:
    """Download the file as it was uploaded."""
    original = engine.original(document_id, version=version)
    return FileResponse(
        original.path,
        media_type=original.media_type,
        filename=PurePosixPath(original.source).name,
        content_disposition_type="attachment",
        headers=_HARMLESS,
    )


@router.get("/documents/{document_id}/pages/{page}.png", response_class=Response)
def get_page(
    engine: EngineOfApp,
    document_id: str,
    page: int,
    version: int | None = None,
    width: Annotated[int, Query(ge=100, le=3000, description="Pixels.")] = 1000,
) -> Response:
    """One page of a PDF or an image file as a PNG picture."""
    image = engine.page_image(document_id, page, version=version, width=width)
    return Response(image, media_type="image/png", headers=_HARMLESS)


@router.delete("/documents/{document_id}")
def remove_document(engine: EngineOfApp, document_id: str, purge: bool = False) -> dict[str, Any]:
    """Take a document out of every answer at once.

    With `purge` its bytes, text and vectors are erased, and the quotes that old answers keep
    of it; without, `restore` brings it back. Files of the index hold traces of an erased
    document until it is compacted.
    """
    quotes = len(engine.quotes_of([document_id]))
    if engine.remove([document_id], purge=purge) == 0:
        raise NotFoundError("document", document_id)
    kept, blanked = (0, quotes) if purge else (quotes, 0)
    return {
        "document_id": document_id,
        "removed": True,
        "purged": purge,
        "quotes_kept": kept,
        "quotes_blanked": blanked,
    }


@router.post("/documents/{document_id}/restore")
def restore_document(engine: EngineOfApp, document_id: str) -> dict[str, Any]:
    """Undo a removal."""
    if engine.restore([document_id]) == 0:
        raise NotFoundError("removed document", document_id)
    return wire.document_json(engine.document(document_id))


@router.post("/documents/{document_id}/retry", status_code=202)
def retry_document(engine: EngineOfApp, document_id: str) -> dict[str, Any]:
    """Ingest a failed or cancelled version again."""
    job_id = engine.retry(document_id)
    return {**wire.document_json(engine.document(document_id)), "job_id": job_id}


@router.post("/documents/{document_id}/cancel", status_code=202)
def cancel_document(engine: EngineOfApp, document_id: str) -> dict[str, Any]:
    """Stop the ingest of a document; what was stored of it before keeps serving."""
    engine.cancel(document_id)
    return wire.document_json(engine.document(document_id))


@router.get("/collections")
def list_collections(engine: EngineOfApp) -> dict[str, Any]:
    """The named sets of documents."""
    return {"collections": [wire.collection_json(collection) for collection in engine.collections()]}
