"""JSON: all of a conversation, the same after it was read, and nothing else is taken."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from citewise.answer.export.carried import LARGEST_FILE, Carried, check_size, read_carried, write_carried
from citewise.answer.export.footnotes import read_footnotes
from citewise.errors import QuestionError
from citewise.types import Feedback
from tests.unit.answer.export.making import CONVERSATION, HOSTILE, answer, citation, turn

CARRIED = Carried(
    CONVERSATION,
    (
        turn(0, feedback=Feedback(good=False, reason="wrong", note="No.", at=5.0)),
        turn(1, answer("", status="abstained", citations=(), evidence=(), cost_usd=None)),
        turn(2, parent_id=f"{0:032x}"),
    ),
    frozenset({f"{0:032x}", f"{2:032x}"}),
)


def document() -> dict[str, Any]:
    return dict(json.loads(write_carried(CARRIED, exported_at=7.0)))


def written(document: object) -> bytes:
    return json.dumps(document).encode()


def test_what_is_written_is_read_again() -> None:
    again = read_carried(write_carried(CARRIED, exported_at=7.0))
    assert (again.conversation, again.shown) == (CARRIED.conversation, CARRIED.shown)
    for before, after in zip(CARRIED.turns, again.turns, strict=True):
        assert after.answer == before.answer
        assert (after.question, after.parent_id, after.feedback) == (before.question, before.parent_id, before.feedback)
    assert write_carried(again, exported_at=7.0) == write_carried(CARRIED, exported_at=7.0)


def test_a_file_says_what_it_is_and_names_every_part() -> None:
    found = document()
    assert (found["format"], found["schema"], found["conversation"]["title"]) == (
        "citewise-conversation", 1, CONVERSATION.title,
    )  # fmt: skip
    first = found["turns"][0]["answer"]
    assert {"status", "model", "usage", "cost_usd", "evidence", "citations", "contexts", "trace"} <= first.keys()
    assert {
        "document_id",
        "source",
        "version",
        "content_hash",
        "start",
        "end",
        "page",
        "boxes",
        "locator",
        "quote",
    } <= (first["citations"][0].keys())
    assert {"verdict", "reason", "citations"} <= first["evidence"][0].keys()


def test_fields_of_another_version_are_left_out_or_take_their_default() -> None:
    found = document()
    found["later"] = found["turns"][0]["later"] = found["turns"][0]["answer"]["later"] = {"x": 1}
    del found["turns"][0]["answer"]["citations"][0]["locator"]
    assert read_carried(written(found)).turns[0].answer.citations[0].locator == ""


def test_an_answer_that_was_being_written_is_cut() -> None:
    found = document()
    found["turns"][0]["answer"]["status"] = "running"
    assert read_carried(written(found)).turns[0].answer.status == "cut"


def test_hostile_text_is_carried_as_it_is() -> None:
    one = turn(given=answer(HOSTILE, citation(1, quote=HOSTILE)))
    again = read_carried(write_carried(Carried(CONVERSATION, (one,), frozenset()), exported_at=0.0))
    assert again.turns[0].answer.text == HOSTILE


Change = Callable[[dict[str, Any]], object]
WRONG: list[tuple[str, Change]] = [
    ("not a conversation that Citewise exported", lambda file: file.update(format="else")),
    ("Upgrade Citewise", lambda file: file.update(schema=2)),
    ("`turns` is not a list", lambda file: file.update(turns={})),
    ("`turns` is not a list", lambda file: file.update(turns=[1])),
    ("`title`", lambda file: file["conversation"].update(title=3)),
    ("title has more than 200", lambda file: file["conversation"].update(title="x" * 201)),
    ("`answer.status`", lambda file: file["turns"][0]["answer"].update(status="great")),
    (
        "`answer.citations.0.boxes.0.x0`",
        lambda file: file["turns"][0]["answer"]["citations"][0]["boxes"][0].update(x0="a"),
    ),
    ("`answer.evidence.0.verdict`", lambda file: file["turns"][0]["answer"]["evidence"][0].update(verdict="true")),
    ("`search`", lambda file: file["turns"][0]["answer"].update(trace={"search": 7})),
    ("`search.query.k`", lambda file: file["turns"][0]["answer"].update(trace={"search": {"query": {"k": 10**9}}})),
    (
        "`incomplete.0.version`",
        lambda file: file["turns"][0]["answer"].update(trace={"incomplete": [{"document_id": "x"}]}),
    ),
    ("two turns have the id", lambda file: file["turns"][1].update(id=file["turns"][0]["id"])),
    ("turn 1 follows one that does not stand", lambda file: file["turns"][0].update(parent_id=file["turns"][1]["id"])),
    ("no or more than", lambda file: file["turns"][0].update(question=" ")),
    ("numbered from 1 to 999", lambda file: file["turns"][0]["answer"]["citations"][0].update(marker=2)),
    ("numbered from 1 to 999", lambda file: file["turns"][0]["answer"]["citations"][0].update(marker=0)),
    ("outside of its answer", lambda file: file["turns"][0]["answer"]["evidence"][0].update(end=10**6)),
    (
        "rests on a citation that is not there",
        lambda file: file["turns"][0]["answer"]["evidence"][0].update(citations=[9]),
    ),
    ("ends before it begins", lambda file: file["turns"][0]["answer"]["citations"][0].update(start=10**6)),
    ("number below 1", lambda file: file["turns"][0]["answer"]["citations"][0].update(page=0)),
    ("tokens are out of bounds", lambda file: file["turns"][0]["answer"]["usage"].update(input_tokens=2**40)),
    ("out of bounds", lambda file: file["turns"][0].update(created_at=1e300)),
    ("characters that are no text", lambda file: file["turns"][0].update(question="a\ud800")),
    ("characters that are no text", lambda file: file["turns"][0]["answer"].update(trace={"x": [{"y": "\x00"}]})),
]


@pytest.mark.parametrize(("words", "spoil"), WRONG, ids=range(len(WRONG)))
def test_what_cannot_be_is_refused_with_a_sentence(words: str, spoil: Change) -> None:
    found = document()
    spoil(found)
    with pytest.raises(QuestionError, match=words) as refused:
        read_carried(written(found))
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b'{"a": NaN}', b"\xff\xfe", b"7", b"null"])
def test_what_is_no_such_file_is_refused(content: bytes) -> None:
    with pytest.raises(QuestionError):
        read_carried(content)


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(QuestionError, match="may have 50 MB"):
        check_size(LARGEST_FILE + 1)


@pytest.mark.parametrize("content", [b"", b"hello", b"<p>hello</p>", b"PK\x03\x04broken", b"{}"])
def test_footnotes_of_other_files_are_not_looked_for(content: bytes) -> None:
    with pytest.raises(QuestionError):
        read_footnotes(content)
