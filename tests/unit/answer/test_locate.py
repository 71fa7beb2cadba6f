from __future__ import annotations

from pathlib import Path

import pytest

from citewise.answer.locate import PageMaps, locate
from citewise.errors import IngestError
from citewise.registry import documents
from citewise.types import PDF, Box, Citation, Original, PageSpan, Word

TEXT = "printed words here\n\nInvoice 4711\nrope 85.50"
PAGES = (PageSpan(1, 0, 18, 400, 500), PageSpan(2, 20, len(TEXT), 400, 500))
SEEN = (
    Word(20, 27, Box(2, 10, 10, 50, 20)),
    Word(28, 32, Box(2, 54, 11, 80, 20)),
    Word(33, 37, Box(2, 10, 30, 32, 40)),
    Word(38, 43, Box(2, 200, 30, 230, 40)),
)


@pytest.fixture(autouse=True)
def _stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "pages", lambda *_: PAGES)
    monkeypatch.setattr(documents, "words", lambda *_: SEEN)


class NoRegistry:
    def read(self) -> NoRegistry:
        return self

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def cite(words: str, page: int | None = 1) -> Citation:
    start = TEXT.index(words)
    return Citation(
        marker=1,
        document_id="d",
        version=1,
        content_hash="",
        chunk_id="",
        source="a",
        title="",
        start=start,
        end=start + len(words),
        page=page,
        quote=words,
    )


def boxes_of(citation: Citation, *, media_type: str = PDF, fail: bool = False) -> tuple[Box, ...]:
    asked: list[tuple[int, int, int, str]] = []

    def page_boxes(_: Original, spans: list[tuple[int, int, int, str]]) -> list[tuple[Box, ...]]:
        if fail:
            raise IngestError("It cannot be read.")
        asked.extend(spans)
        return [(Box(page, start, 0, end, 1),) for page, start, end, _ in spans]

    (located,) = locate(
        [citation],
        PageMaps(NoRegistry()),  # type: ignore[arg-type]
        original=lambda *_: Original(Path("a"), "a", media_type),
        page_boxes=page_boxes,
    )
    assert all(TEXT[PAGES[page - 1].start :][start:end] == words for page, start, end, words in asked)
    return located.boxes


def test_printed_words_are_looked_up_in_the_original_by_page_and_words() -> None:
    assert boxes_of(cite("words here")) == (Box(1, 8, 0, 18, 1),)


def test_recognised_words_of_a_line_share_a_box_and_lines_and_cells_have_their_own() -> None:
    assert boxes_of(cite("Invoice 4711\nrope 85.50")) == (
        Box(2, 10, 10, 80, 20),
        Box(2, 10, 30, 32, 40),
        Box(2, 200, 30, 230, 40),
    )
    assert boxes_of(cite("4711"), media_type="image/png") == (Box(2, 54, 11, 80, 20),)


def test_a_quote_over_both_kinds_of_pages_has_boxes_on_both() -> None:
    assert [box.page for box in boxes_of(cite("here\n\nInvoice"))] == [1, 2]


def test_an_answer_stands_without_boxes() -> None:
    assert boxes_of(cite("words"), fail=True) == ()
    assert boxes_of(cite("words", page=None)) == ()
