"""Generations that hold sets of chunks, index jobs, tags, disabled documents, watched folders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what is new, and say of the active generation what it holds."""
    with op.batch_alter_table("documents") as batch:
        batch.add_column(sa.Column("enabled", sa.Boolean(), nullable=False, server_default=sa.true()))
    with op.batch_alter_table("generations") as batch:
        batch.add_column(sa.Column("model", sa.Text(), nullable=False, server_default=""))
        batch.add_column(sa.Column("verified_at", sa.Double()))
        batch.add_column(sa.Column("published_at", sa.Double()))
        batch.add_column(sa.Column("comparison", sa.JSON()))
    op.create_table(
        "document_tags",
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_document_tags_document_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("document_id", "tag", name=op.f("pk_document_tags")),
    )
    op.create_index(op.f("ix_document_tags_tag"), "document_tags", ["tag"])
    _chunks_know_their_splitter()
    _held()
    op.create_table(
        "index_jobs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("generation_id", sa.Text()),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("stage_started_at", sa.Double()),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("result", sa.JSON()),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_index_jobs")),
    )
    op.create_table(
        "watched_folders",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("collection", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("scanned_at", sa.Double()),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watched_folders")),
        sa.UniqueConstraint("path", "collection", name=op.f("uq_watched_folders_path_collection")),
    )
    op.create_table(
        "watched_files",
        sa.Column("folder_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("stamp", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("missing", sa.Boolean(), nullable=False),
        sa.Column("content_hash", sa.Text()),
        sa.Column("document_id", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.ForeignKeyConstraint(
            ["folder_id"], ["watched_folders.id"], name=op.f("fk_watched_files_folder_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("folder_id", "source", name=op.f("pk_watched_files")),
    )


def _chunks_know_their_splitter() -> None:
    with op.batch_alter_table("chunks") as batch:
        batch.add_column(sa.Column("splitter", sa.Text(), nullable=False, server_default=""))
    op.execute(
        "UPDATE chunks SET splitter = coalesce((SELECT versions.splitter FROM versions "
        "WHERE versions.document_id = chunks.document_id AND versions.version = chunks.version), '')"
    )
    with op.batch_alter_table("chunks") as batch:
        batch.alter_column("splitter", existing_type=sa.Text(), existing_nullable=False, server_default=None)
        batch.drop_constraint(op.f("uq_chunks_document_id_version_ordinal"), type_="unique")
        batch.create_unique_constraint(
            op.f("uq_chunks_document_id_version_splitter_ordinal"), ["document_id", "version", "splitter", "ordinal"]
        )


def _held() -> None:
    op.create_table(
        "held",
        sa.Column("generation_id", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("splitter", sa.Text(), nullable=False),
        sa.Column("collection_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["generation_id"], ["generations.id"], name=op.f("fk_held_generation_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_held_document_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("generation_id", "document_id", name=op.f("pk_held")),
    )
    op.create_index(op.f("ix_held_document_id"), "held", ["document_id"])
    op.execute(
        "INSERT INTO held (generation_id, document_id, version, splitter, collection_id) "
        "SELECT active_generation.generation_id, documents.id, versions.version, versions.splitter, "
        "documents.collection_id FROM active_generation, documents JOIN versions "
        "ON versions.document_id = documents.id AND versions.version = documents.serving_version "
        "WHERE versions.splitter IS NOT NULL"
    )
