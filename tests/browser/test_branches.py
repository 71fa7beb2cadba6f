"""Questions asked anew, answers beside one another, and first questions that the documents answer."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Served, drawn
from tests.fake_models import FakeModels

pytestmark = pytest.mark.browser

Ask = Callable[[str], None]

MANUAL = (
    "# Hut manual\n\n## How many people does the hut sleep?\n\nThe hut sleeps twelve people in three rooms.\n\n"
    "## When are blankets washed?\n\nBlankets are washed every spring, and they are aired in the autumn.\n"
)


@pytest.fixture(autouse=True)
def opened(page: Page, served: Served, models: FakeModels) -> None:
    """A page with the manual in the library, and answers without waiting."""
    models.delay_s = 0.0
    page.goto(served.url)
    with urllib.request.urlopen(f"{served.url}/api/documents") as response:
        known = json.load(response)["documents"]
    if not known:
        file = {"name": "manual.md", "mimeType": "text/markdown", "buffer": MANUAL.encode()}
        page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files([file])  # type: ignore[list-item]
    expect(page.get_by_text("What would you like to know?")).to_be_visible()


def finished(page: Page) -> None:
    expect(page.get_by_role("button", name="Answer again with…").last).to_be_visible()
    drawn(page)


def question(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", name=text, level=2)).to_be_visible()


def test_a_suggested_question_is_asked_and_answered(page: Page) -> None:
    page.get_by_role("button", name="How many people does the hut sleep?").click()
    question(page, "How many people does the hut sleep?")
    finished(page)


def test_a_question_is_edited_and_the_keyboard_goes_through_both(page: Page, ask: Ask) -> None:
    ask("When are blankets washed?")
    finished(page)
    ask("Who lands in fog?")
    question(page, "Who lands in fog?")
    page.get_by_role("button", name="Edit the question").first.click()
    page.get_by_role("textbox", name="Question").fill("How many rooms has the hut?")
    page.get_by_role("button", name="Ask this instead").click()
    question(page, "How many rooms has the hut?")
    expect(page.locator(".question h2")).to_have_count(1)  # the follow-up belongs to the other branch
    finished(page)
    back = page.get_by_role("button", name="Previous version")
    back.focus()
    page.keyboard.press("Enter")
    question(page, "When are blankets washed?")
    question(page, "Who lands in fog?")
    expect(back).to_be_focused()
    page.reload()
    question(page, "Who lands in fog?")


def test_another_model_answers_beside_the_first_and_is_rated(page: Page, ask: Ask, served: Served) -> None:
    ask("How many people sleep in the hut?")
    finished(page)
    page.get_by_role("button", name="Answer again with…").click()
    page.get_by_text("Quotes only (no model)", exact=True).click()
    expect(page.get_by_text("Answered by Quotes only")).to_be_visible()
    page.get_by_role("button", name="Compare 2 answers").click()
    columns = page.locator('[class*="st-key-column_"]')
    expect(columns).to_have_count(2)
    left, right = (columns.nth(number).bounding_box() for number in range(2))
    assert left
    assert right
    assert left["y"] == right["y"]
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function(
        "([...document.querySelectorAll('[class*=\"st-key-column_\"]')].map(one => one.getBoundingClientRect().x)"
        ".every((x, _, all) => x === all[0]))"
    )
    columns.last.get_by_role("button", name="Not a good answer").click()
    columns.last.get_by_text("Something is missing").click()
    columns.last.get_by_role("button", name="Save").click()
    expect(columns.last.get_by_text("Something is missing")).to_be_visible()
    conversation = re.search(r"c=(\w+)", page.url)
    assert conversation
    with urllib.request.urlopen(f"{served.url}/api/conversations/{conversation.group(1)}") as response:
        (turn,) = json.load(response)["turns"]
    assert (turn["feedback"]["good"], turn["feedback"]["reason"]) == (False, "missing")
