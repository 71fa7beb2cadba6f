"""The app as it is started in a checkout, with nothing replaced."""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, Served, serve

pytestmark = [pytest.mark.browser, pytest.mark.model]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    # From another folder than the checkout: the configuration must be found beside app.py.
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port", "{port}"]
    yield from serve(command, tmp_path_factory.mktemp("started"))


def test_pages_api_and_health_are_one_process(page: Page, started: Served) -> None:
    page.goto(started.url)
    expect(page.get_by_text("Answers you can check")).to_be_visible()
    for path in ("/api/docs", "/health/live", "/metrics"):
        with urllib.request.urlopen(f"{started.url}{path}", timeout=60) as response:
            assert response.status == 200


def test_the_library_is_one_click_away(page: Page, started: Served) -> None:
    page.goto(started.url)
    page.get_by_role("link", name="Library").click()
    expect(page.get_by_text("Nothing here yet")).to_be_visible()
