"""Branches: a conversation is a tree of turns, and one way through it is shown.

Turns with the same parent are versions of one another: the same question answered again, or
asked in other words. One of them is shown. Each remembers which of those after it was shown
last, so that going to another version and back changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from citewise.errors import NotFoundError
from citewise.registry.tables import turns


@dataclass(frozen=True, slots=True)
class Link:
    """Where a turn stands."""

    id: str
    parent_id: str | None  # None: it begins the conversation
    shown: bool


class Tree:
    """The turns of a conversation by where they stand; ``links`` in the order of asking."""

    def __init__(self, links: Sequence[Link]) -> None:
        self._links = {link.id: link for link in links}
        self._children: dict[str | None, list[Link]] = defaultdict(list)
        for link in links:
            self._children[link.parent_id].append(link)

    def parent(self, turn_id: str) -> str | None:
        """Return the turn before it. Raises ``NotFoundError`` for one of another conversation."""
        return self._link(turn_id).parent_id

    def versions(self, turn_id: str) -> tuple[str, ...]:
        """Return a turn and those that stand at the same place, the oldest first."""
        return tuple(link.id for link in self._children[self._link(turn_id).parent_id])

    def path(self, turn_id: str | None = None) -> list[str]:
        """Return the turns that are shown, in order; with a turn, those before it and of its branch after it."""
        before: list[str] = []
        at = turn_id
        while at is not None:
            before.append(at)
            at = self._link(at).parent_id
        path = before[::-1]
        while versions := self._children.get(path[-1] if path else None):
            # Of several that claim to be shown, which no code here leaves behind, the newest.
            path.append(([link for link in versions if link.shown] or versions)[-1].id)
        return path

    def _link(self, turn_id: str) -> Link:
        if turn_id not in self._links:
            raise missing(turn_id)
        return self._links[turn_id]


def missing(turn_id: str) -> NotFoundError:
    """The error for a turn that is not there."""
    return NotFoundError("turn", turn_id, hint="Open its conversation again to see the turns it has.")


def tree(rx: Connection, conversation_id: str) -> Tree:
    """Read where the turns of a conversation stand; an unknown one has none."""
    rows = rx.execute(
        select(turns.c.id, turns.c.parent_id, turns.c.shown)
        .where(turns.c.conversation_id == conversation_id)
        .order_by(turns.c.ordinal)
    )
    return Tree([Link(row.id, row.parent_id, row.shown) for row in rows])


def show(tx: Connection, turn_id: str) -> None:
    """Let a turn and those before it be the ones that are shown. Raises ``NotFoundError``."""
    conversation_id = tx.scalar(select(turns.c.conversation_id).where(turns.c.id == turn_id))
    if conversation_id is None:
        raise missing(turn_id)
    known = tree(tx, conversation_id)
    at: str | None = turn_id
    while at is not None:
        versions = known.versions(at)
        if len(versions) > 1:
            tx.execute(update(turns).where(turns.c.id.in_(versions)).values(shown=turns.c.id == at))
        at = known.parent(at)
