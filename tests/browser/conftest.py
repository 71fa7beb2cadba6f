"""A served app per test module, a browser for all of them, and an eye on where requests go."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Download, Locator, Page, Request, expect, sync_playwright
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from tests.conftest import HIDDEN_VARIABLES
from tests.fake_models import FakeModels

ROOT = Path(__file__).parents[2]
START_S = 120  # generous: two cores may be busy with other things
WAIT_MS = 60_000

expect.set_options(timeout=WAIT_MS)

HANDBOOK = {
    "Rooms and beds": "The hut sleeps twelve people in three rooms. Blankets are washed every spring.",
    "Meals on trips": "Meals on trips are paid up to 40 EUR a day. Receipts are handed in within four weeks.",
    "Boats and tides": "The boat leaves at high water. Nobody lands in fog, whatever the forecast says.",
}
FILLING = "Keep a copy of this page near the door, dry and where everybody finds it without asking."


@dataclass(frozen=True)
class Served:
    """A running app."""

    url: str
    log: Path


@pytest.fixture(scope="module")
def models() -> Iterator[FakeModels]:
    with FakeModels(delay_s=0.2) as fake:
        yield fake


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, models: FakeModels) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    yield from serve(
        [sys.executable, str(ROOT / "tests" / "browser" / "app.py"), "{port}"],
        folder,
        CITEWISE_ANSWER__MODEL="openai:slow",
        CITEWISE_ANSWER__OPENAI_MODELS='["slow", "ok"]',
        OPENAI_BASE_URL=models.openai_url,
        OPENAI_API_KEY="sk-test",
    )


def serve(command: list[str], folder: Path, **environment: str) -> Iterator[Served]:
    """Run an app on a free port (``{port}`` in its command) in ``folder``, until the generator is closed."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    url = f"http://127.0.0.1:{port}"
    clean = {name: value for name, value in os.environ.items() if name not in HIDDEN_VARIABLES}
    log = folder / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [part.format(port=port) for part in command],
            cwd=folder,
            env={**clean, "CITEWISE_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT), **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_served(f"{url}/health/live", process, log)
            yield Served(url, log)
        finally:
            process.terminate()
            process.wait(60)
    said = log.read_text(encoding="utf-8")
    assert "Traceback" not in said, said


def _wait_until_served(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"The app did not start:\n{log.read_text(encoding='utf-8')}", pytrace=False)


@pytest.fixture(scope="package")  # its event loop must not go on under the tests that come after
def browser(chromium: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh browser window whose every request must stay on this machine."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(WAIT_MS)
    left: list[str] = []

    def watch(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and parts.hostname != "127.0.0.1":
            left.append(request.url)

    context.on("request", watch)
    yield context
    context.close()
    assert not left, f"requests left this machine: {left}"


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def drawn(page: Page) -> None:
    """Wait until the page's script is over: before that, an open menu or the focus may be drawn away."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def downloaded(page: Page, button: Locator) -> Download:
    """Press a button that downloads. Its file is of the page as it was drawn last: no redraw may come in between."""
    page.wait_for_timeout(1_000)  # for one that has yet to begin
    drawn(page)
    with page.expect_download() as download:
        button.click()
    return download.value


@pytest.fixture(scope="session")
def handbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PDF of three pages, one subject each."""
    path = tmp_path_factory.mktemp("files") / "handbook.pdf"
    canvas = Canvas(str(path), pagesize=A4)
    canvas.setTitle("Hut handbook")
    for heading, text in HANDBOOK.items():
        canvas.setFont("Helvetica-Bold", 18)
        canvas.drawString(72, 740, heading)
        canvas.setFont("Helvetica", 11)
        canvas.drawString(72, 700, text)
        for line in range(12):  # enough for a page to be a chunk of its own
            canvas.drawString(72, 660 - 24 * line, FILLING)
        canvas.showPage()
    canvas.save()
    return path


@pytest.fixture
def ask(page: Page) -> Callable[[str], None]:
    def asked(question: str) -> None:
        box = page.get_by_test_id("stChatInputTextArea")
        box.fill(question)
        box.press("Enter")

    return asked
