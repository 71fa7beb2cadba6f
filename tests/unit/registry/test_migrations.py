"""Registries of every released schema open with everything in them; newer ones are left alone."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

import citewise.registry
from citewise.errors import RegistryError
from citewise.registry import asked, conversations, documents, embeddings, generations, held, records, schema, turns
from citewise.registry.check import check_registry
from citewise.registry.database import Registry
from citewise.registry.ids import hash_text
from citewise.types import Answer
from tests.unit.registry.making import SPLITTER, citation, cut, parsed

MIGRATIONS = Path(citewise.registry.__file__).parent / "migrations"
TEXTS = {"d1": "The ferry leaves the north pier at noon.", "d2": "The spring tide reaches 4.2 metres."}
QUESTIONS = ("How high?", "And at neap tide?", "Says who?")
VECTOR = np.array([0.6, 0.8], dtype="<f4").tobytes()


@pytest.fixture
def first_schema(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A registry as migration 0001 made it, open for plain SQL."""
    engine = create_engine(f"sqlite:///{tmp_path / 'registry.sqlite3'}")
    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("path_separator", "os")
        command.upgrade(config, "0001")
    engine.dispose()
    with closing(sqlite3.connect(tmp_path / "registry.sqlite3")) as connection:
        yield connection


def put(connection: sqlite3.Connection, table: str, **values: object) -> None:
    names = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))  # noqa: S608


def fill(connection: sqlite3.Connection) -> None:
    """Two documents, of which the second has a newer version on its way, an index, and a conversation."""
    put(connection, "collections", id="c", name="default", created_at=1.0)
    put(connection, "generations", id="g", state="active", embedder="m/1", splitter=SPLITTER, dimension=2, created_at=1)
    put(connection, "active_generation", slot=1, generation_id="g")
    for key, text in TEXTS.items():
        newest = 2 if key == "d2" else 1
        put(
            connection,
            "documents",
            id=key,
            collection_id="c",
            source=f"{key}.txt",
            newest_version=newest,
            serving_version=1,
            created_at=2.0,
        )
        for version in range(1, newest + 1):
            add_version(connection, key, version, text, ready=version == 1)
    put(connection, "conversations", id="v", title="Tides", collection="default", created_at=3.0, updated_at=4.0)
    for ordinal, question in enumerate(QUESTIONS):
        put(
            connection,
            "turns",
            id=f"t{ordinal}",
            conversation_id="v",
            ordinal=ordinal,
            question=question,
            standalone_question=question,
            created_at=3.0,
            status="complete",
            step="",
            text="4.2 metres [1].",
            model="extractive",
            input_tokens=1,
            output_tokens=2,
            evidence="[]",
            citations=json.dumps(records.dump((citation(),))),
            contexts="[]",
            trace="{}",
        )
    connection.commit()


def add_version(connection: sqlite3.Connection, key: str, version: int, text: str, *, ready: bool) -> None:
    put(
        connection,
        "versions",
        document_id=key,
        version=version,
        title="",
        content_hash="c0ffee",
        media_type="text/plain",
        bytes=len(text),
        metadata="{}",
        status="ready" if ready else "received",
        done=0,
        total=0,
        pages=1,
        chunks=5,
        splitter=SPLITTER if ready else None,
        added_at=2.0,
        timings="{}",
    )
    if not ready:
        return
    document = parsed(text)
    put(
        connection,
        "texts",
        document_id=key,
        version=version,
        text=text,
        pages=records.pack(document.pages),
        blocks=records.pack(document.blocks),
        page_reports=records.pack(document.report.pages),
    )
    for chunk in cut(text, key, version):
        put(
            connection,
            "chunks",
            id=chunk.id,
            document_id=key,
            version=version,
            ordinal=chunk.ordinal,
            start=chunk.start,
            end=chunk.end,
            headings=json.dumps(chunk.headings),
            text=chunk.text,
            context=chunk.context,
            text_hash=hash_text(chunk.full_text),
        )
        connection.execute(
            "INSERT OR IGNORE INTO embeddings VALUES (?, 'm/1', ?)", (hash_text(chunk.full_text), VECTOR)
        )


def test_a_registry_of_the_first_schema_opens_with_everything_in_it(
    first_schema: sqlite3.Connection, tmp_path: Path
) -> None:
    fill(first_schema)
    first_schema.close()
    registry = Registry(tmp_path)
    with registry.read() as rx:
        found = {document.id: document for document in documents.list_documents(rx, None)}
        assert {key: (one.source, one.status, one.version, one.enabled, one.tags) for key, one in found.items()} == {
            "d1": ("d1.txt", "ready", 1, True, ()),
            "d2": ("d2.txt", "received", 2, True, ()),
        }
        for key, text in TEXTS.items():
            assert documents.text(rx, key, 1) == text
            chunks = documents.chunks(rx, key, 1)
            assert [(chunk.id, chunk.text) for chunk in chunks] == [(one.id, one.text) for one in cut(text, key, 1)]
            hashes = [hash_text(chunk.full_text) for chunk in chunks]
            assert set(embeddings.get_many(rx, "m/1", hashes)) == set(hashes)
        active = generations.active(rx)
        assert active is not None
        assert (active.id, active.state, active.model, active.verified_at) == ("g", "active", "", None)
        assert held.entries(rx, "g") == {key: held.Entry(key, 1, SPLITTER, "c") for key in TEXTS}
        assert held.chunk_count(rx, "g") == sum(len(cut(text, key, 1)) for key, text in TEXTS.items())
        splitters = rx.exec_driver_sql("SELECT DISTINCT splitter FROM chunks").scalars().all()
        assert splitters == [SPLITTER]
        assert [one.title for one in conversations.list_all(rx)] == ["Tides"]
        kept = turns.of_conversation(rx, "v")
        assert [(one.id, one.question, one.parent_id, one.versions, one.feedback) for one in kept] == [
            (f"t{number}", question, f"t{number - 1}" if number else None, (f"t{number}",), None)
            for number, question in enumerate(QUESTIONS)
        ]
        assert isinstance(kept[0].answer, Answer)
        assert (kept[0].answer.text, kept[0].answer.citations) == ("4.2 metres [1].", (citation(),))
        assert set(asked.without_vector(rx, "default", "m/1", most=10).values()) == set(QUESTIONS)
    registry.close()
    problems = check_registry(tmp_path / "registry.sqlite3", deep=True)
    assert {problem.part for problem in problems} == {"originals"}  # there never were any


def test_an_empty_registry_of_the_first_schema_opens_too(first_schema: sqlite3.Connection, tmp_path: Path) -> None:
    first_schema.close()
    registry = Registry(tmp_path)
    with registry.read() as rx:
        assert generations.active(rx) is None
    registry.close()


def test_a_migration_that_fails_leaves_the_old_registry_as_it_was(
    first_schema: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(first_schema)
    first_schema.close()
    with closing(sqlite3.connect(tmp_path / "registry.sqlite3")) as connection:
        before = list(connection.iterdump())
        with monkeypatch.context() as patch:
            patch.setattr(schema, "HEAD", "8999")  # there is no such migration
            with pytest.raises(Exception, match="8999"):
                Registry(tmp_path)
        assert list(connection.iterdump()) == before


@pytest.mark.parametrize("revision", [f"{int(schema.HEAD) + 1:04}", "9000"])
def test_a_registry_of_a_newer_schema_is_refused_with_a_sentence_and_left_as_it_is(
    tmp_path: Path, revision: str
) -> None:
    Registry(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "registry.sqlite3")) as connection:
        connection.execute("CREATE TABLE something_new (id TEXT)")
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        connection.commit()
    before = (tmp_path / "registry.sqlite3").read_bytes()
    for unclean in (False, True):
        with pytest.raises(RegistryError, match=rf"newer version .*schema {revision}.*Upgrade Citewise.*nothing was"):
            Registry(tmp_path, unclean=unclean)
        assert (tmp_path / "registry.sqlite3").read_bytes() == before
