"""Two documents that differ: the notice under the answer, and both in the panel with their words marked."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from tests.browser.conftest import Served
from tests.fake_models import FakeModels

pytestmark = pytest.mark.browser

FILLING = "The harbour is closed to large vessels while the dredger works off the southern mole in the morning."


@pytest.fixture
def documents(tmp_path: Path) -> list[Path]:
    handbook = tmp_path / "Station handbook 2024.pdf"
    canvas = Canvas(str(handbook), pagesize=A4)
    canvas.drawString(72, 700, "The Trust's own working channel is channel 8.")
    for line in range(10):
        canvas.drawString(72, 660 - 24 * line, FILLING)
    canvas.showPage()
    canvas.save()
    card = tmp_path / "Radio card 2021.txt"
    card.write_text(
        "RADIO CARD\n\nCHANNELS\n  16   distress and calling\n  10   Trust working channel, through the repeater\n"
    )
    return [handbook, card]


def test_sources_that_differ_are_told_and_both_open_with_their_words_marked(
    page: Page, served: Served, ask: Callable[[str], None], documents: list[Path], models: FakeModels
) -> None:
    models.delay_s = 0.0
    page.goto(served.url)
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(documents)
    expect(page.get_by_text("2 documents ready")).to_be_visible()
    ask("What is the working channel of the Trust?")
    notice = page.locator('[class*="st-key-differ_"]')
    expect(notice).to_contain_text("Two sources differ")
    sides = notice.get_by_role("button")
    expect(sides).to_have_count(2)
    handbook = notice.get_by_role("button", name=re.compile("handbook"))
    card = notice.get_by_role("button", name=re.compile("Radio card"))
    expect(handbook).to_contain_text("dated 2024 in its name, the newer of both")
    expect(card).to_contain_text("dated 2021 in its name")
    expect(card).not_to_contain_text("newer")
    card.click()
    panel = page.locator(".st-key-source_panel")
    expect(panel.locator("mark").first).to_contain_text("Trust working channel")
    handbook.click()
    expect(panel.locator("mark").first).to_contain_text("channel 8")
    expect(panel.get_by_role("img", name=re.compile(r"Page 1 of Station handbook 2024\.pdf"))).to_be_visible()
    expect(panel).to_contain_text(re.compile("Differing source [12] of 2"))
    page.reload()
    expect(notice).to_contain_text("Two sources differ")
