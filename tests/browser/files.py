"""One small file of each family, each with a fact that stands in no other."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import docx
import openpyxl
import pptx
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas


@dataclass(frozen=True)
class Sample:
    """A file, what to ask of it, and where the answer stands."""

    name: str
    write: Callable[[Path], None]
    question: str
    marked: str  # words that are marked in the source panel
    locator: str


def _pdf(path: Path) -> None:
    canvas = Canvas(str(path), pagesize=A4)
    for page, line in enumerate(("Nothing of note.", "The zeppelin hangar opens at half past nine.", "The end."), 1):
        canvas.drawString(72, 740, f"Chapter {page}")
        canvas.drawString(72, 700, line)
        canvas.showPage()
    canvas.save()


def _docx(path: Path) -> None:
    document = docx.Document()
    document.add_heading("Ropes", 1)
    document.add_paragraph("Ropes are checked.")
    document.add_heading("Anchors", 2)
    document.add_paragraph("The kedge anchor weighs seventy kilograms.")
    document.save(str(path))


def _pptx(path: Path) -> None:
    deck = pptx.Presentation()
    for title, line in (
        ("Welcome", "Thank you for coming"),
        ("Lanterns", "Lanterns burn whale oil until the equinox"),
        ("Questions", "Ask us anything"),
    ):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = line
    deck.save(str(path))


def _xlsx(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Stores"
    sheet.append(["Provision", "Kilograms", "Kept in", "Ordered from"])
    for number in range(1, 60):
        sheet.append([f"Ration number {number}", number * 3, "Cellar", "The mainland"])
    sheet["A38"], sheet["B38"], sheet["C38"] = "Marzipan", 4711, "Pantry"
    book.save(path)


def _html(path: Path) -> None:
    path.write_text(
        "<html><title>Birds</title><main><h1>Birds</h1><p>Many birds come.</p><h2>Puffins</h2>"
        "<p>Puffins leave their burrows in the second week of August.</p></main></html>"
    )


def _epub(path: Path) -> None:
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The Keeper</dc:title>'
        '<dc:identifier id="id">1</dc:identifier><dc:language>en</dc:language></metadata>'
        '<manifest><item id="a" href="one.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="b" href="two.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="a"/><itemref idref="b"/></spine></package>'
    )
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
        '<rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    page = (
        '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>{0}</title></head><body><h1>{0}</h1>{1}</body></html>'
    )
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("mimetype", "application/epub+zip")
        book.writestr("META-INF/container.xml", container)
        book.writestr("book.opf", package)
        book.writestr("one.xhtml", page.format("Arrival", "<p>He came by night.</p>"))
        book.writestr("two.xhtml", page.format("Winter", "<p>The keeper carved a chess set from walrus ivory.</p>"))


def _markdown(path: Path) -> None:
    path.write_text(
        "# Garden\n\nThings grow.\n\n## Vegetables\n\n| Crop | Sown in | Rows |\n|---|---|---|\n"
        "| Kale | March | 4 |\n| Kohlrabi | late February | 11 |\n| Leek | April | 6 |\n"
    )


def _code(path: Path) -> None:
    filling = "".join(f"def helper_{number}(value):\n    return value + {number}\n\n\n" for number in range(12))
    path.write_text(
        f'"""Tools."""\n\n\n{filling}def foghorn_interval(visibility):\n'
        '    """Seconds between two foghorn blasts at a given visibility."""\n'
        "    return 42 if visibility < 3 else 0\n"
    )


def _csv(path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Vessel", "Draught in metres", "Skipper"])
        writer.writerows([[f"Dinghy {number}", number, "Anyone"] for number in range(1, 40)])
        writer.writerow(["Schooner Albatross", "3.85", "Oyelaran"])


def _json(path: Path) -> None:
    crew = [{"name": f"Hand {number}", "berth": number} for number in range(30)]
    crew[20] = {"name": "Thorvald Quist", "note": "The sailmaker Quist sleeps in berth 117."}
    path.write_text(json.dumps(crew, indent=2))


def _eml(path: Path) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "yard@example.org", "you@example.org", "Your enquiry"
    message.set_content("Dear warden,\n\nthe papers are attached.\n")
    message.add_attachment("Repainting the catamaran costs 8,250 crowns.\n", filename="offer.txt")
    path.write_bytes(message.as_bytes())


def _image(path: Path) -> None:
    image = Image.new("RGB", (1400, 500), "white")
    font = ImageFont.load_default(44)
    draw = ImageDraw.Draw(image)
    draw.text((60, 80), "Notice to visitors", fill="black", font=font)
    draw.text((60, 220), "The granite obelisk stands nineteen metres tall.", fill="black", font=font)
    image.save(path, dpi=(150, 150))


SAMPLES = (
    Sample("hangar.pdf", _pdf, "When does the zeppelin hangar open?", "half past nine", "page 2"),
    Sample("ropes.docx", _docx, "How heavy is the kedge anchor?", "seventy kilograms", "Ropes › Anchors"),
    Sample("lanterns.pptx", _pptx, "What do lanterns burn until the equinox?", "whale oil", "slide 2"),
    Sample("stores.xlsx", _xlsx, "How much marzipan is in the pantry?", "4711", "Stores!A38:D38"),
    Sample("birds.html", _html, "When do puffins leave their burrows?", "second week of August", "Birds › Puffins"),
    Sample("keeper.epub", _epub, "What did the keeper carve from walrus ivory?", "chess set", "two.xhtml"),
    Sample("garden.md", _markdown, "Is kohlrabi sown in late February?", "late February", "line 10"),
    Sample("beacon.py", _code, "How many seconds between foghorn blasts?", "foghorn blasts", "line"),
    Sample("vessels.csv", _csv, "What is the draught of the schooner Albatross?", "3.85", "41"),
    Sample("crew.json", _json, "In which berth does the sailmaker Quist sleep?", "berth 117", "line"),
    Sample("enquiry.eml", _eml, "What does repainting the catamaran cost?", "8,250 crowns", "Attachment offer.txt"),
    Sample("notice.png", _image, "How tall is the granite obelisk?", "nineteen metres tall", "page 1"),
)
