from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from tests.unit.ui.conftest import words
from tests.unit.ui.fake_engine import FakeEngine

OpenChat = Callable[..., AppTest]
MEALS = "What is paid for meals?"
ROOMS = "What may a room cost?"


def asked(open_chat: OpenChat) -> AppTest:
    app = open_chat()
    app.chat_input[0].set_value(MEALS).run()
    assert not app.exception
    return app


def labels(app: AppTest) -> set[str]:
    return {button.label for button in app.button}


def test_an_edited_question_is_a_version_and_both_can_be_gone_through(
    with_document: FakeEngine, open_chat: OpenChat
) -> None:
    app = asked(open_chat)
    assert "Next version" not in labels(app)
    app.text_area(key="reworded_t1").set_value(ROOMS).run()
    app.button(key="ask_reworded_t1").click().run()
    assert not app.exception
    assert with_document.turns["t2"].question == ROOMS
    assert f"<h2>{ROOMS}</h2>" in words(app)
    assert f"<h2>{MEALS}</h2>" not in words(app)
    assert "2 of 2" in words(app)
    app.button(key="version_previous_t1").click().run()
    assert f"<h2>{MEALS}</h2>" in words(app)
    assert "1 of 2" in words(app)
    assert "Compare 2 answers" not in labels(app)  # they answer two questions
    app.button(key="version_next_t1").click().run()
    assert f"<h2>{ROOMS}</h2>" in words(app)


def test_two_answers_to_one_question_are_laid_side_by_side(with_document: FakeEngine, open_chat: OpenChat) -> None:
    app = asked(open_chat)
    with_document.again("t1", model="openai:gpt-5-mini")
    app.run()
    assert "Answered by GPT-5 mini" in words(app)
    app.button(key="comparing_t2").click().run()
    assert not app.exception
    shown = words(app)
    assert shown.index("<h3>Quotes only</h3>") < shown.index("<h3>GPT-5 mini</h3>")
    app.button(key="source_t1_2").click().run()  # a source of the one that is not shown otherwise
    assert "Source 2 of 3" in words(app)
    app.button(key="go_on_t1").click().run()
    app.button(key="compared_t1").click().run()
    assert "Answered by Quotes only" in words(app)


def test_a_failed_answer_is_asked_for_again_in_its_place(with_document: FakeEngine, open_chat: OpenChat) -> None:
    with_document.script["status"] = "cut"
    app = asked(open_chat)
    with_document.script["status"] = "complete"
    app.button(key="again_t1").click().run()
    assert "2 of 2" in words(app)


def test_a_question_follows_what_the_page_shows(with_document: FakeEngine, open_chat: OpenChat) -> None:
    app = asked(open_chat)
    with_document.again("t1")  # in another window
    app.chat_input[0].set_value(ROOMS).run()
    assert with_document.asked_with[-1]["after"] == "t1"
    new = open_chat()
    new.chat_input[0].set_value(ROOMS).run()
    assert with_document.asked_with[-1]["after"] is None


def test_thumbs_are_kept_with_a_reason_and_taken_back(with_document: FakeEngine, open_chat: OpenChat) -> None:
    app = asked(open_chat)
    app.button(key="thumb_down_t1").click().run()
    app.button_group(key="reason_t1").set_value("missing")
    app.text_area(key="note_t1").set_value("*The* fee")
    app.button(key="save_rating_t1").click().run()
    assert not app.exception
    given = with_document.turns["t1"].feedback
    assert given
    assert (given.good, given.reason, given.note) == (False, "missing", "*The* fee")
    assert "Something is missing: “*The* fee”" in words(app)
    app.button(key="rerate_t1").click().run()
    assert app.text_area(key="note_t1").value == "*The* fee"
    app.button(key="thumb_up_t1").click().run()
    assert with_document.turns["t1"].feedback
    assert "Good answer: take it back" in labels(app)
    app.button(key="thumb_up_t1").click().run()
    assert with_document.turns["t1"].feedback is None
