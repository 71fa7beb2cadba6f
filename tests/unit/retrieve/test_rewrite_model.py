from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from citewise.errors import ProviderError
from citewise.protocols import Finished, TextDelta
from citewise.retrieve.rewrite_model import standalone_question, variants_of
from citewise.types import Message, Usage

HISTORY = (Message("user", "What is the warranty period of the X200 pump?"), Message("assistant", "Two years [1]."))


class Scripted:
    """A writer that replies as told, a word at a time."""

    name = "fake:writer"

    def __init__(self, reply: str = "", *, stop: str = "complete", error: str = "", pause_s: float = 0) -> None:
        self.reply, self.stop, self.error, self.pause_s = reply, stop, error, pause_s
        self.read: list[str] = []

    def write(
        self, instructions: str, text: str, *, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[TextDelta | Finished]:
        self.read.append(text)
        if self.error:
            raise ProviderError(self.error, provider="fake")
        for word in self.reply.split(" "):
            time.sleep(self.pause_s)
            if cancelled():
                return
            yield TextDelta(f"{word} ")
        yield Finished(self.stop, Usage(20, 7))  # type: ignore[arg-type]


def test_the_chat_model_rewrites_and_its_tokens_are_counted() -> None:
    writer = Scripted("“How do I clean the X200 pump?”")
    worded = standalone_question("How do I clean it?", HISTORY, writer)
    assert (worded.texts, worded.by) == (("How do I clean the X200 pump?",), "fake:writer")
    assert (worded.usage, worded.degraded) == (Usage(20, 7), None)
    assert "user: What is the warranty period of the X200 pump?" in writer.read[0]


@pytest.mark.parametrize(
    ("writer", "why"),
    [
        (Scripted(error="The model server could not be reached."), "could not be reached"),
        (Scripted("word " * 900), "did not reply with a question"),
        (Scripted(""), "did not reply with a question"),
        (Scripted("How do I", stop="truncated"), "truncated"),
        (Scripted("one two three four", pause_s=0.8), "took longer than 2 s"),
    ],
)
def test_rules_stand_in_with_a_sentence(writer: Scripted, why: str) -> None:
    worded = standalone_question("How do I clean it?", HISTORY, writer, seconds=2)
    assert (worded.texts[0], worded.by) == ("How do I clean X200 pump?", "rules")
    assert worded.degraded is not None
    assert worded.degraded.startswith("The follow-up was made to stand alone by rules, not by fake:writer: ")
    assert why in worded.degraded


def test_without_history_nobody_is_asked() -> None:
    writer = Scripted("Something else?")
    assert standalone_question("How do I clean it?", (), writer).texts == ("How do I clean it?",)
    assert not writer.read


def test_by_rules_the_topic_of_the_conversation_is_searched_for_too() -> None:
    worded = standalone_question("What are popular valves?", HISTORY, None)
    assert worded.texts == ("What are popular valves?", "What are popular valves? (X200 pump)")


def test_other_wordings_come_one_a_line_without_numbers_and_repeats() -> None:
    writer = Scripted("1. How long is it?\n- How long is it?\n\nWhat is the length?\nA?\nB?")
    worded = variants_of("What length has it?", "multi-query", writer)
    assert worded.texts == ("How long is it?", "What is the length?", "A?")


def test_variants_that_cannot_be_had_are_left_out_with_a_sentence() -> None:
    assert variants_of("What?", "none", None).degraded is None
    for worded in (variants_of("What?", "hyde", None), variants_of("What?", "hyde", Scripted(error="No."))):
        assert worded.texts == ()
        assert worded.degraded is not None
        assert worded.degraded.startswith("Only the question was searched for")
