from __future__ import annotations

from collections.abc import Iterator

import pytest

from citewise.answer.jobs import AnswerRunner, Progress
from citewise.registry import conversations, removal, turns
from citewise.registry.database import Registry
from citewise.registry.quotes import ERASED
from citewise.types import Answer
from tests.unit.registry.making import serve
from tests.unit.registry.test_quotes import SECRET, answer_of, cited, sent


@pytest.fixture
def runner(registry: Registry) -> Iterator[AnswerRunner]:
    started = AnswerRunner(registry)
    started.start()
    yield started
    started.close()


def test_what_was_erased_while_an_answer_was_written_is_not_stored_with_it(
    registry: Registry, runner: AnswerRunner
) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "a.txt", SECRET)
        conversation = conversations.create(tx, title="", collection="default")
        turn = turns.create(tx, conversation_id=conversation.id, question="What is it?")

    def work(progress: Progress) -> Answer:
        progress.text(SECRET)
        with registry.write() as tx:
            removal.purge(tx, [document_id])
        return answer_of(
            (SECRET, (1,)), citations=(cited(1, document_id, SECRET),), contexts=(sent(document_id, SECRET),)
        )

    runner.submit(turn, work)
    for _ in runner.watch(turn.id, poll_s=0.01):
        pass
    runner.close()
    with registry.read() as rx:
        stored = turns.get(rx, turn.id)
    assert "heliotrope" not in repr(stored)
    assert stored.answer.text == f"{ERASED} [1]"
