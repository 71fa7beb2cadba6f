"""Conversations: kept, renamed, hidden and brought back."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy import delete as delete_rows

from citewise.errors import NotFoundError
from citewise.registry import records
from citewise.registry.ids import new_id
from citewise.registry.tables import asked, conversations, turns
from citewise.types import Conversation


def create(tx: Connection, *, title: str, collection: str) -> Conversation:
    """Begin a conversation about the collection of that name."""
    now = time.time()
    conversation = Conversation(new_id(), title, collection, now, now)
    put(tx, conversation)
    return conversation


def list_all(rx: Connection) -> list[Conversation]:
    """Return those that are not deleted, the one with the newest turn first."""
    rows = rx.execute(
        select(conversations)
        .where(conversations.c.deleted_at.is_(None))
        .order_by(conversations.c.updated_at.desc(), conversations.c.id)
    )
    return [_conversation(row) for row in rows]


def get(rx: Connection, conversation_id: str) -> Conversation:
    """Return a conversation. Raises ``NotFoundError``, also when it is deleted."""
    row = rx.execute(
        select(conversations).where(conversations.c.id == conversation_id, conversations.c.deleted_at.is_(None))
    ).one_or_none()
    if row is None:
        raise NotFoundError("conversation", conversation_id, hint="It may have been deleted.")
    return _conversation(row)


def is_known(rx: Connection, conversation_id: str) -> bool:
    """Whether there is, or was, such a conversation."""
    return rx.scalar(select(conversations.c.id).where(conversations.c.id == conversation_id)) is not None


def put(tx: Connection, conversation: Conversation) -> None:
    """Store a conversation as it is, its id and times included."""
    tx.execute(insert(conversations).values(records.dump(conversation)))


def rename(tx: Connection, conversation_id: str, title: str) -> None:
    """Give a conversation another title; its place in the list stays. Raises ``NotFoundError``."""
    get(tx, conversation_id)
    tx.execute(update(conversations).where(conversations.c.id == conversation_id).values(title=title))


def touch(tx: Connection, conversation_id: str) -> None:
    """Note that something was said just now."""
    tx.execute(update(conversations).where(conversations.c.id == conversation_id).values(updated_at=time.time()))


def delete(tx: Connection, conversation_id: str) -> None:
    """Hide a conversation. Raises ``NotFoundError``."""
    get(tx, conversation_id)
    tx.execute(update(conversations).where(conversations.c.id == conversation_id).values(deleted_at=time.time()))
    own = select(turns.c.id).where(turns.c.conversation_id == conversation_id)
    tx.execute(delete_rows(asked).where(asked.c.turn_id.in_(own)))


def restore(tx: Connection, conversation_id: str) -> None:
    """Bring a deleted conversation back; nothing happens to one that is there. Raises ``NotFoundError``."""
    tx.execute(update(conversations).where(conversations.c.id == conversation_id).values(deleted_at=None))
    get(tx, conversation_id)


def _conversation(row: Any) -> Conversation:
    return Conversation(row.id, row.title, row.collection, row.created_at, row.updated_at)
