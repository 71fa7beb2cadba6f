"""Verdicts stand where they break nothing."""

from __future__ import annotations

import pytest

from citewise.answer.cite import _evidence as sentences_of
from citewise.answer.markup import VERDICT_PLACE, with_verdict_places


@pytest.mark.parametrize(
    ("text", "placed"),
    [
        ("It is high [1]. And wide. [2]", "It is high [1].V And wide. [2]V"),
        ("| A | B |\n| --- | --- |\n| 1 | 2 [1] |", "| A | BV |\n| --- | --- |\n| 1 | 2 [1]V |"),
        ("```\nprint(1)\n```\n\nDone.", "```\nprint(1)V\n```\n\nDone.V"),
        ("~~~~\na b\n~~~~", "~~~~\na bV\n~~~~"),
        ("A heading\n---------", "A headingV\n---------"),
        ("> It was said.", "> It was said.V"),
    ],
)
def test_a_verdict_breaks_no_table_code_or_heading(text: str, placed: str) -> None:
    found = VERDICT_PLACE.sub("V", with_verdict_places(text, sentences_of(text)))
    assert found == placed
