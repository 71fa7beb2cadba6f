from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run


def test_pairs_give_one_line_each_in_order(anywhere: Run, tmp_path: Path) -> None:
    quotes = ["The press weighs 900 kg."]
    pairs = [
        {"_id": "b", "sentence": "The press weighs 0.9 tonnes.", "quotes": quotes, "kind": "more than is needed"},
        {"_id": "a", "sentence": "The press weighs 950 kg.", "quotes": quotes},
        {"_id": 3, "sentence": "The press weighs 900 kg.", "quotes": []},
    ]
    file = tmp_path / "pairs.jsonl"
    file.write_text("".join(f"{json.dumps(pair)}\n\n" for pair in pairs), encoding="utf-8")
    ran = anywhere("verify", "--pairs", file)
    assert (ran.code, ran.err) == (0, "")
    assert [(line["id"], line["verdict"]) for line in ran.lines] == [
        ("b", "supported"),
        ("a", "unsupported"),
        (3, "unsupported"),
    ]
    assert "950" in ran.lines[1]["reason"]


@pytest.mark.parametrize(
    "line", ["{", '{"_id": 1, "sentence": "A."}', '{"_id": 1, "sentence": 2, "quotes": []}', "[1]"]
)
def test_a_line_that_is_no_pair_is_named(run: Run, tmp_path: Path, line: str) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text(f"{line}\n", encoding="utf-8")
    ran = run("verify", "--pairs", file)
    assert ran.code == 1
    ran.assert_one_sentence("Line 1 of")
