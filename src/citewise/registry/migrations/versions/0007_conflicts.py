"""Where the sources of an answer differ."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of older answers nothing is told."""
    op.add_column("turns", sa.Column("conflicts", sa.JSON(), nullable=False, server_default="[]"))
