from __future__ import annotations

import itertools
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from citewise.ingest.parse import markdown
from citewise.ingest.parse.text import document_from_text
from citewise.ingest.split import fingerprint, split_document
from citewise.types import Block, PageSpan, ParsedDocument, ParseReport, Span


def words(text: str) -> list[tuple[int, int]]:
    """A tokenizer that counts words."""
    return [match.span() for match in re.finditer(r"\S+", text)]


def letters(text: str) -> list[tuple[int, int]]:
    """A tokenizer that counts every character but white space."""
    return [match.span() for match in re.finditer(r"\S", text)]


def document_of(*parts: tuple[str, str], title: str = "", media_type: str = "text/plain") -> ParsedDocument:
    """A document of ``(kind, text)`` blocks; a heading is above what follows it."""
    text, blocks, path = "", [], ()
    for kind, part in parts:
        start = len(text)
        blocks.append(Block(kind, start, start + len(part), headings=() if kind == "heading" else path))  # type: ignore[arg-type]
        if kind == "heading":
            path = (part,)
        text += part + "\n\n"
    return ParsedDocument(text, tuple(blocks), (), ParseReport(len(text)), media_type, title)


def cut(document: ParsedDocument, *, size: int, overlap: int = 0) -> list[Span]:
    return split_document(document, strategy="recursive", size=size, overlap=overlap, token_spans=words)


def texts(document: ParsedDocument, spans: list[Span]) -> list[str]:
    return [document.text[span.start : span.end] for span in spans]


def sentence(number: int, length: int = 9) -> str:
    return " ".join(["Word", *["word"] * (length - 2), f"number{number}."])


def test_a_short_document_is_one_chunk() -> None:
    document = document_of(("paragraph", "One two."), ("paragraph", "Three."))
    assert texts(document, cut(document, size=40)) == ["One two.\n\nThree."]


def test_a_blank_document_has_no_chunks() -> None:
    assert cut(document_from_text(" \n ", source="a"), size=40) == []


def test_a_heading_begins_a_chunk_and_stays_with_what_follows() -> None:
    body = " ".join(sentence(number) for number in range(6))
    document = document_of(("heading", "Boats"), ("paragraph", body), ("heading", "Landings"), ("paragraph", body))
    first, *_, last = cut(document, size=60)
    assert texts(document, [first])[0].startswith("Boats\n\nWord")
    assert texts(document, [last])[0].startswith("Landings\n\nWord")
    assert first.headings == ("Boats",)
    assert last.headings == ("Landings",)


def test_blocks_end_chunks_before_sentences_do() -> None:
    long = " ".join(sentence(number) for number in range(3))
    document = document_of(("paragraph", long), ("paragraph", long), ("paragraph", long))
    assert texts(document, cut(document, size=40)) == [long, long, long]


def test_sentences_end_chunks_before_words_do() -> None:
    document = document_of(("paragraph", " ".join(sentence(number) for number in range(12))))
    pieces = texts(document, cut(document, size=40))
    assert len(pieces) == 3
    assert all(piece.endswith(".") for piece in pieces)


def test_a_rest_of_a_few_words_is_shared_out() -> None:
    document = document_of(("paragraph", " ".join(sentence(number) for number in range(12))))
    assert [piece.count(".") for piece in texts(document, cut(document, size=100))] == [7, 5]


def test_a_word_is_cut_only_when_it_alone_is_too_long() -> None:
    document = document_of(("paragraph", "short " + "x" * 100 + " tail"))
    spans = split_document(document, strategy="recursive", size=40, overlap=8, token_spans=letters)
    assert texts(document, spans) == ["short", "x" * 40, "x" * 40, "x" * 20 + " tail"]


def test_a_word_that_fits_only_without_the_overlap_goes_without_it() -> None:
    short = " ".join(["abc"] * 10)
    document = document_of(("paragraph", f"{short} {'x' * 36}"))
    spans = split_document(document, strategy="recursive", size=40, overlap=8, token_spans=letters)
    assert texts(document, spans) == [short, "x" * 36]


def test_a_heading_within_a_chunk_is_not_left_at_its_end() -> None:
    stray = (
        "one two three four five six seven eight nine ten eleven"  # too short to be a chunk, so the next section joins
    )
    document = document_of(("paragraph", stray), ("heading", "The heading"), ("paragraph", sentence(1, 14)))
    first, second = cut(document, size=20)
    assert texts(document, [first]) == [stray]
    assert texts(document, [second])[0].startswith("The heading\n\nWord")
    document = document_of(("paragraph", stray[:-11]), ("heading", "The heading"), ("paragraph", sentence(1, 14)))
    assert texts(document, cut(document, size=20))[0].endswith("The heading\n\n" + "Word" + " word" * 8)


def test_neighbours_share_whole_sentences_up_to_the_overlap() -> None:
    document = document_of(("paragraph", " ".join(sentence(number) for number in range(12))))
    spans = cut(document, size=40, overlap=10)
    for before, after in itertools.pairwise(spans):
        shared = document.text[after.start : before.end]
        assert len(words(shared)) == 9
        assert shared.startswith("Word")


def test_nothing_is_shared_across_a_heading() -> None:
    body = " ".join(sentence(number) for number in range(4))
    document = document_of(("paragraph", body), ("heading", "Next"), ("paragraph", body))
    first, second = cut(document, size=45, overlap=10)
    assert second.start > first.end


def test_short_sections_join_their_neighbours_where_both_fit() -> None:
    parts = [part for name in "abcdef" for part in (("heading", f"Section {name}"), ("paragraph", "A few words."))]
    document = document_of(*parts)
    assert len(cut(document, size=100)) == 1
    assert len(cut(document, size=12)) > 1


def test_a_stray_line_before_the_first_heading_joins_what_follows() -> None:
    body = " ".join(sentence(number) for number in range(9))
    document = document_of(("paragraph", "ACME plc"), ("heading", "Boats"), ("paragraph", body))
    assert texts(document, cut(document, size=40))[0].startswith("ACME plc\n\nBoats\n\nWord")


def test_the_context_is_the_title_and_the_path() -> None:
    document = document_of(
        ("heading", "Boats"), ("paragraph", " ".join(sentence(number) for number in range(9))), title="Handbook"
    )
    first, second = cut(document, size=60)
    assert first.context == "Handbook"  # the heading itself is in the text
    assert second.context == "Handbook › Boats"


def test_a_long_context_takes_at_most_a_quarter() -> None:
    block = Block("paragraph", 0, 4, headings=tuple(f"level {number} of many" for number in range(9)))
    document = ParsedDocument("text", (block,), (), ParseReport(4), "text/plain", "A rather long title of a book")
    (span,) = cut(document, size=40)
    assert len(words(span.context)) <= 10
    assert span.context.endswith("level 8 of many")
    (tiny,) = cut(document, size=8)
    assert tiny.context == "level 8"


def table_of(
    lines: list[str], *, header: str = "", caption: str = "", above: tuple[tuple[str, str], ...] = ()
) -> ParsedDocument:
    """A document of some blocks and a table after them."""
    document = document_of(*above, ("table", "\n".join(lines)))
    *others, table = document.blocks
    return replace(document, blocks=(*others, replace(table, header=header, caption=caption)))


def test_every_chunk_of_a_table_has_its_column_headers_and_its_caption() -> None:
    document = table_of(
        ["Name | Count", *(f"row{number} | {number}" for number in range(30))],
        header="Name | Count",
        caption="Table 1: Boats",
        above=(("caption", "Table 1: Boats"),),
    )
    first, *rest = cut(document, size=40, overlap=6)
    assert first.context == ""  # both stand in its own text
    assert {span.context for span in rest} == {"Table 1: Boats\nName | Count"}
    assert all(piece.startswith("row") for piece in texts(document, rest))  # rows stay whole
    assert all(re.search(r"\| \d+\Z", piece) for piece in texts(document, rest))


def test_a_table_without_column_headers_repeats_nothing() -> None:
    document = table_of([f"row{number} | {number}" for number in range(30)])
    assert {span.context for span in cut(document, size=40)} == {""}


def test_column_headers_of_two_rows_are_repeated_both() -> None:
    header = "| 2019 | 2018\nName | $ | $"
    document = table_of([*header.split("\n"), *(f"row{n} | {n} | {n}" for n in range(30))], header=header)
    _, *rest = cut(document, size=60)
    assert {span.context for span in rest} == {header}


def test_column_headers_in_markdown_are_repeated_without_their_frame() -> None:
    lines = ["|  | Years | |", "|---|---|---|", "|  | 2019 | 2018 |", *(f"| row{n} | {n} | {n} |" for n in range(30))]
    document = table_of(lines, header="Years | |\n|---|---|---|\n|  | 2019 | 2018")
    _, *rest = cut(document, size=60)
    assert {span.context for span in rest} == {"Years | |\n| | 2019 | 2018"}


def test_a_caption_and_column_headers_are_not_left_at_the_end_of_a_chunk() -> None:
    words_above = " ".join(sentence(number) for number in range(3))
    document = table_of(
        ["Name | Count", *(f"row{number} | {number}" for number in range(6))],
        header="Name | Count",
        caption="Table 1: Boats",
        above=(("paragraph", words_above), ("caption", "Table 1: Boats")),
    )
    for size in range(30, 36):
        first, second, *_ = texts(document, cut(document, size=size))
        assert first == words_above
        assert second.startswith("Table 1: Boats\n\nName | Count\nrow0")


def test_a_caption_below_its_table_goes_into_the_context() -> None:
    document = table_of(["Name | Count", "tern | 1"], header="Name | Count", caption="Table 9: Birds")
    (span,) = cut(document, size=40)
    assert span.context == "Table 9: Birds"


def test_a_row_longer_than_a_chunk_is_cut_between_cells_and_keeps_its_headers() -> None:
    header = " | ".join(f"column{number}" for number in range(30))
    row = " | ".join(["Sales", *(f"{number} dollars" for number in range(1, 30))])
    document = table_of([header, row], header=header)
    *_, one, two = cut(document, size=40)
    assert texts(document, [two])[0].startswith("| ")
    assert re.search(r"dollars\Z", texts(document, [one])[0])
    names, first_cell = two.context.split("\n")
    assert first_cell == "Sales"  # the rest of the row would not say what it is of
    assert names.startswith("column0 | column")
    assert names.endswith("column29")


def test_long_column_headers_are_shortened_before_any_is_left_out() -> None:
    header = " | ".join(f"column {number} of the very long name" for number in range(6))
    rows = [" | ".join(str(number) for number in range(6)) for _ in range(9)]
    document = replace(table_of([header, *rows], header=header), title="A book")
    *_, last = cut(document, size=60)
    assert last.context == " | ".join(f"column {number} of the" for number in range(6))


def test_a_chunk_ends_before_furniture_and_the_next_begins_after_it() -> None:
    document = document_of(("paragraph", "One two."), ("furniture", "Page 1"), ("paragraph", "three four."))
    assert texts(document, cut(document, size=40, overlap=5)) == ["One two.", "three four."]


def test_a_document_of_nothing_but_furniture_has_no_chunks() -> None:
    assert cut(document_of(("furniture", "Page 1"), ("furniture", "Page 2")), size=40) == []


def test_code_is_cut_where_its_language_says() -> None:
    function = "def f{}(a):\n    b = a\n\n    return b + 1\n"
    code = "```python\n" + "\n".join(function.format(number) for number in range(9)) + "```"
    document = document_of(("code", code))
    pieces = texts(document, cut(document, size=30))
    assert len(pieces) > 2
    assert all(piece.startswith(("```python", "def f")) for piece in pieces)


def test_chunks_know_their_pages() -> None:
    one, two = (" ".join(sentence(number) for number in range(3)) for _ in range(2))
    text = f"{one}\n\n{two}"
    blocks = (Block("paragraph", 0, len(one), 1), Block("paragraph", len(one) + 2, len(text), 2))
    pages = (PageSpan(1, 0, len(one)), PageSpan(2, len(one) + 2, len(text)))
    document = ParsedDocument(text, blocks, pages, ParseReport(len(text)), "application/pdf")
    assert [(span.page_first, span.page_last) for span in cut(document, size=100)] == [(1, 2)]
    assert [(span.page_first, span.page_last) for span in cut(document, size=40)] == [(1, 1), (2, 2)]


def test_a_tokenizer_that_counts_otherwise_in_place_changes_no_bound() -> None:
    def moody(text: str) -> list[tuple[int, int]]:
        return words(text) if len(text) > 2_000 else letters(text)

    document = document_of(("paragraph", " ".join(sentence(number) for number in range(80))))
    spans = split_document(document, strategy="recursive", size=50, overlap=5, token_spans=moody)
    assert max(len(letters(document.text[span.start : span.end])) for span in spans) <= 50


def test_markdown_is_cut_at_its_own_blocks(tmp_path: object) -> None:
    content = "# Title\n\n" + "\n\n".join(f"## Part {number}\n\n{sentence(number, 30)}" for number in range(4))
    lines, _ = markdown._lines(content)
    document = ParsedDocument(
        content, tuple(markdown._blocks(content, 0, lines)), (), ParseReport(len(content)), "text/markdown", "Title"
    )
    pieces = texts(document, cut(document, size=50))
    assert [piece.split("\n")[0] for piece in pieces] == ["# Title", "## Part 1", "## Part 2", "## Part 3"]


def test_the_fingerprint_names_everything_that_changes_chunks() -> None:
    same = {"strategy": "recursive", "size": 200, "overlap": 24, "model": "minilm"}
    name = fingerprint(**same)  # type: ignore[arg-type]
    assert name == "recursive/3:200:24:minilm"
    changes = ({"strategy": "semantic"}, {"size": 201}, {"overlap": 25}, {"model": "x"})
    others = {fingerprint(**{**same, **change}) for change in changes}  # type: ignore[arg-type]
    assert name not in others
    assert len(others) == 4


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="A chunk of 7 tokens"):
        cut(document_of(("paragraph", "x")), size=7)


def test_splitting_loads_no_model_library() -> None:
    code = "import sys, citewise.ingest.split.boundaries as b; b.separators('python'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "langchain_text_splitters" in loaded
    assert not {"torch", "transformers", "sentence_transformers"} & set(loaded)
