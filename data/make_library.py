"""Makes the PDF and DOCX files of the sample library from ``data/source``.

``python data/make_library.py [--output FOLDER]`` writes the same bytes every time, on
every machine: dates and ids are fixed, and nothing is compressed, because two builds of
zlib may pack the same text differently.
"""

from __future__ import annotations

import argparse
import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape

import docx
from docx.document import Document as WordDocument
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt
from figures import BLUE, DRAWINGS, GREY, INK
from manuscript import Block, read, runs
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import cm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    FrameBreak,
    KeepTogether,
    NextPageTemplate,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
)
from reportlab.platypus.tableofcontents import TableOfContents

SOURCE = Path(__file__).parent / "source"
LIBRARY = Path(__file__).parent / "library"
LONG_TABLE = 9  # rows; a longer one may run over the end of a page
FIXED_TIME = datetime(2024, 5, 1, 12, 0, 0)
WIDTH, HEIGHT = A4

BODY = ParagraphStyle("body", fontName="Times-Roman", fontSize=11, leading=15, spaceAfter=7, textColor=INK)
CELL = ParagraphStyle("cell", parent=BODY, fontName="Helvetica", fontSize=8, leading=10, spaceAfter=0)
HEAD_CELL = ParagraphStyle("head", parent=CELL, fontName="Helvetica-Bold")
CAPTION = ParagraphStyle("caption", parent=BODY, fontName="Helvetica-Oblique", fontSize=8.5, leading=11, spaceAfter=10)
TABLE_CAPTION = ParagraphStyle(
    "table caption", parent=CAPTION, fontName="Helvetica-Bold", spaceBefore=4, spaceAfter=3, keepWithNext=1
)
HEADINGS = {
    1: ParagraphStyle("h1", fontName="Helvetica-Bold", fontSize=17, leading=22, spaceBefore=4, spaceAfter=10),
    2: ParagraphStyle("h2", fontName="Helvetica-Bold", fontSize=12, leading=16, spaceBefore=8, spaceAfter=4),
    3: ParagraphStyle("h3", fontName="Helvetica-Bold", fontSize=10.5, leading=14, spaceBefore=6, spaceAfter=3),
}
for _style in HEADINGS.values():
    _style.textColor = BLUE
    _style.keepWithNext = 1
TITLE = ParagraphStyle("title", fontName="Helvetica-Bold", fontSize=30, leading=36, textColor=BLUE, spaceAfter=14)
SUBTITLE = ParagraphStyle("subtitle", parent=BODY, fontSize=13, leading=18)


@dataclass(frozen=True)
class Work:
    """A document to make: where it comes from and what stands on its title page and in its margins."""

    manuscript: str
    file: str
    title: str
    subtitle: str
    running: str  # in the header of every page
    layout: str  # book, report, columns, word


WORKS = (
    Work(
        "handbook",
        "Station Handbook 7th edition.pdf",
        "Station Handbook",
        "Seventh edition, in force from 1 May 2024. For the staff, wardens and boat crews of the Tarrock Isles.",
        "Tarrock Isles Trust: Station Handbook, 7th edition",
        "book",
    ),
    Work(
        "annual_report",
        "Annual Report 2023.pdf",
        "Annual Report 2023",
        "The forty-ninth report of the Tarrock Isles Trust, for the year to 31 December 2023",
        "Tarrock Isles Trust: Annual Report 2023",
        "report",
    ),
    Work(
        "incident",
        "Incident Report 2022-03 Grounding of Sula.pdf",
        "The grounding of Sula",
        "Incident report 2022-03, 29 August 2022",
        "Incident report 2022-03: the grounding of Sula",
        "report",
    ),
    Work(
        "bulletin",
        "Tarrock Bulletin 41.pdf",
        "The Tarrock Bulletin",
        "Number 41, spring 2024. Sent to members in April and October.",
        "The Tarrock Bulletin 41, spring 2024",
        "columns",
    ),
    Work(
        "volunteer_agreement",
        "Volunteer Agreement 2024.docx",
        "Volunteer Agreement 2024",
        "Between the Tarrock Isles Trust and each of its volunteers",
        "Tarrock Isles Trust: Volunteer Agreement 2024",
        "word",
    ),
    Work(
        "biosecurity_plan",
        "Biosecurity Plan 2023.docx",
        "Biosecurity Plan",
        "Revised January 2023",
        "Tarrock Isles Trust: Biosecurity Plan, January 2023",
        "word",
    ),
    Work(
        "maintenance",
        "Power and Water Maintenance Schedule.docx",
        "Power and Water: Maintenance Schedule",
        "Revised 12 April 2024",
        "Tarrock Isles Trust: Maintenance Schedule",
        "word",
    ),
)


# --- PDF ------------------------------------------------------------------------------


class _Pdf(BaseDocTemplate):
    """A document whose chapter headings fill the contents, the bookmarks and the header."""

    chapter = ""

    def beforeDocument(self) -> None:  # noqa: N802 - reportlab's name
        self.chapter = ""  # it is laid out several times, until the contents are right

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802 - reportlab's name
        level = {"h1": 0, "h2": 1}.get(getattr(getattr(flowable, "style", None), "name", ""))
        if level is None:
            return
        text = flowable.getPlainText()
        key = f"heading-{self.seq.nextf('heading')}"
        self.canv.bookmarkPage(key)
        self.canv.addOutlineEntry(text, key, level, closed=level == 0)
        self.notify("TOCEntry", (level, text, self.page, key))
        if level == 0:
            self.chapter = text


def _markup(text: str) -> str:
    pieces = []
    for run in runs(text):
        words = escape(run.text)
        pieces.append(f"<b>{words}</b>" if run.bold else f"<i>{words}</i>" if run.italic else words)
    return "".join(pieces)


def _column_widths(rows: Sequence[Sequence[str]], width: float, size: float) -> list[float]:
    """Share ``width`` points: no column narrower than its longest word, the rest by length of text."""
    padding = 9
    columns = list(zip(*rows, strict=True))
    least = [
        max(stringWidth(word, "Helvetica-Bold", size) for cell in column for word in (cell.split() or [""])) + padding
        for column in columns
    ]
    wished = [max(stringWidth(cell, "Helvetica-Bold", size) for cell in column) + padding for column in columns]
    extra = [max(0.0, wish - need) for wish, need in zip(wished, least, strict=True)]
    left = width - sum(least)
    share = min(1.0, left / sum(extra)) if sum(extra) else 0.0
    return [need + share * more for need, more in zip(least, extra, strict=True)]


def _table(block: Block, width: float, size: float) -> list[Flowable]:
    cell = ParagraphStyle("cell", parent=CELL, fontSize=size, leading=size * 1.25)
    head = ParagraphStyle("head", parent=cell, fontName="Helvetica-Bold")
    rows = [
        [Paragraph(_markup(text), head if number == 0 else cell) for text in row]
        for number, row in enumerate(block.rows)
    ]
    table = Table(
        rows,
        colWidths=_column_widths(block.rows, width, size),
        repeatRows=1,
        hAlign="LEFT",
        spaceAfter=10,
        style=[
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEABOVE", (0, 0), (-1, 0), 0.8, INK),
            ("LINEBELOW", (0, 0), (-1, 0), 0.8, INK),
            ("LINEBELOW", (0, 1), (-1, -1), 0.25, GREY),
            ("BACKGROUND", (0, 0), (-1, 0), HexColor("#e8eef1")),
            ("LEFTPADDING", (0, 0), (-1, -1), 4),
            ("RIGHTPADDING", (0, 0), (-1, -1), 4),
            ("TOPPADDING", (0, 0), (-1, -1), 2.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
        ],
    )
    caption: list[Flowable] = [Paragraph(_markup(block.text), TABLE_CAPTION)] if block.text else []
    if len(rows) <= LONG_TABLE:
        return [*caption, table]  # kept together by the caption's style
    for paragraph in caption:
        paragraph.keepWithNext = 0
    return [*caption, table]


def _figure(block: Block) -> list[Flowable]:
    drawing = DRAWINGS[block.name]()
    drawing.hAlign = "CENTER"
    return [KeepTogether([Spacer(1, 4), drawing, Spacer(1, 5), Paragraph(_markup(block.text), CAPTION)])]


def _flowables(
    blocks: Sequence[Block], *, width: float, new_page_for_chapters: bool, cell_size: float = 8
) -> list[Flowable]:
    story: list[Flowable] = []
    step = 0
    for block in blocks:
        step = step + 1 if block.kind == "step" else 0
        match block.kind:
            case "heading":
                if block.level == 1 and new_page_for_chapters and story:
                    story.append(CondPageBreak(10 * cm))
                story.append(Paragraph(_markup(block.text), HEADINGS[block.level]))
            case "table":
                story += _table(block, width, cell_size)
            case "figure":
                story += _figure(block)
            case "bullet" | "step":
                mark = "•" if block.kind == "bullet" else f"{step}."
                style = ParagraphStyle(
                    "item", parent=BODY, leftIndent=18, bulletIndent=3, spaceAfter=3, bulletFontName="Times-Roman"
                )
                story.append(Paragraph(_markup(block.text), style, bulletText=mark))
            case _:
                story.append(Paragraph(_markup(block.text), BODY))
    return story


def _margins(work: Work) -> Callable[[Canvas, _Pdf], None]:
    def draw(canvas: Canvas, document: _Pdf) -> None:
        canvas.saveState()
        canvas.setFont("Helvetica", 8)
        canvas.setFillColor(GREY)
        canvas.drawString(2.3 * cm, HEIGHT - 1.5 * cm, work.running)
        if work.layout == "book":
            canvas.drawRightString(WIDTH - 2.3 * cm, HEIGHT - 1.5 * cm, document.chapter)
        canvas.setLineWidth(0.4)
        canvas.setStrokeColor(GREY)
        canvas.line(2.3 * cm, HEIGHT - 1.65 * cm, WIDTH - 2.3 * cm, HEIGHT - 1.65 * cm)
        canvas.drawCentredString(WIDTH / 2, 1.2 * cm, str(document.page))
        canvas.restoreState()

    return draw


def _plain_canvas(*arguments: object, **options: object) -> Canvas:
    options["invariant"] = 1
    options["pageCompression"] = 0
    return Canvas(*arguments, **options)


def make_pdf(work: Work, target: Path) -> None:
    """Write one PDF."""
    document = _Pdf(
        str(target), pagesize=A4, title=work.title, author="Tarrock Isles Trust", subject=work.subtitle, lang="en-GB"
    )
    blocks = read(SOURCE / f"{work.manuscript}.manuscript")
    left, bottom, width = 2.3 * cm, 2 * cm, WIDTH - 4.6 * cm
    height = HEIGHT - 4.1 * cm
    draw = _margins(work)
    full = Frame(left, bottom, width, height, id="full", leftPadding=0, rightPadding=0)
    masthead: list[Flowable] = [Paragraph(work.title, TITLE), Paragraph(work.subtitle, SUBTITLE)]
    if work.layout == "columns":
        gap, top = 0.8 * cm, 3.2 * cm
        column = (width - gap) / 2

        def columns(tall: float, name: str) -> list[Frame]:
            return [
                Frame(x, bottom, column, tall, id=f"{name}{x:.0f}", leftPadding=0, rightPadding=0)
                for x in (left, left + column + gap)
            ]

        head = Frame(left, bottom + height - top, width, top, id="head", leftPadding=0, rightPadding=0)
        document.addPageTemplates(
            [
                PageTemplate("first", [head, *columns(height - top, "a")], onPageEnd=draw),
                PageTemplate("later", columns(height, "b"), onPageEnd=draw),
            ]
        )
        story = [*masthead, FrameBreak(), NextPageTemplate("later")]
        story += _flowables(blocks, width=column, new_page_for_chapters=False, cell_size=7.5)
        document.build(story, canvasmaker=_plain_canvas)
        return
    document.addPageTemplates([PageTemplate("cover", [full]), PageTemplate("page", [full], onPageEnd=draw)])
    body = _flowables(blocks, width=width, new_page_for_chapters=work.layout == "book", cell_size=8.5)
    if work.layout == "book":
        contents = TableOfContents(
            levelStyles=[
                ParagraphStyle("toc1", fontName="Helvetica-Bold", fontSize=9.5, leading=13, spaceBefore=3),
                ParagraphStyle("toc2", fontName="Helvetica", fontSize=8.5, leading=10.5, leftIndent=14),
            ],
            dotsMinLevel=0,
        )
        heading = ParagraphStyle("contents heading", parent=HEADINGS[1])
        story = [
            Spacer(1, 3 * cm),
            *masthead,
            Spacer(1, 1 * cm),
            DRAWINGS["cover"](),
            Spacer(1, 2 * cm),
            Paragraph("Tarrock Isles Trust, The Old Bonded Store, 3 Quay Street, Port Ennis", BODY),
            NextPageTemplate("page"),
            PageBreak(),
            Paragraph("Contents", heading),
            contents,
            PageBreak(),
            *body,
        ]
    else:
        story = [NextPageTemplate("page"), *masthead, Spacer(1, 0.8 * cm), *body]
        document.pageTemplates.pop(0)
        document.pageTemplates[0].id = "page"
    document.multiBuild(story, canvasmaker=_plain_canvas)


# --- DOCX -----------------------------------------------------------------------------


def _restart_numbering(document: WordDocument) -> int:
    """Begin a new numbered list and return its id: Word counts on through lists that share one."""
    style_numbering = document.styles["List Number"].element.pPr.numPr.numId.val
    numbering = document.part.numbering_part.element
    abstract = next(
        number.abstractNumId.val for number in numbering.findall(qn("w:num")) if number.numId == style_numbering
    )
    number = numbering.add_num(abstract)
    number.add_lvlOverride(ilvl=0).add_startOverride(1)
    return int(number.numId)


def _add_runs(paragraph: docx.text.paragraph.Paragraph, text: str) -> None:
    for run in runs(text):
        added = paragraph.add_run(run.text)
        added.bold, added.italic = run.bold or None, run.italic or None


def _add_table(document: WordDocument, block: Block) -> None:
    if block.text:
        document.add_paragraph(block.text, style="Caption")
    table = document.add_table(rows=0, cols=len(block.rows[0]), style="Table Grid")
    for number, row in enumerate(block.rows):
        cells = table.add_row().cells
        for cell, text in zip(cells, row, strict=True):
            _add_runs(cell.paragraphs[0], text)
            for run in cell.paragraphs[0].runs:
                run.font.size = Pt(9)
                run.bold = number == 0 or run.bold
    header = OxmlElement("w:tblHeader")
    table.rows[0]._tr.get_or_add_trPr().append(header)
    document.add_paragraph()


def _empty_document() -> WordDocument:
    """A new document without the hundred table styles and the copy of them for Word 2010 that the template brings."""
    document = docx.Document()
    for style in list(document.styles):
        if style.type == WD_STYLE_TYPE.TABLE and style.name not in {"Normal Table", "Table Grid"}:
            style.element.getparent().remove(style.element)
    for key, relation in list(document.part.rels.items()):
        if relation.reltype.endswith("/stylesWithEffects"):
            document.part.rels.pop(key)
    return document


def make_word(work: Work, target: Path) -> None:
    """Write one DOCX."""
    document = _empty_document()
    properties = document.core_properties
    properties.title, properties.author, properties.subject = work.title, "Tarrock Isles Trust", work.subtitle
    properties.created = properties.modified = FIXED_TIME
    properties.comments = ""
    document.sections[0].header.paragraphs[0].text = work.running
    document.sections[0].footer.paragraphs[0].text = "The Old Bonded Store, 3 Quay Street, Port Ennis"
    document.add_heading(work.title, level=0)
    document.add_paragraph(work.subtitle, style="Subtitle")
    numbering: int | None = None
    for block in read(SOURCE / f"{work.manuscript}.manuscript"):
        if block.kind != "step":
            numbering = None
        match block.kind:
            case "heading":
                document.add_heading(block.text, level=block.level)
            case "table":
                _add_table(document, block)
            case "bullet":
                _add_runs(document.add_paragraph(style="List Bullet"), block.text)
            case "step":
                numbering = numbering or _restart_numbering(document)
                paragraph = document.add_paragraph(style="List Number")
                _add_runs(paragraph, block.text)
                properties_of_list = paragraph._p.get_or_add_pPr().get_or_add_numPr()
                properties_of_list.get_or_add_ilvl().val = 0
                properties_of_list.get_or_add_numId().val = numbering
            case _:
                _add_runs(document.add_paragraph(), block.text)
    buffer = io.BytesIO()
    document.save(buffer)
    _repack(buffer, target)


def _repack(packed: io.BytesIO, target: Path) -> None:
    """Copy a zip file without compression and with one fixed time on every member."""
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            member = zipfile.ZipInfo(name, FIXED_TIME.timetuple()[:6])
            member.create_system = 3  # the same on every platform
            new.writestr(member, old.read(name))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=LIBRARY, help="the folder to write to")
    output = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    for work in WORKS:
        (make_word if work.layout == "word" else make_pdf)(work, output / work.file)


if __name__ == "__main__":
    main()
