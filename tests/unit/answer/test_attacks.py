"""What documents order and an obedient model writes reaches no other host and is never markup."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from citewise.answer.anthropic import AnthropicModel
from citewise.answer.generate import generate
from citewise.answer.openai import OpenAIModel
from citewise.protocols import ChatModel
from citewise.types import Answer
from citewise.ui.render import ALLOWED_TAGS, answer_html, marked_html, passage_html
from tests.attacks import ATTACKS, HOST
from tests.fake_models import FakeModels
from tests.unit.answer.builders import hit, no_page

OURS = {"span", "button", "mark"}
BATCH = 8


class Elements(HTMLParser):
    """Collects what a browser would make of a text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_there_are_fifty_of_them() -> None:
    assert len(ATTACKS) >= 50


@pytest.fixture(scope="module")
def server() -> Iterator[FakeModels]:
    with FakeModels() as fake:
        yield fake


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_an_answer_that_obeys_is_harmless_while_it_grows_and_after(provider: str, server: FakeModels) -> None:
    model: ChatModel = (
        OpenAIModel("obedient", api_key="k", base_url=server.openai_url)
        if provider == "openai"
        else AnthropicModel("obedient", api_key="k", base_url=server.anthropic_url)
    )
    names = list(ATTACKS)
    for first in range(0, len(names), BATCH):
        hits = [hit(ATTACKS[name], rank=rank) for rank, name in enumerate(names[first : first + BATCH], start=1)]
        growing: list[str] = []
        answer = generate(
            question="What do they do?",
            standalone_question="What do they do?",
            hits=hits,
            model=model,
            page_of=no_page,
            on_text=growing.append,
            context_tokens=200_000,
        )
        assert answer.status == "complete"
        assert HOST in answer.text
        harmless(html_of(answer))
        for text in growing[:: max(1, len(growing) // 40)]:
            harmless(answer_html(text, labels={1: "Open source 1"}, interactive=False))


@pytest.mark.parametrize("name", ATTACKS)
def test_a_source_is_shown_as_text(name: str) -> None:
    text = ATTACKS[name]
    harmless(passage_html(text, 0, len(text) // 2))
    harmless(marked_html(text, 3, len(text), markdown=True))


def html_of(answer: Answer) -> str:
    labels = {citation.marker: f"Open source {citation.marker}: {citation.source}" for citation in answer.citations}
    return answer_html(answer.text, labels=labels, evidence=answer.evidence)


def harmless(html: str) -> None:
    for tag, attributes in Elements(html).found:
        assert tag in ALLOWED_TAGS | OURS, (tag, html)
        assert not attributes or tag in OURS, (tag, attributes)
        assert not {"href", "src", "style", "onclick", "onfocus", "action"} & attributes.keys()
        assert HOST not in str(attributes.get("class"))
    assert "\u202e" not in html
    assert not any("\U000e0000" <= character <= "\U000e0fff" for character in html)
