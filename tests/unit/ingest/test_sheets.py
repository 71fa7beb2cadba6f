from __future__ import annotations

import struct
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment

from citewise.errors import IngestError
from citewise.ingest.parse import sheets
from citewise.ingest.parse.compose import Composer
from citewise.ingest.parse.sheet_layout import Budget, SheetRow, column_index, column_name, write_sheet
from citewise.types import Block, ParsedDocument
from tests.unit.ingest.checks import assert_anchored, outline
from tests.unit.ingest.making import write_zip
from tests.unit.ingest.making_office import entry, label, number, write_xls
from tests.unit.ingest.making_ole import write_ole


def parsed(path: Path) -> ParsedDocument:
    document = sheets.parse(path, source=path.name)
    assert_anchored(document)
    return document


def read(folder: Path, workbook: openpyxl.Workbook) -> ParsedDocument:
    path = folder / "a.xlsx"
    workbook.save(path)
    return parsed(path)


def of_rows(folder: Path, rows: list[list[Any]]) -> ParsedDocument:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = "Budget"
    for row in rows:
        sheet.append(row)
    return read(folder, workbook)


def tables(document: ParsedDocument) -> list[Block]:
    return [block for block in document.blocks if block.kind == "table"]


def words(document: ParsedDocument, block: Block) -> str:
    return document.text[block.start : block.end]


def test_a_table_has_its_title_its_header_and_a_place_for_each_row(tmp_path: Path) -> None:
    document = of_rows(tmp_path, [["Costs by town"], [], ["Town", "Cost", None], ["Rome", 12.5], ["Oslo", None, "x"]])
    assert outline(document) == [
        ("heading", "Budget", ()),
        ("paragraph", "Costs by town", ("Budget",)),
        ("table", "Town | Cost |\nRome | 12.5 |\nOslo |  | x", ("Budget",)),
    ]
    table = document.blocks[-1]
    assert (table.header, table.caption) == ("Town | Cost |", "Costs by town")
    assert [(place.part, place.cells, document.text[place.start : place.end]) for place in document.places] == [
        ("Budget", "", "Budget"),
        ("Budget", "A1", "Costs by town"),
        ("Budget", "A3:C3", "Town | Cost |"),
        ("Budget", "A4:C4", "Rome | 12.5 |"),
        ("Budget", "A5:C5", "Oslo |  | x"),
    ]
    assert document.title == "a"


def test_values_show_as_their_formats_say(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.append([0.256, 1234.5, date(2020, 1, 2), datetime(2020, 1, 2, 3, 4), True, "a\nb", "#N/A", 0.1 + 0.2])
    sheet["A1"].number_format = "0.0%"
    sheet["B1"].number_format = '#,##0.00 "EUR"'
    document = read(tmp_path, workbook)
    assert words(document, tables(document)[0]) == (
        "25.6% | 1,234.50 EUR | 2020-01-02 | 2020-01-02 03:04:00 | TRUE | a b | #N/A | 0.3"
    )


def test_a_formula_without_a_stored_value_is_shown_and_said(tmp_path: Path) -> None:
    document = of_rows(tmp_path, [["Town", "Cost"], ["Rome", 1], ["Total", "=SUM(B2:B2)"]])
    assert document.text.endswith("Total | =SUM(B2:B2)")
    assert document.report.warnings[0].startswith("1 formula has no stored value")


def test_merged_cells_are_said_where_they_are_shown(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    for row in (["Town", "Cost", None], [None, "2025", "2026"], ["Rome", 1, 2], [None, 3, 4], ["all of it"]):
        sheet.append(row)
    for cells in ("A1:A2", "B1:C1", "A3:A4", "A5:C5"):
        sheet.merge_cells(cells)
    table = tables(document := read(tmp_path, workbook))[0]
    assert (
        words(document, table) == "Town | Cost | Cost\nTown | 2025 | 2026\nRome | 1 | 2\nRome | 3 | 4\nall of it |  |"
    )
    assert table.header == "Town | Cost | Cost\nTown | 2025 | 2026"


def test_a_long_cell_that_spans_rows_is_said_once(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    for row in (["Long", "Cost"], ["words " * 50, 1], [None, 2]):
        sheet.append(row)
    sheet.merge_cells("A2:A3")
    assert read(tmp_path, workbook).text.endswith("words | 1\n| 2")


def test_a_chart_is_named_where_its_figures_are_read_and_read_where_it_is_a_sheet(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    for row in (["Town", "Cost"], ["Rome", 1], ["Oslo", 2]):
        sheet.append(row)
    for place in (sheet, workbook.create_chartsheet("Chart")):
        chart = BarChart()
        chart.title = "Costs by town"
        chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=3), titles_from_data=True)
        place.add_chart(chart)
    document = read(tmp_path, workbook)
    assert document.report.left_out == ("1 chart of figures that stand in the sheets.",)
    assert document.text.endswith("Chart\n\nCosts by town")  # openpyxl stores no figures with a chart


def test_hidden_sheets_and_comments_are_left_out_and_hidden_rows_are_read(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.append(["shown"])
    sheet.append(["filtered"])
    sheet["A1"].comment = Comment("a remark", "Ann")
    sheet.row_dimensions[2].hidden = True
    secret = workbook.create_sheet("Secret")
    secret.append(["hidden"])
    secret.sheet_state = "hidden"
    document = read(tmp_path, workbook)
    assert "filtered" in document.text
    assert "remark" not in document.text
    assert "hidden" not in document.text
    assert document.report.left_out == ("Hidden sheet: Secret.", "Comments.")
    assert document.report.warnings == ("Sheet Sheet: 1 hidden rows were read too.",)


def test_tables_beside_each_other_are_two_tables(tmp_path: Path) -> None:
    rows = [["Town", "Cost", None, "Name", "Age"], ["Rome", 1, None, "Ann", 31], ["Oslo", 2, None, "Bob", 45]]
    document = of_rows(tmp_path, rows)
    assert [words(document, table) for table in tables(document)] == [
        "Town | Cost\nRome | 1\nOslo | 2",
        "Name | Age\nAnn | 31\nBob | 45",
    ]
    assert document.places[-1].cells == "D3:E3"


def test_a_blank_column_before_figures_parts_no_table(tmp_path: Path) -> None:
    rows = [["In millions", None, "2025", "2026"], ["Revenue", None, 5, 6], ["Costs", None, 3, 4]]
    document = of_rows(tmp_path, rows)
    assert words(document, tables(document)[0]) == "In millions | 2025 | 2026\nRevenue | 5 | 6\nCosts | 3 | 4"


def test_blank_rows_within_a_table_leave_it_its_header(tmp_path: Path) -> None:
    rows = [["Item", "2025"], ["Cash", 5], [], ["Liabilities"], [], ["Loans", 3], [], ["Source: own figures"]]
    document = of_rows(tmp_path, rows)
    assert [words(document, table) for table in tables(document)] == ["Item | 2025\nCash | 5\nLiabilities |\nLoans | 3"]
    assert document.text.endswith("Source: own figures")


def test_a_used_range_without_text_costs_nothing(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet["A1"] = "first"
    sheet["XFD1048576"] = "last"
    assert read(tmp_path, workbook).text == "Sheet\n\nfirst\n\nlast"


def test_what_is_beyond_the_limit_is_said() -> None:
    budget = Budget(cells=3)
    composer = Composer()
    rows = [SheetRow(row, {0: "a", 1: "b"}) for row in range(1, 5)]
    write_sheet(composer, "Big", budget.limited("Big", rows))
    assert composer.text == "Big\n\na | b\na | b"
    assert budget.is_spent
    assert budget.unread[0].startswith("Sheet Big from row 3: ")


@pytest.mark.parametrize(("index", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (16_383, "XFD")])
def test_columns_have_letters(index: int, name: str) -> None:
    assert column_name(index) == name
    assert column_index(name) == index


def test_old_workbooks_read_like_new_ones(tmp_path: Path) -> None:
    shared = b"".join(
        (
            struct.pack("<II", 2, 2),
            struct.pack("<HB", 4, 0) + b"Town",
            struct.pack("<HBH", 6, 9, 1) + "Kö".encode("utf-16-le"),  # goes on in the next record, narrower
        )
    )
    strings = entry(0x00FC, shared) + entry(0x003C, b"\x00ln 1" + b"\0\0\0\0")
    cells = [
        *(entry(0x00FD, struct.pack("<HHHI", row, 0, 0, row)) for row in (0, 1)),
        label(0, 1, "Share"),
        number(1, 1, 0.25, style=1),
        entry(0x027E, struct.pack("<HHHI", 2, 1, 3, (123 << 2) | 3)),  # 1.23 as packed number
        entry(0x0006, struct.pack("<HHHB5xHHIH", 2, 0, 0, 0, 0xFFFF, 0, 0, 0)),
        entry(0x0207, struct.pack("<HB", 4, 0) + b"Text"),
        entry(0x0006, struct.pack("<HHHBxB3xHHIH", 3, 0, 0, 2, 7, 0xFFFF, 0, 0, 0)),
        entry(0x00BD, struct.pack("<HHHIHIH", 3, 1, 0, (5 << 2) | 2, 2, (43831 << 2) | 2, 2)),
        entry(0x00E5, struct.pack("<HHHHH", 1, 3, 4, 0, 0)),
        number(4, 1, 6),
    ]
    path = tmp_path / "a.xls"
    path.write_bytes(write_xls({"Data": b"".join(cells), "No": label(0, 0, "x")}, strings=strings, hidden=["No"]))
    document = parsed(path)
    assert words(document, tables(document)[0]) == (
        "Town | Share |\nKöln 1 | 25% |\nText | 1.2 km |\n#DIV/0! | 5 | 2020-01-01\n#DIV/0! | 6 |"
    )
    assert document.report.left_out == ("Hidden sheet: No.",)
    assert document.places[-1].cells == "A5:C5"


def test_every_cut_of_an_old_workbook_ends_in_text_or_a_sentence(tmp_path: Path) -> None:
    whole = write_xls({"Data": label(0, 0, "words") + number(0, 1, 5)})
    path = tmp_path / "a.xls"
    for end in range(600, len(whole), 61):
        path.write_bytes(whole[:end])
        try:
            parsed(path)
        except IngestError as error:
            assert "a.xls" in str(error)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (write_ole({"EncryptedPackage": b"x"}), "protected by a password"),
        (write_ole({"Workbook": entry(0x0809, bytes(8)) + entry(0x002F, b"")}), "protected by a password"),
        (write_ole({"Book": b"\0" * 8}), "list of sheets is missing"),
        (b"PK\x03\x04 cut off", "damaged or cut off"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "a.xls"
    path.write_bytes(content)
    with pytest.raises(IngestError, match=sentence):
        parsed(path)


def test_a_damaged_sheet_is_read_up_to_the_damage(tmp_path: Path) -> None:
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    workbook = (
        f'<workbook {main} xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
    )
    workbook += '<sheet name="One" r:id="a"/><sheet name="Two" r:id="b"/></sheets></workbook>'
    relations = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
    relation = '<Relationship Id="{}" Type="x/{}" Target="{}"/>'
    path = tmp_path / "a.xlsx"
    parts = {
        "_rels/.rels": relations.format(relation.format("m", "officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": workbook,
        "xl/_rels/workbook.xml.rels": relations.format(
            relation.format("a", "worksheet", "one.xml") + relation.format("b", "worksheet", "two.xml")
        ),
        "xl/one.xml": f"<worksheet {main}><sheetData><row><c><v>1</v></c></row><row><c><v>2</v>",
        "xl/two.xml": f'<worksheet {main}><row><c t="inlineStr"><is><t>two</t></is></c></row></worksheet>',
    }
    write_zip(path, **parts)
    document = parsed(path)
    assert document.text == "One\n\n1\n\nTwo\n\ntwo"
    assert document.report.unread == ("Sheet One after row 1, which is damaged.",)
