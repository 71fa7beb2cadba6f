"""Routes for watched folders."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from citewise.api import wire
from citewise.api.dependencies import EngineOfApp

router = APIRouter(tags=["watched folders"])


class FolderToWatch(BaseModel):
    """A folder of the machine that Citewise runs on."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(min_length=1, max_length=4000, description="The whole path, on the server's machine.")
    collection: str = "default"


@router.get("/folders")
def list_folders(engine: EngineOfApp) -> dict[str, Any]:
    """All watched folders, each as of the last look at it."""
    return {"folders": [wire.folder_json(folder) for folder in engine.watched_folders()]}


@router.post("/folders", status_code=201)
def watch_folder(engine: EngineOfApp, body: FolderToWatch) -> dict[str, Any]:
    """Let a folder's files be documents from now on: added, changed and removed as they are."""
    return wire.folder_json(engine.watch_folder(body.path, body.collection))


@router.delete("/folders/{folder_id}")
def unwatch_folder(engine: EngineOfApp, folder_id: str, remove_documents: bool = False) -> dict[str, Any]:
    """Follow a folder no more. Its documents stay, unless they are to be removed."""
    removed = engine.unwatch_folder(folder_id, remove_documents=remove_documents)
    return {"folder_id": folder_id, "removed_documents": removed}
