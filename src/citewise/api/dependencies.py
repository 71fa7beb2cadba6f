"""What routes need from the application that they belong to."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from citewise.engine import Engine


def _engine(request: Request) -> Engine:
    return request.app.state.get_engine()  # type: ignore[no-any-return]


EngineOfApp = Annotated[Engine, Depends(_engine)]
