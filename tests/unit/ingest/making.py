"""Files for the tests of reading: written here, so that nothing has to be stored."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

PAGE = (400, 500)  # points


@dataclass(frozen=True)
class Put:
    """One line of text on a page, its baseline's start in points from the bottom left."""

    x: float
    y: float
    text: str
    size: float = 10
    font: str = "Helvetica"
    angle: float = 0  # degrees against the clock


def write_pdf(
    path: Path,
    pages: Sequence[Sequence[Put]],
    *,
    rotation: int = 0,
    crop: tuple[float, float, float, float] | None = None,
    title: str | None = None,
    password: str | None = None,
    drawn: bool = False,
) -> Path:
    """Write a PDF of lines; ``crop`` is left, bottom, right, top; ``drawn`` adds a drawing to each page."""
    encrypt = StandardEncryption(password, ownerPassword="owner", strength=128) if password else None
    size = PAGE[::-1] if rotation % 180 else PAGE  # reportlab turns the MediaBox of a turned page back
    canvas = Canvas(str(path), pagesize=size, encrypt=encrypt)
    canvas.setTitle(title or "")
    for lines in pages:
        if rotation:
            canvas.setPageRotation(rotation)
        if crop:
            canvas.setCropBox(crop)
        if drawn:
            canvas.rect(50, 50, 100, 100, fill=1)
        for line in lines:
            canvas.saveState()
            canvas.translate(line.x, line.y)
            canvas.rotate(line.angle)
            canvas.setFont(line.font, line.size)
            canvas.drawString(0, 0, line.text)
            canvas.restoreState()
        canvas.showPage()
    canvas.save()
    return path


def column(*lines: str, top: float = 450, step: float = 14, size: float = 10, font: str = "Helvetica") -> list[Put]:
    """Lines below each other."""
    return [Put(40, top - number * step, text, size, font) for number, text in enumerate(lines)]


def two_columns(lines: int = 12, *, alternating: bool = True) -> list[Put]:
    """Two columns of text, line by line across both if ``alternating``, else the left one first."""
    left = [Put(40, 450 - 12 * n, f"left line number {n} runs down here too", 8) for n in range(lines)]
    right = [Put(215, 450 - 12 * n, f"right line number {n} runs down here too", 8) for n in range(lines)]
    return [put for pair in zip(left, right, strict=True) for put in pair] if alternating else left + right


def write_zip(path: Path, **parts: bytes | str) -> Path:
    """Write an archive; ``__`` in a part's name stands for a slash."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/"), content)
    return path
