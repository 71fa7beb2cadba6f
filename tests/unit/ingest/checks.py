"""What holds for every parsed document, whatever its format."""

from __future__ import annotations

from citewise.types import ParsedDocument


def assert_anchored(document: ParsedDocument) -> None:
    """Blocks and pages are in order, disjoint and cover all text that is not blank."""
    text = document.text
    position = 0
    for block in document.blocks:
        assert position <= block.start < block.end <= len(text)
        assert not text[position : block.start].strip(), text[position : block.start]
        assert text[block.start : block.end].strip() == text[block.start : block.end]
        position = block.end
    assert not text[position:].strip()
    position = 0
    for number, page in enumerate(document.pages, 1):
        assert page.number == number
        assert position <= page.start <= page.end <= len(text)
        assert not text[position : page.start].strip()
        position = page.end
    if document.pages:
        assert not text[position:].strip()
    for block in document.blocks:
        if block.page is not None:
            page = document.pages[block.page - 1]
            assert page.start <= block.start < block.end <= page.end
    assert "\x00" not in text
    text.encode()  # no lone surrogates


def outline(document: ParsedDocument) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return kind, words and headings of every block."""
    return [(block.kind, document.text[block.start : block.end], block.headings) for block in document.blocks]
