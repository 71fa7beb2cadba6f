"""Routes for conversations as files."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from citewise.answer.export.formats import ExportFormat
from citewise.api import wire_exports
from citewise.api.dependencies import EngineOfApp
from citewise.errors import QuestionError

router = APIRouter(tags=["conversations"])

# Words of documents and models must not run in this origin.
_HARMLESS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}
_FILE = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string"}}}}}


@router.get("/conversations/{conversation_id}/export", response_class=Response)
def export_conversation(
    engine: EngineOfApp,
    conversation_id: str,
    export_format: Annotated[
        ExportFormat, Query(alias="format", description="Only `json` holds everything and can be imported.")
    ] = "md",
) -> Response:
    """Download a conversation with its footnotes, quotes and verdicts.

    `md`, `html` and `docx` have the branch that is shown, `json` all of them.
    """
    exported = engine.exports.write(conversation_id, export_format)
    headers = {**_HARMLESS, "Content-Disposition": f"attachment; filename*=UTF-8''{quote(exported.name)}"}
    return Response(exported.content, media_type=exported.media_type, headers=headers)


@router.post("/conversations/import", status_code=201, openapi_extra=_FILE)
async def import_conversation(
    request: Request,
    engine: EngineOfApp,
    collection: Annotated[
        str | None, Query(description="Which its further questions are asked of; unset: that of the same name.")
    ] = None,
) -> dict[str, Any]:
    """Bring a conversation back from its exported JSON, which is the body of the request.

    It gets new ids where its own are taken. `footnotes` says of each whether its words stand at their place in
    a document of this library.
    """
    content = await _body(request)
    return wire_exports.imported_json(await run_in_threadpool(engine.exports.read, content, collection=collection))


@router.post("/conversations/resolve", openapi_extra=_FILE)
async def resolve_footnotes(request: Request, engine: EngineOfApp) -> dict[str, Any]:
    """Look up every footnote of an exported conversation, in any of the formats; the file is the body."""
    content = await _body(request)
    return wire_exports.resolution_json(await run_in_threadpool(engine.exports.resolve, content))


async def _body(request: Request) -> bytes:
    """Read the body up to the largest file that is taken."""
    from citewise.answer.export.carried import check_size  # noqa: PLC0415 - only these routes need it

    received = bytearray()
    async for piece in request.stream():
        received += piece
        check_size(len(received))
    if not received:
        raise QuestionError("The request has no body. Send the exported file.")
    return bytes(received)
