from __future__ import annotations

import io
from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from citewise.types import PageReport, Upload, WatchedFolder
from citewise.ui import library
from tests.unit.ui.conftest import words
from tests.unit.ui.fake_engine import FakeEngine

OpenLibrary = Callable[[], AppTest]


def add(app: AppTest, *names: str) -> AppTest:
    files = [(name, f"%PDF-1.7 {name}".encode(), "application/pdf") for name in names]
    app.file_uploader[0].set_value(files).run()
    assert not app.exception
    return app


def test_an_empty_library_says_what_to_do(engine: FakeEngine, open_library: OpenLibrary) -> None:
    app = open_library()
    assert not app.exception
    assert "Nothing here yet" in words(app)


def test_documents_are_listed_with_what_was_read_of_them(engine: FakeEngine, open_library: OpenLibrary) -> None:
    shown = words(add(open_library(), "handbook.pdf"))
    assert "12 pages · 48 passages · 21 B" in shown
    assert "1 warning" in shown
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


def test_a_document_shows_what_was_read_of_each_page(engine: FakeEngine, open_library: OpenLibrary) -> None:
    engine.page_reports = (PageReport(1, 900), PageReport(2, 0, images=1, needs_ocr=True), PageReport(3, 40, tables=1))
    engine.unread = ("The attachment plan.dwg was not read.",)
    app = add(open_library(), "handbook.pdf")
    assert "Not all of it could be read · 1 warning" in words(app)
    app.button(key="report_d1").click().run()
    assert not app.exception
    shown = words(app)
    assert "No text could be read on page 2." in shown
    assert "The attachment plan.dwg was not read." in shown
    assert "2 comments." in shown
    app.button(key="report_d1").click().run()
    assert "plan.dwg" not in words(app)


def test_a_link_opens_the_report_of_its_document_once(engine: FakeEngine, open_library: OpenLibrary) -> None:
    app = add(open_library(), "handbook.pdf", "minutes.pdf")
    app.query_params["document"] = "d1"
    app.run()
    shown = words(app)
    assert "Page 3 is a scan" in shown
    assert shown.index("handbook.pdf") < shown.index("minutes.pdf")
    app.button(key="close_d1").click().run()
    assert "Page 3 is a scan" not in words(app)
    app.query_params["document"] = "gone"
    assert "There is no document" in words(app.run())


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


def test_a_disabled_document_is_visibly_off_and_comes_back_with_undo(
    engine: FakeEngine, open_library: OpenLibrary
) -> None:
    app = add(open_library(), "handbook.pdf")
    app.menu_button(key="actions_d1").click("Disable").run()
    assert not engine.store["d1"].enabled
    assert 'class="document disabled"' in words(app)
    assert "1 disabled" in words(app)
    app.button(key="undo_0").click().run()
    assert engine.store["d1"].enabled
    app.menu_button(key="actions_d1").click("Disable").run()
    app.menu_button(key="actions_d1").click("Enable").run()
    assert engine.store["d1"].enabled
    assert 'class="document disabled"' not in words(app)


def test_tags_are_edited_shown_and_filtered_by(engine: FakeEngine, open_library: OpenLibrary) -> None:
    app = add(open_library(), "handbook.pdf", "minutes.pdf")
    assert not app.multiselect
    app.menu_button(key="actions_d1").click("Tags…").run()
    app.multiselect(key="tags_d1").set_value(["hut", "<b>2024</b>"]).run()
    assert engine.store["d1"].tags == ("<b>2024</b>", "hut")
    app = open_library()
    shown = words(app)
    assert "<li>hut</li>" in shown
    assert "<li>&lt;b&gt;2024&lt;/b&gt;</li>" in shown
    app.multiselect(key="filter_tags").set_value(["hut"]).run()
    shown = words(app)
    assert 'title="handbook.pdf"' in shown
    assert 'title="minutes.pdf"' not in shown
    app.text_input(key="filter").set_value("minu").run()
    assert "No document has “minu” in its name and the tag “hut”." in words(app)


def test_what_cannot_be_a_tag_is_told_and_not_kept(engine: FakeEngine, open_library: OpenLibrary) -> None:
    app = add(open_library(), "handbook.pdf")
    app.menu_button(key="actions_d1").click("Tags…").run()
    app.multiselect(key="tags_d1").set_value(["fine"]).run()
    app.multiselect(key="tags_d1").set_value(["fine", "x" * 51]).run()
    assert "cannot be a tag" in words(app)
    assert app.multiselect(key="tags_d1").value == ["fine"]
    assert engine.store["d1"].tags == ("fine",)


def test_a_document_is_moved_and_comes_back_with_undo(engine: FakeEngine, open_library: OpenLibrary) -> None:
    app = add(open_library(), "handbook.pdf")
    engine.collection_names = ["default", "lab"]
    app.menu_button(key="actions_d1").click("Move to…").run()
    app.selectbox(key="move_d1").set_value("lab").run()
    app.button(key="save_move").click().run()
    assert engine.store["d1"].collection == "lab"
    assert "Moved handbook" in words(app)
    assert 'title="handbook.pdf"' not in words(app)
    app.button(key="undo_0").click().run()
    assert engine.store["d1"].collection == "default"


def test_a_move_that_is_refused_says_why(engine: FakeEngine, open_library: OpenLibrary) -> None:
    app = add(open_library(), "handbook.pdf")
    engine.collection_names = ["default", "full"]
    app.menu_button(key="actions_d1").click("Move to…").run()
    app.selectbox(key="move_d1").set_value("full").run()
    app.button(key="save_move").click().run()
    assert "of that name in full already" in words(app)
    assert engine.store["d1"].collection == "default"


def test_details_list_the_versions_with_their_dates(engine: FakeEngine, open_library: OpenLibrary) -> None:
    app = add(open_library(), "handbook.pdf")
    app.menu_button(key="actions_d1").click("Details").run()
    shown = words(app)
    assert "Version 2 · " in shown
    assert "12 pages · answers come from it" in shown
    assert "Version 1 · 12 Jan 1970 · 5 B · 1 page<" in shown
    assert "10 B · failed" in shown


def test_a_changed_file_that_is_kept_beside_is_told_by_its_name(engine: FakeEngine, open_library: OpenLibrary) -> None:
    app = add(open_library(), "handbook.pdf")
    app.selectbox[0].set_value("keep").run()
    app.file_uploader[0].set_value([("handbook.pdf", b"%PDF-1.7 changed", "application/pdf")]).run()
    assert "Kept beside what has the same name\\: another handbook" in words(app)


def test_a_file_that_is_here_under_another_name_is_told_by_it(engine: FakeEngine, open_library: OpenLibrary) -> None:
    app = add(open_library(), "handbook.pdf")
    app.menu_button(key="actions_d1").click("Disable").run()
    app.file_uploader[0].set_value([("copy.pdf", b"%PDF-1.7 handbook.pdf", "application/pdf")]).run()
    assert "is in the library already as handbook" in words(app)
    assert "but disabled" in words(app)


def test_a_folder_is_watched_and_let_go_with_a_way_back(engine: FakeEngine, open_library: OpenLibrary) -> None:
    app = open_library()
    app.text_input(key="folder_path").set_value("notes")
    app.button[-1].click().run()
    assert "not the whole path" in words(app)
    app.text_input(key="folder_path").set_value(" /home/me/notes ")
    app.button[-1].click().run()
    assert [one.path for one in engine.folders.values()] == ["/home/me/notes"]
    assert app.text_input(key="folder_path").value == ""
    assert "not looked at yet" in words(app)
    app.button(key="unwatch_f1").click().run()
    assert engine.folders == {}
    app.button(key="undo_1").click().run()
    assert [one.path for one in engine.folders.values()] == ["/home/me/notes"]


def test_a_watched_folder_tells_what_is_wrong_with_it(engine: FakeEngine, open_library: OpenLibrary) -> None:
    refused = tuple((f"{number}.txt", "It is too large.") for number in range(7))
    engine.folders["f1"] = WatchedFolder("f1", "/a<b>", "lab", 1.0, 1.0, 3, "The folder is not there.", refused)
    shown = words(open_library())
    assert "/a&lt;b&gt;" in shown
    assert "3 documents · in lab · looked at" in shown
    assert "The folder is not there." in shown
    assert "4.txt: It is too large." in shown
    assert "5.txt" not in shown
    assert "And 2 more files" in shown


def test_documents_that_come_by_themselves_are_waited_for(engine: FakeEngine, open_library: OpenLibrary) -> None:
    assert library._pace([]) is None
    engine.watch_folder("/notes")
    assert library._pace([]) == library._WATCHING_S
    engine.stage = "parsing"
    engine.add([Upload("a.pdf", stream=io.BytesIO(b"words"))])
    assert library._pace(list(engine.store.values())) == library._WORKING_S
