"""Parsed documents as JSON: how they cross from the sandbox's child to the parent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from citewise.types import Block, Box, PageReport, PageSpan, ParsedDocument, ParseReport, Place, Word


def document_to_json(document: ParsedDocument) -> dict[str, Any]:
    """Return ``document`` as values that ``json.dumps`` takes."""
    report = document.report
    # Heading paths repeat from block to block, and are few.
    paths = sorted({block.headings for block in document.blocks})
    number_of = {path: number for number, path in enumerate(paths)}
    return {
        "text": document.text,
        "media_type": document.media_type,
        "title": document.title,
        "paths": paths,
        "blocks": [
            [block.kind, block.start, block.end, block.page, number_of[block.headings], block.caption, block.header]
            for block in document.blocks
        ],
        "pages": [[page.number, page.start, page.end, page.width, page.height] for page in document.pages],
        "places": [[place.start, place.end, place.part, place.cells] for place in document.places],
        "words": [[word.start, word.end, *boxes_to_json([word.box])[0]] for word in document.words],
        "report": {
            "characters": report.characters,
            "tables": report.tables,
            "images": report.images,
            "warnings": report.warnings,
            "left_out": report.left_out,
            "unread": report.unread,
            "pages": [
                [
                    *(page.page, page.characters, page.tables, page.images),
                    *(page.needs_ocr, page.garbled, page.recognised),
                ]
                for page in report.pages
            ],
        },
    }


def document_from_json(value: dict[str, Any]) -> ParsedDocument:
    """Return what :func:`document_to_json` was given."""
    report = value["report"]
    paths = [tuple(path) for path in value["paths"]]
    return ParsedDocument(
        text=value["text"],
        blocks=tuple(
            Block(kind=kind, start=start, end=end, page=page, headings=paths[path], caption=caption, header=header)
            for kind, start, end, page, path, caption, header in value["blocks"]
        ),
        pages=tuple(PageSpan(*page) for page in value["pages"]),
        report=ParseReport(
            characters=report["characters"],
            pages=tuple(PageReport(*page) for page in report["pages"]),
            tables=report["tables"],
            images=report["images"],
            warnings=tuple(report["warnings"]),
            left_out=tuple(report["left_out"]),
            unread=tuple(report["unread"]),
        ),
        media_type=value["media_type"],
        title=value["title"],
        places=tuple(Place(*place) for place in value["places"]),
        words=tuple(Word(start, end, Box(page, *corners)) for start, end, page, *corners in value["words"]),
    )


def boxes_to_json(boxes: Sequence[Box]) -> list[list[float]]:
    """Return ``boxes`` as values that ``json.dumps`` takes."""
    return [[box.page, box.x0, box.y0, box.x1, box.y1] for box in boxes]


def boxes_from_json(value: Sequence[Sequence[float]]) -> tuple[Box, ...]:
    """Return what :func:`boxes_to_json` was given."""
    return tuple(Box(int(page), x0, y0, x1, y1) for page, x0, y0, x1, y1 in value)
