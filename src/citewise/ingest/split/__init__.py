"""Cutting documents into chunks.

Pure: a document, a tokenizer and, for one strategy, an embedding model in, spans out. Sizes are
counted in the embedding model's own tokens, context included, so that no model cuts off unseen
what it is given.

A strategy is two choices. A document is read as *sections* that no chunk mixes: what stands
between furniture, each heading with what follows it, each paragraph, and so on; those that are
too short join a neighbour. A section that is too long is cut at the best *boundary* of what fits:
between words, between sentences, or between blocks, then at the separators that
langchain-text-splitters lists for the kind of text, then between sentences; inside a word only
where one alone is too long, and inside a row of a table likewise. Rows that are not together with
their column headers and their caption have them in their context.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from citewise.ingest.split import boundaries, sections
from citewise.ingest.split.boundaries import Boundary
from citewise.ingest.split.cut import Cutter
from citewise.ingest.split.layout import Layout
from citewise.ingest.split.positions import TokenSpans
from citewise.ingest.split.sections import Section
from citewise.ingest.split.semantic import Embed, by_meaning
from citewise.types import ParsedDocument, Span, SplitStrategy

__all__ = ["Embed", "fingerprint", "split_document"]


@dataclass(frozen=True, slots=True)
class _Way:
    """How a strategy cuts."""

    version: int  # part of the fingerprint: raised whenever the same document could be cut otherwise
    sections: Callable[[Layout], Iterable[Section]]
    boundary: Boundary
    fill: bool = False  # see ``Cutter``


_WAYS: dict[SplitStrategy, _Way] = {
    "fixed": _Way(1, sections.runs, boundaries.of_words),
    "sentence": _Way(1, sections.runs, boundaries.of_sentences, fill=True),
    "paragraph": _Way(1, sections.by_paragraph, boundaries.of_text),
    "recursive": _Way(3, sections.by_heading, boundaries.of_text),
    "heading": _Way(1, sections.by_outline, boundaries.of_text),
    "semantic": _Way(1, sections.by_heading, boundaries.of_text),
}


def fingerprint(*, strategy: SplitStrategy, size: int, overlap: int, model: str) -> str:
    """Name a way of splitting; equal names cut equal documents into equal chunks.

    Args:
        strategy: How documents are cut.
        size: See ``split_document``.
        overlap: See ``split_document``.
        model: The embedding model's fingerprint: its tokenizer counts, and ``semantic`` cuts by its vectors.
    """
    return f"{strategy}/{_WAYS[strategy].version}:{size}:{overlap}:{model}"


def split_document(
    document: ParsedDocument,
    *,
    strategy: SplitStrategy,
    size: int,
    overlap: int,
    token_spans: TokenSpans,
    embed: Embed | None = None,
) -> list[Span]:
    """Cut a document into chunks.

    Args:
        document: Its blocks are in order, disjoint and cover all text that is not blank. A table
            has one row in each line.
        strategy: How. ``fixed``: as many words as fit. ``sentence``: as many whole sentences as
            fit. ``paragraph``: each paragraph by itself. ``recursive``: each section under a
            heading, cut between paragraphs, else sentences. ``heading``: the largest parts of the
            outline that fit. ``semantic``: as ``recursive``, cut where neighbouring sentences
            part in meaning.
        size: Tokens that ``context``, a newline and the text of a chunk have together at most.
            Special tokens are the caller's to subtract.
        overlap: Tokens that a chunk may repeat from the end of the one before it; none across
            a heading, between paragraphs or sentences that were parted on purpose, and never
            more than a quarter of ``size``.
        token_spans: Character spans of a text's tokens, in order. One of more than 20 characters
            counts as several.
        embed: Texts to unit vectors, for ``semantic`` only.

    Returns:
        Spans in order, without white space at their ends, which together cover every character
        that is neither white space nor furniture; empty where there is nothing else. A row of a
        table is cut only where it alone is too long for a chunk.

    Raises:
        ValueError: ``size`` is under 8 or ``overlap`` under 0, or ``semantic`` has no ``embed``.
    """
    if size < 8 or overlap < 0:
        raise ValueError(f"A chunk of {size} tokens with {overlap} shared cannot be made.")
    layout = Layout(document, size=size, token_spans=token_spans)
    way = _WAYS[strategy]
    parts: Iterable[Section] = sections.merged(layout, way.sections(layout))
    if strategy == "semantic":
        if embed is None:
            raise ValueError("To cut by meaning takes a model that embeds.")
        parts = sections.merged(layout, by_meaning(layout, parts, embed))
    cutter = Cutter(layout, overlap=overlap, boundary=way.boundary, fill=way.fill)
    return [span for section in parts for span in cutter.cut(section)]
