from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from PIL import Image
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from citewise.errors import IngestError
from citewise.ingest.parse import charts, package, pptx
from citewise.types import ParsedDocument
from tests.unit.ingest.checks import assert_anchored, outline
from tests.unit.ingest.making import write_zip

INCH = Inches(1)
AREA = (INCH, INCH, INCH, INCH)


def read(folder: Path, presentation: Any) -> ParsedDocument:
    path = folder / "a.pptx"
    presentation.save(str(path))
    return parsed(path)


def parsed(path: Path) -> ParsedDocument:
    document = pptx.parse(path, source="a.pptx")
    assert_anchored(document)
    return document


def rewritten(path: Path, **parts: Any) -> Path:
    """Change parts of a package, each by a function of its content."""
    changes = {name.replace("__", "/"): change for name, change in parts.items()}
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, raw in content.items():
            change = changes.get(name.rsplit(".", 1)[0], changes.get("all", bytes))
            archive.writestr(name, change(raw))
    return path


def picture() -> io.BytesIO:
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "PNG")
    file.seek(0)
    return file


def test_slides_have_titles_lists_and_notes(tmp_path: Path) -> None:
    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    body = slide.placeholders[1].text_frame
    body.text = "first"
    deeper = body.add_paragraph()
    deeper.text, deeper.level = "below", 1
    slide.shapes.title.text = "The plan"
    slide.notes_slide.notes_text_frame.text = "Say it slowly."
    second = presentation.slides.add_slide(presentation.slide_layouts[6])
    second.shapes.add_textbox(*AREA).text_frame.text = "alone"
    second._element.set("show", "0")
    document = read(tmp_path, presentation)
    assert outline(document) == [
        ("heading", "The plan", ()),
        ("list_item", "first", ("The plan",)),
        ("list_item", "below", ("The plan",)),
        ("paragraph", "Say it slowly.", ("The plan",)),
        ("paragraph", "alone", ()),
    ]
    assert "first\n  below" in document.text
    assert [page.number for page in document.pages] == [1, 2]
    assert [place.part for place in document.places] == [
        "Title 1",
        "Content Placeholder 2",
        "Notes",
        "TextBox 1",
    ]
    assert document.report.warnings == ("Hidden in the show, but read: slide 2.",)
    assert document.title == "The plan"


def test_tables_and_charts_are_tables_with_headers(tmp_path: Path) -> None:
    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[6])
    table = slide.shapes.add_table(3, 2, *AREA).table
    for cell, words in zip(table.iter_cells(), ("City", "Size", "Rome", "2", "", "3"), strict=True):
        cell.text = words
    table.cell(1, 0).merge(table.cell(2, 0))
    data = CategoryChartData(number_format="0%")
    data.categories = ["East", "West"]
    data.add_series("2025", (0.25, 0.5))
    data.add_series("2026", (0.75, None))
    chart = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *AREA, data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Shares"
    document = read(tmp_path, presentation)
    first, caption, second = document.blocks
    assert document.text[first.start : first.end] == "City | Size\nRome | 2\nRome | 3"
    assert first.header == "City | Size"
    assert (caption.kind, second.caption, second.header) == ("caption", "Shares", "| 2025 | 2026")
    assert document.text[second.start : second.end].endswith("East | 25% | 75%\nWest | 50% |")
    assert document.report.pages[0].tables == 2


def test_groups_pictures_and_footers_are_read_for_what_they_are(tmp_path: Path) -> None:
    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[6])
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(*AREA).text_frame.text = "grouped"
    described = slide.shapes.add_picture(picture(), *AREA)
    described._element.nvPicPr.cNvPr.set("descr", "A map of the site")
    named = slide.shapes.add_picture(picture(), *AREA)
    named._element.nvPicPr.cNvPr.set("descr", "map.png")
    footer = slide.shapes.add_textbox(*AREA)
    footer.text_frame.text = "Confidential"
    placeholder = etree.SubElement(footer._element.nvSpPr.nvPr, f"{pptx._P}ph")
    placeholder.set("type", "ftr")
    document = read(tmp_path, presentation)
    assert outline(document) == [
        ("paragraph", "grouped", ()),
        ("caption", "A map of the site", ()),
        ("furniture", "Confidential", ()),
    ]
    assert document.report.pages[0].images == 2
    assert document.report.left_out == ("2 images.",)


def test_a_presentation_of_footers_alone_is_read_and_words_on_its_master_are_named(tmp_path: Path) -> None:
    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[6])
    footer = slide.shapes.add_textbox(*AREA)
    footer.text_frame.text = "Confidential"
    etree.SubElement(footer._element.nvSpPr.nvPr, f"{pptx._P}ph").set("type", "ftr")
    master = footer._element.__copy__()
    master.nvSpPr.nvPr.clear()
    presentation.slide_master.shapes._spTree.append(master)
    document = read(tmp_path, presentation)
    assert outline(document) == [("paragraph", "Confidential", ())]
    assert document.report.left_out == ("Words on the master, which stand on every slide.",)


def test_the_words_of_a_diagram_come_in_the_order_of_its_tree() -> None:
    namespace = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
    words = "".join(
        f'<pt modelId="{identity}"><t><p xmlns="{charts._A[1:-1]}"><r><t>{text}</t></r></p></t></pt>'
        for identity, text in (("b", "second"), ("a", "first"), ("c", "below first"))
    )
    links = "".join(
        f'<cxn srcId="{source}" destId="{target}" srcOrd="{order}"/>'
        for source, target, order in (("d", "a", 0), ("d", "b", 1), ("a", "c", 0), ("c", "a", 0))
    )
    data = f'<dataModel xmlns="{namespace}"><pt modelId="d" type="doc"/>{words}{links}</dataModel>'
    assert list(charts.diagram_items(etree.fromstring(data))) == [(0, "first"), (1, "below first"), (0, "second")]


def test_strict_files_and_shows_read_like_the_usual_ones(tmp_path: Path) -> None:
    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    slide.shapes.title.text = "The plan"
    presentation.save(str(tmp_path / "a.pptx"))

    def strict(raw: bytes) -> bytes:
        for name in (b"officeDocument", b"presentationml", b"drawingml"):
            raw = raw.replace(
                b"http://schemas.openxmlformats.org/%b/2006/" % name, b"http://purl.oclc.org/ooxml/%b/" % name
            )
        return raw.replace(b"presentation.main+xml", b"slideshow.main+xml")

    assert parsed(rewritten(tmp_path / "a.pptx", all=strict)).text == "The plan"


def test_a_damaged_slide_costs_that_slide_only(tmp_path: Path) -> None:
    presentation = Presentation()
    for title in ("one", "two"):
        presentation.slides.add_slide(presentation.slide_layouts[5]).shapes.title.text = title
    presentation.save(str(tmp_path / "a.pptx"))
    document = parsed(rewritten(tmp_path / "a.pptx", ppt__slides__slide1=lambda raw: raw[:200]))
    assert document.text == "two"
    assert document.report.unread == ("Slide 1, which is damaged.",)
    assert document.blocks[0].page == 2


def test_entities_are_not_resolved(tmp_path: Path) -> None:
    presentation = Presentation()
    presentation.slides.add_slide(presentation.slide_layouts[5]).shapes.title.text = "before MARK after"
    presentation.save(str(tmp_path / "a.pptx"))
    secret = tmp_path / "secret.txt"
    secret.write_text("secret words")

    def attack(raw: bytes) -> bytes:
        declaration = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>'.encode()
        head, _, rest = raw.partition(b"?>")
        return head + b"?>" + declaration + rest.replace(b"MARK", b"&e;")

    assert "secret" not in parsed(rewritten(tmp_path / "a.pptx", ppt__slides__slide1=attack)).text


def test_what_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zip(tmp_path / "a.pptx", ppt__x="y")
    with pytest.raises(IngestError, match=r"_rels/\.rels is missing"):
        pptx.parse(path, source="a.pptx")
    path.write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(IngestError, match="damaged or cut off"):
        pptx.parse(path, source="a.pptx")
    write_zip(path, a="x", b="y")
    monkeypatch.setattr(package, "MAX_PARTS", 1)
    with pytest.raises(IngestError, match="2 parts"):
        pptx.parse(path, source="a.pptx")


def test_a_part_that_grows_out_of_all_proportion_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zip(tmp_path / "a.pptx", bomb=b"\0" * 2_000_000)
    monkeypatch.setattr(package, "MIN_RATIO_MB", 1)
    with pytest.raises(IngestError, match="times its size"):
        pptx.parse(path, source="a.pptx")
