"""Branches of conversations, and what a person thought of an answer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what is new, and say of each turn which one it followed."""
    # The reference stands in the column, so that SQLite need not write all answers anew.
    parent = sa.Column("parent_id", sa.Text(), sa.ForeignKey("turns.id"))
    op.add_column("turns", parent, inline_references=True)
    op.add_column("turns", sa.Column("shown", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.execute(
        "UPDATE turns SET parent_id = (SELECT before.id FROM turns AS before "
        "WHERE before.conversation_id = turns.conversation_id AND before.ordinal < turns.ordinal "
        "ORDER BY before.ordinal DESC LIMIT 1)"
    )
    columns = ["conversation_id", "ordinal", "parent_id", "shown", "id"]
    op.create_index(op.f("ix_turns_conversation_id_ordinal_parent_id_shown_id"), "turns", columns)
    op.create_table(
        "feedback",
        sa.Column("turn_id", sa.Text(), nullable=False),
        sa.Column("good", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name=op.f("fk_feedback_turn_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("turn_id", name=op.f("pk_feedback")),
    )
