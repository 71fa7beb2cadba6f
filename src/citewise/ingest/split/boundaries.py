"""Where a section that is too long for a chunk is best cut."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cache

from citewise.ingest.split.layout import Layout

Boundary = Callable[[Layout, int, int], int | None]
"""A place in ``low < place <= high`` to cut at, the last of the best kind; ``None`` where there is none."""

SPACE = re.compile(r"\s+")
_PLAIN_SEPARATORS = (r"\n\s*\n", r"\n")
_FENCE = re.compile(r"(?:```+|~~~+)[ \t]*([\w+#-]+)")
_LANGUAGES = {
    "py": "python",
    "python3": "python",
    "javascript": "js",
    "jsx": "js",
    "typescript": "ts",
    "tsx": "ts",
    "c++": "cpp",
    "cs": "csharp",
    "c#": "csharp",
    "rb": "ruby",
    "rs": "rust",
    "kt": "kotlin",
    "golang": "go",
    "md": "markdown",
}


def of_text(layout: Layout, low: int, high: int) -> int | None:
    """Between blocks, else at the separators of the kind of text, else between sentences."""
    block = _between_blocks(layout, low, high)
    return block if block is not None else _last(layout, (*_separators_at(layout, low), layout.sentence_end), low, high)


def of_sentences(layout: Layout, low: int, high: int) -> int | None:
    """Between sentences or blocks, whichever comes last; in code between its lines."""
    kind = layout.blocks[layout.block_index(high)].kind
    patterns = (*_separators_at(layout, high), layout.sentence_end) if kind == "code" else (layout.sentence_end,)
    found = (_between_blocks(layout, low, high), _last(layout, patterns, low, high))
    return max((place for place in found if place is not None), default=None)


def of_words(layout: Layout, low: int, high: int) -> int | None:
    """Between words, and between rows of a table."""
    row = layout.rows.around(high)
    if row is not None:
        high = row[0]
    found = [place for place in layout.places(SPACE, low, high) if not layout.rows.around(place)]
    if row is not None and high > low:
        found.append(high)
    good = (place for place in found if not layout.ends_before_its_own(place))
    return max(good, default=max(found, default=None))


def _between_blocks(layout: Layout, low: int, high: int) -> int | None:
    starts = layout.block_starts
    for index in range(bisect_right(starts, high) - 1, 0, -1):
        if starts[index] <= low:
            break
        if not layout.ends_before_its_own(starts[index]):
            return starts[index]
    return None


def _last(layout: Layout, patterns: Sequence[re.Pattern[str]], low: int, high: int) -> int | None:
    for pattern in patterns:
        cut = max((place for place in layout.places(pattern, low, high) if layout.may_cut(place)), default=None)
        if cut is not None:
            return cut
    return None


def _separators_at(layout: Layout, position: int) -> tuple[re.Pattern[str], ...]:
    block = layout.blocks[layout.block_index(position)]
    if block.kind == "code":
        fence = _FENCE.match(layout.text, block.start)
        return separators(fence[1].lower() if fence else "")
    return separators("markdown" if layout.is_markdown else "")


@cache
def separators(language: str) -> tuple[re.Pattern[str], ...]:
    """Return where text of a kind may be cut, other than between sentences, best first."""
    patterns: Sequence[str] = _PLAIN_SEPARATORS
    if language:
        # Here, as it takes a third of a second and only Markdown needs it.
        from langchain_text_splitters import Language, RecursiveCharacterTextSplitter  # noqa: PLC0415

        name = _LANGUAGES.get(language, language)
        if name in {each.value for each in Language}:
            listed = RecursiveCharacterTextSplitter.get_separators_for_language(Language(name))
            # Those that begin with a line break lie between two lines, so cutting there splits no word.
            patterns = [separator for separator in listed if separator.startswith("\n")]
    return tuple(re.compile(pattern) for pattern in patterns)
