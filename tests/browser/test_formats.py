"""Every family of files: ask, open the source, see the passage marked; and what was read of each."""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import ROOT, WAIT_MS, Served, serve
from tests.browser.files import SAMPLES, Sample
from tests.fake_models import FakeModels

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, models: FakeModels) -> Iterator[Served]:
    """A served app that has read a file of each family and answers with its words."""
    folder = tmp_path_factory.mktemp("formats")
    for served in serve(
        [sys.executable, str(ROOT / "tests" / "browser" / "app.py"), "{port}"],
        folder,
        CITEWISE_ANSWER__MODEL="openai:nearest",
        CITEWISE_ANSWER__OPENAI_MODELS='["nearest"]',
        OPENAI_BASE_URL=models.openai_url,
        OPENAI_API_KEY="sk-test",
    ):
        for sample in SAMPLES:
            sample.write(folder / sample.name)
        upload(served, [folder / sample.name for sample in SAMPLES])
        yield served


def upload(served: Served, paths: list[Path]) -> None:
    """Add files by the API, and wait until nothing goes on with any."""
    boundary = uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{path.name}"\r\n\r\n'.encode()
        + path.read_bytes()
        + b"\r\n"
        for path in paths
    ]
    request = urllib.request.Request(f"{served.url}/api/documents", b"".join(parts) + f"--{boundary}--\r\n".encode())
    request.add_header("Content-Type", f"multipart/form-data; boundary={boundary}")
    urllib.request.urlopen(request).close()
    until = time.monotonic() + WAIT_MS / 1000
    while any(one["status"] not in {"ready", "failed"} for one in documents(served)) and time.monotonic() < until:
        time.sleep(0.2)


def documents(served: Served) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{served.url}/api/documents") as response:
        found: list[dict[str, Any]] = json.load(response)["documents"]
    return found


@pytest.fixture(scope="module")
def tab(browser: Browser, library: Served) -> Iterator[Page]:
    """One tab for all questions: loading the app anew for each would take most of the time."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    page.goto(library.url)
    yield page
    context.close()


def open_source(tab: Page, question: str, name: str) -> Locator:
    """Ask in a new chat and open the first source, which must be called ``name``; returns the panel."""
    tab.get_by_role("button", name="New chat").click()
    expect(tab.locator(".answer")).to_have_count(0)
    box = tab.get_by_test_id("stChatInputTextArea")
    box.fill(question)
    box.press("Enter")
    tab.get_by_role("button", name=re.compile(f"^Open source 1: {name}")).click()
    return tab.locator(".st-key-source_panel")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name.rpartition(".")[2])
def test_the_passage_is_marked_in_its_source(tab: Page, library: Served, sample: Sample) -> None:
    (document,) = [one for one in documents(library) if one["source"] == sample.name]
    if document["status"] != "ready" and sample.name.endswith(".png") and shutil.which("tesseract") is None:
        pytest.skip("OCR needs Tesseract")
    assert document["status"] == "ready", document["error"]
    panel = open_source(tab, sample.question, f"{re.escape(sample.name)}, .*{sample.locator}")
    expect(panel.locator("mark").first).to_be_in_viewport()
    expect(panel.locator("mark", has_text=sample.marked).first).to_be_visible()
    expect(panel.get_by_role("button", name="Download the original")).to_be_visible()


def test_slides_are_turned(tab: Page) -> None:
    panel = open_source(tab, "What do lanterns burn until the equinox?", "lanterns")
    expect(panel.get_by_role("heading", name="Slide 2 of 3")).to_be_visible()
    expect(panel.locator(".shape.cited")).to_contain_text("whale oil")
    panel.get_by_role("button", name="Next slide").click()
    expect(panel.get_by_role("heading", name="Slide 3 of 3")).to_be_visible()
    expect(panel).to_contain_text("Ask us anything")
    expect(panel.locator(".shape.cited")).to_have_count(0)


def test_the_cited_row_of_a_sheet_stands_among_its_neighbours_with_its_address(tab: Page) -> None:
    table = open_source(tab, "How much marzipan is in the pantry?", "stores").get_by_role("region").locator("table")
    row = table.locator("tr.cited")
    expect(row).to_have_count(1)
    expect(row.get_by_role("rowheader")).to_have_text("cited, 38")
    expect(table.get_by_role("columnheader", name="Kilograms")).to_be_in_viewport()
    expect(table.get_by_role("row", name="37 Ration number 36")).to_be_visible()


def test_the_library_shows_what_was_read_of_each_page(page: Page, library: Served) -> None:
    (deck,) = [one for one in documents(library) if one["source"] == "lanterns.pptx"]
    page.goto(f"{library.url}/library?document={deck['document_id']}")
    strip = page.get_by_role("group", name="Slides of lanterns.pptx")
    expect(strip.get_by_role("img")).to_have_count(3)
    first = strip.get_by_role("img", name="Slide 1:")
    first.focus()
    page.keyboard.press("End")
    expect(strip.get_by_role("img", name="Slide 3:")).to_be_focused()
    expect(page.locator(".detail")).to_contain_text("Slide 3:")
    page.get_by_role("button", name="What was read of lanterns").click()
    expect(strip).to_have_count(0)


def test_an_answer_from_an_incomplete_document_leads_to_its_report(
    page: Page, library: Served, ask: Callable[[str], None], tmp_path: Path
) -> None:
    path = tmp_path / "half.eml"
    path.write_bytes(
        b"From: a@example.org\nSubject: Plans\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n"
        b"--x\nContent-Type: text/plain\n\nThe bathyscaphe dives on Whit Monday.\n"
        b'--x\nContent-Type: application/octet-stream\nContent-Disposition: attachment; filename="plan.dwg"\n\n'
        b"\x00\x01\x02\n--x--\n"
    )
    upload(library, [path])
    page.goto(library.url)
    ask("When does the bathyscaphe dive?")
    expect(page.get_by_text("half.eml could not be read in full: 1 part was not read.")).to_be_visible()
    page.get_by_role("link", name="See its report").click()
    expect(page.get_by_role("heading", name="What could not be read")).to_be_visible()
    expect(page.locator(".missing")).to_contain_text("plan.dwg")
