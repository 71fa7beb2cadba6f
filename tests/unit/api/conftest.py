from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from citewise.api import create_app, health_routes
from tests.unit.api.fake_engine import FakeEngine

TIDES = b"The spring tide reaches 4.2 metres at the old harbour.\n\nThe ferry leaves at noon on Sundays.\n"


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    return FakeEngine(tmp_path)


@pytest.fixture
def client(engine: FakeEngine) -> Iterator[TestClient]:
    """The API as it is served: mounted, beside the health routes."""
    api = create_app(lambda: engine)
    app = Starlette(routes=[Mount("/api", app=api), *health_routes(lambda: engine)])
    with TestClient(app, base_url="http://localhost:8501", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def tides(client: TestClient) -> str:
    """A document in the default collection; its id."""
    response = client.post("/api/documents", files={"files": ("tides.txt", TIDES)})
    assert response.status_code == 202
    return str(response.json()["documents"][0]["document_id"])
