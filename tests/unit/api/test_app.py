from __future__ import annotations

import inspect
import re
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from citewise import errors
from citewise.api import create_app, health_routes
from citewise.api.errors import STATUS_OF, status_of
from citewise.api.guard import host_name
from citewise.errors import CitewiseError, DirectoryInUseError, ProviderError
from tests.unit.api.fake_engine import FakeEngine

FAMILIES = [
    family
    for _, family in inspect.getmembers(errors, inspect.isclass)
    if issubclass(family, CitewiseError) and family is not CitewiseError
]
ARGUMENTS: dict[str, Any] = {
    "DirectoryInUseError": {"directory": "/d", "pid": 7, "url": "http://127.0.0.1:8501"},
    "DamagedRegistryError": {"path": "/d/registry.sqlite3", "what": "its log was cut off"},
    "NoSpaceError": {"directory": "/d"},
    "NotFoundError": {"kind": "document", "name": "x"},
    "DimensionMismatchError": {"expected": 3, "got": 4},
}


def make(family: type[CitewiseError]) -> CitewiseError:
    if family.__name__ in ARGUMENTS:
        return family(**ARGUMENTS[family.__name__])
    return ProviderError("It failed.", provider="openai") if family is ProviderError else family("It failed.")


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_of_errors_has_a_status_of_its_own(family: type[CitewiseError]) -> None:
    assert family in STATUS_OF, f"{family.__name__} needs a line in citewise.api.errors.STATUS_OF"


@pytest.mark.parametrize("family", FAMILIES)
def test_every_error_reaches_the_caller_as_its_status_and_sentence(
    client: TestClient, engine: FakeEngine, family: type[CitewiseError]
) -> None:
    engine.failure = make(family)
    response = client.get("/api/documents")
    assert response.status_code == STATUS_OF[family]
    assert response.json() == {"error": str(engine.failure)}


def test_an_error_without_a_line_takes_the_status_of_its_family() -> None:
    class StrangeError(errors.QuestionError): ...

    assert status_of(StrangeError("?")) == 422


def test_a_provider_that_asks_to_wait_is_passed_on(client: TestClient, engine: FakeEngine) -> None:
    engine.failure = ProviderError("Too many requests.", provider="openai", retryable=True, retry_after=7.2)
    response = client.get("/api/documents")
    assert (response.status_code, response.headers["retry-after"]) == (502, "7")


def test_an_unforeseen_error_is_a_sentence_and_a_line_in_the_log(client: TestClient, engine: FakeEngine) -> None:
    engine.failure = ZeroDivisionError("secret detail")
    with capture_logs() as logged:
        response = client.get("/api/documents")
    assert response.status_code == 500
    assert "did not foresee" in response.json()["error"]
    assert "secret detail" not in response.text
    assert (logged[0]["event"], logged[0]["path"]) == ("request failed", "/api/documents")
    assert logged[0]["exc_info"] is engine.failure


def test_a_method_that_a_path_does_not_take_is_a_sentence(client: TestClient) -> None:
    response = client.put("/api/search")
    assert response.status_code == 405
    assert "does not take PUT" in response.json()["error"]


# --- other web pages ------------------------------------------------------------------


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:9999", "null"])
def test_a_request_from_another_page_changes_nothing(client: TestClient, tides: str, origin: str) -> None:
    response = client.delete(f"/api/documents/{tides}", headers={"Origin": origin})
    assert response.status_code == 403
    assert "another web page" in response.json()["error"]
    assert client.get(f"/api/documents/{tides}").status_code == 200


def test_a_request_from_our_own_page_passes(client: TestClient, tides: str) -> None:
    own = {"Origin": "http://localhost:8501"}
    assert client.post("/api/search", json={"question": "tide"}, headers=own).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8501", "localhost.evil.example", "", "[::1"])
def test_a_foreign_name_for_this_server_is_refused(client: TestClient, host: str) -> None:
    response = client.get("/api/documents", headers={"Host": host})
    assert response.status_code == 403
    assert "does not answer to the name" in response.json()["error"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8501", "[::1]:8501", "192.168.1.7:8501", "LOCALHOST:1"])
def test_addresses_and_localhost_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/api/documents", headers={"Host": host}).status_code == 200


def test_names_that_the_operator_allows_are_answered(engine: FakeEngine) -> None:
    app = create_app(lambda: engine, allowed_hosts=["papers.example", "*.lab.example"])
    for host, status in [
        ("papers.example", 200),
        ("a.lab.example:80", 200),
        ("lab.example", 403),
        ("xlab.example", 403),
    ]:
        with TestClient(app, base_url=f"http://{host}") as client:
            assert client.get("/collections").status_code == status


@pytest.mark.parametrize(
    ("header", "name"), [("Example.org.:80", "example.org"), ("[::1]:80", "::1"), ("a@b:80", "b"), ("[", "")]
)
def test_the_name_in_a_host_header_is_found(header: str, name: str) -> None:
    assert host_name(header) == name


# --- description, health --------------------------------------------------------------


def test_the_docs_page_lists_every_route_and_asks_nothing_of_other_hosts(client: TestClient) -> None:
    page = client.get("/api/docs").text
    described = client.get("/api/openapi.json").json()["paths"]
    assert len(described) > 15
    for path in described:
        assert f"<code>/api{path}</code>" in page
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", page)
    assert "<script" not in page
    assert "redoc" not in page


def test_every_route_says_what_it_does(engine: FakeEngine) -> None:
    app: FastAPI = create_app(lambda: engine)
    for path, operations in app.openapi()["paths"].items():
        for method, operation in operations.items():
            assert operation.get("description"), f"{method} {path} has no description"


def test_a_live_process_says_so(client: TestClient) -> None:
    assert client.get("/health/live").json() == {"live": True}


def test_ready_means_that_every_check_passes(client: TestClient, engine: FakeEngine) -> None:
    assert client.get("/health/ready").status_code == 200
    engine.ready = False
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["checks"]["index"] == "The index is being opened."


def test_without_an_engine_the_reason_is_told() -> None:
    def no_engine() -> FakeEngine:
        raise DirectoryInUseError(directory="/d", pid=7, url=None)

    app = Starlette(routes=[Mount("/api", app=create_app(no_engine)), *health_routes(no_engine)])
    with TestClient(app, base_url="http://localhost") as client:
        ready = client.get("/health/ready")
        assert ready.status_code == 503
        assert "process 7" in ready.json()["checks"]["engine"]
        assert client.get("/api/documents").status_code == 503


def test_figures_are_served_in_the_format_of_prometheus(client: TestClient) -> None:
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    assert "# TYPE citewise_documents_total counter" in response.text
