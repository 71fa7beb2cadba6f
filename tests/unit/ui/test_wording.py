from __future__ import annotations

from collections.abc import Callable
from datetime import date

from streamlit.testing.v1 import AppTest

from citewise.types import Answer, AskedBefore, Turn
from citewise.ui import wording
from citewise.ui.text import escaped
from tests.unit.ui.conftest import words
from tests.unit.ui.fake_engine import FakeEngine

OpenChat = Callable[..., AppTest]


def ask(app: AppTest, question: str = "And abroad?") -> AppTest:
    app.chat_input[0].set_value(question).run()
    assert not app.exception
    return app


def test_a_rewritten_question_is_shown_and_can_be_edited_and_asked_again(
    with_document: FakeEngine, open_chat: OpenChat
) -> None:
    with_document.script["standalone"] = "What is paid for meals abroad?"
    app = ask(open_chat())
    assert "Searched for: <q>What is paid for meals abroad?</q>" in words(app)
    app.text_area(key="edited_t1").set_value("What is paid for dinners abroad?").run()
    app.button(key="ask_edited_t1").click().run()
    assert not app.exception
    assert with_document.turns["t2"].question == "What is paid for dinners abroad?"
    assert with_document.asked_with[-1]["rewrite"] is False


def test_rewriting_can_be_switched_off_and_the_chip_switches_it_on(
    with_document: FakeEngine, open_chat: OpenChat
) -> None:
    app = open_chat()
    app.toggle(key="filters_rewrite").set_value(False).run()
    ask(app)
    assert with_document.asked_with[-1]["rewrite"] is False
    app.button(key="filter_0").click().run()
    ask(app)
    assert with_document.asked_with[-1]["rewrite"] is True


def test_filters_narrow_the_next_question_and_chips_take_them_off(
    with_document: FakeEngine, open_chat: OpenChat
) -> None:
    (document,) = with_document.documents(collection="default")
    app = open_chat()
    app.multiselect(key="filters_document").set_value([document.id]).run()
    app.date_input(key="filters_since").set_value(date(2026, 3, 31)).run()
    ask(app)
    assert with_document.asked_with[-1]["where"] == {"document": (document.id,), "added": (">=2026-03-31",)}
    labels = [app.button(key=f"filter_{n}").label for n in (0, 1)]
    assert labels == [escaped("handbook.pdf"), escaped("from 2026-03-31")]
    app.button(key="filter_0").click().run()
    app.button(key="filter_0").click().run()
    ask(app)
    assert not with_document.asked_with[-1]["where"]


def test_an_earlier_answer_is_offered_with_what_became_of_its_sources(
    with_document: FakeEngine, open_chat: OpenChat
) -> None:
    with_document.script["asked_before"] = AskedBefore(
        "t0", "c0", "What is paid for food?", 1_770_000_000, 0.93, "Up to 30 EUR [1].", 1, ("a.txt changed since.",)
    )
    app = ask(open_chat())
    assert "a.txt changed since." in words(app)
    assert "Up to 30 EUR" in words(app)
    assert app.button(key="source_t1_1")  # the new answer is there all the same
    assert any("Asked before, on" in each.label for each in app.expander)


def test_the_details_say_what_had_to_stand_in_a_passage_and_what_was_left_out() -> None:
    operators = {"phrases": ["net zero", "by 2030"], "without": ["carbon"]}
    answer = Answer("", "complete", trace={"search": {"query": {"where": {}, "texts": []}, "operators": operators}})
    turn = Turn("t", "c", 0, "q", "q", 0.0, answer)
    assert wording.facts(turn) == [("Must stand in it", "net zero; by 2030"), ("Left out", "carbon")]
