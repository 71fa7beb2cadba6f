from __future__ import annotations

import io
from pathlib import Path

import numpy
import pypdfium2
import pytest
from PIL import Image

from citewise.errors import IngestError
from citewise.ingest.parse import pdf
from citewise.ingest.parse.pdf_file import page_text
from citewise.ingest.parse.pdf_view import _FILL, _OUTLINE, boxes, render
from citewise.types import Box
from tests.unit.ingest.making import PAGE, Put, column, two_columns, write_pdf


def place(path: Path, words: str) -> tuple[int, int, int, str]:
    document = pdf.parse(path, source=path.name)
    start = document.text.index(words)
    page = next(page for page in document.pages if page.start <= start < page.end)
    return page.number, start - page.start, start - page.start + len(words), words


def test_a_box_is_measured_from_the_top_left_of_the_visible_page(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", [[Put(100, 300, "HXH", 20)]], crop=(40, 50, 390, 480))
    ((box,),) = boxes(path, [place(path, "HXH")], source="a.pdf")
    assert box.page == 1
    assert 60 <= box.x0 <= 64  # 100 - 40, and the letter's own margin
    assert box.y1 == pytest.approx(180, abs=0.5)  # 480 - 300: the baseline
    assert 164 <= box.y0 <= 167  # capitals are about 0.72 of 20 points high


def test_words_on_two_lines_have_two_boxes(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", [column("alpha beta gamma", "delta epsilon")])
    ((first, second),) = boxes(path, [place(path, "beta gamma \ndelta")], source="a.pdf")
    assert first.y1 <= second.y0
    assert first.x0 > second.x0


def test_a_line_that_begins_below_the_end_of_the_last_one_has_its_own_box(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", [[Put(40, 400, "WWW"), Put(60, 386, "WWWWWW")]])
    ((first, second),) = boxes(path, [place(path, "WWW \nWWWWWW")], source="a.pdf")
    assert first.y1 <= second.y0


def test_a_broken_word_has_a_box_in_each_line(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", [column("Here is more infor-", "mation about it.")])
    ((first, second),) = boxes(path, [place(path, "infor\u00admation")], source="a.pdf")
    assert first.y1 <= second.y0


def test_several_spans_come_back_in_their_order(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", [column("one two"), column("three")])
    spans = [place(path, "three"), place(path, "one"), (1, 0, 0, ""), place(path, "three")]
    found = boxes(path, spans, source="a.pdf")
    assert [len(each) for each in found] == [1, 1, 0, 1]
    assert [each[0].page for each in found if each] == [2, 1, 2]
    assert found[0] == found[3]


def test_spans_outside_the_page_are_refused(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", [column("one two")])
    with pytest.raises(IngestError, match="The file has changed"):
        boxes(path, [(1, 0, 9999, "")], source="a.pdf")
    with pytest.raises(IngestError, match=r"a\.pdf has no page 2; it has 1"):
        boxes(path, [(2, 0, 1, "x")], source="a.pdf")


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_the_marked_words_are_under_the_mark_however_the_page_is_turned(tmp_path: Path, rotation: int) -> None:
    path = write_pdf(tmp_path / "a.pdf", [[Put(120, 400, "HHHHHH", 30)]], rotation=rotation, crop=(10, 20, 380, 470))
    (found,) = boxes(path, [place(path, "HHHHHH")], source="a.pdf")
    plain = Image.open(io.BytesIO(render(path, 1, width=370 if rotation % 180 == 0 else 450, source="a.pdf")))
    marked = Image.open(io.BytesIO(render(path, 1, width=plain.width, boxes=found, source="a.pdf")))
    assert marked.size == plain.size == ((370, 450) if rotation % 180 == 0 else (450, 370))
    dark = plain.convert("L").point(lambda value: 255 if value < 128 else 0).getbbox()
    colours = numpy.asarray(marked)
    rows, columns = numpy.nonzero((colours == _OUTLINE).all(axis=2))
    frame = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert dark is not None
    for outer, inner, sign in zip(frame, dark, (-1, -1, 1, 1), strict=True):
        assert 0 < sign * (outer - inner) < 8  # around the words, and close
    assert (colours == _FILL).all(axis=2).any()
    assert marked.convert("L").crop(dark).getextrema()[0] < 60  # the words stay readable


def test_boxes_of_other_pages_are_not_drawn(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", [column("one")])
    plain = render(path, 1, width=200, source="a.pdf")
    assert render(path, 1, width=200, boxes=[Box(2, 10, 10, 50, 50)], source="a.pdf") == plain
    assert Image.open(io.BytesIO(plain)).size == (200, round(200 * PAGE[1] / PAGE[0]))


def test_a_page_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", [column("one")])
    for page in (0, 2):
        with pytest.raises(IngestError, match=f"has no page {page}"):
            render(path, page, width=200, source="a.pdf")


def test_columns_that_alternate_in_the_file_are_read_one_by_one(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", [two_columns()])
    ((box,),) = boxes(path, [place(path, "right line number 3 runs")], source="a.pdf")
    assert box.x0 >= 210
    ((first, second),) = boxes(path, [place(path, "down here too\nleft line number 3")], source="a.pdf")
    assert first.y1 <= second.y0
    assert second.x1 < 210


def test_a_text_that_was_stored_in_the_files_own_order_still_gets_its_boxes(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", [two_columns()])
    opened = pypdfium2.PdfDocument(path)
    stored, _ = page_text(opened[0].get_textpage())
    start = stored.index("right line number 3")
    ((box,),) = boxes(path, [(1, start, start + 19, stored[start : start + 19])], source="a.pdf")
    assert box.x0 >= 210
    assert boxes(path, [(1, start, start + 19, "words that are not there")], source="a.pdf") == [()]
    opened.close()


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_turned_and_cropped_pages_have_boxes_on_the_page(tmp_path: Path, rotation: int) -> None:
    path = write_pdf(tmp_path / "a.pdf", [column("HHHH", "Words go on")], rotation=rotation, crop=(20, 30, 320, 480))
    page = pdf.parse(path, source="a.pdf").pages[0]
    ((box,),) = boxes(path, [place(path, "HHHH")], source="a.pdf")
    assert 0 <= box.x0 < box.x1 <= (page.width or 0)
    assert 0 <= box.y0 < box.y1 <= (page.height or 0)
    assert (box.x0, box.y1) == pytest.approx((20, 30), abs=1.5)
