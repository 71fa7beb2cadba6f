from __future__ import annotations

import pytest
from sqlalchemy import update

from citewise.errors import NotFoundError, QuestionError
from citewise.registry import branches, conversations, feedback, turns
from citewise.registry.database import Registry
from citewise.registry.tables import turns as table


class Chat:
    """A conversation whose turns are named by what they ask."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        with registry.write() as tx:
            self.id = conversations.create(tx, title="", collection="default").id
        self.ids: dict[str, str] = {}

    def ask(self, question: str, *, after: str | None = None, instead_of: str | None = None) -> None:
        with self.registry.write() as tx:
            turn = turns.create(
                tx,
                conversation_id=self.id,
                question=question,
                after=self.ids.get(after or ""),
                instead_of=self.ids.get(instead_of or ""),
            )
        self.ids[question] = turn.id

    def show(self, question: str) -> None:
        with self.registry.write() as tx:
            branches.show(tx, self.ids[question])

    @property
    def shown(self) -> list[str]:
        with self.registry.read() as rx:
            return [turn.question for turn in turns.of_conversation(rx, self.id)]

    def versions(self, question: str) -> list[str]:
        names = {turn_id: name for name, turn_id in self.ids.items()}
        with self.registry.read() as rx:
            return [names[turn_id] for turn_id in turns.get(rx, self.ids[question]).versions]


@pytest.fixture
def chat(registry: Registry) -> Chat:
    chat = Chat(registry)
    for question in ("a", "b", "c"):
        chat.ask(question)
    return chat


def test_a_turn_asked_anew_begins_a_branch_and_the_other_is_kept(chat: Chat) -> None:
    chat.ask("b2", instead_of="b")
    assert chat.shown == ["a", "b2"]
    chat.ask("d")
    assert chat.shown == ["a", "b2", "d"]
    assert chat.versions("b") == chat.versions("b2") == ["b", "b2"]
    chat.show("b")
    assert chat.shown == ["a", "b", "c"]


def test_the_first_turn_can_be_asked_anew_too(chat: Chat) -> None:
    chat.ask("a2", instead_of="a")
    assert chat.shown == ["a2"]
    assert chat.versions("a2") == ["a", "a2"]


def test_a_version_remembers_what_was_shown_below_it(chat: Chat) -> None:
    chat.ask("c2", instead_of="c")
    chat.show("c")
    chat.ask("b2", instead_of="b")
    chat.show("b")
    assert chat.shown == ["a", "b", "c"]


def test_showing_a_turn_shows_those_before_it(chat: Chat) -> None:
    chat.ask("a2", instead_of="a")
    chat.show("c")
    assert chat.shown == ["a", "b", "c"]


def test_one_goes_on_in_the_branch_that_one_looks_at(chat: Chat) -> None:
    chat.ask("b2", instead_of="b")
    chat.ask("d", after="b")  # in another window, which still shows the first branch
    assert chat.shown == ["a", "b", "c", "d"]


def test_a_branch_that_is_not_shown_can_be_read(chat: Chat) -> None:
    chat.ask("b2", instead_of="b")
    with chat.registry.read() as rx:
        read = turns.of_conversation(rx, chat.id, branch=chat.ids["b"])
    assert [turn.question for turn in read] == ["a", "b", "c"]
    assert chat.shown == ["a", "b2"]


def test_turns_of_other_conversations_are_not_known(chat: Chat, registry: Registry) -> None:
    other = Chat(registry)
    other.ids = dict(chat.ids)
    with pytest.raises(NotFoundError, match="no turn named"):
        other.ask("x", instead_of="a")
    with pytest.raises(NotFoundError, match="no turn named"):
        other.ask("x", after="a")
    with registry.write() as tx, pytest.raises(NotFoundError, match="no turn named"):
        branches.show(tx, "nowhere")


@pytest.mark.parametrize("shown", [True, False])
def test_a_conversation_where_no_or_every_version_claims_to_be_shown_is_still_one_branch(
    chat: Chat, *, shown: bool
) -> None:
    chat.ask("b2", instead_of="b")
    with chat.registry.write() as tx:
        tx.execute(update(table).values(shown=shown))
    assert chat.shown == ["a", "b2"]


def test_what_somebody_thought_is_kept_changed_and_forgotten(chat: Chat) -> None:
    def kept() -> tuple[bool, str | None, str] | None:
        with chat.registry.read() as rx:
            given = turns.get(rx, chat.ids["b"]).feedback
            assert turns.of_conversation(rx, chat.id)[1].feedback == given
        return (given.good, given.reason, given.note) if given else None

    assert kept() is None
    with chat.registry.write() as tx:
        feedback.put(tx, chat.ids["b"], good=True, reason=None, note="")
    assert kept() == (True, None, "")
    with chat.registry.write() as tx:
        feedback.put(tx, chat.ids["b"], good=False, reason="missing", note="The fee")
    assert kept() == (False, "missing", "The fee")
    with chat.registry.write() as tx:
        feedback.remove(tx, chat.ids["b"])
        feedback.remove(tx, chat.ids["b"])
    assert kept() is None


def test_feedback_that_makes_no_sense_is_refused(chat: Chat) -> None:
    with chat.registry.write() as tx:
        with pytest.raises(QuestionError, match="not good; it is one of wrong, unsupported"):
            feedback.put(tx, chat.ids["b"], good=True, reason="wrong", note="")
        with pytest.raises(QuestionError, match="is one of"):
            feedback.put(tx, chat.ids["b"], good=False, reason="ugly", note="")  # type: ignore[arg-type]
        with pytest.raises(QuestionError, match="has 501 characters and may have 500"):
            feedback.put(tx, chat.ids["b"], good=False, reason=None, note="x" * 501)
        with pytest.raises(NotFoundError):
            feedback.put(tx, "nowhere", good=True, reason=None, note="")
