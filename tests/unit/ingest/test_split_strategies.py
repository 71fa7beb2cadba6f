"""What each strategy does that the others do not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import get_args

import pytest

from citewise.ingest.parse.text import document_from_text
from citewise.ingest.split import split_document
from citewise.types import Block, ParsedDocument, ParseReport, SplitStrategy, Vectors
from tests.fakes import HashEmbedder

STRATEGIES: tuple[SplitStrategy, ...] = get_args(SplitStrategy)
BOATS = [
    "The ferry crosses the sound twice a day and the crew of the ferry load the boats at noon.",
    "Every boat and the ferry carry a crew of two across the sound, and the boats go at noon.",
    "At noon the crew of the ferry tie the boats up, and two of the crew cross the sound again.",
]
BIRDS = [
    "Puffins nest in burrows under turf where each pair of puffins raises one chick in summer.",
    "In summer a chick of the puffins stays in its burrow under turf until the pair leave it.",
    "Each pair digs burrows under turf with beak and claw before puffins lay one egg in summer.",
]


def words(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"\S+", text)]


def document_of(*parts: tuple[str, int, str]) -> ParsedDocument:
    """A document of ``(kind, level, text)``; the level of a heading, 0 for anything else."""
    text, blocks, path = "", [], ()
    for kind, level, part in parts:
        if kind == "heading":
            path = path[: level - 1]
        start = len(text)
        blocks.append(Block(kind, start, start + len(part), headings=path))  # type: ignore[arg-type]
        if kind == "heading":
            path = (*path, part)
        text += part + "\n\n"
    return ParsedDocument(text, tuple(blocks), (), ParseReport(len(text)), "text/plain")


def cut(document: ParsedDocument, strategy: SplitStrategy, *, size: int, overlap: int = 0) -> list[str]:
    spans = split_document(
        document,
        strategy=strategy,
        size=size,
        overlap=overlap,
        token_spans=words,
        embed=HashEmbedder(dimension=512).embed_documents,
    )
    return [document.text[span.start : span.end] for span in spans]


def sentence(number: int, length: int = 9) -> str:
    return " ".join(["Word", *["word"] * (length - 2), f"number{number}."])


def test_fixed_chunks_hold_as_many_words_as_fit_whatever_they_are() -> None:
    document = document_of(
        ("paragraph", 0, " ".join(sentence(number) for number in range(10))),
        ("paragraph", 0, " ".join(sentence(number) for number in range(17))),
    )
    assert [len(words(piece)) for piece in cut(document, "fixed", size=50)] == [50, 50, 50, 50, 43]


def test_sentence_chunks_hold_as_many_whole_sentences_as_fit() -> None:
    document = document_of(
        ("heading", 1, "Boats"),
        ("paragraph", 0, " ".join(sentence(number) for number in range(3))),
        ("heading", 1, "Birds"),
        ("paragraph", 0, " ".join(sentence(number) for number in range(12))),
    )
    first, *rest = cut(document, "sentence", size=50)
    assert first == document.text[: len(first)]
    assert first.endswith("number1.")
    assert "Birds\n\n" in first  # as long as it fits, also beyond a heading
    assert all(piece.endswith(".") for piece in rest)


def test_a_sentence_that_fits_is_whole_although_the_chunk_before_it_stays_short() -> None:
    short, long = " ".join(sentence(number, 10) for number in range(5)), sentence(99, 70)
    assert cut(document_of(("paragraph", 0, f"{short} {long}")), "sentence", size=100) == [short, long]
    assert cut(document_of(("paragraph", 0, f"{short} {long}")), "recursive", size=100) != [short, long]


def test_sentences_of_a_text_without_capitals_are_known() -> None:
    text = " ".join(sentence(number).lower() for number in range(20))
    assert all(piece.endswith(".") for piece in cut(document_of(("paragraph", 0, text)), "sentence", size=50))


def test_paragraphs_are_chunks_with_the_headings_above_them() -> None:
    body = " ".join(sentence(number) for number in range(5))
    document = document_of(
        ("heading", 1, "Boats"), ("heading", 2, "Ferries"), ("paragraph", 0, body), ("paragraph", 0, body)
    )
    assert cut(document, "paragraph", size=200) == [f"Boats\n\nFerries\n\n{body}", body]


def test_short_paragraphs_join_a_neighbour() -> None:
    body = " ".join(sentence(number) for number in range(5))
    document = document_of(
        ("paragraph", 0, body),
        *(("list_item", 0, f"- item {number}") for number in range(4)),
        ("paragraph", 0, body),
    )
    first, second = cut(document, "paragraph", size=60)
    assert first == f"{body}\n\n- item 0\n\n- item 1\n\n- item 2\n\n- item 3"
    assert second == body


def test_a_paragraph_that_is_too_long_is_cut_between_sentences() -> None:
    body = " ".join(sentence(number) for number in range(12))
    assert all(piece.endswith(".") for piece in cut(document_of(("paragraph", 0, body)), "paragraph", size=50))


def test_the_largest_part_of_the_outline_that_fits_is_one_chunk() -> None:
    body = " ".join(sentence(number) for number in range(4))
    document = document_of(
        ("heading", 1, "Boats"),
        ("paragraph", 0, body),
        ("heading", 2, "Ferries"),
        ("paragraph", 0, body),
        ("heading", 2, "Rafts"),
        ("paragraph", 0, body),
        ("heading", 1, "Birds"),
        ("paragraph", 0, body),
    )
    assert [piece.split("\n")[0] for piece in cut(document, "heading", size=130)] == ["Boats", "Birds"]
    assert [piece.split("\n")[0] for piece in cut(document, "heading", size=60)] == [
        "Boats",
        "Ferries",
        "Rafts",
        "Birds",
    ]
    assert len(cut(document, "recursive", size=130)) == 4


def test_furniture_parts_an_outline() -> None:
    body = " ".join(sentence(number) for number in range(4))
    document = document_of(
        ("heading", 1, "Boats"),
        ("paragraph", 0, body),
        ("furniture", 0, "Page 1"),
        ("heading", 2, "Ferries"),
        ("paragraph", 0, body),
    )
    assert [piece.split("\n")[0] for piece in cut(document, "heading", size=200)] == ["Boats", "Ferries"]


def test_chunks_part_where_the_meaning_does() -> None:
    boats, birds = " ".join(BOATS), " ".join(BIRDS)
    document = document_of(("paragraph", 0, f"{boats} {birds} {boats}"))
    assert cut(document, "semantic", size=100, overlap=10) == [boats, birds, boats]
    assert cut(document, "recursive", size=100) != [boats, birds, boats]


def test_meaning_parts_no_rows_and_no_heading_from_its_text() -> None:
    rows = "\n".join(f"puffins nest | {number} burrows under the turf of the hill | in summer" for number in range(9))
    document = document_of(
        ("heading", 1, "Boats and birds"),
        ("paragraph", 0, " ".join([*BOATS, *BIRDS])),
        ("table", 0, rows),
        ("paragraph", 0, " ".join(BOATS)),
    )
    pieces = cut(document, "semantic", size=80)
    assert pieces[0].startswith("Boats and birds\n\nThe ferry")
    lines = [line for piece in pieces for line in piece.split("\n") if "|" in line]
    assert lines == rows.split("\n")


def test_sentences_are_embedded_a_few_at_a_time() -> None:
    asked: list[int] = []

    def embed(texts: Sequence[str]) -> Vectors:
        asked.append(len(texts))
        return HashEmbedder().embed_documents(texts)

    document = document_of(("paragraph", 0, " ".join(BOATS * 200)))
    split_document(document, strategy="semantic", size=100, overlap=0, token_spans=words, embed=embed)
    assert sum(asked) == 600
    assert max(asked) <= 256


def test_cutting_by_meaning_takes_a_model() -> None:
    with pytest.raises(ValueError, match="takes a model"):
        split_document(document_of(("paragraph", 0, "x")), strategy="semantic", size=50, overlap=0, token_spans=words)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("text", ["x" * 100_000, "島の灯台は古い" * 15_000, "島の灯台は古い。" * 13_000])
def test_long_text_without_a_space_is_cut(strategy: SplitStrategy, text: str) -> None:
    def unknown(piece: str) -> list[tuple[int, int]]:
        """As word pieces are made: each ideograph by itself, and of a very long word one unknown token."""
        return [match.span() for match in re.finditer(r"[\u3040-\u9fff]|[^\s\u3040-\u9fff]+", piece)]

    spans = split_document(
        document_from_text(text, source="a.txt"),
        strategy=strategy,
        size=200,
        overlap=24,
        token_spans=unknown,
        embed=HashEmbedder().embed_documents,
    )
    assert max(span.end - span.start for span in spans) <= 200 * 20
    assert spans[-1].end == len(text)
    assert all(after.start <= before.end for before, after in pairwise(spans))
