"""The main job from an empty page, once through, as a person does it."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Served
from tests.fake_models import FakeModels

pytestmark = pytest.mark.browser

_DROP = """([name, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type: "application/pdf" }));
  const drag = (kind, target) =>
    target.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
  drag("dragover", document.body);
  const covered = document.elementFromPoint(innerWidth / 2, innerHeight - 40).closest(".st-key-drop_zone") !== null;
  drag("drop", document.querySelector('[data-testid="stFileUploaderDropzone"]'));
  return covered;
}"""


def test_a_dropped_pdf_is_asked_and_the_quoted_words_are_boxed_on_its_page(
    page: Page, served: Served, models: FakeModels, handbook: Path, ask: Callable[[str], None]
) -> None:
    page.goto(served.url)
    expect(page.get_by_text("Answers you can check")).to_be_visible()
    expect(page.get_by_test_id("stFileUploaderDropzone")).to_be_visible()
    expect(page.locator(".st-key-drop_anywhere .stBidiComponent")).to_be_attached()

    covered = page.evaluate(_DROP, [handbook.name, base64.b64encode(handbook.read_bytes()).decode()])
    assert covered, "files dragged over the window find the upload zone wherever they are"
    expect(page.get_by_text("What would you like to know?")).to_be_visible()

    ask("What is paid for meals on trips?")
    expect(page.get_by_role("heading", name="What is paid for meals on trips?", level=2)).to_be_visible()
    answer = page.locator(".answer")
    expect(answer).to_contain_text(re.compile(r"\w"))
    expect(page.get_by_role("status").first).to_have_text("Searching your documents")
    early = answer.inner_text()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()

    page.reload()
    expect(answer).to_contain_text(early.strip())
    expect(page.get_by_text("How this was found")).to_be_visible()
    assert len(answer.inner_text()) > len(early)
    expect(answer).to_have_count(1)
    expect(page.get_by_role("heading", name="What is paid for meals on trips?", level=2)).to_have_count(1)
    assert len(models.requests) == 1
    expect(page.get_by_role("status").first).to_have_text("Answer ready, 2 sources")

    chip = page.get_by_role("button", name="Open source 1: handbook.pdf, page")
    chip.focus()
    chip.press("Enter")
    panel = page.locator(".st-key-source_panel")
    expect(panel.locator("mark").first).to_be_visible()
    expect(chip).to_have_attribute("aria-pressed", "true")
    expect(chip).to_be_focused()

    image = panel.get_by_role("img", name="of handbook.pdf")
    expect(image).to_be_visible()
    assert panel.locator("mark").first.inner_text() in (image.get_attribute("alt") or "")
    assert _coloured_share(page, image.get_attribute("src") or "") > 0.001

    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    expect(chip).to_be_focused()
    expect(chip).to_have_attribute("aria-pressed", "false")


def _coloured_share(page: Page, source: str) -> float:
    """The share of pixels of an image that are neither black, white nor grey."""
    content = page.request.get(source if source.startswith("http") else f"{page.url.split('/?')[0]}{source}").body()
    pixels = list(Image.open(io.BytesIO(content)).convert("HSV").resize((200, 280)).get_flattened_data())
    return sum(saturation > 40 for _, saturation, _ in pixels) / len(pixels)
