from __future__ import annotations

from dataclasses import replace

import pytest

from citewise.answer.extractive import ExtractiveModel
from citewise.answer.quotable import BlocksOf, candidates
from citewise.protocols import Finished, Quoted, Source, TextDelta
from citewise.types import Block, BlockKind, Chunk
from tests.fakes import HashEmbedder
from tests.unit.answer.builders import hit, sources

LIST = "Before you sail you must:\n- Dip the fuel tank.\n- Check the bilge pump.\n- Call the harbour."
TABLE = "Branch | Year | Dues\nSkarvik | 2024 | 310\nSkarvik | 2025 | 345\nOdda | 2025 | 120"
CODE = 'def load(path):\n    """Read a table."""\n    limit = 500\n    return limit'


def cut(text: str, *kinds: tuple[BlockKind, str], **of_block: str) -> tuple[list[Source], BlocksOf]:
    """A source whose blocks are the given pieces of its text, and what finds them."""
    blocks = []
    for kind, piece in kinds:
        start = text.index(piece)
        blocks.append(Block(kind, start, start + len(piece), **of_block))  # type: ignore[arg-type]
    found = hit(text)

    def blocks_of(chunk: Chunk) -> list[Block]:
        return blocks

    return [Source(1, found)], blocks_of


def texts(sent: list[Source], blocks_of: BlocksOf | None = None) -> list[str]:
    return [candidate.text for candidate in candidates(sent, blocks_of=blocks_of)]


def answered(question: str, sent: list[Source], blocks_of: BlocksOf | None = None) -> list[str]:
    """The quotes of an answer, each with the gap before it; every one stands verbatim at its span."""
    events = list(ExtractiveModel(HashEmbedder(), blocks_of=blocks_of).stream(question, sent))
    assert isinstance(events[-1], Finished)
    written = [event.text for event in events if isinstance(event, TextDelta)]
    quotes = [event for event in events if isinstance(event, Quoted)]
    for text, quote in zip(written, quotes, strict=True):
        assert text.strip() in sent[quote.marker - 1].hit.chunk.text[quote.start : quote.end]
    return written


def test_no_sentence_crosses_a_block() -> None:
    text = "Care of the press\nOil it every week\nKeep it dry and clean at all times"
    pieces = [("heading", "Care of the press"), ("list_item", "Oil it every week"), ("list_item", text[36:])]
    assert texts(*cut(text, *pieces)) == ["Oil it every week", "Keep it dry and clean at all times"]


def test_what_repeats_on_every_page_is_not_quoted() -> None:
    text = "The pump stands in the cellar.\nStation Handbook, 7th edition, page 12\nIt was bought in 1931."
    furniture = "Station Handbook, 7th edition, page 12"
    pieces = [("paragraph", text[:30]), ("furniture", furniture), ("paragraph", text[-22:])]
    assert texts(*cut(text, *pieces)) == ["The pump stands in the cellar.", "It was bought in 1931."]


def test_a_chunk_that_begins_within_a_block_is_cut_there() -> None:
    text = "One thing is here now. Another matter stands there."
    found = hit(text[23:], start=23)
    blocks = [Block("paragraph", 0, len(text))]
    assert texts([Source(1, found)], lambda chunk: blocks) == ["Another matter stands there."]


def test_the_headings_of_its_own_block_stand_around_a_sentence() -> None:
    sent = sources("They may land at any time of the day.")
    blocks = [Block("paragraph", 100, 137, headings=("Kayaks",))]
    (candidate,) = candidates(sent, blocks_of=lambda chunk: blocks)
    assert "kayak" in candidate.around


@pytest.mark.parametrize("with_blocks", [True, False])
def test_a_row_is_quoted_below_the_names_of_its_columns(with_blocks: bool) -> None:
    sent, blocks_of = cut(TABLE, ("table", TABLE), header="Branch | Year | Dues")
    if with_blocks:
        quotes = answered("What were the dues of Skarvik in 2025?", sent, blocks_of)
        assert [quote.strip() for quote in quotes] == ["Branch | Year | Dues", "Skarvik | 2025 | 345"]
    else:
        assert "Skarvik | 2025 | 345" in [
            quote.strip() for quote in answered("What were the dues of Skarvik in 2025?", sent)
        ]


def test_a_table_without_a_row_for_the_name_that_was_asked_about_does_not_answer() -> None:
    sent, blocks_of = cut(TABLE, ("table", TABLE), header="Branch | Year | Dues")
    assert answered("What were the dues of Bergen in 2025?", sent, blocks_of) == []


def test_rows_are_understood_by_column_names_that_stand_in_the_context_alone() -> None:
    rows = TABLE.split("\n", 1)[1]
    found = hit(rows)
    found = replace(found, chunk=replace(found.chunk, context="Dues\nBranch | Year | Dues"))
    candidate = candidates([Source(1, found)])[1]
    assert candidate.meaning.endswith("Branch Skarvik, Year 2025, Dues 345")
    assert "due" in candidate.around


def test_rows_of_a_table_in_markdown_lose_their_frame_and_the_rule_below_the_header() -> None:
    text = "| Branch | Dues |\n|---|---|\n| Skarvik | 345 |"
    assert texts(*cut(text, ("table", text), header="| Branch | Dues |\n|---|---|")) == ["Skarvik | 345"]


def test_rows_of_a_table_in_a_pdf_have_nothing_between_their_cells() -> None:
    text = "Isle Area Height\nSula 128 83\nSkua 12 40"
    assert texts(*cut(text, ("table", text), header="Isle Area Height")) == ["Sula 128 83", "Skua 12 40"]


def test_a_list_that_answers_is_quoted_whole_with_what_leads_into_it() -> None:
    question = "What are the things you must check before you sail?"
    assert answered(question, sources(LIST)) == [
        "Before you sail you must:",
        "\n\n- Dip the fuel tank.",
        "\n- Check the bilge pump.",
        "\n- Call the harbour.",
    ]


def test_steps_come_in_their_order() -> None:
    text = "To bleed the pump:\n1. Open the valve of the pump.\n2. Wait for oil.\n3. Close the valve."
    quotes = answered("How do I bleed the pump?", sources(text))
    assert [quote.strip()[:2] for quote in quotes] == ["To", "1.", "2.", "3."]


def test_one_item_is_quoted_alone_where_one_fact_is_asked_for() -> None:
    text = "Stores:\n- Diesel: 400 litres\n- Drinking water: 40 litres\n- Paraffin: 12 litres"
    assert answered("How much drinking water is there in the stores?", sources(text))[0] == "Drinking water: 40 litres"


def test_a_line_of_code_is_quoted_and_not_its_function() -> None:
    sent, blocks_of = cut(CODE, ("code", CODE))
    assert texts(sent, blocks_of) == ["def load(path):", '"""Read a table."""', "limit = 500", "return limit"]


def test_the_value_leads_where_a_value_is_asked_for() -> None:
    text = "The Bern press was built with care for the press house. The Bern press was built in 1931 by Otto Keller."
    assert answered("When was the Bern press built?", sources(text))[0].endswith("in 1931 by Otto Keller.")


@pytest.mark.parametrize(
    "text", ["9. FIFTIETH ANNIVERSARY", "2.1 Seal pups.", "SKUA ROCK", "1 Purpose of the book ........ 7"]
)
def test_headings_of_plain_text_are_not_quoted(text: str) -> None:
    assert texts(sources(text)) == []


@pytest.mark.parametrize("text", ["3. Dip the fuel.", "12.5 kg of salt are needed.", "- USB ports: 2"])
def test_figures_and_capitals_alone_make_no_heading(text: str) -> None:
    assert texts(sources(text)) == [text]
