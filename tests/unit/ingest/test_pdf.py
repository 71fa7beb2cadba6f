from __future__ import annotations

from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium
import pytest

from citewise.errors import IngestError
from citewise.ingest.parse import pdf, pdf_file
from citewise.ingest.parse.paged import page_names, settle_hyphens
from tests.unit.ingest.checks import assert_anchored
from tests.unit.ingest.making import PAGE, Put, column, write_pdf

BODY = "The station keeps a log of every landing that is made here."


def test_a_page_has_one_character_for_each_of_pdfiums(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", [column("First line.", "Second (line) – dash"), column("Page two")])
    document = pdf.parse(path, source="a.pdf")
    opened = pypdfium2.PdfDocument(path)
    for span, page in zip(document.pages, opened, strict=True):
        text_page = page.get_textpage()
        raw = text_page.raw
        text = document.text[span.start : span.end]
        assert len(text) == pdfium.FPDFText_CountChars(raw)
        for index, character in enumerate(text):
            if character not in " \n":
                assert pdfium.FPDFText_GetUnicode(raw, index) == ord(character)
    opened.close()
    assert "First line. \nSecond (line) – dash" in document.text
    assert_anchored(document)


def test_the_slow_way_and_the_fast_way_agree(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", [column(BODY, "A word is bro-", "ken here. §µ€")])
    opened = pypdfium2.PdfDocument(path)
    text_page = opened[0].get_textpage()
    raw = text_page.raw
    count = pdfium.FPDFText_CountChars(raw)
    fast, slow = pdf_file._bulk_text(raw, count), pdf_file._text_by_index(raw, count)
    assert fast is not None
    assert fast.translate(pdf_file._CHARACTERS) == slow.translate(pdf_file._CHARACTERS)
    opened.close()


def test_text_that_pdfium_shortened_is_read_by_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdfium, "FPDFText_GetText", lambda _page, _start, count, _buffer: count - 1)
    document = pdf.parse(write_pdf(tmp_path / "a.pdf", [column(BODY)]), source="a.pdf")
    assert document.text == BODY


def test_what_a_font_calls_a_soft_hyphen_within_a_line_is_a_hyphen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_pdf(tmp_path / "a.pdf", [column("A long-term plan.")])
    monkeypatch.setattr(pdf_file, "_bulk_text", lambda _page, _count: "A long\u00adterm plan.")
    assert pdf.parse(path, source="a.pdf").text == "A long-term plan."


def test_pages_know_their_place_and_size(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", [column("One"), [], column("Three")], crop=(20, 30, 320, 480), rotation=90)
    document = pdf.parse(path, source="a.pdf")
    assert [page.number for page in document.pages] == [1, 2, 3]
    assert document.text[document.pages[2].start : document.pages[2].end].strip() == "Three"
    assert (document.pages[0].width, document.pages[0].height) == (300, 450)  # visible, not turned
    assert_anchored(document)


def test_headings_are_larger_or_bold_and_make_the_path(tmp_path: Path) -> None:
    path = write_pdf(
        tmp_path / "a.pdf",
        [
            [
                Put(40, 460, "The Handbook", 20, "Helvetica-Bold"),
                Put(40, 420, "Boats", 14, "Helvetica-Bold"),
                *column(BODY, BODY, top=400),
                Put(40, 350, "Fuel and service", 10, "Helvetica-Bold"),
                *column(BODY, BODY, top=330),
                Put(40, 280, "Landings", 14, "Helvetica-Bold"),
                *column(BODY, top=260),
            ]
        ],
    )
    document = pdf.parse(path, source="a.pdf")
    paths = [(document.text[b.start : b.end][:12], b.headings) for b in document.blocks if b.kind == "paragraph"]
    assert [headings for _, headings in paths] == [
        ("The Handbook", "Boats"),
        ("The Handbook", "Boats", "Fuel and service"),
        ("The Handbook", "Landings"),
    ]
    assert document.title == "The Handbook"


def test_running_headers_rows_and_bullets_are_no_headings(tmp_path: Path) -> None:
    bold = "Helvetica-Bold"
    page = [
        Put(40, 480, "Annual Report", 10, bold),
        *column(BODY, BODY, top=450),
        Put(40, 400, "Total income 1,200 1,310 1,405", 10, bold),
        *column(BODY, top=380),
        Put(40, 340, "• a bold point", 12, bold),
    ]
    document = pdf.parse(write_pdf(tmp_path / "a.pdf", [page] * 4), source="a.pdf")
    assert [block for block in document.blocks if block.kind == "heading"] == []
    assert [block.kind for block in document.blocks if block.page == 1][-1] == "list_item"


def test_bold_lines_that_only_follow_each_other_are_no_headings(tmp_path: Path) -> None:
    address = [
        Put(40, 460 - 30 * row, line, 10, "Helvetica-Bold") for row, line in enumerate(("Zone", "Rue", "Le", "Fr"))
    ]
    document = pdf.parse(write_pdf(tmp_path / "a.pdf", [address + column(BODY, BODY, BODY, top=300)]), source="a.pdf")
    assert {block.kind for block in document.blocks} == {"paragraph"}


def test_paragraphs_end_at_gaps(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", [column(BODY, BODY, top=450) + column(BODY, BODY, top=390)])
    document = pdf.parse(path, source="a.pdf")
    assert [block.kind for block in document.blocks] == ["paragraph", "paragraph"]


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        (["the infor\u00admation", "and information"], "infor\u00admation"),
        (["a long\u00adterm plan", "every long-term plan"], "long-term"),
        (["the non\u00adEuropean part"], "non-European"),
        (["the infor\u00admation"], "infor\u00admation"),
    ],
)
def test_the_rest_of_the_document_settles_hyphens_at_line_ends(pages: list[str], expected: str) -> None:
    settled = settle_hyphens(pages)
    assert expected in settled[0]
    assert [len(text) for text in settled] == [len(text) for text in pages]


def test_a_word_broken_over_two_lines_stays_one_word(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", [column("Here is more infor-", "mation about it.")])
    assert "infor\u00admation about" in pdf.parse(path, source="a.pdf").text


def test_pages_that_need_ocr_are_reported(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", [column("Words"), [], [], column("Words"), []], drawn=True)
    report = pdf.parse(path, source="a.pdf").report
    assert [page.needs_ocr for page in report.pages] == [False, True, True, False, True]
    assert report.warnings[0].startswith(
        "Pages 2–3 and 5 have no text: they look scanned or drawn and need OCR; install Tess"
    )


def test_a_document_without_any_text_says_why(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match=r"its 2 pages look scanned and need OCR; install Tesseract"):
        pdf.parse(write_pdf(tmp_path / "a.pdf", [[], []], drawn=True), source="a.pdf")
    assert not pdf.parse(write_pdf(tmp_path / "b.pdf", [[]]), source="b.pdf").text  # an empty page has none


def test_protected_damaged_and_cut_off_files_are_told_apart(tmp_path: Path) -> None:
    protected = write_pdf(tmp_path / "p.pdf", [column(BODY)], password="secret")
    with pytest.raises(IngestError, match=r"p\.pdf is protected by a password; remove the protection and add it again"):
        pdf.parse(protected, source="p.pdf")
    whole = write_pdf(tmp_path / "w.pdf", [column(BODY)] * 5).read_bytes()
    (tmp_path / "t.pdf").write_bytes(whole[: len(whole) // 3])
    with pytest.raises(IngestError, match=r"t\.pdf is damaged or cut off"):
        pdf.parse(tmp_path / "t.pdf", source="t.pdf")
    with pytest.raises(IngestError, match="cannot be opened"):
        pdf.parse(tmp_path / "gone.pdf", source="gone.pdf")


def test_too_many_pages_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_file, "MAX_PDF_PAGES", 2)
    with pytest.raises(IngestError, match=r"has 3 pages; the limit is 2"):
        pdf.parse(write_pdf(tmp_path / "a.pdf", [column("x")] * 3), source="a.pdf")


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("Tide Tables", "Tide Tables"),
        ("Microsoft Word - draft7.doc", "a"),
        ("untitled", "a"),
        ("report.indd", "a"),
        ("", "a"),
    ],
)
def test_the_title_is_not_what_a_program_left(tmp_path: Path, metadata: str, expected: str) -> None:
    path = write_pdf(tmp_path / "a.pdf", [column(BODY)], title=metadata)
    assert pdf.parse(path, source="folder/a.pdf").title == expected


def test_an_empty_crop_box_shows_the_whole_page(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", [column(BODY)], crop=(900, 900, 950, 950))
    page = pdf.parse(path, source="a.pdf").pages[0]
    assert (page.width, page.height) == PAGE


@pytest.mark.parametrize(
    ("pages", "expected"),
    [([4], "Page 4"), ([1, 2, 3], "Pages 1–3"), ([1, 3, 4, 9], "Pages 1, 3–4 and 9")],
)
def test_pages_are_named_for_people(pages: list[int], expected: str) -> None:
    assert page_names(pages) == expected
