from __future__ import annotations

import json
import random
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from citewise.registry import conversations, embeddings, feedback, needles, removal, turns
from citewise.registry.database import Registry
from citewise.registry.ids import hash_text
from citewise.registry.needles import Needle, Needles, Place, distinctive, find_needles, fingerprints
from citewise.types import Answer
from tests.unit.registry.making import serve

TEXT = "The keeper of the light wrote every evening into the book of the station what the sea had brought. "
OTHER = "Nobody has ever counted the puffins that breed on the northern cliffs of the island in early summer. "


def words(text: str, *, registry: Registry, remaining: str = OTHER) -> Needles:
    """What is looked for of a document with that text, after it was erased beside another one."""
    with registry.write() as tx:
        document_id, _ = serve(tx, "the keeper's book.txt", text)
        serve(tx, "puffins.txt", remaining)
        found = fingerprints(tx, [document_id])
        removal.purge(tx, [document_id])
    return distinctive(registry, found, quotes=False)


@pytest.fixture
def home(registry: Registry) -> Path:
    return registry.path.parent


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_words_are_found_in_any_file_in_any_of_the_usual_encodings(
    registry: Registry, home: Path, encoding: str
) -> None:
    taken = words(TEXT, registry=registry)
    assert find_needles(home, registry, taken).found == []
    (home / "index").mkdir()
    (home / "index" / "left.bin").write_bytes(b"\xff" * 999 + TEXT.encode(encoding))
    assert find_needles(home, registry, taken).found == [Place("index/left.bin", "words")]


@pytest.mark.parametrize(
    "text",
    [
        "灯塔看守人每天晚上都在车站的书中写下大海带来了什么东西以及他所看到的一切。",
        "Grüße an die Möwenküste",
        "heliotrope",
    ],
)
def test_words_of_any_script_and_length_are_looked_for(registry: Registry, home: Path, text: str) -> None:
    taken = words(text, registry=registry)
    assert taken.documents_without == 0
    (home / "cache.json").write_text(json.dumps({"t": text}))
    assert find_needles(home, registry, taken).found == [Place("cache.json", "words")]


def test_codes_and_names_are_looked_for_in_lower_case_too(registry: Registry, home: Path) -> None:
    taken = words("Ref. KX-2204/b is ours, 2022-03-04 is anybody's.", registry=registry)
    (home / "terms").write_text("kx-2204/b")
    (home / "citewise.log").write_text("could not read the keeper's book.txt")
    (home / "dates").write_text("2022-03-04")
    assert set(find_needles(home, registry, taken).found) == {
        Place("terms", "words"),
        Place("citewise.log", "a name"),
    }


def test_a_needle_across_two_pieces_of_a_file_is_found(
    registry: Registry, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(needles, "_PIECE", 4096)
    taken = words(OTHER[:24], registry=registry, remaining=TEXT)
    assert [needle.kind for needle in taken.all] == ["a name", "words"]
    for before in range(4096 - 30, 4096 + 6, 5):
        (home / "left.bin").write_bytes(b"\0" * before + OTHER.encode() + b"\0" * 50)
        assert find_needles(home, registry, taken).found == [Place("left.bin", "words")]


def test_what_remains_elsewhere_is_no_proof_and_is_not_looked_for(registry: Registry) -> None:
    assert len(words(TEXT, registry=registry, remaining=f"Before. {TEXT}").of_documents[0]) == 1, "only its name"
    with registry.write() as tx:
        document_id, _ = serve(tx, "a copy.txt", TEXT)
        found = fingerprints(tx, [document_id])
        removal.purge(tx, [document_id])
    assert [needle.kind for needle in distinctive(registry, found, quotes=False).all] == ["a name"]


def test_words_in_answers_that_are_kept_are_not_looked_for_and_in_others_they_are(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "book", TEXT)
        conversation = conversations.create(tx, title="", collection="default")
        turn = turns.create(tx, conversation_id=conversation.id, question="What?")
        turns.finish(tx, turn.id, Answer(TEXT, "complete"))
        found = fingerprints(tx, [document_id])
        removal.purge(tx, [document_id], quotes=False)
    assert len(distinctive(registry, found, quotes=True)) == 0
    taken = distinctive(registry, found, quotes=False)
    assert taken.documents_without == 0
    assert Place("registry.sqlite3: turns.text", "words") in find_needles(registry.path.parent, registry, taken).found


def test_words_that_somebody_wrote_about_an_answer_are_theirs(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "book", TEXT)
        conversation = conversations.create(tx, title="", collection="default")
        turn = turns.create(tx, conversation_id=conversation.id, question="What?")
        feedback.put(tx, turn.id, good=False, reason="wrong", note=TEXT)
        found = fingerprints(tx, [document_id])
        removal.purge(tx, [document_id])
    assert len(distinctive(registry, found, quotes=False)) == 0


def test_words_that_stand_in_a_model_are_not_looked_for(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "vocabulary.txt").write_text(TEXT)
    with registry.write() as tx:
        document_id, _ = serve(tx, "book", TEXT)
        found = fingerprints(tx, [document_id])
        removal.purge(tx, [document_id])
    assert len(distinctive(registry, found, quotes=False, besides=[tmp_path / "vocabulary.txt"])) == 0


def test_compressed_columns_and_rows_left_behind_are_seen(registry: Registry, home: Path) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "book", TEXT)
        serve(tx, "puffins", OTHER)
        found = fingerprints(tx, [document_id])
        removal.purge(tx, [document_id])
        tx.exec_driver_sql("UPDATE texts SET blocks = ?", (zlib.compress(TEXT.encode()),))
        left = {"name": "text/1", "hash": hash_text(TEXT), "vector": TEXT.encode()}
        tx.execute(text("INSERT INTO embeddings VALUES (:hash, :name, :vector)"), left)
    taken = distinctive(registry, found, quotes=False)
    assert set(find_needles(home, registry, taken).found) == {
        Place("registry.sqlite3", "words"),
        Place("registry.sqlite3: embeddings.vector", "words"),
        Place("registry.sqlite3: texts.blocks", "words"),
    }


def test_a_text_that_an_erasure_left_behind_does_not_pass_for_one_that_remains(registry: Registry, home: Path) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "book", TEXT)
        found = fingerprints(tx, [document_id])
        removal.purge(tx, [document_id])
    with closing(sqlite3.connect(registry.path)) as careless:  # it checks no foreign keys
        careless.execute("INSERT INTO texts VALUES (?, 1, ?, '', '', '', NULL, NULL)", (document_id, TEXT))
        careless.commit()
    taken = distinctive(registry, found, quotes=False)
    assert Place("registry.sqlite3: texts.text", "words") in find_needles(home, registry, taken).found


def test_vectors_are_found_as_an_index_stores_them(registry: Registry, home: Path) -> None:
    vector = np.random.default_rng(1).normal(size=64).astype(np.float32)
    vector /= np.linalg.norm(vector)
    with registry.write() as tx:
        document_id, chunks = serve(tx, "b", "short")
        other, others = serve(tx, "c", "shorter")
        embeddings.put_many(tx, "model", {hash_text(chunks[0].full_text): vector})
        embeddings.put_many(tx, "model", {hash_text(others[0].full_text): vector})
        found = fingerprints(tx, [document_id])
        removal.purge(tx, [document_id])
    assert [needle.kind for needle in distinctive(registry, found, quotes=False).all] == [], "another chunk has it"
    with registry.write() as tx:
        removal.purge(tx, [other])
    taken = distinctive(registry, found, quotes=False)
    (home / "data_level0.bin").write_bytes(b"abc" + (vector / np.float32(1 - 2**-24)).astype("<f4").tobytes())
    assert find_needles(home, registry, taken).found == [Place("data_level0.bin", "a vector")]


def test_every_occurrence_of_every_needle_is_found() -> None:
    chance = random.Random(4)  # noqa: S311 - bytes to search, no secret
    wanted = [Needle("words", frozenset([chance.randbytes(chance.randint(8, 40))])) for _ in range(300)]
    wanted += [Needle("words", frozenset([next(iter(wanted[0].forms)) + b"more"]))]
    data = bytearray(chance.randbytes(200_000))
    placed = set()
    for number, needle in enumerate(wanted):
        at = 600 * number + chance.randint(0, 500)
        (form,) = needle.forms
        data[at : at + len(form)] = form
        placed.add((at, number))
    placed.add((max(placed, key=lambda one: one[1])[0], 0))  # the last one begins with the first
    assert set(needles._Matcher(wanted).search(bytes(data))) == placed
    assert list(needles._Matcher(wanted).search(b"short")) == []
    assert list(needles._Matcher([]).search(bytes(data))) == []


def test_a_needle_is_never_printed(registry: Registry) -> None:
    taken = words(TEXT, registry=registry)
    assert "keeper" not in f"{taken!r} {taken.all[0]!r} {taken}"


def test_of_many_documents_a_sample_is_looked_for(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needles, "_SAMPLED", 5)
    with registry.write() as tx:
        ids = [serve(tx, f"{number}.txt", f"{number} {TEXT}")[0] for number in range(12)]
        assert len(fingerprints(tx, ids).of_documents) == 4
        assert fingerprints(tx, []).of_documents == ()
