from __future__ import annotations

from datetime import datetime

import pytest

from citewise.types import Document
from citewise.ui.text import (
    day,
    escaped,
    overall_percent,
    place,
    progress_line,
    seconds_left,
    shortened,
    size,
    source_label,
)


def document(**fields: object) -> Document:
    values = {
        "id": "d", "collection": "default", "source": "a.pdf", "title": "", "version": 1, "status": "embedding",
        "error": None, "media_type": "application/pdf", "content_hash": "h", "bytes": 1, "pages": 0, "chunks": 0,
        "added_at": 0.0,
    }  # fmt: skip
    return Document(**{**values, **fields})  # type: ignore[arg-type]


def test_markdown_in_a_label_is_escaped() -> None:
    assert escaped("a*b [x](y) $1$ <i>") == r"a\*b \[x\]\(y\) \$1\$ \<i\>"


def test_emoji_shortcodes_and_icons_in_a_label_are_broken_up() -> None:
    assert ":smile:" not in escaped(":smile:").replace("\\", "")
    assert ":material/home:" not in escaped(":material/home:").replace("\\", "")
    assert escaped("Chapter 3: Tea") == r"Chapter 3\: Tea"


def test_lines_in_a_label_become_one() -> None:
    assert escaped("a\nb\t c") == "a b c"


@pytest.mark.parametrize(
    ("text", "length", "short"),
    [("one two three", 20, "one two three"), ("one two three", 9, "one two…"), ("x" * 20, 5, "xxxx…")],
)
def test_long_text_is_cut_at_a_word_where_there_is_one(text: str, length: int, short: str) -> None:
    assert shortened(text, length) == short


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (2_500_000_000, "2.5 GB"),
    ],
)
def test_sizes_have_two_or_three_digits(count: int, shown: str) -> None:
    assert size(count) == shown


def test_a_source_is_named_by_marker_file_and_page() -> None:
    assert source_label(2, "folder/b.pdf", "page 9") == "[2] b.pdf, page 9"
    assert source_label(1, "notes.md", None) == "[1] notes.md"


def test_a_place_names_page_and_headings_where_there_are_any() -> None:
    assert place("page 9", ["Travel", "Meals"]) == "Page 9 · Travel › Meals"
    assert place("pages!A5", []) == "pages!A5"  # a sheet is called as its file calls it
    assert place("Travel › Meals", ["Travel", "Meals"]) == "Travel › Meals"
    assert place("", []) == ""


def test_dates_are_as_short_as_they_can_be() -> None:
    now = datetime(2026, 5, 20, 12).timestamp()
    assert day(datetime(2026, 5, 20, 9, 5).timestamp(), now=now) == "09:05"
    assert day(datetime(2026, 3, 3).timestamp(), now=now) == "3 Mar"
    assert day(datetime(2024, 3, 3).timestamp(), now=now) == "3 Mar 2024"


def test_time_left_follows_from_the_pace_and_is_not_guessed() -> None:
    assert seconds_left(document(done=10, total=40, stage_started_at=100.0), now=110.0) == 30
    assert seconds_left(document(done=0, total=40, stage_started_at=100.0), now=110.0) is None
    assert seconds_left(document(done=1, total=40, stage_started_at=100.0), now=100.5) is None
    assert seconds_left(document(done=1, total=40), now=100.5) is None


def test_progress_names_the_stage_and_its_share() -> None:
    assert progress_line(document(done=10, total=40)) == "Embedding · 25 %"
    assert progress_line(document(status="received")) == "Waiting"


def test_stages_add_up_to_the_whole_way() -> None:
    way = [
        document(status="received"),
        document(status="parsing", done=1, total=2),
        document(status="embedding", done=1, total=2),
        document(status="indexing", done=2, total=2),
        document(status="ready"),
    ]
    percents = [overall_percent(each) for each in way]
    assert percents == sorted(percents)
    assert percents[0] == 0
    assert percents[-1] == 100
    assert overall_percent(document(status="failed")) == 0
