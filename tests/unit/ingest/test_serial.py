from __future__ import annotations

import json

from citewise.ingest.serial import boxes_from_json, boxes_to_json, document_from_json, document_to_json
from citewise.types import Block, Box, PageReport, PageSpan, ParsedDocument, ParseReport


def test_a_document_reads_back_as_it_was() -> None:
    document = ParsedDocument(
        text="One\n\nTwo 𝄞",
        blocks=(Block("heading", 0, 3, 1), Block("paragraph", 5, 10, 2, ("One",))),
        pages=(PageSpan(1, 0, 3, 595.5, 842.0), PageSpan(2, 5, 10)),
        report=ParseReport(
            characters=8,
            pages=(PageReport(1, 3, images=2), PageReport(2, 5, needs_ocr=True, garbled=True)),
            tables=1,
            images=2,
            warnings=("Careful.",),
            left_out=("Notes.",),
        ),
        media_type="application/pdf",
        title="A title",
    )
    assert document_from_json(json.loads(json.dumps(document_to_json(document)))) == document


def test_boxes_read_back_as_they_were() -> None:
    boxes = (Box(1, 0.5, 1, 2, 3.25), Box(7, 0, 0, 1, 1))
    assert boxes_from_json(json.loads(json.dumps(boxes_to_json(boxes)))) == boxes
