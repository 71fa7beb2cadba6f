from __future__ import annotations

from dataclasses import replace

from citewise.errors import NotFoundError
from citewise.types import Block, Document, DocumentText
from citewise.ui.questions import suggested
from tests.unit.ui.test_text import document


class Shelf:
    """Documents that are nothing but headings."""

    def __init__(self, **headings: list[str]) -> None:
        self.headings = headings

    def show(self, document_id: str) -> DocumentText:
        if document_id not in self.headings:
            raise NotFoundError("document", document_id)
        text, blocks = "", []
        for heading in self.headings[document_id]:
            blocks.append(Block("heading", len(text), len(text) + len(heading)))
            text += heading + "\n"
        return DocumentText(document(), text, (), tuple(blocks), ())


def named(name: str) -> Document:
    return replace(document(), id=name, title=f"The {name} | Somewhere")


def test_headings_become_questions_without_their_numbers() -> None:
    shelf = Shelf(guide=["2.1 Landing on the isle"])
    assert suggested(shelf, [named("guide")]) == ["What does “The guide” say about Landing on the isle?"]  # type: ignore[arg-type]


def test_headings_that_ask_are_asked_as_they_are() -> None:
    assert suggested(Shelf(guide=["3. Who may land?"]), [named("guide")]) == ["Who may land?"]  # type: ignore[arg-type]


def test_headings_that_only_begin_like_questions_are_left_out() -> None:
    shelf = Shelf(guide=["What to bring", "How many, where and when"])
    assert suggested(shelf, [named("guide")]) == ["What is “The guide” about?"]  # type: ignore[arg-type]


def test_front_matter_and_titles_are_no_topics() -> None:
    shelf = Shelf(guide=["Contents", "Table of contents", "The guide", "One"])
    assert suggested(shelf, [named("guide")]) == ["What is “The guide” about?"]  # type: ignore[arg-type]


def test_every_document_has_its_say_before_one_speaks_twice() -> None:
    shelf = Shelf(long=["Tea and cake", "Boats and tides", "Rooms and beds"], short=["Dogs and drones"])
    questions = suggested(shelf, [named("short"), named("long")], most=3)  # type: ignore[arg-type]
    assert ["long" in question for question in questions] == [True, False, True]


def test_a_document_that_cannot_be_shown_is_passed_over() -> None:
    assert suggested(Shelf(), [named("gone")]) == ["What is “The gone” about?"]  # type: ignore[arg-type]
