"""Embeddings, remembered by the model's fingerprint and the text's hash (``ids.hash_text``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from sqlalchemy import Connection, select

from citewise.registry.sql import batches, insert_missing
from citewise.registry.tables import chunks, embeddings
from citewise.types import Vector


def get_many(rx: Connection, fingerprint: str, hashes: Sequence[str]) -> dict[str, Vector]:
    """Return the stored vectors by text hash, read-only; texts without one are left out."""
    found: dict[str, Vector] = {}
    for batch in batches(hashes):
        rows = rx.execute(
            select(embeddings.c.text_hash, embeddings.c.vector).where(
                embeddings.c.text_hash.in_(batch), embeddings.c.fingerprint == fingerprint
            )
        )
        for text_hash, vector in rows:
            found[text_hash] = np.frombuffer(vector, dtype="<f4").astype(np.float32, copy=False)
    return found


def put_many(tx: Connection, fingerprint: str, vectors: Mapping[str, Vector]) -> None:
    """Store vectors by text hash; one that is there already stays as it is."""
    insert_missing(
        tx,
        embeddings,
        [
            {"fingerprint": fingerprint, "text_hash": text_hash, "vector": np.asarray(vector, dtype="<f4").tobytes()}
            for text_hash, vector in vectors.items()
        ],
    )


def of_chunks(rx: Connection, hashes: Sequence[str]) -> set[str]:
    """Return those text hashes that a chunk has now: the rest was erased meanwhile and must leave no vector."""
    found: set[str] = set()
    for batch in batches(hashes):
        found.update(rx.scalars(select(chunks.c.text_hash).where(chunks.c.text_hash.in_(batch)).distinct()))
    return found
