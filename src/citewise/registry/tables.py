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
    true,
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
    Column("enabled", Boolean, nullable=False, server_default=true()),  # false: kept, but in no answer
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

document_tags = Table(
    "document_tags",
    metadata,
    Column("document_id", Text, ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    Column("tag", Text, primary_key=True, index=True),
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
    Column("splitter", Text),  # fingerprint of the set that is shown and counted; NULL until split
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
    Column("places", LargeBinary),  # packed Places; NULL when there are none
    Column("words", LargeBinary),  # packed Words; NULL when there are none
    ForeignKeyConstraint(["document_id", "version"], ["versions.document_id", "versions.version"], ondelete="CASCADE"),
)

# A version has one set of chunks for each way of cutting that a generation holds.
chunks = Table(
    "chunks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("document_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("splitter", Text, nullable=False),  # fingerprint
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
    UniqueConstraint("document_id", "version", "splitter", "ordinal"),
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
    Column("ordinal", Integer, nullable=False),  # in the order of asking, over all branches
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
    Column("conflicts", JSON, nullable=False, server_default="[]"),
    Column("parent_id", Text, ForeignKey("turns.id")),  # NULL: it begins the conversation
    Column("shown", Boolean, nullable=False, server_default=true()),  # of turns with the same parent, one is
    UniqueConstraint("conversation_id", "ordinal"),
    # Holds all that tells where a turn stands: its row may be megabytes of evidence.
    Index(None, "conversation_id", "ordinal", "parent_id", "shown", "id"),
)

# What a person thought of an answer.
feedback = Table(
    "feedback",
    metadata,
    Column("turn_id", Text, ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
    Column("good", Boolean, nullable=False),
    Column("reason", Text),  # of a closed set; NULL when good
    Column("note", Text, nullable=False),  # a person's own words, "" for none
    Column("at", Double, nullable=False),
)

# What can be made again from the turns: one vector of each complete answer's standalone question. Turns of
# deleted conversations have none.
asked = Table(
    "asked",
    metadata,
    Column("turn_id", Text, ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
    Column("collection", Text, nullable=False),  # its name
    Column("fingerprint", Text, nullable=False),  # of the embedder
    Column("vector", LargeBinary, nullable=False),  # float32, little-endian
    Column("stored_at", Double, nullable=False),
    Index(None, "collection", "stored_at"),
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
    Column("model", Text, nullable=False, server_default=""),  # PROVIDER:NAME that the embedder is opened by
    Column("verified_at", Double),  # when every chunk was last found; NULL until then
    Column("published_at", Double),  # when answers last began to come from it
    Column("comparison", JSON),  # how it did beside the serving one, on the same questions
)

active_generation = Table(
    "active_generation",
    metadata,
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("generation_id", Text, ForeignKey("generations.id"), nullable=False),
    CheckConstraint("slot = 1", name="one_row"),
)

# What the indexes of a generation hold: one version of a document, cut in one way.
held = Table(
    "held",
    metadata,
    Column("generation_id", Text, ForeignKey("generations.id", ondelete="CASCADE"), primary_key=True),
    Column("document_id", Text, ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("splitter", Text, nullable=False),  # fingerprint
    Column("collection_id", Text, nullable=False),  # as the indexes have it
    Index(None, "document_id"),
)

index_jobs = Table(
    "index_jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("generation_id", Text),  # what is built, switched to or checked
    Column("stage", Text, nullable=False),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("stage_started_at", Double),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    Column("options", JSON, nullable=False),
    Column("result", JSON),
    Column("error", Text),
)

# A person's own questions with the places of the right passages: no words of documents, which these would outlive.
cases = Table(
    "cases",
    metadata,
    Column("id", Text, primary_key=True),
    Column("question", Text, nullable=False),
    Column("collection", Text, nullable=False),  # its name
    Column("places", JSON, nullable=False),  # empty: the documents do not say
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
)

# Nor here: hits stand by their place.
evaluations = Table(
    "evaluations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),  # of the set
    Column("state", Text, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("generation_id", Text),
    Column("created_at", Double, nullable=False),
    Column("finished_at", Double),
    Column("report", JSON),  # NULL until something was asked
    Column("error", Text),
)

watched_folders = Table(
    "watched_folders",
    metadata,
    Column("id", Text, primary_key=True),
    Column("path", Text, nullable=False),  # absolute
    Column("collection", Text, nullable=False),  # its name
    Column("created_at", Double, nullable=False),
    Column("scanned_at", Double),
    Column("error", Text),  # why the last look failed, as a sentence
    UniqueConstraint("path", "collection"),
)

watched_files = Table(
    "watched_files",
    metadata,
    Column("folder_id", Text, ForeignKey("watched_folders.id", ondelete="CASCADE"), primary_key=True),
    Column("source", Text, primary_key=True),  # path within the folder
    Column("stamp", Text, nullable=False),  # size and times when it was last read; other ones: it is read again
    Column("device", Text, nullable=False),  # that it was on, to tell a removed file from an unmounted disk
    Column("missing", Boolean, nullable=False),  # true: the file went, and its document was removed with it
    Column("content_hash", Text),  # NULL when it could not be taken in
    Column("document_id", Text),  # no foreign key: the document may be purged
    Column("error", Text),  # why it could not be taken in, as a sentence
)
