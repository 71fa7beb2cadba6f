"""A data directory with everything in it, for tests of what happens to it as a whole."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from citewise.registry import collections, conversations, embeddings, generations, held, turns
from citewise.registry.blobs import Blobs
from citewise.registry.database import Registry
from citewise.registry.ids import hash_text
from tests.unit.registry.making import SPLITTER, serve

MODEL = "model/1"
DIMENSION = 8


def text_of(source: str, words: int = 40) -> str:
    return " ".join(f"{source}-{number}" for number in range(words)) + "."


def keep(registry: Registry, blobs: Blobs, source: str, text: str | None = None) -> str:
    """Add a document as an ingest does, and return its id: original, text, chunks, vectors."""
    text = text or text_of(source)
    content_hash, _ = blobs.put(io.BytesIO(text.encode()), limit_bytes=10**7)
    with registry.write() as tx:
        document_id, chunks = serve(tx, source, text, content_hash=content_hash)
        random = np.random.default_rng(len(text))
        vectors = random.normal(size=(len(chunks), DIMENSION)).astype("f4")
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        hashes = [hash_text(chunk.full_text) for chunk in chunks]
        embeddings.put_many(tx, MODEL, dict(zip(hashes, vectors, strict=True)))
    return document_id


def converse(registry: Registry, question: str) -> str:
    with registry.write() as tx:
        collections.ensure(tx, "default")
        conversation = conversations.create(tx, title=question, collection="default")
        turns.create(tx, conversation_id=conversation.id, question=question, model="extractive")
    return conversation.id


def make_home(home: Path, documents: int = 3) -> list[str]:
    """Fill a data directory and close it; returns the ids of its documents."""
    registry, blobs = Registry(home), Blobs(home)
    ids = [keep(registry, blobs, f"{number:02}.txt") for number in range(documents)]
    converse(registry, "What is in it?")
    with registry.write() as tx:
        generation = generations.create(tx, embedder=MODEL, splitter=SPLITTER, dimension=DIMENSION)
        generations.publish(tx, generation.id)
        held.put(tx, generation.id, list(held.wanted(tx).values()))
    registry.close()
    return ids


def everything(home: Path) -> dict[str, bytes]:
    """The bytes of all files in a directory by name, without the lock."""
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file() and path.name != "owner.lock"
    }
