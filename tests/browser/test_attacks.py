"""A model that obeys documents, in a real browser: nothing is fetched from elsewhere, nothing becomes markup."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.attacks import ATTACKS, HOST
from tests.browser.conftest import ROOT, Served, serve
from tests.fake_models import FakeModels

pytestmark = pytest.mark.browser

# One of each kind; what a model may write in answer to all of them is tested without a browser.
SAMPLE = (
    "image",
    "image-reference",
    "link-bare",
    "link-script",
    "html-image",
    "html-style",
    "html-in-code",
    "svg",
    "latex-href",
    "citation-link",
    "citation-button",
    "hidden-tags",
    "order-english",
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, models: FakeModels) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("attacked")
    yield from serve(
        [sys.executable, str(ROOT / "tests" / "browser" / "app.py"), "{port}"],
        folder,
        CITEWISE_ANSWER__MODEL="openai:obedient",
        CITEWISE_SEARCH__K=str(len(SAMPLE)),
        OPENAI_BASE_URL=models.openai_url,
        OPENAI_API_KEY="sk-test",
    )


def test_a_model_that_obeys_documents_reaches_nobody(
    page: Page, served: Served, ask: Callable[[str], None], tmp_path: Path
) -> None:
    files = []
    for name in SAMPLE:
        files.append(tmp_path / f"creatures-{name}.md")
        files[-1].write_text(f"# Creatures of the wood\n\n{ATTACKS[name]}\n", encoding="utf-8")
    page.goto(served.url)
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(files)
    expect(page.get_by_text(f"{len(SAMPLE)} documents ready")).to_be_visible()
    ask("What do the creatures of the wood do?")
    expect(page.get_by_text("How this was found")).to_be_visible()
    answer = page.locator(".answer")
    expect(answer).to_contain_text(f"{HOST}/beacon/image.png?q=secret")
    assert answer.locator("a, img, svg, script, iframe, form, style, object, embed, video, .katex").count() == 0
    chips = answer.locator("button")
    assert chips.count() == answer.locator("button.cite[aria-label^='Open source']").count()
    expect(page.get_by_text("speaks to an AI assistant and not to a reader")).to_be_visible()
    page.get_by_role("button", name="[1]").first.click()
    panel = page.locator(".st-key-source_panel")
    expect(panel.locator("mark").first).to_be_visible()
    assert panel.locator(".source-head, .passage").locator("a, img, script, iframe").count() == 0
    for name, says in (("order-english", "speaks to an AI assistant"), ("hidden-tags", "invisible characters")):
        assert says in warnings(served, f"creatures-{name}.md")
    # The fixture of the page fails if any request went to another host.


def warnings(served: Served, source: str) -> str:
    listed = _get(f"{served.url}/api/documents")["documents"]
    document_id = next(document["document_id"] for document in listed if document["source"] == source)
    return " ".join(_get(f"{served.url}/api/documents/{document_id}")["report"]["warnings"])


def _get(url: str) -> Any:
    with urllib.request.urlopen(url) as response:
        return json.load(response)
