"""Where text came from in formats without pages, and recognised words with their boxes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what was read before has neither."""
    with op.batch_alter_table("texts") as batch:
        batch.add_column(sa.Column("places", sa.LargeBinary()))
        batch.add_column(sa.Column("words", sa.LargeBinary()))
