from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from tests.unit.ui.conftest import words
from tests.unit.ui.fake_engine import FakeEngine

OpenLibrary = Callable[[], AppTest]


def add(app: AppTest, *names: str) -> AppTest:
    app.file_uploader[0].set_value([(name, b"%PDF-1.7", "application/pdf") for name in names]).run()
    assert not app.exception
    return app


def test_an_empty_library_says_what_to_do(engine: FakeEngine, open_library: OpenLibrary) -> None:
    app = open_library()
    assert not app.exception
    assert "Nothing here yet" in words(app)


def test_documents_are_listed_with_what_was_read_of_them(engine: FakeEngine, open_library: OpenLibrary) -> None:
    shown = words(add(open_library(), "handbook.pdf"))
    assert "12 pages · 48 passages · 8 B" in shown
    assert "1 warning: not all of it could be read" in shown
    assert "Ready" in shown


def test_a_failed_document_says_why_and_stops_no_other(engine: FakeEngine, open_library: OpenLibrary) -> None:
    shown = words(add(open_library(), "broken.pdf", "handbook.pdf"))
    assert "protected by a password" in shown
    assert "2 documents · 1 ready" in shown


def test_work_in_progress_is_shown_and_watched(engine: FakeEngine, open_library: OpenLibrary) -> None:
    engine.stage = "embedding"
    shown = words(add(open_library(), "handbook.pdf"))
    assert "Embedding · 40 %" in shown
    assert 'value="68"' in shown


def test_a_file_that_is_here_already_is_told(engine: FakeEngine, open_library: OpenLibrary) -> None:
    app = add(add(open_library(), "handbook.pdf"), "handbook.pdf")
    assert "in the library already" in words(app)


def test_the_list_is_filtered_by_name(engine: FakeEngine, open_library: OpenLibrary) -> None:
    app = add(open_library(), "handbook.pdf", "minutes.pdf")
    app.text_input(key="filter").set_value("MINU").run()
    shown = words(app)
    assert "minutes.pdf" in shown
    assert '<h2 title="handbook.pdf"' not in shown


def test_details_tell_what_could_not_be_read_and_offer_the_original(
    engine: FakeEngine, open_library: OpenLibrary
) -> None:
    app = add(open_library(), "handbook.pdf")
    app.menu_button(key="actions_d1").click("Details").run()
    assert "Page 3 is a scan and was not read." in words(app)
    assert app.get("download_button")


def test_names_of_documents_are_never_markup(engine: FakeEngine, open_library: OpenLibrary) -> None:
    shown = words(add(open_library(), '<img src=x onerror=y>".pdf'))
    assert "<img" not in shown
    assert "&lt;img src=x onerror=y&gt;&quot;.pdf" in shown


def test_a_deleted_document_comes_back_with_undo(engine: FakeEngine, open_library: OpenLibrary) -> None:
    app = add(open_library(), "handbook.pdf")
    app.menu_button(key="actions_d1").click("Delete").run()
    assert not engine.store
    assert "Nothing here yet" in words(app)
    app.button(key="undo_0").click().run()
    assert list(engine.store) == ["d1"]


def test_a_failed_document_can_be_tried_again(engine: FakeEngine, open_library: OpenLibrary) -> None:
    app = add(open_library(), "broken.pdf")
    app.menu_button(key="actions_d1").click("Retry").run()
    assert engine.store["d1"].status == "ready"


def test_work_in_progress_can_be_cancelled(engine: FakeEngine, open_library: OpenLibrary) -> None:
    engine.stage = "parsing"
    app = add(open_library(), "handbook.pdf")
    app.menu_button(key="actions_d1").click("Cancel").run()
    assert engine.store["d1"].status == "cancelled"
