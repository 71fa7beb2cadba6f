from __future__ import annotations

from pathlib import Path

import pytest

from citewise.ingest.parse import pdf
from citewise.types import Block, ParsedDocument
from tests.unit.ingest.checks import assert_anchored
from tests.unit.ingest.making import Put, column, two_columns, write_pdf

BODY = "The station keeps a log of every landing that is made here, whatever the weather."
BOLD = "Helvetica-Bold"
FIGURES = [
    ("Fuel", "1,200", "1,310"),
    ("Ropes and sails", "85", "(90)"),
    ("Crew", "14,005", "13,870"),
    ("Total cost of the year", "15,290", "15,090"),
]


def read(tmp_path: Path, *pages: list[Put], rotation: int = 0) -> ParsedDocument:
    document = pdf.parse(write_pdf(tmp_path / "a.pdf", pages, rotation=rotation), source="a.pdf")
    assert_anchored(document)
    return document


def rows(*cells: tuple[str, ...], top: float = 300, bold: int = 0) -> list[list[Put]]:
    """Lay cells out at fixed columns; the first ``bold`` rows are bold."""
    return [
        [
            Put(x, top - 14 * number, text, 10, BOLD if number < bold else "Helvetica")
            for x, text in zip((40, 220, 300), row, strict=True)
            if text
        ]
        for number, row in enumerate(cells)
    ]


def flat(table: list[list[Put]]) -> list[Put]:
    return [put for row in table for put in row]


def by_column(table: list[list[Put]]) -> list[Put]:
    return sorted(flat(table), key=lambda put: put.x)


def the_table(document: ParsedDocument) -> Block:
    (table,) = [block for block in document.blocks if block.kind == "table"]
    return table


def test_columns_that_alternate_in_the_file_are_read_one_by_one(tmp_path: Path) -> None:
    heading = Put(40, 480, "A heading over both of the columns of the page", 9)
    document = read(
        tmp_path, [heading, *two_columns(), Put(40, 200, "And a last line goes below both of the columns", 9)]
    )
    words = document.text.split("\n")
    assert words[0].startswith("A heading")
    assert [line.split()[0] for line in words[1:25]] == ["left"] * 12 + ["right"] * 12
    assert words[25].startswith("And a last line")


def test_columns_in_their_order_stay_as_the_file_has_them(tmp_path: Path) -> None:
    document = read(tmp_path, two_columns(alternating=False))
    assert [line.split()[0] for line in document.text.split("\n")] == ["left"] * 12 + ["right"] * 12


def test_lines_that_go_up_the_page_are_read_from_the_top(tmp_path: Path) -> None:
    document = read(tmp_path, column(*(f"{BODY} {n}" for n in range(9)))[::-1])
    assert [int(line.split()[-1]) for line in document.text.split("\n")] == list(range(9))


@pytest.mark.parametrize("order", [flat, by_column])
def test_rows_of_a_table_are_lines_and_its_header_is_known(tmp_path: Path, order: object) -> None:
    table = rows(("In thousands", "2023", "2022"), *FIGURES, bold=1)
    puts = flat(table) if order is flat else by_column(table)
    document = read(tmp_path, [*column(BODY, BODY), Put(40, 330, "Table 3: What it cost", 10), *puts])
    block = the_table(document)
    lines = [" ".join(line.split()) for line in document.text[block.start : block.end].split("\n")]
    assert lines == ["In thousands 2023 2022", *(" ".join(row) for row in FIGURES)]
    assert " ".join(block.header.split()) == "In thousands 2023 2022"
    assert block.caption == "Table 3: What it cost"
    assert document.report.pages[0].tables == document.report.tables == 1


def test_the_caption_of_a_figure_is_none_of_a_table(tmp_path: Path) -> None:
    table = flat(rows(("In thousands", "2023", "2022"), *FIGURES, bold=1))
    document = read(tmp_path, [*table, Put(40, 210, "Figure 4. Something else", 10)])
    assert the_table(document).caption == ""


def test_a_header_of_the_page_and_headings_below_it_are_no_rows_of_a_table(tmp_path: Path) -> None:
    page = [Put(40, 342, "The trust, 7th edition", 9), Put(300, 342, "12. Accounts", 9)]
    page += [Put(40, 318, "4. What it cost", 18, BOLD), Put(40, 300, "4.1 Over two years", 14, BOLD)]
    page += flat(rows(("", "2024", "2023"), *FIGURES, top=284, bold=1))
    document = read(tmp_path, page)
    assert document.text[the_table(document).start :].startswith("2024")
    headings = [document.text[one.start : one.end] for one in document.blocks if one.kind == "heading"]
    assert headings == ["4. What it cost", "4.1 Over two years"]


def test_a_form_has_no_header(tmp_path: Path) -> None:
    form = [("Make:", "Cessna", "N2151J"), ("Model:", "Skyhawk", "172"), ("Built:", "unknown", "none")]
    assert the_table(read(tmp_path, [*column(BODY, BODY), *flat(rows(*form))])).header == ""


def test_a_cell_of_several_lines_stays_in_its_row(tmp_path: Path) -> None:
    cells = [
        ("Make:", "Cessna", "N2151J"),
        ("Used:", "Seatbelt,", "2"),
        ("Built:", "in parts", "3"),
        ("Held:", "A", "4"),
    ]
    table = [
        Put(x, 300 - 24 * number, text)
        for number, row in enumerate(cells)
        for x, text in zip((40, 220, 300), row, strict=True)
    ]
    wrapped = [Put(220, 300 - 24 - 12, "harness"), Put(220, 300 - 72 - 12, "last line")]
    document = read(tmp_path, [*column(BODY, BODY), *table, *wrapped, *column(BODY, top=150)])
    block = the_table(document)
    lines = document.text[block.start : block.end].split("\n")
    assert [" ".join(line.split()) for line in lines] == [
        "Make: Cessna N2151J",
        "Used: Seatbelt, harness 2",
        "Built: in parts 3",
        "Held: A last line 4",
    ]


def test_names_of_groups_of_columns_belong_to_the_header(tmp_path: Path) -> None:
    group = Put(235, 314, "Year ended May 31", 10)
    document = read(tmp_path, [*column(BODY, BODY), group, *flat(rows(("", "2023", "2022"), *FIGURES))])
    assert " ".join(the_table(document).header.split()) == "Year ended May 31 2023 2022"


def test_a_table_of_words_is_known_by_its_columns(tmp_path: Path) -> None:
    table = rows(
        ("Port", "Harbour master", "Depth"),
        ("Aln", "J. Moor", "shallow"),
        ("Berwick", "P. Reed", "deep"),
        ("Craster", "A. Fell", "deep"),
        bold=1,
    )
    block = the_table(read(tmp_path, [*column(BODY, BODY), *flat(table)]))
    assert " ".join(block.header.split()) == "Port Harbour master Depth"


@pytest.mark.parametrize(
    "page",
    [
        two_columns(),
        two_columns(alternating=False),
        column(*[BODY] * 12),
        [put for n in range(6) for put in (Put(40, 400 - 14 * n, "•"), Put(60, 400 - 14 * n, BODY, 7))],
        [put for n in range(6) for put in (Put(40, 400 - 14 * n, f"{n}."), Put(60, 400 - 14 * n, BODY, 7))],
    ],
    ids=["alternating columns", "columns", "paragraph", "bullets", "numbers"],
)
def test_what_only_looks_like_columns_is_no_table(tmp_path: Path, page: list[Put]) -> None:
    document = read(tmp_path, page)
    assert "table" not in {block.kind for block in document.blocks}
    assert document.report.tables == 0


def test_headers_footers_and_page_numbers_that_repeat_are_furniture(tmp_path: Path) -> None:
    pages = [
        [
            Put(40, 480, "Annual Report of the Station", 8),
            *column(f"Chapter {number} begins.", BODY, BODY, top=420),
            Put(200, 15, f"{number}", 8),
        ]
        for number in range(7, 12)
    ]
    document = read(tmp_path, *pages)
    furniture = [document.text[block.start : block.end] for block in document.blocks if block.kind == "furniture"]
    assert furniture == [text for n in range(7, 12) for text in ("Annual Report of the Station", str(n))]


def test_what_repeats_close_to_the_text_or_not_often_is_no_furniture(tmp_path: Path) -> None:
    close = [[Put(40, 475, "Years ended May 31", 10), *column(f"{word} {BODY}", BODY, top=464)] for word in "abcd"]
    assert "furniture" not in {block.kind for block in read(tmp_path, *close).blocks}
    twice = [[Put(40, 480, "Annual Report", 8), *column(BODY, BODY, top=420)]] * 2
    assert "furniture" not in {block.kind for block in read(tmp_path, *twice).blocks}


def test_figures_at_the_foot_of_pages_are_no_page_numbers(tmp_path: Path) -> None:
    pages = [[*column(BODY, BODY), Put(200, 15, figure, 8)] for figure in ("512", "87", "90", "1024")]
    assert "furniture" not in {block.kind for block in read(tmp_path, *pages).blocks}


def test_words_outside_the_visible_area_are_left_out_and_counted(tmp_path: Path) -> None:
    page = [Put(40, 300, "Words that are shown"), Put(300, 300, "hidden words"), Put(40, 286, "and the next line")]
    document = pdf.parse(write_pdf(tmp_path / "a.pdf", [page], crop=(20, 20, 250, 480)), source="a.pdf")
    assert_anchored(document)
    assert " ".join(document.text.split()) == "Words that are shown and the next line"
    assert document.report.left_out == ("2 words: outside the visible part of the page.",)
