"""The tables. Portable between SQLite and PostgreSQL; times are seconds since the epoch (UTC).

A change here needs a migration; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

collections = Table(
    "collections",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("created_at", Double, nullable=False),
)

documents = Table(
    "documents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("collection_id", Text, ForeignKey("collections.id"), nullable=False),
    Column("source", Text, nullable=False),
    Column("newest_version", Integer, nullable=False),
    Column("serving_version", Integer),  # NULL until one was published
    Column("created_at", Double, nullable=False),
    Column("deleted_at", Double),
)
# Removed documents keep their row until they are purged, and a new one may take their name meanwhile.
Index(
    "uq_documents_collection_id_source",
    documents.c.collection_id,
    documents.c.source,
    unique=True,
    sqlite_where=text("deleted_at IS NULL"),
    postgresql_where=text("deleted_at IS NULL"),
)

versions = Table(
    "versions",
    metadata,
    Column("document_id", Text, ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("title", Text, nullable=False),  # "" when neither the upload nor the file gave one
    Column("content_hash", Text, nullable=False, index=True),
    Column("media_type", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("status", Text, nullable=False),
    Column("error", Text),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("stage_started_at", Double),
    Column("pages", Integer, nullable=False),
    Column("chunks", Integer, nullable=False),
    Column("report", JSON),  # ParseReport without its pages; NULL until parsed
    Column("splitter", Text),  # fingerprint; NULL until split
    Column("added_at", Double, nullable=False),
    Column("ready_at", Double),
    Column("timings", JSON, nullable=False),
)

# Apart from versions, so that listing thousands of documents reads none of it.
texts = Table(
    "texts",
    metadata,
    Column("document_id", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("pages", LargeBinary, nullable=False),  # packed PageSpans
    Column("blocks", LargeBinary, nullable=False),  # packed Blocks
    Column("page_reports", LargeBinary, nullable=False),  # packed PageReports
    ForeignKeyConstraint(["document_id", "version"], ["versions.document_id", "versions.version"], ondelete="CASCADE"),
)

chunks = Table(
    "chunks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("document_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("page_first", Integer),
    Column("page_last", Integer),
    Column("headings", JSON, nullable=False),
    Column("text", Text, nullable=False),
    Column("context", Text, nullable=False),
    Column("text_hash", Text, nullable=False, index=True),  # of Chunk.full_text
    ForeignKeyConstraint(["document_id", "version"], ["versions.document_id", "versions.version"], ondelete="CASCADE"),
    UniqueConstraint("document_id", "version", "ordinal"),
)

embeddings = Table(
    "embeddings",
    metadata,
    Column("text_hash", Text, primary_key=True),
    Column("fingerprint", Text, primary_key=True),
    Column("vector", LargeBinary, nullable=False),  # float32, little-endian
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("document_id", Text, nullable=False, index=True),  # no foreign key: a job outlives a purge
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("error", Text),
    Index(None, "state", "created_at"),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("collection", Text, nullable=False),  # its name
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("deleted_at", Double),
)

turns = Table(
    "turns",
    metadata,
    Column("id", Text, primary_key=True),
    Column("conversation_id", Text, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("question", Text, nullable=False),
    Column("standalone_question", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("finished_at", Double),
    Column("status", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("cost_usd", Double),
    Column("error", Text),
    Column("reason", Text),
    Column("evidence", JSON, nullable=False),
    Column("citations", JSON, nullable=False),
    Column("contexts", JSON, nullable=False),
    Column("trace", JSON, nullable=False),
    UniqueConstraint("conversation_id", "ordinal"),
)

generations = Table(
    "generations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("embedder", Text, nullable=False),  # fingerprint
    Column("splitter", Text, nullable=False),  # fingerprint
    Column("dimension", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
)

active_generation = Table(
    "active_generation",
    metadata,
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("generation_id", Text, ForeignKey("generations.id"), nullable=False),
    CheckConstraint("slot = 1", name="one_row"),
)
