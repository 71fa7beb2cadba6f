"""Whatever the document and the strategy, its chunks are slices that cover it and fit the model."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from citewise.ingest.parse.compose import collapse
from citewise.ingest.split import split_document
from citewise.types import Block, PageSpan, ParsedDocument, ParseReport, Span, SplitStrategy
from tests.fakes import HashEmbedder

KINDS = (
    "heading",
    "paragraph",
    "paragraph",
    "paragraph",
    "list_item",
    "table",
    "table",
    "code",
    "caption",
    "furniture",
)
WORDS = st.one_of(
    st.sampled_from(["the", "boat.", "Tide", "e.g.", "(x)", "3.14", "naïve", "島の灯台。", "a|b", "```py", "don't"]),
    st.text(alphabet="abcXYZ.!?é島\u00ad", min_size=1, max_size=60),
)
STRATEGIES = st.sampled_from(get_args(SplitStrategy))
GAPS = st.sampled_from([" ", " ", " ", "\n", "\t", "\u00a0", "  \n"])


def subwords(text: str) -> list[tuple[int, int]]:
    """Pieces of up to three letters; every other sign by itself."""
    return [match.span() for match in re.finditer(r"\w{1,3}|[^\w\s]", text)]


def split(document: ParsedDocument, strategy: SplitStrategy, size: int, overlap: int) -> list[Span]:
    return split_document(
        document,
        strategy=strategy,
        size=size,
        overlap=overlap,
        token_spans=subwords,
        embed=HashEmbedder().embed_documents,
    )


@st.composite
def pieces(draw: st.DrawFn) -> str:
    words = draw(st.lists(WORDS, min_size=1, max_size=40))
    text = words[0]
    for word in words[1:]:
        text += draw(GAPS) + word
    return text


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, str]:
    """A table's text and its header, which may be missing."""
    rows = draw(st.lists(st.lists(WORDS, min_size=1, max_size=8), min_size=1, max_size=12))
    lines = [" | ".join(row) for row in rows]
    return "\n".join(lines), "\n".join(lines[: draw(st.integers(0, 2))])


@st.composite
def documents(draw: st.DrawFn) -> ParsedDocument:
    text, blocks, pages = draw(st.sampled_from(["", "\n", "  "])), [], []
    path: tuple[str, ...] = ()
    page_start = 0
    with_pages = draw(st.booleans())
    for _ in range(draw(st.integers(0, 9))):
        kind, header, caption = draw(st.sampled_from(KINDS)), "", ""
        piece = draw(pieces())
        if kind == "table":
            caption = draw(
                st.sampled_from(["", "Table 1: boats", collapse(text[blocks[-1].start :]) if blocks else ""])
            )
            piece, header = draw(tables())
        start = len(text)
        text += piece
        page = len(pages) + 1 if with_pages else None
        above = () if kind == "heading" else path
        blocks.append(Block(kind, start, len(text), page, above, caption, header))  # type: ignore[arg-type]
        if kind == "heading":
            path = (piece,)
        if with_pages and draw(st.booleans()):
            pages.append(PageSpan(len(pages) + 1, page_start, len(text)))
            page_start = len(text) + 2
            text += "\n\n"
        else:
            text += draw(st.sampled_from(["\n\n", "\n", " \n "]))
    if with_pages:
        pages.append(PageSpan(len(pages) + 1, page_start, max(page_start, len(text))))
    media_type = draw(st.sampled_from(["text/plain", "text/markdown"]))
    title = draw(st.sampled_from(["", "A title", "A " * 60]))
    return ParsedDocument(text, tuple(blocks), tuple(pages), ParseReport(len(text)), media_type, title)


def outside_chunks(document: ParsedDocument, start: int, end: int) -> str:
    """What of a stretch of text ought to be in a chunk: no white space, no furniture."""
    kept = list(document.text[start:end])
    for block in document.blocks:
        if block.kind == "furniture":
            for index in range(max(start, block.start), min(end, block.end)):
                kept[index - start] = ""
    return "".join(kept).strip()


def rows_of(document: ParsedDocument) -> list[tuple[int, int, Block]]:
    return [
        (*match.span(), block)
        for block in document.blocks
        if block.kind == "table"
        for match in re.finditer(r"\S([^\n]*\S)?", document.text[: block.end])
        if match.start() >= block.start
    ]


@given(strategy=STRATEGIES, document=documents(), size=st.integers(8, 120), overlap=st.integers(0, 40))
def test_chunks_are_ordered_slices_that_cover_the_document_and_fit(
    strategy: SplitStrategy, document: ParsedDocument, size: int, overlap: int
) -> None:
    text = document.text
    spans = split(document, strategy, size, overlap)
    covered = 0
    for span in spans:
        piece = text[span.start : span.end]
        assert piece
        assert piece == piece.strip()
        assert not outside_chunks(document, covered, span.start)
        assert span.end > covered
        full = f"{span.context}\n{piece}" if span.context else piece
        assert len(subwords(full)) <= size
        assert len(subwords(span.context)) <= size / 2
        covered = span.end
    assert not outside_chunks(document, covered, len(text))


@given(strategy=STRATEGIES, document=documents(), size=st.integers(8, 120), overlap=st.integers(0, 40))
def test_chunks_share_at_most_the_overlap_and_never_a_heading(
    strategy: SplitStrategy, document: ParsedDocument, size: int, overlap: int
) -> None:
    spans = split(document, strategy, size, overlap)
    headings = [block for block in document.blocks if block.kind == "heading"]
    for before, after in itertools.pairwise(spans):
        assert after.start > before.start
        if after.start < before.end:
            assert len(subwords(document.text[after.start : before.end])) <= overlap
            assert not any(after.start < block.end and block.start < before.end for block in headings)


@given(strategy=STRATEGIES, document=documents(), size=st.integers(8, 120), overlap=st.integers(0, 40))
def test_chunks_know_their_pages_and_headings(
    strategy: SplitStrategy, document: ParsedDocument, size: int, overlap: int
) -> None:
    starts = [page.start for page in document.pages]
    paths = {block.headings for block in document.blocks}
    for span in split(document, strategy, size, overlap):
        if starts:
            assert span.page_first == bisect_right(starts, span.start)
            assert span.page_last == bisect_right(starts, span.end - 1)
        else:
            assert (span.page_first, span.page_last) == (None, None)
        assert span.headings in paths


@given(strategy=STRATEGIES, document=documents(), size=st.integers(8, 120), overlap=st.integers(0, 40))
def test_words_that_fit_are_never_cut(
    strategy: SplitStrategy, document: ParsedDocument, size: int, overlap: int
) -> None:
    text = document.text
    for span in split(document, strategy, size, overlap):
        for place in (span.start, span.end):
            if 0 < place < len(text) and not text[place - 1].isspace() and not text[place].isspace():
                before = re.search(r"\S*\Z", text[:place])
                after = re.match(r"\S*", text[place:])
                assert before is not None
                assert after is not None
                word = before[0] + after[0]
                sentence_ended = text[place - 1] in "。！？"
                assert sentence_ended or len(subwords(word)) > size / 2 - 2


@given(strategy=STRATEGIES, document=documents(), size=st.integers(8, 120), overlap=st.integers(0, 40))
def test_equal_documents_are_cut_equally(
    strategy: SplitStrategy, document: ParsedDocument, size: int, overlap: int
) -> None:
    first = split(document, strategy, size, overlap)
    assert first == split(document, strategy, size, overlap)


@given(strategy=STRATEGIES, document=documents(), size=st.integers(8, 120), overlap=st.integers(0, 40))
def test_furniture_is_in_no_chunk(strategy: SplitStrategy, document: ParsedDocument, size: int, overlap: int) -> None:
    furniture = [block for block in document.blocks if block.kind == "furniture"]
    for span in split(document, strategy, size, overlap):
        assert not any(span.start < block.end and block.start < span.end for block in furniture)


@given(strategy=STRATEGIES, document=documents(), size=st.integers(8, 120), overlap=st.integers(0, 40))
def test_a_row_is_cut_only_where_it_alone_is_too_long(
    strategy: SplitStrategy, document: ParsedDocument, size: int, overlap: int
) -> None:
    rows = rows_of(document)
    for span in split(document, strategy, size, overlap):
        for start, end, _ in rows:
            if start < span.start < end or start < span.end < end:
                assert len(subwords(document.text[start:end])) > size // 2  # the least that a context leaves
            if start < span.end < end:
                assert span.start >= start


@given(strategy=STRATEGIES, document=documents(), size=st.integers(60, 200), overlap=st.integers(0, 40))
def test_rows_have_their_headers_and_caption_with_them(
    strategy: SplitStrategy, document: ParsedDocument, size: int, overlap: int
) -> None:
    rows = rows_of(document)
    for span in split(document, strategy, size, overlap):
        full = collapse(f"{span.context}\n{document.text[span.start : span.end]}")
        for start, end, table in rows:
            below_header = start >= table.start + len(table.header)
            whole = span.start <= start and end <= span.end
            if below_header and whole and len(subwords(table.header)) + len(subwords(table.caption)) <= size // 4:
                assert collapse(table.header) in full
                assert table.caption in full
