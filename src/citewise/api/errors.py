"""Every failure becomes a status and one sentence: ``{"error": "…"}``."""

from __future__ import annotations

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from citewise.api.wire import error_json
from citewise.errors import (
    CitewiseError,
    DamagedRegistryError,
    DimensionMismatchError,
    DirectoryInUseError,
    IngestError,
    NoSpaceError,
    NotAllowedError,
    NotFoundError,
    ProviderError,
    QuestionError,
    RegistryError,
    SettingsError,
    StoreError,
)

STATUS_OF: dict[type[CitewiseError], int] = {
    # The server's set-up is wrong; unless the request named a model, nothing it can change.
    SettingsError: 500,
    IngestError: 422,
    QuestionError: 422,
    RegistryError: 503,
    DamagedRegistryError: 503,
    DirectoryInUseError: 503,
    NoSpaceError: 507,
    NotFoundError: 404,
    StoreError: 503,
    DimensionMismatchError: 409,
    ProviderError: 502,
    NotAllowedError: 403,
}
"""The HTTP status of each family; a family without a line of its own takes its parent's."""

_MOST_PROBLEMS = 3  # in one sentence


def status_of(error: CitewiseError) -> int:
    """The status for an error: that of its nearest family."""
    for family in type(error).__mro__:
        if family in STATUS_OF:
            return STATUS_OF[family]
    return 500


def install_error_handlers(app: FastAPI) -> None:
    """Make every failure of ``app`` a status and a sentence."""

    @app.exception_handler(CitewiseError)
    def expected(_: Request, error: CitewiseError) -> JSONResponse:
        headers = {}
        if isinstance(error, ProviderError) and error.retry_after:
            headers["Retry-After"] = str(round(error.retry_after))
        return JSONResponse(error_json(str(error)), status_code=status_of(error), headers=headers)

    @app.exception_handler(RequestValidationError)
    def wrong_request(_: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse(error_json(sentence_of(error)), status_code=422)

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> JSONResponse:
        sentences = {
            404: f"There is nothing at {request.url.path}. The page /api/docs lists what there is.",
            405: f"{request.url.path} does not take {request.method}. The page /api/docs lists what it does.",
        }
        sentence = sentences.get(error.status_code, str(error.detail))
        return JSONResponse(error_json(sentence), status_code=error.status_code, headers=error.headers)

    @app.exception_handler(Exception)
    def unexpected(request: Request, error: Exception) -> JSONResponse:
        structlog.get_logger(__name__).error(
            "request failed", method=request.method, path=request.url.path, exc_info=error
        )
        sentence = "Something went wrong that Citewise did not foresee. The log of the server says what."
        return JSONResponse(error_json(sentence), status_code=500)


def sentence_of(error: RequestValidationError) -> str:
    """Say in one sentence what is wrong with a request."""
    problems = []
    for problem in error.errors():
        if problem["type"] == "json_invalid":
            return "The body of the request is not valid JSON. Send a JSON object."
        name = ".".join(str(part) for part in problem["loc"][1:])
        if problem["type"] == "missing" and not name:
            return "The request has no body. Send a JSON object."
        if problem["type"] == "missing":
            problems.append(f"`{name}` is missing")
        elif problem["type"] == "extra_forbidden":
            problems.append(f"`{name}` is not known here")
        else:
            message = problem["msg"][:1].lower() + problem["msg"][1:]
            problems.append(f"`{name}`: {message}" if name else message)
    left = len(problems) - _MOST_PROBLEMS
    more = f"; and {left} more" if left > 0 else ""
    return f"The request cannot be used: {'; '.join(problems[:_MOST_PROBLEMS])}{more}."
