"""What holds of markers whatever a model writes and however the network cuts it."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from citewise.answer.markers import MarkerFilter, normal_markers, without_markers

PIECES = [
    "The anvil is heavy", " [1]", "[2]", "[1, 2]", "[1-3]", "[ 2 ]", "【1】",
    "【3†source】", "［2］", "[Source 1]", "[^1]",
    "[99]", "[0]", "[2020]", "a[1]", "rows_of[2]", " x [1", "[", "]", "1]", "[1,", "`code [1]`", "`", "``",
    "```\n[1]\n```",
    "\n", "\n\n", " ", "  ", ".", ",", "word", "[note]", "[1](u)", "é", "文", "[1]．",
]  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=14).map("".join)
KNOWN = {1, 2, 3}


def filtered(*parts: str) -> tuple[str, int]:
    markers = MarkerFilter(KNOWN)
    out = "".join([markers.feed(part) for part in parts] + [markers.flush()])
    return out, markers.dropped


@given(text=texts, data=st.data())
@example(text="A [1", data=None)
def test_it_does_not_matter_where_a_stream_is_cut(text: str, data: st.DataObject | None) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6))) if data else [3]
    edges = [0, *cuts, len(text)]
    parts = [text[start:end] for start, end in pairwise(edges)]
    assert filtered(*parts) == filtered(text)
    assert filtered(*text) == filtered(text)


@given(text=texts)
@example(text="[[99]9]")
def test_every_marker_that_is_left_is_known(text: str) -> None:
    out, _ = filtered(text)
    assert {number for _, _, number in normal_markers(out)} <= KNOWN


@given(text=texts)
@example(text="[1,[99]1]")
@example(text="`a`[99]`b [1]`")
def test_filtering_again_changes_nothing(text: str) -> None:
    out, _ = filtered(text)
    assert filtered(out) == (out, 0)


@given(text=st.text(alphabet=st.characters(exclude_characters="[【［`"), max_size=60))
def test_text_without_brackets_passes_unchanged(text: str) -> None:
    assert filtered(text) == (text, 0)


@given(text=texts)
def test_markers_found_are_where_they_are_said_to_be(text: str) -> None:
    for start, end, number in normal_markers(text):
        assert text[start:end].strip("[]").lstrip("0") == str(number).lstrip("0")
    assert normal_markers(without_markers(filtered("plain [1] text")[0])) == []
