from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from citewise.errors import NotFoundError
from citewise.registry.quotes import without
from citewise.ui import state, uploads
from citewise.ui.failures import UNEXPECTED
from citewise.ui.text import escaped
from tests.unit.ui.conftest import words
from tests.unit.ui.fake_engine import ANSWER, FakeEngine

OpenChat = Callable[..., AppTest]


def ask(app: AppTest, question: str = "What is paid for meals?") -> AppTest:
    app.chat_input[0].set_value(question).run()
    assert not app.exception
    return app


def test_the_first_page_says_what_this_is_and_takes_files(engine: FakeEngine, open_chat: OpenChat) -> None:
    app = open_chat()
    assert not app.exception
    assert "Answers you can check" in words(app)
    assert len(app.file_uploader) == 1
    assert not app.chat_input


def test_samples_are_offered_only_where_they_are(
    engine: FakeEngine, open_chat: OpenChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "samples", lambda: [])
    assert "samples" not in [button.key for button in open_chat().button]


def test_files_dropped_on_the_first_page_are_added(engine: FakeEngine, open_chat: OpenChat) -> None:
    app = open_chat()
    app.file_uploader[0].set_value([("handbook.pdf", b"%PDF-1.7", "application/pdf")]).run()
    assert not app.exception
    assert [document.source for document in engine.documents(collection="default")] == ["handbook.pdf"]
    assert "What would you like to know?" in words(app)


def test_a_file_that_cannot_be_taken_is_told_with_its_reason(engine: FakeEngine, open_chat: OpenChat) -> None:
    app = open_chat()
    app.file_uploader[0].set_value([("empty.pdf", b"", "application/pdf")]).run()
    assert "The file is empty" in app.error[0].value


def test_files_may_come_with_a_question(with_document: FakeEngine, open_chat: OpenChat) -> None:
    app = open_chat()
    app.chat_input[0].set_value("What is new?").upload("news.pdf", b"%PDF-1.7").run()
    assert not app.exception
    assert {document.source for document in with_document.store.values()} == {"handbook.pdf", "news.pdf"}
    assert [turn.question for turn in with_document.turns.values()] == ["What is new?"]


def test_nothing_can_be_asked_before_a_document_is_ready(engine: FakeEngine, open_chat: OpenChat) -> None:
    engine.stage = "embedding"
    app = open_chat()
    app.file_uploader[0].set_value([("handbook.pdf", b"%PDF-1.7", "application/pdf")]).run()
    assert app.chat_input[0].disabled
    assert "Embedding · 40 %" in words(app)


def test_suggested_questions_ask_themselves(with_document: FakeEngine, open_chat: OpenChat) -> None:
    app = open_chat()
    app.button(key="suggestion_0").click().run()
    assert [turn.question for turn in with_document.turns.values()] == ["How much is paid for meals on trips?"]


def test_the_page_does_not_wait_for_questions_to_suggest(with_document: FakeEngine, open_chat: OpenChat) -> None:
    with_document.suggested = None
    app = open_chat()
    assert "Looking for questions that your documents answer" in words(app)
    assert not app.chat_input[0].disabled


def test_an_answer_puts_its_conversation_into_the_address(with_document: FakeEngine, open_chat: OpenChat) -> None:
    app = ask(open_chat())
    assert app.query_params["c"] == "c1"
    assert "What is paid for meals?" in words(open_chat(c="c1"))


def test_a_source_button_opens_the_quoted_words_and_their_page(with_document: FakeEngine, open_chat: OpenChat) -> None:
    app = ask(open_chat())
    button = app.button(key="source_t1_2")
    assert button.label == r"\[2\] handbook\.pdf, page 9"
    button.click().run()
    assert not app.exception
    assert "<mark>Receipts are handed in within four weeks; later ones are not paid.</mark>" in words(app)
    assert "Source 2 of 3" in words(app)
    assert len(app.get("image")) == 1


def test_a_source_without_a_page_image_is_marked_in_its_context(
    with_document: FakeEngine, open_chat: OpenChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_image(*_: object, **__: object) -> bytes:
        raise NotFoundError("page image of", "handbook.pdf")

    monkeypatch.setattr(with_document, "citation_image", no_image)
    app = ask(open_chat())
    app.button(key="source_t1_2").click().run()
    panel = words(app)[words(app).index("Source 2 of 3") :]
    assert "<mark>Receipts are handed in within four weeks; later ones are not paid.</mark>" in panel
    assert "Meals on trips are paid up to 40 EUR a day" in panel  # the sentence before it
    assert not app.get("image")


def test_the_panel_goes_to_the_next_source_and_closes(with_document: FakeEngine, open_chat: OpenChat) -> None:
    app = ask(open_chat())
    app.button(key="source_t1_1").click().run()
    assert app.button(key="source_previous").disabled
    app.button(key="source_next").click().run()
    assert "Source 2 of 3" in words(app)
    app.button(key="source_close").click().run()
    assert "Source 2 of 3" not in words(app)


def test_a_source_that_was_removed_keeps_its_words_and_says_so(with_document: FakeEngine, open_chat: OpenChat) -> None:
    app = ask(open_chat())
    app.button(key="source_t1_1").click().run()
    with_document.remove(["d1"])
    with_document.bytes.clear()
    app.run()
    assert "removed since" in app.info[0].value
    assert "<mark>Meals on trips are paid up to 40 EUR a day, and up to 60 EUR abroad.</mark>" in words(app)
    assert not app.get("image")


def test_an_erased_source_says_so_instead_of_its_words(with_document: FakeEngine, open_chat: OpenChat) -> None:
    app = ask(open_chat())
    turn = with_document.turns["t1"]
    with_document.turns["t1"] = replace(turn, answer=without(turn.answer, ["d1"], quotes=True))
    with_document.remove(["d1"])
    app = open_chat(c="c1")
    assert not app.exception
    button = app.button(key="source_t1_1")
    assert button.label == r"\[1\] Erased document"
    button.click().run()
    assert not app.exception
    assert app.info[0].value == escaped("This document was erased, and this passage with it.")
    assert "Source 1 of 3" in words(app)
    assert "<mark>" not in words(app)
    assert "40 EUR" not in words(app)


def test_passages_of_an_erased_document_are_listed_without_their_words(
    with_document: FakeEngine, open_chat: OpenChat
) -> None:
    with_document.script |= {"status": "abstained", "text": "", "reason": "They do not say."}
    ask(open_chat())
    turn = with_document.turns["t1"]
    with_document.turns["t1"] = replace(turn, answer=without(turn.answer, ["d1"], quotes=False))
    app = open_chat(c="c1")
    assert app.button(key="nearest_t1_0").label == (
        f"**Erased document**  \n{escaped('Its words were erased with it.')}"
    )
    app.button(key="nearest_t1_0").click().run()
    assert not app.exception
    assert "was erased, and this passage" in app.info[0].value
    assert "40 EUR" not in words(app)


def test_verdicts_are_counted_in_words(with_document: FakeEngine, open_chat: OpenChat) -> None:
    shown = words(ask(open_chat()))
    for count in ("2 supported", "1 partly supported", "1 not supported", "1 not checked"):
        assert count in shown


def test_how_it_was_found_keeps_cited_and_retrieved_passages_apart(
    with_document: FakeEngine, open_chat: OpenChat
) -> None:
    app = ask(open_chat())
    app.session_state["how_t1"] = True
    app.run()
    shown = words(app)
    assert shown.index("Cited") < shown.index("Also retrieved")
    assert "812 read, 64 written" in shown
    app.button(key="context_t1_4").click().run()
    assert "Passage 5 of 5" in words(app)


def test_an_answer_that_was_found_on_a_fallback_says_so_plainly(with_document: FakeEngine, open_chat: OpenChat) -> None:
    with_document.script["degraded"] = ["The index is being checked; this was found by exact search."]
    app = ask(open_chat())
    assert [warning.value for warning in app.warning] == [escaped(with_document.script["degraded"][0])]


def test_an_answer_from_an_incomplete_document_says_so(with_document: FakeEngine, open_chat: OpenChat) -> None:
    gap = {"noun": "page", "pages": 30, "without_text": 1, "garbled": 2, "unread": 0}
    with_document.script["incomplete"] = [{"document_id": "d1", "version": 1, **gap}]
    app = ask(open_chat())
    shown = words(app)
    assert "<b>handbook.pdf</b> could not be read in full: " in shown
    assert "1 of 30 pages has no text that could be read; 2 of 30 pages have garbled text." in shown
    (link,) = [one for one in app.get("page_link") if one.proto.label == "See its report"]
    assert "document=d1" in link.proto.query_string


def test_pages_can_be_turned_and_come_back_with_the_next_source(with_document: FakeEngine, open_chat: OpenChat) -> None:
    app = ask(open_chat())
    app.button(key="source_t1_1").click().run()
    assert "Page 9 of 12" in words(app)
    app.button(key="page_next").click().run()
    assert "Page 10 of 12" in words(app)
    app.button(key="source_next").click().run()
    assert "Page 9 of 12" in words(app)


def test_a_question_that_was_rewritten_is_shown_as_it_was_searched(
    with_document: FakeEngine, open_chat: OpenChat
) -> None:
    with_document.script["standalone"] = "What is paid for meals abroad?"
    assert "Searched for: <q>What is paid for meals abroad?</q>" in words(ask(open_chat(), "and abroad?"))


def test_documents_that_do_not_say_are_told_with_the_nearest_passages(
    with_document: FakeEngine, open_chat: OpenChat
) -> None:
    with_document.script |= {"status": "abstained", "text": "", "reason": "Nothing is said about pets."}
    app = ask(open_chat(), "May pets come?")
    assert "The documents do not say" in words(app)
    assert "Nothing is said about pets." in words(app)
    app.button(key="nearest_t1_0").click().run()
    assert "Passage 1 of 5" in words(app)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("error", "could not be written"),
        ("cut", "broke off"),
        ("truncated", "length limit"),
        ("refused", "declined"),
        ("cancelled", "You stopped"),
    ],
)
def test_an_answer_that_did_not_end_well_says_why_and_can_be_asked_again(
    with_document: FakeEngine, open_chat: OpenChat, status: str, says: str
) -> None:
    with_document.script |= {"status": status, "text": "Meals", "error": "The server said no. Check the key."}
    app = ask(open_chat())
    said = [each.value for each in [*app.error, *app.warning]]
    assert says in said[0]
    assert "Check the key" in said[0]
    app.button(key="again_t1").click().run()
    assert [turn.question for turn in with_document.turns.values()] == ["What is paid for meals?"] * 2


def test_a_running_answer_can_be_stopped_and_keeps_its_text(with_document: FakeEngine, open_chat: OpenChat) -> None:
    with_document.script["status"] = "running"
    app = ask(open_chat())
    assert "Writing from 5 passages in handbook.pdf" in words(app)
    app.button(key="stop_t1").click().run()
    assert with_document.turns["t1"].answer.status == "cancelled"
    assert with_document.turns["t1"].answer.text == ANSWER
    assert "You stopped this answer" in words(app)


def test_a_long_question_is_refused_in_a_sentence_and_nothing_is_lost(
    with_document: FakeEngine, open_chat: OpenChat
) -> None:
    app = ask(open_chat(), "x" * 100_000)
    assert "over 8,000 characters" in app.error[0].value
    assert not with_document.turns


def test_an_unknown_conversation_is_told_and_a_new_one_begun(with_document: FakeEngine, open_chat: OpenChat) -> None:
    app = open_chat(c="nowhere")
    assert "There is no conversation named" in app.error[0].value
    assert "c" not in app.query_params


def test_a_conversation_is_renamed(with_document: FakeEngine, open_chat: OpenChat) -> None:
    app = ask(open_chat())
    app.menu_button(key="menu_c1").click("Rename").run()
    assert app.text_input[0].value == "What is paid for meals?"
    app.session_state["renaming"] = with_document.chats["c1"]  # AppTest does not keep a dialog open by itself
    app.text_input[0].set_value("Meals")
    app.form_submit_button[0].click().run()
    assert with_document.chats["c1"].title == "Meals"
    assert app.button(key="open_c1").label == "Meals"


def test_a_deleted_conversation_comes_back_with_undo(with_document: FakeEngine, open_chat: OpenChat) -> None:
    app = ask(open_chat())
    app.menu_button(key="menu_c1").click("Delete").run()
    assert not with_document.chats
    assert "What would you like to know?" in words(app)
    app.button(key="undo_0").click().run()
    assert list(with_document.chats) == ["c1"]


def test_new_chat_leaves_the_conversation(with_document: FakeEngine, open_chat: OpenChat) -> None:
    app = ask(open_chat())
    app.button(key="new_chat").click().run()
    assert "c" not in app.query_params
    assert "What would you like to know?" in words(app)


def test_models_that_are_not_set_up_are_shown_with_what_to_do(with_document: FakeEngine, open_chat: OpenChat) -> None:
    app = open_chat()
    assert app.radio(key="model_choice").options == ["Quotes only"]
    assert "Set OPENAI_API_KEY to use it." in words(app)


def test_the_chosen_model_can_be_tested(with_document: FakeEngine, open_chat: OpenChat) -> None:
    app = open_chat()
    app.button(key="model_test").click().run()
    assert "It runs here" in words(app)


def test_a_collection_can_be_chosen_where_there_are_several(with_document: FakeEngine, open_chat: OpenChat) -> None:
    assert not open_chat().sidebar.selectbox
    with_document.collection_names = ["default", "archive"]
    assert open_chat().sidebar.selectbox[0].options == ["default", "archive"]


def test_the_page_says_that_the_model_is_being_prepared(with_document: FakeEngine, open_chat: OpenChat) -> None:
    with_document.embedder = "loading"
    assert "Preparing the language model" in words(open_chat())


def test_an_unexpected_failure_is_one_sentence_without_details(
    with_document: FakeEngine, open_chat: OpenChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(with_document, "documents", fail)
    app = open_chat()
    assert not app.exception
    assert app.error[0].value.replace("\\", "") == UNEXPECTED
    assert "secret" not in words(app)


def test_a_page_without_an_engine_says_to_wait(open_chat: OpenChat) -> None:
    state.set_engine(None)
    app = open_chat()
    assert not app.exception
    assert "starting or stopping" in app.error[0].value


def test_names_of_files_and_questions_are_never_markup(engine: FakeEngine, open_chat: OpenChat) -> None:
    app = open_chat()
    name = "<img src=x>*b*.pdf"
    app.file_uploader[0].set_value([(name, b"%PDF-1.7", "application/pdf")]).run()
    ask(app, "Is <script>x</script> **bold**?")
    assert "<img" not in words(app)
    assert "<script>" not in words(app)
    assert r"\<img src\=x\>\*b\*".replace(r"\=", "=") in app.button(key="source_t1_1").label


def test_sources_that_differ_are_shown_side_by_side_and_open_in_the_panel(
    with_document: FakeEngine, open_chat: OpenChat
) -> None:
    with_document.script["conflicts"] = ("Receipts <b>handed</b> in",)
    app = ask(open_chat())
    assert "Two sources differ" in words(app)
    assert "Receipts &lt;b&gt;handed&lt;/b&gt; in" in words(app)
    one, other = (button for button in app.button if str(button.key).startswith("side_"))
    assert "**four weeks**" in one.label
    assert "the newer of both" not in one.label
    assert "**120 EUR**" in other.label
    assert "dated 2024\\-05\\-01 in its first lines, the newer of both" in other.label
    other.click().run()
    assert not app.exception
    assert "Differing source 2 of 2" in words(app)
    panel = words(app)[words(app).index("Differing source 2 of 2") :]
    assert "<mark>A room may cost up to 120 EUR a night.</mark>" in panel
    app.button(key="source_previous").click().run()
    assert "Differing source 1 of 2" in words(app)


def test_of_an_erased_source_that_differed_nothing_is_shown(with_document: FakeEngine, open_chat: OpenChat) -> None:
    with_document.script["conflicts"] = ("Receipts", "Rooms")
    app = ask(open_chat())
    assert "Sources differ in 2 things" in words(app)
    (turn,) = with_document.turns.values()
    gone = {turn.answer.citations[0].document_id}
    with_document.turns[turn.id] = replace(turn, answer=without(turn.answer, gone, quotes=True))
    app.run()
    assert not app.exception
    sides = [button for button in app.button if str(button.key).startswith("side_")]
    assert {button.label for button in sides} == {"A document that was erased since"}
    assert all(button.disabled for button in sides)
    assert "four weeks" not in " ".join(button.label for button in app.button)
