"""OCR by a stand-in for Tesseract that says what a test wants, and by Tesseract itself where it is installed."""

from __future__ import annotations

import io
import shutil
import stat
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from citewise.errors import IngestError
from citewise.ingest import sandbox
from citewise.ingest.parse import WORDLESS, image, ocr, parse, pdf
from citewise.types import Box, ParsedDocument
from tests.unit.ingest.checks import assert_anchored
from tests.unit.ingest.making import column, write_pdf

needs_tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="Tesseract is not installed")

Says = Callable[..., None]
LINES = ("Invoice 4711", "Rope and sails 85.50", "Total due 1,285.50")


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Says:
    """Put a program ``tesseract`` first on the path that finds given words, one line each 100 pixels down."""

    def set_up(
        *lines: str, confidence: int = 90, languages: str = "eng\nosd", width: int = 140, wait: float = 0, code: int = 0
    ) -> None:
        rows = ["level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext"]
        for number, line in enumerate(lines):
            for place, word in enumerate(line.split()):
                box = f"{100 + 150 * place}\t{100 + 100 * number}\t{width}\t40"
                rows.append(f"5\t1\t1\t1\t{number}\t{place}\t{box}\t{confidence}\t{word}")
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "tsv").write_text("\n".join(rows) + "\n")
        program = folder / "tesseract"
        program.write_text(
            textwrap.dedent(f"""\
                #!{sys.executable} -S
                import sys, time
                if "--list-langs" in sys.argv:
                    print("List of available languages:\\n" + {languages!r})
                    sys.exit()
                sys.stdin.buffer.read()
                time.sleep({wait})
                if "tsv" in sys.argv:
                    print(open({str(folder / "tsv")!r}).read(), end="")
                sys.exit({code})
                """)
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(folder))

    return set_up


def read(path: Path, *, languages: str = "eng", seconds: float = 60) -> ParsedDocument:
    parser = pdf.parse if path.suffix == ".pdf" else image.parse
    with ocr.recognising(languages=languages, seconds=seconds):
        document = parser(path, source=path.name)
    assert_anchored(document)
    for word in document.words:
        page = document.pages[word.box.page - 1]
        assert document.text[word.start : word.end].strip() == document.text[word.start : word.end] != ""
        assert 0 <= word.box.x0 < word.box.x1 <= (page.width or 0)
        assert 0 <= word.box.y0 < word.box.y1 <= (page.height or 0)
    return document


def scan(path: Path, *lines: str, turn: int = 0, dpi: int = 300) -> Path:
    """Write a picture of printed lines, turned clockwise."""
    picture = Image.new("L", (1700, 900), "white")
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(48)
    for number, line in enumerate(lines):
        draw.text((150, 120 + 100 * number), line, fill="black", font=font)
    picture.rotate(-turn, expand=True, fillcolor="white").save(path, dpi=(dpi, dpi))
    return path


def test_only_pages_without_text_are_recognised(tmp_path: Path, says: Says) -> None:
    says(*LINES)
    document = read(write_pdf(tmp_path / "a.pdf", [column("Printed words"), [], column("More")], drawn=True))
    assert [page.recognised for page in document.report.pages] == [False, True, False]
    assert not document.report.incomplete
    assert LINES[0] in document.text
    assert document.report.warnings == ("Page 2 was read by OCR: words and figures may be wrong in places.",)
    assert {word.box.page for word in document.words} == {2}


def test_words_have_boxes_in_points_of_the_unrotated_page(tmp_path: Path, says: Says) -> None:
    says("Alpha")
    straight = read(write_pdf(tmp_path / "a.pdf", [[]], drawn=True)).words[0]
    scale = 72 / 300
    assert (straight.box.x0, straight.box.y0) == pytest.approx((100 * scale, 100 * scale), abs=0.1)
    assert (straight.box.x1, straight.box.y1) == pytest.approx((240 * scale, 140 * scale), abs=0.1)
    turned = read(write_pdf(tmp_path / "b.pdf", [[]], drawn=True, rotation=90)).words[0]
    # What is left on the page as shown is at the foot of the unrotated page.
    assert (turned.box.x0, turned.box.y1) == pytest.approx((100 * scale, 500 - 100 * scale), abs=0.1)


def test_a_drawing_without_words_is_no_gap(tmp_path: Path, says: Says) -> None:
    says()
    report = read(write_pdf(tmp_path / "a.pdf", [column("Words"), []], drawn=True)).report
    assert report.pages[1].recognised
    assert not report.incomplete


def test_when_the_time_is_used_up_the_rest_is_unread(tmp_path: Path, says: Says) -> None:
    says("late", wait=5)
    report = read(write_pdf(tmp_path / "a.pdf", [column("Words"), [], []], drawn=True), seconds=0.5).report
    assert report.unread == (
        "Pages 2–3 were not recognised: the 0.5 seconds for OCR were used up. "
        "Split the file, or raise CITEWISE_INGEST__OCR_SECONDS.",
    )
    assert [page.needs_ocr for page in report.pages] == [False, True, True]
    assert report.incomplete


@pytest.mark.parametrize("name", ["a.pdf", "a.png"])
def test_without_tesseract_the_sentence_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / name
    write_pdf(path, [[]], drawn=True) if name == "a.pdf" else scan(path, "x")
    with pytest.raises(IngestError, match=r"by OCR only|needs? OCR|only be read by OCR") as caught:
        read(path)
    assert "apt install tesseract-ocr" in str(caught.value)


def test_unknown_languages_are_named_and_left_out(tmp_path: Path, says: Says) -> None:
    says("Words")
    path = write_pdf(tmp_path / "a.pdf", [[]], drawn=True)
    assert (
        "OCR ran without fra, which Tesseract has no data for here"
        in read(path, languages="eng+fra").report.warnings[1]
    )
    with pytest.raises(IngestError, match="install Tesseract's data for fra"):
        read(path, languages="fra")


def test_a_garbled_text_layer_gives_way_to_what_reads_better(tmp_path: Path, says: Says) -> None:
    shifted = "".join(chr(ord(letter) + 3) for letter in "these words are moved along the alphabet by some letters")
    path = write_pdf(tmp_path / "a.pdf", [column(*[shifted] * 12)])
    says()
    assert read(path).report.pages[0].garbled
    says(*["these words are moved along the alphabet"] * 12)
    document = read(path)
    assert not document.report.pages[0].garbled
    assert document.report.pages[0].recognised
    assert document.text.startswith("these words")
    says(*["these words are moved along the alphabet"] * 12, confidence=40)
    assert read(path).report.pages[0].garbled


def test_a_table_in_a_picture_is_a_table(tmp_path: Path, says: Says) -> None:
    says("Item Price Count", "Rope 12.50 3", "Sail 99.00 1", "Oar 7.25 4", width=100)
    document = read(scan(tmp_path / "a.png", "x"))
    (table,) = [block for block in document.blocks if block.kind == "table"]
    assert table.header == "Item Price Count"


@pytest.mark.parametrize("code", [0, 1])
def test_a_picture_without_words_is_read_and_says_so(tmp_path: Path, says: Says, code: int) -> None:
    says(code=code)
    with ocr.recognising(languages="eng", seconds=60):
        document = parse(scan(tmp_path / "a.png"), source="a.png")
    assert not document.text
    assert document.report.warnings == (WORDLESS, "OCR found no words.")
    assert not document.report.incomplete


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.gif", "a.bmp", "a.webp"])
def test_pictures_of_every_kind_are_recognised(tmp_path: Path, says: Says, name: str) -> None:
    says(*LINES)
    document = read(scan(tmp_path / name))
    assert document.text.split() == " ".join(LINES).split()
    assert document.report.pages[0].recognised


@needs_tesseract
def test_tesseract_itself_reads_a_picture(tmp_path: Path) -> None:
    assert read(scan(tmp_path / "a.png", *LINES)).text.split() == " ".join(LINES).split()


@needs_tesseract
@pytest.mark.parametrize("turn", [90, 270])
def test_a_picture_on_its_side_is_turned_and_its_boxes_turned_back(tmp_path: Path, turn: int) -> None:
    lines = [f"{line} and the harbour master signed the paper" for line in LINES] * 2
    upright = read(scan(tmp_path / "u.png", *lines))
    turned = read(scan(tmp_path / "t.png", *lines, turn=turn))
    assert turned.text.split()[:12] == upright.text.split()[:12]
    width, height = upright.pages[0].width or 0, upright.pages[0].height or 0
    first, same = upright.words[0].box, turned.words[0].box
    expected = {
        90: (height - first.y1, first.x0),
        270: (first.y0, width - first.x1),
    }
    assert (same.x0, same.y0) == pytest.approx(expected[turn], abs=3)


def test_it_runs_in_the_sandbox_within_its_limits(tmp_path: Path, says: Says) -> None:
    limits = {"seconds": 20.0, "memory_mb": 1536}
    path = write_pdf(tmp_path / "a.pdf", [[]], drawn=True)
    says(*LINES)
    document = sandbox.parse_file(path, source="a.pdf", ocr_seconds=20, **limits)
    assert len(document.words) == len(" ".join(LINES).split())
    with pytest.raises(IngestError, match="OCR"):
        sandbox.parse_file(path, source="a.pdf", **limits)
    says(wait=60)
    with pytest.raises(IngestError, match="the 1 seconds for OCR were used up"):
        sandbox.parse_file(path, source="a.pdf", ocr_seconds=1, **limits)


def test_a_page_of_a_picture_is_shown_the_right_way_up_with_its_boxes(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by the camera
    Image.new("RGB", (200, 100), "white").save(tmp_path / "a.jpg", exif=exif)
    shown = sandbox.page_image(tmp_path / "a.jpg", 1, media_type="image/jpeg", width=50, boxes=[Box(1, 10, 20, 60, 40)])
    picture = Image.open(io.BytesIO(shown)).convert("RGB")
    assert picture.size == (50, 100)
    assert picture.getpixel((15, 15)) != (255, 255, 255)
    assert picture.getpixel((45, 80)) == (255, 255, 255)
    with pytest.raises(IngestError, match="has no page 2"):
        sandbox.page_image(tmp_path / "a.jpg", 2, media_type="image/jpeg")


def test_pages_of_a_tiff_are_pages(tmp_path: Path, says: Says) -> None:
    says(*LINES)
    first, second = (Image.new("L", (900, 600), shade) for shade in ("white", "silver"))
    first.save(tmp_path / "a.tif", save_all=True, append_images=[second], dpi=(300, 300))
    document = read(tmp_path / "a.tif")
    assert [(page.number, page.width, page.height) for page in document.pages] == [(1, 216, 144), (2, 216, 144)]
    assert document.media_type == "image/tiff"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_pictures_of_every_depth_can_be_decoded(tmp_path: Path, says: Says, mode: str) -> None:
    says(*LINES)
    picture = Image.new("L", (400, 300), "white").convert(mode) if mode != "I;16" else Image.new(mode, (400, 300), 9999)
    picture.save(tmp_path / ("a.tif" if mode in {"CMYK", "I;16"} else "a.png"))
    assert read(next(tmp_path.glob("a.*"))).words


def test_damaged_and_huge_pictures_are_refused(tmp_path: Path, says: Says, monkeypatch: pytest.MonkeyPatch) -> None:
    says(*LINES)
    whole = scan(tmp_path / "a.png", *LINES)
    monkeypatch.setattr(image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(IngestError, match="pixels, which is the limit"):
        read(whole)
    monkeypatch.undo()
    (tmp_path / "b.png").write_bytes(whole.read_bytes()[:10])
    with pytest.raises(IngestError, match=r"b\.png is damaged or cut off"):
        read(tmp_path / "b.png")
    (tmp_path / "c.png").write_bytes(whole.read_bytes()[:2000])
    says(*LINES)
    with pytest.raises(IngestError, match="Page 1 cannot be decoded"):
        read(tmp_path / "c.png")
