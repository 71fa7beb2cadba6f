"""The route for a backup."""

from __future__ import annotations

import shutil
import time

from fastapi import APIRouter
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from citewise.api.dependencies import EngineOfApp

router = APIRouter(tags=["backup"])


@router.get("/backup", response_class=FileResponse)
def get_backup(engine: EngineOfApp) -> FileResponse:
    """Download everything but the indexes as one file, for `citewise restore`.

    The work goes on meanwhile. The answer begins when the file is complete.
    """
    report = engine.backup()
    return FileResponse(
        report.path,
        media_type="application/zip",
        filename=time.strftime("citewise-%Y%m%d-%H%M%S.zip", time.localtime(report.created_at)),
        background=BackgroundTask(shutil.rmtree, report.path.parent, ignore_errors=True),
    )
